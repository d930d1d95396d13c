/** What all tabs of one browser know together about the ends of runs. */
export interface INoticeLedger {
  /** Runs whose end is still to be told. */
  awaited(): readonly string[];

  await(run: string): void;

  /** Take it on to tell of an end. True for one tab only; the run is awaited no longer. */
  claim(run: string, end: string): Promise<boolean>;
}

/** The part of the browser's storage that is used. */
export type TextStorage = Pick<Storage, 'getItem' | 'setItem'>;

/** Runs one action at a time over all tabs. */
export type Exclusively = <T>(action: () => T) => Promise<T>;

/**
 * The ledger in the browser's own storage: unlike the state of a workspace it is the same in all tabs, at
 * once, and outlives a page that goes away in the middle.
 */
export class StoredLedger implements INoticeLedger {
  constructor(
    private readonly _storage: TextStorage,
    private readonly _key: string,
    private readonly _exclusively: Exclusively
  ) {}

  awaited(): readonly string[] {
    return this._read().awaited;
  }

  await(run: string): void {
    const content = this._read();
    if (!content.awaited.includes(run)) {
      this._write({ ...content, awaited: [...content.awaited, run] });
    }
  }

  claim(run: string, end: string): Promise<boolean> {
    return this._exclusively(() => {
      const { awaited, told } = this._read();
      // A run that was retried ends once more: what is told is an end, not a run.
      const mark = `${run} ${end}`;
      this._write({
        awaited: awaited.filter(other => other !== run),
        told: told.includes(mark) ? told : [...told, mark]
      });
      return !told.includes(mark);
    });
  }

  private _read(): IContent {
    try {
      const content: unknown = JSON.parse(
        this._storage.getItem(this._key) ?? '{}'
      );
      const { awaited, told } = content as Partial<IContent>;
      return { awaited: texts(awaited), told: texts(told) };
    } catch {
      return { awaited: [], told: [] };
    }
  }

  private _write(content: IContent): void {
    try {
      this._storage.setItem(
        this._key,
        JSON.stringify({
          awaited: content.awaited.slice(-KEPT),
          told: content.told.slice(-KEPT)
        })
      );
    } catch {
      // Storage is full or forbidden: a notice may come twice, which is better than never.
    }
  }
}

interface IContent {
  awaited: readonly string[];
  told: readonly string[];
}

function texts(value: unknown): string[] {
  return Array.isArray(value)
    ? value.filter((one): one is string => typeof one === 'string')
    : [];
}

/** More ends than anybody misses at once; some 60 bytes each. */
const KEPT = 500;
