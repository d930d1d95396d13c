import * as React from 'react';

import { useTrans } from '../../components/context';
import { diffLines, fold } from './diff';
import type { DiffPart, IDiffLine } from './diff';
import { cellPairs } from './facts';
import type { ICellPair, ICompared } from './facts';

/** The code of two runs, cell by cell: what is equal is folded away. */
export function CodeDiff(props: {
  runs: readonly ICompared[];
  baseline: number;
}): JSX.Element | null {
  const { runs, baseline } = props;
  const trans = useTrans();
  const [chosen, setChosen] = React.useState<string | null>(null);
  const id = React.useId();
  const before = runs[baseline];
  const others = runs.filter(({ run }) => run.id !== before.run.id);
  const after = others.find(({ run }) => run.id === chosen) ?? others[0];
  const pairs = React.useMemo(
    () =>
      before.pipeline && after?.pipeline
        ? cellPairs(before.pipeline, after.pipeline)
        : null,
    [before.pipeline, after?.pipeline]
  );
  if (!after || pairs === null) {
    return null;
  }
  const changed = pairs.filter(pair => !isSame(pair)).length;
  return (
    <section className="jp-mlplat-Comparison-section">
      <header className="jp-mlplat-Comparison-heading">
        <h2>{trans.__('Code')}</h2>
        <label htmlFor={id}>{trans.__('from #%1 to', before.run.number)}</label>
        <select
          id={id}
          className="jp-mlplat-Select"
          value={after.run.id}
          onChange={event => setChosen(event.target.value)}
        >
          {others.map(({ run }) => (
            <option key={run.id} value={run.id}>
              {run.pipeline} #{run.number}
            </option>
          ))}
        </select>
        <span className="jp-mlplat-Quiet">
          {changed === 0
            ? trans.__('Both ran the same code')
            : trans._n('%1 cell differs', '%1 cells differ', changed)}
        </span>
      </header>
      {pairs.map((pair, index) => (
        <Cell key={`${after.run.id}/${index}`} pair={pair} place={index + 1} />
      ))}
    </section>
  );
}

function Cell(props: { pair: ICellPair; place: number }): JSX.Element {
  const { before, after } = props.pair;
  const trans = useTrans();
  const same = isSame(props.pair);
  const [isOpen, setOpen] = React.useState(!same);
  const parts = React.useMemo(
    (): DiffPart[] =>
      same
        ? [{ kind: 'lines', lines: linesOf(after?.source ?? '', 'same') }]
        : before === null
          ? [{ kind: 'lines', lines: linesOf(after?.source ?? '', 'new') }]
          : after === null
            ? [{ kind: 'lines', lines: linesOf(before.source, 'gone') }]
            : fold(diffLines(before.source, after.source)),
    [same, before, after]
  );
  const step = (after ?? before)?.step;
  const kind = same
    ? trans.__('unchanged')
    : before === null
      ? trans.__('new')
      : after === null
        ? trans.__('gone')
        : trans.__('changed');
  return (
    <div className="jp-mlplat-Diff" data-same={same}>
      <button
        type="button"
        className="jp-mlplat-Diff-head"
        aria-expanded={isOpen}
        onClick={() => setOpen(!isOpen)}
      >
        <span className="jp-mlplat-Diff-chevron" aria-hidden="true">
          {isOpen ? '▾' : '▸'}
        </span>
        <span>{trans.__('Cell %1', props.place)}</span>
        <span className="jp-mlplat-Quiet">{step}</span>
        <span className="jp-mlplat-Diff-kind">{kind}</span>
      </button>
      {isOpen && (
        <pre className="jp-mlplat-Diff-lines" tabIndex={0}>
          {parts.map((part, index) => (
            <Part key={index} part={part} />
          ))}
        </pre>
      )}
    </div>
  );
}

function Part(props: { part: DiffPart }): JSX.Element {
  const trans = useTrans();
  const [isOpen, setOpen] = React.useState(props.part.kind === 'lines');
  const { lines } = props.part;
  if (!isOpen) {
    return (
      <button
        type="button"
        className="jp-mlplat-Diff-fold"
        onClick={() => setOpen(true)}
      >
        {trans._n('%1 equal line', '%1 equal lines', lines.length)}
      </button>
    );
  }
  return (
    <>
      {lines.map((line, index) => (
        <span key={index} className="jp-mlplat-Diff-line" data-kind={line.kind}>
          <span className="jp-mlplat-Diff-sign">{SIGNS[line.kind]}</span>
          {line.text || ' '}
        </span>
      ))}
    </>
  );
}

function isSame({ before, after }: ICellPair): boolean {
  return before?.source === after?.source;
}

function linesOf(source: string, kind: IDiffLine['kind']): IDiffLine[] {
  return source.split('\n').map(text => ({ kind, text }));
}

const SIGNS = { same: ' ', gone: '-', new: '+' };
