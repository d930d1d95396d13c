import type { Cell } from '@jupyterlab/cells';
import type { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { IDisposable } from '@lumino/disposable';

import { isFinal } from '../api/states';
import type { Failure } from '../api/types';
import { formatDuration } from '../components/format';
import { stepColor } from '../components/palette';
import { stateLabel } from '../components/state';
import { stateIcons } from '../icons';
import { failureNote } from './failure-note';
import type { ICellMark, MarksModel } from './marks-model';

/**
 * Draws on every notebook in sight what the platform knows of it: a coloured bar beside the cells of a
 * step, the step's name above its first cell, and the error on the cell that failed.
 *
 * Marks live inside the cells' own nodes: a windowed notebook takes them out and in again with the cell.
 * A cell that moves gets a new widget, so what changes the list of cells draws anew, too.
 */
export class CellMarks implements IDisposable {
  constructor(
    private readonly _model: MarksModel,
    private readonly _tracker: INotebookTracker,
    private readonly _options: CellMarks.IOptions
  ) {
    _model.changed.connect(this._schedule, this);
    _tracker.currentChanged.connect(this._schedule, this);
    _tracker.widgetAdded.connect(this._onAdded, this);
    _tracker.forEach(panel => this._onAdded(_tracker, panel));
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  /** Show or hide all marks. */
  set isEnabled(value: boolean) {
    this._isEnabled = value;
    this._schedule();
  }

  /** The chip with a step's name in a notebook, if it is in the document now. */
  chipOf(panel: NotebookPanel, step: string): HTMLElement | null {
    const chips = panel.content.node.querySelectorAll<HTMLElement>(
      '.jp-mlplat-CellLabel-step'
    );
    return [...chips].find(chip => chip.dataset.step === step) ?? null;
  }

  /** Unfold the traceback of a cell and go to it. */
  showTraceback(cell: Cell): void {
    const note = cell.node.querySelector<HTMLElement>('.jp-mlplat-CellFailure');
    const toggle = note?.querySelector<HTMLElement>('[aria-expanded]');
    if (toggle?.getAttribute('aria-expanded') === 'false') {
      toggle.click();
    }
    toggle?.focus();
    note?.scrollIntoView({ block: 'nearest' });
  }

  dispose(): void {
    if (this._isDisposed) {
      return;
    }
    this._isDisposed = true;
    cancelAnimationFrame(this._frame);
    clearTimeout(this._timer);
    this._model.changed.disconnect(this._schedule, this);
    this._tracker.currentChanged.disconnect(this._schedule, this);
    this._tracker.widgetAdded.disconnect(this._onAdded, this);
  }

  private _onAdded(_: INotebookTracker, panel: NotebookPanel): void {
    const connect = () => {
      if (!panel.isDisposed && !this._isDisposed) {
        panel.content.model?.cells.changed.connect(this._schedule, this);
        this._schedule();
      }
    };
    panel.context.ready.then(connect, () => undefined);
  }

  /** The model changes often while a run goes on; the eye needs one drawing a frame. */
  private _schedule(): void {
    cancelAnimationFrame(this._frame);
    this._frame = requestAnimationFrame(() => this._draw());
  }

  private _draw(): void {
    clearTimeout(this._timer);
    let isTimed = false;
    this._tracker.forEach(panel => {
      if (panel.isVisible && panel.content.model !== null) {
        isTimed = this._drawNotebook(panel) || isTimed;
      }
    });
    if (isTimed) {
      // The time of a running step goes on by itself.
      this._timer = setTimeout(() => this._schedule(), TICK_MS);
    }
  }

  /** Returns whether something in it shows a time that goes on. */
  private _drawNotebook(panel: NotebookPanel): boolean {
    const cells = panel.content.widgets;
    const models = new Map(cells.map(cell => [cell.model.id, cell.model]));
    const marks = this._isEnabled
      ? this._model.marksOf(
          panel.context.path,
          id => models.get(id)?.sharedModel.getSource() ?? null
        )
      : null;
    let isTimed = false;
    for (const cell of cells) {
      const mark = marks?.get(cell.model.id) ?? null;
      this._drawCell(panel, cell, mark);
      isTimed ||= mark?.isFirst === true && mark.task?.state === 'RUNNING';
    }
    return isTimed;
  }

  private _drawCell(
    panel: NotebookPanel,
    cell: Cell,
    mark: ICellMark | null
  ): void {
    const { node } = cell;
    const chip = mark?.isFirst ? this._chipText(mark) : null;
    const key = JSON.stringify([
      mark && [mark.step, mark.stepIndex, mark.isRunning, mark.isStale],
      chip,
      mark?.failure
    ]);
    // A cell's node can be given to another widget; what is drawn is noted on the node itself.
    if (node.dataset.mlplatKey === key || (mark === null && !isMarked(node))) {
      return;
    }
    node.dataset.mlplatKey = key;
    node.classList.toggle('jp-mlplat-Marked', mark !== null);
    node.classList.toggle('jp-mlplat-Stale', mark?.isStale === true);
    node.classList.toggle('jp-mlplat-Running', mark?.isRunning === true);
    node.classList.toggle('jp-mlplat-Failed', !!mark?.failure);
    if (mark === null) {
      delete node.dataset.mlplatStep;
      node.style.removeProperty('--jp-mlplat-step-color');
    } else {
      node.dataset.mlplatStep = mark.step;
      node.style.setProperty(
        '--jp-mlplat-step-color',
        stepColor(mark.stepIndex)
      );
    }
    this._drawLabel(panel, cell, mark, chip);
    this._drawFailure(panel, cell, mark?.failure ?? null);
  }

  private _drawLabel(
    panel: NotebookPanel,
    cell: Cell,
    mark: ICellMark | null,
    chip: IChip | null
  ): void {
    const old = childOf(cell.node, 'jp-mlplat-CellLabel');
    const isFocused = old?.contains(document.activeElement) === true;
    old?.remove();
    if (mark === null || (chip === null && mark.failure === null)) {
      return;
    }
    const label = document.createElement('div');
    label.className = 'jp-mlplat-CellLabel';
    label.dataset.lmSuppressShortcuts = 'true';
    if (chip !== null) {
      label.append(this._stepChip(panel, mark, chip));
    }
    if (mark.failure !== null) {
      label.append(this._failureChip(cell, mark.failure));
    }
    cell.node.append(label);
    if (isFocused) {
      label.querySelector('button')?.focus({ preventScroll: true });
    }
  }

  private _chipText(mark: ICellMark): IChip {
    const { trans } = this._options;
    const { task, isFailing, durationS } = mark;
    const isStale = mark.isStale && !isFailing;
    const isRunning = task?.state === 'RUNNING';
    const isCached = task?.cached === true && task.state === 'SUCCEEDED';
    // How an older text fared says nothing about the one that stands here now.
    const isTold = task !== null && (!isStale || !isFinal(task.state));
    const state = isTold ? (isCached ? 'CACHED' : task.state) : null;
    const elapsedS =
      isRunning && task.started_at !== null
        ? Math.floor(
            Math.max(0, Date.now() - Date.parse(task.started_at)) / 1000
          )
        : null;
    return {
      state: state === 'PENDING' ? null : state,
      stateLabel: isTold ? stateLabel(trans, task.state, isCached) : '',
      note: isStale && !isRunning ? trans.__('edited') : '',
      time:
        elapsedS !== null
          ? formatDuration(elapsedS)
          : durationS !== null && !isRunning
            ? formatDuration(durationS)
            : ''
    };
  }

  private _stepChip(
    panel: NotebookPanel,
    mark: ICellMark,
    chip: IChip
  ): HTMLElement {
    const { trans, onEdit } = this._options;
    const element = button('jp-mlplat-CellLabel-step', mark.step);
    element.dataset.step = mark.step;
    element.setAttribute('aria-haspopup', 'dialog');
    element.setAttribute(
      'aria-label',
      [
        trans.__('Step %1', mark.step),
        chip.stateLabel,
        chip.note && trans.__('edited since it last succeeded'),
        chip.time
      ]
        .filter(Boolean)
        .join(', ')
    );
    element.title = trans.__('Edit the settings of step %1', mark.step);
    element.addEventListener('click', event => {
      event.stopPropagation();
      onEdit(panel, mark.step);
    });
    if (chip.state !== null) {
      const state = document.createElement('span');
      state.className = 'jp-mlplat-State';
      state.dataset.state = chip.state;
      stateIcons[chip.state].element({ container: state });
      element.append(state);
    }
    if (chip.note) {
      element.append(text('jp-mlplat-CellLabel-note', chip.note));
    }
    if (chip.time) {
      element.append(text('jp-mlplat-CellLabel-time', chip.time));
    }
    return element;
  }

  private _failureChip(cell: Cell, failure: Failure): HTMLElement {
    const { trans } = this._options;
    const name = failure.error_name ?? failure.code;
    const chip = button(
      'jp-mlplat-CellLabel-failure',
      failure.line === null
        ? name
        : trans.__('%1 · line %2', name, failure.line)
    );
    chip.title = trans.__('Show the traceback');
    chip.addEventListener('click', event => {
      event.stopPropagation();
      this.showTraceback(cell);
    });
    const icon = document.createElement('span');
    stateIcons.FAILED.element({ container: icon });
    chip.prepend(icon);
    return chip;
  }

  private _drawFailure(
    panel: NotebookPanel,
    cell: Cell,
    failure: Failure | null
  ): void {
    childOf(cell.node, 'jp-mlplat-CellFailure')?.remove();
    if (failure === null) {
      this._open.delete(cell.model.id);
      return;
    }
    const { trans, onRetry, onShowRun } = this._options;
    const { id } = cell.model;
    cell.node.append(
      failureNote(failure, {
        trans,
        isOpen: this._open.has(id),
        onToggle: isOpen =>
          isOpen ? this._open.add(id) : this._open.delete(id),
        onRetry: () => onRetry(panel, failure.step),
        onShowRun: () => onShowRun(panel, failure.step)
      })
    );
  }

  private readonly _open = new Set<string>();
  private _frame = 0;
  private _timer: ReturnType<typeof setTimeout> | undefined;
  private _isEnabled = true;
  private _isDisposed = false;
}

export namespace CellMarks {
  export interface IOptions {
    trans: TranslationBundle;
    onEdit: (panel: NotebookPanel, step: string) => void;
    onRetry: (panel: NotebookPanel, step: string | null) => void;
    onShowRun: (panel: NotebookPanel, step: string | null) => void;
  }
}

/** What stands on a step's chip besides its name. */
interface IChip {
  state: keyof typeof stateIcons | null;
  stateLabel: string;
  note: string;
  time: string;
}

const TICK_MS = 1000;

function isMarked(node: HTMLElement): boolean {
  return node.classList.contains('jp-mlplat-Marked');
}

/** Our own part of a cell; an element of that name in an output is another's. */
function childOf(node: HTMLElement, className: string): Element | null {
  return node.querySelector(`:scope > .${className}`);
}

function button(className: string, label: string): HTMLButtonElement {
  const element = document.createElement('button');
  element.type = 'button';
  element.className = className;
  element.append(text('', label));
  return element;
}

function text(className: string, content: string): HTMLElement {
  const element = document.createElement('span');
  element.className = className;
  element.textContent = content;
  return element;
}
