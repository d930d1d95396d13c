import * as React from 'react';

import type { Run } from '../../api/types';
import { Button, IconButton } from '../../components/basics';
import { useTrans } from '../../components/context';
import {
  cloneIcon,
  closeIcon,
  linkIcon,
  editIcon,
  aliasIcon
} from '../../icons';
import type { IRunDetailActions } from './detail-actions';
import { readTag } from './query';

/** What people say of a run, changed where it is read; and what can be made of it. */
export function RunNotes(props: {
  run: Run;
  actions: Pick<IRunDetailActions, 'update' | 'clone' | 'copyLink'>;
}): JSX.Element {
  const { run, actions } = props;
  const trans = useTrans();
  const [isWriting, setWriting] = React.useState(false);
  const [isTagging, setTagging] = React.useState(false);
  const tags = Object.entries(run.tags);
  return (
    <section className="jp-mlplat-Notes" aria-label={trans.__('Note and tags')}>
      {run.notes.map(note => (
        <p key={note} className="jp-mlplat-Hint">
          {note}
        </p>
      ))}
      {(tags.length > 0 || isTagging) && (
        <ul className="jp-mlplat-Tags" aria-label={trans.__('Tags')}>
          {tags.map(([name, value]) => (
            <li key={name} className="jp-mlplat-Tag jp-mod-chip">
              <span>{value ? `${name}=${value}` : name}</span>
              <IconButton
                icon={closeIcon}
                label={trans.__('Take the tag %1 away', name)}
                onClick={() =>
                  actions.update(run.id, { tags: { [name]: null } })
                }
              />
            </li>
          ))}
          {isTagging && (
            <li>
              <TagField
                onDone={tag => {
                  setTagging(false);
                  if (tag) {
                    actions.update(run.id, { tags: { [tag[0]]: tag[1] } });
                  }
                }}
              />
            </li>
          )}
        </ul>
      )}
      {isWriting ? (
        <NoteField
          note={run.note}
          onDone={note => {
            setWriting(false);
            if (note !== null && note !== run.note) {
              actions.update(run.id, { note });
            }
          }}
        />
      ) : (
        run.note && (
          <button
            type="button"
            className="jp-mlplat-Note-shown"
            title={trans.__('Change the note')}
            onClick={() => setWriting(true)}
          >
            {run.note}
          </button>
        )
      )}
      <div className="jp-mlplat-Notes-actions">
        {!run.note && !isWriting && (
          <IconButton
            icon={editIcon}
            label={trans.__('Write a note')}
            onClick={() => setWriting(true)}
          />
        )}
        <IconButton
          icon={aliasIcon}
          label={trans.__('Add a tag')}
          onClick={() => setTagging(true)}
        />
        <IconButton
          icon={linkIcon}
          label={trans.__('Copy a link to this run')}
          onClick={() => actions.copyLink(run.id)}
        />
        <IconButton
          icon={cloneIcon}
          label={trans.__('Run this code again with changes')}
          onClick={() => actions.clone(run.id)}
        />
      </div>
    </section>
  );
}

/** A tag being typed; done with null when there is none. */
function TagField(props: {
  onDone: (tag: [string, string] | null) => void;
}): JSX.Element {
  const trans = useTrans();
  const [text, setText] = React.useState('');
  const tag = readTag(text);
  const isWrong = text.trim() !== '' && tag === null;
  return (
    <input
      className="jp-mlplat-Input jp-mlplat-TagField"
      autoFocus
      aria-label={trans.__('Tag, as name or name=value')}
      aria-invalid={isWrong}
      title={isWrong ? trans.__('A name has no spaces in it.') : undefined}
      placeholder={trans.__('name=value')}
      maxLength={300}
      value={text}
      onChange={event => setText(event.target.value)}
      onBlur={() => props.onDone(tag)}
      onKeyDown={event => {
        if (event.key === 'Enter' && !isWrong) {
          props.onDone(tag);
        } else if (event.key === 'Escape') {
          event.stopPropagation();
          props.onDone(null);
        }
      }}
    />
  );
}

function NoteField(props: {
  note: string;
  onDone: (note: string | null) => void;
}): JSX.Element {
  const trans = useTrans();
  const [text, setText] = React.useState(props.note);
  return (
    <div className="jp-mlplat-NoteField">
      <textarea
        className="jp-mlplat-Input"
        autoFocus
        rows={3}
        maxLength={2000}
        aria-label={trans.__('Note')}
        value={text}
        onChange={event => setText(event.target.value)}
        onKeyDown={event => {
          if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
            props.onDone(text.trim());
          } else if (event.key === 'Escape') {
            event.stopPropagation();
            props.onDone(null);
          }
        }}
      />
      <div className="jp-mlplat-Form-actions">
        <Button
          kind="primary"
          label={trans.__('Save note')}
          onClick={() => props.onDone(text.trim())}
        />
        <Button
          label={trans.__('Discard')}
          onClick={() => props.onDone(null)}
        />
      </div>
    </div>
  );
}
