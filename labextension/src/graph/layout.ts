import { graphlib, layout as dagreLayout } from '@dagrejs/dagre';

import { layOut as layOutSteps } from '../panels/pipeline/layout';

/** Which way a graph flows. */
export type Direction = 'down' | 'right';

/** What the layout needs to know of a node: its size in px. */
export interface ISized {
  id: string;
  width: number;
  height: number;
}

export interface IPoint {
  x: number;
  y: number;
}

/** Where a node's upper left corner comes to lie, in px. */
export type Positions = ReadonlyMap<string, IPoint>;

/** Where nodes lie, and the points between its ends by which an edge goes around other nodes. */
export interface ILayout {
  positions: Positions;

  /** By index of the edge; edges between layers next to each other need no point. */
  bends: ReadonlyMap<number, readonly IPoint[]>;
}

/** Put the nodes of a graph in layers. Edges to nodes that are not there are left out. */
export function layOut(
  nodes: readonly ISized[],
  edges: readonly { source: string; target: string }[],
  direction: Direction
): ILayout {
  return nodes.length > MANY
    ? layOutMany(nodes, edges, direction)
    : layOutFew(nodes, edges, direction);
}

/** Dagre takes seconds for a few hundred nodes with long edges; the panel's own layout does not. */
function layOutMany(
  nodes: readonly ISized[],
  edges: readonly { source: string; target: string }[],
  direction: Direction
): ILayout {
  const turn = (point: IPoint): IPoint =>
    direction === 'down' ? point : { x: point.y, y: point.x };
  const size = turn({
    x: Math.max(...nodes.map(({ width }) => width)),
    y: Math.max(...nodes.map(({ height }) => height))
  });
  const perLayer = Math.ceil(Math.sqrt(nodes.length) / 2);
  const drawn = layOutSteps(
    nodes.map(({ id }) => id),
    edges.map(({ source, target }) => ({ from: source, to: target })),
    perLayer * (size.x + NODE_GAP),
    {
      stepHeight: size.y,
      layerGap: LAYER_GAP,
      stepGap: NODE_GAP,
      laneGap: LANE_GAP,
      minStep: size.x,
      goodStep: size.x,
      maxStep: size.x
    }
  );
  const positions = new Map(
    drawn.steps.map((place, index) => {
      const { id, width, height } = nodes[index];
      const { x, y } = turn({
        x: place.x + size.x / 2,
        y: place.y + size.y / 2
      });
      return [id, { x: x - width / 2, y: y - height / 2 }];
    })
  );
  const drawnEdges = [...edges.entries()].filter(
    ([, { source, target }]) => positions.has(source) && positions.has(target)
  );
  const bends = new Map(
    drawnEdges.map(([index], place) => [
      index,
      drawn.links[place].points.slice(1, -1).map(turn)
    ])
  );
  return { positions, bends };
}

function layOutFew(
  nodes: readonly ISized[],
  edges: readonly { source: string; target: string }[],
  direction: Direction
): ILayout {
  const graph = new graphlib.Graph({ multigraph: true });
  graph.setGraph({
    rankdir: direction === 'down' ? 'TB' : 'LR',
    nodesep: NODE_GAP,
    ranksep: LAYER_GAP
  });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const { id, width, height } of nodes) {
    graph.setNode(id, { width, height });
  }
  edges.forEach(({ source, target }, index) => {
    if (graph.hasNode(source) && graph.hasNode(target)) {
      graph.setEdge(source, target, {}, String(index));
    }
  });
  dagreLayout(graph);
  const bends = new Map<number, readonly IPoint[]>();
  for (const edge of graph.edges()) {
    // The first and the last lie on the nodes, where our own ends are; of the rest every second one
    // lies between two layers, where the line bends by itself.
    const points = graph.edge(edge).points.slice(1, -1) as IPoint[];
    const inner = points.filter((_, index) => index % 2 === 1);
    if (inner.length > 0) {
      bends.set(Number(edge.name), inner);
    }
  }
  const positions = new Map(
    nodes.map(({ id, width, height }) => {
      const { x, y } = graph.node(id);
      return [id, { x: x - width / 2, y: y - height / 2 }];
    })
  );
  return { positions, bends };
}

/** The path of a line through points: a soft bend from each to the next, along the graph's direction. */
export function pathThrough(
  points: readonly IPoint[],
  direction: Direction
): string {
  const [first, ...rest] = points;
  let path = `M${first.x},${first.y}`;
  let from = first;
  for (const to of rest) {
    const middle = { x: (from.x + to.x) / 2, y: (from.y + to.y) / 2 };
    path +=
      direction === 'down'
        ? `C${from.x},${middle.y} ${to.x},${middle.y} ${to.x},${to.y}`
        : `C${middle.x},${from.y} ${middle.x},${to.y} ${to.x},${to.y}`;
    from = to;
  }
  return path;
}

const NODE_GAP = 28;
const LAYER_GAP = 48;
const LANE_GAP = 12;

/** More nodes than this are laid out in milliseconds rather than by dagre. */
const MANY = 80;
