import * as React from 'react';

import type { Pipeline } from '../../api/types';
import { useTrans } from '../../components/context';
import { stepStyle } from '../../components/palette';
import { StepIcon, stepFacts } from '../pipeline/graph';
import type { Selection } from '../pipeline/model';
import type { IStepGraph } from './model';

/** The graph as a list: each step with what it needs, for those who read rather than look. */
export function StepList(props: {
  graph: IStepGraph;
  pipeline: Pipeline;
  onSelect: (selection: Selection) => void;
}): JSX.Element {
  const { graph, pipeline } = props;
  const trans = useTrans();
  const outlooks = new Map(graph.plan?.steps.map(step => [step.name, step]));
  const needs = new Map<string, string[]>();
  for (const edge of pipeline.edges) {
    const names = needs.get(edge.to) ?? [];
    names.push(edge.from);
    needs.set(edge.to, names);
  }
  return (
    <ol
      className="jp-mlplat-StepList"
      aria-label={trans.__('Steps of %1', pipeline.name)}
      onKeyDown={event => {
        const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
        const rows = [...event.currentTarget.querySelectorAll('button')];
        const here = rows.findIndex(row => row === document.activeElement);
        if (by !== undefined && here >= 0) {
          event.preventDefault();
          rows[Math.max(0, Math.min(rows.length - 1, here + by))].focus();
        }
      }}
    >
      {pipeline.steps.map((step, index) => {
        const task = graph.tasks.get(step.name) ?? null;
        const planned = outlooks.get(step.name) ?? null;
        const above = needs.get(step.name) ?? [];
        return (
          <li key={step.name} style={stepStyle(index)}>
            <button
              type="button"
              className="jp-mlplat-StepList-row"
              aria-pressed={
                graph.selection?.kind === 'step' &&
                graph.selection.name === step.name
              }
              onClick={() => props.onSelect({ kind: 'step', name: step.name })}
            >
              <span className="jp-mlplat-Swatch" />
              <span className="jp-mlplat-Step-text">
                <span className="jp-mlplat-Step-name">{step.name}</span>
                <span className="jp-mlplat-Step-facts">
                  {above.length > 0
                    ? trans.__('needs %1', above.join(', '))
                    : trans.__('needs nothing')}
                </span>
              </span>
              <span className="jp-mlplat-Step-facts">
                {stepFacts(trans, step, task, planned, ROW_WIDTH)}
              </span>
              <StepIcon task={task} planned={planned} />
            </button>
          </li>
        );
      })}
    </ol>
  );
}

const ROW_WIDTH = 400;
