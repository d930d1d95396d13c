import * as React from 'react';

import { useTrans } from '../../components/context';
import { formatDuration } from '../../components/format';
import { StateIcon, stateLabel } from '../../components/state';
import type { Run } from '../../api/types';
import { Mark, rowStyle, titleOf, useOutline } from './steps';
import { layOut } from './timeline';
import type { ITimelineRow } from './timeline';

/** The steps of a run over time; arrow keys go from one to the next. */
export function Gantt(props: {
  run: Run;
  nowMs: number;
  selected: string | null;
  onSelect: (step: string) => void;
}): JSX.Element {
  const { run, nowMs, selected, onSelect } = props;
  const trans = useTrans();
  const list = React.useRef<HTMLUListElement>(null);
  const [outline, toggle] = useOutline(run, selected);
  const { rows, ticks, pauses } = layOut(
    outline.map(({ task }) => task),
    nowMs
  );
  const choose = (index: number) => {
    walkTo(null);
    if (outline[index].inside) {
      toggle(outline[index]);
    } else {
      onSelect(rows[index].task.name);
    }
  };
  const [walkedTo, walkTo] = React.useState<string | null>(null);
  const focused =
    [walkedTo, selected].find(name =>
      rows.some(row => row.task.name === name)
    ) ?? rows[0]?.task.name;

  const move = (event: React.KeyboardEvent) => {
    const at = rows.findIndex(row => row.task.name === focused);
    const to = {
      ArrowDown: at + 1,
      ArrowUp: at - 1,
      Home: 0,
      End: rows.length - 1
    }[event.key];
    if (to !== undefined && rows[to]) {
      event.preventDefault();
      walkTo(rows[to].task.name);
      if (!outline[to].inside) {
        onSelect(rows[to].task.name);
      }
      list.current
        ?.querySelectorAll<HTMLElement>('.jp-mlplat-Gantt-row')
        [to].focus();
    }
  };

  return (
    <section
      className="jp-mlplat-Gantt"
      aria-label={trans.__('Steps over time')}
      data-testid="mlplat-timeline"
    >
      <div className="jp-mlplat-Gantt-axis" aria-hidden="true">
        {ticks.map(tick => (
          <span key={tick.at} style={{ left: `${100 * tick.at}%` }}>
            {tick.seconds === 0 ? '0' : formatDuration(tick.seconds)}
          </span>
        ))}
      </div>
      <ul ref={list} className="jp-mlplat-Gantt-rows" onKeyDown={move}>
        {rows.map((row, index) => (
          <li key={row.task.name} style={rowStyle(outline[index], index)}>
            <button
              type="button"
              className="jp-mlplat-Gantt-row"
              data-task={row.task.name}
              data-kind={row.task.kind}
              aria-expanded={
                outline[index].inside ? outline[index].isOpen : undefined
              }
              aria-current={row.task.name === selected}
              tabIndex={row.task.name === focused ? 0 : -1}
              title={titleOf(row.task)}
              onClick={() => choose(index)}
            >
              <span className="jp-mlplat-Gantt-label">
                <Mark row={outline[index]} />
                <StateIcon state={row.task.state} isCached={row.task.cached} />
                <span className="jp-mlplat-Gantt-name">
                  {outline[index].label}
                </span>
              </span>
              <span className="jp-mlplat-Gantt-track">
                {pauses.map(pause => (
                  <span
                    key={pause.at}
                    className="jp-mlplat-Gantt-pause"
                    style={{ left: `${100 * pause.at}%` }}
                  />
                ))}
                <Bar row={row} nowMs={nowMs} />
              </span>
            </button>
          </li>
        ))}
      </ul>
      {pauses.length > 0 && (
        <p className="jp-mlplat-Hint jp-mlplat-Gantt-note">
          {trans.__(
            'Dashed lines stand for pauses in which nothing ran: %1.',
            pauses.map(pause => formatDuration(pause.seconds)).join(', ')
          )}
        </p>
      )}
    </section>
  );
}

function Bar(props: { row: ITimelineRow; nowMs: number }): JSX.Element {
  const { task, bar, cells } = props.row;
  const trans = useTrans();
  if (bar === null) {
    return (
      <span className="jp-mlplat-Gantt-word">
        {stateLabel(trans, task.state, task.cached)}
      </span>
    );
  }
  const seconds =
    task.duration_s ??
    Math.max(0, (props.nowMs - Date.parse(task.started_at ?? '')) / 1000);
  // The time stands behind the bar, or before it where there is no room.
  const isLate = bar.to > 0.84;
  return (
    <>
      <span
        className="jp-mlplat-Gantt-bar"
        data-state={task.state}
        style={{
          left: `${100 * bar.from}%`,
          width: `${100 * (bar.to - bar.from)}%`
        }}
      >
        {cells.map((at, index) => (
          <span
            key={index}
            className="jp-mlplat-Gantt-cell"
            style={{ left: `${100 * at}%` }}
          />
        ))}
      </span>
      <span
        className="jp-mlplat-Gantt-time"
        data-side={isLate ? (bar.from > 0.2 ? 'before' : 'within') : 'after'}
        style={
          isLate
            ? {
                right: `${100 * (bar.from > 0.2 ? 1 - bar.from : 1 - bar.to)}%`
              }
            : { left: `${100 * bar.to}%` }
        }
      >
        {task.attempt > 1 && `${trans.__('attempt %1', task.attempt)} · `}
        {formatDuration(seconds)}
      </span>
    </>
  );
}
