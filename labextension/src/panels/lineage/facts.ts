import type {
  Artifact,
  Execution,
  LineageGraph,
  ModelUse,
  RunReference
} from '../../api/types';

/** What a node of the graph is, for filters and pictures. */
export type NodeKind = 'step' | 'data' | 'model' | 'file';

export const KINDS: readonly NodeKind[] = ['step', 'data', 'model', 'file'];

/** Towards what something was made from, or towards what was made from it. */
export type Way = 'upstream' | 'downstream';

/** Something that ran, or something that was read or made. */
export interface INode {
  readonly id: string;
  readonly kind: NodeKind;
  readonly name: string;
  readonly execution: Execution | null;
  readonly artifact: Artifact | null;
  readonly run: RunReference | null;

  /** What became of it, if it is a model. */
  readonly uses: readonly ModelUse[];
}

/** A line between two nodes, in the direction in which data flows. */
export interface IEdge {
  readonly id: string;
  readonly source: string;
  readonly target: string;

  /** Under which names the step knew it. */
  readonly names: readonly string[];
}

/** What is known of the graph so far: grows by merging answers, never changes in place. */
export class Facts {
  private constructor(
    private readonly _nodes: ReadonlyMap<string, INode>,
    private readonly _edges: ReadonlyMap<string, IEdge>,
    private readonly _totals: ReadonlyMap<string, Record<Way, number>>
  ) {
    for (const edge of _edges.values()) {
      push(this._down, edge.source, edge.target);
      push(this._up, edge.target, edge.source);
    }
  }

  static readonly none = new Facts(new Map(), new Map(), new Map());

  get size(): number {
    return this._nodes.size;
  }

  nodes(): INode[] {
    return [...this._nodes.values()];
  }

  node(id: string): INode | null {
    return this._nodes.get(id) ?? null;
  }

  edge(id: string): IEdge | null {
    return this._edges.get(id) ?? null;
  }

  /** The neighbours of a node that are known. */
  next(id: string, way: Way): readonly string[] {
    return (way === 'upstream' ? this._up : this._down).get(id) ?? [];
  }

  /** How many more neighbours the engine knows of. */
  beyond(id: string, way: Way): number {
    const total = this._totals.get(id)?.[way] ?? 0;
    return Math.max(0, total - this.next(id, way).length);
  }

  /** These facts with those of an answer. */
  with(answer: LineageGraph): Facts {
    const runs = new Map(answer.runs.map(run => [run.id, run]));
    const uses = new Map<string, ModelUse[]>();
    answer.models.forEach(use => push(uses, use.artifact_id, use));
    const nodes = new Map(this._nodes);
    for (const execution of answer.executions) {
      const { id, name, run_id } = execution;
      const run = (run_id !== null && runs.get(run_id)) || null;
      const rest = { artifact: null, uses: [], execution, run };
      nodes.set(id, { id, kind: 'step', name, ...rest });
    }
    for (const artifact of answer.artifacts) {
      const { id, name } = artifact;
      const rest = { execution: null, run: null, artifact };
      const kind = kindOf(artifact.type, artifact.codec);
      nodes.set(id, { id, kind, name, ...rest, uses: uses.get(id) ?? [] });
    }
    const edges = new Map(this._edges);
    const shown = new Map<string, Record<Way, Set<string>>>();
    const note = (id: string, way: Way, other: string) => {
      const sides = shown.get(id) ?? {
        upstream: new Set(),
        downstream: new Set()
      };
      sides[way].add(other);
      shown.set(id, sides);
    };
    for (const event of answer.events) {
      const { execution_id: step, artifact_id: thing, name } = event;
      const [source, target] =
        event.kind === 'input' ? [thing, step] : [step, thing];
      const id = edgeId(source, target);
      const names = new Set(edges.get(id)?.names).add(name);
      edges.set(id, { id, source, target, names: [...names] });
      note(source, 'downstream', target);
      note(target, 'upstream', source);
    }
    const totals = new Map(this._totals);
    for (const { id } of [...answer.executions, ...answer.artifacts]) {
      const sides = shown.get(id);
      const more = answer.beyond[id];
      totals.set(id, {
        upstream: (sides?.upstream.size ?? 0) + (more?.upstream ?? 0),
        downstream: (sides?.downstream.size ?? 0) + (more?.downstream ?? 0)
      });
    }
    return new Facts(nodes, edges, totals);
  }

  private readonly _up = new Map<string, string[]>();
  private readonly _down = new Map<string, string[]>();
}

/** What an artifact is, by its type. */
export function kindOf(type: string, codec: string | null): NodeKind {
  return type === 'system.Model' ? 'model' : codec === 'file' ? 'file' : 'data';
}

export function edgeId(source: string, target: string): string {
  return `${source}→${target}`;
}

/** The names of a table's columns, where they were recorded. */
export function columnsOf(node: INode | null): readonly string[] | null {
  const columns = node?.artifact?.metadata.columns;
  return Array.isArray(columns)
    ? columns.filter((name): name is string => typeof name === 'string')
    : null;
}

/** A text of an artifact's metadata; empty where there is none. */
export function textOf(node: INode, key: string): string {
  const value = node.artifact?.metadata[key];
  return typeof value === 'string' ? value : '';
}

/** A part of the graph to be drawn. */
export interface IPart {
  readonly nodes: readonly INode[];
  readonly edges: readonly IEdge[];
}

/** Which kinds of nodes are passed over; nodes in `kept` are shown whatever they are. */
export interface IFilter {
  readonly hidden: ReadonlySet<NodeKind>;
  readonly kept: ReadonlySet<string>;
}

export function isShown(node: INode, filter: IFilter): boolean {
  return !filter.hidden.has(node.kind) || filter.kept.has(node.id);
}

/**
 * The next shown nodes one way, across those that are passed over, and the nodes where more can be
 * loaded on the way to them.
 */
export function step(
  facts: Facts,
  id: string,
  way: Way,
  filter: IFilter
): { next: string[]; open: string[] } {
  const next = new Set<string>();
  const open: string[] = [];
  const passed = new Set([id]);
  const front = [id];
  for (let at = front.pop(); at !== undefined; at = front.pop()) {
    if (facts.beyond(at, way) > 0) {
      open.push(at);
    }
    for (const other of facts.next(at, way)) {
      const node = facts.node(other);
      if (!node || passed.has(other)) {
        continue;
      }
      passed.add(other);
      if (isShown(node, filter)) {
        next.add(other);
      } else {
        front.push(other);
      }
    }
  }
  return { next: [...next], open };
}

/** The shown nodes among these, with lines across what is passed over. */
export function part(
  facts: Facts,
  ids: ReadonlySet<string>,
  filter: IFilter
): IPart {
  const nodes = facts
    .nodes()
    .filter(node => ids.has(node.id) && isShown(node, filter));
  const edges = nodes.flatMap(({ id }) =>
    step(facts, id, 'downstream', filter)
      .next.filter(target => ids.has(target))
      .map(
        target =>
          facts.edge(edgeId(id, target)) ?? {
            id: edgeId(id, target),
            source: id,
            target,
            names: []
          }
      )
  );
  return { nodes, edges };
}

function push<T>(lists: Map<string, T[]>, key: string, item: T): void {
  const list = lists.get(key);
  if (list) {
    list.push(item);
  } else {
    lists.set(key, [item]);
  }
}
