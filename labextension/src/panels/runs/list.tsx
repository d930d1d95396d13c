import * as React from 'react';

import { Button, EmptyState, ErrorNote } from '../../components/basics';
import { useNow, useTrans, useWidth } from '../../components/context';
import { Windowed, useRowFocus } from '../../components/windowed';
import { runsIcon, searchIcon } from '../../icons';
import type { IRunsActions } from './body';
import { FilterBar } from './filter-bar';
import type { RunsModel } from './model';
import { ALL_RUNS, isNarrow } from './query';
import type { RunSort } from './query';
import { EmptyRow, ROW_HEIGHT, RunRow } from './row';
import type { IRowActions } from './row';

interface IRunListProps {
  model: RunsModel;
  actions: IRunsActions;

  /** The run that was open before. */
  opened: string | null;
}

/** All runs: only the rows in sight exist, and only the pages that were looked at are here. */
export default function RunList(props: IRunListProps): JSX.Element {
  const { model, actions } = props;
  const { pages, filter } = model;
  const trans = useTrans();
  const isFiltered = isNarrow(filter);
  const isEmpty = pages.total === 0 && !pages.isLoading && pages.error === null;
  return (
    <>
      {(isFiltered || pages.total > 0) && (
        <FilterBar model={model} actions={actions} />
      )}
      {pages.error !== null && (
        <ErrorNote
          error={pages.error}
          action={{ label: trans.__('Try again'), onClick: actions.connect }}
        />
      )}
      {isEmpty && isFiltered && (
        <EmptyState icon={searchIcon} title={trans.__('No run matches')}>
          <p>{trans.__('Change the text, the state or the tags above.')}</p>
          <Button
            label={trans.__('Show all runs')}
            onClick={() => model.setFilter(ALL_RUNS)}
          />
        </EmptyState>
      )}
      {isEmpty && !isFiltered && (
        <EmptyState icon={runsIcon} title={trans.__('No runs yet')}>
          <p>
            {trans.__(
              'Open a notebook and press Run in the Pipeline section. Runs go on when you close JupyterLab, and everything they make is kept.'
            )}
          </p>
        </EmptyState>
      )}
      {pages.total > 0 && <Rows {...props} />}
    </>
  );
}

function Rows(props: IRunListProps): JSX.Element {
  const { model } = props;
  const { pages, filter } = model;
  const trans = useTrans();
  const minuteMs = useNow(60_000);
  const list = React.useRef<HTMLDivElement>(null);
  const width = useWidth(list, 0);
  const focus = useRowFocus(list, pages.total, ROW_HEIGHT, {
    opened: props.opened === null ? -1 : pages.placeOf(props.opened)
  });
  const { entry, setEntry } = focus;
  const columns = useColumns(model, width);
  const shownTotal = pages.total.toLocaleString();

  const openRun = React.useRef(props.actions.openRun);
  openRun.current = props.actions.openRun;
  const rowActions = React.useMemo(
    (): IRowActions => ({
      open: run => openRun.current(run),
      choose: (index, isStretch) =>
        isStretch ? void model.chooseTo(index) : model.choose(index),
      focus: setEntry
    }),
    [model, setEntry]
  );

  // Another filter or order begins at its top.
  const last = React.useRef(pages.filter);
  const shown = pages.filter;
  React.useLayoutEffect(() => {
    if (list.current && last.current !== shown) {
      last.current = shown;
      list.current.scrollTop = 0;
      setEntry(0);
    }
  }, [shown, setEntry]);

  const onKeyDown = (event: React.KeyboardEvent) => {
    const next = focus.next(event.key);
    if (next !== null) {
      if (event.shiftKey && model.isChoosing) {
        void model.chooseTo(next);
      }
      focus.goTo(next);
      event.preventDefault();
    } else if (event.key === 'Escape' && model.isChoosing) {
      props.actions.chooseRuns(false);
    } else if (
      event.key === 'a' &&
      (event.ctrlKey || event.metaKey) &&
      model.isChoosing
    ) {
      void model.chooseStretch(0, Math.min(pages.total, MOST_CHOSEN) - 1);
      event.preventDefault();
    }
  };

  return (
    <>
      {columns !== null && (
        <ColumnHeads
          model={model}
          columns={columns.split('\n').filter(Boolean)}
        />
      )}
      <Windowed
        ref={list}
        className="jp-mlplat-RunList"
        role="list"
        label={trans.__('Runs')}
        count={pages.total}
        rowHeight={ROW_HEIGHT}
        entry={entry}
        onKeyDown={onKeyDown}
        onRange={(first, last) => pages.see(first, last)}
        renderRow={index => {
          const run = pages.at(index);
          return run ? (
            <RunRow
              key={run.id}
              run={run}
              index={index}
              count={pages.total}
              minuteMs={minuteMs}
              columns={columns}
              isChoosing={model.isChoosing}
              isChosen={model.chosen.has(run.id)}
              isEntry={index === entry}
              actions={rowActions}
            />
          ) : (
            <EmptyRow key={index} />
          );
        }}
      />
      <p className="jp-mlplat-RunList-total" aria-live="polite">
        {isNarrow(filter)
          ? trans._n('%2 run matches', '%2 runs match', pages.total, shownTotal)
          : trans._n('%2 run', '%2 runs', pages.total, shownTotal)}
      </p>
    </>
  );
}

/** Names above the columns of a wide list; each sorts by its column. */
function ColumnHeads(props: {
  model: RunsModel;
  columns: readonly string[];
}): JSX.Element {
  const { model } = props;
  const { sort, isDescending } = model.filter;
  const trans = useTrans();
  const heads: { sort: RunSort; label: string; isAge?: boolean }[] = [
    { sort: 'pipeline', label: trans.__('Run') },
    ...props.columns.map(name => ({
      sort: `metric:${name}` as RunSort,
      label: name
    })),
    { sort: 'duration', label: trans.__('Duration') },
    { sort: 'newest', label: trans.__('Started'), isAge: true }
  ];
  return (
    <div
      className="jp-mlplat-RunHeads"
      role="group"
      aria-label={trans.__('Sort by')}
      data-choosing={model.isChoosing}
    >
      {heads.map(head => {
        const isSorted = sort === head.sort;
        return (
          <button
            key={head.sort}
            type="button"
            className={`jp-mlplat-RunHead ${head.isAge ? 'jp-mod-age' : ''}`}
            aria-pressed={isSorted}
            title={head.label}
            onClick={() =>
              model.setFilter(
                isSorted
                  ? { isDescending: !isDescending }
                  : {
                      sort: head.sort,
                      isDescending: head.sort !== 'pipeline'
                    }
              )
            }
          >
            <span>{head.label}</span>
            {isSorted && (
              <span aria-hidden="true">{isDescending ? '↓' : '↑'}</span>
            )}
          </button>
        );
      })}
    </div>
  );
}

/** The metrics that have a column where there is room, one a line; null where there is none. */
function useColumns(model: RunsModel, width: number): string | null {
  const room = Math.min(
    MOST_COLUMNS,
    Math.floor((width - WIDTH_OF_REST) / WIDTH_OF_COLUMN)
  );
  if (width < WIDE) {
    return null;
  }
  const { sort } = model.filter;
  const sorted = sort.startsWith('metric:') ? [sort.slice(7)] : [];
  const names = new Set([...sorted, ...(model.facets?.metrics ?? [])]);
  return [...names].slice(0, Math.max(0, room)).join('\n');
}

/** From here on there is room for columns. */
const WIDE = 520;
const WIDTH_OF_REST = 400;
const WIDTH_OF_COLUMN = 84;
const MOST_COLUMNS = 6;

/** What the engine gives at once; who wants to delete more has `mlplat gc`. */
const MOST_CHOSEN = 1000;
