import type { Direction, Positions } from '../../graph/layout';
import { nameOf } from './ways';
import type { IEdge, INode, NodeKind } from './facts';

/** What a picture of the graph is made from. */
export interface IPicture {
  readonly title: string;
  readonly nodes: readonly INode[];
  readonly edges: readonly IEdge[];
  readonly positions: Positions;
  readonly direction: Direction;

  /** Nodes to bring out; null: all alike. */
  readonly highlighted: ReadonlySet<string> | null;

  /** The second line of a card. */
  readonly captionOf: (node: INode) => string;
}

/** The size of a card, in the graph and in pictures. */
export const CARD = { width: 208, height: 62 } as const;

/** The size of a card with the gaps around it. */
export const SPACED_CARD = {
  width: CARD.width + 28,
  height: CARD.height + 48
} as const;

/** Draw the graph as a picture that stands alone: own colours, whatever the theme is. */
export function toSvg(picture: IPicture): string {
  const { nodes, edges, positions, highlighted } = picture;
  const places = [...positions.values()];
  const right = Math.max(0, ...places.map(({ x }) => x + CARD.width));
  const bottom = Math.max(0, ...places.map(({ y }) => y + CARD.height));
  const width = Math.ceil(right + 2 * MARGIN);
  const height = Math.ceil(bottom + 2 * MARGIN + HEAD);
  const isFaded = (...ids: string[]) =>
    highlighted !== null && !ids.every(id => highlighted.has(id));
  const lines = edges.map(({ source, target }) => {
    const from = positions.get(source);
    const to = positions.get(target);
    if (!from || !to) {
      return '';
    }
    const isDown = picture.direction === 'down';
    const [x1, y1] = isDown
      ? [from.x + CARD.width / 2, from.y + CARD.height]
      : [from.x + CARD.width, from.y + CARD.height / 2];
    const [x2, y2] = isDown
      ? [to.x + CARD.width / 2, to.y - 1]
      : [to.x - 1, to.y + CARD.height / 2];
    const bend = Math.max(24, Math.abs(isDown ? y2 - y1 : x2 - x1) / 2);
    const [bendX, bendY] = isDown ? [0, bend] : [bend, 0];
    const isBroughtOut = highlighted !== null && !isFaded(source, target);
    return `<path d="M${x1} ${y1}C${x1 + bendX} ${y1 + bendY} ${x2 - bendX} ${y2 - bendY} ${x2} ${y2}" fill="none" stroke="${
      isBroughtOut ? ACCENT : LINE
    }" stroke-width="${isBroughtOut ? 2 : 1.3}" marker-end="url(#arrow${
      isBroughtOut ? '-out' : ''
    })"${isFaded(source, target) ? ' opacity="0.3"' : ''}/>`;
  });
  const cards = nodes.map(node => {
    const place = positions.get(node.id);
    if (!place) {
      return '';
    }
    const color = COLORS[node.kind];
    const radius = node.kind === 'step' ? CARD.height / 2 : 6;
    const caption = picture.captionOf(node);
    return (
      `<g transform="translate(${place.x} ${place.y})"${isFaded(node.id) ? ' opacity="0.35"' : ''}>` +
      `<title>${escape(nameOf(node))}</title>` +
      `<rect width="${CARD.width}" height="${CARD.height}" rx="${radius}" fill="#ffffff" stroke="${color}" stroke-width="1.5"/>` +
      `<text x="18" y="26" font-size="13" font-weight="600" fill="${INK}">${escape(cut(nameOf(node), 24))}</text>` +
      `<text x="18" y="44" font-size="11" fill="${QUIET}">${escape(cut(caption, 30))}</text></g>`
    );
  });
  const marker = (id: string, color: string) =>
    `<marker id="${id}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z" fill="${color}"/></marker>`;
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="system-ui, sans-serif">` +
    `<title>${escape(picture.title)}</title>` +
    `<defs>${marker('arrow', LINE)}${marker('arrow-out', ACCENT)}</defs>` +
    `<rect width="${width}" height="${height}" fill="#ffffff"/>` +
    `<text x="${MARGIN}" y="${MARGIN + 4}" font-size="15" font-weight="600" fill="${INK}">${escape(picture.title)}</text>` +
    `<g transform="translate(${MARGIN} ${MARGIN + HEAD})">${lines.join('')}${cards.join('')}</g></svg>`
  );
}

/** Text as it may stand in XML: characters that XML lacks are left out. */
export function escape(text: string): string {
  return text
    .replace(
      /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g,
      ''
    )
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;')
    .replace(/"/g, '&quot;')
    .replace(/'/g, '&#39;');
}

/** A name that every file system takes. */
export function fileName(title: string, ending: string): string {
  const plain = title.replace(/[^\p{L}\p{N}._-]+/gu, '-').replace(/^[-.]+/, '');
  return `lineage-${plain.slice(0, 80) || 'graph'}.${ending}`;
}

function cut(text: string, length: number): string {
  const letters = [...text];
  return letters.length > length
    ? `${letters.slice(0, length - 1).join('')}…`
    : text;
}

const MARGIN = 24;
const HEAD = 24;
const INK = '#1f2328';
const QUIET = '#59636e';
const LINE = '#8c959f';
const ACCENT = '#0969da';
const COLORS: Readonly<Record<NodeKind, string>> = {
  step: '#6e7781',
  data: '#1f8a70',
  model: '#8250df',
  file: '#9a6700'
};
