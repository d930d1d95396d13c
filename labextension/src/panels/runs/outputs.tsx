import type * as nbformat from '@jupyterlab/nbformat';
import { OutputArea, OutputAreaModel } from '@jupyterlab/outputarea';
import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { Widget } from '@lumino/widgets';
import * as React from 'react';

import type { CellRun } from '../../api/types';
import { ErrorNote, IconButton } from '../../components/basics';
import { confined } from '../../components/confined';
import { useTrans } from '../../components/context';
import { formatDuration } from '../../components/format';
import { StateIcon } from '../../components/state';
import { chevronIcon, jumpIcon } from '../../icons';
import { describeCell, keepEqual } from './executed-cells';

/** The cells of a step with what they displayed, as its executed notebook keeps them. */
export function StepOutputs(props: {
  load: () => Promise<nbformat.INotebookContent>;
  rendermime: IRenderMimeRegistry;
  /** How the cells go right now. */
  cells: readonly CellRun[];
  /** Position of a cell in the notebook, from 0. */
  indexOf: (cell: string) => number | null;
  /** Changes when there may be something new to load. */
  version: string;
  onGoToCell: (cell: string) => void;
}): JSX.Element {
  const trans = useTrans();
  const { load, version } = props;
  const [cells, setCells] = React.useState<
    readonly nbformat.ICodeCell[] | null
  >(null);
  const [error, setError] = React.useState<unknown>(null);
  const loader = React.useRef(load);
  loader.current = load;
  React.useEffect(() => {
    let isCurrent = true;
    loader.current().then(
      notebook => {
        if (isCurrent) {
          setError(null);
          setCells(before => keepEqual(before ?? [], notebook.cells));
        }
      },
      reason => isCurrent && setError(reason)
    );
    return () => {
      isCurrent = false;
    };
  }, [version]);

  if (error !== null) {
    return <ErrorNote error={error} />;
  }
  if (cells === null) {
    return <p className="jp-mlplat-Hint">{trans.__('Reading outputs…')}</p>;
  }
  const isSilent = !cells.some(cell => cell.outputs.length > 0);
  return (
    <div className="jp-mlplat-Outputs" data-testid="mlplat-outputs">
      {isSilent && (
        <p className="jp-mlplat-Hint">
          {trans.__('The cells of this step displayed nothing.')}
        </p>
      )}
      {cells.map((cell, index) => (
        <StepCell
          key={String(cell.id ?? index)}
          cell={cell}
          index={props.indexOf(String(cell.id))}
          run={props.cells.find(({ id }) => id === cell.id) ?? null}
          rendermime={props.rendermime}
          onGoToCell={props.onGoToCell}
        />
      ))}
    </div>
  );
}

function StepCell(props: {
  cell: nbformat.ICodeCell;
  index: number | null;
  run: CellRun | null;
  rendermime: IRenderMimeRegistry;
  onGoToCell: (cell: string) => void;
}): JSX.Element {
  const { cell, index, run } = props;
  const trans = useTrans();
  const [isOpen, setOpen] = React.useState(false);
  const id = React.useId();
  const source = sourceOf(cell);
  const { state, seconds } = describeCell(cell, run);
  const name =
    index === null ? trans.__('Cell') : trans.__('Cell %1', index + 1);
  return (
    <section
      className="jp-mlplat-StepCell"
      data-state={state}
      aria-label={name}
    >
      <div className="jp-mlplat-StepCell-head">
        <button
          type="button"
          className="jp-mlplat-StepCell-toggle"
          aria-expanded={isOpen}
          aria-controls={id}
          title={
            isOpen ? trans.__('Hide the source') : trans.__('Show the source')
          }
          onClick={() => setOpen(!isOpen)}
        >
          <chevronIcon.react tag="span" className="jp-mlplat-Fold-chevron" />
          <StateIcon state={CELL_STATES[state]} />
          <span className="jp-mlplat-StepCell-name">{name}</span>
          <code className="jp-mlplat-StepCell-line">
            {isOpen ? '' : firstLine(source)}
          </code>
          <span className="jp-mlplat-StepCell-time">
            {seconds === null ? '' : formatDuration(seconds)}
          </span>
        </button>
        <IconButton
          icon={jumpIcon}
          label={trans.__('Go to %1', name)}
          onClick={() => props.onGoToCell(String(cell.id))}
        />
      </div>
      <div id={id} hidden={!isOpen}>
        {isOpen && (
          <pre className="jp-mlplat-StepCell-source" tabIndex={0}>
            {source}
          </pre>
        )}
      </div>
      {cell.outputs.length > 0 && (
        <Outputs outputs={cell.outputs} rendermime={props.rendermime} />
      )}
    </section>
  );
}

/** A cell's outputs, drawn by JupyterLab. Never trusted: a step's output may hold anything. */
const Outputs = React.memo(
  (props: {
    outputs: nbformat.IOutput[];
    rendermime: IRenderMimeRegistry;
  }): JSX.Element => {
    const host = React.useRef<HTMLDivElement>(null);
    const { outputs, rendermime } = props;
    // A layout effect, as its cleanup runs while the node still stands in the document.
    React.useLayoutEffect(() => {
      const node = host.current;
      if (!node) {
        return;
      }
      const model = new OutputAreaModel({ values: outputs, trusted: false });
      const area = new OutputArea({
        model,
        rendermime: confined(rendermime),
        maxNumberOutputs: 50
      });
      Widget.attach(area, node);
      return () => {
        area.dispose();
        model.dispose();
      };
    }, [outputs, rendermime]);
    return <div ref={host} className="jp-mlplat-Output-area" />;
  }
);

Outputs.displayName = 'Outputs';

const CELL_STATES = {
  pending: 'PENDING',
  running: 'RUNNING',
  ok: 'SUCCEEDED',
  error: 'FAILED'
} as const;

function sourceOf(cell: nbformat.ICodeCell): string {
  return Array.isArray(cell.source) ? cell.source.join('') : cell.source;
}

/** The first line that does something. */
function firstLine(source: string): string {
  return (
    source.split('\n').find(line => line.trim() && !line.startsWith('#')) ??
    source.split('\n')[0]
  );
}
