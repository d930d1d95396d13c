import { StoredLedger } from '../src/notices/ledger';
import { NoticesModel } from '../src/notices/model';
import type { IEndedRun } from '../src/notices/model';
import { FakePlatform, run, summary, TIME } from './platform';

/** One browser: its storage, and a lock that holds over all its tabs. */
class Browser {
  readonly told: string[][] = [];

  open(platform: FakePlatform, isWatched = false): NoticesModel {
    const storage = {
      getItem: (key: string) => this._items.get(key) ?? null,
      setItem: (key: string, value: string) => void this._items.set(key, value)
    };
    const model = new NoticesModel(platform.connection, {
      ledger: new StoredLedger(storage, 'key', async action => action()),
      isWatched: () => isWatched,
      isHidden: () => false
    });
    model.due.connect((_: unknown, runs: readonly IEndedRun[]) => {
      this.told.push(runs.map(({ id, state }) => `${id} ${state}`));
    });
    return model;
  }

  private readonly _items = new Map<string, string>();
}

function begin(platform: FakePlatform, number: number): void {
  platform.send(
    'run.created',
    `run-${number}`,
    summary(number, { state: 'RUNNING' })
  );
}

function end(platform: FakePlatform, number: number, at = TIME): void {
  platform.send(
    'run.updated',
    `run-${number}`,
    summary(number, { state: 'SUCCEEDED', finished_at: at })
  );
}

describe('NoticesModel', () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());
  const later = (ms = 1000) => jest.advanceTimersByTimeAsync(ms);

  it('tells of a run that ended, once over all tabs', async () => {
    const browser = new Browser();
    const tabs = [new FakePlatform(), new FakePlatform()];
    tabs.forEach(platform => browser.open(platform));

    tabs.forEach(platform => begin(platform, 1));
    tabs.forEach(platform => end(platform, 1));
    await later();

    expect(browser.told).toEqual([['run-1 SUCCEEDED']]);
  });

  it('is silent where another tab shows the run ending', async () => {
    const browser = new Browser();
    const tabs = [new FakePlatform(), new FakePlatform()];
    browser.open(tabs[0]);
    browser.open(tabs[1], true);

    tabs.forEach(platform => begin(platform, 1));
    tabs.forEach(platform => end(platform, 1));
    await later();

    expect(browser.told).toEqual([]);
  });

  it('says nothing of a run whose beginning nobody saw', async () => {
    const browser = new Browser();
    const platform = new FakePlatform();
    browser.open(platform);

    end(platform, 1);
    await later();

    expect(browser.told).toEqual([]);
  });

  it('tells after a reload of what ended meanwhile, and not again', async () => {
    const browser = new Browser();
    const before = new FakePlatform();
    const first = browser.open(before);
    begin(before, 1);
    first.dispose();

    for (let reload = 0; reload < 2; reload++) {
      const after = new FakePlatform();
      after.routes.set('GET engine', () => ({ last_event: 0 }));
      after.routes.set('GET runs/run-1', () =>
        run({ id: 'run-1', state: 'FAILED', finished_at: TIME })
      );
      const model = browser.open(after);
      await after.connection.ensure();
      await later();
      model.dispose();
    }

    expect(browser.told).toEqual([['run-1 FAILED']]);
  });

  it('tells of the end of a retry as well', async () => {
    const browser = new Browser();
    const platform = new FakePlatform();
    browser.open(platform);

    for (const at of [TIME, '2026-11-20T13:00:00Z']) {
      begin(platform, 1);
      end(platform, 1, at);
      await later(10_000);
    }

    expect(browser.told).toHaveLength(2);
  });

  it('gathers many ends into one', async () => {
    const browser = new Browser();
    const platform = new FakePlatform();
    browser.open(platform);
    for (let number = 1; number <= 40; number++) {
      begin(platform, number);
    }

    for (let number = 1; number <= 40; number++) {
      end(platform, number);
      await later(50);
    }
    await later(10_000);

    expect(browser.told.flat()).toHaveLength(40);
    expect(browser.told.length).toBeLessThanOrEqual(2);
  });
});
