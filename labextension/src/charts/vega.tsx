import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import type { ReadonlyJSONObject } from '@lumino/coreutils';
import { Widget } from '@lumino/widgets';
import * as React from 'react';

import { useTrans, useWidth } from '../components/context';

const MIME = 'application/vnd.vegalite.v5+json';

/** Whether there is something that draws Vega-Lite: JupyterLab has it, other front ends may not. */
export function canDrawVega(rendermime: IRenderMimeRegistry): boolean {
  return rendermime.mimeTypes.includes(MIME);
}

/**
 * A chart in Vega-Lite, drawn by JupyterLab's own renderer and in the colours of its theme. Its menu saves
 * it as SVG or PNG.
 */
export function VegaChart(props: {
  label: string;
  rendermime: IRenderMimeRegistry;

  /** Make the document for a width, with the style that the element has. */
  spec: (width: number, style: CSSStyleDeclaration) => ReadonlyJSONObject;
}): JSX.Element {
  const { rendermime, spec } = props;
  const menuLabel = useTrans().__('Save the chart');
  const frame = React.useRef<HTMLDivElement>(null);
  const width = useWidth(frame, 0);
  const theme = useTheme();
  const [error, setError] = React.useState<string | null>(null);
  const text =
    frame.current && width > 0
      ? JSON.stringify(spec(width, getComputedStyle(frame.current)))
      : null;
  React.useEffect(() => {
    if (frame.current === null || text === null) {
      return;
    }
    const data = { [MIME]: JSON.parse(text) as ReadonlyJSONObject };
    const metadata = { [MIME]: { embed_options: EMBEDDING } };
    const renderer = rendermime.createRenderer(MIME);
    Widget.attach(renderer, frame.current);
    let isCurrent = true;
    renderer
      .renderModel(rendermime.createModel({ data, metadata, trusted: false }))
      .then(
        () => {
          if (isCurrent) {
            setError(null);
            // The menu is three dots, which say nothing to those who hear them.
            const menu = renderer.node.querySelector('details > summary');
            menu?.setAttribute('aria-label', menuLabel);
          }
        },
        reason => isCurrent && setError(String(reason))
      );
    return () => {
      isCurrent = false;
      renderer.dispose();
    };
  }, [rendermime, text, theme, menuLabel]);
  return (
    <figure className="jp-mlplat-Vega" aria-label={props.label}>
      <div ref={frame} />
      {error !== null && <p className="jp-mlplat-Hint">{error}</p>}
    </figure>
  );
}

/** The name of JupyterLab's theme, kept current. */
function useTheme(): string {
  const read = () => document.body.dataset.jpThemeName ?? '';
  const [theme, setTheme] = React.useState(read);
  React.useEffect(() => {
    const observer = new MutationObserver(() => setTheme(read()));
    const attributeFilter = ['data-jp-theme-name'];
    observer.observe(document.body, { attributeFilter });
    return () => observer.disconnect();
  }, []);
  return theme;
}

/** Saved as a picture it leaves; other ways out of the page are not offered. */
const EMBEDDING = {
  actions: { export: true, source: false, compiled: false, editor: false },
  renderer: 'svg'
};
