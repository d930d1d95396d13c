import { columnsOf } from './facts';
import type { Facts, INode, Way } from './facts';

/** All ways from one node to another. */
export interface IWays {
  /** Every node on any of them, ends included; empty when there is no way. */
  readonly nodes: ReadonlySet<string>;

  /** One of the shortest, from start to end. */
  readonly shortest: readonly string[];

  /** Data frames that a column passes, by name; those whose columns are not known are not among them. */
  readonly frames: readonly string[];

  /** Without a way: the last places that a column is found in by name. */
  readonly last: readonly string[];
}

/**
 * Find all ways on which one node went into another.
 *
 * A column is followed by its name: through every table that has a column of this name, and through
 * values whose columns nobody recorded, such as arrays.
 */
export function findWays(
  facts: Facts,
  start: string,
  end: string,
  column: string | null = null
): IWays {
  const isOpen = (id: string): boolean => {
    const columns = column === null ? null : columnsOf(facts.node(id));
    return (
      columns === null ||
      column === null ||
      id === end ||
      columns.includes(column)
    );
  };
  const down = reach(facts, start, 'downstream', isOpen);
  const has = (id: string): boolean =>
    column !== null && (columnsOf(facts.node(id))?.includes(column) ?? false);
  if (!down.has(end)) {
    const last = [...down.keys()].filter(
      id =>
        has(id) &&
        ![...reach(facts, id, 'downstream', isOpen).keys()].some(
          other => other !== id && has(other)
        )
    );
    return { nodes: new Set(), shortest: [], frames: [], last };
  }
  const up = reach(facts, end, 'upstream', id => down.has(id));
  const shortest: string[] = [];
  for (let at: string | null = end; at !== null; at = down.get(at) ?? null) {
    shortest.unshift(at);
  }
  return {
    nodes: new Set(up.keys()),
    shortest,
    frames: [...down.keys()].filter(id => up.has(id) && has(id)),
    last: []
  };
}

/**
 * Where a column first appears, by name: of what a node was made from, a table that has it and was
 * itself made from none that has. The node itself if nothing else has it.
 */
export function originOf(facts: Facts, id: string, column: string): string {
  const columns = (at: string) => columnsOf(facts.node(at));
  const up = (from: string) =>
    reach(facts, from, 'upstream', at => columns(at)?.includes(column) ?? true);
  const having = [...up(id).keys()].filter(at => columns(at)?.includes(column));
  const first = having
    .reverse()
    .find(at => having.every(other => other === at || !up(at).has(other)));
  return first ?? having[0] ?? id;
}

/** Every node that one leads to, nearest first, with the node before it. */
function reach(
  facts: Facts,
  start: string,
  way: Way,
  isOpen: (id: string) => boolean
): Map<string, string | null> {
  const reached = new Map<string, string | null>([[start, null]]);
  for (const [at] of reached) {
    for (const other of facts.next(at, way)) {
      if (!reached.has(other) && facts.node(other) && isOpen(other)) {
        reached.set(other, at);
      }
    }
  }
  return reached;
}

/** The steps of a way, in order. */
export function stepsOf(facts: Facts, way: readonly string[]): INode[] {
  return way
    .map(id => facts.node(id))
    .filter((node): node is INode => node?.kind === 'step');
}

/** What a node is called where models have names of their own: `tumour/3`. */
export function nameOf(node: INode): string {
  const use = node.uses[node.uses.length - 1];
  return use ? `${use.model}/${use.version}` : node.name;
}
