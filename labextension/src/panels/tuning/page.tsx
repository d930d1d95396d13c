import * as React from 'react';

import { EmptyState, ErrorNote } from '../../components/basics';
import { useTrans } from '../../components/context';
import { tuningIcon } from '../../icons';
import { TuningContent } from './detail';
import type { TuningView } from './main';

/** One tuning job in the main area. Loaded late: see `main.tsx`. */
export default function TuningPage(props: TuningView.IOptions): JSX.Element {
  const { watch } = props;
  const trans = useTrans();
  const { run } = watch.watch;
  if ((run === null || watch.status === null) && watch.error !== null) {
    return (
      <EmptyState
        icon={tuningIcon}
        title={trans.__('This tuning job is not there')}
      >
        <ErrorNote error={watch.error} />
      </EmptyState>
    );
  }
  return (
    <div className="jp-mlplat-JobPage">
      <h2 className="jp-mlplat-JobPage-title">
        {run ? trans.__('Tuning job %1', run.number) : trans.__('Tuning job')}
        <span className="jp-mlplat-Quiet">{run?.title || run?.pipeline}</span>
      </h2>
      <TuningContent {...props} height={220} />
    </div>
  );
}
