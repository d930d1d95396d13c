import type { TranslationBundle } from '@jupyterlab/translation';

import { bestDirection } from '../../graph/direction';
import { layOut } from '../../graph/layout';
import { CARD, SPACED_CARD, fileName, toSvg } from './export';
import type { LineageExplorer } from './explorer';
import { captionOf } from './labels';

/** In which form a graph is saved. */
export type Format = 'svg' | 'png' | 'json';

/** Make a file of a graph as it is shown. */
export async function makeFile(
  explorer: LineageExplorer,
  format: Format,
  trans: TranslationBundle
): Promise<{ name: string; content: Blob }> {
  const part = explorer.part();
  const name = fileName(explorer.title, format);
  if (format === 'json') {
    const text = JSON.stringify(explorer.document(), null, 2);
    return { name, content: new Blob([text], { type: 'application/json' }) };
  }
  const direction = bestDirection(part.nodes, part.edges, SPACED_CARD);
  const sized = part.nodes.map(({ id }) => ({ id, ...CARD }));
  const svg = toSvg({
    title: trans.__('Lineage of %1', explorer.title),
    nodes: part.nodes,
    edges: part.edges,
    positions: layOut(sized, part.edges, direction).positions,
    direction,
    highlighted: explorer.ways?.nodes.size ? explorer.ways.nodes : null,
    captionOf: node => captionOf(trans, node)
  });
  const content = new Blob([svg], { type: 'image/svg+xml' });
  return { name, content: format === 'svg' ? content : await toPng(content) };
}

/** Draw a picture onto a canvas, twice as fine as the screen as far as browsers bear it. */
async function toPng(svg: Blob): Promise<Blob> {
  const url = URL.createObjectURL(svg);
  try {
    const image = new Image();
    image.src = url;
    await image.decode();
    const { naturalWidth: width, naturalHeight: height } = image;
    const scale = Math.min(2, LARGEST / width, LARGEST / height);
    const canvas = document.createElement('canvas');
    canvas.width = Math.max(1, Math.round(width * scale));
    canvas.height = Math.max(1, Math.round(height * scale));
    canvas
      .getContext('2d')
      ?.drawImage(image, 0, 0, canvas.width, canvas.height);
    return await new Promise((resolve, reject) =>
      canvas.toBlob(
        blob =>
          blob ? resolve(blob) : reject(new Error('The picture is too large.')),
        'image/png'
      )
    );
  } finally {
    URL.revokeObjectURL(url);
  }
}

/** A canvas of more pixels a side is refused by some browsers. */
const LARGEST = 8192;
