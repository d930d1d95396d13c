import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import * as React from 'react';

import type { ApiClient } from '../../api/client';
import type { Task, Values } from '../../api/types';
import { Code } from '../../components/basics';
import { useTrans } from '../../components/context';
import { ArtifactView } from './artifact-view';

/** What a task of a KFP pipeline was given, and what it has made. */
export function TaskValues(props: {
  task: Task;
  client: ApiClient;
  rendermime: IRenderMimeRegistry;
}): JSX.Element {
  const { inputs, results } = props.task;
  const trans = useTrans();
  return (
    <div className="jp-mlplat-TaskValues">
      <Group
        title={trans.__('Made')}
        {...props}
        values={results}
        empty={trans.__('Nothing yet, or nothing that it passes on.')}
      />
      <Group
        title={trans.__('Given')}
        {...props}
        values={inputs}
        empty={trans.__('Nothing.')}
      />
    </div>
  );
}

function Group(props: {
  client: ApiClient;
  rendermime: IRenderMimeRegistry;
  title: string;
  values: Values | null;
  empty: string;
}): JSX.Element {
  const parameters = Object.entries(props.values?.parameters ?? {});
  const artifacts = Object.entries(props.values?.artifacts ?? {});
  return (
    <section aria-label={props.title}>
      <h4 className="jp-mlplat-TaskValues-title">{props.title}</h4>
      {parameters.length + artifacts.length === 0 && (
        <p className="jp-mlplat-Hint">{props.empty}</p>
      )}
      <dl className="jp-mlplat-Facts">
        {parameters.map(([name, value]) => (
          <React.Fragment key={name}>
            <dt title={name}>{nameOf(name)}</dt>
            <dd>
              <Code>{JSON.stringify(value)}</Code>
            </dd>
          </React.Fragment>
        ))}
        {artifacts.map(([name, values]) => (
          <React.Fragment key={name}>
            <dt title={name}>{nameOf(name)}</dt>
            <dd>
              {values.map(value => (
                <ArtifactView
                  key={value.name}
                  value={value}
                  client={props.client}
                  rendermime={props.rendermime}
                />
              ))}
            </dd>
          </React.Fragment>
        ))}
      </dl>
    </section>
  );
}

/** The compiler puts `pipelinechannel--` before what it passes through. */
function nameOf(name: string): string {
  return name.replace(/^pipelinechannel--/, '');
}
