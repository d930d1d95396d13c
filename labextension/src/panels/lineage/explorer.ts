import type { IDisposable } from '@lumino/disposable';
import { Signal } from '@lumino/signaling';
import type { ISignal } from '@lumino/signaling';

import type { Connection } from '../../api/connection';
import type { EventStream } from '../../api/events';
import { isFinal } from '../../api/states';
import { Throttle } from '../../api/throttle';
import type { Event, JsonValue, LineageGraph, RunState } from '../../api/types';
import { Facts, columnsOf, part, step } from './facts';
import type { IFilter, INode, IPart, NodeKind, Way } from './facts';
import { parentOf, rowsOf } from './tree';
import type { Direction, IRow } from './tree';
import { findWays, nameOf, originOf } from './ways';
import type { IWays } from './ways';

/** What an exploration starts from. */
export interface ISubject {
  /** As `GET /lineage` takes it: `model:tumour/3`, `run:run-01…`, `cell:ID`, the id of an artifact … */
  readonly subject: string;

  /** Absolute path of the notebook of a cell or step. */
  readonly notebook?: string;
  readonly direction?: Direction;

  /** Where ways to the subject begin, to bring these out at once. */
  readonly from?: string;
  readonly column?: string;
}

/** The ends of the ways that are brought out. */
export interface ITrace {
  readonly from: string | null;
  readonly to: string | null;
  readonly column: string | null;
}

/** One exploration: what is known around a subject, what of it is shown, and what is brought out. */
export class LineageExplorer implements IDisposable {
  constructor(
    private readonly _connection: Connection,
    readonly subject: ISubject
  ) {
    this._direction = subject.direction ?? 'both';
    this._refresh = new Throttle(() => this.load(), REFRESH_MS);
    _connection.events.received.connect(this._onEvent, this);
    _connection.reset.connect(this._onReset, this);
    void this.load();
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get facts(): Facts {
    return this._facts;
  }

  /** The nodes that the subject stands for. */
  get roots(): readonly string[] {
    return this._roots;
  }

  /** What the subject is called. */
  get title(): string {
    const [kind, ...rest] = this.subject.subject.split(':');
    const name = rest.join(':');
    const first = this._facts.node(this._roots[0] ?? '');
    if (kind === 'run') {
      return first?.run ? `${first.run.pipeline} #${first.run.number}` : name;
    }
    if (kind === 'cell' || kind === 'step') {
      return first?.name ?? name;
    }
    return name || (first ? nameOf(first) : this.subject.subject);
  }

  get isLoading(): boolean {
    return this._loading > 0;
  }

  get error(): unknown {
    return this._error;
  }

  /** Whether the engine left out some of what lies within the depth. */
  get isTruncated(): boolean {
    return this._isTruncated;
  }

  get direction(): Direction {
    return this._direction;
  }

  get depth(): number {
    return this._depth;
  }

  get withCached(): boolean {
    return this._withCached;
  }

  get hidden(): ReadonlySet<NodeKind> {
    return this._hidden;
  }

  get selected(): INode | null {
    return this._selected === null ? null : this._facts.node(this._selected);
  }

  get trace(): ITrace {
    return this._trace;
  }

  /** The ways between the two ends; null while there are not two. */
  get ways(): IWays | null {
    const { from, to, column } = this._trace;
    if (from === null || to === null) {
      return null;
    }
    this._ways ??= findWays(this._facts, from, to, column);
    return this._ways;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  /** The filter in force: the subject and the ends of ways are always shown. */
  get filter(): IFilter {
    const { from, to } = this._trace;
    const ends = [from, to].filter((id): id is string => id !== null);
    return { hidden: this._hidden, kept: new Set([...this._roots, ...ends]) };
  }

  /** The tree as it is expanded now; the same rows until something of it changes. */
  rows(): readonly IRow[] {
    const { _facts, _roots, _direction, _hidden, _trace, _toggled } = this;
    return this._rows(
      [_facts, _roots, _direction, _hidden, _trace, _toggled],
      () =>
        rowsOf(
          _facts,
          _roots,
          _direction,
          this.filter,
          (key, level) =>
            _toggled.get(key) ??
            (level === 1 ? _roots.length <= FEW_ROOTS : level < OPEN_LEVELS)
        )
    );
  }

  /** The graph as it is known and filtered now; the same object until that changes. */
  part(): IPart {
    return this._part(
      [this._facts, this._hidden, this._roots, this._trace],
      () => {
        const ids = new Set(this._facts.nodes().map(node => node.id));
        return part(this._facts, ids, this.filter);
      }
    );
  }

  /** What is shown, as a document. */
  document(): JsonValue {
    const { nodes, edges } = this.part();
    return {
      subject: this.subject.subject,
      title: this.title,
      executions: plain(nodes.map(node => node.execution)),
      artifacts: plain(nodes.map(node => node.artifact)),
      models: plain(nodes.flatMap(node => node.uses)),
      edges: plain(
        edges.map(({ source, target, names }) => ({ source, target, names }))
      ),
      truncated: this._isTruncated
    };
  }

  /** How many more neighbours could be loaded at a node, across what is passed over. */
  more(id: string, way: Way): number {
    return step(this._facts, id, way, this.filter).open.reduce(
      (sum, at) => sum + this._facts.beyond(at, way),
      0
    );
  }

  /** Ask for the subject; what was expanded stays. */
  async load(): Promise<void> {
    const { subject, notebook, from } = this.subject;
    await this._ask(async () => {
      const answer = await this._explore(subject, {
        direction: this._direction,
        depth: this._depth,
        notebook
      });
      this._roots = answer.roots;
      this._isTruncated = answer.truncated;
      this._facts = this._facts.with(answer);
      if (from !== undefined && this._trace.from === null) {
        await this._loadWays(from, subject);
      }
      this._selected ??= answer.roots.length === 1 ? answer.roots[0] : null;
    });
  }

  /** Load what lies one step further at some nodes. */
  async expand(ids: readonly string[], way: Way): Promise<void> {
    const open = ids.filter(id => this._facts.beyond(id, way) > 0);
    if (open.length === 0) {
      return;
    }
    await this._ask(async () => {
      const answers = await Promise.all(
        open.map(id => this._explore(id, { direction: way, depth: 1 }))
      );
      for (const answer of answers) {
        this._facts = this._facts.with(answer);
      }
    });
  }

  /** Load the next shown nodes one way, across what is passed over. */
  async expandNode(id: string, way: Way): Promise<void> {
    await this.expand(step(this._facts, id, way, this.filter).open, way);
  }

  /** Expand or collapse a row of the tree; what it needs is loaded. */
  async toggle(row: IRow, isExpanded: boolean): Promise<void> {
    await this._toggle([row], isExpanded);
  }

  /** Expand a row and all those beside it, as `*` does in a tree. */
  async expandBeside(row: IRow): Promise<void> {
    const parent = parentOf(row.key);
    await this._toggle(
      this.rows().filter(
        other => other.isExpandable && parentOf(other.key) === parent
      ),
      true
    );
  }

  select(id: string | null): void {
    if (id !== this._selected) {
      this._selected = id;
      this._changed.emit();
    }
  }

  setHidden(kind: NodeKind, isHidden: boolean): void {
    const hidden = new Set(this._hidden);
    if (isHidden) {
      hidden.add(kind);
    } else {
      hidden.delete(kind);
    }
    this._hidden = hidden;
    this._changed.emit();
  }

  async setDepth(depth: number): Promise<void> {
    this._depth = depth;
    await this._startAnew();
  }

  async setDirection(direction: Direction): Promise<void> {
    this._direction = direction;
    await this._startAnew();
  }

  async setWithCached(withCached: boolean): Promise<void> {
    this._withCached = withCached;
    await this._startAnew();
  }

  /** Choose an end of the ways to bring out; once both are there, ask for what lies between. */
  async setTrace(change: Partial<ITrace>): Promise<void> {
    const before = this._trace;
    const trace = { ...before, ...change };
    if (trace.from !== before.from && change.column === undefined) {
      const columns =
        trace.from === null ? null : columnsOf(this._facts.node(trace.from));
      if (trace.column !== null && !columns?.includes(trace.column)) {
        trace.column = null;
      }
    }
    this._setTrace(trace);
    const { from, to } = trace;
    if (from !== null && to !== null && from !== to) {
      if (from !== before.from || to !== before.to) {
        await this._ask(() => this._loadWays(from, to, trace.column));
      }
    }
  }

  /**
   * Bring out how a column got from where it first appears, by name, to a node; from a node that
   * nothing feeds, or whose feeders lack the column, to the subject.
   */
  async followColumn(id: string, column: string): Promise<void> {
    await this._ask(async () => {
      const depth = EVERY_STEP;
      const answer = await this._explore(id, { direction: 'upstream', depth });
      this._facts = this._facts.with(answer);
    });
    const origin = originOf(this._facts, id, column);
    const models = this._facts.nodes().filter(node => node.kind === 'model');
    const [to] =
      origin === id
        ? [...this._roots, ...models.map(node => node.id).reverse()].filter(
            other => other !== id
          )
        : [id];
    await this.setTrace({ from: origin, to: to ?? null, column });
  }

  dispose(): void {
    if (this._isDisposed) {
      return;
    }
    this._isDisposed = true;
    this._refresh.dispose();
    this._connection.events.received.disconnect(this._onEvent, this);
    this._connection.reset.disconnect(this._onReset, this);
    Signal.clearData(this);
  }

  /** Load all ways between two subjects, and bring them out. */
  private async _loadWays(
    from: string,
    to: string,
    column: string | null = this.subject.column ?? null
  ): Promise<void> {
    const answer = await this._connection.client.call(
      'lineage.between',
      {},
      undefined,
      { query: { from, to, notebook: this.subject.notebook, limit: LIMIT } }
    );
    this._facts = this._facts.with(answer);
    const roots = answer.roots;
    this._setTrace({
      from: roots[0] ?? null,
      to: roots[roots.length - 1] ?? null,
      column
    });
  }

  private async _explore(
    subject: string,
    query: { direction: Direction; depth: number; notebook?: string }
  ): Promise<LineageGraph> {
    return this._connection.client.call('lineage.explore', {}, undefined, {
      query: { subject, ...query, limit: LIMIT, cached: this._withCached }
    });
  }

  private async _ask(action: () => Promise<void>): Promise<void> {
    this._loading += 1;
    this._changed.emit();
    try {
      await this._connection.ensure();
      await action();
      this._error = null;
    } catch (error) {
      this._error = error;
    }
    this._loading -= 1;
    this._ways = null;
    if (!this._isDisposed) {
      this._changed.emit();
    }
  }

  private async _toggle(
    rows: readonly IRow[],
    isExpanded: boolean
  ): Promise<void> {
    this._toggled = new Map([
      ...this._toggled,
      ...rows.map(({ key }): [string, boolean] => [key, isExpanded])
    ]);
    this._changed.emit();
    for (const way of isExpanded ? WAYS : []) {
      await this.expand(
        rows.filter(row => row.way === way).flatMap(({ open }) => open),
        way
      );
    }
  }

  private async _startAnew(): Promise<void> {
    this._facts = Facts.none;
    this._ways = null;
    const { from, to, column } = this._trace;
    await this.load();
    if (from !== null && to !== null && from !== to) {
      await this._ask(() => this._loadWays(from, to, column));
    }
  }

  private _setTrace(trace: ITrace): void {
    this._trace = trace;
    this._ways = null;
    this._changed.emit();
  }

  private _onEvent(_: EventStream, event: Event): void {
    const hasEnded =
      event.kind === 'run.updated' && isFinal(event.data.state as RunState);
    if (hasEnded || NAMING_EVENTS.has(event.kind)) {
      this._refresh.request();
    }
  }

  private _onReset(): void {
    if (!this.isLoading) {
      this._refresh.request();
    }
  }

  private readonly _changed = new Signal<this, void>(this);
  private readonly _refresh: Throttle;
  private _toggled: ReadonlyMap<string, boolean> = new Map();
  private _facts = Facts.none;
  private _roots: readonly string[] = [];
  private _direction: Direction;
  private _depth = 2;
  private _withCached = false;
  private _hidden: ReadonlySet<NodeKind> = new Set();
  private _selected: string | null = null;
  private _trace: ITrace = { from: null, to: null, column: null };
  private _ways: IWays | null = null;
  private readonly _part = remembered<IPart>();
  private readonly _rows = remembered<readonly IRow[]>();
  private _error: unknown = null;
  private _isTruncated = false;
  private _loading = 0;
  private _isDisposed = false;
}

/** Makes something anew only when what it is made of is another. */
function remembered<T>(): (of: readonly unknown[], make: () => T) => T {
  let last: { of: readonly unknown[]; made: T } | null = null;
  return (of, make) => {
    if (last === null || of.some((value, at) => value !== last?.of[at])) {
      last = { of, made: make() };
    }
    return last.made;
  };
}

function plain(items: readonly (object | null)[]): JsonValue[] {
  return items.filter(item => item !== null) as unknown as JsonValue[];
}

const WAYS: readonly Way[] = ['upstream', 'downstream'];

/** What changes the names that a model goes by. */
const NAMING_EVENTS: ReadonlySet<string> = new Set([
  'model.updated',
  'endpoint.updated'
]);

/** More than one sees at once; the rest comes by expanding. */
const LIMIT = 300;
const REFRESH_MS = 2000;

/** As deep as the engine goes. */
export const EVERY_STEP = 100_000;

/** A subject, its headings and the first steps are expanded at first. */
const OPEN_LEVELS = 4;
const FEW_ROOTS = 3;
