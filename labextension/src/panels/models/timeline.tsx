import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { ModelChange } from '../../api/types';
import { Button } from '../../components/basics';
import { useTrans } from '../../components/context';
import { formatAge } from '../../components/format';
import {
  aliasIcon,
  editIcon,
  plusIcon,
  trashIcon,
  undoIcon
} from '../../icons';

/** Who changed what and when, newest first; the last move of an alias can be taken back. */
export function Timeline(props: {
  changes: readonly ModelChange[];
  nowMs: number;
  onUndo: () => void;
}): JSX.Element {
  const trans = useTrans();
  const [isWhole, setWhole] = React.useState(false);
  const last = props.changes.findIndex(({ kind }) => kind === 'alias');
  const shown = isWhole
    ? props.changes
    : props.changes.slice(0, SHOWN_AT_FIRST);
  if (props.changes.length === 0) {
    return (
      <p className="jp-mlplat-Hint">
        {trans.__('Nothing has been noted about this model yet.')}
      </p>
    );
  }
  return (
    <>
      <ol className="jp-mlplat-Timeline" data-testid="mlplat-history">
        {shown.map((change, index) => {
          const Icon = ICONS[change.kind];
          return (
            <li
              key={`${change.at}/${index}`}
              className="jp-mlplat-Timeline-item"
              data-kind={change.kind}
            >
              <span className="jp-mlplat-Timeline-icon" aria-hidden="true">
                <Icon.react tag="span" />
              </span>
              <span className="jp-mlplat-Timeline-text">
                <span className="jp-mlplat-Timeline-what">
                  {describe(trans, change)}
                </span>
                <span
                  className="jp-mlplat-Timeline-who"
                  title={new Date(change.at).toLocaleString()}
                >
                  {[change.by, formatAge(change.at, props.nowMs)]
                    .filter(Boolean)
                    .join(' · ')}
                </span>
              </span>
              {index === last && (
                <Button
                  icon={undoIcon}
                  label={trans.__('Undo')}
                  title={trans.__('Take back this move')}
                  testId="mlplat-undo-alias"
                  onClick={props.onUndo}
                />
              )}
            </li>
          );
        })}
      </ol>
      {shown.length < props.changes.length && (
        <button
          type="button"
          className="jp-mlplat-Link"
          onClick={() => setWhole(true)}
        >
          {trans.__('Show all %1', props.changes.length)}
        </button>
      )}
    </>
  );
}

/** One change in a sentence. */
export function describe(
  trans: TranslationBundle,
  change: ModelChange
): string {
  const { alias, from_version: from, to_version: to } = change;
  switch (change.kind) {
    case 'registered':
      return trans.__('Version %1 registered', to);
    case 'deleted':
      return trans.__('Version %1 deleted', from);
    case 'described':
      return trans.__('Description changed');
    case 'alias':
      return to === null
        ? trans.__('%1 removed from version %2', alias, from)
        : from === null
          ? trans.__('%1 set on version %2', alias, to)
          : trans.__('%1 moved from version %2 to %3', alias, from, to);
  }
}

const ICONS = {
  registered: plusIcon,
  alias: aliasIcon,
  deleted: trashIcon,
  described: editIcon
} as const;

/** The rest is shown when asked for. */
const SHOWN_AT_FIRST = 8;
