import { NO_LEVEL, guessLevel } from '../src/panels/runs/log-level';

const of = (...lines: string[]) => {
  let state = NO_LEVEL;
  return lines.map(line => (state = guessLevel(line, state)).level);
};

describe('guessLevel', () => {
  it.each([
    ['INFO:root:started', 'info'],
    ['ERROR:model:diverged', 'error'],
    ['2026-11-20 12:00:00,123 - trainer - WARNING - slow', 'warning'],
    ['2026-11-20 12:00:00.123 | DEBUG    | __main__:fit:3 - epoch', 'debug'],
    ['2026-11-20 12:00:00.123 | SUCCESS  | __main__:fit:3 - done', 'info'],
    ['[I 2026-11-20 12:00:00.123 ServerApp] ready', 'info'],
    ['[2026-11-20 12:00:00,123][root][ERROR] - no', 'error'],
    ['[WARNING] careful', 'warning'],
    ['E1120 12:00:00.123 1 x.cc:1] broken', 'error'],
    ['time=2026 level=warn msg=careful', 'warning'],
    ['{"level": "error", "msg": "x"}', 'error'],
    ['/tmp/a.py:3: UserWarning: careful', 'warning'],
    ['ValueError: no', 'error'],
    ['Segmentation fault (core dumped)', 'error'],
    ['epoch 3 loss 0.1', null],
    ['no ERROR was found', null],
    ['Information: INFO is a word', null],
    ['2026 was a good year for INFOrmation', null]
  ])('%s: %s', (line, level) => {
    expect(of(line)).toEqual([level]);
  });

  it('takes a traceback as one error, up to the line that names it', () => {
    expect(
      of(
        'Traceback (most recent call last):',
        '  File "a.py", line 1, in <module>',
        '    1 / 0',
        'ZeroDivisionError: division by zero',
        'epoch 2'
      )
    ).toEqual(['error', 'error', 'error', 'error', null]);
  });
});
