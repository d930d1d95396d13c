import type { ISized, Positions } from './layout';

/** A direction on the screen. */
export type Way = 'up' | 'down' | 'left' | 'right' | 'first' | 'last';

/** The direction that a key means; null for other keys. */
export function keyWay(key: string): Way | null {
  return KEYS.get(key) ?? null;
}

const KEYS: ReadonlyMap<string, Way> = new Map([
  ['ArrowUp', 'up'],
  ['ArrowDown', 'down'],
  ['ArrowLeft', 'left'],
  ['ArrowRight', 'right'],
  ['Home', 'first'],
  ['End', 'last']
]);

/** The nearest node in a direction; what lies aside counts more than what lies ahead. */
export function walk(
  nodes: readonly ISized[],
  positions: Positions,
  from: string,
  way: Way
): string | null {
  if (way === 'first' || way === 'last') {
    return nodes.at(way === 'first' ? 0 : -1)?.id ?? null;
  }
  const sizes = new Map(nodes.map(node => [node.id, node]));
  const centre = (id: string) => {
    const place = positions.get(id);
    const size = sizes.get(id);
    return place && size
      ? { x: place.x + size.width / 2, y: place.y + size.height / 2 }
      : null;
  };
  const start = centre(from);
  let best: { id: string; cost: number } | null = null;
  for (const { id } of nodes) {
    const there = centre(id);
    if (id === from || start === null || there === null) {
      continue;
    }
    const [dx, dy] = [there.x - start.x, there.y - start.y];
    const [ahead, aside] = {
      up: [-dy, dx],
      down: [dy, dx],
      left: [-dx, dy],
      right: [dx, dy]
    }[way];
    const cost = ahead + 2 * Math.abs(aside);
    if (ahead > 1 && (best === null || cost < best.cost)) {
      best = { id, cost };
    }
  }
  return best?.id ?? null;
}
