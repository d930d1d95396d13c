import { NotebookActions } from '@jupyterlab/notebook';
import type { Notebook, NotebookPanel } from '@jupyterlab/notebook';
import type { Kernel } from '@jupyterlab/services';
import type { PartialJSONObject } from '@lumino/coreutils';
import type { IDisposable } from '@lumino/disposable';
import { Debouncer } from '@lumino/polling';
import { Signal } from '@lumino/signaling';
import type { ISignal } from '@lumino/signaling';

/**
 * What a notebook's kernel saw its cells do.
 *
 * Asked for after cells have run, by a silent request that leaves no trace in the kernel: no number,
 * no name, no history. A kernel in which `jupyter_mlplat` is not loaded has no notes.
 */
export class KernelNotes implements IDisposable {
  constructor(private readonly _panel: NotebookPanel) {
    this._debounced = new Debouncer(() => this._ask(), ASK_DELAY_MS);
    NotebookActions.executed.connect(this._onExecuted, this);
    _panel.sessionContext.kernelChanged.connect(this._onKernelChanged, this);
    _panel.sessionContext.statusChanged.connect(this._onStatusChanged, this);
    void this._debounced.invoke();
  }

  /** The notes have changed, or are gone. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** The notes, in the form of the metadata `mlplat.observed`. */
  get notes(): PartialJSONObject | null {
    return this._notes;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    if (this._isDisposed) {
      return;
    }
    this._isDisposed = true;
    this._debounced.dispose();
    NotebookActions.executed.disconnect(this._onExecuted, this);
    Signal.clearData(this);
  }

  private _onExecuted(_: unknown, args: { notebook: Notebook }): void {
    if (args.notebook === this._panel.content) {
      void this._debounced.invoke();
    }
  }

  private _onKernelChanged(): void {
    this._accept(null);
    void this._debounced.invoke();
  }

  private _onStatusChanged(_: unknown, status: Kernel.Status): void {
    if (FORGETTING.has(status)) {
      this._accept(null);
    }
  }

  private async _ask(): Promise<void> {
    const kernel = this._panel.sessionContext.session?.kernel;
    if (!kernel || this._isDisposed) {
      return;
    }
    try {
      const { language_info: language } = await kernel.info;
      if (language.name !== 'python') {
        return;
      }
      const reply = await kernel.requestExecute({
        code: '',
        silent: true,
        store_history: false,
        allow_stdin: false,
        stop_on_error: false,
        user_expressions: { observed: EXPRESSION }
      }).done;
      if (reply.content.status === 'ok') {
        this._accept(Private.notesIn(reply.content.user_expressions.observed));
      }
    } catch {
      // The kernel was restarted or shut down meanwhile; what it had to say is gone with it.
    }
  }

  private _accept(notes: PartialJSONObject | null): void {
    if (
      !this._isDisposed &&
      JSON.stringify(notes) !== JSON.stringify(this._notes)
    ) {
      this._notes = notes;
      this._changed.emit();
    }
  }

  private readonly _changed = new Signal<this, void>(this);
  private readonly _debounced: Debouncer;
  private _notes: PartialJSONObject | null = null;
  private _isDisposed = false;
}

/** Long enough for "run all" to be asked about a few times and not for each of its cells. */
const ASK_DELAY_MS = 300;

const FORGETTING = new Set<Kernel.Status>([
  'restarting',
  'autorestarting',
  'terminating',
  'dead'
]);

/** Fails where the extension is not loaded, and imports nothing there. */
const EXPRESSION =
  "__import__('sys').modules['jupyter_mlplat.magics.observer']" +
  ".notes(__import__('IPython').get_ipython())";

namespace Private {
  /** The notes in the answer to a user expression; null where it failed or found no cell. */
  export function notesIn(answer: unknown): PartialJSONObject | null {
    const { status, data } = (answer ?? {}) as {
      status?: string;
      data?: PartialJSONObject;
    };
    const notes = data?.['application/json'] as PartialJSONObject | undefined;
    const cells = Object.keys((notes?.cells ?? {}) as object);
    return status === 'ok' && notes && cells.length > 0 ? notes : null;
  }
}
