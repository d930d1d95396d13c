import * as React from 'react';

import { Fold } from '../../components/basics';
import { useTrans } from '../../components/context';
import { Field, SelectField } from '../../components/field';
import { playIcon } from '../../icons';
import { JobChoice, JobText } from '../jobs/fields';
import type { IFormPlace } from '../jobs/form-parts';
import {
  JobFormFrame,
  JobMore,
  JobParameters,
  JobResources,
  JobWhat
} from '../jobs/form-parts';
import type { JobForm } from '../jobs/form-model';
import { ProcessFields } from '../training/process-fields';
import { algorithmsOf, stoppingOf } from './algorithms';
import type { IAlgorithm } from './algorithms';
import { metricsOf, namesIn, readsLines } from './draft';
import type { ITuneDraft, TuneProblem } from './draft';
import { SpaceEditor, tuneSaid } from './space-editor';

type TuneForm = JobForm<ITuneDraft, TuneProblem>;

/** The form that begins a tuning job. */
export function TuneFormView(props: {
  form: TuneForm;
  place: IFormPlace;
  runtimes: readonly string[];
  gpus: string;
}): JSX.Element {
  const { form, place } = props;
  const trans = useTrans();
  return (
    <JobFormFrame
      form={form}
      place={place}
      title={trans.__('New tuning job')}
      submitLabel={trans.__('Tune')}
      backLabel={trans.__('Back to the tuning jobs')}
      icon={playIcon}
      testId="mlplat-tune-form"
      render={() => (
        <>
          <JobWhat
            form={form}
            place={place}
            commandHelp={trans.__(
              '${trialParameters.x} stands for the value of x.'
            )}
          />
          <SpaceEditor
            form={form}
            offered={
              form.draft.source === 'cell'
                ? namesIn(form.draft.cell)
                : form.parameters
            }
          />
          <div className="jp-mlplat-Form-row">
            <JobChoice
              form={form}
              field="direction"
              label={trans.__('Objective')}
              choices={[
                ['maximize', trans.__('Greatest')],
                ['minimize', trans.__('Least')]
              ]}
            />
            <JobText
              form={form}
              field="metric"
              label={trans.__('Metric')}
              placeholder={EXAMPLE_METRIC}
            />
          </div>
          <div className="jp-mlplat-Form-row">
            <JobText
              form={form}
              field="trials"
              label={trans.__('Trials')}
              inputMode="numeric"
              placeholder={trans.__('no limit')}
            />
            <JobText
              form={form}
              field="parallel"
              label={trans.__('At once')}
              inputMode="numeric"
            />
            <JobText
              form={form}
              field="goal"
              label={trans.__('Stop at')}
              inputMode="decimal"
              placeholder={trans.__('none')}
              title={trans.__('The job is over once the metric reaches this')}
            />
          </div>
          <Method
            form={form}
            field="algorithm"
            settings="settings"
            label={trans.__('Algorithm')}
            all={algorithmsOf(trans)}
          />
          <Method
            form={form}
            field="stopping"
            settings="stoppingSettings"
            label={trans.__('Early stopping')}
            none={trans.__('None: each runs to its end')}
            all={stoppingOf(trans)}
          />
          <JobParameters
            form={form}
            without={form.draft.space.map(({ name }) => name)}
          />
          <JobChoice
            form={form}
            field="isTrain"
            label={trans.__('Each trial is')}
            choices={[
              ['no', trans.__('One process')],
              ['yes', trans.__('A train job of many processes')]
            ]}
          />
          {form.draft.isTrain === 'yes' && (
            <ProcessFields form={form} runtimes={props.runtimes} />
          )}
          <JobResources
            form={form}
            gpus={props.gpus}
            help={trans.__('Its trials share them.')}
          />
          <JobMore form={form}>
            <Collection form={form} />
            <div className="jp-mlplat-Form-row">
              <JobText
                form={form}
                field="failures"
                label={trans.__('Failed trials, at most')}
                inputMode="numeric"
                placeholder={trans.__('no limit')}
              />
              <JobText
                form={form}
                field="seed"
                label={trans.__('Seed')}
                inputMode="numeric"
                placeholder={trans.__('any')}
              />
            </div>
            <div className="jp-mlplat-Form-row">
              <JobText
                form={form}
                field="trialRetries"
                label={trans.__('A failed trial runs again')}
                inputMode="numeric"
              />
              <JobText
                form={form}
                field="trialMinutes"
                label={trans.__('A trial takes at most, minutes')}
                inputMode="decimal"
                placeholder={trans.__('no limit')}
              />
            </div>
            <JobChoice
              form={form}
              field="isInline"
              label={trans.__('Trials run')}
              help={
                form.draft.isInline === 'yes'
                  ? trans.__(
                      'For code of milliseconds: what a trial changes in place stays changed.'
                    )
                  : undefined
              }
              problem={tuneSaid(trans, form.problems.isInline)}
              choices={[
                ['no', trans.__('Each in a process of its own')],
                ['yes', trans.__('One after the other, in one process')]
              ]}
            />
            <JobText
              form={form}
              field="additional"
              label={trans.__('Other metrics to keep')}
              help={trans.__('With commas between.')}
            />
            <JobText
              form={form}
              field="warmStart"
              label={trans.__('Learn from earlier tuning jobs')}
              help={trans.__('Their ids, with commas between.')}
            />
          </JobMore>
        </>
      )}
    />
  );
}

/** An algorithm by name, with those of its settings that are given. */
function Method(props: {
  form: TuneForm;
  field: 'algorithm' | 'stopping';
  settings: 'settings' | 'stoppingSettings';
  label: string;
  none?: string;
  all: readonly IAlgorithm[];
}): JSX.Element {
  const { form, field, settings } = props;
  const trans = useTrans();
  const chosen = props.all.find(({ name }) => name === form.draft[field]);
  const given = form.draft[settings];
  const needed = chosen?.needed ?? [];
  return (
    <>
      <Field
        label={props.label}
        help={chosen?.help}
        render={attributes => (
          <select
            {...attributes}
            className="jp-mlplat-Select"
            name={field}
            value={form.draft[field]}
            onChange={event =>
              form.edit({ [field]: event.target.value, [settings]: {} })
            }
          >
            {props.none !== undefined && <option value="">{props.none}</option>}
            {props.all.map(({ name, label }) => (
              <option key={name} value={name}>
                {label}
              </option>
            ))}
          </select>
        )}
      />
      {chosen && chosen.settings.length > 0 && (
        <Fold
          key={chosen.name}
          title={trans.__('Settings of %1', chosen.label)}
          isOpenAtFirst={needed.length > 0}
        >
          <div className="jp-mlplat-Form-row">
            {chosen.settings.map(setting => (
              <Field
                key={setting}
                label={setting}
                problem={
                  needed.includes(setting) && !given[setting]?.trim()
                    ? trans.__('This is needed.')
                    : null
                }
                render={attributes => (
                  <input
                    {...attributes}
                    className="jp-mlplat-Input jp-mod-code"
                    type="text"
                    spellCheck={false}
                    autoComplete="off"
                    name={`${field}.${setting}`}
                    placeholder={trans.__('standard')}
                    value={given[setting] ?? ''}
                    onChange={event =>
                      form.edit({
                        [settings]: { ...given, [setting]: event.target.value }
                      })
                    }
                  />
                )}
              />
            ))}
          </div>
        </Fold>
      )}
    </>
  );
}

/** Where the metrics of a trial are read, and which of their values counts. */
function Collection(props: { form: TuneForm }): JSX.Element {
  const { form } = props;
  const trans = useTrans();
  const { collector } = form.draft;
  const hasPath = collector === 'file' || collector === 'tensorboard';
  return (
    <>
      <JobChoice
        form={form}
        field="collector"
        label={trans.__('Metrics come from')}
        choices={[
          ['push', trans.__('The code: mlplat.log_metric and the like')],
          ['stdout', trans.__('What it prints')],
          ['file', trans.__('A file it writes')],
          ['tensorboard', trans.__('TensorBoard files')]
        ]}
      />
      {hasPath && (
        <JobText
          form={form}
          field="collectorPath"
          label={
            collector === 'file' ? trans.__('File') : trans.__('Folder of them')
          }
          help={trans.__(
            "Below the trial's folder, which a command calls ${trialSpec.Folder}."
          )}
          isCode
        />
      )}
      {(collector === 'stdout' || collector === 'file') && (
        <JobChoice
          form={form}
          field="collectorFormat"
          label={trans.__('Written as')}
          choices={[
            ['text', trans.__('Text: name=value')],
            ['json', trans.__('JSON: an object a line')]
          ]}
        />
      )}
      {readsLines(form.draft) && (
        <JobText
          form={form}
          field="patterns"
          label={trans.__('Patterns')}
          help={trans.__(
            'Regular expressions with two groups, name and value, one a line. None: name=value.'
          )}
          problem={tuneSaid(trans, form.problems.patterns)}
          placeholder={EXAMPLE_PATTERN}
          isCode
          rows={2}
        />
      )}
      <Strategies form={form} />
    </>
  );
}

/** Which value of each metric counts, of the many that a trial may tell. */
function Strategies(props: { form: TuneForm }): JSX.Element | null {
  const { form } = props;
  const trans = useTrans();
  const { direction, strategies } = form.draft;
  const best =
    direction === 'maximize' ? trans.__('greatest') : trans.__('least');
  const names = metricsOf(form.draft);
  return names.length === 0 ? null : (
    <Fold title={trans.__('Which value counts')} count={names.length}>
      {names.map(name => (
        <SelectField
          key={name}
          label={name}
          name={`strategy.${name}`}
          value={strategies[name] ?? ''}
          choices={[
            ['', trans.__('The best, here the %1', best)],
            ['latest', trans.__('The last')],
            ['max', trans.__('The greatest')],
            ['min', trans.__('The least')]
          ]}
          onChange={kind => {
            const others = Object.entries(strategies).filter(
              ([other]) => other !== name
            );
            const chosen = kind === '' ? [] : [[name, kind] as const];
            form.edit({
              strategies: Object.fromEntries([...others, ...chosen])
            });
          }}
        />
      ))}
    </Fold>
  );
}

const EXAMPLE_METRIC = 'accuracy';
const EXAMPLE_PATTERN = '(\\w+) is ([0-9.]+)';
