import * as React from 'react';

import { isFocusLost, rowAt } from './walking';

/** A long list of rows of one height, of which only those in sight exist, and the one the Tab key comes to. */
export const Windowed = React.forwardRef<
  HTMLDivElement,
  {
    count: number;
    rowHeight: number;
    label: string;
    role: 'list' | 'log' | 'tree' | 'rowgroup';
    className?: string;
    isBusy?: boolean;

    /** The row that has the keyboard's focus, or would get it: it exists out of sight, too. */
    entry?: number;
    renderRow: (index: number) => React.ReactNode;
    onScroll?: (element: HTMLDivElement) => void;

    /** Told which rows exist, whenever others do. */
    onRange?: (first: number, last: number) => void;
    onKeyDown?: (event: React.KeyboardEvent) => void;
  }
>((props, ref) => {
  const [view, setView] = React.useState({ top: 0, height: 800 });
  const inner = React.useRef<HTMLDivElement>(null);
  React.useImperativeHandle(ref, () => inner.current as HTMLDivElement);
  React.useLayoutEffect(() => {
    const element = inner.current;
    if (!element) {
      return;
    }
    const measure = () =>
      setView({ top: element.scrollTop, height: element.clientHeight });
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  const first = Math.max(0, Math.floor(view.top / props.rowHeight) - OVERSCAN);
  const last = Math.min(
    props.count,
    Math.ceil((view.top + view.height) / props.rowHeight) + OVERSCAN
  );
  const { onRange } = props;
  const told = React.useRef(onRange);
  told.current = onRange;
  React.useEffect(() => told.current?.(first, last - 1), [first, last]);
  const { entry = -1, rowHeight, renderRow } = props;
  const rows: React.ReactNode[] = [];
  const add = (index: number) => rows.push(renderRow(index));
  const leave = (key: string, count: number) =>
    rows.push(<Gap key={key} height={count * rowHeight} />);
  const isAbove = entry >= 0 && entry < first;
  const isBelow = entry >= last && entry < props.count;
  if (isAbove) {
    add(entry);
    leave('above', first - entry - 1);
  }
  for (let index = first; index < last; index++) {
    add(index);
  }
  if (isBelow) {
    leave('below', entry - last);
    add(entry);
  }
  return (
    <div
      ref={inner}
      className={`jp-mlplat-Windowed ${props.className ?? ''}`}
      role={props.role}
      aria-label={props.label}
      aria-live={props.role === 'log' ? 'off' : undefined}
      aria-busy={props.isBusy}
      tabIndex={props.role === 'log' ? 0 : undefined}
      onKeyDown={props.onKeyDown}
      onScroll={event => {
        const { scrollTop, clientHeight } = event.currentTarget;
        setView(view =>
          isSameRows(view, scrollTop, clientHeight, props.rowHeight)
            ? view
            : { top: scrollTop, height: clientHeight }
        );
        props.onScroll?.(event.currentTarget);
      }}
    >
      <div
        className="jp-mlplat-Windowed-inner"
        role="presentation"
        style={{ height: props.count * rowHeight }}
      >
        <div
          role="presentation"
          style={{
            transform: `translateY(${(isAbove ? entry : first) * rowHeight}px)`
          }}
        >
          {rows}
        </div>
      </div>
    </div>
  );
});

Windowed.displayName = 'Windowed';

/** Where rows are that do not exist. */
function Gap(props: { height: number }): JSX.Element {
  return <div role="presentation" style={{ height: props.height }} />;
}

/** Which row of a list the Tab key comes to, and how the keys go on from there. */
export interface IRowFocus {
  readonly entry: number;
  setEntry: (index: number) => void;

  /** Focus a row, wherever it is; it tells its place as `data-index`. */
  goTo: (index: number) => void;

  /** The row that a key leads to; null: the key is not one that moves. */
  next: (key: string) => number | null;
}

/** Lets arrow and page keys, Home and End walk through a list, row by row, in sight or not. */
export function useRowFocus(
  list: React.RefObject<HTMLDivElement>,
  count: number,
  rowHeight: number,
  options: {
    /** Where the list itself knows its entry. */
    entry?: number;

    /** The row that was open in the place of the list: it is in sight again; -1: none was. */
    opened?: number;
  } = {}
): IRowFocus {
  const { opened = -1 } = options;
  const [own, setEntry] = React.useState(Math.max(0, opened));
  const entry = Math.min(options.entry ?? own, Math.max(0, count - 1));
  const wanted = React.useRef<number | null>(null);
  React.useLayoutEffect(() => {
    if (opened >= 0 && list.current) {
      const { clientHeight } = list.current;
      list.current.scrollTop =
        opened * rowHeight - (clientHeight - rowHeight) / 2;
      wanted.current = isFocusLost() ? opened : null;
    }
    // Only when it comes up.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, []);
  React.useLayoutEffect(() => {
    if (wanted.current !== null) {
      const row = list.current?.querySelector<HTMLElement>(
        `[data-index="${wanted.current}"]`
      );
      if (row) {
        wanted.current = null;
        // Who went on to something else meanwhile is not called back.
        if (isFocusLost() || list.current?.contains(document.activeElement)) {
          row.focus({ preventScroll: true });
        }
      }
    }
  });
  return {
    entry,
    setEntry,
    goTo: index => {
      const element = list.current;
      if (element) {
        wanted.current = index;
        const top = index * rowHeight;
        const { scrollTop, clientHeight } = element;
        if (top < scrollTop) {
          element.scrollTop = top;
        } else if (top + rowHeight > scrollTop + clientHeight) {
          element.scrollTop = top + rowHeight - clientHeight;
        }
        setEntry(index);
      }
    },
    next: key => {
      const height = list.current?.clientHeight ?? 0;
      return rowAt(key, entry, count, Math.floor(height / rowHeight));
    }
  };
}

/** Tell whether the same rows are in sight: then there is nothing to draw anew. */
function isSameRows(
  view: { top: number; height: number },
  top: number,
  height: number,
  rowHeight: number
): boolean {
  return (
    view.height === height &&
    Math.floor(view.top / rowHeight) === Math.floor(top / rowHeight)
  );
}

const OVERSCAN = 6;
