import { UseSignal } from '@jupyterlab/ui-components';
import * as React from 'react';

import { AnsiText } from '../../components/ansi-text';
import { Button, ErrorNote, IconButton } from '../../components/basics';
import { useTrans } from '../../components/context';
import { formatBytes } from '../../components/format';
import { Windowed } from '../../components/windowed';
import {
  chevronIcon,
  downloadIcon,
  followIcon,
  searchIcon,
  warningIcon,
  wrapIcon
} from '../../icons';
import type { ILog } from './log-model';
import { LogRows, countLevels, filterLines, findLines } from './log-rows';
import type { LevelFilter } from './log-rows';

/** What a step or a server wrote: searched, filtered by level, wrapped, followed while it grows. */
export function LogView(props: {
  model: ILog;
  onDownload?: () => void;
}): JSX.Element {
  return (
    <UseSignal signal={props.model.changed}>
      {() => <Log {...props} />}
    </UseSignal>
  );
}

function Log(props: { model: ILog; onDownload?: () => void }): JSX.Element {
  const { model } = props;
  const { lines: all } = model;
  const trans = useTrans();
  const view = React.useRef<HTMLDivElement>(null);
  const [needle, setNeedle] = React.useState('');
  const [level, setLevel] = React.useState<LevelFilter>('all');
  const [isWrapped, setWrapped] = React.useState(false);
  const [isFollowing, setFollowing] = React.useState(true);
  /** The line one was led to, by its number: it stays the same while lines come and go. */
  const [current, setCurrent] = React.useState<number | null>(null);
  const columns = useColumns(view, isWrapped, all.length > 0);
  const wanted = React.useDeferredValue(needle);

  const lines = React.useMemo(() => filterLines(all, level), [all, level]);
  const hits = React.useMemo(() => findLines(lines, wanted), [lines, wanted]);
  const rows = React.useMemo(
    () => new LogRows(lines, isWrapped ? columns : null),
    [lines, isWrapped, columns]
  );
  const counts = React.useMemo(() => countLevels(all), [all]);
  const hit = hits.findIndex(index => lines[index].number === current);

  React.useLayoutEffect(() => {
    const element = view.current;
    if (element && isFollowing) {
      element.scrollTop = element.scrollHeight;
    }
  }, [rows, isFollowing]);

  // Wrapping moves lines; the one on top stays on top.
  const top = React.useRef(0);
  const drawn = React.useRef({ isWrapped, columns });
  React.useLayoutEffect(() => {
    const before = drawn.current;
    const isMoved =
      before.isWrapped !== isWrapped ||
      (isWrapped && before.columns !== columns);
    drawn.current = { isWrapped, columns };
    if (view.current && isMoved && !isFollowing) {
      view.current.scrollTop = rows.rowOf(top.current) * LINE_HEIGHT;
    }
  }, [rows, isWrapped, columns, isFollowing]);

  const leadTo = (index: number) => {
    const element = view.current;
    const line = lines[index];
    if (!element || !line) {
      return;
    }
    setFollowing(false);
    setCurrent(line.number);
    element.scrollTop =
      rows.rowOf(index) * LINE_HEIGHT - element.clientHeight / 3;
  };
  const goTo = (step: 1 | -1) => {
    // Whoever types fast is ahead of what is marked.
    const found = wanted === needle ? hits : findLines(lines, needle);
    if (found.length > 0) {
      // Without a hit at hand: the first one, or the last.
      const from = hit < 0 && step < 0 ? 0 : hit;
      leadTo(found[(from + step + found.length) % found.length]);
    }
  };
  const goToError = () => {
    const first = lines.findIndex(line => line.level === 'error');
    leadTo(first);
    view.current?.focus({ preventScroll: true });
  };

  if (model.error !== null && all.length === 0) {
    return <ErrorNote error={model.error} />;
  }
  if (all.length === 0) {
    return (
      <p className="jp-mlplat-Hint">
        {model.isLoading
          ? trans.__('Reading the log…')
          : trans.__('Nothing has been written.')}
      </p>
    );
  }
  return (
    <div className="jp-mlplat-Log" data-testid="mlplat-log">
      <div className="jp-mlplat-Log-bar">
        <div className="jp-mlplat-SearchBox">
          <searchIcon.react tag="span" className="jp-mlplat-SearchBox-icon" />
          <input
            className="jp-mlplat-Input"
            type="search"
            aria-label={trans.__('Search the log')}
            placeholder={trans.__('Search the log')}
            value={needle}
            onChange={event => {
              setNeedle(event.target.value);
              setCurrent(null);
            }}
            onKeyDown={event => {
              if (event.key === 'Enter') {
                goTo(event.shiftKey ? -1 : 1);
              } else if (event.key === 'Escape' && needle !== '') {
                event.stopPropagation();
                setNeedle('');
              }
            }}
          />
        </div>
        <span className="jp-mlplat-Log-count" role="status">
          {wanted === ''
            ? ''
            : hit >= 0
              ? trans.__('%1 of %2', hit + 1, hits.length)
              : trans._n('%1 line', '%1 lines', hits.length)}
        </span>
        <span className="jp-mlplat-Log-steps" hidden={needle === ''}>
          <IconButton
            icon={chevronIcon}
            label={trans.__('Previous hit (Shift+Enter)')}
            isDisabled={hits.length === 0}
            onClick={() => goTo(-1)}
          />
          <IconButton
            icon={chevronIcon}
            label={trans.__('Next hit (Enter)')}
            isDisabled={hits.length === 0}
            onClick={() => goTo(1)}
          />
        </span>
        <select
          className="jp-mlplat-Select jp-mlplat-Log-level"
          aria-label={trans.__('Show lines of level')}
          value={level}
          onChange={event => {
            setLevel(event.target.value as LevelFilter);
            setCurrent(null);
          }}
        >
          <option value="all">{trans.__('All levels')}</option>
          <option value="info">{trans.__('Without debug')}</option>
          <option value="warning">
            {trans.__('Warnings (%1)', counts.warning + counts.error)}
          </option>
          <option value="error">{trans.__('Errors (%1)', counts.error)}</option>
        </select>
        <span className="jp-mlplat-Log-tools">
          <IconButton
            icon={warningIcon}
            label={trans.__('Go to the first error')}
            isDisabled={counts.error === 0}
            onClick={goToError}
          />
          <IconButton
            icon={wrapIcon}
            label={trans.__('Wrap long lines')}
            isPressed={isWrapped}
            onClick={() => setWrapped(!isWrapped)}
          />
          <IconButton
            icon={followIcon}
            label={trans.__('Follow the end')}
            isPressed={isFollowing}
            onClick={() => setFollowing(!isFollowing)}
          />
          {props.onDownload && (
            <IconButton
              icon={downloadIcon}
              label={trans.__('Download the whole log')}
              onClick={props.onDownload}
            />
          )}
        </span>
      </div>
      <Cut model={model} onDownload={props.onDownload} />
      {lines.length === 0 ? (
        <p className="jp-mlplat-Hint">{trans.__('No line of this level.')}</p>
      ) : (
        <Windowed
          ref={view}
          className="jp-mlplat-Log-lines"
          role="log"
          label={trans.__('Log of %1', model.title)}
          count={rows.count}
          rowHeight={LINE_HEIGHT}
          onScroll={element => {
            const row = Math.floor(element.scrollTop / LINE_HEIGHT);
            top.current = rows.at(Math.min(row, rows.count - 1)).index;
            setFollowing(
              element.scrollHeight - element.scrollTop - element.clientHeight <
                LINE_HEIGHT
            );
          }}
          renderRow={row => {
            const { line, start, end } = rows.at(row);
            return (
              <div
                key={row}
                className="jp-mlplat-Log-line"
                data-stream={line.stream}
                data-level={line.level ?? undefined}
                data-current={line.number === current}
                style={{ height: LINE_HEIGHT }}
              >
                <span className="jp-mlplat-Log-number" aria-hidden="true">
                  {start === 0 ? line.number : ''}
                </span>
                <span className="jp-mlplat-Log-text">
                  <AnsiText
                    text={line.text}
                    start={start}
                    end={end}
                    highlight={wanted || undefined}
                  />
                </span>
              </div>
            );
          }}
        />
      )}
    </div>
  );
}

/** Says that the beginning is not shown, and where it is. */
function Cut(props: {
  model: ILog;
  onDownload?: () => void;
}): JSX.Element | null {
  const { droppedLines, skippedBytes = 0 } = props.model;
  const trans = useTrans();
  if (droppedLines === 0 && skippedBytes === 0) {
    return null;
  }
  const what = [
    skippedBytes > 0 && formatBytes(skippedBytes),
    droppedLines > 0 && trans._n('%1 line', '%1 lines', droppedLines)
  ].filter(Boolean);
  return (
    <p className="jp-mlplat-Log-cut" data-testid="mlplat-log-cut">
      <span>
        {trans.__('The beginning is cut off here: %1.', what.join(' + '))}
      </span>
      {props.onDownload && (
        <Button
          label={trans.__('Download all')}
          icon={downloadIcon}
          onClick={props.onDownload}
        />
      )}
    </p>
  );
}

/** How many characters of the log's font fit beside the line numbers. */
function useColumns(
  view: React.RefObject<HTMLDivElement>,
  isWrapped: boolean,
  isThere: boolean
): number {
  const [columns, setColumns] = React.useState(80);
  React.useLayoutEffect(() => {
    const element = view.current;
    if (!element || !isWrapped) {
      return;
    }
    const measure = () => {
      const probe = document.createElement('span');
      probe.className = 'jp-mlplat-Log-text jp-mlplat-Log-probe';
      probe.textContent = '0'.repeat(100);
      element.append(probe);
      const width = probe.getBoundingClientRect().width / 100;
      probe.remove();
      if (width > 0 && element.clientWidth > 0) {
        const room = element.clientWidth - NUMBER_WIDTH;
        setColumns(Math.max(10, Math.floor(room / width)));
      }
    };
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, [view, isWrapped, isThere]);
  return columns;
}

const LINE_HEIGHT = 18;
/** What line numbers, the gap and the padding take of a row: as in the style sheet. */
const NUMBER_WIDTH = 70;
