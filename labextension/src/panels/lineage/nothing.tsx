import * as React from 'react';

import { EmptyState } from '../../components/basics';
import { useTrans } from '../../components/context';
import { lineageIcon } from '../../icons';

/** Where there is nothing to be drawn: how there would be. */
export function NothingKnown(): JSX.Element {
  const trans = useTrans();
  return (
    <EmptyState icon={lineageIcon} title={trans.__('Nothing is known of it')}>
      <p>
        {trans.__(
          'No run has made or read it, or those that did were deleted. What a run passes on, logs or registers shows up here by itself.'
        )}
      </p>
    </EmptyState>
  );
}
