import * as React from 'react';

import type { EndpointStats, RevisionStats } from '../../api/types';
import { useTrans } from '../../components/context';
import { formatDuration, formatNumber } from '../../components/format';
import { Sparkline } from '../../components/sparkline';

/** Requests per second for people. */
export function rateText(rps: number): string {
  const digits = rps >= 10 ? 0 : rps >= 1 ? 1 : 2;
  return formatNumber(Number(rps.toFixed(digits)));
}

/** A share for people; a few errors are never "0 %". */
export function shareText(share: number): string {
  const percent = 100 * share;
  const digits = percent >= 10 || percent === 0 ? 0 : percent >= 0.1 ? 1 : 2;
  return `${percent.toFixed(digits)} %`;
}

/** A length of time from a histogram. */
export function millisecondsText(ms: number | null): string {
  return ms === null
    ? '–'
    : ms < 10
      ? `${Number(ms.toPrecision(2))}ms`
      : formatDuration(ms / 1000);
}

/** An endpoint's figures of the last minute in one line. */
export function StatsLine(props: { stats: EndpointStats | null }): JSX.Element {
  const { stats } = props;
  const trans = useTrans();
  if (stats === null || stats.since === null) {
    return <></>;
  }
  return (
    <span
      className="jp-mlplat-StatsLine"
      title={trans.__('Over the last minute')}
    >
      <span>{trans.__('%1 req/s', rateText(stats.rps))}</span>
      {stats.error_rate !== null && (
        <span data-tone={stats.error_rate > 0 ? 'error' : undefined}>
          {trans.__('%1 errors', shareText(stats.error_rate))}
        </span>
      )}
    </span>
  );
}

/** How a revision answers: rate, errors and latency of the last minute, over five minutes as lines. */
export function RevisionFigures(props: { stats: RevisionStats }): JSX.Element {
  const { stats } = props;
  const trans = useTrans();
  const isQuiet = stats.error_rate === null;
  return (
    <div className="jp-mlplat-Figures" role="group">
      <Figure
        name={trans.__('Requests')}
        value={trans.__('%1/s', rateText(stats.rps))}
        notes={[trans.__('%1 in all', formatNumber(stats.requests))]}
        title={trans.__('Requests per second over the last minute')}
        values={stats.series.map(point => point.rps)}
      />
      <Figure
        name={trans.__('Errors')}
        value={isQuiet ? '–' : shareText(stats.error_rate ?? 0)}
        notes={[
          trans.__('%1 failed', formatNumber(stats.errors)),
          ...(stats.refused > 0
            ? [trans.__('%1 refused', formatNumber(stats.refused))]
            : [])
        ]}
        title={trans.__(
          'Share of answers 5xx over the last minute. Refused: answers 4xx, the caller was at fault.'
        )}
        tone={stats.error_rate ? 'error' : undefined}
        values={stats.series.map(point => point.error_rate)}
        max={1}
      />
      <Figure
        name={trans.__('Latency p95')}
        value={millisecondsText(stats.p95_ms)}
        notes={[
          trans.__('p50 %1', millisecondsText(stats.p50_ms)),
          trans.__('p99 %1', millisecondsText(stats.p99_ms))
        ]}
        title={trans.__(
          'From the whole request to its answer, at the router, over the last minute; read from histogram buckets'
        )}
        values={stats.series.map(point => point.p95_ms)}
      />
    </div>
  );
}

function Figure(props: {
  name: string;
  value: string;
  notes: readonly string[];
  title: string;
  values: readonly (number | null)[];
  max?: number;
  tone?: 'error';
}): JSX.Element {
  const trans = useTrans();
  return (
    <div
      className="jp-mlplat-Figure"
      title={props.title}
      data-tone={props.tone}
    >
      <div className="jp-mlplat-Figure-name">{props.name}</div>
      <div className="jp-mlplat-Figure-value">{props.value}</div>
      <Sparkline
        values={props.values}
        max={props.max}
        label={trans.__('%1, last five minutes', props.name)}
      />
      <div className="jp-mlplat-Figure-notes">
        {props.notes.map((note, i) => (
          <span key={i}>{note}</span>
        ))}
      </div>
    </div>
  );
}
