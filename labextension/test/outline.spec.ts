import type { Task } from '../src/api/types';
import { outlineOf } from '../src/panels/runs/outline';
import { run, task } from './platform';

const inside = (parent: string, key: string, rest: Partial<Task> = {}) =>
  task(`${parent}.${key}`, {
    parent,
    path: [...parent.split('.'), key],
    state: 'SUCCEEDED',
    ...rest
  });

const loop = (size: number, rest: Partial<Task> = {}) => [
  task('load'),
  task('loop', { kind: 'loop', state: 'SUCCEEDED', path: ['loop'], ...rest }),
  ...Array.from({ length: size }, (_, index) =>
    inside('loop', `${index}`, { kind: 'iteration' })
  ),
  ...Array.from({ length: size }, (_, index) =>
    inside(`loop.${index}`, 'train')
  )
];

const shown = (
  tasks: Task[],
  toggled: [string, boolean][] = [],
  selected: string | null = null
) =>
  outlineOf(run({ tasks }), new Map(toggled), selected).map(
    row => '  '.repeat(row.depth) + row.label
  );

describe('outlineOf', () => {
  it('lists tasks below what they lie in', () => {
    expect(shown(loop(2))).toEqual([
      'load',
      'loop',
      '  0',
      '    train',
      '  1',
      '    train'
    ]);
  });

  it('shows a large loop folded at first, unless a step of it is looked at', () => {
    expect(shown(loop(300))).toEqual(['load', 'loop']);
    expect(shown(loop(300), [], 'loop.7.train')).toContain('    train');
  });

  it('opens what has failed, and keeps what was folded folded', () => {
    const failed = loop(20, { state: 'FAILED' });

    expect(shown(failed)).toHaveLength(42);
    expect(shown(failed, [['loop', false]])).toEqual(['load', 'loop']);
    expect(shown(loop(2), [['loop.0', false]])).toEqual([
      'load',
      'loop',
      '  0',
      '  1',
      '    train'
    ]);
  });

  it('counts the steps in a scope, at any depth', () => {
    const tasks = loop(3);
    tasks[tasks.length - 1] = { ...tasks[tasks.length - 1], state: 'RUNNING' };

    const rows = outlineOf(run({ tasks }), new Map(), null);

    expect(rows[0].inside).toBeNull();
    expect(rows[1].inside).toEqual({ done: 2, total: 3 });
  });
});
