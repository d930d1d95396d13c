/** What a list is made of: where it comes from, how its items are told apart and ordered. */
export interface ILiveListOptions<T> {
  load: () => Promise<readonly T[]>;
  nameOf: (item: T) => string;
  compare: (a: T, b: T) => number;
  onChanged: () => void;
}

/** A list of the engine's: loaded whole, then kept by events. Of several loads the last one counts. */
export class LiveList<T> {
  constructor(private readonly options: ILiveListOptions<T>) {}

  /** All of it, in order. */
  get items(): readonly T[] {
    return this._items;
  }

  get isLoading(): boolean {
    return this._isLoading;
  }

  /** Why it could not be had. */
  get error(): unknown {
    return this._error;
  }

  /** Say what went wrong elsewhere where the list's own errors are shown. */
  fail(error: unknown): void {
    this._error = error;
    this.options.onChanged();
  }

  find(name: string): T | null {
    return this._items.find(one => this.options.nameOf(one) === name) ?? null;
  }

  async load(): Promise<void> {
    const turn = ++this._turn;
    this._isLoading = true;
    this.options.onChanged();
    let error: unknown = null;
    let loaded: readonly T[] | null = null;
    try {
      loaded = await this.options.load();
    } catch (failure) {
      error = failure;
    }
    if (turn !== this._turn) {
      return;
    }
    if (loaded !== null) {
      this._items = [...loaded].sort(this.options.compare);
    }
    this._error = error;
    this._isLoading = false;
    this.options.onChanged();
  }

  /** Put an item where it belongs, in the place of the one with its name. */
  put(item: T): void {
    const name = this.options.nameOf(item);
    this._items = [...this._without(name), item].sort(this.options.compare);
    this.options.onChanged();
  }

  remove(name: string): void {
    this._items = this._without(name);
    this.options.onChanged();
  }

  private _without(name: string): T[] {
    return this._items.filter(one => this.options.nameOf(one) !== name);
  }

  private _items: readonly T[] = [];
  private _error: unknown = null;
  private _turn = 0;
  private _isLoading = false;
}
