/** A line of a difference: in both, gone, or new. */
export interface IDiffLine {
  kind: 'same' | 'gone' | 'new';
  text: string;
}

/** Lines that are shown, or a stretch of equal lines that is folded away. */
export type DiffPart =
  { kind: 'lines'; lines: IDiffLine[] } | { kind: 'fold'; lines: IDiffLine[] };

/** The smallest difference between two texts, line by line. */
export function diffLines(before: string, after: string): IDiffLine[] {
  return align(before.split('\n'), after.split('\n'), (a, b) => a === b).map(
    ([gone, fresh]): IDiffLine =>
      gone !== null && fresh !== null
        ? { kind: 'same', text: fresh }
        : gone !== null
          ? { kind: 'gone', text: gone }
          : { kind: 'new', text: fresh as string }
  );
}

/**
 * Lay two sequences side by side so that as many members as possible stand beside their like: the
 * longest common subsequence, by dynamic programming over what is between the common ends.
 */
export function align<T>(
  before: readonly T[],
  after: readonly T[],
  isLike: (a: T, b: T) => boolean
): [T | null, T | null][] {
  let start = 0;
  while (
    start < Math.min(before.length, after.length) &&
    isLike(before[start], after[start])
  ) {
    start += 1;
  }
  let [endA, endB] = [before.length, after.length];
  while (
    endA > start &&
    endB > start &&
    isLike(before[endA - 1], after[endB - 1])
  ) {
    endA -= 1;
    endB -= 1;
  }
  const pairs: [T | null, T | null][] = [];
  for (let index = 0; index < start; index++) {
    pairs.push([before[index], after[index]]);
  }
  pairs.push(
    ...middle(before.slice(start, endA), after.slice(start, endB), isLike)
  );
  for (let index = 0; index < before.length - endA; index++) {
    pairs.push([before[endA + index], after[endB + index]]);
  }
  return pairs;
}

function middle<T>(
  before: readonly T[],
  after: readonly T[],
  isLike: (a: T, b: T) => boolean
): [T | null, T | null][] {
  const [rows, columns] = [before.length, after.length];
  if (rows * columns > LARGEST_TABLE) {
    // Nobody reads a difference of thousands of changed lines: all of one, then all of the other.
    return [
      ...before.map((item): [T | null, T | null] => [item, null]),
      ...after.map((item): [T | null, T | null] => [null, item])
    ];
  }
  const width = columns + 1;
  const lengths = new Uint32Array((rows + 1) * width); // of what is common from here on
  for (let a = rows - 1; a >= 0; a--) {
    for (let b = columns - 1; b >= 0; b--) {
      lengths[a * width + b] = isLike(before[a], after[b])
        ? lengths[(a + 1) * width + b + 1] + 1
        : Math.max(lengths[(a + 1) * width + b], lengths[a * width + b + 1]);
    }
  }
  const pairs: [T | null, T | null][] = [];
  let [a, b] = [0, 0];
  while (a < rows || b < columns) {
    if (a < rows && b < columns && isLike(before[a], after[b])) {
      pairs.push([before[a++], after[b++]]);
    } else if (
      b === columns ||
      (a < rows && lengths[(a + 1) * width + b] >= lengths[a * width + b + 1])
    ) {
      pairs.push([before[a++], null]);
    } else {
      pairs.push([null, after[b++]]);
    }
  }
  return pairs;
}

/** Fold away what is equal, but for some lines around what is not. */
export function fold(lines: readonly IDiffLine[], context = 3): DiffPart[] {
  const isNear = lines.map((_, index) =>
    lines
      .slice(Math.max(0, index - context), index + context + 1)
      .some(line => line.kind !== 'same')
  );
  const parts: DiffPart[] = [];
  lines.forEach((line, index) => {
    const kind = isNear[index] ? 'lines' : 'fold';
    const last = parts.at(-1);
    if (last?.kind === kind) {
      last.lines.push(line);
    } else {
      parts.push({ kind, lines: [line] });
    }
  });
  return parts;
}

/** Four million cells of four bytes: a tenth of a second, and two thousand lines a side. */
const LARGEST_TABLE = 4_000_000;
