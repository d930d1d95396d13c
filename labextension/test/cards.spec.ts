import { Cards, readAddress } from '../src/outputs/cards';
import type { IAddress } from '../src/outputs/cards';
import { FakePlatform } from './platform';

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

const ADDRESS = { run: 'run-1', step: 'fit' };

function follow(draw: (address: IAddress) => Promise<Record<string, string>>) {
  const platform = new FakePlatform();
  const shown: string[] = [];
  const cards = new Cards(platform.connection, draw);
  const following = cards.follow(ADDRESS, twin => shown.push(twin.text));
  return { platform, shown, following };
}

describe('Cards', () => {
  it('shows a card at once and whenever the engine says more of its run', async () => {
    let count = 0;
    const asked: IAddress[] = [];
    const { platform, shown } = follow(async address => {
      asked.push(address);
      return { text: String(++count) };
    });
    await jest.advanceTimersByTimeAsync(2000);
    expect(shown).toEqual(['1']);

    platform.send('run.updated', 'run-2', {});
    await jest.advanceTimersByTimeAsync(2000);
    expect(shown).toEqual(['1']);

    platform.send('run.updated', 'run-1', {});
    await jest.advanceTimersByTimeAsync(2000);
    platform.send('trial.updated', 'run-1/fit/1', { run_id: 'run-1' });
    await jest.advanceTimersByTimeAsync(2000);
    expect(shown).toEqual(['1', '2', '3']);
    expect(asked[0]).toEqual(ADDRESS);
  });

  it('draws many changes at most once a second, and the last one', async () => {
    let count = 0;
    const { platform, shown } = follow(async () => ({ text: String(++count) }));
    for (let index = 0; index < 50; index++) {
      platform.send('metric.logged', 'run-1', {});
      await jest.advanceTimersByTimeAsync(50);
    }
    await jest.advanceTimersByTimeAsync(2000);
    expect(shown.length).toBeLessThanOrEqual(5);
  });

  it('keeps the last picture while the engine is gone, and goes on with the next', async () => {
    let isGone = false;
    const { platform, shown } = follow(async () => {
      if (isGone) {
        throw new Error('gone');
      }
      return { text: 'there' };
    });
    await jest.advanceTimersByTimeAsync(2000);
    isGone = true;
    platform.send('run.updated', 'run-1', {});
    await jest.advanceTimersByTimeAsync(2000);
    expect(shown).toEqual(['there']);

    isGone = false;
    platform.events.reconcile(0);
    platform.send('run.updated', 'run-1', {});
    await jest.advanceTimersByTimeAsync(2000);
    expect(shown).toEqual(['there', 'there']);
  });

  it('is left alone once its card is live again', async () => {
    const { platform, shown, following } = follow(async () => ({ text: 'x' }));
    following.dispose();
    platform.send('run.updated', 'run-1', {});
    await jest.advanceTimersByTimeAsync(2000);
    expect(shown).toEqual([]);
  });
});

describe('readAddress', () => {
  it.each([
    [{ run: 'run-1' }, { run: 'run-1' }],
    [ADDRESS, ADDRESS],
    [
      { run: 'run-1', link: 'tuning/run-1' },
      { run: 'run-1', link: 'tuning/run-1' }
    ],
    [{}, null],
    [null, null],
    [{ run: '../../api' }, null],
    [{ run: 7 }, null]
  ])('reads %j', (said, address) => {
    expect(readAddress(said)).toEqual(address);
  });
});
