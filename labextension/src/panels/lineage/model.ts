import type { IDisposable } from '@lumino/disposable';
import { Debouncer } from '@lumino/polling';
import { Signal } from '@lumino/signaling';
import type { ISignal } from '@lumino/signaling';

import type { Connection } from '../../api/connection';
import type { EventStream } from '../../api/events';
import type { Event, LineageSubject } from '../../api/types';
import type { ISubject, LineageExplorer } from './explorer';

/** A subject that was open before, with its name of then. */
export interface IRecent extends ISubject {
  readonly title: string;
}

/** The section: a search for subjects, those of before, and the one that is explored. */
export class LineageModel implements IDisposable {
  constructor(readonly connection: Connection) {
    this._search = new Debouncer(() => this._load(), SEARCH_DELAY_MS);
    this._renewal = new Debouncer(() => this._renew(), RENEWAL_MS);
    connection.reset.connect(this._onReset, this);
    connection.events.received.connect(this._onEvent, this);
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** The list of subjects of before changed: time to save it. */
  get recentChanged(): ISignal<this, void> {
    return this._recentChanged;
  }

  get text(): string {
    return this._text;
  }

  /** What bears the text in its name; without one, what is newest. */
  get found(): readonly LineageSubject[] {
    return this._found;
  }

  get recent(): readonly IRecent[] {
    return this._recent;
  }

  get explorer(): LineageExplorer | null {
    return this._explorer;
  }

  get isLoading(): boolean {
    return this._isLoading;
  }

  get error(): unknown {
    return this._error;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  setText(text: string): void {
    this._text = text;
    this._changed.emit();
    void this._search.invoke();
  }

  /** Search at once, such as when the section comes into sight. */
  async search(): Promise<void> {
    await this._load();
  }

  /** Explore a subject; null goes back to the search. What explores is loaded when first needed. */
  async open(subject: ISubject | null): Promise<void> {
    const turn = ++this._opening;
    const explorer =
      subject === null ? null : await explore(this.connection, subject);
    if (turn !== this._opening || this._isDisposed) {
      explorer?.dispose();
      return;
    }
    this._explorer?.changed.disconnect(this._onExplorerChanged, this);
    this._explorer?.dispose();
    this._explorer = explorer;
    explorer?.changed.connect(this._onExplorerChanged, this);
    if (explorer === null) {
      void this._load();
    }
    this._changed.emit();
  }

  /** Take over the subjects of before, as they were saved. */
  setRecent(recent: readonly IRecent[]): void {
    this._recent = recent.slice(0, MOST_RECENT);
    this._changed.emit();
  }

  dispose(): void {
    if (this._isDisposed) {
      return;
    }
    this._isDisposed = true;
    this._search.dispose();
    this._renewal.dispose();
    this._explorer?.dispose();
    this.connection.reset.disconnect(this._onReset, this);
    this.connection.events.received.disconnect(this._onEvent, this);
    Signal.clearData(this);
  }

  private _onEvent(_: EventStream, event: Event): void {
    if (this._turn > 0 && LISTED.has(event.kind)) {
      void this._renewal.invoke();
    }
  }

  /** Load what is newest again, where that is what one sees. */
  private async _renew(): Promise<void> {
    if (this._explorer === null) {
      await this._load();
    }
  }

  private async _load(): Promise<void> {
    const turn = ++this._turn;
    this._isLoading = true;
    this._changed.emit();
    try {
      await this.connection.ensure();
      const answer = await this.connection.client.call(
        'lineage.search',
        {},
        undefined,
        { query: { text: this._text.trim(), limit: FOUND } }
      );
      if (turn !== this._turn) {
        return;
      }
      this._found = answer.subjects;
      this._error = null;
    } catch (error) {
      if (turn !== this._turn) {
        return;
      }
      this._error = error;
    }
    this._isLoading = false;
    this._changed.emit();
  }

  private _onReset(): void {
    if (this._explorer === null) {
      void this._load();
    }
  }

  /** What was found once is worth offering again. */
  private _onExplorerChanged(explorer: LineageExplorer): void {
    const { subject, roots, title } = explorer;
    if (roots.length > 0 && this._recent[0]?.title !== title) {
      const kept = { ...subject, title };
      this._recent = [
        kept,
        ...this._recent.filter(
          other =>
            other.subject !== subject.subject ||
            other.notebook !== subject.notebook
        )
      ].slice(0, MOST_RECENT);
      this._recentChanged.emit();
    }
    this._changed.emit();
  }

  private readonly _changed = new Signal<this, void>(this);
  private readonly _recentChanged = new Signal<this, void>(this);
  private readonly _search: Debouncer;
  private readonly _renewal: Debouncer;
  private _text = '';
  private _found: readonly LineageSubject[] = [];
  private _recent: readonly IRecent[] = [];
  private _explorer: LineageExplorer | null = null;
  private _error: unknown = null;
  private _turn = 0;
  private _opening = 0;
  private _isLoading = false;
  private _isDisposed = false;
}

/** Events after which there may be other subjects. */
const LISTED: ReadonlySet<string> = new Set([
  'run.created',
  'run.updated',
  'run.deleted',
  'model.updated',
  'model.deleted'
]);
const RENEWAL_MS = 1000;

/** Explore a subject. The code that does is loaded when first needed. */
export async function explore(
  connection: Connection,
  subject: ISubject
): Promise<LineageExplorer> {
  const { LineageExplorer } = await import('./explorer');
  return new LineageExplorer(connection, subject);
}

const SEARCH_DELAY_MS = 200;
const FOUND = 60;
const MOST_RECENT = 8;
