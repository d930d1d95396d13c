import * as React from 'react';

import { useTrans } from '../../components/context';
import { tuningIcon } from '../../icons';
import { gpusText } from '../jobs/gpus';
import { JobList } from '../jobs/list';
import type { TuningBody } from './body';
import { TuningDetail } from './detail';
import { TuneFormView } from './form';

/** The section: all tuning jobs, one of them, or the form. Loaded late: see `body.tsx`. */
export default function TuningView(props: TuningBody.IOptions): JSX.Element {
  const { model, actions } = props;
  const trans = useTrans();
  const opened = React.useRef<string | null>(null);
  opened.current = model.detail?.id ?? opened.current;
  if (model.form) {
    return (
      <TuneFormView
        form={model.form}
        runtimes={props.runtimes()}
        gpus={gpusText(trans, props.inventory())}
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
      <TuningDetail
        key={model.detail.id}
        watch={model.detail}
        actions={actions}
      />
    );
  }
  return (
    <JobList
      model={model}
      actions={actions}
      opened={opened.current}
      icon={tuningIcon}
      title={trans.__('Tuning')}
      count={trans._n('%1 job', '%1 jobs', model.pages.total)}
      newLabel={trans.__('Tune a notebook')}
      newTitle={trans.__('Begin a tuning job')}
      emptyTitle={trans.__('No tuning jobs yet')}
      emptyText={trans.__(
        'A tuning job runs a notebook, a cell, a script or a command again and again with other parameters, and learns which do well. Trials that are over are never lost, whatever is restarted.'
      )}
    />
  );
}
