import type { LabIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

import { ApiError } from '../api/client';
import { chevronIcon, closeIcon, warningIcon } from '../icons';
import { useTrans } from './context';

/** A push button. `primary` is for the one thing a view is about. */
export function Button(props: {
  label: string;
  icon?: LabIcon;
  kind?: 'primary' | 'danger' | 'plain';
  title?: string;
  isDisabled?: boolean;
  isBusy?: boolean;
  testId?: string;
  /** One that sends the form it is in needs no `onClick`. */
  type?: 'button' | 'submit';
  onClick?: () => void;
}): JSX.Element {
  return (
    <button
      type={props.type ?? 'button'}
      className={`jp-mlplat-Button jp-mod-${props.kind ?? 'plain'}`}
      title={props.title}
      disabled={props.isDisabled || props.isBusy}
      aria-busy={props.isBusy}
      data-testid={props.testId}
      onClick={props.onClick}
    >
      {props.icon && (
        <props.icon.react tag="span" className="jp-mlplat-Button-icon" />
      )}
      <span className="jp-mlplat-Button-label">{props.label}</span>
    </button>
  );
}

/** A button that is only an icon; its label is read aloud and shown on hover. */
export function IconButton(props: {
  label: string;
  icon: LabIcon;
  isDisabled?: boolean;
  /** Take the focus of what this view replaces. */
  isFocusedAtFirst?: boolean;
  /** For a button that turns something on and off: whether it is on. */
  isPressed?: boolean;
  /** Whether the Tab key comes to it; in a list that arrow keys walk through, only in one row. */
  isStop?: boolean;
  onClick: () => void;
}): JSX.Element {
  const button = React.useRef<HTMLButtonElement>(null);
  const { isFocusedAtFirst } = props;
  // Before anything else can happen: a focus that came later would take it from where a user has gone.
  React.useLayoutEffect(() => {
    if (isFocusedAtFirst) {
      button.current?.focus({ preventScroll: true });
    }
  }, [isFocusedAtFirst]);
  return (
    <button
      ref={button}
      type="button"
      className="jp-mlplat-IconButton"
      aria-label={props.label}
      title={props.label}
      aria-pressed={props.isPressed}
      disabled={props.isDisabled}
      tabIndex={props.isStop === false ? -1 : undefined}
      onClick={props.onClick}
    >
      <props.icon.react tag="span" />
    </button>
  );
}

/** What a section shows before there is anything: what it is for, and how to begin. */
export function EmptyState(props: {
  icon: LabIcon;
  title: string;
  children?: React.ReactNode;
}): JSX.Element {
  return (
    <div className="jp-mlplat-Empty">
      <props.icon.react tag="span" className="jp-mlplat-Empty-icon" />
      <h3 className="jp-mlplat-Empty-title">{props.title}</h3>
      <div className="jp-mlplat-Empty-body">{props.children}</div>
    </div>
  );
}

/** What scrolls in a section. A stop of the Tab key only where nothing inside it is one. */
export function Scroll(props: { children: React.ReactNode }): JSX.Element {
  const node = React.useRef<HTMLDivElement>(null);
  const [isStop, setStop] = React.useState(false);
  React.useEffect(() => {
    const stops =
      'button:enabled, a[href], input, select, textarea, [tabindex]';
    setStop(node.current?.querySelector(stops) === null);
  }, [props.children]);
  return (
    <div
      ref={node}
      className="jp-mlplat-Section-scroll"
      tabIndex={isStop ? 0 : undefined}
    >
      {props.children}
    </div>
  );
}

/** One message about what went wrong, with the way out. */
export function ErrorNote(props: {
  error: unknown;
  action?: { label: string; onClick: () => void };
  onDismiss?: () => void;
}): JSX.Element {
  const trans = useTrans();
  return (
    <div className="jp-mlplat-Note jp-mod-error" role="alert">
      <warningIcon.react tag="span" className="jp-mlplat-Note-icon" />
      <div className="jp-mlplat-Note-body">
        <div className="jp-mlplat-Note-text">{messageOf(props.error)}</div>
        {props.action && (
          <Button label={props.action.label} onClick={props.action.onClick} />
        )}
      </div>
      {props.onDismiss && (
        <IconButton
          icon={closeIcon}
          label={trans.__('Dismiss')}
          onClick={props.onDismiss}
        />
      )}
    </div>
  );
}

/** A part of a section that folds away. */
export function Fold(props: {
  title: string;
  count?: number;
  tone?: 'error' | 'warning';
  isOpenAtFirst?: boolean;
  children: React.ReactNode;
}): JSX.Element {
  const [isOpen, setOpen] = React.useState(props.isOpenAtFirst ?? false);
  const id = React.useId();
  return (
    <section className="jp-mlplat-Fold" data-open={isOpen}>
      <h3 className="jp-mlplat-Fold-heading">
        <button
          type="button"
          className="jp-mlplat-Fold-toggle"
          aria-expanded={isOpen}
          aria-controls={id}
          onClick={() => setOpen(!isOpen)}
        >
          <chevronIcon.react tag="span" className="jp-mlplat-Fold-chevron" />
          <span className="jp-mlplat-Fold-title">{props.title}</span>
          {props.count !== undefined && (
            <span
              className="jp-mlplat-Count"
              data-tone={props.tone ?? 'neutral'}
            >
              {props.count}
            </span>
          )}
        </button>
      </h3>
      <div id={id} className="jp-mlplat-Fold-body" hidden={!isOpen}>
        {isOpen && props.children}
      </div>
    </section>
  );
}

/** Text of the engine, in which `names` stand between backticks. */
export function Prose(props: { text: string }): JSX.Element {
  const parts = props.text.split('`');
  // An odd backtick out is one of the text's own.
  return parts.length % 2 === 0 ? (
    <>{props.text}</>
  ) : (
    <>
      {parts.map((part, index) =>
        index % 2 === 1 ? <Code key={index}>{part}</Code> : part
      )}
    </>
  );
}

/** A piece of code: a variable's name, a cell's id. */
export function Code(props: { children: React.ReactNode }): JSX.Element {
  return <code className="jp-mlplat-Code">{props.children}</code>;
}

/** What to tell a person about an error. */
export function messageOf(error: unknown): string {
  if (error instanceof ApiError || error instanceof Error) {
    return error.message;
  }
  return String(error);
}
