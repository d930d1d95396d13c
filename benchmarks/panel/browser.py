"""What Chromium sees of the panel. Every page is fresh: its own context, no cache."""

import gzip
import statistics
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Page, Response

from benchmarks.panel.lab import EXTENSION, NOTEBOOK
from tests.ui.conftest import Lab

# Times the synchronous part of each plugin's activation, wherever JupyterLab calls it.
ACTIVATION = """
window.mlplatActivationMs = 0;
window._JUPYTERLAB = new Proxy({}, {
  set(target, name, container) {
    target[name] = name !== '%s' ? container : {
      init: scope => container.init(scope),
      get: async path => {
        const make = await container.get(path);
        return () => {
          const module = make();
          for (const plugin of [module.default].flat()) {
            const activate = plugin?.activate;
            if (activate) {
              plugin.activate = (...given) => {
                const start = performance.now();
                try { return activate(...given); }
                finally { window.mlplatActivationMs += performance.now() - start; }
              };
            }
          }
          return module;
        };
      }
    };
    return true;
  }
});
""".replace("%s", EXTENSION)

# From the command to the frame after the first row is there.
FIRST_PAINT = """() => new Promise(resolve => {
  const start = performance.now();
  const look = () => document.querySelector('[data-run]')
    ? requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - start)))
    : requestAnimationFrame(look);
  void window.jupyterapp.commands.execute('mlplat:open', { section: 'runs' });
  look();
})"""

# Scrolls by so many pixels a frame, for so long; gives frames per second and the share of rows that
# were there, not still to come.
SCROLL = """([step, ms]) => new Promise(resolve => {
  const list = document.querySelector('.jp-mlplat-RunList');
  const start = performance.now();
  let [frames, filled, all] = [0, 0, 0];
  const move = now => {
    const elapsed = now - start;
    if (elapsed > ms) {
      resolve([frames / (elapsed / 1000), filled / Math.max(1, all)]);
      return;
    }
    frames += 1;
    list.scrollTop += step;
    filled += list.querySelectorAll('[data-run]').length;
    all += list.querySelectorAll('.jp-mlplat-RunRow').length;
    requestAnimationFrame(move);
  };
  requestAnimationFrame(move);
})"""

# From each key to the frame after it, as long as the page lives.
WATCH_KEYS = """() => {
  window.mlplatKeysMs = [];
  document.addEventListener('keydown', event => {
    requestAnimationFrame(() => {
      const channel = new MessageChannel();
      channel.port1.onmessage = () =>
        window.mlplatKeysMs.push(performance.now() - event.timeStamp);
      channel.port2.postMessage(null);
    });
  }, true);
}"""
TYPED = "result = previous_value + another_value * 3  # text "
SETTLED_MS = 2000  # what else comes with the page; an open stream of events is never idle
KEY_EVERY_MS = 90  # a fast typist; slower than a frame, so that keys do not queue


class Loaded:
    """A page that is up, and the JavaScript of ours that it has loaded till then."""

    def __init__(self, page: Page, bodies: list[bytes]) -> None:
        self.page = page
        self._bodies = bodies

    @property
    def gzip_bytes(self) -> int:
        return sum(len(gzip.compress(body, 9)) for body in self._bodies)


@contextmanager
def fresh_page(browser: Browser, lab: Lab, path: str = "lab") -> Iterator[Loaded]:
    """Open JupyterLab as for the first time; ours is activated when it is restored."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.add_init_script(ACTIVATION)
    bodies: list[bytes] = []

    def keep(response: Response) -> None:
        if f"/extensions/{EXTENSION}/" in response.url and ".js" in response.url:
            bodies.append(response.body())

    page.on("response", keep)
    try:
        page.goto(f"{lab.url}{path}?token={lab.token}&reset")
        page.wait_for_function("() => window.jupyterapp?.restored", timeout=60_000)
        page.evaluate("() => window.jupyterapp.restored")
        page.wait_for_timeout(SETTLED_MS)
        yield Loaded(page, bodies)
    finally:
        context.close()


def first_paint_ms(browser: Browser, lab: Lab) -> tuple[float, float, int]:
    """Return how long the list took to be there, activation, and JavaScript loaded by then."""
    with fresh_page(browser, lab) as loaded:
        size = loaded.gzip_bytes
        activation_ms = float(loaded.page.evaluate("window.mlplatActivationMs"))
        return float(loaded.page.evaluate(FIRST_PAINT)), activation_ms, size


def scrolling(browser: Browser, lab: Lab, step: int, seconds: float) -> tuple[float, float]:
    """Scroll through the list; return frames per second, and the share of rows that were there."""
    with fresh_page(browser, lab) as loaded:
        loaded.page.evaluate(FIRST_PAINT)
        loaded.page.wait_for_timeout(1500)
        fps, filled = loaded.page.evaluate(SCROLL, [step, seconds * 1000])
        return float(fps), float(filled)


def typing_ms(browser: Browser, lab: Lab, keys: int, has_extension: bool) -> float:
    """Type into a cell in the middle of the long notebook; return the median key to paint."""
    with fresh_page(browser, lab, f"lab/tree/{NOTEBOOK}") as loaded:
        page = loaded.page
        page.wait_for_selector(".jp-Notebook .jp-CodeCell", timeout=60_000)
        if has_extension:
            page.evaluate("() => window.jupyterapp.commands.execute('mlplat:open')")
            page.wait_for_selector(".jp-mlplat-Panel [data-step]", timeout=60_000)
        page.wait_for_timeout(3000)
        page.click(".jp-Notebook .jp-CodeCell >> nth=3 >> .cm-content")
        page.keyboard.press("End")
        page.keyboard.press("Enter")
        page.evaluate(WATCH_KEYS)
        for number in range(keys):
            page.keyboard.press(TYPED[number % len(TYPED)].replace(" ", "Space"))
            page.wait_for_timeout(KEY_EVERY_MS)
        times = page.evaluate("window.mlplatKeysMs")
        return statistics.median(float(took) for took in times)
