import type { Endpoint, Traffic } from '../../api/types';

/** Percent by revision number: whole numbers that sum to 100. */
export type Split = ReadonlyMap<number, number>;

/** A split that is being changed. */
export interface ISplitDraft {
  readonly split: Split;

  /** The revision that is being moved, and the split from before its first move. */
  readonly moved: { revision: number; from: Split } | null;
}

/** The split in force, with a zero for every revision that has no traffic. */
export function splitOf(endpoint: Endpoint): Split {
  const split = new Map(endpoint.revisions.map(({ number }) => [number, 0]));
  for (const { revision, percent } of endpoint.traffic) {
    split.set(revision, percent);
  }
  return split;
}

/** What the engine is told: those who get anything. */
export function trafficOf(split: Split): Traffic[] {
  return [...split]
    .filter(([, percent]) => percent > 0)
    .map(([revision, percent]) => ({ revision, percent }));
}

export function isSame(a: Split, b: Split): boolean {
  return JSON.stringify(trafficOf(a)) === JSON.stringify(trafficOf(b));
}

/**
 * Give one revision a share; the others keep their proportions in what is left. However often it is
 * moved, the proportions are those from before its first move: to 100 and back loses nothing.
 */
export function move(
  draft: ISplitDraft,
  revision: number,
  percent: number
): ISplitDraft {
  const from =
    draft.moved?.revision === revision ? draft.moved.from : draft.split;
  const others = [...from].filter(([number]) => number !== revision);
  if (others.length === 0) {
    return draft;
  }
  const total = others.reduce((sum, [, share]) => sum + share, 0);
  // Nobody else has any: the newest of the others takes what is left.
  const newest = Math.max(...others.map(([number]) => number));
  const weights = others.map(([number, share]) =>
    total > 0 ? share : Number(number === newest)
  );
  const shares = apportion(weights, 100 - percent);
  const split = new Map(others.map(([number], i) => [number, shares[i]]));
  split.set(revision, percent);
  return {
    split: new Map([...split].sort(([a], [b]) => a - b)),
    moved: { revision, from }
  };
}

/** Divide a whole by weights into whole numbers: largest remainders get the last units. */
export function apportion(weights: readonly number[], total: number): number[] {
  const sum = weights.reduce((a, b) => a + b, 0);
  const exact = weights.map(weight => (weight * total) / sum);
  const shares = exact.map(Math.floor);
  const left = total - shares.reduce((a, b) => a + b, 0);
  const byRemainder = exact
    .map((share, i) => ({ i, remainder: share - shares[i] }))
    .sort((a, b) => b.remainder - a.remainder || a.i - b.i);
  for (const { i } of byRemainder.slice(0, left)) {
    shares[i] += 1;
  }
  return shares;
}

/** Read a number field as whole percents. */
export function percentOf(text: string): number {
  const value = Math.round(Number(text));
  return Number.isFinite(value) ? Math.min(100, Math.max(0, value)) : 0;
}
