import type { TranslationBundle } from '@jupyterlab/translation';
import type { Dialog } from '@jupyterlab/apputils';
import { Widget } from '@lumino/widgets';

import '../../../style/stretch.css';

/** A stretch of the past, as ISO times. */
export interface IStretch {
  start: string;
  end: string;
}

/** Asks for a stretch of the past: the body of a dialog. */
export class StretchField
  extends Widget
  implements Dialog.IBodyWidget<IStretch | null>
{
  constructor(trans: TranslationBundle, now: Date) {
    super();
    this.addClass('jp-mlplat-Stretch');
    const dayBefore = new Date(now.getTime() - 86_400_000);
    this._start = this._field(trans.__('From'), dayBefore);
    this._end = this._field(trans.__('To'), now);
  }

  /** The stretch; null when a field holds no time. */
  getValue(): IStretch | null {
    const [start, end] = [this._start, this._end].map(
      field => new Date(field.value)
    );
    return [start, end].some(time => Number.isNaN(time.getTime()))
      ? null
      : { start: start.toISOString(), end: end.toISOString() };
  }

  private _field(label: string, at: Date): HTMLInputElement {
    const line = document.createElement('label');
    const input = document.createElement('input');
    input.type = 'datetime-local';
    input.className = 'jp-mlplat-Input';
    const local = new Date(at.getTime() - at.getTimezoneOffset() * 60_000);
    input.value = local.toISOString().slice(0, 16);
    line.append(label, input);
    this.node.append(line);
    return input;
  }

  private readonly _start: HTMLInputElement;
  private readonly _end: HTMLInputElement;
}
