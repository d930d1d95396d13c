import { RunDetailModel } from '../src/panels/runs/detail-model';
import { linesOf, seriesOf, thin } from '../src/panels/runs/metric-series';
import { describeCell, keepEqual } from '../src/panels/runs/executed-cells';
import type { Metric, Run } from '../src/api/types';
import {
  FakePlatform,
  TIME,
  failure,
  pipeline,
  run,
  task,
  until
} from './platform';

const metric = (name: string, value: number, rest: Partial<Metric> = {}) => ({
  name,
  value,
  step: 'train',
  position: null,
  logged_at: TIME,
  ...rest
});

/** An engine with one run that can be changed. */
function serve(first: Run): [FakePlatform, { run: Run; metrics: Metric[] }] {
  const platform = new FakePlatform();
  const state = { run: first, metrics: [] as Metric[] };
  platform.routes.set('GET runs/run-1', () => state.run);
  platform.routes.set('GET runs/run-1/pipeline', () => pipeline([]));
  platform.routes.set('GET runs/run-1/metrics', () => ({
    metrics: state.metrics
  }));
  platform.routes.set('GET runs/run-1/outputs', () => ({ outputs: [] }));
  for (const step of ['load', 'train']) {
    platform.routes.set(`GET runs/run-1/steps/${step}/log`, ({ search }) => {
      const text = search.get('stream') === 'stdout' ? `${step} wrote\n` : '';
      const at = Number(search.get('offset'));
      const piece = text.slice(at, at + Number(search.get('limit')));
      return new Response(piece, {
        headers: { 'X-Log-Size': String(text.length) }
      });
    });
  }
  return [platform, state];
}

const changed = (platform: FakePlatform) =>
  platform.send('run.updated', 'run-1', { id: 'run-1' });

describe('RunDetailModel', () => {
  it('leads to what runs, then to what failed, with the end of its log', async () => {
    const [platform, state] = serve(
      run({
        tasks: [task('load', { state: 'RUNNING', attempt: 1 }), task('train')]
      })
    );
    const detail = new RunDetailModel(platform.connection, 'run-1', true);
    await until(() => detail.step === 'load');

    state.run = run({
      state: 'FAILED',
      tasks: [
        task('load', { state: 'SUCCEEDED', attempt: 1 }),
        task('train', {
          state: 'FAILED',
          attempt: 1,
          failure: failure({ step: 'train', message: 'no' })
        })
      ]
    });
    changed(platform);
    await until(() => detail.failureLog.length > 0);

    expect(detail.step).toBe('train');
    expect(detail.failure?.message).toBe('no');
    expect(detail.failureLog.map(line => line.text)).toEqual(['train wrote']);
    detail.dispose();
  });

  it('leads nowhere once a step has been chosen', async () => {
    const [platform, state] = serve(
      run({ tasks: [task('load', { state: 'RUNNING' }), task('train')] })
    );
    const detail = new RunDetailModel(platform.connection, 'run-1', true);
    await until(() => detail.step === 'load');
    detail.selectStep('load', 'log');

    state.run = run({
      tasks: [
        task('load', { state: 'SUCCEEDED' }),
        task('train', { state: 'RUNNING' })
      ]
    });
    changed(platform);
    await until(() => detail.task?.state === 'SUCCEEDED');

    expect([detail.step, detail.tab]).toEqual(['load', 'log']);
    detail.dispose();
  });

  it('takes metrics as they are logged, each once, and forgets those of a step begun anew', async () => {
    const first = task('train', { state: 'RUNNING', attempt: 1 });
    const [platform, state] = serve(run({ tasks: [first] }));
    const detail = new RunDetailModel(platform.connection, 'run-1');
    await until(() => detail.watch.run !== null);

    const loss = metric('loss', 0.5, { position: 1 });
    for (const each of [loss, loss, metric('loss', 0.4, { position: 2 })]) {
      platform.send('metric.logged', 'loss', { run_id: 'run-1', metric: each });
    }

    expect(detail.watch.metrics.map(({ value }) => value)).toEqual([0.5, 0.4]);

    state.run = run({ tasks: [{ ...first, attempt: 2 }] });
    changed(platform);
    await until(() => detail.watch.metrics.length === 0);
    detail.dispose();
  });

  it('goes from a chart back to a step', async () => {
    const [platform] = serve(run({ tasks: [task('train')] }));
    const detail = new RunDetailModel(platform.connection, 'run-1');

    detail.chart(['loss']);
    expect(detail.charted).toEqual(['loss']);
    detail.selectStep('train');

    expect(detail.charted).toEqual([]);
    detail.dispose();
  });
});

describe('seriesOf', () => {
  it('tells steps apart where they log the same name', () => {
    const all = seriesOf([
      metric('loss', 2),
      metric('loss', 1),
      metric('loss', 7, { step: 'test' }),
      metric('auc', 0.5)
    ]);

    expect(all.map(({ id, last }) => [id, last])).toEqual([
      ['loss (train)', 1],
      ['loss (test)', 7],
      ['auc', 0.5]
    ]);
  });

  it('draws over the position, or over the order where there is none', () => {
    const all = seriesOf([
      metric('a', 1, { position: 10 }),
      metric('a', 2, { position: 20 }),
      metric('b', 3),
      metric('b', 4)
    ]);

    expect(
      linesOf(all, ['b', 'a'], 'position').map(line => line.points)
    ).toEqual([
      [
        [10, 1],
        [20, 2]
      ],
      [
        [0, 3],
        [1, 4]
      ]
    ]);
    expect(linesOf(all, ['a'], 'time')[0].points[0][0]).toBe(
      Date.parse(TIME) / 1000
    );
  });
});

describe('thin', () => {
  it('keeps the first and the last of many', () => {
    const values = Array.from({ length: 1000 }, (_, index) => index);

    expect(thin(values, 5)).toEqual([0, 250, 500, 749, 999]);
    expect(thin([1, 2], 5)).toEqual([1, 2]);
  });
});

describe('keepEqual', () => {
  const cell = (id: string, text: string, state = 'ok') => ({
    cell_type: 'code' as const,
    id,
    source: 'x',
    execution_count: 1,
    metadata: { mlplat: { state, duration_s: 2 } },
    outputs: [{ output_type: 'stream', name: 'stdout', text }]
  });

  it('draws only what has changed', () => {
    const before = [cell('a', '1'), cell('b', '1', 'running')];
    const after = keepEqual(before, [
      cell('a', '1'),
      cell('b', '1'),
      cell('c', '1')
    ]);

    expect(after[0]).toBe(before[0]);
    expect(after[1].outputs).toBe(before[1].outputs);
    expect(after.map(each => describeCell(each, null).state)).toEqual([
      'ok',
      'ok',
      'ok'
    ]);
  });

  it('believes the run before the notebook on disk', () => {
    expect(
      describeCell(cell('a', '1', 'running'), {
        id: 'a',
        state: 'error',
        duration_s: 3
      })
    ).toEqual({ state: 'error', seconds: 3 });
  });
});
