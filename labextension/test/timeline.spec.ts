import { layOut } from '../src/panels/runs/timeline';
import { task } from './platform';

const at = (seconds: number) =>
  new Date(Date.parse('2026-11-20T12:00:00Z') + 1000 * seconds).toISOString();

const ran = (name: string, start: number, end: number) =>
  task(name, {
    state: 'SUCCEEDED',
    started_at: at(start),
    finished_at: at(end)
  });

const bars = (...tasks: ReturnType<typeof task>[]) =>
  layOut(tasks, Date.parse(at(20))).rows.map(
    ({ bar }) => bar && [bar.from, bar.to]
  );

describe('layOut', () => {
  it('places steps between the first start and the last end', () => {
    expect(bars(ran('a', 0, 5), ran('b', 5, 10))).toEqual([
      [0, 0.5],
      [0.5, 1]
    ]);
  });

  it('lets a running step reach the present, and leaves out what has not run', () => {
    const running = task('b', { state: 'RUNNING', started_at: at(10) });
    const cached = task('c', {
      state: 'SUCCEEDED',
      cached: true,
      started_at: at(0),
      finished_at: at(0)
    });

    expect(bars(ran('a', 0, 10), running, cached, task('d'))).toEqual([
      [0, 0.5],
      [0.5, 1],
      null,
      null
    ]);
  });

  it('draws the night before a retry short', () => {
    const { rows, pauses } = layOut(
      [ran('a', 0, 10), ran('b', 36_000, 36_010)],
      0
    );

    expect(pauses).toEqual([{ at: 0.5, seconds: 35_990 }]);
    expect(rows[0].bar?.to).toBeCloseTo(0.475);
    expect(rows[1].bar?.from).toBeCloseTo(0.525);
  });

  it('marks round seconds', () => {
    const { ticks } = layOut([ran('a', 0, 9)], 0);

    expect(ticks.map(tick => tick.seconds)).toEqual([0, 5]);
  });

  it('marks a run of milliseconds, too', () => {
    const { ticks } = layOut([ran('a', 0, 0.04)], 0);

    expect(ticks.map(({ seconds }) => Number(seconds.toFixed(3)))).toEqual([
      0, 0.01, 0.02, 0.03, 0.04
    ]);
  });

  it('survives a run in which nothing took any time', () => {
    expect(bars(ran('a', 3, 3))).toEqual([[0, 0]]);
  });

  it('divides a bar by its cells', () => {
    const cells = [1, 3].map((duration_s, index) => ({
      id: `${index}`,
      state: 'ok' as const,
      duration_s
    }));
    const { rows } = layOut([{ ...ran('a', 0, 4), cells }], 0);

    expect(rows[0].cells).toEqual([0.25]);
  });
});
