import { UseSignal } from '@jupyterlab/ui-components';
import * as React from 'react';

import type { Endpoint } from '../../api/types';
import {
  Button,
  EmptyState,
  ErrorNote,
  IconButton,
  Scroll
} from '../../components/basics';
import { useTrans } from '../../components/context';
import { arrowsAmong } from '../../components/focus';
import { isFocusLost } from '../../components/walking';
import { copyIcon, deployIcon, endpointsIcon } from '../../icons';
import type { IEndpointsActions } from './body';
import { StatsLine } from './figures';
import type { EndpointsModel } from './model';
import { ServingStateMark, servingLabel } from './state';
import type { StatsModel } from './stats';

/** All endpoints, or how to get one. */
export function EndpointList(props: {
  model: EndpointsModel;
  actions: IEndpointsActions;

  /** The endpoint that was open before: the focus comes back to it. */
  opened: string | null;
}): JSX.Element {
  const { model, actions } = props;
  const trans = useTrans();
  const list = React.useRef<HTMLUListElement>(null);
  const opened = React.useRef(props.opened);
  React.useEffect(() => {
    if (opened.current !== null && isFocusLost()) {
      const name = CSS.escape(opened.current);
      list.current
        ?.querySelector<HTMLElement>(`[data-endpoint="${name}"]`)
        ?.focus();
    }
  }, []);
  return (
    <Scroll>
      {model.error !== null && (
        <ErrorNote
          error={model.error}
          action={{ label: trans.__('Try again'), onClick: actions.connect }}
        />
      )}
      {model.endpoints.length === 0 &&
        model.error === null &&
        !model.isLoading && (
          <EmptyState icon={endpointsIcon} title={trans.__('No endpoints yet')}>
            <p>
              {trans.__(
                'An endpoint serves a registered model at a URL on this machine: other programs send it rows and get predictions. Deploy a second version beside the first and move traffic over bit by bit.'
              )}
            </p>
            <Button
              kind="primary"
              icon={deployIcon}
              label={trans.__('Deploy a model')}
              onClick={() => actions.deploy({})}
            />
          </EmptyState>
        )}
      {model.endpoints.length > 0 && (
        <ul
          ref={list}
          className="jp-mlplat-EndpointList"
          aria-label={trans.__('Endpoints')}
          onKeyDown={arrowsAmong('[data-endpoint]')}
        >
          {model.endpoints.map(endpoint => (
            <EndpointRow
              key={endpoint.name}
              endpoint={endpoint}
              stats={model.stats}
              actions={actions}
            />
          ))}
        </ul>
      )}
    </Scroll>
  );
}

function EndpointRow(props: {
  endpoint: Endpoint;
  stats: StatsModel;
  actions: IEndpointsActions;
}): JSX.Element {
  const { endpoint, actions } = props;
  const trans = useTrans();
  return (
    <li className="jp-mlplat-EndpointRow">
      <button
        type="button"
        className="jp-mlplat-Row jp-mlplat-EndpointRow-button"
        data-endpoint={endpoint.name}
        data-state={endpoint.state}
        onClick={() => actions.open(endpoint.name)}
      >
        <ServingStateMark state={endpoint.state} />
        <span className="jp-mlplat-Row-text">
          <span className="jp-mlplat-Row-head">
            <span className="jp-mlplat-Row-name">{endpoint.name}</span>
            <span className="jp-mlplat-Row-facts">
              {servingLabel(trans, endpoint.state)}
            </span>
          </span>
          <span className="jp-mlplat-Row-foot">
            <span className="jp-mlplat-Row-facts">{splitText(endpoint)}</span>
            <UseSignal signal={props.stats.changed}>
              {() => <StatsLine stats={props.stats.of(endpoint.name)} />}
            </UseSignal>
          </span>
        </span>
      </button>
      <div className="jp-mlplat-EndpointRow-url">
        <code title={endpoint.url}>{endpoint.url}</code>
        <IconButton
          icon={copyIcon}
          label={trans.__('Copy the URL of %1', endpoint.name)}
          onClick={() => actions.copyUrl(endpoint.name)}
        />
      </div>
    </li>
  );
}

/** Who serves how much: `tumour/2 90 % · tumour/3 10 %`. */
export function splitText(endpoint: Endpoint): string {
  const parts = endpoint.traffic
    .filter(part => part.percent > 0)
    .map(part => {
      const found = endpoint.revisions.find(
        ({ number }) => number === part.revision
      );
      return `${found ? `${found.model}/${found.version}` : `#${part.revision}`} ${part.percent} %`;
    });
  const last = endpoint.revisions[endpoint.revisions.length - 1];
  return parts.length > 0
    ? parts.join(' · ')
    : last
      ? `${last.model}/${last.version}`
      : '';
}
