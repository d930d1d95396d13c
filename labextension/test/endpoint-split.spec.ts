import {
  apportion,
  isSame,
  move,
  splitOf,
  trafficOf
} from '../src/panels/endpoints/split';
import type { ISplitDraft } from '../src/panels/endpoints/split';
import type { Endpoint } from '../src/api/types';

function draft(split: Record<number, number>): ISplitDraft {
  return {
    split: new Map(
      Object.entries(split).map(([number, share]) => [Number(number), share])
    ),
    moved: null
  };
}

function shares({ split }: ISplitDraft): Record<number, number> {
  return Object.fromEntries(split);
}

describe('move', () => {
  it.each([
    [{ 1: 90, 2: 10 }, 2, 50, { 1: 50, 2: 50 }],
    [{ 1: 60, 2: 30, 3: 10 }, 3, 40, { 1: 40, 2: 20, 3: 40 }],
    [{ 1: 34, 2: 33, 3: 33 }, 1, 99, { 1: 99, 2: 1, 3: 0 }],
    [{ 1: 50, 2: 50, 3: 0 }, 1, 100, { 1: 100, 2: 0, 3: 0 }],
    // Nobody else has any: the newest other takes the rest.
    [{ 1: 0, 2: 0, 3: 100 }, 3, 80, { 1: 0, 2: 20, 3: 80 }],
    [{ 1: 100 }, 1, 40, { 1: 100 }]
  ])('%j, %d to %d: %j', (before, revision, percent, after) => {
    expect(shares(move(draft(before), revision, percent))).toEqual(after);
  });

  it('always sums to 100', () => {
    let now = draft({ 1: 33, 2: 33, 3: 34, 4: 0 });
    for (let step = 0; step < 200; step++) {
      now = move(now, 1 + (step % 4), (step * 37) % 101);
      const values = Object.values(shares(now));
      expect(values.reduce((a, b) => a + b, 0)).toBe(100);
      expect(values.every(value => Number.isInteger(value) && value >= 0)).toBe(
        true
      );
    }
  });

  it('loses no proportions on the way to 100 and back', () => {
    let now = draft({ 1: 60, 2: 30, 3: 10 });
    for (const percent of [40, 100, 10]) {
      now = move(now, 3, percent);
    }
    expect(shares(now)).toEqual({ 1: 60, 2: 30, 3: 10 });
  });
});

it('reads and writes what the engine means by a split', () => {
  const endpoint = {
    revisions: [{ number: 1 }, { number: 2 }, { number: 3 }],
    traffic: [
      { revision: 2, percent: 100 },
      { revision: 1, percent: 0 }
    ]
  } as Partial<Endpoint> as Endpoint;

  const split = splitOf(endpoint);

  expect([...split]).toEqual([
    [1, 0],
    [2, 100],
    [3, 0]
  ]);
  expect(trafficOf(split)).toEqual([{ revision: 2, percent: 100 }]);
  expect(isSame(split, new Map([[2, 100]]))).toBe(true);
});

it('divides a whole by largest remainders', () => {
  expect(apportion([1, 1, 1], 100)).toEqual([34, 33, 33]);
});
