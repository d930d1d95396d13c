import * as React from 'react';

import type { ApiClient } from '../../api/client';
import type { Artifact } from '../../api/types';
import { Button, Code, Fold } from '../../components/basics';
import { useTrans } from '../../components/context';
import { formatBytes } from '../../components/format';
import { plusIcon } from '../../icons';

/** The models that a run has logged, each with a way to register it. */
export function LoggedModels(props: {
  client: ApiClient;
  run: string;

  /** Changes when the run may have logged another. */
  version: string;
  onRegister: (loggedAs: string) => void;
}): JSX.Element | null {
  const { client, run, version } = props;
  const trans = useTrans();
  const [models, setModels] = React.useState<readonly Artifact[]>([]);
  React.useEffect(() => {
    let isCurrent = true;
    client.call('runs.models', { run }).then(
      answer => isCurrent && setModels(answer.models),
      () => undefined // the run itself says what is wrong
    );
    return () => {
      isCurrent = false;
    };
  }, [client, run, version]);
  const newest = [
    ...new Map(models.map(model => [model.name, model])).values()
  ];
  if (newest.length === 0) {
    return null;
  }
  return (
    <Fold title={trans.__('Models')} count={newest.length} isOpenAtFirst>
      <ul className="jp-mlplat-Logged" data-testid="mlplat-logged-models">
        {newest.map(model => (
          <li key={model.id} className="jp-mlplat-Logged-row">
            <span className="jp-mlplat-Logged-text">
              <Code>{model.name}</Code>
              <span className="jp-mlplat-Quiet">
                {[
                  String(model.metadata.format ?? ''),
                  formatBytes(model.size_bytes)
                ]
                  .filter(Boolean)
                  .join(' · ')}
              </span>
            </span>
            <Button
              icon={plusIcon}
              label={trans.__('Register')}
              title={trans.__('Register %1 as a model version', model.name)}
              onClick={() => props.onRegister(model.name)}
            />
          </li>
        ))}
      </ul>
    </Fold>
  );
}
