import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { useTrans } from '../../components/context';
import { SelectField, TextField } from '../../components/field';
import type { IJobDraft, JobProblem } from './draft';
import type { JobForm } from './form-model';

/** A form, whatever else its draft holds. */
export type AnyJobForm<D extends IJobDraft = IJobDraft> = Pick<
  JobForm<D, string>,
  | 'draft'
  | 'problems'
  | 'edit'
  | 'parameters'
  | 'pipeline'
  | 'places'
  | 'setParameter'
>;

/** Those fields of a draft that are texts. */
type TextOf<D> = {
  [K in keyof D]: D[K] extends string ? K : never;
}[keyof D] &
  string;

/** A text of a job's draft, with what is wrong with it: by default, what may be of any job. */
export function JobText<D extends IJobDraft>({
  form,
  field,
  ...props
}: Omit<React.ComponentProps<typeof TextField>, 'value' | 'onChange'> & {
  form: AnyJobForm<D>;
  field: TextOf<D>;
}): JSX.Element {
  const trans = useTrans();
  return (
    <TextField
      problem={saidOf(trans, form.problems[field] as JobProblem | undefined)}
      {...props}
      name={field}
      value={String(form.draft[field])}
      onChange={text => form.edit({ [field]: text } as unknown as Partial<D>)}
    />
  );
}

/** One of several words of a job's draft. */
export function JobChoice<D extends IJobDraft>({
  form,
  field,
  ...props
}: Omit<
  React.ComponentProps<typeof SelectField<string>>,
  'value' | 'onChange'
> & {
  form: AnyJobForm<D>;
  field: TextOf<D>;
}): JSX.Element {
  return (
    <SelectField
      {...props}
      name={field}
      value={String(form.draft[field])}
      onChange={text => form.edit({ [field]: text } as unknown as Partial<D>)}
    />
  );
}

/** What is wrong with a field, for people. */
export function saidOf(
  trans: TranslationBundle,
  problem: JobProblem | undefined
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
    case 'count':
      return trans.__('This is no whole number that fits.');
    case 'memory':
      return trans.__('This is no size, such as 4Gi or 500Mi.');
    case 'env':
      return trans.__('Each line has to be NAME=value.');
    case 'quote':
      return trans.__('A quotation mark has no end.');
    case 'value':
      return trans.__('This does not fit its type.');
  }
}
