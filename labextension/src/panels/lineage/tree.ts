import { step } from './facts';
import type { Facts, IFilter, INode, Way } from './facts';

/** A row of the tree: a node, or the two headings below a subject. */
export interface IRow {
  /** The way from the subject to here; a node may be in the tree many times. */
  readonly key: string;
  readonly level: number;

  /** Null: a heading. */
  readonly node: INode | null;
  readonly way: Way | null;
  readonly isExpandable: boolean;
  readonly isExpanded: boolean;

  /** Whether it stands above itself already: a circle, which ends here. */
  readonly isRepeated: boolean;

  /** Where more can be loaded when it is expanded. */
  readonly open: readonly string[];
  readonly position: number;
  readonly size: number;
}

/** Which way the tree grows. */
export type Direction = Way | 'both';

/**
 * The rows of the tree in sight, top to bottom.
 *
 * @param isExpanded - Whether a row is expanded, by key and level.
 */
export function rowsOf(
  facts: Facts,
  roots: readonly string[],
  direction: Direction,
  filter: IFilter,
  isExpanded: (key: string, level: number) => boolean
): IRow[] {
  const rows: IRow[] = [];
  const ways: readonly Way[] =
    direction === 'both' ? ['upstream', 'downstream'] : [direction];

  const addNode = (
    id: string,
    way: Way,
    level: number,
    parent: string,
    above: readonly string[],
    position: number,
    size: number
  ): void => {
    const node = facts.node(id);
    if (!node) {
      return;
    }
    const key = `${parent}/${id}`;
    const isRepeated = above.includes(id);
    const { next, open } = isRepeated
      ? { next: [], open: [] }
      : step(facts, id, way, filter);
    const isExpandable = next.length + open.length > 0;
    const expanded = isExpandable && isExpanded(key, level);
    rows.push({
      ...{ key, level, node, way, isExpandable, isExpanded: expanded },
      ...{ isRepeated, open, position, size }
    });
    if (expanded) {
      next.forEach((child, index) =>
        addNode(
          child,
          way,
          level + 1,
          key,
          [...above, id],
          index + 1,
          next.length
        )
      );
    }
  };

  roots.forEach((id, index) => {
    const node = facts.node(id);
    if (!node) {
      return;
    }
    const sides = ways
      .map(way => ({ way, ...step(facts, id, way, filter) }))
      .filter(side => side.next.length + side.open.length > 0);
    const expanded = sides.length > 0 && isExpanded(id, 1);
    rows.push({
      ...{ key: id, level: 1, node, way: null, isRepeated: false, open: [] },
      ...{ isExpandable: sides.length > 0, isExpanded: expanded },
      ...{ position: index + 1, size: roots.length }
    });
    if (!expanded) {
      return;
    }
    sides.forEach(({ way, next, open }, place) => {
      const key = `${id}/${way}`;
      const isSideExpanded = isExpanded(key, 2);
      rows.push({
        ...{ key, level: 2, node: null, way, isRepeated: false, open },
        ...{ isExpandable: true, isExpanded: isSideExpanded },
        ...{ position: place + 1, size: sides.length }
      });
      if (isSideExpanded) {
        next.forEach((child, at) =>
          addNode(child, way, 3, key, [id], at + 1, next.length)
        );
      }
    });
  });
  return rows;
}

/** The key of the row above in the tree; null at the top. */
export function parentOf(key: string): string | null {
  const end = key.lastIndexOf('/');
  return end < 0 ? null : key.slice(0, end);
}
