import { RunsModel, matches } from '../src/panels/runs/model';
import type { RunSummary } from '../src/api/types';
import { FakePlatform, run, summary, until } from './platform';

/** A model that has loaded runs 2 and 1. */
async function loaded(): Promise<[RunsModel, FakePlatform]> {
  const platform = new FakePlatform();
  platform.routes.set('GET engine', () => ({ last_event: 0 }));
  platform.routes.set('GET runs', () => ({
    runs: [summary(2, { state: 'RUNNING' }), summary(1)],
    next: null
  }));
  const model = new RunsModel(platform.connection);
  await platform.connection.ensure();
  await until(() => model.runs.length === 2);
  return [model, platform];
}

describe('RunsModel', () => {
  it('puts a new run on top and counts it', async () => {
    const [model, platform] = await loaded();

    platform.send('run.created', 'run-3', summary(3, { state: 'PENDING' }));

    expect(model.runs.map(run => run.number)).toEqual([3, 2, 1]);
    expect(model.activeCount).toBe(2);
    model.dispose();
  });

  it('tells of the end of a run once', async () => {
    const [model, platform] = await loaded();
    const ends: RunSummary[] = [];
    model.finished.connect((_, run) => {
      ends.push(run);
    });

    const end = summary(2, { state: 'FAILED', failed_step: 'train' });
    platform.send('run.updated', 'run-2', end);
    platform.send('run.updated', 'run-2', end);

    expect(ends).toEqual([end]);
    expect(model.runs[0]).toEqual(end);
    expect(model.activeCount).toBe(0);
    model.dispose();
  });

  it('drops a deleted run and closes it', async () => {
    const [model, platform] = await loaded();
    platform.routes.set('GET runs/run-1', () => run({ state: 'SUCCEEDED' }));
    model.open('run-1');

    platform.send('run.deleted', 'run-1', {});

    expect(model.runs.map(run => run.id)).toEqual(['run-2']);
    expect(model.selected).toBeNull();
    model.dispose();
  });

  it('asks the engine for what the filter wants', async () => {
    const [model, platform] = await loaded();
    let asked = '';
    platform.routes.set('GET runs', ({ search }) => {
      asked = search.toString();
      return { runs: [], next: null };
    });

    model.setFilter({ text: ' churn ', state: 'FAILED' });
    await until(() => model.runs.length === 0);

    expect(asked).toBe('limit=100&text=churn&state=FAILED');
    model.dispose();
  });

  it('loads the next page behind the first', async () => {
    const [model, platform] = await loaded();
    platform.routes.set('GET runs', ({ search }) =>
      search.get('before') === '5'
        ? { runs: [summary(4)], next: null }
        : { runs: [summary(6), summary(5)], next: '5' }
    );
    model.setFilter({ text: 'churn' });
    await until(() => model.runs[0]?.number === 6);

    await model.loadMore();
    await model.loadMore();

    expect(model.runs.map(run => run.number)).toEqual([6, 5, 4]);
    expect(model.hasMore).toBe(false);
    model.dispose();
  });

  it('keeps the reason when the engine does not answer', async () => {
    const [model, platform] = await loaded();
    platform.routes.delete('GET runs');

    model.setFilter({ text: 'x' });
    await until(() => model.error !== null);

    expect(String(model.error)).toBe('ApiError: No runs.');
    model.dispose();
  });
});

describe('matches', () => {
  it.each([
    [{ text: '', state: null }, true],
    [{ text: 'CHURN', state: null }, true],
    [{ text: 'run-7', state: null }, true],
    [{ text: 'other', state: null }, false],
    [{ text: '', state: 'FAILED' as const }, false]
  ])('%j: %s', (filter, expected) => {
    expect(matches(summary(7), filter)).toBe(expected);
  });
});
