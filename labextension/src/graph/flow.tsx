import {
  Background,
  Controls,
  Handle,
  MarkerType,
  MiniMap,
  Position,
  ReactFlow
} from '@xyflow/react';
import type { Edge, Node, NodeProps, ReactFlowInstance } from '@xyflow/react';
import '@xyflow/react/dist/base.css';
import * as React from 'react';

import { layOut } from './layout';
import type { Direction, ISized, Positions } from './layout';

/** A node of a graph; what it shows is up to `render`. */
export interface IFlowNode extends ISized {
  /** Read aloud for the node. */
  label: string;

  /** How it looks: a word for `data-tone`, such as a state. */
  tone?: string;

  render: () => React.ReactNode;
}

export interface IFlowEdge {
  id: string;
  source: string;
  target: string;

  /** Read aloud for the edge. */
  label?: string;

  isDashed?: boolean;
}

export interface IFlowProps {
  label: string;
  nodes: readonly IFlowNode[];
  edges: readonly IFlowEdge[];
  direction: Direction;
  selected: string | null;

  /** Nodes and edges to bring out; all others step back. Null: all alike. */
  highlighted?: ReadonlySet<string> | null;

  onSelect: (id: string | null) => void;

  /** A double click, or Enter on the selected node. */
  onOpen?: (id: string) => void;
  onSelectEdge?: (id: string) => void;
}

/** The graph itself, in a module of its own so that it is loaded late. */
export default function Flow(props: IFlowProps): JSX.Element {
  const { nodes, edges, direction, selected, highlighted, onOpen } = props;
  const positions = React.useMemo(
    () => layOut(nodes, edges, direction),
    [nodes, edges, direction]
  );
  const flow = React.useRef<ReactFlowInstance<Node<INodeData>> | null>(null);
  useSteadyView(flow, positions, selected);
  const flowNodes = React.useMemo(
    () =>
      nodes.map((node): Node<INodeData> => ({
        id: node.id,
        type: 'mlplat',
        position: positions.get(node.id) ?? { x: 0, y: 0 },
        width: node.width,
        height: node.height,
        selected: node.id === selected,
        draggable: false,
        connectable: false,
        ariaLabel: node.label,
        data: {
          node,
          direction,
          isFaded: Boolean(highlighted && !highlighted.has(node.id))
        }
      })),
    [nodes, positions, selected, highlighted, direction]
  );
  const flowEdges = React.useMemo(
    () =>
      edges.map((edge): Edge => ({
        id: edge.id,
        source: edge.source,
        target: edge.target,
        ariaLabel: edge.label,
        className: [
          edge.isDashed ? 'jp-mod-dashed' : '',
          highlighted?.has(edge.id) ? 'jp-mod-highlighted' : '',
          highlighted && !highlighted.has(edge.id) ? 'jp-mod-faded' : ''
        ].join(' '),
        markerEnd: { type: MarkerType.ArrowClosed, width: 14, height: 14 }
      })),
    [edges, highlighted]
  );
  return (
    <div
      className="jp-mlplat-Flow"
      role="group"
      aria-label={props.label}
      onKeyDown={event => {
        if (event.key === 'Enter' && selected !== null) {
          onOpen?.(selected);
        }
      }}
    >
      <ReactFlow
        nodes={flowNodes}
        edges={flowEdges}
        nodeTypes={NODE_TYPES}
        onInit={instance => {
          flow.current = instance;
        }}
        fitView
        fitViewOptions={FIT}
        minZoom={0.05}
        onlyRenderVisibleElements={nodes.length > 150}
        nodesConnectable={false}
        edgesFocusable={props.onSelectEdge !== undefined}
        proOptions={{ hideAttribution: true }}
        onNodeClick={(_, node) => props.onSelect(node.id)}
        onNodeDoubleClick={(_, node) => onOpen?.(node.id)}
        onEdgeClick={(_, edge) => props.onSelectEdge?.(edge.id)}
        onPaneClick={() => props.onSelect(null)}
        onNodesChange={changes => {
          // The library selects by keyboard; what is selected is ours to say.
          for (const change of changes) {
            if (change.type === 'select' && change.selected) {
              props.onSelect(change.id);
            }
          }
        }}
      >
        <Background gap={18} size={1} />
        <Controls showInteractive={false} />
        {nodes.length > 30 && <MiniMap pannable zoomable />}
      </ReactFlow>
    </div>
  );
}

/**
 * Keep the selected node where it is on the screen while the graph around it grows or shrinks; without
 * one, show the whole graph.
 */
function useSteadyView(
  flow: React.RefObject<ReactFlowInstance<Node<INodeData>>>,
  positions: Positions,
  selected: string | null
): void {
  const last = React.useRef(positions);
  const anchor = React.useRef(selected);
  anchor.current = selected;
  React.useLayoutEffect(() => {
    const before = last.current.get(anchor.current ?? '');
    const now = positions.get(anchor.current ?? '');
    const isNew = last.current !== positions;
    last.current = positions;
    if (!isNew || !flow.current) {
      return;
    }
    if (before && now) {
      const { x, y, zoom } = flow.current.getViewport();
      void flow.current.setViewport({
        x: x + (before.x - now.x) * zoom,
        y: y + (before.y - now.y) * zoom,
        zoom
      });
    } else {
      // The library knows the new nodes after it has drawn them.
      const timer = setTimeout(() => void flow.current?.fitView(FIT), 50);
      return () => clearTimeout(timer);
    }
  }, [flow, positions]);
}

const FIT = { maxZoom: 1, padding: 0.12 };

interface INodeData extends Record<string, unknown> {
  node: IFlowNode;
  direction: Direction;
  isFaded: boolean;
}

function FlowNode(props: NodeProps<Node<INodeData>>): JSX.Element {
  const { node, direction, isFaded } = props.data;
  const [into, out] =
    direction === 'down'
      ? [Position.Top, Position.Bottom]
      : [Position.Left, Position.Right];
  return (
    <div
      className="jp-mlplat-FlowNode"
      data-tone={node.tone}
      data-faded={isFaded}
      data-selected={props.selected}
    >
      <Handle type="target" position={into} isConnectable={false} />
      {node.render()}
      <Handle type="source" position={out} isConnectable={false} />
    </div>
  );
}

const NODE_TYPES = { mlplat: FlowNode };
