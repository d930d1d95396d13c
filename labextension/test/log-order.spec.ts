import { LogOrder } from '../src/panels/runs/log-order';

const ALL = { stdout: 1000, stderr: 1000 };

function orderOf(turns: string): LogOrder<string> {
  const order = new LogOrder<string>();
  order.push('stdout', 2, 'a');
  order.push('stdout', 4, 'b');
  order.push('stderr', 2, 'X');
  order.push('stderr', 4, 'Y');
  order.read(turns);
  return order;
}

describe('LogOrder', () => {
  it.each([
    ['', 'abXY'],
    ['stdout 2\n', 'aXYb'],
    ['stdout 2\nstderr 2\n', 'aXbY'],
    ['stderr 2\nstdout 4\n', 'XabY'],
    ['stderr 4\n', 'XYab'],
    // A line that was begun before the turn is placed where it ended.
    ['stdout 3\nstderr 4\n', 'aXYb'],
    // The end of the record is still being written.
    ['stdout 2\nstde', 'aXYb']
  ])('after %j', (turns, expected) => {
    const taken = orderOf(turns).take(ALL);

    expect(taken.map(([, line]) => line).join('')).toBe(expected);
  });

  it('waits for what has not been read yet', () => {
    const order = orderOf('stdout 6\n');
    const read = { stdout: 4, stderr: 4 };

    expect(order.take(read).map(([, line]) => line)).toEqual(['a', 'b']);
    expect(order.isWaiting(read)).toBe(true);
    order.push('stdout', 6, 'c');
    const next = order.take({ ...read, stdout: 6 });

    expect(next.map(([, line]) => line)).toEqual(['c', 'X', 'Y']);
  });

  it('gives all there is when there is nothing to wait for', () => {
    const order = orderOf('stdout 6\n');

    expect(order.take({ stdout: 4, stderr: 4 }, true)).toHaveLength(4);
  });
});
