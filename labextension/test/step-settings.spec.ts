import { changesOf, settingsOf } from '../src/notebook/step-settings';
import { step } from './platform';

const TRAIN = step('train', { b: 'y = x', c: 'z = y' });
const PLAIN = {
  step: 'train',
  cpu: 1,
  gpu: 0,
  cache: true,
  retries: 0,
  backoff_s: 1
};

describe('the form of a step', () => {
  it('has what the compiler understood, and nothing where nothing is set', () => {
    const { settings } = TRAIN;
    const resources = { ...settings.resources, memory_bytes: 2 ** 31 };

    expect(settingsOf(TRAIN)).toEqual(PLAIN);
    expect(
      settingsOf({ ...TRAIN, settings: { ...settings, resources } }).memory
    ).toBe('2Gi');
  });

  it('writes what was changed to the first cell, and takes it off the others', () => {
    const none = { memory: undefined, memory_bytes: undefined };

    expect(changesOf(TRAIN, { ...PLAIN, memory: '2Gi' })).toEqual([
      { cell: 'b', set: { ...none, memory: '2Gi' } },
      { cell: 'c', set: none }
    ]);
  });

  it('writes a name to all cells, and a heading as the title', () => {
    const titled = { ...TRAIN, title: 'Train it', origin: 'heading' as const };

    expect(changesOf(titled, { ...PLAIN, step: 'fit' })).toEqual([
      { cell: 'b', set: { step: 'fit', title: 'Train it' } },
      { cell: 'c', set: { step: 'fit' } }
    ]);
  });

  it('takes away what is the default again, and says that a step is not cached', () => {
    const many = {
      ...TRAIN.settings,
      retry: { ...TRAIN.settings.retry, limit: 3 }
    };

    const [first] = changesOf(
      { ...TRAIN, settings: many },
      { ...PLAIN, cache: false }
    );

    expect(first.set).toEqual({ retries: undefined, cache: false });
  });

  it('writes variables and metrics whole, and takes off what is empty', () => {
    const set = { env: { KEY: 'v' }, metrics: ['auc'] };
    const [first, second] = changesOf(TRAIN, { ...PLAIN, ...set });
    const filled = {
      ...TRAIN,
      metrics: ['auc'],
      settings: { ...TRAIN.settings, env: { KEY: 'v' } }
    };
    const none = { env: undefined, metrics: undefined };

    expect([first.set, second.set]).toEqual([set, none]);
    expect(settingsOf(filled)).toMatchObject(set);
    expect(changesOf(filled, PLAIN).map(it => it.set)).toEqual([none, none]);
    expect(changesOf(TRAIN, { ...PLAIN, metrics: [] })[0].set).toEqual({});
  });
});
