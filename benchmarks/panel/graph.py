"""How long a graph of many steps takes to open.

From the command to the first steps and edges painted, in a tab of its own, with the notebook read
from disk and compiled; the engine runs, and has seen the notebook once.
"""

import json
import random
import statistics
from typing import Any

from playwright.sync_api import Browser

from benchmarks.panel.browser import fresh_page
from tests.ui.conftest import Lab

NOTEBOOK = "graph.ipynb"
OPEN = """async notebook => {
  const start = performance.now();
  const app = window.jupyterapp;
  await app.commands.execute('mlplat:open-view', { view: 'pipeline', notebook });
  const frame = () => new Promise(resolve => requestAnimationFrame(resolve));
  while (!document.querySelector('[data-node]') || !document.querySelector('.react-flow__edge')) {
    if (performance.now() - start > 60000) throw new Error('The graph did not open.');
    await frame();
  }
  await frame();
  await frame();
  const took = performance.now() - start;
  for (const widget of [...app.shell.widgets('main')]) {
    if (widget.id.startsWith('jp-mlplat-view')) widget.close();
  }
  return took;
}"""


def notebook_of(steps: int) -> dict[str, Any]:
    """Make a notebook whose steps each read two of the twelve before."""
    pick = random.Random(1)
    cells = []
    for number in range(steps):
        needs = {number - pick.randint(1, min(12, number)) for _ in range(2)} if number else set()
        cells.append(
            {
                "cell_type": "code",
                "id": f"cell-{number}",
                "metadata": {"mlplat": {"step": f"step-{number}"}},
                "source": f"v{number} = {' + '.join(f'v{it}' for it in sorted(needs)) or 1}",
                "outputs": [],
                "execution_count": None,
            }
        )
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}


def opening_ms(browser: Browser, lab: Lab, steps: int, rounds: int) -> float:
    """Open the graph again and again; return the median, the first time not counted."""
    path = lab.folder / NOTEBOOK
    path.write_text(json.dumps(notebook_of(steps)))
    with fresh_page(browser, lab) as loaded:
        took = [float(loaded.page.evaluate(OPEN, str(path))) for _ in range(rounds + 1)]
    return statistics.median(took[1:])
