import * as React from 'react';

import type { RegisteredModel } from '../../api/types';
import {
  Button,
  Code,
  EmptyState,
  ErrorNote,
  Scroll
} from '../../components/basics';
import { useNow, useTrans } from '../../components/context';
import { formatAge, formatNumber } from '../../components/format';
import { Windowed, useRowFocus } from '../../components/windowed';
import { modelsIcon, plusIcon, searchIcon } from '../../icons';
import { inOrder } from './aliases';
import type { IModelsActions } from './body';
import { lastChange } from './model';
import type { ModelSort, ModelsModel } from './model';

/** All models: only the rows in sight exist. */
export function ModelList(props: {
  model: ModelsModel;
  actions: IModelsActions;

  /** The model that was open before. */
  opened: string | null;
}): JSX.Element {
  const { model, actions } = props;
  const trans = useTrans();
  const { models } = model;
  return (
    <>
      {model.count > 0 && <FilterBar model={model} />}
      {model.error !== null && (
        <ErrorNote
          error={model.error}
          action={{ label: trans.__('Try again'), onClick: actions.connect }}
        />
      )}
      {model.count > 0 && models.length === 0 && (
        <EmptyState icon={searchIcon} title={trans.__('No model matches')}>
          <p>{trans.__('Change the text above.')}</p>
        </EmptyState>
      )}
      {model.count === 0 && model.error === null && !model.isLoading && (
        <Beginning model={model} actions={actions} />
      )}
      {models.length > 0 && (
        <Rows models={models} opened={props.opened} onOpen={actions.open} />
      )}
    </>
  );
}

function Rows(props: {
  models: readonly RegisteredModel[];
  opened: string | null;
  onOpen: (model: string) => void;
}): JSX.Element {
  const { models } = props;
  const trans = useTrans();
  const now = useNow(30_000);
  const list = React.useRef<HTMLDivElement>(null);
  const focus = useRowFocus(list, models.length, ROW_HEIGHT, {
    opened: models.findIndex(({ name }) => name === props.opened)
  });
  return (
    <Windowed
      ref={list}
      className="jp-mlplat-ModelList"
      role="list"
      label={trans.__('Models')}
      count={models.length}
      rowHeight={ROW_HEIGHT}
      entry={focus.entry}
      onKeyDown={event => {
        const next = focus.next(event.key);
        if (next !== null) {
          focus.goTo(next);
          event.preventDefault();
        }
      }}
      renderRow={index => (
        <ModelRow
          key={models[index].name}
          model={models[index]}
          nowMs={now}
          index={index}
          count={models.length}
          isEntry={index === focus.entry}
          onFocus={focus.setEntry}
          onOpen={props.onOpen}
        />
      )}
    />
  );
}

/** How to get a first model. */
function Beginning(props: {
  model: ModelsModel;
  actions: IModelsActions;
}): JSX.Element {
  const { actions } = props;
  const trans = useTrans();
  const { suggestion } = props.model;
  const logged = suggestion?.models[suggestion.models.length - 1];
  return (
    <Scroll>
      <EmptyState icon={modelsIcon} title={trans.__('No models yet')}>
        <p>
          {trans.__(
            'A registered model is a name for what runs log: it counts versions, and aliases such as champion say which one is in use.'
          )}
        </p>
        <ol className="jp-mlplat-Models-steps">
          <li>
            {trans.__('Log a model in a cell:')}
            <pre className="jp-mlplat-Models-snippet" tabIndex={0}>
              <code>{SNIPPET}</code>
            </pre>
          </li>
          <li>{trans.__('Run the notebook as a pipeline.')}</li>
          <li>{trans.__('Register what it logged, here.')}</li>
        </ol>
        {suggestion && logged && (
          <div className="jp-mlplat-Models-suggestion">
            <p>
              {trans.__('Run %1 logged ', suggestion.run.number)}
              <Code>{logged.name}</Code>
            </p>
            <Button
              kind="primary"
              icon={plusIcon}
              label={trans.__('Register it')}
              testId="mlplat-register-suggested"
              onClick={() =>
                actions.register({
                  run: suggestion.run.id,
                  logged_as: logged.name
                })
              }
            />
          </div>
        )}
      </EmptyState>
    </Scroll>
  );
}

const SNIPPET = `import jupyter_mlplat as mlplat

mlplat.log_metric("auc", auc)
mlplat.log_model(
    model, "churn",
    input_example=X.head(2)
)`;

function FilterBar(props: { model: ModelsModel }): JSX.Element {
  const { model } = props;
  const trans = useTrans();
  const sorts: [ModelSort, string][] = [
    ['changed', trans.__('Newest')],
    ['name', trans.__('Name')],
    ['versions', trans.__('Most versions')]
  ];
  return (
    <div className="jp-mlplat-FilterBar" role="search">
      <div className="jp-mlplat-SearchBox">
        <searchIcon.react tag="span" className="jp-mlplat-SearchBox-icon" />
        <input
          className="jp-mlplat-Input"
          type="search"
          aria-label={trans.__('Filter models')}
          placeholder={trans.__('Filter models')}
          value={model.filter.text}
          onChange={event => model.setFilter({ text: event.target.value })}
        />
      </div>
      <select
        className="jp-mlplat-Select"
        aria-label={trans.__('Sort by')}
        value={model.filter.sort}
        onChange={event =>
          model.setFilter({ sort: event.target.value as ModelSort })
        }
      >
        {sorts.map(([sort, label]) => (
          <option key={sort} value={sort}>
            {label}
          </option>
        ))}
      </select>
    </div>
  );
}

function ModelRow(props: {
  model: RegisteredModel;
  nowMs: number;
  index: number;
  count: number;
  isEntry: boolean;
  onFocus: (index: number) => void;
  onOpen: (model: string) => void;
}): JSX.Element {
  const { model, index } = props;
  const trans = useTrans();
  const aliases = inOrder(model.aliases);
  const { champion } = model.aliases;
  const shown =
    model.versions.find(({ version }) => version === champion) ??
    model.versions[model.versions.length - 1];
  return (
    <div
      role="listitem"
      aria-posinset={index + 1}
      aria-setsize={props.count}
      className="jp-mlplat-ModelRow"
      style={{ height: ROW_HEIGHT }}
    >
      <button
        type="button"
        className="jp-mlplat-Row jp-mlplat-ModelRow-button"
        data-model={model.name}
        data-index={index}
        tabIndex={props.isEntry ? 0 : -1}
        onFocus={() => props.onFocus(index)}
        title={model.description || undefined}
        onClick={() => props.onOpen(model.name)}
      >
        <modelsIcon.react tag="span" className="jp-mlplat-ModelRow-icon" />
        <span className="jp-mlplat-Row-text">
          <span className="jp-mlplat-Row-head">
            <span className="jp-mlplat-Row-name jp-mlplat-ModelRow-name">
              {model.name}
            </span>
            <span className="jp-mlplat-ModelRow-aliases">
              {aliases.slice(0, SHOWN_ALIASES).map(([alias, version]) => (
                <span key={alias} className="jp-mlplat-Alias">
                  {alias} <b>{version}</b>
                </span>
              ))}
              {aliases.length > SHOWN_ALIASES && (
                <span className="jp-mlplat-Alias">
                  +{aliases.length - SHOWN_ALIASES}
                </span>
              )}
            </span>
          </span>
          <span className="jp-mlplat-Row-foot">
            <span className="jp-mlplat-Row-facts">
              {[
                trans._n('%1 version', '%1 versions', model.versions.length),
                formatAge(lastChange(model), props.nowMs)
              ].join(' · ')}
            </span>
            <span className="jp-mlplat-Row-metrics">
              {Object.entries(shown?.metrics ?? {})
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
    </div>
  );
}

const ROW_HEIGHT = 52;

/** What fits into the width of a side panel. */
const SHOWN_ALIASES = 2;
const SHOWN_METRICS = 2;
