import { graphlib, layout as dagreLayout } from '@dagrejs/dagre';

/** Which way a graph flows. */
export type Direction = 'down' | 'right';

/** What the layout needs to know of a node: its size in px. */
export interface ISized {
  id: string;
  width: number;
  height: number;
}

/** Where a node's upper left corner comes to lie, in px. */
export type Positions = ReadonlyMap<string, { x: number; y: number }>;

/** Put the nodes of a graph in layers. Edges to nodes that are not there are left out. */
export function layOut(
  nodes: readonly ISized[],
  edges: readonly { source: string; target: string }[],
  direction: Direction
): Positions {
  const graph = new graphlib.Graph();
  graph.setGraph({
    rankdir: direction === 'down' ? 'TB' : 'LR',
    nodesep: 28,
    ranksep: 48,
    // The default ranker tries to shorten every edge, which takes seconds at a few hundred nodes.
    ranker: nodes.length > 200 ? 'longest-path' : 'network-simplex'
  });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const { id, width, height } of nodes) {
    graph.setNode(id, { width, height });
  }
  for (const { source, target } of edges) {
    if (graph.hasNode(source) && graph.hasNode(target)) {
      graph.setEdge(source, target);
    }
  }
  dagreLayout(graph);
  return new Map(
    nodes.map(({ id, width, height }) => {
      const { x, y } = graph.node(id);
      return [id, { x: x - width / 2, y: y - height / 2 }];
    })
  );
}
