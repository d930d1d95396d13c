"""compile, verify, run."""

import json
import sys
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mlplat.cli import progress
from jupyter_mlplat.cli.terminal import Terminal
from jupyter_mlplat.errors import InvalidInput

if TYPE_CHECKING:
    from jupyter_mlplat.client.engine import EngineClient
    from jupyter_mlplat.resources.pipeline import Pipeline


def compile_notebook(client: "EngineClient", options: Namespace, terminal: Terminal) -> int:
    """Show a notebook as a pipeline."""
    from jupyter_mlplat.client.views import nouns
    from jupyter_mlplat.resources.pipeline import Severity

    pipeline = client.compile(options.notebook, options.split)
    if options.output is not None and pipeline.is_runnable:
        return _write(client, pipeline, options, terminal)
    terminal.answer(_describe(pipeline))
    terminal.show(nouns.view_pipeline(pipeline))
    errors = [p.message for p in pipeline.problems if p.severity is Severity.ERROR]
    if errors:
        terminal.complain(f"It cannot be run as it stands: {errors[0]}")
    return 2 if errors else 0


def _write(
    client: "EngineClient", pipeline: "Pipeline", options: Namespace, terminal: Terminal
) -> int:
    """Write a pipeline to a file, as KFP YAML unless the file's name says otherwise."""
    if options.output.endswith(".json"):
        text, problems = json.dumps(pipeline.to_wire(), indent=2) + "\n", []
    else:
        written = client.export(pipeline, options.image, options.packages)
        text, problems = written.text, [problem.to_wire() for problem in written.problems]
    if options.output == "-":
        sys.stdout.write(text)
        return 0
    try:
        Path(options.output).write_text(text, "utf-8")
    except OSError as error:
        raise InvalidInput(
            f"Cannot write {options.output!r}: {error.strerror}. Name another file with -o."
        ) from error
    terminal.answer({"path": str(Path(options.output).absolute()), "problems": problems})
    for problem in problems:
        terminal.complain(str(problem["message"]))
    terminal.say(f"Wrote {options.output}.")
    return 0


def verify(client: "EngineClient", options: Namespace, terminal: Terminal) -> int:
    """Run a notebook both ways and compare."""
    from jupyter_mlplat.client.views import nouns

    terminal.note("Running it top to bottom, then as steps in fresh processes …")
    report = client.verify(options.notebook, options.split, options.timeout)
    terminal.answer(report.to_wire())
    terminal.show(nouns.view_verification(report))
    if report.equal:
        return 0
    for problem in report.refused:
        terminal.complain(problem.message)
    for place in report.unfinished:
        terminal.complain(f"Cannot compare the two ways: {place.what}.")
    return 1 if report.differences or not report.refused else 2


def run(client: "EngineClient", options: Namespace, terminal: Terminal) -> int:
    """Run a notebook as a pipeline."""
    from jupyter_mlplat.client.references import parse_pairs, parse_parameters

    parameters: dict[str, Any] = {}
    if options.parameters:
        known = client.compile(options.notebook, options.split).parameters
        parameters = parse_parameters(options.parameters, known)
    submitted = client.submit(
        options.notebook,
        parameters=parameters,
        split=options.split,
        experiment=options.experiment,
        cache=not options.no_cache,
        literal=options.literal,
        tags=parse_pairs(options.tags),
        until=options.until,
        whole=options.whole,
        run_on=options.on,
        reports=("html", "pdf") if options.pdf else ("html",),
    )
    return progress.follow(client, submitted, terminal, wait=not options.no_wait)


def _describe(pipeline: "Pipeline") -> dict[str, Any]:
    """Write a pipeline for scripts: cells as ids, everything else as it is on the wire."""
    document = pipeline.to_wire()
    steps = [
        {
            **step.to_wire(),
            "cells": [cell.id for cell in step.cells],
            "cell_indexes": [cell.index for cell in step.cells],
        }
        for step in pipeline.steps
    ]
    return {**document, "steps": steps}
