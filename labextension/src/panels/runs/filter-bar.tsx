import * as React from 'react';

import type { RunState } from '../../api/types';
import { Button, IconButton } from '../../components/basics';
import { useTrans } from '../../components/context';
import { stateLabel } from '../../components/state';
import {
  archiveIcon,
  chooseIcon,
  closeIcon,
  compareIcon,
  searchIcon,
  sortIcon,
  trashIcon
} from '../../icons';
import type { IRunsActions } from './body';
import type { RunsModel } from './model';
import { MOST_COMPARED, splitSearch, tagWord } from './query';
import type { RunSort } from './query';

/** Which runs are shown, in which order; or what to do with those that are chosen. */
export function FilterBar(props: {
  model: RunsModel;
  actions: IRunsActions;
}): JSX.Element {
  const { model, actions } = props;
  const { filter, facets } = model;
  const trans = useTrans();
  const id = React.useId();
  const experiments = facets?.experiments ?? [];
  const takeTags = (search: string) => {
    const { text, tags } = splitSearch(search);
    model.setFilter({ text, tags: { ...filter.tags, ...tags } });
  };
  return (
    <div className="jp-mlplat-FilterBar" role="search">
      <div className="jp-mlplat-FilterBar-row">
        <div className="jp-mlplat-SearchBox">
          <searchIcon.react tag="span" className="jp-mlplat-SearchBox-icon" />
          <input
            className="jp-mlplat-Input"
            type="search"
            aria-label={trans.__('Filter runs')}
            placeholder={trans.__('Filter runs')}
            title={trans.__(
              'Words of names, notes and tags; tag:key=value for runs with a tag'
            )}
            list={`${id}-tags`}
            value={filter.text}
            onChange={event => {
              const { value } = event.target;
              const { inputType } = event.nativeEvent as InputEvent;
              // One of the suggestions was taken, or a word is complete.
              if (
                /(^|\s)tag:\S+\s$/.test(value) ||
                (!inputType?.startsWith('insertText') &&
                  facetWords(facets).includes(value))
              ) {
                takeTags(value);
              } else {
                model.setFilter({ text: value });
              }
            }}
            onKeyDown={event => {
              if (event.key === 'Enter') {
                takeTags(filter.text);
              }
            }}
          />
          <datalist id={`${id}-tags`}>
            {facetWords(facets).map(word => (
              <option key={word} value={word} />
            ))}
          </datalist>
        </div>
        <select
          className="jp-mlplat-Select"
          aria-label={trans.__('State')}
          value={filter.archived ? ARCHIVED : (filter.state ?? '')}
          onChange={event => {
            const { value } = event.target;
            const archived = value === ARCHIVED;
            const state = archived
              ? null
              : ((value || null) as RunState | null);
            model.setFilter({ archived, state });
          }}
        >
          <option value="">{trans.__('Any state')}</option>
          {STATES.map(state => (
            <option key={state} value={state}>
              {stateLabel(trans, state)}
            </option>
          ))}
          <option value={ARCHIVED}>{trans.__('Archived')}</option>
        </select>
        {(experiments.length > 1 || filter.experiment !== null) && (
          <select
            className="jp-mlplat-Select"
            aria-label={trans.__('Experiment')}
            value={filter.experiment ?? ''}
            onChange={event =>
              model.setFilter({ experiment: event.target.value || null })
            }
          >
            <option value="">{trans.__('Any experiment')}</option>
            {experiments.map(name => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
          </select>
        )}
        {!model.isChoosing && (
          <div className="jp-mlplat-FilterBar-order">
            <Order model={model} />
            <IconButton
              icon={chooseIcon}
              label={trans.__('Choose runs to compare or delete')}
              onClick={() => actions.chooseRuns(true)}
            />
          </div>
        )}
      </div>
      <Tags model={model} />
      {model.isChoosing && <Choice model={model} actions={actions} />}
    </div>
  );
}

function Order(props: { model: RunsModel }): JSX.Element {
  const { model } = props;
  const { sort, isDescending } = model.filter;
  const trans = useTrans();
  const metrics = new Set(model.facets?.metrics ?? []);
  if (sort.startsWith('metric:')) {
    metrics.add(sort.slice('metric:'.length));
  }
  return (
    <>
      <select
        className="jp-mlplat-Select"
        aria-label={trans.__('Sort by')}
        value={sort}
        onChange={event => {
          const next = event.target.value as RunSort;
          model.setFilter({ sort: next, isDescending: next !== 'pipeline' });
        }}
      >
        <option value="newest">{trans.__('Newest')}</option>
        <option value="duration">{trans.__('Duration')}</option>
        <option value="pipeline">{trans.__('Name')}</option>
        {metrics.size > 0 && (
          <optgroup label={trans.__('Metric')}>
            {[...metrics].map(name => (
              <option key={name} value={`metric:${name}`}>
                {name}
              </option>
            ))}
          </optgroup>
        )}
      </select>
      <span
        className="jp-mlplat-FilterBar-direction"
        data-ascending={!isDescending}
      >
        <IconButton
          icon={sortIcon}
          label={
            isDescending
              ? trans.__('Largest first; turn round')
              : trans.__('Smallest first; turn round')
          }
          onClick={() => model.setFilter({ isDescending: !isDescending })}
        />
      </span>
    </>
  );
}

/** The tags asked for, each with a way to let it go. */
function Tags(props: { model: RunsModel }): JSX.Element | null {
  const { model } = props;
  const trans = useTrans();
  const tags = Object.entries(model.filter.tags);
  if (tags.length === 0) {
    return null;
  }
  return (
    <ul className="jp-mlplat-Tags" aria-label={trans.__('Tags asked for')}>
      {tags.map(([name, value]) => (
        <li key={name} className="jp-mlplat-Tag jp-mod-chip">
          <span>{tagWord(name, value).slice('tag:'.length)}</span>
          <IconButton
            icon={closeIcon}
            label={trans.__('No longer ask for %1', name)}
            onClick={() => {
              const rest = Object.fromEntries(
                tags.filter(tag => tag[0] !== name)
              );
              model.setFilter({ tags: rest });
            }}
          />
        </li>
      ))}
    </ul>
  );
}

function Choice(props: {
  model: RunsModel;
  actions: IRunsActions;
}): JSX.Element {
  const { model, actions } = props;
  const trans = useTrans();
  const chosen = [...model.chosen.keys()];
  const isArchived = model.filter.archived;
  const canCompare = chosen.length >= 2 && chosen.length <= MOST_COMPARED;
  return (
    <div
      className="jp-mlplat-FilterBar-row jp-mlplat-Choice"
      role="group"
      aria-label={trans.__('Chosen runs')}
    >
      <span className="jp-mlplat-Choice-count" aria-live="polite">
        {trans.__('%1 chosen', chosen.length)}
      </span>
      <Button
        icon={compareIcon}
        label={trans.__('Compare')}
        title={trans.__('Compare two to six runs side by side')}
        isDisabled={!canCompare}
        onClick={() => actions.compare(chosen)}
      />
      <IconButton
        icon={archiveIcon}
        label={
          isArchived
            ? trans.__('Take the chosen runs out of the archive')
            : trans.__('Archive the chosen runs')
        }
        isDisabled={chosen.length === 0}
        onClick={() => actions.archiveMany(chosen, !isArchived)}
      />
      <IconButton
        icon={trashIcon}
        label={trans.__('Delete the chosen runs')}
        isDisabled={chosen.length === 0}
        onClick={() => actions.deleteMany(chosen)}
      />
      <IconButton
        icon={closeIcon}
        label={trans.__('Stop choosing')}
        onClick={() => actions.chooseRuns(false)}
      />
    </div>
  );
}

function facetWords(facets: RunsModel['facets']): string[] {
  return Object.entries(facets?.tags ?? {}).flatMap(([name, values]) =>
    values.map(value => tagWord(name, value))
  );
}

/** Stands among the states: what is put away is looked at by itself. */
const ARCHIVED = 'archived';

const STATES: RunState[] = [
  'RUNNING',
  'PENDING',
  'PAUSED',
  'SUCCEEDED',
  'FAILED',
  'CANCELED'
];
