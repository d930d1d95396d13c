import { layOut, pathThrough } from '../src/graph/layout';

function chain(count: number) {
  const nodes = Array.from({ length: count }, (_, index) => ({
    id: `n${index}`,
    width: 200,
    height: 50
  }));
  const edges = nodes
    .slice(1)
    .map(({ id }, index) => ({ source: `n${index}`, target: id }));
  return { nodes, edges };
}

describe('layOut', () => {
  it.each([
    [3, 'down', 'y'],
    [3, 'right', 'x'],
    [300, 'down', 'y'],
    [300, 'right', 'x']
  ] as const)('puts %i nodes in order %s', (count, direction, axis) => {
    const { nodes, edges } = chain(count);

    const { positions } = layOut(nodes, edges, direction);

    const places = nodes.map(({ id }) => positions.get(id)![axis]);
    expect(places).toEqual([...places].sort((a, b) => a - b));
    expect(new Set(places).size).toBe(count);
  });

  it.each([4, 300])('leads an edge around what lies between, of %i', count => {
    const { nodes, edges } = chain(count);
    const long = { source: 'n0', target: `n${count - 1}` };
    const gone = { source: 'n0', target: 'nowhere' };

    const { bends } = layOut(nodes, [gone, ...edges, long], 'down');

    expect(bends.get(count + 1 - 1)!.length).toBeGreaterThan(0);
    expect(bends.has(0)).toBe(false);
  });

  it('lays out 500 nodes with long edges in less than a second', () => {
    const { nodes, edges } = chain(500);
    const long = nodes
      .slice(12)
      .map(({ id }, index) => ({ source: `n${index}`, target: id }));
    const start = performance.now();

    layOut(nodes, [...edges, ...long], 'down');

    expect(performance.now() - start).toBeLessThan(1000);
  });
});

it('pathThrough bends along the direction', () => {
  const points = [
    { x: 0, y: 0 },
    { x: 10, y: 20 }
  ];

  expect(pathThrough(points, 'down')).toBe('M0,0C0,10 10,10 10,20');
  expect(pathThrough(points, 'right')).toBe('M0,0C5,0 5,20 10,20');
});
