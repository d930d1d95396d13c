import { LogRows, filterLines, findLines } from '../src/panels/runs/log-rows';
import type { LogLevel } from '../src/panels/runs/log-level';

const lines = (...texts: [string, LogLevel | null][]) =>
  texts.map(([plain, level], index) => ({
    number: index + 1,
    stream: 'stdout' as const,
    text: plain,
    plain,
    level
  }));

describe('filterLines', () => {
  const all = lines(
    ['a', null],
    ['b', 'debug'],
    ['c', 'info'],
    ['d', 'warning'],
    ['e', 'error']
  );

  it.each([
    ['all', 'abcde'],
    ['info', 'acde'],
    ['warning', 'de'],
    ['error', 'e']
  ] as const)('%s lets through %s', (filter, expected) => {
    const shown = filterLines(all, filter).map(line => line.plain);

    expect(shown.join('')).toBe(expected);
  });
});

describe('findLines', () => {
  it('takes signs as they are, and any case', () => {
    const all = lines(['loss (Total)', null], ['loss total', null]);

    expect(findLines(all, '(TOTAL)')).toEqual([0]);
    expect(findLines(all, '')).toEqual([]);
  });

  it('searches a hundred thousand lines in no time', () => {
    const all = lines(
      ...Array.from({ length: 100_000 }, (_, index): [string, null] => [
        `epoch ${index} loss 0.123456`,
        null
      ])
    );
    const began = performance.now();

    const found = findLines(all, 'epoch 99999 ');

    expect(found).toEqual([99_999]);
    expect(performance.now() - began).toBeLessThan(500);
  });
});

describe('LogRows', () => {
  const all = lines(['12345', null], ['', null], ['1234567', null]);

  it('is a row a line where nothing is wrapped', () => {
    const rows = new LogRows(all, null);

    expect(rows.count).toBe(3);
    expect(rows.at(2)).toEqual({ line: all[2], index: 2, start: 0, end: 7 });
  });

  it('cuts lines into rows, and keeps empty ones', () => {
    const rows = new LogRows(all, 3);

    expect(rows.count).toBe(6);
    expect(rows.rowOf(2)).toBe(3);
    expect(
      [0, 1, 2, 3, 4, 5].map(row => [rows.at(row).index, rows.at(row).start])
    ).toEqual([
      [0, 0],
      [0, 3],
      [1, 0],
      [2, 0],
      [2, 3],
      [2, 6]
    ]);
  });

  it('is empty for an empty log', () => {
    expect(new LogRows([], 10).count).toBe(0);
  });
});
