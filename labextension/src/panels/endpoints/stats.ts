import type { IDisposable } from '@lumino/disposable';
import { Poll } from '@lumino/polling';
import { Signal } from '@lumino/signaling';
import type { ISignal } from '@lumino/signaling';

import type { ApiClient } from '../../api/client';
import type { EndpointStats } from '../../api/types';

/** How endpoints have answered lately; asked for only while somebody looks. */
export class StatsModel {
  constructor(private readonly _client: ApiClient) {}

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** The last that is known of an endpoint. */
  of(name: string): EndpointStats | null {
    return this._stats.get(name) ?? null;
  }

  /**
   * Keep figures current until disposed. Of many endpoints, some are asked at a time, in turns.
   *
   * @param names The endpoints that are looked at now; none: nothing is asked.
   */
  follow(names: () => readonly string[], intervalMs: number): IDisposable {
    let turn = 0;
    const next = () => {
      const all = names();
      const begin = turn < all.length ? turn : 0;
      turn = begin + AT_ONCE;
      return all.slice(begin, turn);
    };
    return new Poll({
      name: 'mlplat:endpoint-stats',
      frequency: { interval: intervalMs, backoff: false },
      standby: () => (names().length === 0 ? true : 'when-hidden'),
      factory: () => this.read(next())
    });
  }

  /** Ask once. */
  async read(names: readonly string[]): Promise<void> {
    for (const endpoint of names) {
      try {
        this._stats.set(
          endpoint,
          await this._client.call('endpoints.stats', { endpoint })
        );
      } catch {
        // It was just stopped or deleted, or the engine is gone: that is shown by its state.
        this._stats.delete(endpoint);
      }
    }
    this._changed.emit();
  }

  private readonly _changed = new Signal<this, void>(this);
  private readonly _stats = new Map<string, EndpointStats>();
}

/** Each is a request: a long list is brought up to date bit by bit. */
const AT_ONCE = 10;
