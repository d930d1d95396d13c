import { align, smooth } from '../src/charts/series';

describe('align', () => {
  it('puts lines over one axis, in order, with gaps', () => {
    const columns = align([
      { points: [[2, 20], [1, 10]] }, // prettier-ignore
      { points: [[2, 5], [3, 6]] } // prettier-ignore
    ]);

    expect(columns).toEqual([
      [1, 2, 3],
      [10, 20, null],
      [null, 5, 6]
    ]);
  });

  it('takes the last of two values at one place', () => {
    expect(align([{ points: [[1, 4], [1, 5]] }])).toEqual([[1], [5]]); // prettier-ignore
  });

  it('leaves out what cannot be drawn', () => {
    const points = [[1, NaN], [2, -1], [3, 0.1]] as const; // prettier-ignore

    expect(align([{ points }])[1]).toEqual([null, -1, 0.1]);
    expect(align([{ points }], true)[1]).toEqual([null, null, 0.1]);
  });
});

describe('smooth', () => {
  it('does not pull the first values to zero', () => {
    expect(smooth([4, 4, null, 4], 0.9)).toEqual([4, 4, null, 4].map(near));
  });

  it('weighs what came before', () => {
    expect(smooth([0, 1], 0.5)[1]).toBeCloseTo(2 / 3);
  });
});

function near(value: number | null): unknown {
  return value === null ? null : expect.closeTo(value);
}
