import * as React from 'react';

import type { ClusterStatus, PlacedServer } from '../../api/types';
import {
  Button,
  Code,
  EmptyState,
  ErrorNote,
  IconButton,
  Scroll
} from '../../components/basics';
import { useNow, useTrans } from '../../components/context';
import { Windowed, useRowFocus } from '../../components/windowed';
import {
  jumpIcon,
  playIcon,
  plusIcon,
  serversIcon,
  wakeIcon
} from '../../icons';
import type { IServersActions } from './body';
import { countdownOf, gpuText, keyOf, lookName, lookOf, nextOf } from './facts';
import type { ServersModel } from './model';
import { ServerStateMark } from './state';

/** All servers; or how to get one, or a cluster for it. */
export function ServerList(props: {
  model: ServersModel;
  actions: IServersActions;

  /** The server that was open before: the focus comes back to it. */
  opened: string | null;
}): JSX.Element {
  const { model, actions } = props;
  const trans = useTrans();
  const { servers, clusters } = model;
  const silent = (clusters ?? []).filter(({ problem }) => problem !== '');
  const notes = (
    <>
      {model.error !== null && (
        <ErrorNote
          error={model.error}
          action={{ label: trans.__('Try again'), onClick: actions.connect }}
        />
      )}
      {silent.map(cluster => (
        <ErrorNote
          key={cluster.name}
          error={trans.__('Cluster %1: %2', cluster.name, cluster.problem)}
          action={{
            label: trans.__('Try again'),
            onClick: () => void model.load()
          }}
        />
      ))}
    </>
  );
  if (servers.length > 0) {
    return (
      <>
        {notes}
        <Rows {...props} clusters={clusters ?? []} />
      </>
    );
  }
  const isKnown = model.error === null && !model.isLoading && clusters !== null;
  return (
    <Scroll>
      {notes}
      {isKnown && clusters.length === 0 && <NoCluster />}
      {isKnown && clusters.length > silent.length && (
        <EmptyState icon={serversIcon} title={trans.__('No servers yet')}>
          <p>
            {trans.__(
              'A server is a JupyterLab of your own on the cluster, with its home, its limits and, where you choose so, its GPUs. It is stopped when nobody works on it, and wakes with everything in its home.'
            )}
          </p>
          <Button
            kind="primary"
            icon={plusIcon}
            label={trans.__('New server')}
            onClick={actions.create}
          />
        </EmptyState>
      )}
    </Scroll>
  );
}

/** What a cluster is good for, and how to name one: no error, there may never be one. */
function NoCluster(): JSX.Element {
  const trans = useTrans();
  return (
    <EmptyState icon={serversIcon} title={trans.__('No cluster is configured')}>
      <p>
        {trans.__(
          'When it is too small: a notebook server of your own on a Kubernetes cluster, with GPUs, started from here; and runs, train and tuning jobs that are sent there by a choice in their form.'
        )}
      </p>
      <div className="jp-mlplat-Servers-steps">
        <p>{trans.__("Name a cluster in the engine's config.toml:")}</p>
        <pre className="jp-mlplat-Servers-example">{EXAMPLE}</pre>
        <p>
          {trans.__('The engine reads it when it starts:')} <Code>{STOP}</Code>
        </p>
        <p>
          {trans.__('What the cluster still lacks:')} <Code>{CHECK}</Code>
        </p>
        <p>
          {trans.__('All of it is in')} <Code>{HOW_TO}</Code>
        </p>
      </div>
    </EmptyState>
  );
}

function Rows(props: {
  model: ServersModel;
  actions: IServersActions;
  clusters: readonly ClusterStatus[];
  opened: string | null;
}): JSX.Element {
  const { model, actions } = props;
  const { servers } = model;
  const trans = useTrans();
  const list = React.useRef<HTMLDivElement>(null);
  const now = useNow(15_000);
  const focus = useRowFocus(list, servers.length, ROW_HEIGHT, {
    opened: servers.findIndex(server => keyOf(server) === props.opened)
  });
  return (
    <Windowed
      ref={list}
      role="list"
      className="jp-mlplat-Section-scroll jp-mlplat-ServerList"
      count={servers.length}
      rowHeight={ROW_HEIGHT}
      label={trans.__('Servers')}
      entry={focus.entry}
      onKeyDown={event => {
        const next = focus.next(event.key);
        if (next !== null) {
          focus.goTo(next);
          event.preventDefault();
        }
      }}
      renderRow={index => (
        <ServerRow
          key={keyOf(servers[index])}
          server={servers[index]}
          index={index}
          isEntry={index === focus.entry}
          isPlaced={props.clusters.length > 1}
          isBusy={model.isBusy(servers[index])}
          nowMs={now}
          actions={actions}
          onFocus={() => focus.setEntry(index)}
        />
      )}
    />
  );
}

function ServerRow(props: {
  server: PlacedServer;
  index: number;
  isEntry: boolean;
  isPlaced: boolean;
  isBusy: boolean;
  nowMs: number;
  actions: IServersActions;
  onFocus: () => void;
}): JSX.Element {
  const { server, index } = props;
  const trans = useTrans();
  const key = keyOf(server);
  const countdown = countdownOf(trans, server, props.nowMs);
  const what = [
    props.isPlaced && server.place,
    server.kind ?? server.image,
    gpuText(trans, server)
  ].filter(Boolean);
  const why = countdown?.text ?? server.message;
  return (
    <div
      role="listitem"
      className="jp-mlplat-ServerRow"
      data-state={server.state}
    >
      <button
        type="button"
        className="jp-mlplat-Row jp-mlplat-ServerRow-button"
        data-server={key}
        data-index={index}
        tabIndex={props.isEntry ? 0 : -1}
        onFocus={props.onFocus}
        onClick={() => props.actions.open(key)}
      >
        <ServerStateMark server={server} />
        <span className="jp-mlplat-Row-text">
          <span className="jp-mlplat-Row-head">
            <span className="jp-mlplat-Row-name">{server.name}</span>
            <span className="jp-mlplat-Row-facts">
              {lookName(trans, lookOf(server))}
            </span>
          </span>
          <span className="jp-mlplat-Row-facts" title={server.image}>
            {what.join(' · ')}
          </span>
          <span
            className="jp-mlplat-Row-facts jp-mlplat-ServerRow-why"
            data-soon={countdown?.isSoon === true}
            title={why}
          >
            {why}
          </span>
        </span>
      </button>
      <NextButton {...props} />
    </div>
  );
}

/** What one does most often with a server as it is, without opening it here. */
function NextButton(props: {
  server: PlacedServer;
  isEntry: boolean;
  isBusy: boolean;
  actions: IServersActions;
}): JSX.Element | null {
  const { server, actions } = props;
  const trans = useTrans();
  const key = keyOf(server);
  switch (nextOf(server)) {
    case 'enter':
      return (
        <IconButton
          icon={jumpIcon}
          label={trans.__('Open %1 in a new tab', server.name)}
          isStop={props.isEntry}
          onClick={() => actions.enter(key)}
        />
      );
    case 'start':
      return (
        <IconButton
          icon={playIcon}
          label={trans.__('Start %1', server.name)}
          isStop={props.isEntry}
          isDisabled={props.isBusy}
          onClick={() => actions.start(key)}
        />
      );
    case 'wake':
      return (
        <IconButton
          icon={wakeIcon}
          label={trans.__('Wake %1', server.name)}
          isStop={props.isEntry}
          isDisabled={props.isBusy}
          onClick={() => actions.start(key)}
        />
      );
    default:
      return null;
  }
}

/** Three lines with their margins: see servers.css. */
const ROW_HEIGHT = 68;

const EXAMPLE = `[cluster.team]
context = "team"
image = "registry.example.org/python:3.12"
volume = "my-home"`;

const STOP = 'jupyter mlplat engine stop';
const CHECK = 'jupyter mlplat cluster check';
const HOW_TO = 'docs/how-to/servers.md';
