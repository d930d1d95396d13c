import * as React from 'react';

import type { Pipeline, Task } from '../../api/types';
import { Button, EmptyState, ErrorNote } from '../../components/basics';
import { useTrans } from '../../components/context';
import { formatDuration } from '../../components/format';
import { stepStyle } from '../../components/palette';
import { StateIcon, stateLabel } from '../../components/state';
import { FlowGraph } from '../../graph';
import type { IFlowEdge, IFlowNode } from '../../graph';
import type { Direction } from '../../graph/layout';
import { pipelineIcon } from '../../icons';
import { EdgeDetails, StepDetails } from '../pipeline/details';
import { outlookOf, sentenceOf } from '../pipeline/foresight';
import {
  StepIcon,
  edgeLabel,
  edgeTitle,
  stepFacts,
  stepLabel,
  strongestProof
} from '../pipeline/graph';
import type { Selection } from '../pipeline/model';
import type { IGraphActions } from './body';
import { StepList } from './list';
import type { IStepGraph } from './model';
import '../../../style/pipeline.css';
import '../../../style/graph.css';

/** The graph with its bar, and the detail of what is selected beside it. */
export default function GraphView(props: {
  graph: IStepGraph;
  actions: IGraphActions;
}): JSX.Element {
  const { graph, actions } = props;
  const trans = useTrans();
  const { pipeline, selection } = graph;
  const [direction, setDirection] = React.useState<Direction>('down');
  const [isList, setIsList] = React.useState(false);
  const select = (value: Selection | null) => (graph.selection = value);
  const nodes = useNodes(graph, pipeline);
  const edges = useEdges(graph, pipeline);
  const highlighted = React.useMemo(
    () => around(pipeline, selection),
    [pipeline, selection]
  );
  if (pipeline === null) {
    return graph.error === null ? (
      <p className="jp-mlplat-Hint jp-mlplat-Wait" role="status">
        {trans.__('Reading the pipeline…')}
      </p>
    ) : (
      <EmptyState icon={pipelineIcon} title={trans.__('Nothing to draw')}>
        <ErrorNote error={graph.error} />
      </EmptyState>
    );
  }
  if (pipeline.steps.length === 0) {
    return (
      <EmptyState icon={pipelineIcon} title={trans.__('No steps yet')}>
        <p>{trans.__('Write a code cell, and it shows up here as a step.')}</p>
      </EmptyState>
    );
  }
  return (
    <>
      <div
        className="jp-mlplat-GraphView-bar"
        role="toolbar"
        aria-label={trans.__('View')}
      >
        <span className="jp-mlplat-GraphView-facts" role="status">
          {[
            graph.runNumber !== null && trans.__('Run %1', graph.runNumber),
            trans._n('%1 step', '%1 steps', pipeline.steps.length),
            trans._n('%1 edge', '%1 edges', pipeline.edges.length),
            graph.plan !== null && sentenceOf(trans, graph.plan)
          ]
            .filter(Boolean)
            .join(' · ')}
        </span>
        {!isList && (
          <Button
            label={
              direction === 'down'
                ? trans.__('Left to right')
                : trans.__('Top to bottom')
            }
            onClick={() =>
              setDirection(direction === 'down' ? 'right' : 'down')
            }
          />
        )}
        <Button
          label={isList ? trans.__('Show as graph') : trans.__('Show as list')}
          testId="mlplat-graph-list"
          onClick={() => setIsList(!isList)}
        />
      </div>
      {graph.error !== null && <ErrorNote error={graph.error} />}
      <div className="jp-mlplat-GraphView-body">
        {isList ? (
          <StepList graph={graph} pipeline={pipeline} onSelect={select} />
        ) : (
          <FlowGraph
            key={direction}
            label={trans.__('Steps of %1', pipeline.name)}
            nodes={nodes}
            edges={edges}
            direction={direction}
            selected={
              selection === null
                ? null
                : selection.kind === 'step'
                  ? selection.name
                  : keyOf(selection)
            }
            highlighted={highlighted}
            onSelect={id =>
              select(id === null ? null : { kind: 'step', name: id })
            }
            onSelectEdge={id => {
              const edge = pipeline.edges.find(edge => keyOf(edge) === id);
              if (edge) {
                select({ kind: 'edge', from: edge.from, to: edge.to });
                actions.showEdge?.(edge);
              }
            }}
            onOpen={actions.openStep}
          />
        )}
        <Aside graph={graph} pipeline={pipeline} actions={actions} />
      </div>
    </>
  );
}

/** The detail of what is selected. */
function Aside(props: {
  graph: IStepGraph;
  pipeline: Pipeline;
  actions: IGraphActions;
}): JSX.Element | null {
  const { graph, pipeline, actions } = props;
  const trans = useTrans();
  const { selection } = graph;
  if (selection === null) {
    return null;
  }
  const select = (value: Selection | null) => (graph.selection = value);
  const step =
    selection.kind === 'step'
      ? pipeline.steps.find(({ name }) => name === selection.name)
      : undefined;
  const task = (step && graph.tasks.get(step.name)) ?? null;
  const edge =
    selection.kind === 'edge'
      ? pipeline.edges.find(
          ({ from, to }) => from === selection.from && to === selection.to
        )
      : undefined;
  return (
    <aside
      className="jp-mlplat-GraphView-aside"
      aria-label={trans.__('Details')}
    >
      {edge && (
        <EdgeDetails
          edge={edge}
          valueOf={name =>
            graph.outputs.find(
              output => output.step === edge.from && output.name === name
            ) ?? null
          }
          onGoToCell={actions.goToCell}
          onSelect={select}
        />
      )}
      {step && task && !actions.run && (
        <TaskNote task={task} onOpen={() => actions.openStep(step.name)} />
      )}
      {step && (
        <StepDetails
          pipeline={pipeline}
          step={step}
          task={task}
          planned={graph.plan?.steps.find(it => it.name === step.name) ?? null}
          planOnly={graph.planOnly}
          onGoToCell={actions.goToCell}
          onSelect={select}
          onRun={actions.run}
        />
      )}
    </aside>
  );
}

/** How a step fared in the run that is drawn, and the way to what it wrote. */
function TaskNote(props: { task: Task; onOpen: () => void }): JSX.Element {
  const { task } = props;
  const trans = useTrans();
  return (
    <section
      className="jp-mlplat-TaskNote"
      aria-label={trans.__('Step %1 in this run', task.name)}
    >
      <StateIcon state={task.state} isCached={task.cached} />
      <strong>{stateLabel(trans, task.state, task.cached)}</strong>
      {task.duration_s !== null && (
        <span className="jp-mlplat-Quiet">
          {formatDuration(task.duration_s)}
        </span>
      )}
      <Button
        label={trans.__('Outputs and log')}
        title={trans.__('Show this step in the side panel')}
        onClick={props.onOpen}
      />
      {task.failure && (
        <p className="jp-mlplat-TaskNote-failure">{task.failure.message}</p>
      )}
    </section>
  );
}

function useNodes(
  graph: IStepGraph,
  pipeline: Pipeline | null
): readonly IFlowNode[] {
  const trans = useTrans();
  const { tasks, plan } = graph;
  const outlooks = new Map(plan?.steps.map(step => [step.name, step]));
  return (pipeline?.steps ?? []).map((step, index) => {
    const task = tasks.get(step.name) ?? null;
    const planned = outlooks.get(step.name) ?? null;
    return {
      id: step.name,
      width: NODE_WIDTH,
      height: NODE_HEIGHT,
      label: stepLabel(trans, step, task, planned),
      tone: planned ? outlookOf(planned) : task?.state,
      style: stepStyle(index),
      render: () => (
        <div className="jp-mlplat-GraphStep" title={step.title}>
          <span className="jp-mlplat-Step-text">
            <span className="jp-mlplat-Step-name">{step.name}</span>
            <span className="jp-mlplat-Step-facts">
              {stepFacts(trans, step, task, planned, NODE_WIDTH)}
            </span>
          </span>
          <StepIcon task={task} planned={planned} />
        </div>
      )
    };
  });
}

function useEdges(
  graph: IStepGraph,
  pipeline: Pipeline | null
): readonly IFlowEdge[] {
  const trans = useTrans();
  const { outputs } = graph;
  return React.useMemo(
    () =>
      (pipeline?.edges ?? []).map(edge => ({
        id: keyOf(edge),
        source: edge.from,
        target: edge.to,
        label: edgeLabel(trans, edge),
        title: edgeTitle(
          trans,
          edge,
          (step, name) =>
            outputs.find(it => it.step === step && it.name === name) ?? null
        ),
        isDashed: strongestProof(edge) === 'assumed'
      })),
    [pipeline, outputs, trans]
  );
}

/** What is selected with what it touches. */
function around(
  pipeline: Pipeline | null,
  selection: Selection | null
): ReadonlySet<string> | null {
  if (pipeline === null || selection === null) {
    return null;
  }
  const centre = selection.kind === 'step' ? selection.name : keyOf(selection);
  const touched = pipeline.edges.filter(
    edge => edge.from === centre || edge.to === centre || keyOf(edge) === centre
  );
  return new Set([
    ...(selection.kind === 'step' ? [centre] : []),
    ...touched.flatMap(edge => [edge.from, edge.to, keyOf(edge)])
  ]);
}

function keyOf(edge: { from: string; to: string }): string {
  return `${edge.from}→${edge.to}`;
}

const NODE_WIDTH = 210;
const NODE_HEIGHT = 52;
