import type { IDisposable } from '@lumino/disposable';
import { Signal } from '@lumino/signaling';
import type { ISignal } from '@lumino/signaling';

import type { Connection } from '../api/connection';
import type { EventStream } from '../api/events';
import { failureOf } from '../api/failures';
import { RunWatch } from '../api/run-watch';
import { isFinal } from '../api/states';
import type {
  Event,
  Failure,
  Pipeline,
  Run,
  RunSummary,
  Task
} from '../api/types';
import type { PipelineModel } from '../panels/pipeline/model';

/** What is drawn on one cell. */
export interface ICellMark {
  step: string;

  /** Position of the step, which decides its colour. */
  stepIndex: number;

  /** Whether the step's name stands on this cell. */
  isFirst: boolean;

  /** How the step fared in the newest run. */
  task: Task | null;

  /** Whether the step was edited since it last succeeded. */
  isStale: boolean;

  /** Whether the step failed at a cell that still stands as it ran. */
  isFailing: boolean;

  /** How long the step took when it last ran to its end. */
  durationS: number | null;

  /** Whether this very cell is running. */
  isRunning: boolean;

  /** Why this cell failed in the newest run, as long as it stands as it ran. */
  failure: Failure | null;
}

/** The source of a cell as it stands in an editor, null where there is no such cell. */
export type SourceOf = (cell: string) => string | null;

/**
 * What each open notebook's cells are to its pipeline and to its newest run.
 *
 * The active notebook is followed through its model. One that was left keeps what was known of it and
 * follows its run to the end: it may still be in sight.
 */
export class MarksModel implements IDisposable {
  constructor(
    private readonly _model: PipelineModel,
    private readonly _absolutePath: (path: string) => string
  ) {
    _model.changed.connect(this._onChanged, this);
    _model.connection.events.received.connect(this._onEvent, this);
    _model.connection.reset.connect(this._onReset, this);
    this._onChanged();
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  /** The newest run that is known of a notebook. */
  runOf(path: string): Run | null {
    return this._notebooks.get(path)?.run ?? null;
  }

  /** The marks of a notebook's cells by their ids; `sourceOf` tells how the cells stand now. */
  marksOf(path: string, sourceOf: SourceOf): ReadonlyMap<string, ICellMark> {
    const marks = new Map<string, ICellMark>();
    const notebook = this._notebooks.get(path);
    notebook?.pipeline?.steps.forEach((step, stepIndex) => {
      const task = notebook.task(step.name);
      const isStale = notebook.isStale(
        step.cells.map(cell => cell.id),
        sourceOf
      );
      const isFailing = step.cells.some(
        ({ id }) => notebook.failureAt(id, sourceOf(id)) !== null
      );
      let isFirst = true;
      for (const { id } of step.cells) {
        const source = sourceOf(id);
        if (source === null) {
          continue;
        }
        marks.set(id, {
          step: step.name,
          stepIndex,
          isFirst,
          task,
          isStale,
          isFailing,
          durationS: notebook.durationOf(id),
          isRunning: isRunning(task, id),
          failure: notebook.failureAt(id, source)
        });
        isFirst = false;
      }
    });
    return marks;
  }

  dispose(): void {
    if (this._isDisposed) {
      return;
    }
    this._isDisposed = true;
    this._model.changed.disconnect(this._onChanged, this);
    this._model.connection.events.received.disconnect(this._onEvent, this);
    this._model.connection.reset.disconnect(this._onReset, this);
    this._notebooks.forEach(notebook => notebook.leave());
    Signal.clearData(this);
  }

  private _onChanged(): void {
    const { notebook: source, pipeline, run } = this._model;
    const path = source?.path ?? null;
    if (path !== this._activePath) {
      const left = this._notebooks.get(this._activePath ?? '');
      if (left && source === this._source && path !== null) {
        // The same notebook under another name.
        this._notebooks.delete(left.path);
        this._notebooks.set(path, left);
        left.path = path;
      } else {
        left?.follow(this._model.connection);
      }
      this._activePath = path;
    }
    this._source = source;
    if (path !== null) {
      const notebook = this._need(path);
      notebook.leave();
      notebook.pipeline = pipeline ?? notebook.pipeline;
      if (run?.run) {
        notebook.accept(run.run, run.pipeline);
        void this._findLastGood(notebook);
      }
    }
    this._changed.emit();
  }

  /**
   * Where the newest run did not succeed, an earlier one says how the steps stood when they did. A
   * step that succeeded in neither counts as never run.
   */
  private async _findLastGood(notebook: MarkedNotebook): Promise<void> {
    const { run } = notebook;
    if (notebook.isSearched || run === null || run.state === 'SUCCEEDED') {
      return;
    }
    notebook.isSearched = true;
    const { client } = this._model.connection;
    try {
      const { runs } = await client.listRuns({
        limit: 1,
        notebook: this._absolutePath(notebook.path),
        state: 'SUCCEEDED'
      });
      if (runs.length > 0) {
        const [good, pipeline] = await Promise.all([
          client.getRun(runs[0].id),
          client.getPipeline(runs[0].id)
        ]);
        notebook.remember(good, pipeline, false);
        this._changed.emit();
      }
    } catch {
      // Marks are a help, not worth a message: what was edited just is not shown.
      notebook.isSearched = false;
    }
  }

  private _onEvent(_: EventStream, event: Event): void {
    for (const notebook of this._notebooks.values()) {
      if (event.kind === 'run.deleted' && event.subject === notebook.run?.id) {
        notebook.forget();
        this._changed.emit();
      } else if (
        event.kind === 'run.created' &&
        notebook.path !== this._activePath &&
        (event.data as unknown as RunSummary).notebook ===
          this._absolutePath(notebook.path)
      ) {
        notebook.follow(this._model.connection, event.subject);
      }
    }
  }

  /** Another state directory answers: its runs are others. */
  private _onReset(): void {
    this._notebooks.forEach(notebook => notebook.forget());
    this._changed.emit();
  }

  private _need(path: string): MarkedNotebook {
    let notebook = this._notebooks.get(path);
    if (!notebook) {
      notebook = new MarkedNotebook(path, () => this._changed.emit());
      this._notebooks.set(path, notebook);
    }
    return notebook;
  }

  private readonly _changed = new Signal<this, void>(this);
  private readonly _notebooks = new Map<string, MarkedNotebook>();
  private _source: unknown = null;
  private _activePath: string | null = null;
  private _isDisposed = false;
}

/** How a cell stood when its step last succeeded. */
interface IGoodCell {
  source: string;
  durationS: number | null;
}

/** What is known of one notebook. */
class MarkedNotebook {
  constructor(
    public path: string,
    private readonly _onChanged: () => void
  ) {}

  /** The newest pipeline. */
  pipeline: Pipeline | null = null;

  /** Whether the last good run was asked for. */
  isSearched = false;

  /** The newest run. */
  get run(): Run | null {
    return this._run;
  }

  task(step: string): Task | null {
    return this._run?.tasks.find(task => task.name === step) ?? null;
  }

  /** Tell whether a step that has succeeded once is made of other cells or other code now. */
  isStale(cells: readonly string[], sourceOf: SourceOf): boolean {
    const known = cells.map(id => this._good.get(id));
    return (
      known.some(good => good !== undefined) &&
      cells.some((id, index) => known[index]?.source !== sourceOf(id))
    );
  }

  durationOf(cell: string): number | null {
    return this._good.get(cell)?.durationS ?? null;
  }

  /** The failure of the newest run at a cell, as long as the cell stands as it ran. */
  failureAt(cell: string, source: string | null): Failure | null {
    const failure = this._run?.state === 'FAILED' ? failureOf(this._run) : null;
    return failure?.cell === cell && this._sources.get(cell) === source
      ? failure
      : null;
  }

  accept(run: Run, pipeline: Pipeline | null): void {
    this._run = run;
    if (pipeline !== null && pipeline.digest === run.pipeline_digest) {
      this._sources = new Map(
        pipeline.steps.flatMap(step =>
          step.cells.map(({ id, source }) => [id, source] as const)
        )
      );
      this.remember(run, pipeline, true);
    }
  }

  /** Note how the cells of the steps that succeeded stood. */
  remember(run: Run, pipeline: Pipeline, isNewest: boolean): void {
    for (const step of pipeline.steps) {
      const task = run.tasks.find(({ name }) => name === step.name);
      if (task?.state !== 'SUCCEEDED') {
        continue;
      }
      for (const { id, source } of step.cells) {
        const before = this._good.get(id);
        // Coming from the cache took no time worth telling; what it spared did.
        const durationS = task.cached ? null : task.duration_s;
        if (isNewest || before === undefined) {
          this._good.set(id, {
            source,
            durationS: durationS ?? before?.durationS ?? null
          });
        } else {
          before.durationS ??= durationS;
        }
      }
    }
  }

  /** Follow a run to its end; without one, the newest. */
  follow(connection: Connection, id = this._run?.id): void {
    const isOver =
      id === this._run?.id && (!this._run || isFinal(this._run.state));
    if (id === undefined || isOver) {
      return;
    }
    this.leave();
    const watch = new RunWatch(connection, id);
    this._watch = watch;
    watch.changed.connect(this._onWatched, this);
  }

  /** No longer follow a run. */
  leave(): void {
    this._watch?.dispose();
    this._watch = null;
  }

  /** The newest run is gone; what is known of the time before it goes, too. */
  forget(): void {
    this.leave();
    this._run = null;
    this._sources.clear();
    this._good.clear();
    this.isSearched = false;
  }

  private _onWatched(watch: RunWatch): void {
    if (watch.run) {
      this.accept(watch.run, watch.pipeline);
      if (isFinal(watch.run.state)) {
        this.leave();
      }
      this._onChanged();
    }
  }

  private _run: Run | null = null;
  private _watch: RunWatch | null = null;
  private _sources = new Map<string, string>();
  private readonly _good = new Map<string, IGoodCell>();
}

function isRunning(task: Task | null, cell: string): boolean {
  return (
    task?.state === 'RUNNING' &&
    task.cells.some(({ id, state }) => id === cell && state === 'running')
  );
}
