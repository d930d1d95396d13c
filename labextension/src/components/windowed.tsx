import * as React from 'react';

/** A long list of rows of one height, of which only those in sight exist. */
export const Windowed = React.forwardRef<
  HTMLDivElement,
  {
    count: number;
    rowHeight: number;
    label: string;
    role: 'list' | 'log';
    className?: string;
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
  const rows: React.ReactNode[] = [];
  for (let index = first; index < last; index++) {
    rows.push(props.renderRow(index));
  }
  return (
    <div
      ref={inner}
      className={`jp-mlplat-Windowed ${props.className ?? ''}`}
      role={props.role}
      aria-label={props.label}
      aria-live={props.role === 'log' ? 'off' : undefined}
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
        style={{ height: props.count * props.rowHeight }}
      >
        <div
          role="presentation"
          style={{ transform: `translateY(${first * props.rowHeight}px)` }}
        >
          {rows}
        </div>
      </div>
    </div>
  );
});

Windowed.displayName = 'Windowed';

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
