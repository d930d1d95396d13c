import { Dialog, showDialog } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget } from '@jupyterlab/ui-components';
import * as React from 'react';

import type { JsonValue, Parameter } from '../../api/types';
import { Trans } from '../../components/context';
import { ParameterForm } from './parameter-form';
import { problemsOf, valuesOf } from './parameters';
import '../../../style/pipeline.css';

/** Ask for the values of a run; null when it is not meant after all. Only those that were set are in it. */
export async function askParameters(
  name: string,
  parameters: readonly Parameter[],
  trans: TranslationBundle
): Promise<Record<string, JsonValue> | null> {
  let texts: ReadonlyMap<string, string> = new Map();
  for (;;) {
    const body = new ParameterBody(parameters, texts, trans);
    const answer = await showDialog({
      title: trans.__('Run %1', name),
      body,
      buttons: [
        Dialog.cancelButton(),
        Dialog.okButton({ label: trans.__('Run') })
      ]
    });
    if (!answer.button.accept) {
      return null;
    }
    texts = answer.value ?? texts;
    if (problemsOf(parameters, texts).size === 0) {
      return valuesOf(parameters, texts);
    }
    // Asked again, with what is wrong beside each field.
  }
}

class ParameterBody
  extends ReactWidget
  implements Dialog.IBodyWidget<ReadonlyMap<string, string>>
{
  constructor(
    private readonly _parameters: readonly Parameter[],
    private _texts: ReadonlyMap<string, string>,
    private readonly _trans: TranslationBundle
  ) {
    super();
    this.addClass('jp-mlplat-ParameterDialog');
  }

  getValue(): ReadonlyMap<string, string> {
    return this._texts;
  }

  protected render(): JSX.Element {
    return (
      <Trans.Provider value={this._trans}>
        <ParameterForm
          parameters={this._parameters}
          texts={this._texts}
          problems={problemsOf(this._parameters, this._texts)}
          onChange={(name, text) => {
            const texts = new Map(this._texts);
            if (text === null) {
              texts.delete(name);
            } else {
              texts.set(name, text);
            }
            this._texts = texts;
            this.update();
          }}
        />
      </Trans.Provider>
    );
  }
}
