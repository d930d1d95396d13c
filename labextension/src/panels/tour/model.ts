import type { IDisposable } from '@lumino/disposable';
import { Signal } from '@lumino/signaling';
import type { ISignal } from '@lumino/signaling';

import type { Run, Step } from '../../api/types';

/** A step of the tour; each is done by using the platform, not by reading on. */
export type TourStep =
  'open' | 'steps' | 'run' | 'outputs' | 'models' | 'lineage';

/** What the tour looks at to tell what the user has done. */
export interface ITourSubject {
  readonly pipeline: {
    readonly changed: ISignal<unknown, void>;
    readonly notebook: object | null;
    readonly pipeline: { readonly steps: readonly Step[] } | null;
    readonly selection: object | null;
    readonly run: { readonly run: Run | null } | null;
  };
  readonly runs: {
    readonly changed: ISignal<unknown, void>;
    readonly detail: { readonly step: string | null } | null;
  };
  readonly panel: {
    readonly changed: ISignal<unknown, void>;
    readonly current: { readonly id: string } | null;
    readonly sections: readonly { readonly id: string }[];
  };
}

/** How far a user has come; kept over reloads. */
export interface ITourState {
  step: number;
  isOver: boolean;
}

/** Where the state is kept. */
export interface ITourStore {
  load: () => Promise<Partial<ITourState> | null>;
  save: (state: ITourState) => void;
}

/** The guided first run: which step is next, and whether it is done. */
export class TourModel implements IDisposable {
  constructor(
    private readonly _subject: ITourSubject,
    private readonly _store: ITourStore
  ) {
    for (const { changed } of Object.values(_subject) as {
      changed: ISignal<unknown, void>;
    }[]) {
      changed.connect(this._look, this);
    }
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Whether the card is shown. */
  get isShown(): boolean {
    return this._isShown;
  }

  /** The steps of this tour: those whose section is installed. */
  get steps(): readonly TourStep[] {
    const ids = this._subject.panel.sections.map(({ id }) => id);
    return STEPS.filter(step => !isSection(step) || ids.includes(step));
  }

  /** What to do next; null when all is done. */
  get step(): TourStep | null {
    return this.steps[this._index] ?? null;
  }

  /** How many steps lie behind. */
  get index(): number {
    return Math.min(this._index, this.steps.length);
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  /** Go on where the tour was left; begin it for a user who has not seen it and has run nothing yet. */
  async resume(isNew: () => Promise<boolean>): Promise<void> {
    const saved = await this._store.load();
    if (this._isShown || this._isDisposed) {
      return;
    }
    if (saved === null ? await isNew() : saved.isOver === false) {
      this._show(Math.max(0, Math.floor(saved?.step ?? 0)));
    }
  }

  /** Begin, or begin again. */
  start(): void {
    this._show(0);
  }

  /** Leave a step out. */
  skip(): void {
    this._advance();
    this._look();
  }

  /** Put the tour away for good. */
  end(): void {
    this._isShown = false;
    this._store.save({ step: this._index, isOver: true });
    this._changed.emit();
  }

  dispose(): void {
    if (this._isDisposed) {
      return;
    }
    this._isDisposed = true;
    Signal.clearData(this);
  }

  private _show(index: number): void {
    this._isShown = true;
    this._index = index;
    this._enter();
    this._changed.emit();
    this._look();
  }

  private _advance(): void {
    this._index += 1;
    this._enter();
    this._changed.emit();
  }

  /** Take note of what was there before: only what is done from now on counts. */
  private _enter(): void {
    const { pipeline, runs } = this._subject;
    this._before = {
      selection: pipeline.selection,
      end: endOf(pipeline.run?.run),
      step: runs.detail?.step ?? null
    };
    this._store.save({ step: this._index, isOver: false });
  }

  private _look(): void {
    const { step } = this;
    if (this._isShown && step !== null && this._isDone(step)) {
      this._advance();
      this._look();
    }
  }

  private _isDone(step: TourStep): boolean {
    const { pipeline, runs, panel } = this._subject;
    switch (step) {
      case 'open':
        return (pipeline.pipeline?.steps.length ?? 0) > 0;
      case 'steps':
        return (
          pipeline.selection !== null &&
          pipeline.selection !== this._before.selection
        );
      case 'run': {
        const run = pipeline.run?.run;
        return run?.state === 'SUCCEEDED' && endOf(run) !== this._before.end;
      }
      case 'outputs': {
        const shown = runs.detail?.step ?? null;
        return shown !== null && shown !== this._before.step;
      }
      case 'models':
      case 'lineage':
        return panel.current?.id === step;
    }
  }

  private readonly _changed = new Signal<this, void>(this);
  private _before: {
    selection: object | null;
    end: string | null;
    step: string | null;
  } = { selection: null, end: null, step: null };
  private _index = 0;
  private _isShown = false;
  private _isDisposed = false;
}

const STEPS: readonly TourStep[] = [
  'open',
  'steps',
  'run',
  'outputs',
  'models',
  'lineage'
];

function isSection(step: TourStep): boolean {
  return step === 'models' || step === 'lineage';
}

/** Tells one end of a run from another, also of the same run after a retry. */
function endOf(run: Run | null | undefined): string | null {
  return run ? `${run.id} ${run.finished_at}` : null;
}
