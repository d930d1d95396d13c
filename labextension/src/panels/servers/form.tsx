import type { TranslationBundle } from '@jupyterlab/translation';
import { UseSignal } from '@jupyterlab/ui-components';
import * as React from 'react';

import type { KindAmount, ServerKind } from '../../api/types';
import {
  Button,
  EmptyState,
  ErrorNote,
  Fold,
  IconButton
} from '../../components/basics';
import { useTrans } from '../../components/context';
import { SelectField, TextField, withValue } from '../../components/field';
import { Form } from '../../components/form';
import { Header } from '../../components/header';
import { closeIcon, plusIcon, serversIcon } from '../../icons';
import { OTHER, isOpenAmount } from './draft';
import type { IServerDraft, IVolumeDraft, ServerProblem } from './draft';
import { gpuTitle } from './facts';
import type { ServerForm } from './form-model';

/** Those fields of a draft that are texts. */
type TextOf = {
  [K in keyof IServerDraft]: IServerDraft[K] extends string ? K : never;
}[keyof IServerDraft];

/** The form of a new server: one chooses a kind, and within it what its administrator allows. */
export function ServerFormView(props: {
  form: ServerForm;
  onCreate: () => void;
  onCancel: () => void;
}): JSX.Element {
  const { form } = props;
  const trans = useTrans();
  return (
    <UseSignal signal={form.changed}>
      {() => (
        <>
          <Header
            title={trans.__('New server')}
            back={{
              label: trans.__('Back to the servers'),
              onClick: props.onCancel
            }}
          />
          <div className="jp-mlplat-Section-scroll">
            {form.offer === null || form.kinds.length > 0 ? (
              <Form
                label={trans.__('New server')}
                testId="mlplat-server-form"
                submit={{
                  label: trans.__('Create server'),
                  icon: plusIcon,
                  canSubmit: form.canCreate,
                  isBusy: form.isBusy
                }}
                error={form.offer === null ? null : form.error}
                onSubmit={props.onCreate}
                onCancel={props.onCancel}
              >
                <Where form={form} />
                {form.offer === null &&
                  (form.error !== null ? (
                    <ErrorNote
                      error={form.error}
                      action={{
                        label: trans.__('Try again'),
                        onClick: () => void form.load()
                      }}
                    />
                  ) : (
                    <p className="jp-mlplat-Hint" aria-busy="true">
                      {trans.__('Asking the cluster what it offers…')}
                    </p>
                  ))}
                {form.kind && <Choices form={form} kind={form.kind} />}
              </Form>
            ) : (
              <EmptyState
                icon={serversIcon}
                title={trans.__('This cluster offers no kind of server')}
              >
                <p>
                  {trans.__(
                    'Its administrator defines what one may choose from: kinds, each with images, limits and GPUs.'
                  )}
                </p>
                <Button
                  label={trans.__('Look again')}
                  onClick={() => void form.load()}
                />
              </EmptyState>
            )}
          </div>
        </>
      )}
    </UseSignal>
  );
}

/** Its name, where it is to be, and its kind. */
function Where(props: { form: ServerForm }): JSX.Element {
  const { form } = props;
  const trans = useTrans();
  const { kind } = form;
  return (
    <>
      <Text form={form} field="name" label={trans.__('Name')} />
      {form.clusters.length > 1 && (
        <Choice
          form={form}
          field="place"
          label={trans.__('Cluster')}
          choices={form.clusters.map(name => [name, name])}
        />
      )}
      {form.kinds.length > 0 && (
        <Choice
          form={form}
          field="kind"
          label={trans.__('Kind')}
          help={kind?.description || undefined}
          choices={form.kinds.map(({ name, title }) => [name, title || name])}
        />
      )}
    </>
  );
}

/** What may be chosen within the kind. */
function Choices(props: { form: ServerForm; kind: ServerKind }): JSX.Element {
  const { form, kind } = props;
  const { draft, offer } = form;
  const trans = useTrans();
  const image = kind.images.find(({ name }) => name === draft.image);
  const hasOwn = kind.custom.length > 0;
  const presets = (offer?.presets ?? []).filter(
    ({ name }) => !kind.presets.includes(name)
  );
  return (
    <>
      {(kind.images.length > 1 || hasOwn) && (
        <Choice
          form={form}
          field="image"
          label={trans.__('Image')}
          help={image?.description || image?.image}
          choices={[
            ...kind.images.map(({ name, title }): [string, string] => [
              name,
              title || name
            ]),
            ...(hasOwn
              ? [[OTHER, trans.__('Another one…')] as [string, string]]
              : [])
          ]}
        />
      )}
      {draft.image === OTHER && (
        <Text
          form={form}
          field="ownImage"
          label={trans.__('Another image')}
          help={trans.__('One of: %1', kind.custom.join(', '))}
          isCode
        />
      )}
      {kind.gpus.length > 0 && <Gpus form={form} kind={kind} />}
      {(isOpenAmount(kind.cpu) || isOpenAmount(kind.memory)) && (
        <div className="jp-mlplat-Form-row">
          <Amount
            form={form}
            field="cpu"
            amount={kind.cpu}
            label={trans.__('Cores')}
          />
          <Amount
            form={form}
            field="memory"
            amount={kind.memory}
            label={trans.__('Memory')}
          />
        </div>
      )}
      {kind.home && kind.home.most !== null && (
        <Text
          form={form}
          field="home"
          label={trans.__('Size of its home')}
          placeholder={kind.home.size}
          help={trans.__(
            'At most %1. A home that is there already keeps its size.',
            kind.home.most
          )}
        />
      )}
      <Fold title={trans.__('More')}>
        {kind.claims && <Volumes form={form} />}
        {presets.length > 0 && (
          <fieldset className="jp-mlplat-ServerForm-set">
            <legend>{trans.__('Presets')}</legend>
            {presets.map(({ name, title }) => (
              <Check
                key={name}
                label={title || name}
                isOn={draft.presets.includes(name)}
                onChange={isOn =>
                  form.edit({
                    presets: isOn
                      ? [...draft.presets, name]
                      : draft.presets.filter(one => one !== name)
                  })
                }
              />
            ))}
          </fieldset>
        )}
        {kind.spot && (
          <Check
            label={trans.__(
              'On machines that may be taken away at any time, for less money'
            )}
            isOn={draft.isSpot}
            onChange={isSpot => form.edit({ isSpot })}
          />
        )}
        <div className="jp-mlplat-Form-row">
          <Text
            form={form}
            field="cullAfter"
            label={trans.__('Stops when idle for')}
            placeholder={kind.idle.cull ?? trans.__('never')}
          />
          <Text
            form={form}
            field="maxLifetime"
            label={trans.__('Stops at the latest after')}
            placeholder={kind.idle.lifetime ?? trans.__('never')}
          />
        </div>
        <Text
          form={form}
          field="env"
          label={trans.__('Environment')}
          help={trans.__('A line NAME=value for each variable.')}
          isCode
          rows={2}
        />
      </Fold>
    </>
  );
}

/** Which devices, and how many of them. */
function Gpus(props: { form: ServerForm; kind: ServerKind }): JSX.Element {
  const { form, kind } = props;
  const { draft } = form;
  const trans = useTrans();
  const chosen = kind.gpus.find(({ name }) => name === draft.gpu);
  return (
    <div className="jp-mlplat-Form-row">
      <SelectField
        name="gpu"
        label={trans.__('GPU')}
        value={draft.gpu}
        choices={[
          ['', trans.__('None')],
          ...kind.gpus.map((gpu): [string, string] => [
            gpu.name,
            gpuTitle(trans, gpu)
          ])
        ]}
        onChange={gpu => {
          const found = kind.gpus.find(({ name }) => name === gpu);
          form.edit({ gpu, gpuCount: String(found?.counts[0] ?? 1) });
        }}
      />
      {chosen && chosen.counts.length > 1 && (
        <Choice
          form={form}
          field="gpuCount"
          label={trans.__('How many')}
          choices={withValue(
            chosen.counts.map(count => [String(count), String(count)]),
            draft.gpuCount,
            draft.gpuCount
          )}
        />
      )}
    </div>
  );
}

function Amount(props: {
  form: ServerForm;
  field: 'cpu' | 'memory';
  amount: KindAmount;
  label: string;
}): JSX.Element | null {
  const { form, field, amount } = props;
  const trans = useTrans();
  return amount.most === null ? null : (
    <Text
      form={form}
      field={field}
      label={props.label}
      placeholder={amount.default}
      help={trans.__('At most %1', amount.most)}
    />
  );
}

/** Volumes of one's own that the server mounts besides its home. */
function Volumes(props: { form: ServerForm }): JSX.Element {
  const { form } = props;
  const { volumes } = form.draft;
  const claims = form.offer?.claims ?? [];
  const trans = useTrans();
  const change = (index: number, given: Partial<IVolumeDraft>) =>
    form.edit({
      volumes: volumes.map((volume, at) =>
        at === index ? { ...volume, ...given } : volume
      )
    });
  return (
    <fieldset className="jp-mlplat-ServerForm-set">
      <legend>{trans.__('Further volumes')}</legend>
      {volumes.map((volume, index) => (
        <div key={index} className="jp-mlplat-ServerForm-volume">
          <TextField
            label={trans.__('Volume claim')}
            value={volume.claim}
            suggestions={claims}
            problem={saidOf(trans, form.problems[`volumes.${index}`])}
            onChange={claim => change(index, { claim })}
          />
          <TextField
            label={trans.__('Found at')}
            value={volume.mount}
            isCode
            onChange={mount => change(index, { mount })}
          />
          <Check
            label={trans.__('Can be written')}
            isOn={volume.isWritable}
            onChange={isWritable => change(index, { isWritable })}
          />
          <IconButton
            icon={closeIcon}
            label={trans.__('Leave out volume %1', index + 1)}
            onClick={() =>
              form.edit({ volumes: volumes.filter((_, at) => at !== index) })
            }
          />
        </div>
      ))}
      <div>
        <Button
          icon={plusIcon}
          label={trans.__('Add a volume')}
          onClick={() =>
            form.edit({
              volumes: [
                ...volumes,
                {
                  claim: '',
                  mount: `/data${volumes.length > 0 ? volumes.length + 1 : ''}`,
                  isWritable: true
                }
              ]
            })
          }
        />
      </div>
    </fieldset>
  );
}

/** A text of the draft, with what is wrong with it. */
function Text({
  form,
  field,
  ...props
}: Omit<React.ComponentProps<typeof TextField>, 'value' | 'onChange'> & {
  form: ServerForm;
  field: TextOf;
}): JSX.Element {
  const trans = useTrans();
  return (
    <TextField
      {...props}
      name={field}
      problem={saidOf(trans, form.problems[field])}
      value={form.draft[field]}
      onChange={text =>
        form.edit({ [field]: text } as unknown as Partial<IServerDraft>)
      }
    />
  );
}

/** One of several words of the draft. */
function Choice({
  form,
  field,
  ...props
}: Omit<
  React.ComponentProps<typeof SelectField<string>>,
  'value' | 'onChange'
> & {
  form: ServerForm;
  field: TextOf;
}): JSX.Element {
  return (
    <SelectField
      {...props}
      name={field}
      value={form.draft[field]}
      onChange={word =>
        form.edit({ [field]: word } as unknown as Partial<IServerDraft>)
      }
    />
  );
}

function Check(props: {
  label: string;
  isOn: boolean;
  onChange: (isOn: boolean) => void;
}): JSX.Element {
  return (
    <label className="jp-mlplat-Check">
      <input
        type="checkbox"
        checked={props.isOn}
        onChange={event => props.onChange(event.target.checked)}
      />
      <span>{props.label}</span>
    </label>
  );
}

/** What is wrong with a field, for people. */
function saidOf(
  trans: TranslationBundle,
  problem: ServerProblem | undefined
): string | null {
  switch (problem) {
    case undefined:
      return null;
    case 'missing':
      return trans.__('This is needed.');
    case 'name':
      return trans.__(
        'Use small letters, digits and dashes, a letter first; at most 52.'
      );
    case 'taken':
      return trans.__('There is a server of this name.');
    case 'amount':
      return trans.__('This is no amount, such as 2, 500m or 4Gi.');
    case 'most':
      return trans.__('This is more than the kind allows.');
    case 'env':
      return trans.__('Each line has to be NAME=value.');
    case 'mount':
      return trans.__('The place has to begin with a slash.');
    case 'duration':
      return trans.__('This is no length of time, such as 45m, 8h or never.');
  }
}
