import type { RunSummary } from '../src/api/types';
import { RunsModel } from '../src/panels/runs/model';
import {
  ALL_RUNS,
  matches,
  splitSearch,
  toQuery
} from '../src/panels/runs/query';
import { FakePlatform, run, summary, until } from './platform';

/** Answer `GET /runs` out of runs numbered downwards from `total`. */
function serve(platform: FakePlatform, total: number): void {
  platform.routes.set('GET runs', ({ search }) => {
    const offset = Number(search.get('offset') ?? 0);
    const count = Math.min(Number(search.get('limit')), total - offset);
    const runs = Array.from({ length: Math.max(0, count) }, (_, index) =>
      summary(total - offset - index)
    );
    return { runs: search.has('state') ? [] : runs, next: null, total };
  });
}

/** A model that has loaded runs 2 and 1. */
async function loaded(): Promise<[RunsModel, FakePlatform]> {
  const platform = new FakePlatform();
  platform.routes.set('GET engine', () => ({ last_event: 0 }));
  platform.routes.set('GET runs', () => ({
    runs: [summary(2, { state: 'RUNNING' }), summary(1)],
    next: null,
    total: 2
  }));
  const model = new RunsModel(platform.connection);
  await platform.connection.ensure();
  await until(() => model.activeCount === 1);
  return [model, platform];
}

function numbers(model: RunsModel): number[] {
  return model.pages.loaded.map(run => run.number);
}

describe('RunsModel', () => {
  it('puts a new run on top and counts it', async () => {
    const [model, platform] = await loaded();

    platform.send('run.created', 'run-3', summary(3, { state: 'PENDING' }));

    expect(numbers(model)).toEqual([3, 2, 1]);
    expect(model.pages.total).toBe(3);
    expect(model.activeCount).toBe(2);
    model.dispose();
  });

  it('lets a run wait and go on', async () => {
    const [model, platform] = await loaded();
    platform.routes.set('POST runs/run-2/pause', () => run({ id: 'run-2' }));
    platform.routes.set('POST runs/run-2/resume', () => run({ id: 'run-2' }));

    await model.pause('run-2', true);
    await model.pause('run-2', false);

    expect(platform.requests.slice(-2).map(({ path }) => path)).toEqual([
      'runs/run-2/pause',
      'runs/run-2/resume'
    ]);
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
    expect(model.pages.at(0)).toEqual(end);
    expect(model.activeCount).toBe(0);
    model.dispose();
  });

  it('drops a deleted run and closes it', async () => {
    const [model, platform] = await loaded();
    platform.routes.set('GET runs/run-1', () => run({ state: 'SUCCEEDED' }));
    model.choose(1);
    model.open('run-1');

    platform.send('run.deleted', 'run-1', {});

    expect(numbers(model)).toEqual([2]);
    expect(model.pages.total).toBe(1);
    expect(model.chosen.size).toBe(0);
    expect(model.selected).toBeNull();
    model.dispose();
  });

  it('asks the engine for what the filter wants', async () => {
    const [model, platform] = await loaded();
    const asked: string[] = [];
    platform.routes.set('GET runs', ({ search }) => {
      asked.push(search.toString());
      return { runs: [], next: null, total: 0 };
    });

    model.setFilter({
      text: ' churn tag:stage=prod',
      state: 'FAILED',
      sort: 'metric:auc',
      isDescending: false
    });
    await until(() => model.pages.total === 0);

    expect(asked[0]).toBe(
      'text=churn&state=FAILED&tags=%7B%22stage%22%3A%22prod%22%7D' +
        '&sort=metric%3Aauc&order=asc&offset=0&limit=40'
    );
    model.dispose();
  });

  it('loads what is in sight, wherever that is', async () => {
    const [model, platform] = await loaded();
    serve(platform, 10_000);
    model.setFilter({ text: 'churn' });
    await until(() => model.pages.total === 10_000);
    const before = platform.requests.length;

    model.pages.see(7010, 7030);
    await until(() => model.pages.at(7030) !== undefined);

    expect(model.pages.at(7010)?.number).toBe(2990);
    expect(model.pages.at(5000)).toBeUndefined();
    expect(platform.requests.length).toBe(before + 1);
    model.dispose();
  });

  it('keeps rows in their places when a run comes on top', async () => {
    const [model, platform] = await loaded();
    serve(platform, 1000);
    model.setFilter({});
    await until(() => model.pages.total === 1000);
    model.pages.see(500, 520);
    await until(() => model.pages.at(500) !== undefined);

    platform.send('run.created', 'run-1001', summary(1001));

    expect(model.pages.at(0)?.number).toBe(1001);
    expect(model.pages.at(501)?.number).toBe(500);
    expect(model.pages.total).toBe(1001);
    model.dispose();
  });

  it('keeps the reason when the engine does not answer', async () => {
    const [model, platform] = await loaded();
    platform.routes.delete('GET runs');

    model.setFilter({ text: 'x' });
    await until(() => model.pages.error !== null);

    expect(String(model.pages.error)).toBe('ApiError: No runs.');
    model.dispose();
  });

  it('chooses stretches, loading what is not here', async () => {
    const [model, platform] = await loaded();
    serve(platform, 1000);
    model.setFilter({});
    await until(() => model.pages.total === 1000);

    model.choose(1);
    await model.chooseTo(300);

    expect(model.isChoosing).toBe(true);
    expect(model.chosen.size).toBe(300);
    model.setChoosing(false);
    expect(model.chosen.size).toBe(0);
    model.dispose();
  });

  it('shows a note at once and takes it back when it is refused', async () => {
    const [model, platform] = await loaded();
    let refuse: () => void = () => undefined;
    platform.routes.set(
      'PATCH runs/run-1',
      () =>
        new Promise(resolve => {
          refuse = () =>
            resolve(
              new Response('{"code":"invalid-input","message":"No."}', {
                status: 400
              })
            );
        })
    );

    const update = model.update('run-1', {
      note: 'best',
      tags: { stage: 'prod' }
    });

    expect(model.pages.at(1)).toMatchObject({
      note: 'best',
      tags: { stage: 'prod' }
    });
    await until(() => platform.requests.some(each => each.method === 'PATCH'));
    refuse();
    await expect(update).rejects.toThrow('No.');
    expect(model.pages.at(1)).toMatchObject({ note: '', tags: {} });
    model.dispose();
  });
});

describe('archiving', () => {
  it('takes a run out of the list, and into that of the archive', async () => {
    const [model, platform] = await loaded();
    const before = model.pages.total;
    const gone = { ...model.pages.at(1)!, archived: true };

    platform.send('run.updated', gone.id, gone);

    expect(model.pages.total).toBe(before - 1);
    expect(matches(gone, { ...ALL_RUNS, archived: true })).toBe(true);
    expect(toQuery({ ...ALL_RUNS, archived: true })).toMatchObject({
      archived: 'true'
    });
    model.dispose();
  });

  it('looks anew when an experiment was archived with its runs', async () => {
    const [model, platform] = await loaded();
    platform.routes.set('GET runs', () => ({
      runs: [summary(2)],
      next: null,
      total: 1
    }));

    platform.send('experiment.updated', 'old', {});

    await until(() => model.pages.total === 1);
    model.dispose();
  });
});

describe('matches', () => {
  const tagged = summary(7, {
    tags: { stage: 'prod', empty: '' },
    note: 'Best SO far',
    experiment: 'autumn'
  });

  it.each([
    [{ text: '' }, true],
    [{ text: 'CHURN' }, true],
    [{ text: 'run-7' }, true],
    [{ text: 'so far' }, true],
    [{ text: 'stage=pr' }, true],
    [{ text: 'other' }, false],
    [{ state: 'FAILED' as const }, false],
    [{ experiment: 'autumn' }, true],
    [{ experiment: 'spring' }, false],
    [{ archived: true }, false],
    [{ tags: { stage: null } }, true],
    [{ tags: { stage: 'prod', empty: '' } }, true],
    [{ tags: { stage: 'draft' } }, false],
    [{ text: 'tag:stage=draft' }, false],
    [{ text: 'tag:toString' }, false]
  ])('%j: %s', (filter, expected) => {
    expect(matches(tagged, { ...ALL_RUNS, ...filter })).toBe(expected);
  });
});

describe('splitSearch', () => {
  it.each([
    ['churn', 'churn', {}],
    ['tag:a=b churn  x', 'churn x', { a: 'b' }],
    ['x tag:a', 'x', { a: null }],
    ['tag:owner="Mira K" tag:a=', '', { owner: 'Mira K', a: null }],
    ['vintage:a', 'vintage:a', {}]
  ])('%s', (search, text, tags) => {
    expect(splitSearch(search)).toEqual({ text, tags });
  });
});
