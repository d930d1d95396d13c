import * as React from 'react';

import type { RegisteredModel } from '../../api/types';
import { Button, ErrorNote, Fold } from '../../components/basics';
import { useNow, useTrans } from '../../components/context';
import { Header, Opened } from '../../components/header';
import { deployIcon, editIcon, plusIcon } from '../../icons';
import { inOrder } from './aliases';
import type { IModelsActions } from './body';
import { Comparison } from './comparison';
import { MenuButton } from './menu-button';
import { Timeline } from './timeline';
import { VersionCard } from './version-card';
import { VersionList } from './versions';
import type { ModelWatch } from './watch';

/** One model: what is said of it, its aliases, its versions, and what has happened to it. */
export function ModelDetail(props: {
  watch: ModelWatch;
  actions: IModelsActions;
}): JSX.Element {
  const { watch, actions } = props;
  const trans = useTrans();
  const now = useNow(30_000);
  const { model, version } = watch;
  const back = () => actions.open(null);
  return (
    <Opened onBack={back}>
      <Header
        title={watch.name}
        hint={watch.name}
        facts={
          model && trans._n('%1 version', '%1 versions', model.versions.length)
        }
        back={{ label: trans.__('Back to all models'), onClick: back }}
      >
        {model && (
          <>
            <MenuButton
              label={trans.__('More actions for %1', model.name)}
              onOpen={below => actions.showModelMenu(model.name, below)}
            />
            {version && (
              <Button
                kind="primary"
                icon={deployIcon}
                label={trans.__('Deploy')}
                title={trans.__('Serve version %1', version.version)}
                onClick={() => actions.deploy(model.name, version.version)}
              />
            )}
          </>
        )}
      </Header>
      <div className="jp-mlplat-Section-scroll" data-testid="mlplat-model">
        {watch.error !== null && <ErrorNote error={watch.error} />}
        {model === null && watch.error === null && (
          <p className="jp-mlplat-Hint jp-mlplat-Wait">
            {trans.__('Reading the model…')}
          </p>
        )}
        {model && (
          <>
            <Description
              key={model.name}
              model={model}
              onSave={text => actions.describe(model.name, text)}
            />
            <Aliases watch={watch} model={model} actions={actions} />
            <VersionList
              watch={watch}
              model={model}
              nowMs={now}
              actions={actions}
            />
            <Comparison watch={watch} />
            {version && (
              <VersionCard
                key={version.version}
                watch={watch}
                version={version}
                nowMs={now}
                actions={actions}
              />
            )}
            <Fold
              title={trans.__('History')}
              count={watch.history?.length}
              isOpenAtFirst
            >
              <Timeline
                changes={watch.history ?? []}
                nowMs={now}
                onUndo={() => actions.undoAlias(model.name)}
              />
            </Fold>
          </>
        )}
      </div>
    </Opened>
  );
}

/** What is said of a model: text, and a form where one presses on it. */
function Description(props: {
  model: RegisteredModel;
  onSave: (text: string) => void;
}): JSX.Element {
  const trans = useTrans();
  const { description } = props.model;
  const [draft, setDraft] = React.useState<string | null>(null);
  const area = React.useRef<HTMLTextAreaElement>(null);
  const toggle = React.useRef<HTMLButtonElement>(null);
  const isEditing = draft !== null;
  const wasEditing = React.useRef(false);
  React.useEffect(() => {
    if (isEditing) {
      area.current?.focus();
    } else if (wasEditing.current) {
      toggle.current?.focus();
    }
    wasEditing.current = isEditing;
  }, [isEditing]);
  const save = () => {
    if (draft !== null && draft.trim() !== description) {
      props.onSave(draft.trim());
    }
    setDraft(null);
  };
  if (draft === null) {
    return (
      <div className="jp-mlplat-Description">
        <button
          ref={toggle}
          type="button"
          className="jp-mlplat-Description-text"
          data-empty={description === ''}
          title={trans.__('Edit the description')}
          onClick={() => setDraft(description)}
        >
          <span>{description || trans.__('Say what this model is for…')}</span>
          <editIcon.react tag="span" className="jp-mlplat-Description-icon" />
        </button>
      </div>
    );
  }
  return (
    <form
      className="jp-mlplat-Description"
      onSubmit={event => {
        event.preventDefault();
        save();
      }}
    >
      <textarea
        ref={area}
        className="jp-mlplat-Input jp-mlplat-TextArea"
        aria-label={trans.__('Description of the model')}
        rows={4}
        maxLength={20_000}
        value={draft}
        onChange={event => setDraft(event.target.value)}
        onKeyDown={event => {
          if (event.key === 'Escape') {
            event.preventDefault();
            setDraft(null);
          } else if (
            event.key === 'Enter' &&
            (event.ctrlKey || event.metaKey)
          ) {
            event.preventDefault();
            save();
          }
        }}
      />
      <div className="jp-mlplat-Form-actions">
        <Button kind="primary" label={trans.__('Save')} onClick={save} />
        <Button label={trans.__('Cancel')} onClick={() => setDraft(null)} />
      </div>
    </form>
  );
}

/** Where each alias points; pressed, it moves or goes. */
function Aliases(props: {
  watch: ModelWatch;
  model: RegisteredModel;
  actions: IModelsActions;
}): JSX.Element {
  const { model, actions, watch } = props;
  const trans = useTrans();
  const version = watch.version?.version;
  return (
    <div
      className="jp-mlplat-Aliases"
      role="group"
      aria-label={trans.__('Aliases')}
    >
      {inOrder(model.aliases).map(([alias, at]) => (
        <button
          key={alias}
          type="button"
          className="jp-mlplat-Alias"
          aria-haspopup="menu"
          title={trans.__('%1 is version %2. Move or remove it', alias, at)}
          data-alias={alias}
          onClick={event =>
            actions.showAliasMenu(model.name, alias, event.currentTarget)
          }
        >
          {alias} <b>{at}</b>
        </button>
      ))}
      {version !== undefined && (
        <button
          type="button"
          className="jp-mlplat-Alias jp-mod-new"
          title={trans.__('Give version %1 an alias', version)}
          onClick={() => actions.setAlias(model.name, null, version)}
        >
          <plusIcon.react tag="span" />
          {trans.__('Alias')}
        </button>
      )}
    </div>
  );
}
