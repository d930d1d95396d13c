import { rowAt, tabAt } from '../src/components/walking';
import { keyWay, walk } from '../src/graph/walking';
import type { Way } from '../src/graph/walking';

const NODES = ['a', 'b', 'c', 'd'].map(id => ({ id, width: 10, height: 10 }));
/** `a` above `b` and `c`, which stand side by side; `d` below `c`. */
const POSITIONS = new Map([
  ['a', { x: 20, y: 0 }],
  ['b', { x: 0, y: 50 }],
  ['c', { x: 40, y: 50 }],
  ['d', { x: 40, y: 100 }]
]);

describe('walk', () => {
  it.each<[string, Way, string | null]>([
    ['a', 'down', 'b'],
    ['b', 'right', 'c'],
    ['c', 'left', 'b'],
    ['c', 'down', 'd'],
    ['d', 'up', 'c'],
    ['a', 'up', null],
    ['d', 'first', 'a'],
    ['a', 'last', 'd']
  ])('from %s %s to %s', (from, way, to) => {
    expect(walk(NODES, POSITIONS, from, way)).toBe(to);
  });

  it('knows its keys', () => {
    expect([keyWay('ArrowUp'), keyWay('a')]).toEqual(['up', null]);
  });
});

describe('rowAt', () => {
  it.each<[string, number, number | null]>([
    ['ArrowDown', 3, 4],
    ['ArrowUp', 0, 0],
    ['PageDown', 95, 99],
    ['PageUp', 50, 40],
    ['Home', 50, 0],
    ['End', 50, 99],
    ['x', 50, null]
  ])('%s from row %s of 100', (key, from, to) => {
    expect(rowAt(key, from, 100, 10)).toBe(to);
  });
});

describe('tabAt', () => {
  it('goes round, and to both ends', () => {
    expect(
      ['ArrowRight', 'ArrowLeft', 'Home', 'End', 'Tab'].map(key =>
        tabAt(key, 2, 3)
      )
    ).toEqual([0, 1, 0, 2, null]);
  });
});
