import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { MimeModel } from '@jupyterlab/rendermime';
import { Widget } from '@lumino/widgets';
import * as React from 'react';

import type { ApiClient } from '../../api/client';
import type { ArtifactValue } from '../../api/types';
import { Button, Code, ErrorNote } from '../../components/basics';
import { confined } from '../../components/confined';
import { useTrans } from '../../components/context';
import { formatBytes, formatNumber } from '../../components/format';
import { areaOf, confusionOf, factsOf, rocOf, sealed } from './reports';
import type { IConfusion, IRocPoint } from './reports';

/** An artifact of a KFP pipeline as what it is: numbers, a confusion matrix, a curve, a page. */
export function ArtifactView(props: {
  value: ArtifactValue;
  client: ApiClient;
  rendermime: IRenderMimeRegistry;
}): JSX.Element {
  const { value } = props;
  const trans = useTrans();
  const kind = value.type.replace('system.', '');
  const facts = factsOf(value);
  const confusion = confusionOf(value);
  const curve = rocOf(value);
  const isReport = ['HTML', 'Markdown'].includes(kind);
  return (
    <div className="jp-mlplat-Artifact" data-type={kind}>
      <div className="jp-mlplat-Artifact-head" title={value.uri}>
        {kind}
        {value.size_bytes !== null && ` · ${formatBytes(value.size_bytes)}`}
      </div>
      {facts.length > 0 && (
        <dl className="jp-mlplat-Facts">
          {facts.map(([name, fact]) => (
            <React.Fragment key={name}>
              <dt>{name}</dt>
              <dd>
                {typeof fact === 'number' ? (
                  formatNumber(fact)
                ) : (
                  <Code>{String(fact)}</Code>
                )}
              </dd>
            </React.Fragment>
          ))}
        </dl>
      )}
      {confusion && <Confusion matrix={confusion} />}
      {curve.length > 1 && <Roc points={curve} />}
      {isReport && value.artifact_id !== null && (
        <Report {...props} kind={kind} label={trans.__('Show')} />
      )}
    </div>
  );
}

function Confusion(props: { matrix: IConfusion }): JSX.Element {
  const { categories, rows, largest } = props.matrix;
  const trans = useTrans();
  return (
    <div className="jp-mlplat-Confusion">
      <table>
        <caption>{trans.__('True classes down, predicted across')}</caption>
        <thead>
          <tr>
            <td />
            {categories.map((name, index) => (
              <th key={index} scope="col" title={name}>
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, index) => (
            <tr key={index}>
              <th scope="row" title={categories[index]}>
                {categories[index]}
              </th>
              {row.map((count, column) => (
                <td
                  key={column}
                  data-is-right={column === index}
                  style={
                    {
                      '--jp-mlplat-share': largest > 0 ? count / largest : 0
                    } as React.CSSProperties
                  }
                >
                  {formatNumber(count)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

const SIDE = 150;

function Roc(props: { points: readonly IRocPoint[] }): JSX.Element {
  const { points } = props;
  const trans = useTrans();
  const path = [
    { falsePositives: 0, recall: 0 },
    ...points,
    { falsePositives: 1, recall: 1 }
  ]
    .map(
      ({ falsePositives, recall }) =>
        `${(falsePositives * SIDE).toFixed(1)},${((1 - recall) * SIDE).toFixed(1)}`
    )
    .join(' ');
  const area = formatNumber(areaOf(points));
  return (
    <figure className="jp-mlplat-Roc">
      <svg
        viewBox={`-1 -1 ${SIDE + 2} ${SIDE + 2}`}
        role="img"
        aria-label={trans.__('ROC curve, area below it %1', area)}
      >
        <rect className="jp-mlplat-Roc-frame" width={SIDE} height={SIDE} />
        <line
          className="jp-mlplat-Roc-chance"
          x1={0}
          y1={SIDE}
          x2={SIDE}
          y2={0}
        />
        <polyline className="jp-mlplat-Roc-line" points={path} />
      </svg>
      <figcaption>
        {trans.__('ROC curve: recall over false positives, area %1', area)}
      </figcaption>
    </figure>
  );
}

/** A page or a text a task has written, shown when asked for; what is in it stays inside. */
function Report(props: {
  value: ArtifactValue;
  client: ApiClient;
  rendermime: IRenderMimeRegistry;
  kind: string;
  label: string;
}): JSX.Element {
  const { value, client, kind } = props;
  const trans = useTrans();
  const [text, setText] = React.useState<string | null>(null);
  const [error, setError] = React.useState<unknown>(null);
  const [mayRun, setMayRun] = React.useState(false);
  const show = async () => {
    try {
      const answer = await client.call('artifacts.content', {
        artifact: value.artifact_id ?? ''
      });
      setText(await answer.text());
    } catch (reason) {
      setError(reason);
    }
  };
  if (error !== null) {
    return <ErrorNote error={error} />;
  }
  if (text === null) {
    return <Button label={props.label} onClick={() => void show()} />;
  }
  if (kind === 'Markdown') {
    return <Markdown text={text} rendermime={props.rendermime} />;
  }
  return (
    <div className="jp-mlplat-Report">
      <iframe
        key={String(mayRun)}
        title={trans.__('Page of the task')}
        sandbox={mayRun ? 'allow-scripts' : ''}
        srcDoc={sealed(text, mayRun)}
      />
      {!mayRun && /<script/i.test(text) && (
        <Button
          label={trans.__('Run its scripts')}
          title={trans.__(
            'They can change this page only, and reach no other host'
          )}
          onClick={() => setMayRun(true)}
        />
      )}
    </div>
  );
}

function Markdown(props: {
  text: string;
  rendermime: IRenderMimeRegistry;
}): JSX.Element {
  const { text, rendermime } = props;
  const node = React.useRef<HTMLDivElement>(null);
  React.useEffect(() => {
    if (!node.current) {
      return;
    }
    const renderer = confined(rendermime).createRenderer('text/markdown');
    const data = { 'text/markdown': text };
    void renderer.renderModel(new MimeModel({ data, trusted: false }));
    Widget.attach(renderer, node.current);
    return () => renderer.dispose();
  }, [text, rendermime]);
  return <div ref={node} className="jp-mlplat-Report jp-mod-markdown" />;
}
