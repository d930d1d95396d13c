import { Dialog, showDialog } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { ModelImpact } from '../../api/types';
import '../../../style/models.css';

/** Show what a deletion would break, and ask whether it is meant; false where it is refused. */
export async function confirmDeletion(
  trans: TranslationBundle,
  impact: ModelImpact
): Promise<boolean> {
  const { model, version } = impact;
  const what =
    version === null
      ? trans.__('model %1', model)
      : trans.__('version %1 of %2', version, model);
  const result = await showDialog({
    title: impact.refused
      ? trans.__('Cannot delete %1', what)
      : trans.__('Delete %1?', what),
    body: <Impact impact={impact} trans={trans} />,
    defaultButton: 0,
    buttons: impact.refused
      ? [Dialog.okButton({ label: trans.__('Close') })]
      : [
          Dialog.cancelButton({ label: trans.__('Keep') }),
          Dialog.warnButton({
            label: impact.is_forced
              ? trans.__('Delete anyway')
              : trans.__('Delete')
          })
        ]
  });
  return !impact.refused && result.button.accept;
}

function Impact(props: {
  impact: ModelImpact;
  trans: TranslationBundle;
}): JSX.Element {
  const { impact, trans } = props;
  const aliases = Object.entries(impact.aliases);
  return (
    <div className="jp-mlplat-Impact" data-testid="mlplat-impact">
      {impact.refused && (
        <p>
          {trans.__(
            'An endpoint sends it traffic. Move the traffic to another version, or delete the endpoint first.'
          )}
        </p>
      )}
      {impact.served.length > 0 && (
        <>
          <h4>{trans.__('Would break')}</h4>
          <ul>
            {impact.served.map(served => (
              <li key={`${served.endpoint}/${served.revision}`}>
                {trans.__(
                  'Endpoint %1, revision %2: version %3 with %4 % of the traffic',
                  served.endpoint,
                  served.revision,
                  served.version,
                  served.percent
                )}
              </li>
            ))}
          </ul>
        </>
      )}
      {!impact.refused && (
        <>
          <h4>{trans.__('Goes for good')}</h4>
          <ul>
            {impact.version === null && (
              <li>
                {trans._n(
                  '%1 version, with the history',
                  '%1 versions, with the history',
                  impact.versions.length
                )}
              </li>
            )}
            {impact.version !== null && (
              <li>
                {trans.__(
                  'Version %1; its number is not given again',
                  impact.version
                )}
              </li>
            )}
            {aliases.map(([alias, at]) => (
              <li key={alias}>
                {trans.__('Alias %1, which points at version %2', alias, at)}
              </li>
            ))}
          </ul>
          <h4>{trans.__('Stays')}</h4>
          <p>
            {impact.runs.length > 0
              ? trans._n(
                  'The run that made it, with what it logged: it can be registered again.',
                  'The %1 runs that made it, with what they logged: it can be registered again.',
                  impact.runs.length
                )
              : trans.__('What it was registered from.')}
          </p>
        </>
      )}
    </div>
  );
}
