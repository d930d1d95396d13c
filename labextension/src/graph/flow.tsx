import {
  Background,
  BaseEdge,
  Controls,
  Handle,
  MarkerType,
  MiniMap,
  Position,
  ReactFlow
} from '@xyflow/react';
import type {
  Edge,
  EdgeProps,
  Node,
  NodeProps,
  ReactFlowInstance
} from '@xyflow/react';
import '@xyflow/react/dist/base.css';
import * as React from 'react';

import { useTrans } from '../components/context';
import { layOut, pathThrough } from './layout';
import type { Direction, ILayout, IPoint, ISized, Positions } from './layout';
import { keyWay, walk } from './walking';
import '../../style/graph.css';

/** A node of a graph; what it shows is up to `render`. */
export interface IFlowNode extends ISized {
  /** Read aloud for the node. */
  label: string;

  /** How it looks: a word for `data-tone`, such as a state. */
  tone?: string;

  /** Handed to the node's card, for a colour of its own. */
  style?: React.CSSProperties;

  render: () => React.ReactNode;
}

export interface IFlowEdge {
  id: string;
  source: string;
  target: string;

  /** Read aloud for the edge. */
  label?: string;

  /** Shown while the mouse is over it. */
  title?: string;

  isDashed?: boolean;
}

export interface IFlowProps {
  label: string;
  nodes: readonly IFlowNode[];
  edges: readonly IFlowEdge[];
  direction: Direction;

  /** Id of the node or the edge that is selected. */
  selected: string | null;

  /** Nodes and edges to bring out; all others step back. Null: all alike. */
  highlighted?: ReadonlySet<string> | null;

  onSelect: (id: string | null) => void;

  /** A double click, or Enter on a node. */
  onOpen?: (id: string) => void;
  onSelectEdge?: (id: string) => void;
}

/**
 * The graph itself, in a module of its own so that it is loaded late. It is one stop of the Tab key; the
 * arrow keys go to the nearest node that way.
 */
export default function Flow(props: IFlowProps): JSX.Element {
  const { nodes, edges, direction, selected, highlighted, onOpen } = props;
  const trans = useTrans();
  const { positions, bends } = useLayout(nodes, edges, direction);
  const isSmall = nodes.length <= 60;
  const frame = React.useRef<HTMLDivElement>(null);
  const flow = React.useRef<ReactFlowInstance<
    Node<INodeData>,
    Edge<IEdgeData>
  > | null>(null);
  const [stop, setStop] = React.useState<string | null>(null);
  const tabStop =
    [selected, stop].find(id => id !== null && positions.has(id)) ??
    nodes[0]?.id ??
    null;
  const flowNodes = React.useMemo(
    () =>
      nodes.map((node): Node<INodeData> => {
        const { id, width, height } = node;
        const isFaded = Boolean(highlighted && !highlighted.has(id));
        return {
          id,
          type: 'mlplat',
          position: positions.get(id) ?? { x: 0, y: 0 },
          width,
          height,
          // Sizes are known, so nothing has to be measured before the edges can be drawn.
          measured: { width, height },
          handles: handlesOf(node, direction),
          selected: id === selected,
          draggable: false,
          connectable: false,
          focusable: false,
          data: { node, direction, isFaded }
        };
      }),
    [nodes, positions, selected, highlighted, direction]
  );
  const flowEdges = React.useMemo(
    () =>
      edges.flatMap((edge, index): Edge<IEdgeData>[] => {
        const { id, source, target, label, title, isDashed } = edge;
        if (!positions.has(source) || !positions.has(target)) {
          return [];
        }
        const isOut = id === selected || Boolean(highlighted?.has(id));
        return [
          {
            id,
            source,
            target,
            type: 'mlplat',
            ariaLabel: label,
            focusable: false,
            data: { bends: bends.get(index) ?? [], direction, title },
            className: [
              isDashed ? 'jp-mod-dashed' : '',
              isOut ? 'jp-mod-highlighted' : '',
              highlighted && !isOut ? 'jp-mod-faded' : ''
            ].join(' '),
            markerEnd: {
              type: MarkerType.ArrowClosed,
              width: 14,
              height: 14,
              color: isOut
                ? 'var(--jp-brand-color1)'
                : 'var(--jp-border-color0)'
            }
          }
        ];
      }),
    [edges, positions, bends, highlighted, selected, direction]
  );

  // A graph that nobody has moved stays whole in sight when there is more or less room.
  const isMoved = React.useRef(false);
  React.useEffect(() => {
    const element = frame.current;
    if (element === null) {
      return;
    }
    const observer = new ResizeObserver(() => {
      if (!isMoved.current && isSmall) {
        void flow.current?.fitView(FIT);
      }
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, [isSmall]);

  /** Begin a large graph where it begins, so large that it can be read; there is a map of it. */
  const showBeginning = () => {
    const first = nodes.find(({ id }) => id === selected) ?? nodes[0];
    const place = positions.get(first?.id ?? '');
    const { clientWidth = 0, clientHeight = 0 } = frame.current ?? {};
    if (place) {
      const isDown = direction === 'down';
      void flow.current?.setViewport({
        x: isDown
          ? clientWidth / 2 - (place.x + first.width / 2) * BEGINNING
          : MARGIN,
        y: isDown
          ? MARGIN
          : clientHeight / 2 - (place.y + first.height / 2) * BEGINNING,
        zoom: BEGINNING
      });
    }
  };

  useSteadyView(flow, positions, selected, () => {
    if (isSmall) {
      void flow.current?.fitView(FIT);
    } else {
      showBeginning();
    }
  });

  /** Bring a node into sight, and the focus to it. */
  const goTo = (id: string) => {
    setStop(id);
    const place = positions.get(id);
    const node = nodes.find(candidate => candidate.id === id);
    const view = flow.current;
    if (place && node && view && frame.current) {
      const { x, y, zoom } = view.getViewport();
      const { clientWidth, clientHeight } = frame.current;
      const left = place.x * zoom + x;
      const top = place.y * zoom + y;
      const isInSight =
        left >= 0 &&
        top >= 0 &&
        left + node.width * zoom <= clientWidth &&
        top + node.height * zoom <= clientHeight;
      if (!isInSight || zoom < READABLE) {
        void view.setCenter(
          place.x + node.width / 2,
          place.y + node.height / 2,
          { zoom: Math.max(zoom, READABLE) }
        );
      }
    }
    // A node that was out of sight is there one drawing later.
    requestAnimationFrame(() =>
      requestAnimationFrame(() =>
        frame.current
          ?.querySelector<HTMLElement>(`[data-node="${CSS.escape(id)}"]`)
          ?.focus({ preventScroll: true })
      )
    );
  };

  return (
    <div
      ref={frame}
      className="jp-mlplat-Flow"
      role="group"
      aria-label={props.label}
      onKeyDown={event => {
        const here = (event.target as HTMLElement).dataset.node;
        const way = keyWay(event.key);
        if (event.key === 'Escape' && selected !== null) {
          event.stopPropagation();
          props.onSelect(null);
        } else if (here !== undefined && event.key === 'Enter') {
          event.preventDefault();
          props.onSelect(here);
          onOpen?.(here);
        } else if (here !== undefined && event.key === ' ') {
          event.preventDefault();
          props.onSelect(here);
        } else if (here !== undefined && way !== null) {
          event.preventDefault();
          const next = walk(nodes, positions, here, way);
          if (next !== null) {
            goTo(next);
          }
        }
      }}
    >
      <TabStop.Provider value={tabStop}>
        <ReactFlow
          nodes={flowNodes}
          edges={flowEdges}
          nodeTypes={NODE_TYPES}
          edgeTypes={EDGE_TYPES}
          onInit={instance => {
            flow.current = instance;
            if (!isSmall) {
              showBeginning();
            }
          }}
          fitView={isSmall}
          fitViewOptions={FIT}
          onMove={event => {
            isMoved.current ||= event !== null;
          }}
          minZoom={0.05}
          onlyRenderVisibleElements={!isSmall}
          nodesConnectable={false}
          nodesFocusable={false}
          edgesFocusable={false}
          disableKeyboardA11y
          deleteKeyCode={null}
          selectionKeyCode={null}
          multiSelectionKeyCode={null}
          proOptions={{ hideAttribution: true }}
          onNodeClick={(_, node) => {
            setStop(node.id);
            props.onSelect(node.id);
          }}
          onNodeDoubleClick={(_, node) => onOpen?.(node.id)}
          onEdgeClick={(_, edge) => props.onSelectEdge?.(edge.id)}
          onPaneClick={() => props.onSelect(null)}
        >
          <Background gap={18} size={1} />
          <Controls showInteractive={false} aria-label={trans.__('Zoom')} />
          {!isSmall && (
            <MiniMap pannable zoomable ariaLabel={trans.__('Overview')} />
          )}
        </ReactFlow>
      </TabStop.Provider>
    </div>
  );
}

/**
 * Keep the selected node where it is on the screen while the graph around it grows or shrinks; without
 * one, show the graph as at first.
 */
function useSteadyView(
  flow: React.RefObject<ReactFlowInstance<
    Node<INodeData>,
    Edge<IEdgeData>
  > | null>,
  positions: Positions,
  selected: string | null,
  show: () => void
): void {
  const last = React.useRef(positions);
  const current = React.useRef({ selected, show });
  current.current = { selected, show };
  React.useLayoutEffect(() => {
    const anchor = current.current.selected ?? '';
    const before = last.current.get(anchor);
    const now = positions.get(anchor);
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
      const timer = setTimeout(() => current.current.show(), 50);
      return () => clearTimeout(timer);
    }
  }, [flow, positions]);
}

/** Where the nodes go; worked out anew only when the shape of the graph is another. */
function useLayout(
  nodes: readonly IFlowNode[],
  edges: readonly IFlowEdge[],
  direction: Direction
): ILayout {
  const shape = JSON.stringify([
    nodes.map(({ id, width, height }) => [id, width, height]),
    edges.map(({ source, target }) => [source, target]),
    direction
  ]);
  const kept = React.useRef<{ shape: string; layout: ILayout } | null>(null);
  if (kept.current?.shape !== shape) {
    kept.current = { shape, layout: layOut(nodes, edges, direction) };
  }
  return kept.current.layout;
}

interface INodeData extends Record<string, unknown> {
  node: IFlowNode;
  direction: Direction;
  isFaded: boolean;
}

/** The one node that the Tab key stops at. */
const TabStop = React.createContext<string | null>(null);

function FlowNode(props: NodeProps<Node<INodeData>>): JSX.Element {
  const { node, direction, isFaded } = props.data;
  const tabStop = React.useContext(TabStop);
  const [into, out] = sidesOf(direction);
  return (
    <div
      className="jp-mlplat-FlowNode"
      // Not a button: what it shows may hold some.
      role="group"
      tabIndex={node.id === tabStop ? 0 : -1}
      aria-label={node.label}
      aria-current={props.selected}
      data-node={node.id}
      style={node.style}
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

function sidesOf(direction: Direction): [Position, Position] {
  return direction === 'down'
    ? [Position.Top, Position.Bottom]
    : [Position.Left, Position.Right];
}

/** Where edges end at a node. */
function handlesOf(
  { width, height }: ISized,
  direction: Direction
): Node['handles'] {
  const [into, out] = sidesOf(direction);
  const isDown = direction === 'down';
  return [
    {
      type: 'target',
      position: into,
      x: isDown ? width / 2 : 0,
      y: isDown ? 0 : height / 2
    },
    {
      type: 'source',
      position: out,
      x: isDown ? width / 2 : width,
      y: isDown ? height : height / 2
    }
  ];
}

interface IEdgeData extends Record<string, unknown> {
  bends: readonly IPoint[];
  title?: string;
  direction: Direction;
}

function FlowEdge(props: EdgeProps<Edge<IEdgeData>>): JSX.Element {
  const points = [
    { x: props.sourceX, y: props.sourceY },
    ...(props.data?.bends ?? []),
    { x: props.targetX, y: props.targetY }
  ];
  return (
    <>
      {props.data?.title && <title>{props.data.title}</title>}
      <BaseEdge
        path={pathThrough(points, props.data?.direction ?? 'down')}
        markerEnd={props.markerEnd}
        interactionWidth={14}
      />
    </>
  );
}

const NODE_TYPES = { mlplat: FlowNode };
const EDGE_TYPES = { mlplat: FlowEdge };

const FIT = { maxZoom: 1, padding: 0.12 };

/** The zoom at which a large graph is shown first, and its distance from the edge in px. */
const BEGINNING = 0.75;
const MARGIN = 24;

/** The zoom below which names cannot be read. */
const READABLE = 0.6;
