import * as React from 'react';

import { useTrans } from '../../components/context';
import type { IJobDraft } from '../jobs/draft';
import { JobText } from '../jobs/fields';
import type { AnyJobForm } from '../jobs/fields';
import type { ITrainFields } from './draft';

/** How many processes there are, and how they find each other. */
export function ProcessFields(props: {
  form: AnyJobForm<IJobDraft & ITrainFields>;
  runtimes: readonly string[];
}): JSX.Element {
  const { form } = props;
  const trans = useTrans();
  const ranks =
    Number(form.draft.nodes) * (Number(form.draft.processes) || 1) || 0;
  return (
    <>
      <JobText
        form={form}
        field="runtime"
        label={trans.__('Runtime')}
        suggestions={props.runtimes}
        help={trans.__(
          'How processes find each other: torch-distributed, plain, jax, mpi, or one of your own.'
        )}
      />
      <div className="jp-mlplat-Form-row">
        <JobText
          form={form}
          field="nodes"
          label={trans.__('Nodes')}
          inputMode="numeric"
        />
        <JobText
          form={form}
          field="processes"
          label={trans.__('Processes of each')}
          inputMode="numeric"
          placeholder={trans.__('one a GPU')}
        />
      </div>
      {ranks > 1 && (
        <p className="jp-mlplat-Hint" aria-live="polite">
          {trans._n('%1 process in all', '%1 processes in all', ranks)}
        </p>
      )}
    </>
  );
}
