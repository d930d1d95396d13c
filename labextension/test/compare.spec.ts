import type { Metric, Pipeline } from '../src/api/types';
import { barsOf, quantitiesOf, scatterOf } from '../src/panels/compare/chart';
import { align, diffLines, fold } from '../src/panels/compare/diff';
import {
  betterIs,
  cellPairs,
  curves,
  durationRows,
  metricRows,
  parameterRows
} from '../src/panels/compare/facts';
import { firstClone, readClone } from '../src/panels/runs/clone';
import { readTag } from '../src/panels/runs/query';
import { parameter, run, step, task } from './platform';

function metric(name: string, value: number, position: number | null): Metric {
  return { name, value, position, step: 'train', logged_at: '' };
}

function pipeline(cells: Record<string, string>): Pipeline {
  return {
    steps: [step('train', cells)],
    parameters: [
      parameter('float', { name: 'alpha', default: 0.1, expression: '0.1' }),
      parameter('int', { name: 'depth', default: 6, expression: '6' })
    ]
  } as unknown as Pipeline;
}

const RUNS = [
  {
    run: run({ id: 'a', number: 1, parameters: { alpha: 0.5 } }),
    pipeline: pipeline({ one: 'x = 1', two: 'y = 2' }),
    metrics: [metric('loss', 2, 0), metric('loss', 1, 1), metric('n', 3, null)]
  },
  {
    run: run({ id: 'b', number: 2 }),
    pipeline: pipeline({ one: 'x = 2', three: 'z = 3' }),
    metrics: [metric('loss', 0.5, 0), metric('n', 3, null)]
  }
];

const STYLE = {
  width: 600,
  font: 'sans-serif',
  text: '#111',
  grid: '#ddd',
  colors: ['#00f', '#f80']
};

describe('charts', () => {
  it('offer the numbers by which the runs differ', () => {
    expect(quantitiesOf(RUNS).map(({ id, values }) => [id, values])).toEqual([
      ['parameter alpha', [0.5, 0.1]],
      ['metric loss', [1, 0.5]]
    ]);
  });

  it('draw each metric on an axis of its own, in the colours of the runs', () => {
    const bars = barsOf(RUNS, STYLE);

    expect(bars).toMatchObject({
      columns: 2,
      data: {
        values: [
          { metric: 'loss', run: '#1', value: 1 },
          { metric: 'loss', run: '#2', value: 0.5 },
          { metric: 'n', run: '#1', value: 3 },
          { metric: 'n', run: '#2', value: 3 }
        ]
      },
      resolve: { scale: { y: 'independent' } }
    });
    expect(JSON.stringify(bars)).toContain('"range":["#00f","#f80"]');
  });

  it('set one number against another; names are titles, never fields', () => {
    const [alpha, loss] = quantitiesOf(RUNS);
    const hostile = { ...loss, name: "datum['x'])" };

    expect(
      scatterOf(RUNS, [alpha, hostile], ['alpha', hostile.name], STYLE)
    ).toMatchObject({
      data: {
        values: [
          { run: '#1', x: 0.5, y: 1 },
          { run: '#2', x: 0.1, y: 0.5 }
        ]
      },
      encoding: { y: { field: 'y', axis: { title: hostile.name } } }
    });
  });
});

describe('rows', () => {
  it('puts parameters that differ first', () => {
    expect(parameterRows(RUNS)).toEqual([
      { name: 'alpha', values: ['0.5', '0.1'], differs: true },
      { name: 'depth', values: ['6', '6'], differs: false }
    ]);
  });

  it('marks the best where the name says what is better', () => {
    expect(metricRows(RUNS)).toEqual([
      { name: 'loss', values: [1, 0.5], differs: true, best: [1] },
      { name: 'n', values: [3, 3], differs: false, best: [] }
    ]);
  });

  it('draws only what was logged along a way', () => {
    const [loss, ...rest] = curves(RUNS);

    expect(rest).toEqual([]);
    expect(loss.series.map(line => line.points)).toEqual([
      [
        [0, 2],
        [1, 1]
      ],
      [[0, 0.5]]
    ]);
  });

  it('tells a cached step from one that did not run', () => {
    const tasks = [
      task('load', { cached: true, duration_s: 3 }),
      task('train', { state: 'SKIPPED', duration_s: null })
    ];

    const rows = durationRows([{ ...RUNS[0], run: run({ tasks }) }]);

    expect(rows.map(row => row.values)).toEqual([[0], [null]]);
  });

  it('lays cells side by side', () => {
    const pairs = cellPairs(RUNS[0].pipeline, RUNS[1].pipeline);

    expect(pairs.map(pair => [pair.before?.id, pair.after?.id])).toEqual([
      ['one', 'one'],
      ['two', undefined],
      [undefined, 'three']
    ]);
  });
});

describe('betterIs', () => {
  it.each([
    ['val_loss', 'less'],
    ['testAccuracy', 'more'],
    ['rows', null],
    ['glossary', null]
  ])('%s: %s', (name, expected) => {
    expect(betterIs(name)).toBe(expected);
  });
});

describe('diffLines', () => {
  it('finds the smallest difference', () => {
    const lines = diffLines('a\nb\nc\nd', 'a\nc\nx\nd');

    expect(lines.map(line => `${line.kind} ${line.text}`)).toEqual([
      'same a',
      'gone b',
      'same c',
      'new x',
      'same d'
    ]);
  });

  it('gives up on finding what two long texts have in common', () => {
    const many = Array.from({ length: 3000 }, (_, index) => `a${index}`);
    const other = many.map(line => line.replace('a', 'b'));

    expect(align(many, other, (a, b) => a === b)).toHaveLength(6000);
  });

  it('folds away what is far from any change', () => {
    const before = Array.from({ length: 20 }, (_, index) => `line ${index}`);
    const after = before.map((line, index) => (index === 10 ? 'other' : line));

    const parts = fold(diffLines(before.join('\n'), after.join('\n')));

    expect(parts.map(part => [part.kind, part.lines.length])).toEqual([
      ['fold', 7],
      ['lines', 8],
      ['fold', 6]
    ]);
  });
});

describe('readTag', () => {
  it.each([
    ['stage=prod', ['stage', 'prod']],
    ['best', ['best', '']],
    ['url=a=b', ['url', 'a=b']],
    ['two words', null],
    ['', null]
  ])('%s', (text, expected) => {
    expect(readTag(text)).toEqual(expected);
  });
});

describe('clone form', () => {
  it('starts as the run was and gives what differs from the defaults', () => {
    const { pipeline: code } = RUNS[0];
    const first = firstClone(RUNS[0].run, code);

    expect([...first.texts]).toEqual([['alpha', '0.5']]);
    const texts = new Map([...first.texts, ['depth', '7']]);
    expect(readClone({ ...first, texts }, code.parameters)).toEqual({
      request: {
        parameters: { alpha: 0.5, depth: 7 },
        cache: true,
        until: null
      },
      problems: new Map()
    });
  });

  it('says what is no value', () => {
    const texts = new Map([['depth', 'deep']]);

    const { problems } = readClone(
      { texts, cache: true, until: null, runOn: '' },
      RUNS[0].pipeline.parameters
    );

    expect([...problems]).toEqual([['depth', 'not-an-integer']]);
  });
});
