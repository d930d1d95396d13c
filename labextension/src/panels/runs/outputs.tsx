import type * as nbformat from '@jupyterlab/nbformat';
import { OutputArea, OutputAreaModel } from '@jupyterlab/outputarea';
import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { Widget } from '@lumino/widgets';
import * as React from 'react';

import { ErrorNote } from '../../components/basics';
import { useTrans } from '../../components/context';

/** What the cells of a step displayed, as its executed notebook keeps it. */
export function StepOutputs(props: {
  load: () => Promise<nbformat.INotebookContent>;
  rendermime: IRenderMimeRegistry;
  /** Grows when there may be something new to load. */
  version: string;
  onGoToCell: (cell: string) => void;
}): JSX.Element {
  const trans = useTrans();
  const { load, version } = props;
  const [cells, setCells] = React.useState<nbformat.ICodeCell[] | null>(null);
  const [error, setError] = React.useState<unknown>(null);
  const loader = React.useRef(load);
  loader.current = load;
  React.useEffect(() => {
    let isCurrent = true;
    loader.current().then(
      notebook => {
        if (isCurrent) {
          setError(null);
          setCells(notebook.cells.filter(Private.hasOutputs));
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
  if (cells.length === 0) {
    return (
      <p className="jp-mlplat-Hint">
        {trans.__('The cells of this step displayed nothing.')}
      </p>
    );
  }
  return (
    <div className="jp-mlplat-Outputs" data-testid="mlplat-outputs">
      {cells.map((cell, index) => (
        <figure className="jp-mlplat-Output" key={String(cell.id ?? index)}>
          <figcaption className="jp-mlplat-Output-caption">
            <button
              type="button"
              className="jp-mlplat-Link"
              title={trans.__('Go to cell')}
              onClick={() => props.onGoToCell(String(cell.id))}
            >
              <code>{Private.firstLine(cell)}</code>
            </button>
          </figcaption>
          <Outputs outputs={cell.outputs} rendermime={props.rendermime} />
        </figure>
      ))}
    </div>
  );
}

/** A cell's outputs, drawn by JupyterLab. Never trusted: a step's output may hold anything. */
function Outputs(props: {
  outputs: nbformat.IOutput[];
  rendermime: IRenderMimeRegistry;
}): JSX.Element {
  const host = React.useRef<HTMLDivElement>(null);
  const { outputs, rendermime } = props;
  // A layout effect, as its cleanup runs while the node still stands in the document.
  React.useLayoutEffect(() => {
    const node = host.current;
    if (!node) {
      return;
    }
    const model = new OutputAreaModel({ values: outputs, trusted: false });
    const area = new OutputArea({ model, rendermime, maxNumberOutputs: 50 });
    Widget.attach(area, node);
    return () => {
      area.dispose();
      model.dispose();
    };
  }, [outputs, rendermime]);
  return <div ref={host} className="jp-mlplat-Output-area" />;
}

namespace Private {
  export function hasOutputs(cell: nbformat.ICell): cell is nbformat.ICodeCell {
    return (
      cell.cell_type === 'code' &&
      Array.isArray(cell.outputs) &&
      cell.outputs.length > 0
    );
  }

  export function firstLine(cell: nbformat.ICodeCell): string {
    const source = Array.isArray(cell.source)
      ? cell.source.join('')
      : cell.source;
    return (
      source.split('\n').find(line => line.trim() && !line.startsWith('#')) ??
      source
    );
  }
}
