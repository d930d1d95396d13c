import type { IDisposable } from '@lumino/disposable';
import { Signal } from '@lumino/signaling';
import type { ISignal } from '@lumino/signaling';

import type { Connection } from '../../api/connection';
import type { EventStream } from '../../api/events';
import { LiveList } from '../../api/live-list';
import type { Event, Firing, ScheduleStatus } from '../../api/types';
import { draftOf, newDraft } from './draft';
import { ScheduleForm } from './form-model';

/** The list of schedules, live, the one that is open with its history, and the form. */
export class SchedulesModel implements IDisposable {
  /** @param zone - The reader's time zone, as IANA names it. */
  constructor(
    readonly connection: Connection,
    readonly zone: string
  ) {
    this._list = new LiveList<ScheduleStatus>({
      load: async () =>
        (await connection.client.call('schedules.list', {})).schedules,
      nameOf: ({ schedule }) => schedule.name,
      compare: byNext,
      onChanged: () => this._changed.emit()
    });
    connection.reset.connect(this._onReset, this);
    connection.events.received.connect(this._onEvent, this);
  }

  /** The list, the selection, the history or the form changed. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** All schedules: the next to fire first, then those that wait for something else. */
  get schedules(): readonly ScheduleStatus[] {
    return this._list.items;
  }

  get isLoading(): boolean {
    return this._list.isLoading;
  }

  get error(): unknown {
    return this._list.error;
  }

  /** How many schedules failed the last time. */
  get troubledCount(): number {
    return this.schedules.filter(({ last }) => last?.state === 'FAILED').length;
  }

  /** The schedule that is open. */
  get selected(): ScheduleStatus | null {
    return this._open === null ? null : this._list.find(this._open);
  }

  /** What became of the times of the open schedule, the newest first. */
  get firings(): readonly Firing[] {
    return this._firings;
  }

  /** Whether older firings can be had. */
  get hasMore(): boolean {
    return this._before !== null;
  }

  /** The form, while it is open. */
  get form(): ScheduleForm | null {
    return this._form;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  /** Open a schedule; null goes back to the list. */
  open(name: string | null): void {
    this._setForm(null);
    if (name !== this._open) {
      this._open = name;
      this._firings = [];
      this._before = null;
      if (name !== null) {
        void this._loadFirings();
      }
    }
    this._changed.emit();
  }

  /** Begin a new schedule. */
  compose(path: string): void {
    this._setForm(new ScheduleForm(this.connection, newDraft(path, this.zone)));
  }

  /** Begin to change a schedule. */
  edit(name: string): void {
    const found = this._list.find(name);
    if (found) {
      this._setForm(
        new ScheduleForm(this.connection, draftOf(found.schedule, this.zone))
      );
    }
  }

  putFormAway(): void {
    this._setForm(null);
    this._changed.emit();
  }

  /** Save what the form says, and show the schedule; false when that was refused. */
  async save(): Promise<boolean> {
    const form = this._form;
    const saved = await form?.save();
    if (!saved || form !== this._form) {
      return false;
    }
    this._list.put(saved);
    this.open(saved.schedule.name);
    return true;
  }

  /** Let a schedule fire no more, or again. Shown at once, and taken back when it is refused. */
  async pause(name: string, paused: boolean): Promise<void> {
    const before = this._list.find(name);
    if (before) {
      const schedule = { ...before.schedule, paused };
      this._list.put({ ...before, schedule, next: [] });
    }
    const route = paused ? 'schedules.pause' : 'schedules.resume';
    try {
      this._list.put(
        await this.connection.client.call(route, { schedule: name })
      );
    } catch (error) {
      if (before) {
        this._list.put(before);
      }
      throw error;
    }
  }

  /** Fire now, whatever is planned. */
  async runNow(name: string, key: string): Promise<readonly Firing[]> {
    const { firings } = await this.connection.client.call(
      'schedules.run',
      { schedule: name },
      undefined,
      { headers: { 'Idempotency-Key': key } }
    );
    firings.forEach(firing => this._take(firing));
    this._changed.emit();
    return firings;
  }

  /** Fire the planned times of a stretch of the past; with `dry`, only say which. */
  async backfill(
    name: string,
    start: string,
    end: string,
    isDry: boolean
  ): Promise<readonly Firing[]> {
    const { firings } = await this.connection.client.call(
      'schedules.backfill',
      { schedule: name },
      { start, end, dry_run: isDry }
    );
    return firings;
  }

  async delete(name: string): Promise<void> {
    await this.connection.client.call('schedules.delete', { schedule: name });
    this._remove(name);
  }

  load(): Promise<void> {
    return this._list.load();
  }

  /** Get older firings of the open schedule. */
  async loadMore(): Promise<void> {
    if (this._before !== null) {
      await this._loadFirings(this._before);
    }
  }

  dispose(): void {
    if (this._isDisposed) {
      return;
    }
    this._isDisposed = true;
    this._form?.dispose();
    this.connection.reset.disconnect(this._onReset, this);
    this.connection.events.received.disconnect(this._onEvent, this);
    Signal.clearData(this);
  }

  private _setForm(form: ScheduleForm | null): void {
    this._form?.dispose();
    this._form = form;
    this._changed.emit();
  }

  private async _loadFirings(before: string | null = null): Promise<void> {
    const name = this._open ?? '';
    try {
      const page = await this.connection.client.call(
        'schedules.firings',
        { schedule: name },
        undefined,
        { query: { before } }
      );
      if (name !== this._open) {
        return;
      }
      // What an event has told meanwhile is newer than the page.
      const told = this._firings;
      this._firings =
        before === null ? page.firings : [...told, ...page.firings];
      if (before === null) {
        [...told].reverse().forEach(firing => this._take(firing));
      }
      this._before = page.next;
      this._changed.emit();
    } catch (error) {
      this._list.fail(error);
    }
  }

  private _onReset(): void {
    void this.load();
    if (this._open !== null) {
      void this._loadFirings();
    }
  }

  private _onEvent(_: EventStream, event: Event): void {
    switch (event.kind) {
      case 'schedule.updated':
        void this._refresh(event.subject);
        break;
      case 'schedule.deleted':
        this._remove(event.subject);
        break;
      case 'schedule.fired':
        this._take(event.data as unknown as Firing);
        void this._refresh((event.data as unknown as Firing).schedule);
        this._changed.emit();
        break;
    }
  }

  /** Ask for a schedule with what follows from it now: its next times are the engine's to say. */
  private async _refresh(name: string): Promise<void> {
    try {
      this._list.put(
        await this.connection.client.call('schedules.get', { schedule: name })
      );
    } catch {
      // It is gone, or nobody answers: what comes next tells.
    }
  }

  /** Put a firing where it belongs in the history that is shown. */
  private _take(firing: Firing): void {
    if (firing.schedule !== this._open) {
      return;
    }
    const index = this._firings.findIndex(
      ({ key, row }) => key === firing.key && row === firing.row
    );
    this._firings =
      index < 0
        ? [firing, ...this._firings]
        : this._firings.map((one, place) => (place === index ? firing : one));
  }

  private _remove(name: string): void {
    if (this._open === name) {
      this.open(null);
    }
    this._list.remove(name);
  }

  private readonly _changed = new Signal<this, void>(this);
  private readonly _list: LiveList<ScheduleStatus>;
  private _firings: readonly Firing[] = [];
  private _before: string | null = null;
  private _open: string | null = null;
  private _form: ScheduleForm | null = null;
  private _isDisposed = false;
}

function byNext(a: ScheduleStatus, b: ScheduleStatus): number {
  const [first, second] = [a.next[0] ?? '~', b.next[0] ?? '~'];
  return first === second
    ? a.schedule.name.localeCompare(b.schedule.name)
    : first < second
      ? -1
      : 1;
}
