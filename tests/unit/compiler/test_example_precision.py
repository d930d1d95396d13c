"""What everyday notebooks do must not look dangerous: two models on one split are independent."""

import json
from pathlib import Path

import pytest

from jupyter_mlplat.compiler import compile_notebook
from jupyter_mlplat.resources.pipeline import Pipeline

EXAMPLE = Path(__file__).parents[3] / "examples" / "01-tumours.ipynb"


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    return compile_notebook(json.loads(EXAMPLE.read_text()), name="tumours", path=str(EXAMPLE))


def test_example_has_the_steps_of_its_headings(pipeline: Pipeline) -> None:
    assert [step.name for step in pipeline.steps] == [
        "load",
        "clean",
        "explore",
        "split",
        "train-a-logistic-regression",
        "train-a-forest",
        "evaluate",
        "choose",
    ]
    assert pipeline.problems == ()
    assert pipeline.unknown == ()


def test_example_passes_only_what_is_read(pipeline: Pipeline) -> None:
    """Fitting and plotting read their data; means, groups and metrics change nothing."""
    assert {(edge.source, edge.target): set(edge.names) for edge in pipeline.edges} == {
        ("load", "clean"): {"biopsies"},
        ("clean", "explore"): {"biopsies", "features"},
        ("clean", "split"): {"biopsies", "features"},
        ("split", "train-a-logistic-regression"): {"X_train", "y_train"},
        ("split", "train-a-forest"): {"X_train", "y_train"},
        ("split", "evaluate"): {"X_test", "y_test"},
        ("split", "choose"): {"X_test"},
        ("train-a-logistic-regression", "evaluate"): {"logistic"},
        ("train-a-forest", "evaluate"): {"forest"},
        ("evaluate", "choose"): {"candidates", "scores"},
    }
