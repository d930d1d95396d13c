import { FormComponent } from '@jupyterlab/ui-components';
import type { ReadonlyJSONObject } from '@lumino/coreutils';
import type {
  FieldTemplateProps,
  RJSFSchema,
  RJSFValidationError,
  UiSchema
} from '@rjsf/utils';
import { customizeValidator } from '@rjsf/validator-ajv8';
import * as React from 'react';

import { NamesField, PairsField } from './list-fields';

/** A form made from a JSON schema by JupyterLab's own component; what is wrong stands below its field. */
export default function SchemaForm(props: {
  schema: ReadonlyJSONObject;
  ui: UiSchema<ReadonlyJSONObject>;
  idPrefix: string;
  data: ReadonlyJSONObject;

  /** What to say instead of the validator's words; null keeps them. */
  explain: (property: string, error: RJSFValidationError) => string | null;

  /** What else is wrong, by property. */
  problems: Readonly<Record<string, string>>;

  /** What stands beside the label of a property. */
  beside?: (property: string) => React.ReactNode;
  onChange: (data: ReadonlyJSONObject, isValid: boolean) => void;
}): JSX.Element {
  const { explain, problems, beside } = props;
  return (
    <FormComponent
      tagName="div"
      className="jp-mlplat-SchemaForm"
      compact
      schema={props.schema as RJSFSchema}
      uiSchema={props.ui}
      idPrefix={props.idPrefix}
      formData={props.data}
      validator={VALIDATOR}
      liveValidate
      showErrorList={false}
      noHtml5Validate
      templates={TEMPLATES}
      fields={FIELDS}
      formContext={{ beside }}
      transformErrors={errors =>
        errors.map(error => {
          const property = /^\.?([^.[]*)/.exec(error.property ?? '')?.[1] ?? '';
          return {
            ...error,
            message: explain(property, error) ?? error.message
          };
        })
      }
      customValidate={(_, errors) => {
        for (const [property, problem] of Object.entries(problems)) {
          errors[property]?.addError(problem);
        }
        return errors;
      }}
      onChange={event => {
        const data = (event.formData ?? {}) as ReadonlyJSONObject;
        props.onChange(data, event.errors.length === 0);
      }}
    />
  );
}

interface IFormContext {
  beside?: (property: string) => React.ReactNode;
}

/** A field with a label of its own, which Jupyter's template does not tie to it. */
function FieldTemplate(props: FieldTemplateProps): JSX.Element {
  const { id, label, schema, rawErrors = [], children } = props;
  const { beside } = props.formContext as IFormContext;
  if (schema.type === 'object' && id.split('_').length === 1) {
    return <>{children}</>;
  }
  const isGroup = schema.type === 'object' || schema.type === 'array';
  return (
    <div
      className="jp-mlplat-Field"
      data-kind={String(schema.type)}
      data-invalid={rawErrors.length > 0}
    >
      {props.displayLabel && !isGroup && (
        <label className="jp-mlplat-Field-label" htmlFor={id}>
          {label}
        </label>
      )}
      {beside?.(id.slice(id.indexOf('_') + 1))}
      {children}
      {rawErrors.length > 0 && (
        <div className="jp-mlplat-Field-note" role="alert">
          {[...new Set(rawErrors)].join(' ')}
        </div>
      )}
      {rawErrors.length === 0 && props.rawDescription?.trim() && (
        <div className="jp-mlplat-Field-note" id={`${id}__description`}>
          {props.rawDescription}
        </div>
      )}
    </div>
  );
}

const VALIDATOR = customizeValidator<ReadonlyJSONObject>();
const TEMPLATES = { FieldTemplate };

/** Fields that a `ui:field` asks for. */
const FIELDS = { pairs: PairsField, names: NamesField };
