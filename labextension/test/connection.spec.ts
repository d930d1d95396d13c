import { EventStream } from '../src/api/events';
import { Connection } from '../src/api/connection';
import { FakePlatform, until } from './platform';

describe('Connection', () => {
  it('asks for nothing before somebody needs the engine', async () => {
    const platform = new FakePlatform();

    expect(platform.connection.state).toBe('idle');
    expect(platform.requests).toEqual([]);
  });

  it('keeps the reason when the engine cannot be reached, and tries again', async () => {
    const platform = new FakePlatform();
    await platform.connection.ensure();
    expect(platform.connection.state).toBe('offline');
    expect(String(platform.connection.error)).toBe('ApiError: No engine.');

    platform.routes.set('GET engine', () => ({ last_event: 3 }));
    let resets = 0;
    platform.connection.reset.connect(() => {
      resets += 1;
    });
    await platform.connection.ensure();

    expect(platform.connection.error).toBeNull();
    expect(platform.events.lastSeq).toBe(3);
    expect(resets).toBe(1);
  });

  it('has everything loaded anew when another state directory answers', async () => {
    const platform = new FakePlatform();
    let last = 40;
    platform.routes.set('GET engine', () => ({ last_event: last }));
    const asked: (number | null)[] = [];
    let breakLine = () => {};
    const events = new EventStream({
      open: async (after, signal) => {
        asked.push(after);
        return new Response(
          new ReadableStream({
            start: controller => {
              breakLine = () => controller.close();
              signal.addEventListener('abort', () => {
                try {
                  controller.close();
                } catch {
                  // closed by the test already
                }
              });
            }
          })
        );
      },
      wait: async () => undefined
    });
    const connection = new Connection(platform.client, events);
    let resets = 0;
    connection.reset.connect(() => {
      resets += 1;
    });
    await connection.ensure();
    await until(() => events.state === 'live');

    last = 2;
    breakLine();
    await until(() => resets === 2);
    await until(() => asked.length === 3);

    expect(asked).toEqual([40, 40, 2]);
    events.dispose();
  });
});
