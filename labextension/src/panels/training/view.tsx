import * as React from 'react';

import { useTrans } from '../../components/context';
import { trainingIcon } from '../../icons';
import { gpusText } from '../jobs/gpus';
import { JobList } from '../jobs/list';
import type { TrainingBody } from './body';
import { TrainDetail } from './detail';
import { TrainForm } from './form';

/** The section: all train jobs, one of them, or the form. Loaded late: see `body.tsx`. */
export default function TrainingView(
  props: TrainingBody.IOptions
): JSX.Element {
  const { model, actions } = props;
  const trans = useTrans();
  const opened = React.useRef<string | null>(null);
  opened.current = model.detail?.id ?? opened.current;
  if (model.form) {
    return (
      <TrainForm
        form={model.form}
        runtimes={model.runtimes.map(({ name }) => name)}
        gpus={gpusText(trans, model.inventory)}
        place={{
          shortPath: props.shortPath,
          absolutePath: props.absolutePath,
          activeCell: props.activeCell,
          onSubmit: () => void model.submit(),
          onCancel: () => model.putFormAway()
        }}
      />
    );
  }
  if (model.detail) {
    return (
      <TrainDetail
        key={model.detail.id}
        watch={model.detail}
        model={model}
        actions={actions}
      />
    );
  }
  return (
    <JobList
      model={model}
      actions={actions}
      opened={opened.current}
      icon={trainingIcon}
      title={trans.__('Training')}
      count={trans._n('%1 job', '%1 jobs', model.pages.total)}
      newLabel={trans.__('Train a notebook')}
      newTitle={trans.__('Begin a train job')}
      emptyTitle={trans.__('No train jobs yet')}
      emptyText={trans.__(
        'A train job runs a notebook, a cell, a script or a command as one or many processes that know of each other. It goes on when you close JupyterLab, can be paused, and goes on from its last checkpoint.'
      )}
    />
  );
}
