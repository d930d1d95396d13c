"""The benchmark of the panel works: it measures everything, if only little of it, and says so."""

import subprocess
import sys

import pytest

pytestmark = [pytest.mark.ui, pytest.mark.slow, pytest.mark.timeout(600)]

SMALL = {"runs": 150, "cells": 4, "steps": 6, "rounds": 1, "keys": 4, "scroll": 0.3}
FIGURES = (
    "first paint of 150 runs, ms",
    "frames per second, reading",
    "rows that were there while reading, share",
    "frames per second, flung",
    "activation of all plugins, ms",
    "JavaScript loaded at first, gzip kB",
    "key to paint in 4 cells, ms more than without",
    "a graph of 6 steps opens, ms",
)


def test_every_figure_is_measured_and_held_against_its_aim() -> None:
    sizes = [f"--{name}={size}" for name, size in SMALL.items()]
    program = [sys.executable, "-m", "benchmarks.panel", *sizes]
    done = subprocess.run(program, capture_output=True, text=True)

    assert done.returncode == 0, done.stderr
    rows = [line.split(" | ") for line in done.stdout.splitlines() if line.startswith("| ")]
    found = {row[0].removeprefix("| "): float(row[1].replace(",", "")) for row in rows[2:]}
    assert tuple(found) == FIGURES
