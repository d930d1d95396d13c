import { UseSignal } from '@jupyterlab/ui-components';
import * as React from 'react';

import type { Endpoint, Revision, Traffic } from '../../api/types';
import { Button, Fold } from '../../components/basics';
import { useNow, useTrans } from '../../components/context';
import { formatAge } from '../../components/format';
import { LogView } from '../runs/log';
import type { IEndpointsActions } from './body';
import { RevisionFigures } from './figures';
import { EndpointLogModel } from './log-model';
import { isSame, move, percentOf, splitOf, trafficOf } from './split';
import type { ISplitDraft, Split } from './split';
import { ServingStateMark, servingLabel } from './state';
import type { StatsModel } from './stats';
import type { EndpointWatch } from './watch';

/** The revisions of an endpoint: how each does, and the share of the traffic that it gets. */
export function Revisions(props: {
  endpoint: Endpoint;
  watch: EndpointWatch;
  stats: StatsModel;
  actions: IEndpointsActions;
}): JSX.Element {
  const { endpoint, watch, actions } = props;
  const trans = useTrans();
  const now = useNow(10_000);
  const inForce = splitOf(endpoint);
  const [draft, setDraft] = useDraft(inForce);
  const isChanged = !isSame(draft.split, inForce);
  const canMove = endpoint.state !== 'STOPPED' && !watch.isBusy;
  const newest = endpoint.revisions[endpoint.revisions.length - 1]?.number;
  const isShown = ({ number, state }: Revision) =>
    number === newest ||
    state === 'LOADING' ||
    (inForce.get(number) ?? 0) > 0 ||
    (draft.split.get(number) ?? 0) > 0;
  const sorted = [...endpoint.revisions].reverse();
  const earlier = sorted.filter(revision => !isShown(revision));

  const card = (revision: Revision) => (
    <RevisionCard
      key={revision.number}
      endpoint={endpoint}
      revision={revision}
      percent={draft.split.get(revision.number) ?? 0}
      canMove={canMove}
      nowMs={now}
      stats={props.stats}
      watch={watch}
      openLog={watch.shownLog}
      onMove={percent => setDraft(move(draft, revision.number, percent))}
      onShowLog={isOpen =>
        actions.showLog(endpoint.name, isOpen ? revision.number : null)
      }
    />
  );
  return (
    <section
      className="jp-mlplat-Revisions"
      aria-label={trans.__('Revisions and traffic')}
    >
      <h3 className="jp-mlplat-Heading">{trans.__('Revisions and traffic')}</h3>
      <ul className="jp-mlplat-Revisions-list">
        {sorted.filter(isShown).map(card)}
      </ul>
      <TrafficBar
        isChanged={isChanged}
        isBusy={watch.isBusy}
        undoable={isChanged ? null : watch.undoable}
        onApply={() =>
          actions.setTraffic(endpoint.name, trafficOf(draft.split))
        }
        onReset={() => setDraft({ split: inForce, moved: null })}
        onUndo={() => actions.undoTraffic(endpoint.name)}
      />
      {earlier.length > 0 && (
        <Fold title={trans.__('Earlier revisions')} count={earlier.length}>
          <ul className="jp-mlplat-Revisions-list">{earlier.map(card)}</ul>
        </Fold>
      )}
    </section>
  );
}

/** A split being changed; it begins anew when another is in force. */
function useDraft(inForce: Split): [ISplitDraft, (draft: ISplitDraft) => void] {
  const fresh: ISplitDraft = { split: inForce, moved: null };
  const [draft, setDraft] = React.useState(fresh);
  const key = JSON.stringify([...inForce]);
  const [keyOfDraft, setKey] = React.useState(key);
  if (key !== keyOfDraft) {
    setKey(key);
    setDraft(fresh);
    return [fresh, setDraft];
  }
  return [draft, setDraft];
}

/** What can be done about a split: apply it, give it up, undo the last one. */
function TrafficBar(props: {
  isChanged: boolean;
  isBusy: boolean;
  undoable: readonly Traffic[] | null;
  onApply: () => void;
  onReset: () => void;
  onUndo: () => void;
}): JSX.Element {
  const trans = useTrans();
  return (
    <div className="jp-mlplat-TrafficBar" role="status">
      {props.isBusy ? (
        <span className="jp-mlplat-Quiet">{trans.__('Working…')}</span>
      ) : props.isChanged ? (
        <>
          <Button
            kind="primary"
            label={trans.__('Apply')}
            title={trans.__(
              'Move the traffic; revisions that do not run are started first'
            )}
            testId="mlplat-apply-traffic"
            onClick={props.onApply}
          />
          <Button label={trans.__('Reset')} onClick={props.onReset} />
          <span className="jp-mlplat-Quiet">{trans.__('Not applied yet')}</span>
        </>
      ) : (
        props.undoable !== null && (
          <>
            <span className="jp-mlplat-Quiet">
              {trans.__('Traffic moved.')}
            </span>
            <Button
              label={trans.__('Undo')}
              title={props.undoable
                .map(part => `#${part.revision} ${part.percent} %`)
                .join(' · ')}
              testId="mlplat-undo-traffic"
              onClick={props.onUndo}
            />
          </>
        )
      )}
    </div>
  );
}

function RevisionCard(props: {
  endpoint: Endpoint;
  revision: Revision;
  percent: number;
  canMove: boolean;
  nowMs: number;
  stats: StatsModel;
  watch: EndpointWatch;
  openLog: number | null;
  onMove: (percent: number) => void;
  onShowLog: (isOpen: boolean) => void;
}): JSX.Element {
  const { endpoint, revision, percent } = props;
  const trans = useTrans();
  const name = trans.__('Revision %1', revision.number);
  const isLogOpen = props.openLog === revision.number;
  const facts = [
    servingLabel(trans, revision.state),
    formatAge(revision.created_at, props.nowMs),
    ...(revision.restarts > 0
      ? [trans._n('%1 restart', '%1 restarts', revision.restarts)]
      : [])
  ];
  return (
    <li
      className="jp-mlplat-Revision"
      data-revision={revision.number}
      aria-label={name}
    >
      <div className="jp-mlplat-Revision-head">
        <ServingStateMark state={revision.state} />
        <span className="jp-mlplat-Revision-name">
          {revision.model}/{revision.version}
        </span>
        <span className="jp-mlplat-Revision-number">#{revision.number}</span>
        <button
          type="button"
          className="jp-mlplat-Link jp-mlplat-Revision-log"
          aria-expanded={isLogOpen}
          onClick={() => props.onShowLog(!isLogOpen)}
        >
          {isLogOpen ? trans.__('Hide log') : trans.__('Log')}
        </button>
      </div>
      <div className="jp-mlplat-Revision-facts">{facts.join(' · ')}</div>
      {revision.message !== '' && (
        <p className="jp-mlplat-Revision-message">{revision.message}</p>
      )}
      {endpoint.revisions.length > 1 && (
        <div className="jp-mlplat-Share">
          <input
            className="jp-mlplat-Slider"
            type="range"
            min={0}
            max={100}
            value={percent}
            disabled={!props.canMove}
            aria-label={trans.__('Traffic of %1', name)}
            aria-valuetext={trans.__('%1 percent', percent)}
            onChange={event => props.onMove(Number(event.target.value))}
          />
          <input
            className="jp-mlplat-Input jp-mlplat-Share-number"
            type="number"
            min={0}
            max={100}
            value={percent}
            disabled={!props.canMove}
            aria-label={trans.__('Percent for %1', name)}
            onChange={event => props.onMove(percentOf(event.target.value))}
          />
          <span aria-hidden="true">%</span>
        </div>
      )}
      <UseSignal signal={props.stats.changed}>
        {() => {
          const found = props.stats
            .of(endpoint.name)
            ?.revisions.find(stats => stats.revision === revision.number);
          return found ? <RevisionFigures stats={found} /> : null;
        }}
      </UseSignal>
      {isLogOpen && (
        <EndpointLog
          watch={props.watch}
          endpoint={endpoint.name}
          revision={revision.number}
        />
      )}
    </li>
  );
}

/** What a server of an endpoint wrote, followed as long as it is shown. */
export function EndpointLog(props: {
  watch: EndpointWatch;
  endpoint: string;
  revision: number | null;
}): JSX.Element | null {
  const { watch, endpoint, revision } = props;
  const { client } = watch.connection;
  const [model, setModel] = React.useState<EndpointLogModel | null>(null);
  React.useEffect(() => {
    const log = new EndpointLogModel(client, endpoint, revision);
    setModel(log);
    return () => log.dispose();
  }, [client, endpoint, revision]);
  return model && <LogView model={model} />;
}
