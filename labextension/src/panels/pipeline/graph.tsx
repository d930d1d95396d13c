import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type {
  Edge,
  OutputValue,
  Pipeline,
  PlannedStep,
  Proof,
  RunPlan,
  Step,
  Task
} from '../../api/types';
import { useTrans, useWidth } from '../../components/context';
import { formatBytes, formatDuration } from '../../components/format';
import { stepStyle } from '../../components/palette';
import { StateIcon, stateLabel } from '../../components/state';
import { isFinal } from '../../api/states';
import { outlookIcons } from '../../icons';
import {
  outlookFacts,
  outlookLabel,
  outlookOf,
  outlookReason
} from './foresight';
import { layOut, pathOf } from './layout';
import type { Selection } from './model';

/** The step graph: boxes are buttons in the notebook's order, lines are buttons after them. */
export function Graph(props: {
  pipeline: Pipeline;
  /** Of the newest run. */
  tasks: ReadonlyMap<string, Task>;
  /** What the next run would do; null while one goes on, or where that is not known. */
  plan: RunPlan | null;
  selection: Selection | null;
  isStale: boolean;
  /** What the newest run saved of a value that a step passes on. */
  valueOf: (step: string, name: string) => OutputValue | null;
  onSelect: (selection: Selection | null) => void;
  /** A step was dropped onto another one. */
  onMerge: (steps: [string, string]) => void;
}): JSX.Element {
  const { pipeline, selection } = props;
  const trans = useTrans();
  const frame = React.useRef<HTMLDivElement>(null);
  const width = useWidth(frame, 280);
  const layout = React.useMemo(
    () =>
      layOut(
        pipeline.steps.map(step => step.name),
        pipeline.edges,
        width
      ),
    [pipeline, width]
  );
  const [hovered, setHovered] = React.useState<string | null>(null);
  const [dragged, setDragged] = React.useState<string | null>(null);
  const [target, setTarget] = React.useState<string | null>(null);
  const near = neighbours(pipeline.edges, selection, hovered);
  const edges = new Map(pipeline.edges.map(edge => [keyOf(edge), edge]));
  const rove = useRoving();
  const outlooks = React.useMemo(
    () => new Map(props.plan?.steps.map(step => [step.name, step])),
    [props.plan]
  );

  return (
    <div
      className="jp-mlplat-Graph"
      ref={frame}
      data-stale={props.isStale}
      data-focused={near !== null}
      onClick={event => {
        if (event.target === event.currentTarget) {
          props.onSelect(null);
        }
      }}
      onKeyDown={event => {
        if (event.key === 'Escape') {
          props.onSelect(null);
        }
      }}
    >
      <div
        className="jp-mlplat-Graph-canvas"
        style={{ width: layout.width, height: layout.height }}
      >
        <svg
          className="jp-mlplat-Graph-links"
          width={layout.width}
          height={layout.height}
          role="group"
          aria-label={trans.__('Dependencies between steps')}
          onKeyDown={rove}
        >
          {layout.links.map((link, index) => {
            const edge = edges.get(keyOf(link));
            if (!edge) {
              return null;
            }
            const isSelected =
              selection?.kind === 'edge' &&
              selection.from === link.from &&
              selection.to === link.to;
            const select = () =>
              props.onSelect({ kind: 'edge', from: link.from, to: link.to });
            return (
              <EdgeLine
                key={keyOf(link)}
                path={pathOf(link.points)}
                edge={edge}
                valueOf={props.valueOf}
                isSelected={isSelected}
                isNear={near?.edges.has(keyOf(link)) ?? false}
                isTabStop={
                  selection?.kind === 'edge' ? isSelected : index === 0
                }
                onSelect={select}
                onHover={isOver => setHovered(isOver ? keyOf(link) : null)}
              />
            );
          })}
        </svg>
        <div
          role="listbox"
          aria-label={trans.__('Steps')}
          className="jp-mlplat-Graph-steps"
          onKeyDown={rove}
        >
          {layout.steps.map((place, index) => {
            const step = pipeline.steps[index];
            const task = props.tasks.get(step.name) ?? null;
            const planned = outlooks.get(step.name) ?? null;
            const isSelected =
              selection?.kind === 'step' && selection.name === step.name;
            return (
              <button
                key={step.name}
                type="button"
                role="option"
                aria-selected={isSelected}
                className="jp-mlplat-Step"
                data-state={task?.state}
                data-step={step.name}
                data-outlook={planned ? outlookOf(planned) : undefined}
                data-near={near?.steps.has(step.name)}
                tabIndex={
                  isSelected || (selection?.kind !== 'step' && index === 0)
                    ? 0
                    : -1
                }
                title={[
                  step.title,
                  planned ? outlookReason(trans, planned) : ''
                ]
                  .filter(Boolean)
                  .join('\n')}
                style={{
                  ...stepStyle(index),
                  left: place.x,
                  top: place.y,
                  width: place.width,
                  height: layout.stepHeight
                }}
                onClick={() =>
                  props.onSelect(
                    isSelected ? null : { kind: 'step', name: step.name }
                  )
                }
                draggable
                data-target={target === step.name}
                onDragStart={event => {
                  event.dataTransfer.setData(STEP_MIME, step.name);
                  event.dataTransfer.effectAllowed = 'move';
                  setDragged(step.name);
                }}
                onDragEnd={() => {
                  setDragged(null);
                  setTarget(null);
                }}
                onDragOver={event => {
                  if (dragged !== null && dragged !== step.name) {
                    event.preventDefault();
                    event.dataTransfer.dropEffect = 'move';
                    setTarget(step.name);
                  }
                }}
                onDragLeave={() => setTarget(null)}
                onDrop={event => {
                  event.preventDefault();
                  if (dragged !== null && dragged !== step.name) {
                    props.onMerge([dragged, step.name]);
                  }
                }}
                onMouseEnter={() => setHovered(step.name)}
                onMouseLeave={() => setHovered(null)}
              >
                <span className="jp-mlplat-Step-text">
                  <span className="jp-mlplat-Step-name">{step.name}</span>
                  <span className="jp-mlplat-Step-facts">
                    {stepFacts(trans, step, task, planned, place.width)}
                  </span>
                </span>
                <StepIcon task={task} planned={planned} />
              </button>
            );
          })}
        </div>
      </div>
    </div>
  );
}

/** How a step did in the newest run if it failed there or runs, else what the next run would do. */
export function StepIcon(props: {
  task: Task | null;
  planned: PlannedStep | null;
}): JSX.Element | null {
  const { task, planned } = props;
  const trans = useTrans();
  if (planned !== null && task?.state !== 'FAILED') {
    const outlook = outlookOf(planned);
    const Icon = outlookIcons[outlook];
    return (
      <span
        className="jp-mlplat-Outlook"
        data-outlook={outlook}
        role="img"
        aria-label={outlookLabel(trans, outlook)}
      >
        <Icon.react tag="span" />
      </span>
    );
  }
  return task && <StateIcon state={task.state} isCached={task.cached} />;
}

/** One line about a step: what becomes of it, how its run goes, or its size. */
export function stepFacts(
  trans: TranslationBundle,
  step: Step,
  task: Task | null,
  planned: PlannedStep | null,
  width: number
): string {
  if (planned !== null && task?.state !== 'FAILED') {
    return outlookFacts(trans, planned, width < ROOMY);
  }
  if (task === null) {
    return trans._n('%1 cell', '%1 cells', step.cells.length);
  }
  if (task.state === 'RUNNING' && task.cells.length > 1) {
    const done = task.cells.filter(cell => cell.state === 'ok').length;
    return trans.__('%1 of %2 cells', done, task.cells.length);
  }
  return task.duration_s !== null && !task.cached && isFinal(task.state)
    ? formatDuration(task.duration_s)
    : stateLabel(trans, task.state, task.cached);
}

function EdgeLine(props: {
  path: string;
  edge: Edge;
  valueOf: (step: string, name: string) => OutputValue | null;
  isSelected: boolean;
  isNear: boolean;
  isTabStop: boolean;
  onSelect: () => void;
  onHover: (isOver: boolean) => void;
}): JSX.Element {
  const trans = useTrans();
  const { edge } = props;
  const label = edgeLabel(trans, edge);
  return (
    <g
      className="jp-mlplat-Edge"
      role="button"
      tabIndex={props.isTabStop ? 0 : -1}
      aria-label={label}
      aria-pressed={props.isSelected}
      data-selected={props.isSelected}
      data-near={props.isNear}
      data-proof={strongestProof(edge)}
      data-order={edge.names.length === 0}
      data-edge={keyOf(edge)}
      onClick={props.onSelect}
      onFocus={event => {
        if (event.currentTarget.matches(':focus-visible')) {
          props.onSelect();
        }
      }}
      onKeyDown={event => {
        if (event.key === 'Enter' || event.key === ' ') {
          event.preventDefault();
          props.onSelect();
        }
      }}
      onMouseEnter={() => props.onHover(true)}
      onMouseLeave={() => props.onHover(false)}
    >
      <title>{edgeTitle(trans, edge, props.valueOf)}</title>
      <path className="jp-mlplat-Edge-reach" d={props.path} />
      <path className="jp-mlplat-Edge-line" d={props.path} />
    </g>
  );
}

/** Why an edge is there, a line a name: what passes, how large it was last, how that is known. */
export function edgeTitle(
  trans: TranslationBundle,
  edge: Edge,
  valueOf: (step: string, name: string) => OutputValue | null
): string {
  const reasons = edge.reasons.map(reason => {
    const value = valueOf(edge.from, reason.name);
    const facts = value
      ? `${value.type}, ${formatBytes(value.size_bytes)}; `
      : '';
    const proof = proofLabel(trans, reason.proof).toLowerCase();
    return `${reason.name}: ${facts}${proof}. ${reason.why.replace(/`/g, '')}`;
  });
  return [edgeLabel(trans, edge), ...reasons].join('\n');
}

/** How an edge is known, in a word. */
export function proofLabel(trans: TranslationBundle, proof: Proof): string {
  switch (proof) {
    case 'proved':
      return trans.__('Proved');
    case 'observed':
      return trans.__('Observed');
    case 'assumed':
      return trans.__('Assumed');
  }
}

/** An edge in a sentence. */
export function edgeLabel(trans: TranslationBundle, edge: Edge): string {
  return edge.names.length > 0
    ? trans.__('%1 passes %2 to %3', edge.from, edge.names.join(', '), edge.to)
    : trans.__('%1 runs before %2', edge.from, edge.to);
}

/** A step with how it stands, to be read aloud. */
export function stepLabel(
  trans: TranslationBundle,
  step: Step,
  task: Task | null,
  planned: PlannedStep | null
): string {
  return `${step.name}: ${stepFacts(trans, step, task, planned, ROOMY)}`;
}

/** One proved reason is enough for an edge to be needed. */
export function strongestProof(edge: Edge): Proof {
  for (const proof of ['proved', 'observed'] as const) {
    if (edge.reasons.some(reason => reason.proof === proof)) {
      return proof;
    }
  }
  return 'assumed';
}

/** Width of a box from which on its second line has room for two facts. */
const ROOMY = 140;

/** What is dragged is ours alone: nothing else takes it. */
const STEP_MIME = 'application/x-mlplat-step';

function keyOf(link: { from: string; to: string }): string {
  return `${link.from}→${link.to}`;
}

/** What stands out: the selected or hovered step or edge with what it touches. */
function neighbours(
  edges: readonly Edge[],
  selection: Selection | null,
  hovered: string | null
): { steps: Set<string>; edges: Set<string> } | null {
  const center =
    hovered ??
    (selection?.kind === 'step'
      ? selection.name
      : selection
        ? keyOf(selection)
        : null);
  if (center === null) {
    return null;
  }
  const touched = edges.filter(
    edge => edge.from === center || edge.to === center || keyOf(edge) === center
  );
  return {
    steps: new Set([center, ...touched.flatMap(edge => [edge.from, edge.to])]),
    edges: new Set(touched.map(keyOf))
  };
}

/** Arrow keys move the focus among the buttons of a group, which is one stop of the Tab key. */
function useRoving(): (event: React.KeyboardEvent) => void {
  return event => {
    const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[
      event.key
    ];
    if (step === undefined) {
      return;
    }
    const items = [
      ...event.currentTarget.querySelectorAll<HTMLElement | SVGGElement>(
        '[tabindex]'
      )
    ];
    const index = items.findIndex(item => item === document.activeElement);
    items[(index + step + items.length) % items.length]?.focus();
    event.preventDefault();
  };
}
