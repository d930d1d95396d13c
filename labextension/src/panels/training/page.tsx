import * as React from 'react';

import { EmptyState, ErrorNote } from '../../components/basics';
import { useTrans } from '../../components/context';
import { trainingIcon } from '../../icons';
import { TrainContent } from './detail';
import type { TrainView } from './main';

/** One train job in the main area. Loaded late: see `main.tsx`. */
export default function TrainPage(props: TrainView.IOptions): JSX.Element {
  const { watch } = props;
  const trans = useTrans();
  const { run } = watch.watch;
  if (run === null && watch.error !== null) {
    return (
      <EmptyState
        icon={trainingIcon}
        title={trans.__('This train job is not there')}
      >
        <ErrorNote error={watch.error} />
      </EmptyState>
    );
  }
  return (
    <div className="jp-mlplat-JobPage">
      <h2 className="jp-mlplat-JobPage-title">
        {run ? trans.__('Train job %1', run.number) : trans.__('Train job')}
        <span className="jp-mlplat-Quiet">{run?.title || run?.pipeline}</span>
      </h2>
      <TrainContent {...props} height={240} />
    </div>
  );
}
