import { joinCells, stateBefore } from '../src/notebook/restoring';
import { failure, pipeline, run, step, task } from './platform';

const made = pipeline([
  step('load', { a: 'x = 1' }),
  step('train', { b: 'y = x', c: '1 / 0', d: 'print(y)' })
]);

describe('stateBefore', () => {
  it('restores by the run and goes up to the cell that failed', () => {
    const failed = run({
      id: 'run-01abc',
      number: 7,
      tasks: [
        task('load', { state: 'SUCCEEDED' }),
        task('train', { state: 'FAILED', failure: failure({ cell: 'c' }) })
      ]
    });

    expect(stateBefore(failed, made, 'train')).toEqual({
      name: 'before train of run 7',
      kernel: 'python3',
      code: '%load_ext jupyter_mlplat\n%mlplat restore run-01abc --step train',
      cells: ['y = x', '1 / 0']
    });
  });

  it('has all cells of a step that did not fail at one', () => {
    expect(stateBefore(run(), made, 'train').cells).toHaveLength(3);
  });

  it('refuses other languages by name', () => {
    expect(() =>
      stateBefore(run(), { ...made, language: 'julia' }, 'train')
    ).toThrow('julia');
  });
});

describe('joinCells', () => {
  it.each([
    [['a\n', 'b'], 'a\n\nb'],
    [['a'], 'a'],
    [['%%time\na', 'b'], 'b'],
    [[], '']
  ])('%j: %j', (cells, expected) => {
    expect(joinCells(cells)).toBe(expected);
  });
});
