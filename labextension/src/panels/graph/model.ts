import type { IDisposable } from '@lumino/disposable';
import { Signal } from '@lumino/signaling';
import type { ISignal } from '@lumino/signaling';

import type { Connection } from '../../api/connection';
import { RunWatch } from '../../api/run-watch';
import { isFinal } from '../../api/states';
import type { OutputValue, Pipeline, RunPlan, Task } from '../../api/types';
import type { INotebookSource } from '../../notebook/source';
import { PipelineModel } from '../pipeline/model';
import type { Selection } from '../pipeline/model';

/** A pipeline to draw, with how its steps stand. */
export interface IStepGraph extends IDisposable {
  readonly changed: ISignal<unknown, void>;
  readonly pipeline: Pipeline | null;

  /** Of the newest run, or of the run that is shown. */
  readonly tasks: ReadonlyMap<string, Task>;

  /** What the next run would do; null for a run, and while one goes on. */
  readonly plan: RunPlan | null;

  /** What a run of the selected step alone would do. */
  readonly planOnly: RunPlan | null;

  /** The run whose states are shown, for people: its number. */
  readonly runNumber: number | null;
  readonly error: unknown;
  selection: Selection | null;

  /** What the newest run saved; the same list as long as it holds the same. */
  readonly outputs: readonly OutputValue[];
}

/** The graph of a notebook, as it is edited. */
export class NotebookGraph implements IStepGraph {
  /**
   * @param refusal - Why the notebook cannot be read at all, where that is known beforehand.
   */
  constructor(
    connection: Connection,
    absolutePath: (path: string) => string,
    private readonly _refusal: Error | null = null
  ) {
    this._model = new PipelineModel(connection, absolutePath);
  }

  get changed(): ISignal<unknown, void> {
    return this._model.changed;
  }

  get pipeline(): Pipeline | null {
    return this._model.pipeline;
  }

  get tasks(): ReadonlyMap<string, Task> {
    return tasksOf(this._model.run);
  }

  get plan(): RunPlan | null {
    const run = this._model.run?.run ?? null;
    return run === null || isFinal(run.state) ? this._model.plan : null;
  }

  get planOnly(): RunPlan | null {
    return this._model.planOnly;
  }

  get runNumber(): number | null {
    return this._model.run?.run?.number ?? null;
  }

  get error(): unknown {
    return this._refusal ?? this._model.error;
  }

  get selection(): Selection | null {
    return this._model.selection;
  }

  set selection(value: Selection | null) {
    this._model.select(value);
  }

  get isDisposed(): boolean {
    return this._model.isDisposed;
  }

  /** Draw this notebook from now on: the one that is open, or the file. */
  follow(notebook: INotebookSource): void {
    this._model.setNotebook(notebook);
  }

  get outputs(): readonly OutputValue[] {
    return this._model.run?.outputs ?? NONE;
  }

  dispose(): void {
    this._model.dispose();
  }

  private readonly _model: PipelineModel;
}

/** The graph of a run, coloured by the states of its tasks as they change. */
export class RunGraph implements IStepGraph {
  constructor(connection: Connection, run: string) {
    this._watch = new RunWatch(connection, run);
    this._watch.changed.connect(this._emit, this);
  }

  readonly plan = null;
  readonly planOnly = null;

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get pipeline(): Pipeline | null {
    return this._watch.pipeline;
  }

  get tasks(): ReadonlyMap<string, Task> {
    return tasksOf(this._watch);
  }

  get runNumber(): number | null {
    return this._watch.run?.number ?? null;
  }

  get error(): unknown {
    return this._watch.error;
  }

  get selection(): Selection | null {
    return this._selection;
  }

  set selection(value: Selection | null) {
    this._selection = value;
    this._emit();
  }

  get isDisposed(): boolean {
    return this._watch.isDisposed;
  }

  get outputs(): readonly OutputValue[] {
    return this._watch.outputs;
  }

  dispose(): void {
    this._watch.dispose();
    Signal.clearData(this);
  }

  private _emit(): void {
    this._changed.emit();
  }

  private readonly _changed = new Signal<this, void>(this);
  private readonly _watch: RunWatch;
  private _selection: Selection | null = null;
}

const NONE: readonly OutputValue[] = [];

function tasksOf(watch: RunWatch | null): ReadonlyMap<string, Task> {
  return new Map(watch?.run?.tasks.map(task => [task.name, task]));
}
