import * as React from 'react';

import type { ModelVersion, RegisteredModel } from '../../api/types';
import { useTrans } from '../../components/context';
import { formatAge, formatNumber } from '../../components/format';
import { Windowed } from '../../components/windowed';
import type { IModelsActions } from './body';
import { MenuButton } from './menu-button';
import type { ModelWatch } from './watch';

/** The versions of a model, newest first. However many there are, only those in sight exist. */
export function VersionList(props: {
  watch: ModelWatch;
  model: RegisteredModel;
  nowMs: number;
  actions: IModelsActions;
}): JSX.Element {
  const { watch, model } = props;
  const trans = useTrans();
  const versions = React.useMemo(
    () => [...model.versions].reverse(),
    [model.versions]
  );
  const compared = new Set(watch.compared.map(({ version }) => version));
  return (
    <section className="jp-mlplat-Versions">
      <h3 className="jp-mlplat-Heading">{trans.__('Versions')}</h3>
      {versions.length === 0 ? (
        <p className="jp-mlplat-Hint jp-mlplat-Wait">
          {trans.__('All its versions were deleted. Register another one.')}
        </p>
      ) : (
        <Windowed
          className="jp-mlplat-VersionList"
          role="list"
          label={trans.__('Versions of %1', model.name)}
          count={versions.length}
          rowHeight={ROW_HEIGHT}
          onKeyDown={moveFocus}
          renderRow={index => (
            <VersionRow
              key={versions[index].version}
              version={versions[index]}
              nowMs={props.nowMs}
              position={index + 1}
              count={versions.length}
              isShown={versions[index] === watch.version}
              isCompared={compared.has(versions[index].version)}
              onCompare={() => watch.toggleCompared(versions[index].version)}
              actions={props.actions}
            />
          )}
        />
      )}
    </section>
  );
}

function VersionRow(props: {
  version: ModelVersion;
  nowMs: number;
  position: number;
  count: number;
  isShown: boolean;
  isCompared: boolean;
  onCompare: () => void;
  actions: IModelsActions;
}): JSX.Element {
  const { version, actions } = props;
  const trans = useTrans();
  return (
    <div
      role="listitem"
      aria-posinset={props.position}
      aria-setsize={props.count}
      className="jp-mlplat-VersionRow"
      data-shown={props.isShown}
      style={{ height: ROW_HEIGHT }}
    >
      <input
        type="checkbox"
        className="jp-mlplat-VersionRow-check"
        aria-label={trans.__('Compare version %1', version.version)}
        title={trans.__('Compare its metrics')}
        checked={props.isCompared}
        onChange={props.onCompare}
      />
      <button
        type="button"
        className="jp-mlplat-Row jp-mlplat-VersionRow-button"
        aria-current={props.isShown ? 'true' : undefined}
        data-version={version.version}
        onClick={() => actions.open(version.model, version.version)}
      >
        <span className="jp-mlplat-Row-text">
          <span className="jp-mlplat-Row-head">
            <span className="jp-mlplat-Row-name jp-mlplat-VersionRow-number">
              {trans.__('Version %1', version.version)}
            </span>
            <span className="jp-mlplat-VersionRow-aliases">
              {version.aliases.map(alias => (
                <span key={alias} className="jp-mlplat-Alias">
                  {alias}
                </span>
              ))}
            </span>
            <span className="jp-mlplat-Row-facts jp-mlplat-VersionRow-age">
              {formatAge(version.created_at, props.nowMs)}
            </span>
          </span>
          <span className="jp-mlplat-Row-foot">
            <span className="jp-mlplat-Row-facts">{version.format}</span>
            <span className="jp-mlplat-Row-metrics">
              {Object.entries(version.metrics)
                .slice(0, SHOWN_METRICS)
                .map(([name, value]) => (
                  <span key={name} title={`${name} = ${value}`}>
                    {name} <b>{formatNumber(value)}</b>
                  </span>
                ))}
            </span>
          </span>
        </span>
      </button>
      <MenuButton
        label={trans.__('Actions for version %1', version.version)}
        onOpen={below =>
          actions.showVersionMenu(version.model, version.version, below)
        }
      />
    </div>
  );
}

/** Arrow keys go from version to version. */
function moveFocus(event: React.KeyboardEvent): void {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const list = event.currentTarget;
  const rows = [...list.querySelectorAll<HTMLElement>('[data-version]')];
  const index = rows.findIndex(row => row === document.activeElement);
  if (step !== undefined && index >= 0) {
    rows[index + step]?.focus();
    event.preventDefault();
  }
}

const ROW_HEIGHT = 48;

/** What fits into the width of a side panel. */
const SHOWN_METRICS = 3;
