import { LogModel, overwrite } from '../src/panels/runs/log-model';
import { FakePlatform, until } from './platform';

/** Serve two growing files as the engine does. */
function serve(platform: FakePlatform): { stdout: string; stderr: string } {
  const files = { stdout: '', stderr: '' };
  platform.routes.set('GET runs/r/steps/s/log', ({ search }) => {
    const bytes = new TextEncoder().encode(
      files[search.get('stream') as 'stdout' | 'stderr']
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

  it('keeps the newest lines and counts the others', async () => {
    const platform = new FakePlatform();
    serve(platform).stdout = 'a\nb\nc\nd\n';
    const log = new LogModel(platform.connection, 'r', 's', 2);

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
