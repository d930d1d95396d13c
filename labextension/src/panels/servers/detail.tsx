import * as React from 'react';

import type { PlacedServer, ServerEvent, ServerMount } from '../../api/types';
import {
  Button,
  Code,
  Fold,
  IconButton,
  Scroll
} from '../../components/basics';
import { useNow, useTrans } from '../../components/context';
import { formatAge } from '../../components/format';
import { Header } from '../../components/header';
import {
  jumpIcon,
  playIcon,
  stopIcon,
  trashIcon,
  wakeIcon,
  warningIcon
} from '../../icons';
import { LogView } from '../runs/log';
import { formatMoment } from '../schedules/times';
import type { IServersActions } from './body';
import {
  canStop,
  countdownOf,
  forwardCommand,
  addressOf,
  gpuText,
  keyOf,
  nextOf
} from './facts';
import { ServerLogModel } from './log-model';
import type { ServersModel } from './model';
import { ServerStateMark } from './state';

/** One server: how it is and why, what it has, what the cluster did for it, what it writes. */
export function ServerDetail(props: {
  server: PlacedServer;
  model: ServersModel;
  actions: IServersActions;
}): JSX.Element {
  const { server, model, actions } = props;
  const trans = useTrans();
  const key = keyOf(server);
  const now = useNow(15_000);
  const countdown = countdownOf(trans, server, now);
  return (
    <>
      <Header
        isLive
        title={server.name}
        hint={server.name}
        facts={<ServerStateMark server={server} hasText />}
        back={{
          label: trans.__('Back to all servers'),
          onClick: () => actions.open(null)
        }}
      >
        <IconButton
          icon={trashIcon}
          label={trans.__('Delete this server')}
          isDisabled={server.reason === 'Deleting'}
          onClick={() => actions.delete(key)}
        />
        <MainAction {...props} />
      </Header>
      <Scroll>
        <div className="jp-mlplat-Server" data-testid="mlplat-server">
          {server.message !== '' && (
            <p
              className="jp-mlplat-Server-message"
              data-state={server.state}
              data-waits={server.reason.startsWith('Waiting')}
            >
              {server.message}
            </p>
          )}
          {countdown && (
            <p
              className="jp-mlplat-Server-countdown"
              data-soon={countdown.isSoon}
              title={formatMoment(countdown.at, now)}
            >
              {countdown.text}
            </p>
          )}
          {canStop(server) && (
            <div>
              <Button
                icon={stopIcon}
                label={trans.__('Stop')}
                title={trans.__('Its home stays; its GPUs are free for others')}
                isDisabled={model.isBusy(server)}
                onClick={() => actions.stop(key)}
              />
            </div>
          )}
          <Facts server={server} nowMs={now} />
          <Mounts mounts={model.history?.mounts ?? []} />
          <Events events={model.history?.events ?? null} nowMs={now} />
          {server.pod !== '' && (
            <div className="jp-mlplat-Server-log">
              <button
                type="button"
                className="jp-mlplat-Link"
                aria-expanded={model.isLogShown}
                onClick={() => actions.showLog(key, !model.isLogShown)}
              >
                {model.isLogShown
                  ? trans.__('Hide log')
                  : trans.__('Show what it writes')}
              </button>
              {model.isLogShown && <ServerLog server={server} model={model} />}
            </div>
          )}
        </div>
      </Scroll>
    </>
  );
}

/** The one thing to do with a server as it is. */
function MainAction(props: {
  server: PlacedServer;
  model: ServersModel;
  actions: IServersActions;
}): JSX.Element | null {
  const { server, model, actions } = props;
  const trans = useTrans();
  const key = keyOf(server);
  switch (nextOf(server)) {
    case 'enter':
      return (
        <Button
          kind="primary"
          icon={jumpIcon}
          label={trans.__('Open')}
          title={trans.__('Open its JupyterLab in a new tab')}
          onClick={() => actions.enter(key)}
        />
      );
    case 'start':
    case 'wake':
      return (
        <Button
          kind="primary"
          icon={nextOf(server) === 'wake' ? wakeIcon : playIcon}
          label={
            nextOf(server) === 'wake' ? trans.__('Wake') : trans.__('Start')
          }
          title={trans.__('With everything in its home as it was')}
          isDisabled={model.isBusy(server)}
          onClick={() => actions.start(key)}
        />
      );
    default:
      return null;
  }
}

function Facts(props: { server: PlacedServer; nowMs: number }): JSX.Element {
  const { server, nowMs } = props;
  const trans = useTrans();
  const gpu = gpuText(trans, server);
  const gets = [
    server.cpu && trans.__('%1 CPU', server.cpu),
    server.memory
  ].filter(Boolean);
  const address = addressOf(server);
  const moments: [string, string | null][] = [
    [
      trans.__('Runs since'),
      server.state === 'RUNNING' ? server.started_at : null
    ],
    [
      trans.__('Last busy'),
      server.state === 'RUNNING' ? server.active_at : null
    ],
    [trans.__('Stopped'), server.state === 'STOPPED' ? server.stopped_at : null]
  ];
  return (
    <dl className="jp-mlplat-Facts">
      <dt>{trans.__('Kind')}</dt>
      <dd>{server.kind ?? trans.__('Written by hand')}</dd>
      {server.image && (
        <>
          <dt>{trans.__('Image')}</dt>
          <dd>
            <Code>{server.image}</Code>
          </dd>
        </>
      )}
      <dt>{trans.__('GPU')}</dt>
      <dd>{gpu || trans.__('None')}</dd>
      {gets.length > 0 && (
        <>
          <dt>{trans.__('Gets')}</dt>
          <dd>{gets.join(' · ')}</dd>
        </>
      )}
      <dt>{trans.__('Cluster')}</dt>
      <dd>
        {server.place} / {server.profile}
        {server.node && ` / ${server.node}`}
      </dd>
      {moments.map(
        ([name, at]) =>
          at && (
            <React.Fragment key={name}>
              <dt>{name}</dt>
              <dd>
                <time dateTime={at} title={formatMoment(at, nowMs)}>
                  {formatAge(at, nowMs)}
                </time>
              </dd>
            </React.Fragment>
          )
      )}
      {server.restarts > 0 && (
        <>
          <dt>{trans.__('Restarts')}</dt>
          <dd>{server.restarts}</dd>
        </>
      )}
      {server.state === 'RUNNING' && (
        <>
          <dt>{trans.__('Reached')}</dt>
          <dd>
            {address !== null ? (
              <Code>{address}</Code>
            ) : (
              <>
                {trans.__('The settings name no address. In a terminal:')}{' '}
                <Code>{forwardCommand(server)}</Code>
              </>
            )}
          </dd>
        </>
      )}
    </dl>
  );
}

function Mounts(props: { mounts: readonly ServerMount[] }): JSX.Element | null {
  const trans = useTrans();
  return props.mounts.length === 0 ? null : (
    <Fold title={trans.__('Volumes')} count={props.mounts.length} isOpenAtFirst>
      <ul className="jp-mlplat-ServerMounts" aria-label={trans.__('Volumes')}>
        {props.mounts.map(mount => (
          <li key={mount.path}>
            <span className="jp-mlplat-ServerMounts-path">{mount.path}</span>
            <span className="jp-mlplat-ServerMounts-facts">
              {[
                mount.is_home ? trans.__('home') : mount.claim,
                mount.size,
                !mount.is_writable && trans.__('read only'),
                mount.phase === ''
                  ? trans.__('not there')
                  : mount.phase !== 'Bound' && mount.phase
              ]
                .filter(Boolean)
                .join(' · ')}
            </span>
          </li>
        ))}
      </ul>
    </Fold>
  );
}

function Events(props: {
  events: readonly ServerEvent[] | null;
  nowMs: number;
}): JSX.Element {
  const { events, nowMs } = props;
  const trans = useTrans();
  return (
    <Fold title={trans.__('Events')} count={events?.length} isOpenAtFirst>
      {events === null ? (
        <p className="jp-mlplat-Hint" aria-busy="true">
          {trans.__('Asking the cluster…')}
        </p>
      ) : events.length === 0 ? (
        <p className="jp-mlplat-Hint">
          {trans.__('None lately: clusters forget them after an hour.')}
        </p>
      ) : (
        <ol
          className="jp-mlplat-ServerEvents"
          aria-label={trans.__('Events, the newest first')}
        >
          {events.map((event, index) => (
            <li key={index} data-warning={event.is_warning}>
              <span className="jp-mlplat-ServerEvents-head">
                {event.is_warning && (
                  <warningIcon.react tag="span" title={trans.__('Warning')} />
                )}
                <span className="jp-mlplat-ServerEvents-reason">
                  {event.reason}
                </span>
                {event.count > 1 && <span>× {event.count}</span>}
                {event.at && (
                  <time dateTime={event.at}>{formatAge(event.at, nowMs)}</time>
                )}
              </span>
              <span className="jp-mlplat-ServerEvents-message">
                {event.message}
              </span>
            </li>
          ))}
        </ol>
      )}
    </Fold>
  );
}

/** What the server writes, followed as long as it is shown. */
function ServerLog(props: {
  server: PlacedServer;
  model: ServersModel;
}): JSX.Element | null {
  const { place, name } = props.server;
  const { client } = props.model.connection;
  const [log, setLog] = React.useState<ServerLogModel | null>(null);
  React.useEffect(() => {
    const made = new ServerLogModel(client, place, name);
    setLog(made);
    return () => made.dispose();
  }, [client, place, name]);
  return log && <LogView model={log} />;
}
