import type { TranslationBundle } from '@jupyterlab/translation';
import { caretDownIcon, caretRightIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

import type { Run, Task } from '../../api/types';
import { useTrans } from '../../components/context';
import { formatDuration } from '../../components/format';
import { stepStyle } from '../../components/palette';
import { StateIcon, stateLabel } from '../../components/state';
import type { IOutlineRow } from './outline';
import { outlineOf } from './outline';

/** The steps of a run, those of a KFP pipeline below what they lie in; one of them unfolds. */
export function Steps(props: {
  run: Run;
  nowMs: number;
  selected: string | null;
  onSelect: (step: string | null) => void;
  renderStep: (task: Task) => React.ReactNode;
}): JSX.Element {
  const trans = useTrans();
  const { run, selected, onSelect } = props;
  const [rows, toggle] = useOutline(run, selected);
  return (
    <section className="jp-mlplat-Steps" aria-label={trans.__('Steps')}>
      <h3 className="jp-mlplat-Heading">{trans.__('Steps')}</h3>
      <ul className="jp-mlplat-Steps-list">
        {rows.map((row, index) => {
          const { task } = row;
          const isOpen = row.inside ? row.isOpen : task.name === selected;
          return (
            <li key={task.name} style={rowStyle(row, index)}>
              <button
                type="button"
                className="jp-mlplat-Row jp-mlplat-TaskRow"
                aria-expanded={isOpen}
                aria-label={spokenOf(trans, row)}
                data-state={task.state}
                data-task={task.name}
                data-kind={task.kind}
                title={titleOf(task)}
                onClick={() =>
                  row.inside ? toggle(row) : onSelect(isOpen ? null : task.name)
                }
              >
                <Mark row={row} />
                <StateIcon state={task.state} isCached={task.cached} />
                <span className="jp-mlplat-TaskRow-name">{row.label}</span>
                <span className="jp-mlplat-TaskRow-facts">
                  {row.inside && insideOf(trans, row.inside)}
                  {taskFacts(trans, task, props.nowMs)}
                </span>
              </button>
              {isOpen && !row.inside && props.renderStep(task)}
            </li>
          );
        })}
      </ul>
    </section>
  );
}

/** The rows of a run's outline, and what folds or unfolds one. */
export function useOutline(
  run: Run,
  selected: string | null
): [readonly IOutlineRow[], (row: IOutlineRow) => void] {
  const [toggled, setToggled] = React.useState<ReadonlyMap<string, boolean>>(
    () => new Map()
  );
  const rows = React.useMemo(
    () => outlineOf(run, toggled, selected),
    [run, toggled, selected]
  );
  const toggle = (row: IOutlineRow) =>
    setToggled(new Map(toggled).set(row.task.name, !row.isOpen));
  return [rows, toggle];
}

/** The colour of a step; of a scope whether it is unfolded. */
export function Mark(props: { row: IOutlineRow }): JSX.Element {
  const { row } = props;
  if (!row.inside) {
    return <span className="jp-mlplat-TaskRow-swatch" />;
  }
  const Caret = row.isOpen ? caretDownIcon : caretRightIcon;
  return <Caret.react className="jp-mlplat-TaskRow-caret" tag="span" />;
}

/** How deep a row lies, and its colour. */
export function rowStyle(row: IOutlineRow, index: number): React.CSSProperties {
  const depth = { '--jp-mlplat-depth': row.depth } as React.CSSProperties;
  return { ...stepStyle(index), ...depth };
}

/** What is behind a row's name, in words. */
export function titleOf(task: Task): string | undefined {
  return (
    task.failure?.message ??
    task.cache?.reason ??
    task.waiting_for ??
    (task.path.length > 1 ? task.path.join(' / ') : undefined)
  );
}

function spokenOf(
  trans: TranslationBundle,
  row: IOutlineRow
): string | undefined {
  const { task } = row;
  return task.path.length > 1 || row.inside
    ? `${task.path.join(' / ')}, ${stateLabel(trans, task.state, task.cached)}`
    : undefined;
}

function insideOf(
  trans: TranslationBundle,
  inside: { done: number; total: number }
): string {
  return inside.total > 0
    ? `${trans.__('%1 of %2', inside.done, inside.total)} · `
    : '';
}

function taskFacts(
  trans: TranslationBundle,
  task: Task,
  nowMs: number
): string {
  if (task.cached || !task.started_at) {
    return stateLabel(trans, task.state, task.cached);
  }
  const seconds =
    task.duration_s ?? (nowMs - Date.parse(task.started_at)) / 1000;
  const attempt =
    task.attempt > 1 ? `${trans.__('attempt %1', task.attempt)} · ` : '';
  return attempt + formatDuration(Math.max(0, seconds));
}
