"""Measure the panel in a real JupyterLab: `python -m benchmarks.panel`.

The engine runs, knows 10,000 runs, and is local; the browser is Chromium without a GPU. Typing is
measured in turns with and without the extension, in a notebook of 200 cells.
"""

import argparse
import json
import shutil
import statistics
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from playwright.sync_api import sync_playwright

from benchmarks.panel.browser import first_paint_ms, scrolling, typing_ms
from benchmarks.panel.graph import opening_ms
from benchmarks.panel.lab import filled_lab, set_extension
from benchmarks.peers import Aim, machine, verdicts
from tests.ui.conftest import CHROMIUM_FLAGS

READ = 40  # pixels a frame: somebody looking for something
FLING = 1500  # pixels a frame: thirty rows, nobody reads them


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much there is to be shown, and how often and how long it is measured."""

    runs: int
    cells: int
    steps: int
    rounds: int
    keys: int
    scroll_s: float


@dataclass(frozen=True, slots=True)
class Figures:
    """What was measured; medians."""

    first_paint_ms: float
    activation_ms: float
    javascript_kb: float
    reading_fps: float
    reading_filled: float
    fling_fps: float
    typing_ms: float
    typing_without_ms: float
    graph_ms: float


def measure(sizes: Sizes) -> Figures:
    """Measure everything once the history is there."""
    chromium = shutil.which("chromium")
    if chromium is None:
        raise SystemExit("The panel is measured in chromium: apt-get install chromium")
    with filled_lab(sizes.runs, sizes.cells) as lab, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_FLAGS)
        first_paint_ms(browser, lab)  # fills what the server and the engine keep
        paints, activations, loaded = zip(
            *(first_paint_ms(browser, lab) for _ in range(sizes.rounds)), strict=True
        )
        reading_fps, filled = scrolling(browser, lab, READ, sizes.scroll_s)
        fling_fps, _ = scrolling(browser, lab, FLING, sizes.scroll_s)
        typed: dict[bool, list[float]] = {True: [], False: []}
        graph_ms = opening_ms(browser, lab, sizes.steps, sizes.rounds)
        for number in range(sizes.rounds):
            for is_on in (True, False) if number % 2 else (False, True):
                set_extension(lab, is_on)
                typed[is_on].append(typing_ms(browser, lab, sizes.keys, is_on))
        set_extension(lab, True)
        browser.close()
    return Figures(
        first_paint_ms=statistics.median(paints),
        activation_ms=statistics.median(activations),
        javascript_kb=statistics.median(loaded) / 1000,
        reading_fps=reading_fps,
        reading_filled=filled,
        fling_fps=fling_fps,
        typing_ms=statistics.median(typed[True]),
        typing_without_ms=statistics.median(typed[False]),
        graph_ms=graph_ms,
    )


def aims(found: Figures, sizes: Sizes) -> Iterator[Aim]:
    """Hold the figures against what is aimed for."""
    yield Aim(f"first paint of {sizes.runs:,} runs, ms", found.first_paint_ms, 300, False)
    yield Aim("frames per second, reading", found.reading_fps, 50)
    yield Aim("rows that were there while reading, share", found.reading_filled, 0.95)
    yield Aim("frames per second, flung", found.fling_fps, 50)
    yield Aim("activation of all plugins, ms", found.activation_ms, 100, False)
    yield Aim("JavaScript loaded at first, gzip kB", found.javascript_kb, 100, False)
    yield Aim(
        f"key to paint in {sizes.cells} cells, ms more than without",
        found.typing_ms - found.typing_without_ms,
        5,
        False,
    )
    yield Aim(f"a graph of {sizes.steps} steps opens, ms", found.graph_ms, 1000, False)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.panel", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--cells", type=int, default=200)
    parser.add_argument("--keys", type=int, default=100, help="typed in each round")
    parser.add_argument("--steps", type=int, default=500, help="of the graph that is opened")
    parser.add_argument("--scroll", type=float, default=4.0, help="seconds of each way to scroll")
    given = parser.parse_args()
    sizes = Sizes(
        given.runs, given.cells, given.steps, given.rounds, given.keys, scroll_s=given.scroll
    )
    found = measure(sizes)
    if given.json:
        print(json.dumps({"machine": machine(), **asdict(found)}, indent=1))
        return
    print(machine(), "\n")
    print(verdicts(aims(found, sizes)))
    print(
        f"\nKey to paint: {found.typing_ms:.1f} ms with the extension, "
        f"{found.typing_without_ms:.1f} ms without."
    )


if __name__ == "__main__":
    main()
