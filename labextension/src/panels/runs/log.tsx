import { UseSignal } from '@jupyterlab/ui-components';
import * as React from 'react';

import { AnsiText } from '../../components/ansi-text';
import { ErrorNote } from '../../components/basics';
import { useTrans } from '../../components/context';
import { Windowed } from '../../components/windowed';
import { searchIcon } from '../../icons';
import { stripAnsi } from '../../components/ansi';
import type { ILog } from './log-model';

/** What a step or a server wrote: follows the end until scrolled away from it; searched line by line. */
export function LogView(props: { model: ILog }): JSX.Element {
  return (
    <UseSignal signal={props.model.changed}>
      {() => <LogLines model={props.model} />}
    </UseSignal>
  );
}

function LogLines(props: { model: ILog }): JSX.Element {
  const { model } = props;
  const trans = useTrans();
  const view = React.useRef<HTMLDivElement>(null);
  const isFollowing = React.useRef(true);
  const [needle, setNeedle] = React.useState('');
  const [current, setCurrent] = React.useState(-1);
  const { lines } = model;

  const hits = React.useMemo(() => {
    const wanted = needle.toLowerCase();
    return wanted === ''
      ? []
      : lines.flatMap((line, index) =>
          stripAnsi(line.text).toLowerCase().includes(wanted) ? [index] : []
        );
  }, [lines, needle]);

  React.useLayoutEffect(() => {
    const element = view.current;
    if (element && isFollowing.current) {
      element.scrollTop = element.scrollHeight;
    }
  }, [lines]);

  const goTo = (hit: number) => {
    if (hits.length === 0 || !view.current) {
      return;
    }
    const index = (hit + hits.length) % hits.length;
    isFollowing.current = false;
    view.current.scrollTop =
      hits[index] * LINE_HEIGHT - view.current.clientHeight / 2;
    setCurrent(index);
  };

  if (model.error !== null && lines.length === 0) {
    return <ErrorNote error={model.error} />;
  }
  if (lines.length === 0) {
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
              setCurrent(-1);
            }}
            onKeyDown={event => {
              if (event.key === 'Enter') {
                goTo(event.shiftKey ? current - 1 : current + 1);
              }
            }}
          />
        </div>
        <span className="jp-mlplat-Log-count" role="status">
          {needle !== '' && trans._n('%1 line', '%1 lines', hits.length)}
        </span>
      </div>
      {model.droppedLines > 0 && (
        <p className="jp-mlplat-Hint">
          {trans._n(
            '%1 earlier line is not shown.',
            '%1 earlier lines are not shown.',
            model.droppedLines
          )}
        </p>
      )}
      <Windowed
        ref={view}
        className="jp-mlplat-Log-lines"
        role="log"
        label={trans.__('Log of %1', model.title)}
        count={lines.length}
        rowHeight={LINE_HEIGHT}
        onScroll={element => {
          isFollowing.current =
            element.scrollHeight - element.scrollTop - element.clientHeight <
            LINE_HEIGHT;
        }}
        renderRow={index => {
          const line = lines[index];
          return (
            <div
              key={line.number}
              className="jp-mlplat-Log-line"
              data-stream={line.stream}
              data-current={needle !== '' && hits[current] === index}
              style={{ height: LINE_HEIGHT }}
            >
              <span className="jp-mlplat-Log-number" aria-hidden="true">
                {line.number}
              </span>
              <span className="jp-mlplat-Log-text">
                <AnsiText text={line.text} highlight={needle || undefined} />
              </span>
            </div>
          );
        }}
      />
    </div>
  );
}

const LINE_HEIGHT = 18;
