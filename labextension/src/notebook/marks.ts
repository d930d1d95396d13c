import type { Cell } from '@jupyterlab/cells';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { IDisposable } from '@lumino/disposable';

import type { Failure, Pipeline, Task } from '../api/types';
import { stepColor } from '../components/palette';
import { stateLabel } from '../components/state';
import { stateIcons } from '../icons';
import type { PipelineModel } from '../panels/pipeline/model';
import { NotebookAdapter } from './adapter';

/**
 * Draws on the notebook what the panel knows: a coloured bar beside the cells of a step, the step's name
 * above its first cell, and the error on the cell that failed.
 */
export class CellMarks implements IDisposable {
  constructor(
    private readonly _model: PipelineModel,
    private readonly _options: CellMarks.IOptions
  ) {
    _model.changed.connect(this._schedule, this);
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  /** Show or hide all marks. */
  set isEnabled(value: boolean) {
    this._isEnabled = value;
    this._schedule();
  }

  dispose(): void {
    this._isDisposed = true;
    cancelAnimationFrame(this._frame);
    this._model.changed.disconnect(this._schedule, this);
  }

  /** The model changes often while a run goes on; the eye needs one drawing a frame. */
  private _schedule(): void {
    cancelAnimationFrame(this._frame);
    this._frame = requestAnimationFrame(() => this._draw());
  }

  private _draw(): void {
    const notebook = this._model.notebook;
    if (!(notebook instanceof NotebookAdapter) || notebook.isDisposed) {
      return;
    }
    const pipeline = this._isEnabled ? this._model.pipeline : null;
    const places = Private.places(pipeline);
    const failure = this._isEnabled ? this._model.failure : null;
    const tasks = new Map(
      this._model.run?.run?.tasks.map(task => [task.name, task])
    );
    for (const cell of notebook.panel.content.widgets) {
      const place = places.get(cell.model.id) ?? null;
      const isFailed = failure?.cell === cell.model.id;
      this._mark(cell, place);
      const task = place ? (tasks.get(place.step) ?? null) : null;
      const isRunning =
        task?.state === 'RUNNING' &&
        task.cells.some(
          ({ id, state }) => id === cell.model.id && state === 'running'
        );
      cell.node.classList.toggle('jp-mlplat-Running', isRunning);
      this._label(cell, {
        place: place?.isFirst ? place : null,
        task: place?.isFirst ? task : null,
        failure: isFailed ? failure : null
      });
    }
  }

  private _mark(cell: Cell, place: Private.IPlace | null): void {
    const { node } = cell;
    node.classList.toggle('jp-mlplat-Marked', place !== null);
    if (place === null) {
      delete node.dataset.mlplatStep;
      node.style.removeProperty('--jp-mlplat-step-color');
    } else {
      node.dataset.mlplatStep = place.step;
      node.style.setProperty(
        '--jp-mlplat-step-color',
        stepColor(place.stepIndex)
      );
    }
  }

  private _label(cell: Cell, content: Private.ILabel): void {
    const { node } = cell;
    const { place, task, failure } = content;
    const key = JSON.stringify([
      place?.step,
      task?.state,
      task?.cached,
      failure?.error_name ?? failure?.code,
      failure?.line
    ]);
    const old = node.querySelector<HTMLElement>(
      ':scope > .jp-mlplat-CellLabel'
    );
    if (old?.dataset.key === key) {
      return;
    }
    old?.remove();
    node.classList.toggle('jp-mlplat-Failed', failure !== null);
    if (place === null && failure === null) {
      return;
    }
    const label = document.createElement('div');
    label.className = 'jp-mlplat-CellLabel';
    label.dataset.key = key;
    if (place !== null) {
      label.append(this._stepChip(place, task));
    }
    if (failure !== null) {
      label.append(this._failureChip(failure));
    }
    node.append(label);
  }

  private _stepChip(place: Private.IPlace, task: Task | null): HTMLElement {
    const { trans, onSelectStep } = this._options;
    const chip = Private.button(
      'jp-mlplat-CellLabel-step',
      place.step,
      trans.__('Show step %1 in the ML Platform panel', place.step),
      () => onSelectStep(place.step)
    );
    if (task) {
      const isCached = task.cached && task.state === 'SUCCEEDED';
      const state = document.createElement('span');
      state.className = 'jp-mlplat-State';
      state.dataset.state = isCached ? 'CACHED' : task.state;
      state.setAttribute('role', 'img');
      state.setAttribute('aria-label', stateLabel(trans, task.state, isCached));
      stateIcons[isCached ? 'CACHED' : task.state].element({
        container: state
      });
      chip.append(state);
    }
    return chip;
  }

  private _failureChip(failure: Failure): HTMLElement {
    const { trans, onShowFailure } = this._options;
    const name = failure.error_name ?? failure.code;
    const text =
      failure.line === null
        ? name
        : trans.__('%1 · line %2', name, failure.line);
    const chip = Private.button(
      'jp-mlplat-CellLabel-failure',
      text,
      failure.error_value ?? failure.message,
      onShowFailure
    );
    stateIcons.FAILED.element({
      container: chip.insertBefore(
        document.createElement('span'),
        chip.firstChild
      )
    });
    return chip;
  }

  private _frame = 0;
  private _isEnabled = true;
  private _isDisposed = false;
}

export namespace CellMarks {
  export interface IOptions {
    trans: TranslationBundle;
    onSelectStep: (step: string) => void;
    onShowFailure: () => void;
  }
}

namespace Private {
  /** Where a cell stands in the pipeline. */
  export interface IPlace {
    step: string;
    stepIndex: number;
    isFirst: boolean;
  }

  export interface ILabel {
    place: IPlace | null;
    task: Task | null;
    failure: Failure | null;
  }

  export function places(pipeline: Pipeline | null): Map<string, IPlace> {
    const result = new Map<string, IPlace>();
    pipeline?.steps.forEach((step, stepIndex) => {
      step.cells.forEach((cell, index) => {
        result.set(cell.id, {
          step: step.name,
          stepIndex,
          isFirst: index === 0
        });
      });
    });
    return result;
  }

  export function button(
    className: string,
    text: string,
    title: string,
    onClick: () => void
  ): HTMLButtonElement {
    const element = document.createElement('button');
    element.type = 'button';
    element.className = className;
    element.title = title;
    const label = document.createElement('span');
    label.textContent = text;
    element.append(label);
    element.addEventListener('click', event => {
      event.stopPropagation();
      onClick();
    });
    return element;
  }
}
