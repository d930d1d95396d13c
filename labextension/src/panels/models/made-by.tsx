import * as React from 'react';

import type { DataVersion, GitState, ModelVersion } from '../../api/types';
import { Code, ErrorNote } from '../../components/basics';
import { useTrans } from '../../components/context';
import type { IModelsActions } from './body';
import type { IOrigin, ModelWatch } from './watch';

/** What made a version: run, steps with their cells, parameters, data, environment, git. */
export function MadeBy(props: {
  watch: ModelWatch;
  version: ModelVersion;
  actions: IModelsActions;
}): JSX.Element {
  const { watch, version, actions } = props;
  const trans = useTrans();
  const { origin } = watch;
  if (watch.originError !== null) {
    return <ErrorNote error={watch.originError} />;
  }
  if (origin === null) {
    return <p className="jp-mlplat-Hint">{trans.__('Reading lineage…')}</p>;
  }
  const { provenance, run } = origin;
  const parameters = parametersOf(origin);
  const runId = version.run_id;
  return (
    <dl className="jp-mlplat-Facts" data-testid="mlplat-made-by">
      <dt>{trans.__('Run')}</dt>
      <dd>
        {runId && run ? (
          <button
            type="button"
            className="jp-mlplat-Link"
            title={trans.__('Open the run')}
            onClick={() => actions.openRun(runId)}
          >
            {trans.__('Run %1', run.number)}
          </button>
        ) : (
          (runId ?? trans.__('none'))
        )}
        {run && ` · ${run.pipeline}`}
      </dd>
      {(provenance?.cells.length ?? 0) > 0 && (
        <>
          <dt>{trans.__('Code')}</dt>
          <dd>
            <Cells origin={origin} version={version} actions={actions} />
          </dd>
        </>
      )}
      {parameters.length > 0 && (
        <>
          <dt>{trans.__('Parameters')}</dt>
          <dd>
            {parameters.map(([name, value]) => (
              <div key={name}>
                <Code>
                  {name} = {JSON.stringify(value)}
                </Code>
              </div>
            ))}
          </dd>
        </>
      )}
      {(provenance?.data.length ?? 0) > 0 && (
        <>
          <dt>{trans.__('Data')}</dt>
          <dd>
            <ul className="jp-mlplat-Origin-data">
              {dataByStep(provenance?.data ?? []).map(([step, values]) => (
                <li key={step ?? ''}>
                  {values.map(value => (
                    <React.Fragment key={value.artifact_id}>
                      <span title={value.digest ?? undefined}>
                        <Code>{value.name}</Code>
                      </span>{' '}
                    </React.Fragment>
                  ))}
                  <span className="jp-mlplat-Quiet">
                    {step === null
                      ? trans.__('given')
                      : trans.__('from %1', step)}
                  </span>
                </li>
              ))}
            </ul>
          </dd>
        </>
      )}
      {(provenance?.environments.length ?? 0) > 0 && (
        <>
          <dt>{trans.__('Environment')}</dt>
          <dd>
            {provenance?.environments.map(digest => (
              <div key={digest} title={digest}>
                <Code>{short(digest)}</Code>
              </div>
            ))}
          </dd>
        </>
      )}
      {(provenance?.git.length ?? 0) > 0 && (
        <>
          <dt>{trans.__('Git')}</dt>
          <dd>
            {provenance?.git.map(git => (
              <Commit key={git.commit} git={git} />
            ))}
          </dd>
        </>
      )}
      <dt>{trans.__('Content')}</dt>
      <dd title={version.artifact_id}>
        <Code>{version.artifact_id.slice(0, 14)}…</Code>
      </dd>
    </dl>
  );
}

/** The cells on the way to the model, by step; the step that logged it is open at first. */
function Cells(props: {
  origin: IOrigin;
  version: ModelVersion;
  actions: IModelsActions;
}): JSX.Element {
  const { origin, version, actions } = props;
  const trans = useTrans();
  const steps = new Map<string, string[]>();
  for (const { step, cell } of origin.provenance?.cells ?? []) {
    steps.set(step, [...(steps.get(step) ?? []), cell]);
  }
  const sources = new Map(
    origin.pipeline?.steps.flatMap(step =>
      step.cells.map(cell => [cell.id, cell.source] as const)
    )
  );
  const notebook = origin.run?.notebook ?? null;
  return (
    <ul className="jp-mlplat-Origin-steps">
      {[...steps].map(([step, cells]) => (
        <li key={step}>
          <details open={step === version.step}>
            <summary>
              {step}
              <span className="jp-mlplat-Quiet">
                {' '}
                {trans._n('%1 cell', '%1 cells', cells.length)}
              </span>
            </summary>
            <ul className="jp-mlplat-Origin-cells">
              {cells.map(cell => (
                <li key={cell}>
                  <button
                    type="button"
                    className="jp-mlplat-Link"
                    title={trans.__('Go to cell')}
                    data-cell={cell}
                    onClick={() => actions.goToCell(notebook, cell)}
                  >
                    <code>{firstLine(sources.get(cell)) ?? cell}</code>
                  </button>
                </li>
              ))}
            </ul>
          </details>
        </li>
      ))}
    </ul>
  );
}

function Commit(props: { git: GitState }): JSX.Element {
  const { git } = props;
  const trans = useTrans();
  return (
    <div title={git.commit}>
      <Code>{git.commit.slice(0, 8)}</Code>
      {git.dirty && ` ${trans.__('with changes')}`}
      {git.remote && <div className="jp-mlplat-Quiet">{git.remote}</div>}
    </div>
  );
}

/** The values on the way to the model by the step that made them, in the order of the steps. */
function dataByStep(
  data: readonly DataVersion[]
): [string | null, DataVersion[]][] {
  const steps = new Map<string | null, DataVersion[]>();
  for (const value of data) {
    const known = steps.get(value.made_by);
    if (known) {
      known.push(value);
    } else {
      steps.set(value.made_by, [value]);
    }
  }
  return [...steps];
}

/** The parameters of all steps; one name has one value in a run. */
function parametersOf(origin: IOrigin): [string, unknown][] {
  const byStep = origin.provenance?.parameters ?? {};
  return Object.entries(Object.assign({}, ...Object.values(byStep)));
}

function firstLine(source: string | undefined): string | undefined {
  return source
    ?.split('\n')
    .find(line => line.trim() !== '' && !/^\s*[#%]/.test(line));
}

/** A digest as far as people compare it. */
function short(digest: string): string {
  return digest.replace(/^sha256:/, '').slice(0, 12);
}
