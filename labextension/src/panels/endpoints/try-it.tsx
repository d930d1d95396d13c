import { UseSignal } from '@jupyterlab/ui-components';
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { Endpoint, JsonValue, PredictAnswer } from '../../api/types';
import { ErrorNote, Fold, IconButton } from '../../components/basics';
import { useTrans } from '../../components/context';
import { Field } from '../../components/field';
import { copyIcon, playIcon } from '../../icons';
import { millisecondsText } from './figures';
import { textOf } from './request';
import type { IColumn, ValueProblem } from './request';
import { snippetsOf } from './snippets';
import type { ISnippet } from './snippets';
import { TryModel, pretty } from './try-model';
import type { EndpointWatch } from './watch';

/** Ask an endpoint by hand, and see how programs ask it. */
export function TryIt(props: {
  watch: EndpointWatch;
  endpoint: Endpoint;
  apiUrl: string;
  onCopy: (text: string) => void;
}): JSX.Element {
  const { watch, endpoint } = props;
  const trans = useTrans();
  const { client } = watch.connection;
  const [model, setModel] = React.useState<TryModel | null>(null);
  React.useEffect(() => {
    const created = new TryModel(client, endpoint.name);
    setModel(created);
    return () => created.dispose();
  }, [client, endpoint.name]);

  // Who answers most often says what the rows look like.
  const leading = endpoint.traffic.reduce(
    (most, part) => (part.percent > (most?.percent ?? 0) ? part : most),
    endpoint.traffic[0]
  );
  const revision =
    endpoint.revisions.find(({ number }) => number === leading?.revision) ??
    endpoint.revisions[endpoint.revisions.length - 1] ??
    null;
  const key = revision && `${revision.model}/${revision.version}`;
  React.useEffect(() => {
    void model?.show(revision);
    // The revision's state does not matter, only its model.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [model, key]);

  return (
    <>
      <Fold title={trans.__('Try it')} isOpenAtFirst>
        {model && (
          <UseSignal signal={model.changed}>
            {() => <RequestForm model={model} endpoint={endpoint} />}
          </UseSignal>
        )}
      </Fold>
      <Fold title={trans.__('Ask it from a program')}>
        {model && (
          <UseSignal signal={model.changed}>
            {() => (
              <Snippets
                snippets={snippetsOf({
                  endpoint,
                  specs: model.version?.signature.inputs ?? [],
                  inputs: model.inputs ?? [],
                  apiUrl: props.apiUrl
                })}
                onCopy={props.onCopy}
              />
            )}
          </UseSignal>
        )}
      </Fold>
    </>
  );
}

function RequestForm(props: {
  model: TryModel;
  endpoint: Endpoint;
}): JSX.Element {
  const { model, endpoint } = props;
  const trans = useTrans();
  const { form, problems } = model;
  const canAnswer = endpoint.state === 'READY' || endpoint.state === 'DEGRADED';
  if (model.isLoading) {
    return (
      <p className="jp-mlplat-Hint">{trans.__('Reading the signature…')}</p>
    );
  }
  return (
    <form
      className="jp-mlplat-TryIt"
      aria-label={trans.__('Try it')}
      data-testid="mlplat-try-it"
      onSubmit={event => {
        event.preventDefault();
        void model.send();
      }}
    >
      <div className="jp-mlplat-TryIt-bar">
        {form && (
          <div
            className="jp-mlplat-Switch"
            role="group"
            aria-label={trans.__('How to fill in')}
          >
            <SwitchButton
              label={trans.__('Fields')}
              isPressed={!model.isJson}
              onClick={() => model.setIsJson(false)}
            />
            <SwitchButton
              label={trans.__('JSON')}
              isPressed={model.isJson}
              onClick={() => model.setIsJson(true)}
            />
          </div>
        )}
        {form && !model.isJson && form.rows.length > 1 && (
          <select
            className="jp-mlplat-Select jp-mlplat-TryIt-rows"
            aria-label={trans.__('Fill in an example row')}
            value=""
            onChange={event => model.useRow(Number(event.target.value))}
          >
            <option value="" disabled>
              {trans.__('Example rows')}
            </option>
            {form.rows.map((_, i) => (
              <option key={i} value={i}>
                {trans.__('Row %1', i + 1)}
              </option>
            ))}
          </select>
        )}
      </div>
      {form && !model.isJson ? (
        <div className="jp-mlplat-TryIt-fields">
          {form.columns.map((column, i) => (
            <ValueField
              key={column.name}
              column={column}
              text={model.texts[i] ?? ''}
              problem={problems.get(i)}
              onChange={text => model.setText(i, text)}
            />
          ))}
        </div>
      ) : (
        <Field
          label={trans.__('Rows, as JSON')}
          help={
            form
              ? undefined
              : trans.__(
                  'The signature of this model has no form of single values: give rows as lists, or records as objects.'
                )
          }
          problem={
            model.inputs === undefined ? trans.__('This is no JSON.') : null
          }
          render={attributes => (
            <textarea
              {...attributes}
              className="jp-mlplat-Input jp-mlplat-TryIt-json"
              rows={6}
              spellCheck={false}
              value={model.json}
              onChange={event => model.setJson(event.target.value)}
            />
          )}
        />
      )}
      <div className="jp-mlplat-Form-actions">
        <button
          type="submit"
          className="jp-mlplat-Button jp-mod-primary"
          disabled={model.inputs === undefined || model.isBusy || !canAnswer}
          aria-busy={model.isBusy}
        >
          <playIcon.react tag="span" className="jp-mlplat-Button-icon" />
          <span className="jp-mlplat-Button-label">{trans.__('Send')}</span>
        </button>
        {!canAnswer && (
          <span className="jp-mlplat-Quiet">
            {trans.__('It does not serve now.')}
          </span>
        )}
      </div>
      {model.error !== null && <ErrorNote error={model.error} />}
      {model.answer && (
        <Answer
          answer={model.answer}
          name={model.version?.signature.outputs[0]?.name ?? 'prediction'}
        />
      )}
    </form>
  );
}

function SwitchButton(props: {
  label: string;
  isPressed: boolean;
  onClick: () => void;
}): JSX.Element {
  return (
    <button
      type="button"
      className="jp-mlplat-Switch-button"
      aria-pressed={props.isPressed}
      onClick={props.onClick}
    >
      {props.label}
    </button>
  );
}

function ValueField(props: {
  column: IColumn;
  text: string;
  problem: ValueProblem | undefined;
  onChange: (text: string) => void;
}): JSX.Element {
  const { column, text } = props;
  const trans = useTrans();
  return (
    <Field
      label={column.name}
      problem={props.problem && problemText(trans, props.problem)}
      render={attributes =>
        column.kind === 'boolean' ? (
          <input
            {...attributes}
            className="jp-mlplat-TryIt-check"
            type="checkbox"
            checked={text === 'true'}
            onChange={event => props.onChange(String(event.target.checked))}
          />
        ) : (
          <input
            {...attributes}
            className="jp-mlplat-Input"
            type="text"
            inputMode={column.kind === 'text' ? undefined : 'decimal'}
            spellCheck={false}
            title={column.name}
            placeholder={
              column.kind === 'number' ? trans.__('missing') : undefined
            }
            value={text}
            onChange={event => props.onChange(event.target.value)}
          />
        )
      }
    />
  );
}

/** What was answered: as a table where it is one, else as JSON; by whom and how fast. */
function Answer(props: { answer: PredictAnswer; name: string }): JSX.Element {
  const { answer } = props;
  const trans = useTrans();
  const duration = millisecondsText(1000 * answer.duration_s);
  const table = tableOf(answer.outputs, props.name);
  return (
    <div
      className="jp-mlplat-Answer"
      role="status"
      data-testid="mlplat-prediction"
    >
      <div className="jp-mlplat-Quiet">
        {answer.revision === null
          ? trans.__('Answered in %1', duration)
          : trans.__(
              'Answered by revision %1 in %2',
              answer.revision,
              duration
            )}
      </div>
      {table ? (
        <div className="jp-mlplat-Answer-table">
          <table className="jp-mlplat-Table">
            <thead>
              <tr>
                {table.columns.map(column => (
                  <th key={column} scope="col">
                    {column}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {table.rows.slice(0, MAX_ROWS).map((row, i) => (
                <tr key={i}>
                  {row.map((value, j) => (
                    <td key={j} title={cellText(value)}>
                      {cellText(value)}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
          {table.rows.length > MAX_ROWS && (
            <p className="jp-mlplat-Hint">
              {trans.__(
                'The first %1 of %2 rows.',
                MAX_ROWS,
                table.rows.length
              )}
            </p>
          )}
        </div>
      ) : (
        <pre className="jp-mlplat-Snippet-code">
          {pretty(answer.outputs).slice(0, MAX_TEXT)}
        </pre>
      )}
    </div>
  );
}

function Snippets(props: {
  snippets: readonly ISnippet[];
  onCopy: (text: string) => void;
}): JSX.Element {
  const trans = useTrans();
  const titles = {
    curl: trans.__('curl, on this machine'),
    python: trans.__('Python, standard library'),
    client: trans.__('Python, jupyter_mlplat'),
    jupyter: trans.__('curl, through Jupyter')
  };
  const notes = {
    curl: null,
    python: null,
    client: trans.__('Wherever this state directory is; also in a notebook.'),
    jupyter: trans.__(
      'From anywhere that reaches this Jupyter server. Put its token into the variable JUPYTER_TOKEN.'
    )
  };
  return (
    <div className="jp-mlplat-Snippets">
      {props.snippets.map(({ id, code }) => (
        <figure key={id} className="jp-mlplat-Snippet" data-snippet={id}>
          <figcaption className="jp-mlplat-Snippet-head">
            <span>{titles[id]}</span>
            <IconButton
              icon={copyIcon}
              label={trans.__('Copy: %1', titles[id])}
              onClick={() => props.onCopy(code)}
            />
          </figcaption>
          <pre className="jp-mlplat-Snippet-code" tabIndex={0}>
            {code}
          </pre>
          {notes[id] && <p className="jp-mlplat-Hint">{notes[id]}</p>}
        </figure>
      ))}
    </div>
  );
}

function problemText(trans: TranslationBundle, problem: ValueProblem): string {
  switch (problem) {
    case 'not-a-number':
      return trans.__('Give a number.');
    case 'not-an-integer':
      return trans.__('Give a whole number.');
  }
}

/** Read an answer as a table: a value, a list or a record a row. */
function tableOf(
  outputs: JsonValue,
  name: string
): { columns: string[]; rows: JsonValue[][] } | null {
  if (!Array.isArray(outputs) || outputs.length === 0) {
    return null;
  }
  const isRecord = (row: JsonValue): row is { [key: string]: JsonValue } =>
    typeof row === 'object' && row !== null && !Array.isArray(row);
  if (outputs.every(isRecord)) {
    const columns = [...new Set(outputs.flatMap(row => Object.keys(row)))];
    return columns.length > MAX_COLUMNS
      ? null
      : {
          columns,
          rows: outputs.map(row => columns.map(column => row[column] ?? null))
        };
  }
  return { columns: [name], rows: outputs.map(row => [row]) };
}

function cellText(value: JsonValue): string {
  const text = value === null ? 'null' : textOf(value);
  return text.length > MAX_CELL ? `${text.slice(0, MAX_CELL)}…` : text;
}

const MAX_ROWS = 100;
const MAX_COLUMNS = 20;
const MAX_CELL = 500;
const MAX_TEXT = 20_000;
