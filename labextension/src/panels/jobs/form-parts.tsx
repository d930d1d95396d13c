import { UseSignal } from '@jupyterlab/ui-components';
import type { LabIcon } from '@jupyterlab/ui-components';
import type { ISignal } from '@lumino/signaling';
import * as React from 'react';

import { Button, ErrorNote, Fold } from '../../components/basics';
import { useTrans } from '../../components/context';
import { Field } from '../../components/field';
import { Header } from '../../components/header';
import { RunOn } from '../../components/run-on';
import type { JobProblem, JobSource } from './draft';
import { JobChoice, JobText, saidOf } from './fields';
import type { AnyJobForm } from './fields';

import '../../../style/jobs.css';

/** What the form needs of where it stands. */
export interface IFormPlace {
  /** A path as a reader knows it, and as the engine needs it. */
  shortPath: (path: string) => string;
  absolutePath: (path: string) => string;

  /** Source of the active cell of the open notebook; null: there is none. */
  activeCell: () => string | null;
  onSubmit: () => void;
  onCancel: () => void;
}

/** The frame of the form of a job: its head, its parts, what was refused, and the way on. */
export function JobFormFrame(props: {
  form: {
    changed: ISignal<unknown, void>;
    canSubmit: boolean;
    isBusy: boolean;
    error: unknown;
  };
  place: IFormPlace;
  title: string;
  submitLabel: string;
  backLabel: string;
  icon: LabIcon;
  testId: string;
  render: () => React.ReactNode;
}): JSX.Element {
  const { form, place } = props;
  const trans = useTrans();
  return (
    <UseSignal signal={form.changed}>
      {() => (
        <>
          <Header
            title={props.title}
            back={{ label: props.backLabel, onClick: place.onCancel }}
          />
          <div className="jp-mlplat-Section-scroll">
            <form
              className="jp-mlplat-JobForm"
              aria-label={props.title}
              data-testid={props.testId}
              onSubmit={event => {
                event.preventDefault();
                if (form.canSubmit) {
                  place.onSubmit();
                }
              }}
              onKeyDown={event => {
                if (event.key === 'Escape') {
                  place.onCancel();
                }
              }}
            >
              {props.render()}
              {form.error !== null && <ErrorNote error={form.error} />}
              <div className="jp-mlplat-Form-actions">
                <button
                  type="submit"
                  className="jp-mlplat-Button jp-mod-primary"
                  disabled={!form.canSubmit}
                  aria-busy={form.isBusy}
                >
                  <props.icon.react
                    tag="span"
                    className="jp-mlplat-Button-icon"
                  />
                  <span className="jp-mlplat-Button-label">
                    {props.submitLabel}
                  </span>
                </button>
                <Button label={trans.__('Cancel')} onClick={place.onCancel} />
              </div>
            </form>
          </div>
        </>
      )}
    </UseSignal>
  );
}

/** What is run: a notebook or one of its steps, one cell, or a command. */
export function JobWhat(props: {
  form: AnyJobForm;
  place: IFormPlace;
  commandHelp: string;
}): JSX.Element {
  const { form, place } = props;
  const { draft } = form;
  const trans = useTrans();
  const sources: [JobSource, string][] = [
    ['notebook', trans.__('A notebook or script')],
    ['cell', trans.__('One cell')],
    ['command', trans.__('A command')]
  ];
  const steps = form.pipeline?.steps ?? [];
  const active = draft.source === 'cell' ? place.activeCell() : null;
  return (
    <>
      <JobChoice
        form={form}
        field="source"
        label={trans.__('Runs')}
        choices={sources}
      />
      {draft.source === 'notebook' && (
        <>
          <Field
            label={trans.__('Notebook or script')}
            problem={saidOf(trans, form.problems.path as JobProblem)}
            render={attributes => (
              <input
                {...attributes}
                className="jp-mlplat-Input"
                type="text"
                name="path"
                spellCheck={false}
                autoComplete="off"
                value={place.shortPath(draft.path)}
                onChange={event =>
                  form.edit({
                    path:
                      event.target.value &&
                      place.absolutePath(event.target.value)
                  })
                }
              />
            )}
          />
          {steps.length > 1 && (
            <JobChoice
              form={form}
              field="step"
              label={trans.__('Of it')}
              choices={[
                ['', trans.__('All of it, in one process')],
                ...steps.map(({ name }): [string, string] => [
                  name,
                  trans.__('The step %1, and what it needs', name)
                ])
              ]}
            />
          )}
        </>
      )}
      {draft.source === 'cell' && (
        <>
          <JobText
            form={form}
            field="cell"
            label={trans.__('Code of the cell')}
            help={trans.__(
              'It runs on its own: what other cells define is not there.'
            )}
            isCode
            rows={7}
          />
          {active !== null && active !== draft.cell && (
            <div>
              <Button
                label={trans.__('Take the active cell')}
                onClick={() => form.edit({ cell: active })}
              />
            </div>
          )}
        </>
      )}
      {draft.source === 'command' && (
        <JobText
          form={form}
          field="command"
          label={trans.__('Program and arguments')}
          help={props.commandHelp}
          placeholder={EXAMPLE_COMMAND}
          isCode
        />
      )}
      {draft.source !== 'notebook' && (
        <Field
          label={trans.__('Runs in the folder')}
          render={attributes => (
            <input
              {...attributes}
              className="jp-mlplat-Input"
              type="text"
              name="folder"
              spellCheck={false}
              autoComplete="off"
              value={draft.folder && place.shortPath(draft.folder)}
              onChange={event =>
                form.edit({
                  folder:
                    event.target.value && place.absolutePath(event.target.value)
                })
              }
            />
          )}
        />
      )}
      <JobText form={form} field="name" label={trans.__('Name')} />
      <RunOn
        places={form.places}
        value={draft.runOn}
        onChange={runOn => form.edit({ runOn })}
      />
    </>
  );
}

/** The parameters of the notebook; those that are tried with values of their own are left out. */
export function JobParameters(props: {
  form: AnyJobForm;
  without?: readonly string[];
}): JSX.Element | null {
  const { form, without = [] } = props;
  const trans = useTrans();
  const parameters = form.parameters.filter(
    ({ name }) => !without.includes(name)
  );
  if (parameters.length === 0) {
    return null;
  }
  return (
    <Fold title={trans.__('Parameters')} count={parameters.length}>
      {parameters.map(parameter => (
        <Field
          key={parameter.name}
          label={`${parameter.name}: ${parameter.type}`}
          help={parameter.help || undefined}
          problem={
            form.problems[`parameters.${parameter.name}`]
              ? trans.__('This is no %1.', parameter.type)
              : null
          }
          render={attributes => (
            <input
              {...attributes}
              className="jp-mlplat-Input jp-mod-code"
              type="text"
              spellCheck={false}
              autoComplete="off"
              placeholder={parameter.expression}
              value={form.draft.parameters[parameter.name] ?? ''}
              data-parameter={parameter.name}
              onChange={event =>
                form.setParameter(parameter.name, event.target.value || null)
              }
            />
          )}
        />
      ))}
    </Fold>
  );
}

/** What a job gets of the machine, all of its processes together. */
export function JobResources(props: {
  form: AnyJobForm;
  gpus: string;
  help?: string;
}): JSX.Element {
  const { form } = props;
  const trans = useTrans();
  return (
    <Fold title={trans.__('The job gets')} isOpenAtFirst>
      <div className="jp-mlplat-Form-row">
        <JobText
          form={form}
          field="gpu"
          label={trans.__('GPUs')}
          inputMode="decimal"
          placeholder={trans.__('none')}
        />
        <JobText
          form={form}
          field="cpu"
          label={trans.__('Cores')}
          inputMode="decimal"
          placeholder={trans.__('one each')}
          title={trans.__(
            'By default one for each process, as far as there are'
          )}
        />
        <JobText
          form={form}
          field="memory"
          label={trans.__('Memory')}
          placeholder={trans.__('no limit')}
          title={trans.__('Such as 4Gi or 500Mi')}
        />
      </div>
      {(props.help || props.gpus) && (
        <p className="jp-mlplat-Hint">
          {[props.help, props.gpus].filter(Boolean).join(' ')}
        </p>
      )}
    </Fold>
  );
}

/** What most people leave as it is. */
export function JobMore(props: {
  form: AnyJobForm;
  children?: React.ReactNode;
}): JSX.Element {
  const { form } = props;
  const trans = useTrans();
  return (
    <Fold title={trans.__('More')}>
      {props.children}
      <div className="jp-mlplat-Form-row">
        <JobText
          form={form}
          field="retries"
          label={trans.__('Starts again after a failure')}
          inputMode="numeric"
        />
        <JobText
          form={form}
          field="deadline"
          label={trans.__('Deadline, minutes')}
          inputMode="decimal"
          placeholder={trans.__('none')}
        />
      </div>
      <JobText
        form={form}
        field="env"
        label={trans.__('Environment')}
        help={trans.__('A line NAME=value for each variable.')}
        isCode
        rows={2}
      />
      <JobText form={form} field="experiment" label={trans.__('Experiment')} />
      <JobText form={form} field="note" label={trans.__('Note')} />
    </Fold>
  );
}

const EXAMPLE_COMMAND = 'python train.py --epochs 5';
