import { UseSignal } from '@jupyterlab/ui-components';
import * as React from 'react';

import type { Endpoint, LoadPoint } from '../../api/types';
import { LineChart } from '../../charts';
import { useTrans } from '../../components/context';
import { stepColor } from '../../components/palette';
import type { StatsModel } from './stats';

/** The last five minutes of each revision, one below the other over the same time. */
export function EndpointCharts(props: {
  endpoint: Endpoint;
  stats: StatsModel;
}): JSX.Element {
  const { endpoint, stats } = props;
  const trans = useTrans();
  const charts: [string, (point: LoadPoint) => number | null][] = [
    [trans.__('Requests per second'), point => point.rps],
    [
      trans.__('Errors, percent'),
      point => (point.error_rate === null ? null : 100 * point.error_rate)
    ],
    [trans.__('Latency p95, ms'), point => point.p95_ms]
  ];
  return (
    <UseSignal signal={stats.changed}>
      {() => {
        const found = stats.of(endpoint.name)?.revisions ?? [];
        return found.length === 0 ? null : (
          <section
            className="jp-mlplat-EndpointCharts"
            aria-label={trans.__('The last five minutes')}
          >
            <h3 className="jp-mlplat-Heading">
              {trans.__('The last five minutes')}
            </h3>
            {charts.map(([label, valueOf], i) => (
              <figure key={label} className="jp-mlplat-EndpointCharts-chart">
                <figcaption className="jp-mlplat-Quiet">{label}</figcaption>
                <LineChart
                  isTime
                  label={label}
                  height={130}
                  hasNoLegend={i < charts.length - 1}
                  syncKey={`endpoint/${endpoint.name}`}
                  series={found.map(({ revision, series }) => ({
                    id: String(revision),
                    label: trans.__('Revision %1', revision),
                    color: stepColor(revision - 1),
                    points: series.map(point => [
                      Math.round(Date.parse(point.at) / 1000),
                      valueOf(point) ?? NaN
                    ])
                  }))}
                />
              </figure>
            ))}
          </section>
        );
      }}
    </UseSignal>
  );
}
