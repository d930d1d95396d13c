import * as React from 'react';

/** A labelled line of a form, with its help or what is wrong with it below. */
export function Field(props: {
  label: string;
  help?: string;
  problem?: string | null;
  render: (attributes: {
    id: string;
    'aria-invalid': boolean;
    'aria-describedby': string | undefined;
  }) => React.ReactNode;
}): JSX.Element {
  const id = React.useId();
  const note = props.problem ?? props.help;
  return (
    <div className="jp-mlplat-Field" data-invalid={!!props.problem}>
      <label className="jp-mlplat-Field-label" htmlFor={id}>
        {props.label}
      </label>
      {props.render({
        id,
        'aria-invalid': !!props.problem,
        'aria-describedby': note ? `${id}-note` : undefined
      })}
      {note && (
        <div
          id={`${id}-note`}
          className="jp-mlplat-Field-note"
          role={props.problem ? 'alert' : undefined}
        >
          {note}
        </div>
      )}
    </div>
  );
}
