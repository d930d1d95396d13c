import type { TranslationBundle } from '@jupyterlab/translation';
import { UseSignal } from '@jupyterlab/ui-components';
import * as React from 'react';

import type { Parameter } from '../../api/types';
import { Fold } from '../../components/basics';
import { useTrans } from '../../components/context';
import { SelectField, TextField } from '../../components/field';
import { Form } from '../../components/form';
import { Header } from '../../components/header';
import { RunOn } from '../../components/run-on';
import { schedulesIcon } from '../../icons';
import { PRESETS, isNotebook } from './draft';
import type { DraftProblem, IScheduleDraft, TriggerKind } from './draft';
import type { ScheduleForm } from './form-model';
import { formatMoment, formatUntil } from './times';

/** The form that makes or changes a schedule; it shows at once what would come of it. */
export function ScheduleFormView(props: {
  form: ScheduleForm;
  zones: readonly string[];
  shortPath: (path: string) => string;
  absolutePath: (path: string) => string;
  onSave: () => void;
  onCancel: () => void;
}): JSX.Element {
  const { form } = props;
  const trans = useTrans();
  const isNew = form.draft.schedule === null;
  return (
    <UseSignal signal={form.changed}>
      {() => (
        <>
          <Header
            title={
              isNew
                ? trans.__('New schedule')
                : trans.__('Change %1', form.draft.name)
            }
            back={{
              label: trans.__('Back to the schedules'),
              onClick: props.onCancel
            }}
          />
          <div className="jp-mlplat-Section-scroll">
            <Form
              label={trans.__('Schedule')}
              testId="mlplat-schedule-form"
              submit={{
                label: isNew ? trans.__('Create schedule') : trans.__('Save'),
                icon: schedulesIcon,
                canSubmit: form.canSave,
                isBusy: form.isBusy
              }}
              error={form.error}
              onSubmit={props.onSave}
              onCancel={props.onCancel}
            >
              <What {...props} />
              <When form={form} zones={props.zones} />
              <NextTimes form={form} />
              <Parameters form={form} />
              <More form={form} />
            </Form>
          </div>
        </>
      )}
    </UseSignal>
  );
}

function What(props: {
  form: ScheduleForm;
  shortPath: (path: string) => string;
  absolutePath: (path: string) => string;
}): JSX.Element {
  const { form } = props;
  const trans = useTrans();
  return (
    <>
      <TextField
        label={trans.__('Notebook or pipeline')}
        help={trans.__('A notebook, or a KFP pipeline (.yaml).')}
        problem={said(trans, form.problems.path)}
        value={props.shortPath(form.draft.path)}
        onChange={text => form.edit({ path: text && props.absolutePath(text) })}
      />
      {isNotebook(form.draft.path) && (
        <SelectField
          label={trans.__('As')}
          help={
            form.draft.whole
              ? trans.__(
                  'From top to bottom in one kernel; keeps the executed notebook and its page.'
                )
              : trans.__(
                  'As a pipeline: steps side by side, taken from the cache where nothing has changed.'
                )
          }
          name="whole"
          value={form.draft.whole ? 'true' : 'false'}
          choices={[
            ['true', trans.__('The whole notebook')],
            ['false', trans.__('Its steps')]
          ]}
          onChange={value => form.edit({ whole: value === 'true' })}
        />
      )}
      {form.draft.schedule === null && (
        <Text form={form} field="name" label={trans.__('Name')} />
      )}
      <RunOn
        places={form.places}
        value={form.draft.runOn}
        onChange={runOn => form.edit({ runOn })}
      />
    </>
  );
}

function When(props: {
  form: ScheduleForm;
  zones: readonly string[];
}): JSX.Element {
  const { form } = props;
  const { draft, problems } = form;
  const trans = useTrans();
  const preset = presetOf(draft.cron);
  return (
    <>
      <Choice
        form={form}
        field="kind"
        label={trans.__('Runs')}
        choices={kindsOf(trans)}
      />
      {draft.kind === 'cron' && (
        <>
          <div className="jp-mlplat-Form-row">
            <SelectField
              label={trans.__('Times')}
              value={preset}
              choices={presetsOf(trans)}
              onChange={chosen => {
                if (chosen !== 'own') {
                  form.edit({ cron: PRESETS[chosen] });
                }
              }}
            />
            <Text
              form={form}
              field="cron"
              label={trans.__('Cron')}
              isCode
              title={trans.__(
                'Minute, hour, day, month, weekday; with six fields the second comes first'
              )}
            />
          </div>
          <TextField
            label={trans.__('Time zone')}
            problem={said(trans, problems.zone)}
            suggestions={props.zones}
            value={draft.zone}
            onChange={zone => form.edit({ zone })}
          />
        </>
      )}
      {draft.kind === 'interval' && (
        <div className="jp-mlplat-Form-row">
          <Text
            form={form}
            field="every"
            label={trans.__('Every')}
            inputMode="decimal"
          />
          <Choice
            form={form}
            field="everyUnit"
            label={trans.__('Unit')}
            choices={[
              ['minutes', trans.__('minutes')],
              ['hours', trans.__('hours')],
              ['days', trans.__('days')]
            ]}
          />
        </div>
      )}
      {draft.kind === 'file' && (
        <Text
          form={form}
          field="file"
          label={trans.__('File or folder')}
          help={trans.__(
            'Absolute path. Its content is looked at, not its date.'
          )}
        />
      )}
      {draft.kind === 'model' && (
        <div className="jp-mlplat-Form-row">
          <Text form={form} field="model" label={trans.__('Model')} />
          <Text
            form={form}
            field="alias"
            label={trans.__('Alias')}
            help={trans.__('Empty: any new version.')}
          />
        </div>
      )}
      {draft.kind === 'artifact' && (
        <Text
          form={form}
          field="artifact"
          label={trans.__('Name of the artifact')}
        />
      )}
      {draft.kind === 'pipeline' && (
        <Text
          form={form}
          field="pipeline"
          label={trans.__('Name of the pipeline')}
        />
      )}
    </>
  );
}

/** What the engine makes of the trigger: in words, and the next five times. */
function NextTimes(props: { form: ScheduleForm }): JSX.Element | null {
  const { preview } = props.form;
  const trans = useTrans();
  if (!preview || preview.reading === '') {
    return null;
  }
  const now = Date.now();
  return (
    <div className="jp-mlplat-ScheduleForm-next" aria-live="polite">
      <div className="jp-mlplat-ScheduleForm-reading">{preview.reading}</div>
      {preview.next.length > 0 && (
        <ol
          className="jp-mlplat-NextTimes"
          aria-label={trans.__('Next times, in your time zone')}
        >
          {preview.next.map(time => (
            <li key={time}>
              <time dateTime={time}>{formatMoment(time, now)}</time>
              <span className="jp-mlplat-NextTimes-until">
                {formatUntil(time, now)}
              </span>
            </li>
          ))}
        </ol>
      )}
    </div>
  );
}

function Parameters(props: { form: ScheduleForm }): JSX.Element | null {
  const { form } = props;
  const trans = useTrans();
  if (form.parameters.length === 0) {
    return null;
  }
  return (
    <Fold
      title={trans.__('Parameters')}
      count={form.parameters.length}
      isOpenAtFirst
    >
      <p className="jp-mlplat-Hint">
        {trans.__(
          'Texts may hold {{ fire_time:%Y-%m-%d }}, {{ previous_success }} and the like: filled in each time.'
        )}
      </p>
      {form.parameters.map(parameter => (
        <ParameterField
          key={parameter.name}
          form={form}
          parameter={parameter}
        />
      ))}
    </Fold>
  );
}

function ParameterField(props: {
  form: ScheduleForm;
  parameter: Parameter;
}): JSX.Element {
  const { form, parameter } = props;
  const { name, type } = parameter;
  const trans = useTrans();
  return (
    <TextField
      label={`${name}: ${type}`}
      help={parameter.help || undefined}
      problem={
        form.problems[`parameters.${name}`]
          ? trans.__('This is no %1.', type)
          : null
      }
      isCode
      placeholder={parameter.expression}
      parameter={name}
      value={form.draft.parameters[name] ?? ''}
      onChange={text => form.setParameter(name, text || null)}
    />
  );
}

/** What most people leave as it is. */
function More(props: { form: ScheduleForm }): JSX.Element {
  const { form } = props;
  const { draft, problems } = form;
  const trans = useTrans();
  return (
    <Fold title={trans.__('More')}>
      <Choice
        form={form}
        field="catchUp"
        label={trans.__('Times that were missed')}
        choices={[
          ['skip', trans.__('Leave them out')],
          ['last', trans.__('Make up for the last one')],
          ['all', trans.__('Make up for all, up to a limit')]
        ]}
      />
      {draft.catchUp === 'all' && (
        <Text
          form={form}
          field="catchUpLimit"
          label={trans.__('At most')}
          inputMode="numeric"
        />
      )}
      <div className="jp-mlplat-Form-row">
        <Choice
          form={form}
          field="overlap"
          label={trans.__('While one still runs')}
          choices={[
            ['skip', trans.__('Skip')],
            ['queue', trans.__('Wait')],
            ['cancel', trans.__('Cancel it')]
          ]}
        />
        <Text
          form={form}
          field="atOnce"
          label={trans.__('Runs at once')}
          inputMode="numeric"
        />
      </div>
      <div className="jp-mlplat-Form-row">
        <Text
          form={form}
          field="retries"
          label={trans.__('Tries again')}
          inputMode="numeric"
        />
        <Text
          form={form}
          field="timeout"
          label={trans.__('Time-out, minutes')}
          inputMode="decimal"
          placeholder={trans.__('none')}
        />
      </div>
      <div className="jp-mlplat-Form-row">
        <Text
          form={form}
          field="keepRuns"
          label={trans.__('Runs kept')}
          inputMode="numeric"
          placeholder={trans.__('all')}
        />
        <Text
          form={form}
          field="jitter"
          label={trans.__('Put off by up to, s')}
          inputMode="decimal"
        />
      </div>
      {(['start', 'end'] as const).map(field => (
        <TextField
          key={field}
          label={
            field === 'start' ? trans.__('Not before') : trans.__('Not after')
          }
          problem={said(trans, problems[field])}
          type="datetime-local"
          value={draft[field]}
          onChange={text => form.edit({ [field]: text })}
        />
      ))}
      <TextField
        label={trans.__('One run for each row')}
        help={trans.__(
          'Names of parameters on the first line, then a line for each run, with commas between.'
        )}
        problem={said(trans, problems.table)}
        isCode
        rows={3}
        placeholder={EXAMPLE_TABLE}
        value={draft.table}
        onChange={table => form.edit({ table })}
      />
      <Text
        form={form}
        field="webhook"
        label={trans.__('Tell this address (webhook)')}
        placeholder={EXAMPLE_URL}
      />
      <Text form={form} field="note" label={trans.__('Note')} />
    </Fold>
  );
}

const EXAMPLE_TABLE = 'region,depth\nnorth,3\nsouth,5';
const EXAMPLE_URL = 'https://…';

type DraftText = {
  [K in keyof IScheduleDraft]: IScheduleDraft[K] extends string ? K : never;
}[keyof IScheduleDraft];

/** A text of the draft. */
function Text(
  props: Omit<
    React.ComponentProps<typeof TextField>,
    'name' | 'value' | 'problem' | 'onChange'
  > & { form: ScheduleForm; field: DraftText }
): JSX.Element {
  const { form, field, ...others } = props;
  return (
    <TextField
      {...others}
      problem={said(useTrans(), form.problems[field])}
      name={field}
      value={form.draft[field]}
      onChange={text => form.edit({ [field]: text })}
    />
  );
}

/** A choice of the draft. */
function Choice(props: {
  form: ScheduleForm;
  field: 'kind' | 'everyUnit' | 'catchUp' | 'overlap';
  label: string;
  choices: readonly (readonly [string, string])[];
}): JSX.Element {
  const { form, field, ...others } = props;
  return (
    <SelectField
      {...others}
      name={field}
      value={form.draft[field] as string}
      onChange={value => form.edit({ [field]: value })}
    />
  );
}

function kindsOf(trans: TranslationBundle): [TriggerKind, string][] {
  return [
    ['cron', trans.__('At times of the clock')],
    ['interval', trans.__('Every so often')],
    ['file', trans.__('When a file has changed')],
    ['artifact', trans.__('When an artifact is new')],
    ['model', trans.__('When a model has a new version')],
    ['pipeline', trans.__('When another pipeline has succeeded')]
  ];
}

type Preset = keyof typeof PRESETS | 'own';

function presetOf(cron: string): Preset {
  const names = Object.keys(PRESETS) as (keyof typeof PRESETS)[];
  return names.find(name => PRESETS[name] === cron) ?? 'own';
}

function presetsOf(trans: TranslationBundle): [Preset, string][] {
  return [
    ['hourly', trans.__('Every hour')],
    ['daily', trans.__('Every day')],
    ['weekdays', trans.__('Monday to Friday')],
    ['weekly', trans.__('Every Monday')],
    ['monthly', trans.__('First of the month')],
    ['own', trans.__('As written')]
  ];
}

/** What is wrong with a field, for people. */
function said(
  trans: TranslationBundle,
  problem: DraftProblem | undefined
): string | null {
  switch (problem) {
    case undefined:
      return null;
    case 'missing':
      return trans.__('This is needed.');
    case 'name':
      return trans.__(
        'Use lower-case letters, digits, dots and dashes; at most 63.'
      );
    case 'number':
      return trans.__('This is no number that fits.');
    case 'time':
      return trans.__('This is no date with a time.');
    case 'order':
      return trans.__('The end lies before the start.');
    case 'table':
      return trans.__(
        'Names on the first line, then lines with as many values each.'
      );
    case 'value':
      return trans.__('This does not fit its type.');
  }
}
