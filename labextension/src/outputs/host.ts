import type { IRenderMime, IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { Panel } from '@lumino/widgets';

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

/** The live view's element; `twin` is what it would show without scripts. */
interface ICard extends HTMLElement {
  twin?: { [mimeType: string]: string };
}

/**
 * Shows the static twin of an output until its live view says that it is there, and again when that has gone:
 * after a reload, without a kernel, in a notebook that is not trusted.
 */
export class ViewHost extends Panel implements IRenderMime.IRenderer {
  constructor(private readonly _rendermime: IRenderMimeRegistry) {
    super();
    this.addClass('jp-mlplat-ViewHost');
  }

  async renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    this._model = model;
    if (model.data[TWIN_MIME] !== undefined) {
      this._twin ??= this._add(TWIN_MIME);
      await this._twin.renderModel(model);
    }
    const widget = model.data[WIDGET_MIME] as { model_id?: string } | undefined;
    if (!model.trusted || !widget?.model_id || widget.model_id === this._id) {
      return;
    }
    this._id = widget.model_id;
    this._startLive(model, 0);
  }

  /** Keep the last state in the notebook: what is seen of it without a kernel. */
  keep(): void {
    const card = this._live?.node.querySelector<ICard>(CARD);
    const model = this._model;
    const isKept = Object.entries(card?.twin ?? {}).every(
      ([mimeType, text]) => model?.data[mimeType] === text
    );
    if (!isKept) {
      model?.setData({ data: { ...model.data, ...card?.twin } });
    }
  }

  override dispose(): void {
    this._stopLive();
    super.dispose();
  }

  private _startLive(model: IRenderMime.IMimeModel, attempt: number): void {
    this._stopLive();
    if (this._rendermime.mimeTypes.includes(WIDGET_MIME)) {
      const live = (this._live = this._add(WIDGET_MIME));
      live.hide();
      // The card comes when kernel and state are there, and goes with them.
      this._observer = new MutationObserver(() => {
        const card = live.node.querySelector<ICard>(CARD);
        live.setHidden(card === null);
        this._twin?.setHidden(card !== null);
        if (card) {
          window.clearTimeout(this._timer);
          if (card.dataset.status === 'still') {
            this.keep();
          }
        }
      });
      this._observer.observe(live.node, { childList: true, subtree: true });
      void live.renderModel(model);
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
  }

  private _add(mimeType: string): IRenderMime.IRenderer {
    const renderer = this._rendermime.createRenderer(mimeType);
    this.addWidget(renderer);
    return renderer;
  }

  private _twin: IRenderMime.IRenderer | null = null;
  private _live: IRenderMime.IRenderer | null = null;
  private _observer: MutationObserver | null = null;
  private _model: IRenderMime.IMimeModel | null = null;
  private _timer = 0;
  private _id = '';
}
