"""`log_metric` and its siblings, outside a run and inside a step."""

import sys
from collections.abc import Iterator
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

import jupyter_mlplat as mlplat
from jupyter_mlplat.errors import InvalidInput

MODULE = "jupyter_mlplat_runtime.tracking"


@pytest.fixture
def calls() -> Iterator[list[tuple[Any, ...]]]:
    """A step runs in this process and notes what it is told."""
    noted: list[tuple[Any, ...]] = []

    def note(kind: str) -> Any:
        return lambda *args, **kwargs: noted.append((kind, args, kwargs))

    module = ModuleType(MODULE)
    names = ("log_metric", "log_model", "log_artifact")
    module.current = SimpleNamespace(**{name: note(name) for name in names})  # type: ignore[attr-defined]
    sys.modules[MODULE] = module
    yield noted
    del sys.modules[MODULE]


def test_outside_a_run_everything_is_handed_back(capsys: pytest.CaptureFixture[str]) -> None:
    model = object()

    logged = (
        mlplat.log_metric("auc", 0.9),
        mlplat.log_model(model, "churn", input_example=[[1]]),
        mlplat.log_artifact("figure.png"),
    )

    assert logged == (0.9, model, "figure.png")
    assert capsys.readouterr() == ("", "")


def test_inside_a_step_everything_reaches_its_tracking(calls: list[tuple[Any, ...]]) -> None:
    mlplat.log_metric("auc", 0.9, step=3)
    mlplat.log_model("m", "churn", input_example=[[1]])
    mlplat.log_artifact("out/figure.png")

    assert calls == [
        ("log_metric", ("auc", 0.9), {"step": 3}),
        ("log_model", ("m", "churn"), {"input_example": [[1]], "signature": None}),
        ("log_artifact", ("out/figure.png", "figure.png"), {}),
    ]


def test_process_that_has_been_a_step_and_is_none_now_is_outside(
    calls: list[tuple[Any, ...]],
) -> None:
    sys.modules[MODULE].current = None  # type: ignore[attr-defined]

    assert mlplat.log_metric("auc", 1) == 1
    assert calls == []


def test_object_needs_a_name() -> None:
    with pytest.raises(InvalidInput, match="Cannot log a dict as an artifact without a name"):
        mlplat.log_artifact({"a": 1})
