import { UUID } from '@lumino/coreutils';
import type { IDisposable } from '@lumino/disposable';
import { Debouncer } from '@lumino/polling';
import { Signal } from '@lumino/signaling';
import type { ISignal } from '@lumino/signaling';

import type { Connection } from '../../api/connection';
import type { EventStream } from '../../api/events';
import type {
  Edge,
  Event,
  Failure,
  JsonValue,
  OutputValue,
  Pipeline,
  PlannedStep,
  Run,
  RunPlan,
  RunSummary,
  Step,
  SubmitRequest,
  VerifyReport
} from '../../api/types';
import type { ICellChange, Refusal, Reshaping } from '../../notebook/reshaping';
import { changed, contentOf } from '../../notebook/source';
import type { INotebookSource } from '../../notebook/source';
import { failureOf } from '../../api/failures';
import { RunWatch } from '../../api/run-watch';
import { isFinal } from '../../api/states';
import { problemsOf, valuesOf } from './parameters';
import type { ParameterProblem } from './parameters';

/** What is open in the detail below the graph. */
export type Selection =
  { kind: 'step'; name: string } | { kind: 'edge'; from: string; to: string };

/** What of the pipeline a run is about; without anything, all of it. */
export interface IRunOptions {
  /** Only this step and what it needs. */
  until?: string;

  /** This step and all below it anew, whatever the cache holds. */
  from?: string;

  /** Whether results may be taken from the cache. */
  cache?: boolean;

  /** Where; as chosen in the section by default. */
  on?: string;

  /** Take the steps before `from` as they last succeeded, where the cache has them no more. */
  reuse?: SubmitRequest['reuse'];
}

/** Run one step alone: what it needs is there from before, as far as possible. */
export function onlyThis(step: string): IRunOptions {
  return { from: step, until: step, reuse: 'last' };
}

/** The active notebook as a pipeline: compiled as it is edited, run, verified. */
export class PipelineModel implements IDisposable {
  constructor(
    readonly connection: Connection,
    private readonly _absolutePath: (path: string) => string
  ) {
    this._debounced = new Debouncer(() => this._compile(), COMPILE_DELAY_MS);
    this._replan = new Debouncer(() => this._foresee(), PLAN_DELAY_MS);
    connection.reset.connect(this._onReset, this);
    connection.events.received.connect(this._onEvent, this);
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Another notebook became the active one. */
  get notebookChanged(): ISignal<this, INotebookSource | null> {
    return this._notebookChanged;
  }

  get notebook(): INotebookSource | null {
    return this._notebook;
  }

  /** The newest pipeline; while a newer one is compiled, the one before. */
  get pipeline(): Pipeline | null {
    return this._pipeline;
  }

  get isCompiling(): boolean {
    return this._isCompiling;
  }

  /** Why there is no current pipeline. */
  get error(): unknown {
    return this._error;
  }

  /** What a run would do now; null while that is not known. */
  get plan(): RunPlan | null {
    return this._plan;
  }

  /** What a run of the selected step alone would do; null while that is not known. */
  get planOnly(): RunPlan | null {
    return this._planOnly;
  }

  /** Why it cannot be said what a run would do. */
  get planError(): unknown {
    return this._planError;
  }

  /** What a run would do with a step. */
  planned(step: string): PlannedStep | null {
    return this._plan?.steps.find(({ name }) => name === step) ?? null;
  }

  get selection(): Selection | null {
    return this._selection;
  }

  /** The newest run of this notebook. */
  get run(): RunWatch | null {
    return this._run;
  }

  get isSubmitting(): boolean {
    return this._isSubmitting;
  }

  get verification(): VerifyReport | null {
    return this._verification;
  }

  get isVerifying(): boolean {
    return this._verifying !== null;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  /** Tell whether Run would be accepted now. */
  get isRunnable(): boolean {
    return (
      this._pipeline !== null &&
      this._pipeline.steps.length > 0 &&
      !this._pipeline.problems.some(problem => problem.severity === 'error') &&
      this.parameterProblems.size === 0
    );
  }

  /** Values that differ from the notebook's own, as typed into the form. */
  get parameterTexts(): ReadonlyMap<string, string> {
    return this._texts;
  }

  get parameterProblems(): ReadonlyMap<string, ParameterProblem> {
    return problemsOf(this._pipeline?.parameters ?? [], this._texts);
  }

  /** The failure of the newest run, as long as the cell that failed stands as it ran. */
  get failure(): Failure | null {
    const run = this._run?.run;
    const failure = run?.state === 'FAILED' ? failureOf(run) : null;
    const cell = failure?.cell;
    if (!cell || !this._run || !this._notebook) {
      return null;
    }
    const source = this._run.sourceOf(cell);
    return source !== null && source === this._notebook.sourceOf(cell)
      ? failure
      : null;
  }

  step(name: string): Step | null {
    return this._pipeline?.steps.find(step => step.name === name) ?? null;
  }

  edge(from: string, to: string): Edge | null {
    return (
      this._pipeline?.edges.find(
        edge => edge.from === from && edge.to === to
      ) ?? null
    );
  }

  /** What the newest run saved of a value that a step passes on. */
  value(step: string, name: string): OutputValue | null {
    return (
      this._run?.outputs.find(
        output => output.step === step && output.name === name
      ) ?? null
    );
  }

  /** The step a cell belongs to. */
  stepOf(cell: string): Step | null {
    return (
      this._pipeline?.steps.find(step =>
        step.cells.some(candidate => candidate.id === cell)
      ) ?? null
    );
  }

  /** Follow a notebook from now on. */
  setNotebook(notebook: INotebookSource | null): void {
    if (notebook === this._notebook) {
      return;
    }
    this._notebook?.contentChanged.disconnect(this._onContentChanged, this);
    this._notebook?.observedChanged.disconnect(this._onObserved, this);
    this._notebook = notebook;
    this._compiling?.abort();
    this._verifying?.abort();
    this._verifying = null;
    this._verification = null;
    this._pipeline = null;
    this._dropPlan();
    this._error = null;
    this._selection = null;
    this._texts = new Map();
    this._setRun(null);
    this._notebookChanged.emit(notebook);
    this._changed.emit();
    if (notebook !== null) {
      notebook.contentChanged.connect(this._onContentChanged, this);
      notebook.observedChanged.connect(this._onObserved, this);
      void this._compile();
      void this._findRun();
    }
  }

  select(selection: Selection | null): void {
    this._selection = selection;
    this._planOnly = null;
    this._changed.emit();
    void this._foreseeOnly();
  }

  /** Ask what a run would do now. */
  async foresee(
    options: IRunOptions = {},
    signal?: AbortSignal
  ): Promise<RunPlan> {
    return this.connection.client.call(
      'pipelines.plan',
      {},
      {
        ...this._request(this._need()),
        parameters: this._values(),
        ...requestOf(options)
      },
      { signal }
    );
  }

  /** Type a parameter's value; null goes back to the notebook's own. */
  setParameter(name: string, text: string | null): void {
    if (text === null) {
      this._texts.delete(name);
    } else {
      this._texts.set(name, text);
    }
    this._changed.emit();
    void this._replan.invoke();
  }

  /** Compile now instead of when typing pauses. */
  async recompile(): Promise<void> {
    await this._compile();
  }

  /**
   * Rename, merge or split steps: compile the notebook as it would be, and write it if nothing speaks
   * against it.
   *
   * @returns Why nothing was written; null when it was.
   */
  async reshape(
    make: (pipeline: Pipeline, notebook: INotebookSource) => Reshaping
  ): Promise<Refusal | { code: 'compiler'; message: string } | null> {
    const notebook = this._need();
    const before = this._pipeline;
    if (before === null) {
      throw new Error('The notebook has not been compiled yet. Wait for it.');
    }
    const wanted = make(before, notebook);
    if ('refusal' in wanted) {
      return wanted.refusal;
    }
    const { changes, step } = wanted;
    const content = notebook.observed() ?? notebook.snapshot();
    const after = await this.connection.client.compile({
      path: this._absolutePath(notebook.path),
      notebook: contentOf(changed(content, changes))
    });
    const message = objection(before, after, changes);
    if (message !== null) {
      return { code: 'compiler', message };
    }
    notebook.change(changes);
    if (this._notebook === notebook) {
      this._compiling?.abort();
      this._pipeline = after;
      this._selection = { kind: 'step', name: step };
      this._changed.emit();
    }
    return null;
  }

  /** Where runs are begun; empty: as the engine's settings say. */
  get runOn(): string {
    return this._runOn;
  }

  set runOn(place: string) {
    this._runOn = place;
    this._changed.emit();
  }

  /** Save the notebook and run it. */
  async submit(options: IRunOptions = {}): Promise<Run> {
    const notebook = this._need();
    this._isSubmitting = true;
    this._changed.emit();
    try {
      await notebook.save();
      const run = await this.connection.client.submit(
        {
          ...this._saved(notebook),
          parameters: this._values(),
          ...requestOf({ on: this._runOn, ...options })
        },
        UUID.uuid4()
      );
      this._setRun(run.id);
      this._run?.accept(run);
      return run;
    } finally {
      this._isSubmitting = false;
      this._changed.emit();
    }
  }

  /** Save the notebook and let its newest run go on, with the code as it is now. */
  async retry(step: string | null = null): Promise<Run> {
    const notebook = this._need();
    const watch = this._run;
    if (watch === null) {
      throw new Error('There is no run of this notebook to go on with.');
    }
    await notebook.save();
    const run = await this.connection.client.retry(watch.id, {
      ...this._saved(notebook),
      from_step: step
    });
    watch.accept(run);
    return run;
  }

  /** Run the notebook both ways and compare; give up when the time is up. */
  async verify(timeoutS: number | null = null): Promise<VerifyReport> {
    const notebook = this._need();
    this._verifying?.abort();
    const abort = new AbortController();
    this._verifying = abort;
    this._verification = null;
    this._changed.emit();
    try {
      const report = await this.connection.client.verify(
        { ...this._request(notebook), timeout_s: timeoutS },
        abort.signal
      );
      if (this._verifying === abort) {
        this._verification = report;
      }
      return report;
    } finally {
      if (this._verifying === abort) {
        this._verifying = null;
        this._changed.emit();
      }
    }
  }

  /** Put the report of `verify` away. */
  dismissVerification(): void {
    this._verification = null;
    this._changed.emit();
  }

  dispose(): void {
    if (this._isDisposed) {
      return;
    }
    this.setNotebook(null);
    this._isDisposed = true;
    this._debounced.dispose();
    this._replan.dispose();
    this.connection.reset.disconnect(this._onReset, this);
    this.connection.events.received.disconnect(this._onEvent, this);
    Signal.clearData(this);
  }

  private async _compile(): Promise<void> {
    const notebook = this._notebook;
    if (notebook === null || this._isDisposed) {
      return;
    }
    this._compiling?.abort();
    const abort = new AbortController();
    this._compiling = abort;
    this._isCompiling = true;
    this._changed.emit();
    try {
      await notebook.ready;
      const pipeline = await this.connection.client.compile(
        this._request(notebook),
        abort.signal
      );
      if (this._compiling === abort) {
        this._pipeline = pipeline;
        this._error = null;
        this._dropLostSelection();
        void this._foresee();
      }
    } catch (error) {
      if (this._compiling === abort && !abort.signal.aborted) {
        this._error = error;
      }
    } finally {
      if (this._compiling === abort) {
        this._compiling = null;
        this._isCompiling = false;
        this._changed.emit();
      }
    }
  }

  /** Ask what a run would do now. What was asked before is given up. */
  private async _foresee(): Promise<void> {
    const notebook = this._notebook;
    if (notebook === null || this._isDisposed) {
      return;
    }
    this._foreseeing?.abort();
    if (!this.isRunnable) {
      this._dropPlan();
      this._changed.emit();
      return;
    }
    const abort = new AbortController();
    this._foreseeing = abort;
    try {
      const plan = await this.foresee({}, abort.signal);
      if (this._foreseeing === abort) {
        this._plan = plan;
        this._planError = null;
        void this._foreseeOnly();
      }
    } catch (error) {
      if (this._foreseeing === abort && !abort.signal.aborted) {
        this._plan = null;
        this._planError = error;
      }
    } finally {
      if (this._foreseeing === abort) {
        this._foreseeing = null;
        this._changed.emit();
      }
    }
  }

  /** Ask what a run of the selected step alone would do. It is shown beside the step, or not at all. */
  private async _foreseeOnly(): Promise<void> {
    this._foreseeingOnly?.abort();
    const selection = this._selection;
    if (selection?.kind !== 'step' || this._plan === null) {
      return;
    }
    const abort = (this._foreseeingOnly = new AbortController());
    const plan = await this.foresee(
      onlyThis(selection.name),
      abort.signal
    ).catch(() => null);
    if (this._foreseeingOnly === abort && !abort.signal.aborted) {
      this._planOnly = plan;
      this._changed.emit();
    }
  }

  private _dropPlan(): void {
    this._foreseeing?.abort();
    this._foreseeing = null;
    this._foreseeingOnly?.abort();
    this._plan = null;
    this._planOnly = null;
    this._planError = null;
  }

  /** Find the newest run of this notebook, so that its states and failure are shown after a reload. */
  private async _findRun(): Promise<void> {
    const notebook = this._need();
    try {
      const page = await this.connection.client.listRuns({
        limit: 1,
        notebook: this._absolutePath(notebook.path)
      });
      if (this._notebook === notebook && this._run === null) {
        this._setRun(page.runs[0]?.id ?? null);
      }
    } catch {
      // The same fault shows up in compiling, where it is told to the user once.
    }
  }

  private _setRun(id: string | null): void {
    if (id === (this._run?.id ?? null)) {
      return;
    }
    this._run?.dispose();
    this._run = id === null ? null : new RunWatch(this.connection, id);
    this._run?.changed.connect(this._onRunChanged, this);
    this._changed.emit();
  }

  /** The notebook as it stands in the editor. */
  private _request(notebook: INotebookSource): INotebookRequest {
    return {
      path: this._absolutePath(notebook.path),
      notebook: contentOf(notebook.observed() ?? notebook.snapshot())
    };
  }

  /** The notebook as it is on disk, unless its kernel has more to say about it. */
  private _saved(notebook: INotebookSource): Partial<INotebookRequest> {
    const observed = notebook.observed();
    return observed === null
      ? { path: this._absolutePath(notebook.path) }
      : this._request(notebook);
  }

  private _values(): Record<string, JsonValue> {
    return valuesOf(this._pipeline?.parameters ?? [], this._texts);
  }

  private _need(): INotebookSource {
    if (this._notebook === null) {
      throw new Error('No notebook is open. Open one first.');
    }
    return this._notebook;
  }

  private _dropLostSelection(): void {
    const selection = this._selection;
    const isLost =
      selection !== null &&
      (selection.kind === 'step'
        ? this.step(selection.name) === null
        : this.edge(selection.from, selection.to) === null);
    if (isLost) {
      this._selection = null;
    }
  }

  /** Somebody types: what follows from that is drawn in the pause after it, not at every key. */
  private _onContentChanged(): void {
    const isToldOf =
      this._verification !== null || this._run?.run?.state === 'FAILED';
    this._verification = null;
    if (isToldOf) {
      this._changed.emit(); // it may hold no longer
    }
    void this._debounced.invoke();
  }

  private _onObserved(): void {
    void this._debounced.invoke();
  }

  /** What has run is in the cache: the next run does less. */
  private _onRunChanged(): void {
    const run = this._run?.run ?? null;
    const ended =
      run !== null && isFinal(run.state)
        ? `${run.id} ${run.finished_at}`
        : null;
    if (ended !== this._ended) {
      this._ended = ended;
      void this._replan.invoke();
    }
    this._changed.emit();
  }

  private _onReset(): void {
    if (this._notebook !== null) {
      this._setRun(null);
      if (!this._isCompiling) {
        void this._compile();
      }
      void this._findRun();
    }
  }

  /** A run of this notebook that was started elsewhere (a magic, the command line) is ours too. */
  private _onEvent(_: EventStream, event: Event): void {
    if (this._notebook === null) {
      return;
    }
    if (event.kind === 'run.created') {
      const run = event.data as unknown as RunSummary;
      if (run.notebook === this._absolutePath(this._notebook.path)) {
        this._setRun(run.id);
      }
    } else if (
      event.kind === 'run.deleted' &&
      event.subject === this._run?.id
    ) {
      this._setRun(null);
      void this._findRun();
    }
  }

  private readonly _changed = new Signal<this, void>(this);
  private readonly _notebookChanged = new Signal<this, INotebookSource | null>(
    this
  );
  private readonly _debounced: Debouncer;
  private readonly _replan: Debouncer;
  private _notebook: INotebookSource | null = null;
  private _pipeline: Pipeline | null = null;
  private _error: unknown = null;
  private _selection: Selection | null = null;
  private _texts = new Map<string, string>();
  private _run: RunWatch | null = null;
  private _runOn = '';
  private _verification: VerifyReport | null = null;
  private _compiling: AbortController | null = null;
  private _foreseeing: AbortController | null = null;
  private _foreseeingOnly: AbortController | null = null;
  private _plan: RunPlan | null = null;
  private _planOnly: RunPlan | null = null;
  private _planError: unknown = null;
  private _ended: string | null = null;
  private _verifying: AbortController | null = null;
  private _isCompiling = false;
  private _isSubmitting = false;
  private _isDisposed = false;
}

/** What the compiler has against a change; null when it did what was meant. */
function objection(
  before: Pipeline,
  after: Pipeline,
  changes: readonly ICellChange[]
): string | null {
  const known = new Set(before.problems.map(({ message }) => message));
  const fresh = after.problems.filter(({ message }) => !known.has(message));
  const error = fresh.find(({ severity }) => severity === 'error');
  if (error) {
    return error.message;
  }
  const stepOf = new Map(
    after.steps.flatMap(step => step.cells.map(({ id }) => [id, step.name]))
  );
  const isTaken = changes.every(
    ({ cell, set }) => set.step === undefined || stepOf.get(cell) === set.step
  );
  return isTaken
    ? null
    : (fresh[0]?.message ?? 'The steps stay as they are when compiled.');
}

/** Options as requests name them. */
function requestOf(
  options: IRunOptions
): Pick<SubmitRequest, 'cache' | 'until' | 'from_step' | 'reuse' | 'run_on'> {
  return {
    cache: options.cache ?? true,
    until: options.until ?? null,
    from_step: options.from ?? null,
    ...(options.on ? { run_on: options.on } : {}),
    ...(options.reuse ? { reuse: options.reuse } : {})
  };
}

interface INotebookRequest {
  path: string;
  notebook: Record<string, JsonValue>;
}

/** Long enough not to compile each letter, short enough to be there when the eye arrives. */
const COMPILE_DELAY_MS = 400;

/** The same for what a run would do, where the code stays as it is. */
const PLAN_DELAY_MS = 250;
