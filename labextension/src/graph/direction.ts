import type { Direction } from './layout';

/**
 * Which way a graph fits a screen best: downwards with few nodes side by side, to the right with many.
 *
 * @param card - The size of a node, gaps included.
 */
export function bestDirection(
  nodes: readonly { id: string }[],
  edges: readonly { source: string; target: string }[],
  card: { width: number; height: number }
): Direction {
  const layers = new Map(nodes.map(({ id }) => [id, 0]));
  // Each pass sets right one more layer; a circle would never end.
  for (let pass = 0, isSettled = false; !isSettled && pass < 64; pass++) {
    isSettled = true;
    for (const { source, target } of edges) {
      const least = (layers.get(source) ?? 0) + 1;
      if (layers.has(target) && (layers.get(target) ?? 0) < least) {
        layers.set(target, least);
        isSettled = false;
      }
    }
  }
  const widths = new Map<number, number>();
  layers.forEach(layer => widths.set(layer, (widths.get(layer) ?? 0) + 1));
  const [length, width] = [widths.size, Math.max(0, ...widths.values())];
  const scale = (across: number, down: number) =>
    Math.min(SCREEN.width / across, SCREEN.height / down);
  return scale(width * card.width, length * card.height) >=
    scale(length * card.width, width * card.height)
    ? 'down'
    : 'right';
}

/** What a graph in the main area has, about. */
const SCREEN = { width: 1000, height: 700 };
