import type { IRenderMime, IRenderMimeRegistry } from '@jupyterlab/rendermime';
import type { IDisposable } from '@lumino/disposable';
import { Panel, Widget } from '@lumino/widgets';

import { readAddress } from './cards';
import type { Cards, IAddress, Twin } from './cards';

/** Said by an output of ours beside its static twin and its live view. */
export const VIEW_MIME = 'application/vnd.mlplat.view+json';

const TWIN_MIME = 'text/html';
const CARD = '.mlplat-Card';
const WIDGET_MIME = 'application/vnd.jupyter.widget-view+json';

/**
 * The manager of widgets comes to a notebook some time after its outputs, and only to renderers that it finds or
 * makes: one made too early stays empty, and is made again.
 */
const PAUSES_MS = [500, 1000, 2000, 4000, 8000, 16000];

/** A live view that is not there after so many attempts may never come: the server draws meanwhile. */
const PATIENCE = 2;

/** The live view's element; `twin` is what it would show without scripts. */
interface ICard extends HTMLElement {
  twin?: Twin;
}

/**
 * Shows the static twin of an output until its live view says that it is there, and again when that has gone:
 * after a reload, without a kernel, in a notebook that is not trusted. A twin without a live view is drawn
 * anew when the engine says more.
 */
export class ViewHost extends Panel implements IRenderMime.IRenderer {
  constructor(private readonly _options: ViewHost.IOptions) {
    super();
    this.addClass('jp-mlplat-ViewHost');
  }

  async renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    this._model = model;
    if (model.data[TWIN_MIME] !== undefined) {
      this._twin ??= this._add(TWIN_MIME);
      await this._twin.renderModel(this._shown(model));
    }
    const widget = model.data[WIDGET_MIME] as { model_id?: string } | undefined;
    if (!model.trusted || !widget?.model_id || widget.model_id === this._id) {
      return;
    }
    this._id = widget.model_id;
    this._unfollow();
    this._startLive(model, 0);
  }

  /** Keep the last state in the notebook: what is seen of it without a kernel. */
  keep(): void {
    const last = this._card?.twin ?? this._picture ?? {};
    const model = this._model;
    const isKept = Object.entries(last).every(
      ([mimeType, text]) => model?.data[mimeType] === text
    );
    if (!isKept) {
      model?.setData({ data: { ...model.data, ...last } });
    }
  }

  /** Go on without the live view: its kernel is gone. */
  lose(): void {
    if (this._live === null) {
      return;
    }
    const last = this._card?.twin;
    this._stopLive();
    this._follow();
    if (last) {
      this._show(last);
    }
  }

  override dispose(): void {
    this._stopLive();
    this._unfollow();
    super.dispose();
  }

  private get _card(): ICard | null {
    return this._live?.node.querySelector<ICard>(CARD) ?? null;
  }

  private _startLive(model: IRenderMime.IMimeModel, attempt: number): void {
    this._stopLive();
    if (this._options.rendermime.mimeTypes.includes(WIDGET_MIME)) {
      const live = (this._live = this._add(WIDGET_MIME));
      live.hide();
      // The card comes when kernel and state are there, and goes with them.
      this._observer = new MutationObserver(() => {
        const card = this._card;
        live.setHidden(card === null);
        this._twin?.setHidden(card !== null);
        if (card) {
          window.clearTimeout(this._timer);
          this._unfollow();
          if (card.dataset.status === 'still') {
            this.keep();
          }
        }
      });
      this._observer.observe(live.node, { childList: true, subtree: true });
      void live.renderModel(model);
    }
    if (attempt >= PATIENCE) {
      this._follow();
    }
    if (attempt < PAUSES_MS.length) {
      this._timer = window.setTimeout(
        () => this._startLive(model, attempt + 1),
        PAUSES_MS[attempt]
      );
    }
  }

  private _stopLive(): void {
    window.clearTimeout(this._timer);
    this._observer?.disconnect();
    this._live?.dispose();
    this._live = null;
    this._twin?.show();
  }

  /** Have the twin drawn anew while there is no live view. */
  private _follow(): void {
    const address = readAddress(this._model?.data[VIEW_MIME]);
    if (!address || this._following || this.isDisposed) {
      return;
    }
    this._following =
      this._options.cards?.follow(address, twin => this._show(twin)) ?? null;
    const { open } = this._options;
    if (this._following && open) {
      this._button = new Widget({ node: Private.button(open, address) });
      this.addWidget(this._button);
    }
  }

  private _unfollow(): void {
    this._following?.dispose();
    this._following = null;
    this._button?.dispose();
    this._button = null;
    this._picture = null;
  }

  private _show(twin: Twin): void {
    this._picture = twin;
    if (this._model && this._twin) {
      void this._twin.renderModel(this._shown(this._model));
    }
  }

  /** A model with the newest picture in it. */
  private _shown(model: IRenderMime.IMimeModel): IRenderMime.IMimeModel {
    return {
      trusted: model.trusted,
      metadata: model.metadata,
      data: { ...model.data, ...this._picture },
      setData: options => model.setData(options)
    };
  }

  private _add(mimeType: string): IRenderMime.IRenderer {
    const renderer = this._options.rendermime.createRenderer(mimeType);
    this.addWidget(renderer);
    return renderer;
  }

  private _twin: IRenderMime.IRenderer | null = null;
  private _live: IRenderMime.IRenderer | null = null;
  private _button: Widget | null = null;
  private _following: IDisposable | null = null;
  private _observer: MutationObserver | null = null;
  private _model: IRenderMime.IMimeModel | null = null;
  private _picture: Twin | null = null;
  private _timer = 0;
  private _id = '';
}

export namespace ViewHost {
  export interface IOptions {
    rendermime: IRenderMimeRegistry;

    /** Draws what has no live view; null: nobody does. */
    cards: Cards | null;

    /** What opens a run in the panel, and what that is called. */
    open: { label: string; act: (address: IAddress) => void } | null;
  }
}

namespace Private {
  export function button(
    open: NonNullable<ViewHost.IOptions['open']>,
    address: IAddress
  ): HTMLElement {
    const place = document.createElement('div');
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'jp-mlplat-Button';
    button.textContent = open.label;
    button.addEventListener('click', () => open.act(address));
    place.append(button);
    return place;
  }
}
