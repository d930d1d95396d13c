import { EventParser, EventStream, backoffMs } from '../src/api/events';
import type { Event } from '../src/api/types';
import { TIME, until } from './platform';

function text(seq: number): string {
  const event = {
    seq,
    kind: 'run.updated',
    subject: 'r',
    data: {},
    time: TIME
  };
  return `id: ${seq}\nevent: run.updated\ndata: ${JSON.stringify(event)}\n\n`;
}

/** A body that brings its pieces and then ends, or stays open. */
function body(pieces: string[], isOpen = false): Response {
  return new Response(
    new ReadableStream({
      start: controller => {
        const encoder = new TextEncoder();
        pieces.forEach(piece => controller.enqueue(encoder.encode(piece)));
        if (!isOpen) {
          controller.close();
        }
      }
    })
  );
}

function record(stream: EventStream): number[] {
  const seen: number[] = [];
  stream.received.connect((_: unknown, event: Event) => {
    seen.push(event.seq);
  });
  return seen;
}

describe('EventParser', () => {
  it('finds events wherever the pieces are cut, and skips comments', () => {
    const whole = `: still here\n\n${text(1)}${text(2)}`;
    const parser = new EventParser();

    const events = [...whole].flatMap(letter => parser.push(letter));

    expect(events.map(event => event.seq)).toEqual([1, 2]);
  });
});

describe('EventStream', () => {
  it('goes on after the last event it saw when the line breaks', async () => {
    const asked: (number | null)[] = [];
    const answers = [body([text(5), text(6)]), body([text(7)], true)];
    const stream = new EventStream({
      open: async after => {
        asked.push(after);
        return answers.shift()!;
      },
      wait: async () => undefined
    });
    const seen = record(stream);

    stream.start(4);
    await until(() => seen.length === 3);

    expect(asked).toEqual([4, 6]);
    expect(seen).toEqual([5, 6, 7]);
    stream.dispose();
  });

  it('drops an event that comes twice', async () => {
    const stream = new EventStream({
      open: async () => body([text(5), text(5), text(4), text(6)], true)
    });
    const seen = record(stream);

    stream.start(4);
    await until(() => seen.length === 2);

    expect(seen).toEqual([5, 6]);
    stream.dispose();
  });

  it('waits longer after each failure and tells that it is offline', async () => {
    const waits: number[] = [];
    const stream = new EventStream({
      open: async () => {
        throw new Error('refused');
      },
      wait: async ms => {
        waits.push(ms);
        if (waits.length === 3) {
          await new Promise(() => {});
        }
      }
    });

    stream.start(0);
    await until(() => waits.length === 3);

    expect(waits).toEqual([500, 1000, 2000]);
    expect(stream.state).toBe('offline');
    stream.dispose();
  });

  it('tells when another state directory answers', () => {
    const stream = new EventStream({ open: () => new Promise(() => {}) });
    let restarts = 0;
    stream.restarted.connect(() => {
      restarts += 1;
    });
    stream.start(40);

    stream.reconcile(41);
    stream.reconcile(3);

    expect(restarts).toBe(1);
    expect(stream.lastSeq).toBe(3);
    stream.dispose();
  });
});

describe('backoffMs', () => {
  it('ends at fifteen seconds', () => {
    expect([0, 1, 4, 5, 50].map(backoffMs)).toEqual([
      500, 1000, 8000, 15000, 15000
    ]);
  });
});
