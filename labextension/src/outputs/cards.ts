import type { IDisposable } from '@lumino/disposable';

import type { Connection } from '../api/connection';
import { Throttle } from '../api/throttle';
import type { Event } from '../api/types';

/** What a card shows: a run, or one step of it that is a job. */
export interface IAddress {
  readonly run: string;
  readonly step?: string;

  /** What opens it in the panel. */
  readonly link?: string;
}

/** A card without scripts, by MIME type. */
export type Twin = Readonly<Record<string, string>>;

/** Draws the card of a run as it is now. */
export type Draw = (address: IAddress) => Promise<Twin>;

/** Cards whose kernel is gone, or not there yet: drawn by the server, as often as the engine says more. */
export class Cards {
  constructor(
    private readonly _connection: Connection,
    private readonly _draw: Draw
  ) {}

  /** Show a card as it is, now and whenever it changes, until the answer is disposed of. */
  follow(address: IAddress, show: (twin: Twin) => void): IDisposable {
    const { events, reset } = this._connection;
    const look = new Throttle(async () => {
      try {
        const twin = await this._draw(address);
        if (!look.isDisposed) {
          show(twin);
        }
      } catch {
        // The run is gone or the engine is: the last picture stands.
      }
    }, REDRAW_MS);
    const ask = () => look.request();
    const hear = (_: unknown, { subject, data }: Event) => {
      if (subject === address.run || data.run_id === address.run) {
        ask();
      }
    };
    events.received.connect(hear);
    reset.connect(ask);
    ask();
    return {
      get isDisposed() {
        return look.isDisposed;
      },
      dispose: () => {
        events.received.disconnect(hear);
        reset.disconnect(ask);
        look.dispose();
      }
    };
  }
}

/** Read what an output says of itself; null: nothing that could be drawn anew. */
export function readAddress(said: unknown): IAddress | null {
  const { run, step, link } = (said ?? {}) as Record<string, unknown>;
  if (typeof run !== 'string' || !/^[A-Za-z0-9-]+$/.test(run)) {
    return null;
  }
  return {
    run,
    ...(typeof step === 'string' ? { step } : {}),
    ...(typeof link === 'string' ? { link } : {})
  };
}

const REDRAW_MS = 1000;
