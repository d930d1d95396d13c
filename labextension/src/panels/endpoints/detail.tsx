import { UseSignal } from '@jupyterlab/ui-components';
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { Endpoint, Traffic } from '../../api/types';
import {
  Button,
  EmptyState,
  ErrorNote,
  IconButton
} from '../../components/basics';
import { useTrans } from '../../components/context';
import { Header } from '../../components/header';
import {
  copyIcon,
  deployIcon,
  endpointsIcon,
  expandIcon,
  playIcon,
  promoteIcon,
  rollBackIcon,
  stopIcon,
  trashIcon
} from '../../icons';
import type { IEndpointsActions } from './body';
import { EndpointCharts } from './charts';
import { StatsLine } from './figures';
import { EndpointLog, Revisions } from './revisions';
import { ServingStateMark } from './state';
import type { StatsModel } from './stats';
import { TryIt } from './try-it';
import type { EndpointWatch } from './watch';
import '../../../style/runs.css';
import '../../../style/endpoints.css';

/** One endpoint: how it does, who gets which traffic, what it answers, and what can be done to it. Loaded late. */
export default function EndpointDetail(props: {
  watch: EndpointWatch;
  stats: StatsModel;
  actions: IEndpointsActions;
  apiUrl: string;
  /** In the main area there is nothing to go back to, and room for two columns. */
  isWide?: boolean;
}): JSX.Element {
  const { watch, stats, actions } = props;
  const trans = useTrans();
  return (
    <UseSignal signal={watch.changed}>
      {() => {
        const { endpoint } = watch;
        return (
          <>
            <DetailHeader {...props} endpoint={endpoint} />
            <div
              className="jp-mlplat-Section-scroll jp-mlplat-Endpoint"
              data-testid="mlplat-endpoint"
            >
              {watch.isGone && (
                <EmptyState
                  icon={endpointsIcon}
                  title={trans.__('This endpoint was deleted')}
                />
              )}
              {watch.error !== null && (
                <ErrorNote
                  error={watch.error}
                  action={{
                    label: trans.__('Try again'),
                    onClick: () => void watch.load()
                  }}
                />
              )}
              {endpoint === null && watch.error === null && (
                <p className="jp-mlplat-Hint jp-mlplat-Endpoint-hint">
                  {trans.__('Reading the endpoint…')}
                </p>
              )}
              {endpoint && !watch.isGone && (
                <>
                  <Summary
                    endpoint={endpoint}
                    watch={watch}
                    stats={stats}
                    actions={actions}
                  />
                  <div className="jp-mlplat-Endpoint-columns">
                    <div>
                      <Revisions
                        endpoint={endpoint}
                        watch={watch}
                        stats={stats}
                        actions={actions}
                      />
                      {props.isWide && (
                        <EndpointCharts endpoint={endpoint} stats={stats} />
                      )}
                    </div>
                    <div className="jp-mlplat-Endpoint-use">
                      <TryIt
                        watch={watch}
                        endpoint={endpoint}
                        apiUrl={props.apiUrl}
                        onCopy={actions.copy}
                      />
                    </div>
                  </div>
                </>
              )}
            </div>
          </>
        );
      }}
    </UseSignal>
  );
}

function DetailHeader(props: {
  endpoint: Endpoint | null;
  watch: EndpointWatch;
  actions: IEndpointsActions;
  isWide?: boolean;
}): JSX.Element {
  const { endpoint, watch, actions } = props;
  const trans = useTrans();
  return (
    <Header
      isLive
      title={watch.name}
      hint={watch.name}
      facts={
        endpoint &&
        !watch.isGone && <ServingStateMark state={endpoint.state} hasText />
      }
      back={
        props.isWide
          ? undefined
          : {
              label: trans.__('Back to all endpoints'),
              onClick: () => actions.open(null)
            }
      }
    >
      {!watch.isGone && (
        <>
          {!props.isWide && (
            <IconButton
              icon={expandIcon}
              label={trans.__('Open in the main area')}
              onClick={() => actions.expand(watch.name)}
            />
          )}
          <IconButton
            icon={trashIcon}
            label={trans.__('Delete this endpoint')}
            onClick={() => actions.delete(watch.name)}
          />
          <Button
            kind="primary"
            icon={deployIcon}
            label={trans.__('Deploy')}
            title={trans.__('Serve another version as a new revision')}
            onClick={() => actions.deploy({ endpoint: watch.name })}
          />
        </>
      )}
    </Header>
  );
}

function Summary(props: {
  endpoint: Endpoint;
  watch: EndpointWatch;
  stats: StatsModel;
  actions: IEndpointsActions;
}): JSX.Element {
  const { endpoint, watch, actions } = props;
  const { name } = endpoint;
  const trans = useTrans();
  const isStopped = endpoint.state === 'STOPPED';
  const newest = [...endpoint.revisions]
    .reverse()
    .find(({ state }) => state !== 'FAILED');
  const hasAll = endpoint.traffic.some(
    part => part.revision === newest?.number && part.percent === 100
  );
  const isSaidByRevision = endpoint.revisions.some(
    ({ message }) => message === endpoint.message
  );
  const isRouterLogOpen = watch.shownLog === ROUTER;
  return (
    <div className="jp-mlplat-Summary">
      <div className="jp-mlplat-Endpoint-url">
        <code title={endpoint.url}>{endpoint.url}</code>
        <IconButton
          icon={copyIcon}
          label={trans.__('Copy the URL')}
          onClick={() => actions.copyUrl(name)}
        />
        <button
          type="button"
          className="jp-mlplat-Link jp-mlplat-Revision-log"
          aria-expanded={isRouterLogOpen}
          onClick={() => actions.showLog(name, isRouterLogOpen ? null : ROUTER)}
        >
          {isRouterLogOpen ? trans.__('Hide log') : trans.__("Router's log")}
        </button>
      </div>
      <UseSignal signal={props.stats.changed}>
        {() => <StatsLine stats={props.stats.of(name)} />}
      </UseSignal>
      {endpoint.message !== '' && !isSaidByRevision && (
        <p className="jp-mlplat-Endpoint-message" data-state={endpoint.state}>
          {endpoint.message}
        </p>
      )}
      {endpoint.wanted.length > 0 && !isStopped && (
        <p className="jp-mlplat-Hint" role="status">
          {trans.__(
            'As soon as they are ready, traffic goes to: %1',
            splitWords(trans, endpoint.wanted)
          )}
        </p>
      )}
      <div className="jp-mlplat-Endpoint-actions">
        <Button
          icon={promoteIcon}
          label={trans.__('Promote')}
          title={
            newest
              ? trans.__('Give revision %1 all traffic', newest.number)
              : undefined
          }
          isDisabled={isStopped || !newest || hasAll || watch.isBusy}
          onClick={() => actions.promote(name)}
        />
        <Button
          icon={rollBackIcon}
          label={trans.__('Roll back')}
          title={
            endpoint.previous.length > 0
              ? trans.__('Go back to: %1', splitWords(trans, endpoint.previous))
              : trans.__('There has been one split only')
          }
          isDisabled={
            isStopped || endpoint.previous.length === 0 || watch.isBusy
          }
          onClick={() => actions.rollBack(name)}
        />
        {isStopped ? (
          <Button
            icon={playIcon}
            label={trans.__('Start')}
            isDisabled={watch.isBusy}
            onClick={() => actions.start(name)}
          />
        ) : (
          <Button
            icon={stopIcon}
            label={trans.__('Stop')}
            isDisabled={watch.isBusy}
            onClick={() => actions.stop(name)}
          />
        )}
      </div>
      {isRouterLogOpen && (
        <EndpointLog watch={watch} endpoint={name} revision={null} />
      )}
    </div>
  );
}

function splitWords(
  trans: TranslationBundle,
  split: readonly Traffic[]
): string {
  return split
    .filter(part => part.percent > 0)
    .map(part => trans.__('revision %1 %2 %', part.revision, part.percent))
    .join(', ');
}

/** Revisions count from 1: this stands for the router, where a log is chosen. */
const ROUTER = 0;
