import * as React from 'react';

import type { LineageSubject } from '../../api/types';
import { EmptyState, ErrorNote } from '../../components/basics';
import { useNow, useTrans } from '../../components/context';
import { arrowsAmong } from '../../components/focus';
import { formatAge } from '../../components/format';
import { isFocusLost } from '../../components/walking';
import { lineageIcon, searchIcon } from '../../icons';
import type { ILineageActions } from './actions';
import { SubjectIcon } from './labels';
import type { LineageModel } from './model';

/** Finds what to start from: by name, or among what was open before. */
export function LineageSearch(props: {
  model: LineageModel;
  actions: ILineageActions;
}): JSX.Element {
  const { model, actions } = props;
  const trans = useTrans();
  const now = useNow(60_000);
  const isEmpty =
    model.found.length === 0 && !model.isLoading && model.error === null;
  const groups = groupsOf(model.found);
  const box = React.useRef<HTMLInputElement>(null);
  React.useEffect(() => {
    if (isFocusLost()) {
      box.current?.focus({ preventScroll: true });
    }
  }, []);
  const titles = {
    model: trans.__('Models'),
    run: trans.__('Runs'),
    artifact: trans.__('Values and files'),
    step: trans.__('Steps')
  };
  return (
    <>
      <div className="jp-mlplat-FilterBar" role="search">
        <div className="jp-mlplat-SearchBox">
          <searchIcon.react tag="span" className="jp-mlplat-SearchBox-icon" />
          <input
            ref={box}
            className="jp-mlplat-Input"
            type="search"
            aria-label={trans.__('Find a model, run, step or value')}
            placeholder={trans.__('Find a model, run, step or value')}
            value={model.text}
            data-testid="mlplat-lineage-search"
            onChange={event => model.setText(event.target.value)}
            onKeyDown={event => {
              if (event.key === 'ArrowDown') {
                event.preventDefault();
                event.currentTarget
                  .closest('.jp-mlplat-Section')
                  ?.querySelector<HTMLElement>('[data-subject]')
                  ?.focus();
              }
            }}
          />
        </div>
      </div>
      <div
        className="jp-mlplat-Section-scroll"
        tabIndex={isEmpty ? 0 : undefined}
        onKeyDown={arrowsAmong('[data-subject]')}
      >
        {model.error !== null && (
          <ErrorNote
            error={model.error}
            action={{ label: trans.__('Try again'), onClick: actions.connect }}
          />
        )}
        {model.text === '' && model.recent.length > 0 && (
          <Group title={trans.__('Recent')}>
            {model.recent.map(recent => (
              <li key={`${recent.notebook ?? ''}/${recent.subject}`}>
                <button
                  type="button"
                  className="jp-mlplat-Row jp-mlplat-Lineage-subject"
                  data-subject={recent.subject}
                  onClick={() => {
                    const { subject, notebook, direction } = recent;
                    actions.show({
                      subject,
                      ...(notebook ? { notebook } : {}),
                      ...(direction ? { direction } : {})
                    });
                  }}
                >
                  <span className="jp-mlplat-Kind">
                    <lineageIcon.react tag="span" />
                  </span>
                  <span className="jp-mlplat-Lineage-name">{recent.title}</span>
                </button>
              </li>
            ))}
          </Group>
        )}
        {groups.map(({ kind, found }) => (
          <Group key={kind} title={titles[kind]}>
            {found.map(subject => (
              <li key={subject.subject}>
                <button
                  type="button"
                  className="jp-mlplat-Row jp-mlplat-Lineage-subject"
                  data-subject={subject.subject}
                  onClick={() => actions.show({ subject: subject.subject })}
                >
                  <SubjectIcon subject={subject} />
                  <span className="jp-mlplat-Lineage-name">
                    {subject.name}
                    {subject.run_number !== null && (
                      <span className="jp-mlplat-Quiet">
                        {' '}
                        #{subject.run_number}
                      </span>
                    )}
                  </span>
                  <span className="jp-mlplat-Lineage-caption">
                    {subject.created_at && formatAge(subject.created_at, now)}
                  </span>
                </button>
              </li>
            ))}
          </Group>
        ))}
        {isEmpty && model.text !== '' && (
          <EmptyState
            icon={searchIcon}
            title={trans.__('Nothing is called so')}
          >
            <p>{trans.__('Search for a part of a name, or for an id.')}</p>
          </EmptyState>
        )}
        {isEmpty && model.text === '' && model.recent.length === 0 && (
          <EmptyState icon={lineageIcon} title={trans.__('No lineage yet')}>
            <p>
              {trans.__(
                'Run a notebook as a pipeline: every value it passes on, every model and file it logs then knows which step, code and data made it.'
              )}
            </p>
          </EmptyState>
        )}
      </div>
    </>
  );
}

function Group(props: {
  title: string;
  children: React.ReactNode;
}): JSX.Element {
  const id = React.useId();
  return (
    <section className="jp-mlplat-Lineage-group" aria-labelledby={id}>
      <h3 id={id} className="jp-mlplat-Heading">
        {props.title}
      </h3>
      <ul className="jp-mlplat-Lineage-subjects">{props.children}</ul>
    </section>
  );
}

type SubjectKind = LineageSubject['kind'];

function groupsOf(
  found: readonly LineageSubject[]
): { kind: SubjectKind; found: LineageSubject[] }[] {
  const kinds: SubjectKind[] = ['model', 'run', 'artifact', 'step'];
  return kinds
    .map(kind => ({ kind, found: found.filter(one => one.kind === kind) }))
    .filter(group => group.found.length > 0);
}
