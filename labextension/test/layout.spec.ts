import { isotonic, layOut, pathOf } from '../src/panels/pipeline/layout';
import type { ILayout } from '../src/panels/pipeline/layout';

function rows(layout: ILayout): string[][] {
  const result = new Map<number, string[]>();
  for (const { name, y } of layout.steps) {
    result.set(y, [...(result.get(y) ?? []), name]);
  }
  return [...result.entries()].sort((a, b) => a[0] - b[0]).map(row => row[1]);
}

const link = (from: string, to: string) => ({ from, to });

describe('layOut', () => {
  it('puts a step below all that it needs', () => {
    const layout = layOut(
      ['load', 'clean', 'plot', 'train'],
      [link('load', 'clean'), link('clean', 'plot'), link('clean', 'train')],
      300
    );

    expect(rows(layout)).toEqual([['load'], ['clean'], ['plot', 'train']]);
  });

  it.each([216, 240, 320, 600])('stays inside a panel of %i pixels', width => {
    const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
    const links = names
      .slice(1)
      .flatMap((name, index) => [link('a', name), link(names[index], name)]);

    const layout = layOut(names, links, width);

    expect(layout.width).toBe(width);
    for (const step of layout.steps) {
      expect(step.x).toBeGreaterThanOrEqual(0);
      expect(step.x + step.width).toBeLessThanOrEqual(width);
    }
  });

  it('breaks a row that has no room for its steps', () => {
    const names = ['load', 'a', 'b', 'c', 'd', 'e'];

    const layout = layOut(
      names,
      names.slice(1).map(name => link('load', name)),
      240
    );

    expect(rows(layout)).toEqual([['load'], ['a', 'b'], ['c', 'd'], ['e']]);
  });

  it('never lets two steps overlap', () => {
    const names = Array.from({ length: 40 }, (_, index) => `s${index}`);
    const links = names.flatMap((name, index) =>
      [1, 3, 7]
        .filter(gap => index + gap < names.length)
        .map(gap => link(name, names[index + gap]))
    );

    const { steps } = layOut(names, links, 400);

    for (const a of steps) {
      for (const b of steps) {
        if (a !== b && a.y === b.y) {
          expect(Math.abs(a.x - b.x)).toBeGreaterThanOrEqual(
            Math.min(a.width, b.width)
          );
        }
      }
    }
  });

  it('draws a cycle, against the order of the notebook', () => {
    const layout = layOut(['a', 'b'], [link('a', 'b'), link('b', 'a')], 240);

    expect(rows(layout)).toEqual([['a'], ['b']]);
    expect(layout.links.map(({ from, to }) => [from, to])).toEqual([
      ['a', 'b'],
      ['b', 'a']
    ]);
  });

  it('leads a line that passes a row around the steps in it', () => {
    const layout = layOut(
      ['a', 'b', 'c'],
      [link('a', 'b'), link('b', 'c'), link('a', 'c')],
      300
    );

    const between = layout.links[2].points[1];
    const step = layout.steps[1];
    expect(between.x < step.x || between.x > step.x + step.width).toBe(true);
  });

  it('ignores a line to a step that is not there', () => {
    expect(layOut(['a'], [link('a', 'gone')], 240).links).toEqual([]);
  });

  it('draws nothing for no steps', () => {
    expect(layOut([], [], 240).steps).toEqual([]);
  });
});

describe('isotonic', () => {
  it.each([
    [[], []],
    [
      [1, 2, 3],
      [1, 2, 3]
    ],
    [
      [3, 1, 2],
      [2, 2, 2]
    ],
    [
      [1, 5, 3, 7],
      [1, 4, 4, 7]
    ]
  ])('%j becomes %j', (wanted, found) => {
    expect(isotonic(wanted)).toEqual(found);
  });
});

describe('pathOf', () => {
  it('goes straight down in a lane and bends between lanes', () => {
    const path = pathOf([
      { x: 10, y: 0 },
      { x: 30, y: 20 },
      { x: 30, y: 60 }
    ]);

    expect(path).toBe('M10,0C10,10 30,10 30,20V60');
  });
});
