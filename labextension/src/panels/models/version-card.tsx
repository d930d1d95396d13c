import * as React from 'react';

import type { JsonValue, ModelVersion, TensorSpec } from '../../api/types';
import { Code, Fold, IconButton } from '../../components/basics';
import { useTrans } from '../../components/context';
import { formatAge } from '../../components/format';
import { downloadIcon } from '../../icons';
import type { IModelsActions } from './body';
import { tableOf } from './example';
import { MadeBy } from './made-by';
import type { ModelWatch } from './watch';

/** The version that is shown: what it takes and gives, an example, and what made it. */
export function VersionCard(props: {
  watch: ModelWatch;
  version: ModelVersion;
  nowMs: number;
  actions: IModelsActions;
}): JSX.Element {
  const { watch, version, actions } = props;
  const trans = useTrans();
  const { inputs, outputs } = version.signature;
  return (
    <section
      className="jp-mlplat-VersionCard"
      aria-label={trans.__('Version %1', version.version)}
      data-testid="mlplat-version"
    >
      <div className="jp-mlplat-VersionCard-head">
        <h3 className="jp-mlplat-VersionCard-title">
          {trans.__('Version %1', version.version)}
        </h3>
        <span className="jp-mlplat-VersionCard-facts">
          {version.format} · {formatAge(version.created_at, props.nowMs)}
        </span>
        <IconButton
          icon={downloadIcon}
          label={trans.__('Download version %1', version.version)}
          onClick={() => actions.download(version.model, version.version)}
        />
      </div>
      {version.description && (
        <p className="jp-mlplat-VersionCard-description">
          {version.description}
        </p>
      )}
      <Fold title={trans.__('Made by')} isOpenAtFirst>
        <MadeBy watch={watch} version={version} actions={actions} />
      </Fold>
      <Fold
        title={trans.__('Signature')}
        count={inputs.length + outputs.length}
        isOpenAtFirst
      >
        {inputs.length + outputs.length === 0 ? (
          <p className="jp-mlplat-Hint">
            {trans.__(
              'None was logged. Give log_model an input_example, and it is found by itself.'
            )}
          </p>
        ) : (
          <SignatureTable inputs={inputs} outputs={outputs} />
        )}
      </Fold>
      {version.input_example !== null && (
        <Fold title={trans.__('Input example')}>
          <Example example={version.input_example} />
        </Fold>
      )}
    </section>
  );
}

function SignatureTable(props: {
  inputs: readonly TensorSpec[];
  outputs: readonly TensorSpec[];
}): JSX.Element {
  const trans = useTrans();
  const group = (label: string, specs: readonly TensorSpec[]) => (
    <tbody>
      <tr className="jp-mlplat-Signature-group">
        <th scope="rowgroup" colSpan={3}>
          {label}
        </th>
      </tr>
      {specs.map((spec, index) => (
        <tr key={index}>
          <th scope="row" className="jp-mlplat-Signature-name">
            {spec.name}
          </th>
          <td>{spec.datatype}</td>
          <td className="jp-mlplat-Table-number">
            {spec.shape.map(size => (size < 0 ? '?' : size)).join(' × ')}
          </td>
        </tr>
      ))}
    </tbody>
  );
  return (
    <div className="jp-mlplat-Compare">
      <table className="jp-mlplat-Table" data-testid="mlplat-signature">
        <thead>
          <tr>
            <th scope="col">{trans.__('Name')}</th>
            <th scope="col">{trans.__('Type')}</th>
            <th
              scope="col"
              className="jp-mlplat-Table-number"
              title={trans.__('? is any length')}
            >
              {trans.__('Shape')}
            </th>
          </tr>
        </thead>
        {props.inputs.length > 0 && group(trans.__('Takes'), props.inputs)}
        {props.outputs.length > 0 && group(trans.__('Gives'), props.outputs)}
      </table>
    </div>
  );
}

function Example(props: { example: JsonValue }): JSX.Element {
  const trans = useTrans();
  const table = React.useMemo(() => tableOf(props.example), [props.example]);
  if (table === null) {
    return (
      <pre className="jp-mlplat-Models-snippet" tabIndex={0}>
        {JSON.stringify(props.example, null, 2).slice(0, LONGEST)}
      </pre>
    );
  }
  return (
    <div
      className="jp-mlplat-Compare"
      role="region"
      tabIndex={0}
      aria-label={trans.__('Input example')}
    >
      <table className="jp-mlplat-Table jp-mlplat-Example">
        <thead>
          <tr>
            {table.columns.map((column, index) => (
              <th key={index} scope="col" className="jp-mlplat-Table-number">
                {column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {table.rows.slice(0, SHOWN_ROWS).map((row, index) => (
            <tr key={index}>
              {row.map((cell, column) => (
                <td key={column} className="jp-mlplat-Table-number">
                  {typeof cell === 'string' ? (
                    cell
                  ) : (
                    <Code>{JSON.stringify(cell)}</Code>
                  )}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

const SHOWN_ROWS = 10;
const LONGEST = 10_000;
