"""What a step is told: the parts of its `step.json` that follow from the pipeline alone."""

from typing import Any

from jupyter_mlplat.resources.pipeline import Pipeline, Step
from jupyter_mlplat.services.pipelines.reliance import Reliance


def order_of(step: Step, pipeline: Pipeline, reliance: Reliance) -> dict[str, Any]:
    """Return the order to run a step; its inputs name the steps that make them."""
    return {
        "step": step.name,
        "notebook_metadata": pipeline.notebook_metadata,
        "prelude": list(step.prelude),
        "cells": [
            {"id": cell.id, "index": cell.index, "source": cell.source} for cell in step.cells
        ],
        "inputs": [
            {"name": given.name, "step": given.step, "optional": given.optional}
            for given in step.inputs
        ],
        "outputs": [name for name in step.outputs if name not in step.kept],
        "kept": list(step.kept),
        "relied": list(reliance.relied),
        "last": list(reliance.last),
        "elsewhere": dict(reliance.elsewhere),
        "unseen": reliance.unseen,
        "metrics": list(step.metrics),
        "program": step.program.to_wire() if step.program is not None else None,
    }
