import type { JsonValue, ModelVersion } from '../src/api/types';
import { tableOf } from '../src/panels/models/example';
import { compareMetrics, directionOf } from '../src/panels/models/metrics';
import { nameFrom } from '../src/panels/models/registration';

const versions = (...metrics: Record<string, number>[]) =>
  metrics.map(found => ({ metrics: found }) as ModelVersion);

describe('directionOf', () => {
  it.each([
    ['auc', 'higher'],
    ['accuracy', 'higher'],
    ['r2', 'higher'],
    ['timeliness', 'higher'],
    ['rmse', 'lower'],
    ['val_loss', 'lower'],
    ['logloss', 'lower'],
    ['Mean Squared Error', 'lower'],
    ['latency_ms', 'lower']
  ])('%s: %s is better', (name, direction) => {
    expect(directionOf(name)).toBe(direction);
  });
});

describe('compareMetrics', () => {
  it('marks the best of each metric, and leaves gaps', () => {
    const rows = compareMetrics(
      versions({ auc: 0.9, rmse: 2 }, { auc: 0.8, rmse: 1 }, { auc: 0.9 })
    );

    expect(rows).toEqual([
      {
        name: 'auc',
        direction: 'higher',
        values: [0.9, 0.8, 0.9],
        isBest: [true, false, true]
      },
      {
        name: 'rmse',
        direction: 'lower',
        values: [2, 1, null],
        isBest: [false, true, false]
      }
    ]);
  });

  it('marks none where all are alike, and turns round when told', () => {
    const found = versions({ a: 1, b: 1 }, { a: 1, b: 2 });

    expect(compareMetrics(found)[0].isBest).toEqual([false, false]);
    expect(compareMetrics(found, new Set(['b']))[1].isBest).toEqual([
      true,
      false
    ]);
  });
});

describe('tableOf', () => {
  it.each<[JsonValue, string[], JsonValue[][]]>([
    [{ columns: ['a'], index: [0], data: [[1]] }, ['a'], [[1]]],
    [
      [[1, 2], [3]],
      ['0', '1'],
      [[1, 2], [3]]
    ],
    [
      [{ a: 1 }, { b: 'x' }],
      ['a', 'b'],
      [
        [1, null],
        [null, 'x']
      ]
    ]
  ])('%j is a table', (example, columns, rows) => {
    expect(tableOf(example)).toEqual({ columns, rows });
  });

  it.each([null, 3, 'text', [], [1, 2], [[[1]]], { a: 1 }])(
    '%j is none',
    example => {
      expect(tableOf(example)).toBeNull();
    }
  );
});

describe('nameFrom', () => {
  it.each([
    ['Churn Model!', 'churn-model'],
    ['__x__', 'x'],
    ['ok-1.2', 'ok-1.2']
  ])('%s becomes %s', (text, name) => {
    expect(nameFrom(text)).toBe(name);
  });
});
