import * as React from 'react';

import { Fold } from '../../components/basics';
import { useTrans } from '../../components/context';
import { formatNumber } from '../../components/format';
import { bestIcon } from '../../icons';
import { compareMetrics } from './metrics';
import type { ModelWatch } from './watch';

/** The metrics of the chosen versions side by side, the best of each marked. */
export function Comparison(props: { watch: ModelWatch }): JSX.Element | null {
  const { watch } = props;
  const trans = useTrans();
  const [turned, setTurned] = React.useState<ReadonlySet<string>>(new Set());
  const versions = watch.compared;
  const rows = compareMetrics(versions, turned);
  const turn = (name: string) => {
    const next = new Set(turned);
    if (!next.delete(name)) {
      next.add(name);
    }
    setTurned(next);
  };
  if (!watch.model?.versions.some(({ metrics }) => Object.keys(metrics)[0])) {
    return null;
  }
  return (
    <Fold title={trans.__('Metrics')} isOpenAtFirst>
      {rows.length === 0 ? (
        <p className="jp-mlplat-Hint">
          {trans.__('Tick versions above to put their metrics side by side.')}
        </p>
      ) : (
        <div
          className="jp-mlplat-Compare"
          role="region"
          tabIndex={0}
          aria-label={trans.__('Metrics side by side')}
        >
          <table className="jp-mlplat-Table" data-testid="mlplat-compare">
            <thead>
              <tr>
                <th scope="col">{trans.__('Metric')}</th>
                {versions.map(({ version, aliases }) => (
                  <th
                    key={version}
                    scope="col"
                    className="jp-mlplat-Table-number"
                    title={aliases.join(', ') || undefined}
                  >
                    {trans.__('v%1', version)}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {rows.map(row => (
                <tr key={row.name}>
                  <th scope="row">
                    <button
                      type="button"
                      className="jp-mlplat-Compare-metric"
                      title={
                        row.direction === 'higher'
                          ? trans.__('Higher is better; press to turn round')
                          : trans.__('Lower is better; press to turn round')
                      }
                      onClick={() => turn(row.name)}
                    >
                      <span className="jp-mlplat-Compare-name">{row.name}</span>
                      <span aria-hidden="true">
                        {row.direction === 'higher' ? '↑' : '↓'}
                      </span>
                    </button>
                  </th>
                  {row.values.map((value, index) => (
                    <td
                      key={versions[index].version}
                      className="jp-mlplat-Table-number"
                      data-best={row.isBest[index]}
                      title={value === null ? undefined : String(value)}
                    >
                      {row.isBest[index] && (
                        <span
                          className="jp-mlplat-Compare-best"
                          role="img"
                          aria-label={trans.__('best')}
                        >
                          <bestIcon.react tag="span" />
                        </span>
                      )}
                      {value === null ? '–' : formatNumber(value)}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </Fold>
  );
}
