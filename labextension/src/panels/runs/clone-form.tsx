import { Dialog, ReactWidget, showDialog } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { Places } from '../../api/places';
import type { CloneRequest, Pipeline, Run } from '../../api/types';
import { Trans, useTrans } from '../../components/context';
import { Field } from '../../components/field';
import { RunOn } from '../../components/run-on';
import { ParameterForm } from '../pipeline/parameter-form';
import { firstClone, readClone } from './clone';
import type { IClone } from './clone';
import '../../../style/run-list.css';

/** Ask what is to be different; null when it was thought better of. */
export async function askForClone(
  run: Run,
  pipeline: Pipeline,
  places: Places,
  trans: TranslationBundle
): Promise<CloneRequest | null> {
  let clone = firstClone(run, pipeline);
  for (;;) {
    const body = new CloneBody(clone, run, pipeline, places, trans);
    const result = await showDialog({
      title: trans.__('Run the code of run %1 again', run.number),
      body,
      buttons: [
        Dialog.cancelButton(),
        Dialog.okButton({ label: trans.__('Run') })
      ],
      focusNodeSelector: 'input, select'
    });
    clone = body.clone;
    const { request, problems } = readClone(clone, pipeline.parameters);
    if (!result.button.accept) {
      return null;
    }
    if (problems.size === 0) {
      return request;
    }
  }
}

class CloneBody extends ReactWidget {
  constructor(
    public clone: IClone,
    private readonly _run: Run,
    private readonly _pipeline: Pipeline,
    private readonly _places: Places,
    private readonly _trans: TranslationBundle
  ) {
    super();
    this.addClass('jp-mlplat-CloneForm');
  }

  protected render(): JSX.Element {
    return (
      <Trans.Provider value={this._trans}>
        <CloneForm
          pipeline={this._pipeline}
          places={this._places}
          usual={this._run.place}
          first={this.clone}
          onChange={clone => {
            this.clone = clone;
          }}
        />
      </Trans.Provider>
    );
  }
}

function CloneForm(props: {
  pipeline: Pipeline;
  places: Places;
  usual: string;
  first: IClone;
  onChange: (clone: IClone) => void;
}): JSX.Element {
  const { pipeline } = props;
  const trans = useTrans();
  const [clone, setClone] = React.useState(props.first);
  const change = (part: Partial<IClone>) => {
    const next = { ...clone, ...part };
    setClone(next);
    props.onChange(next);
  };
  const { problems } = readClone(clone, pipeline.parameters);
  return (
    <>
      <p className="jp-mlplat-Hint">
        {trans.__(
          'The code is that of the run, even if the notebook has changed since.'
        )}
      </p>
      <ParameterForm
        parameters={pipeline.parameters}
        texts={clone.texts}
        problems={problems}
        onChange={(name, text) => {
          const texts = new Map(clone.texts);
          if (text === null) {
            texts.delete(name);
          } else {
            texts.set(name, text);
          }
          change({ texts });
        }}
      />
      <Field
        label={trans.__('Run up to')}
        render={attributes => (
          <select
            {...attributes}
            className="jp-mlplat-Select"
            value={clone.until ?? ''}
            onChange={event => change({ until: event.target.value || null })}
          >
            <option value="">{trans.__('The end')}</option>
            {pipeline.steps.map(step => (
              <option key={step.name} value={step.name}>
                {step.name}
              </option>
            ))}
          </select>
        )}
      />
      <RunOn
        places={props.places}
        value={clone.runOn}
        usual={props.usual}
        onChange={runOn => change({ runOn })}
      />
      <label className="jp-mlplat-Check">
        <input
          type="checkbox"
          checked={clone.cache}
          onChange={event => change({ cache: event.target.checked })}
        />
        {trans.__('Take unchanged steps from the cache')}
      </label>
    </>
  );
}
