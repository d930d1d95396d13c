import type { IRenderMime, IRenderMimeRegistry } from '@jupyterlab/rendermime';

const clones = new WeakMap<IRenderMimeRegistry, IRenderMimeRegistry>();

/**
 * A registry whose renderers ask no other host: what a run displayed is looked at by whoever opens the run, who
 * should not be told on by an image.
 */
export function confined(rendermime: IRenderMimeRegistry): IRenderMimeRegistry {
  let clone = clones.get(rendermime);
  if (!clone) {
    const sanitizer = new ConfinedSanitizer(rendermime.sanitizer);
    clones.set(rendermime, (clone = rendermime.clone({ sanitizer })));
  }
  return clone;
}

/** JupyterLab's sanitizer, and after it none of the attributes that load something from elsewhere. */
export class ConfinedSanitizer implements IRenderMime.ISanitizer {
  constructor(private readonly _inner: IRenderMime.ISanitizer) {}

  get allowNamedProperties(): boolean {
    return this._inner.allowNamedProperties ?? false;
  }

  get allowCommandLinker(): boolean {
    return false;
  }

  getAutolink(): boolean {
    return this._inner.getAutolink?.() ?? true;
  }

  sanitize(dirty: string, options?: IRenderMime.ISanitizerOptions): string {
    const clean = this._inner.sanitize(dirty, options);
    // A document that is not shown loads nothing.
    const { body } = new DOMParser().parseFromString(clean, 'text/html');
    for (const element of Array.from(body.querySelectorAll('*'))) {
      if (LOADING.has(element.localName)) {
        element.remove();
        continue;
      }
      for (const { name, value } of Array.from(element.attributes)) {
        if (leaves(element, name, value)) {
          element.removeAttribute(name);
        }
      }
    }
    return body.innerHTML;
  }
}

/** Elements that exist to load something, or to style more than themselves. */
const LOADING = new Set(['link', 'style', 'base', 'meta', 'iframe', 'object']);

const ADDRESSES = new Set([
  'src',
  'srcset',
  'poster',
  'background',
  'data',
  'href',
  'xlink:href',
  'ping'
]);

function leaves(element: Element, name: string, value: string): boolean {
  if (name === 'style') {
    // Also hidden by an escape: \75rl(…).
    return /\\|url|image|src|import/i.test(value);
  }
  if (!ADDRESSES.has(name)) {
    return /url\s*\(\s*['"]?\s*(?!#)/i.test(value);
  }
  if (name === 'href' && /^(a|area)$/.test(element.localName)) {
    return false; // followed by a click only
  }
  const addresses = name === 'srcset' ? value.split(/[\s,]+/) : [value];
  return addresses.some(address => !isLocal(address));
}

function isLocal(address: string): boolean {
  try {
    const { origin, protocol } = new URL(address, window.location.href);
    return protocol === 'data:' || origin === window.location.origin;
  } catch {
    return false;
  }
}
