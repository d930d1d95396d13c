import * as React from 'react';

import { useTrans } from '../../components/context';
import { playIcon } from '../../icons';
import { JobText } from '../jobs/fields';
import type { IFormPlace } from '../jobs/form-parts';
import {
  JobFormFrame,
  JobMore,
  JobParameters,
  JobResources,
  JobWhat
} from '../jobs/form-parts';
import type { JobForm } from '../jobs/form-model';
import type { ITrainDraft } from './draft';
import { ProcessFields } from './process-fields';

/** The form that begins a train job. */
export function TrainForm(props: {
  form: JobForm<ITrainDraft>;
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
      title={trans.__('New train job')}
      submitLabel={trans.__('Train')}
      backLabel={trans.__('Back to the train jobs')}
      icon={playIcon}
      testId="mlplat-train-form"
      render={() => (
        <>
          <JobWhat
            form={form}
            place={place}
            commandHelp={trans.__('Each process runs it.')}
          />
          <ProcessFields form={form} runtimes={props.runtimes} />
          <JobParameters form={form} />
          <JobResources form={form} gpus={props.gpus} />
          <JobMore form={form}>
            <JobText
              form={form}
              field="dataset"
              label={trans.__('Dataset to bring first')}
              placeholder={EXAMPLE_URI}
              help={trans.__('A path or a URI: file://, s3://, hf:// …')}
            />
            <JobText
              form={form}
              field="model"
              label={trans.__('Model to bring first')}
              placeholder={EXAMPLE_URI}
            />
          </JobMore>
        </>
      )}
    />
  );
}

const EXAMPLE_URI = 's3://bucket/folder';
