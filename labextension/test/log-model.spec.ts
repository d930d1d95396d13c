import { LogModel, overwrite, readTail } from '../src/panels/runs/log-model';
import { FakePlatform, task, until } from './platform';

/** Serve growing files as the engine does. */
function serve(
  platform: FakePlatform
): Record<'stdout' | 'stderr' | 'order', string> {
  const files = { stdout: '', stderr: '', order: '' };
  platform.routes.set('GET runs/r/steps/s/log', ({ search }) => {
    const bytes = new TextEncoder().encode(
      files[search.get('stream') as keyof typeof files]
    );
    const offset = Number(search.get('offset'));
    const piece = bytes.slice(offset, offset + Number(search.get('limit')));
    return new Response(piece, {
      headers: { 'X-Log-Size': String(bytes.length) }
    });
  });
  return files;
}

describe('LogModel', () => {
  it('follows both streams as they grow', async () => {
    const platform = new FakePlatform();
    const files = serve(platform);
    files.stdout = 'one\ntw';
    const log = new LogModel(platform.connection, 'r', 's');
    await until(() => log.lines.length === 2);

    files.stdout += 'o\nthree\n';
    files.stderr = 'careful\n';
    platform.send('log.appended', 'r', { run_id: 'r', step: 's' });
    await until(() => log.lines.length === 4);

    expect(log.lines.map(line => [line.stream, line.text])).toEqual([
      ['stdout', 'one'],
      ['stdout', 'two'],
      ['stdout', 'three'],
      ['stderr', 'careful']
    ]);
    log.dispose();
  });

  it('shows lines in the order in which they were written', async () => {
    const platform = new FakePlatform();
    const files = serve(platform);
    files.stdout = 'Größe\ntwo\n';
    files.stderr = 'careful\n';
    files.order = 'stdout 8\nstderr 8\n';
    const log = new LogModel(platform.connection, 'r', 's');
    await until(() => log.lines.length === 3);

    files.stdout += 'three';
    files.stderr += 'stop\n';
    files.order += 'stdout 17\n';
    platform.send('log.appended', 'r', { run_id: 'r', step: 's' });
    await until(() => log.lines.length === 5);

    expect(log.lines.map(line => line.text)).toEqual([
      'Größe',
      'careful',
      'two',
      'stop',
      'three'
    ]);
    expect(log.lines.map(line => line.number)).toEqual([1, 2, 3, 4, 5]);
    const tail = await readTail(platform.connection, 'r', 's', 4);
    expect(tail.map(line => line.text)).toEqual([
      'careful',
      'two',
      'three',
      'stop'
    ]);
    log.dispose();
  });

  it('keeps the newest lines and counts the others', async () => {
    const platform = new FakePlatform();
    serve(platform).stdout = 'a\nb\nc\nd\n';
    const log = new LogModel(platform.connection, 'r', 's', {
      lines: 2,
      bytes: 1000
    });

    await until(() => log.lines.length > 0);

    expect(log.lines.map(line => [line.number, line.text])).toEqual([
      [3, 'c'],
      [4, 'd']
    ]);
    expect(log.droppedLines).toBe(2);
    log.dispose();
  });

  it('begins anew when a new attempt writes a new file', async () => {
    const platform = new FakePlatform();
    const files = serve(platform);
    files.stdout = 'first attempt\n';
    const log = new LogModel(platform.connection, 'r', 's');
    await until(() => log.lines.length === 1);

    files.stdout = 'second\n';
    platform.send('log.appended', 'r', { run_id: 'r', step: 's' });
    await until(() => log.lines[0].text === 'second');

    expect(log.lines.map(line => line.text)).toEqual(['second']);
    log.dispose();
  });

  it('leaves the log of an earlier attempt even where the new one is longer', async () => {
    const platform = new FakePlatform();
    const files = serve(platform);
    files.stdout = 'first\n';
    const log = new LogModel(platform.connection, 'r', 's');
    log.follow(task('s', { attempt: 1 }));
    await until(() => log.lines.length === 1);

    files.stdout = 'the second attempt\nwrites more\n';
    platform.send('task.updated', 's', {
      run_id: 'r',
      task: task('s', { attempt: 2 })
    });
    await until(() => log.lines.length === 2);

    expect(log.lines[0].text).toBe('the second attempt');
    log.dispose();
  });

  it('reads only the end of a log that is too long to be shown', async () => {
    const platform = new FakePlatform();
    serve(platform).stdout = 'x'.repeat(95) + '\nlast\n';
    const log = new LogModel(platform.connection, 'r', 's', {
      lines: 10,
      bytes: 10
    });

    await until(() => log.lines.length > 0);

    expect(log.lines.map(line => line.text)).toEqual(['last']);
    expect(log.skippedBytes).toBe(95);
    log.dispose();
  });

  it('guesses levels across lines and streams', async () => {
    const platform = new FakePlatform();
    const files = serve(platform);
    files.stdout = 'WARNING:root:careful\n  still careful\nplain\n';
    files.stderr = '\x1b[31mERROR\x1b[0m: broken\n';
    const log = new LogModel(platform.connection, 'r', 's');

    await until(() => log.lines.length === 4);

    expect(log.lines.map(line => line.level)).toEqual([
      'warning',
      'warning',
      null,
      'error'
    ]);
    expect(log.lines[3].plain).toBe('ERROR: broken');
    log.dispose();
  });
});

describe('readTail', () => {
  it('shares the room between the streams, and gives what one leaves to the other', async () => {
    const platform = new FakePlatform();
    const files = serve(platform);
    files.stdout = 'a\nb\nc\nd\ne\n';
    files.stderr = 'x\n';

    const tail = await readTail(platform.connection, 'r', 's', 4);

    expect(tail.map(line => line.text)).toEqual(['c', 'd', 'e', 'x']);
  });
});

describe('overwrite', () => {
  it.each([
    ['plain', 'plain'],
    ['10%\r50%\r100%', '100%'],
    ['windows\r', 'windows']
  ])('%j shows %j', (text, shown) => {
    expect(overwrite(text)).toBe(shown);
  });
});
