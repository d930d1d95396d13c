import * as React from 'react';
import { UseSignal } from '@jupyterlab/ui-components';

import type { Endpoint } from '../../api/types';
import { Button, ErrorNote, IconButton } from '../../components/basics';
import { useNow, useTrans } from '../../components/context';
import { formatAge } from '../../components/format';
import { backIcon, deployIcon } from '../../icons';
import type { IEndpointsActions } from './body';
import { ServingStateMark } from './state';
import type { EndpointWatch } from './watch';

/** One endpoint: how it does, who gets which traffic, and what can be done to it. */
export function EndpointDetail(props: {
  watch: EndpointWatch;
  actions: IEndpointsActions;
}): JSX.Element {
  const { watch, actions } = props;
  const trans = useTrans();
  return (
    <UseSignal signal={watch.changed}>
      {() => {
        const { endpoint } = watch;
        return (
          <>
            <div className="jp-mlplat-Header">
              <IconButton
                isFocusedAtFirst
                icon={backIcon}
                label={trans.__('Back to all endpoints')}
                onClick={() => actions.open(null)}
              />
              <div className="jp-mlplat-Header-text">
                <h2 className="jp-mlplat-Header-title">{watch.name}</h2>
                {endpoint && (
                  <div className="jp-mlplat-Header-facts" aria-live="polite">
                    <ServingStateMark state={endpoint.state} hasText />
                  </div>
                )}
              </div>
              <div className="jp-mlplat-Header-actions">
                <Button
                  kind="primary"
                  icon={deployIcon}
                  label={trans.__('Deploy')}
                  title={trans.__('Serve another version as a new revision')}
                  onClick={() => actions.deploy({ endpoint: watch.name })}
                />
              </div>
            </div>
            <div className="jp-mlplat-Section-scroll">
              {watch.error !== null && <ErrorNote error={watch.error} />}
              {endpoint && endpoint.message !== '' && (
                <ErrorNote error={endpoint.message} />
              )}
              {endpoint && <Revisions endpoint={endpoint} />}
            </div>
          </>
        );
      }}
    </UseSignal>
  );
}

function Revisions(props: { endpoint: Endpoint }): JSX.Element {
  const { endpoint } = props;
  const trans = useTrans();
  const now = useNow(10_000);
  return (
    <ul className="jp-mlplat-EndpointList" aria-label={trans.__('Revisions')}>
      {[...endpoint.revisions].reverse().map(revision => (
        <li key={revision.number} className="jp-mlplat-Revision">
          <ServingStateMark state={revision.state} />
          <span>
            {trans.__('Revision %1', revision.number)} · {revision.model}/
            {revision.version} · {formatAge(revision.created_at, now)}
          </span>
        </li>
      ))}
    </ul>
  );
}
