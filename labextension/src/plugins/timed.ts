import type { JupyterFrontEndPlugin } from '@jupyterlab/application';

/** The name under which the browser keeps how long our plugins took to start: `performance.measure`. */
export const MEASURE = 'mlplat:activate';

/** Measure how long a plugin's activation holds up the page, for `performance.getEntriesByName`. */
export function timed(
  plugin: JupyterFrontEndPlugin<unknown>
): JupyterFrontEndPlugin<unknown> {
  return {
    ...plugin,
    activate: (...args: Parameters<typeof plugin.activate>) => {
      const start = performance.now();
      try {
        return plugin.activate(...args) as unknown;
      } finally {
        performance.measure(MEASURE, { start, detail: plugin.id });
      }
    }
  };
}
