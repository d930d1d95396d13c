import type { LabIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

import { Button, ErrorNote } from './basics';
import { useTrans } from './context';

/** A form of a section: its fields, what went wrong, how to send it and how to leave it. */
export function Form(props: {
  label: string;
  testId: string;
  submit: {
    label: string;
    icon?: LabIcon;
    canSubmit: boolean;
    isBusy: boolean;
  };
  error: unknown;
  onSubmit: () => void;
  onCancel: () => void;
  children: React.ReactNode;
}): JSX.Element {
  const { submit } = props;
  const trans = useTrans();
  return (
    <form
      className="jp-mlplat-Form"
      aria-label={props.label}
      data-testid={props.testId}
      onSubmit={event => {
        event.preventDefault();
        if (submit.canSubmit) {
          props.onSubmit();
        }
      }}
      onKeyDown={event => {
        if (event.key === 'Escape') {
          props.onCancel();
        }
      }}
    >
      {props.children}
      {props.error !== null && <ErrorNote error={props.error} />}
      <div className="jp-mlplat-Form-actions">
        <Button
          kind="primary"
          type="submit"
          label={submit.label}
          icon={submit.icon}
          isDisabled={!submit.canSubmit}
          isBusy={submit.isBusy}
        />
        <Button label={trans.__('Cancel')} onClick={props.onCancel} />
      </div>
    </form>
  );
}
