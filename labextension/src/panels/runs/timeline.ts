import { isFinal } from '../../api/states';
import type { Task } from '../../api/types';

/** A stretch of time in which some step ran, and where it is drawn: from 0 to 1 across the chart. */
interface ISpan {
  startMs: number;
  endMs: number;
  from: number;
  to: number;
}

/** When one step ran. */
export interface ITimelineRow {
  task: Task;
  /** Where its bar begins and ends, from 0 to 1; null: it has not run in this run. */
  bar: { from: number; to: number } | null;
  /** Where each of its cells ends within the bar, from 0 to 1. */
  cells: readonly number[];
}

/** A mark on the axis of time. */
export interface ITick {
  at: number;
  /** Seconds since the first step began. */
  seconds: number;
}

/** A pause in which nothing ran, drawn short: such as the night before a retry. */
export interface IPause {
  at: number;
  seconds: number;
}

/** The steps of a run over time. */
export interface ITimeline {
  rows: readonly ITimelineRow[];
  ticks: readonly ITick[];
  pauses: readonly IPause[];
}

/** Place the steps of a run on an axis of time that leaves long pauses out. */
export function layOut(tasks: readonly Task[], nowMs: number): ITimeline {
  const times = tasks.map(task => timesOf(task, nowMs));
  const spans = spansOf(times.filter(isKnown), PAUSE_SHARE);
  const place = (ms: number): number => {
    const span = spans.find(span => ms <= span.endMs) ?? spans.at(-1);
    if (!span) {
      return 0;
    }
    const length = span.endMs - span.startMs;
    const share = length > 0 ? (ms - span.startMs) / length : 0;
    return span.from + Math.min(1, Math.max(0, share)) * (span.to - span.from);
  };
  return {
    rows: tasks.map((task, index) => {
      const time = times[index];
      return time === null
        ? { task, bar: null, cells: [] }
        : {
            task,
            bar: { from: place(time[0]), to: place(time[1]) },
            cells: cellEnds(task)
          };
    }),
    ticks: ticksOf(spans),
    pauses: spans.slice(1).map((span, index) => ({
      at: (spans[index].to + span.from) / 2,
      seconds: (span.startMs - spans[index].endMs) / 1000
    }))
  };
}

type Times = readonly [number, number];

function isKnown(times: Times | null): times is Times {
  return times !== null;
}

function timesOf(task: Task, nowMs: number): Times | null {
  if (task.started_at === null || task.cached) {
    return null;
  }
  const start = Date.parse(task.started_at);
  if (task.finished_at !== null) {
    return [start, Math.max(start, Date.parse(task.finished_at))];
  }
  return isFinal(task.state) ? null : [start, Math.max(start, nowMs)];
}

/** Merge times into spans, apart where a pause is longer than a share of all that ran. */
function spansOf(times: readonly Times[], share: number): ISpan[] {
  const merged: [number, number][] = [];
  for (const [start, end] of [...times].sort((a, b) => a[0] - b[0])) {
    const last = merged.at(-1);
    if (last && start <= last[1]) {
      last[1] = Math.max(last[1], end);
    } else {
      merged.push([start, end]);
    }
  }
  const busyMs = merged.reduce((sum, [start, end]) => sum + end - start, 0);
  const longest = Math.max(1000, share * busyMs);
  const joined: [number, number][] = [];
  for (const [start, end] of merged) {
    const last = joined.at(-1);
    if (last && start - last[1] <= longest) {
      last[1] = end;
    } else {
      joined.push([start, end]);
    }
  }
  const shownMs = joined.reduce((sum, [start, end]) => sum + end - start, 0);
  const room = 1 - PAUSE_WIDTH * (joined.length - 1);
  let at = 0;
  return joined.map(([startMs, endMs]) => {
    const width =
      shownMs > 0 ? (room * (endMs - startMs)) / shownMs : room / joined.length;
    const span = { startMs, endMs, from: at, to: at + width };
    at += width + PAUSE_WIDTH;
    return span;
  });
}

function cellEnds(task: Task): number[] {
  const durations = task.cells.map(cell => cell.duration_s ?? 0);
  const total = durations.reduce((sum, seconds) => sum + seconds, 0);
  if (total === 0 || !isFinal(task.state)) {
    return [];
  }
  let sum = 0;
  return durations.slice(0, -1).map(seconds => (sum += seconds) / total);
}

/** Three to six round numbers of seconds, on the first span: later ones have pauses before them. */
function ticksOf(spans: readonly ISpan[]): ITick[] {
  const first = spans[0];
  if (!first || first.endMs === first.startMs) {
    return [];
  }
  const seconds = (first.endMs - first.startMs) / 1000;
  const width = first.to - first.from;
  const step = roundStep(seconds / (4 * width));
  const ticks: ITick[] = [];
  for (let at = 0; at <= seconds * 1.0001; at += step) {
    ticks.push({ at: first.from + (at / seconds) * width, seconds: at });
  }
  return ticks;
}

const STEPS_S = [1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600];

function roundStep(seconds: number): number {
  const known = STEPS_S.find(step => step >= seconds);
  if (seconds >= 0.5 && known !== undefined) {
    return known;
  }
  const unit = seconds >= 1 ? 3600 : 1;
  const size = 10 ** Math.floor(Math.log10(seconds / unit));
  const factor =
    [1, 2, 5, 10].find(each => each * size * unit >= seconds) ?? 10;
  return factor * size * unit;
}

/** A pause as long as this share of all that ran would only push the bars together. */
const PAUSE_SHARE = 0.5;
/** As wide as a pause is drawn. */
const PAUSE_WIDTH = 0.05;
