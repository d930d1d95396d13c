"""What a run would do, decided on a cache made of words."""

from collections.abc import Mapping
from datetime import UTC, datetime

from jupyter_mlplat.ports.metadata import PastTask
from jupyter_mlplat.resources.pipeline import Input, Parameter, Pipeline, Step, StepCell
from jupyter_mlplat.resources.preview import RunPlan
from jupyter_mlplat.resources.run import CacheExplanation, Run, RunState, Task, TaskState
from jupyter_mlplat.services.pipelines.preview import past_of, preview

NOW = datetime(2026, 1, 1, tzinfo=UTC)
HIT = CacheExplanation(
    hit=True,
    reason="same code, same inputs as run 12",
    run_id="run-0123456789",
    run_number=12,
)
MISS = CacheExplanation(hit=False, reason="cell 1 changed since run 12")


def _step(name: str, source: str, *needs: str) -> Step:
    return Step(
        name=name,
        title=name,
        cells=(StepCell(id=name, index=0, source=source),),
        inputs=tuple(Input(name=f"v_{need}", step=need) for need in needs),
        parameters=("rate",) if "rate" in source else (),
        after=needs,
    )


def _chain(**sources: str) -> Pipeline:
    given = {"a": "v_a = 1", "b": "v_b = v_a * rate", "c": "v_c = v_b", **sources}
    needs = {"a": (), "b": ("a",), "c": ("b",)}
    return Pipeline(
        name="book",
        digest="sha256:" + "0" * 64,
        steps=tuple(_step(name, source, *needs[name]) for name, source in given.items()),
        edges=(),
        parameters=(Parameter(name="rate", type="float", default=0.1, expression="0.1"),),
    )


class _Cache:
    """Answers for named steps: hits where `hits` says so; runs for certain where `runs` does."""

    def __init__(self, hits: str = "", runs: str = "") -> None:
        self._hits, self._runs = hits, runs
        self.consulted = ""

    def consult(self, step: Step) -> CacheExplanation:
        self.consulted += step.name
        return HIT if step.name in self._hits else MISS

    def foresee(self, step: Step) -> CacheExplanation | None:
        return MISS if step.name in self._runs else None


def _past(pipeline: Pipeline, parameters: Mapping[str, float] | None = None) -> dict[str, PastTask]:
    run = Run(
        id="run-0123456789",
        number=12,
        pipeline="book",
        pipeline_digest=pipeline.digest,
        state=RunState.SUCCEEDED,
        created_at=NOW,
        parameters=dict(parameters or {}),
    )
    return {
        step.name: PastTask(
            run, Task(name=step.name, state=TaskState.SUCCEEDED, finished_at=NOW), 2.5
        )
        for step in pipeline.steps
    }


def _plan(now: Pipeline, then: Pipeline | None, cache: _Cache, skipped: str = "") -> RunPlan:
    past = {} if then is None else past_of(_past(then), {"run-0123456789": then})
    return preview(now, {}, frozenset(skipped), cache, past)


def test_steps_whose_inputs_are_cached_are_looked_up_and_those_below_a_run_are_not() -> None:
    cache = _Cache(hits="a")

    plan = _plan(_chain(), None, cache)

    assert {step.name: step.will for step in plan.steps} == {
        "a": "cached",
        "b": "run",
        "c": "unknown",
    }
    assert cache.consulted == "ab"
    assert plan.steps[0].run_number == 12
    assert plan.steps[2].reason == "runs unless 'b' gives the same as before"


def test_a_step_below_a_run_that_has_to_run_anyway_says_so() -> None:
    plan = _plan(_chain(), None, _Cache(runs="c"))

    assert [step.will for step in plan.steps] == ["run", "unknown", "run"]


def test_a_step_that_was_not_asked_for_is_skipped() -> None:
    plan = _plan(_chain(), None, _Cache(), skipped="c")

    assert [step.will for step in plan.steps] == ["run", "unknown", "skip"]


def test_a_change_makes_a_step_and_those_below_it_stale() -> None:
    plan = _plan(_chain(b="v_b = v_a * rate + 1"), _chain(), _Cache(hits="a"))

    assert [step.stale for step in plan.steps] == [
        None,
        "cell 1 changed since run 12",
        "step 'b' changed since run 12",
    ]
    assert [step.changed for step in plan.steps] == [(), ("cell 1",), ("step b",)]
    assert [step.last.duration_s for step in plan.steps if step.last] == [2.5, 2.5, 2.5]


def test_a_parameter_given_makes_its_readers_stale() -> None:
    past = past_of(_past(_chain()), {"run-0123456789": _chain()})

    plan = preview(_chain(), {"rate": 0.5}, frozenset(), _Cache(), past)

    assert plan.steps[1].stale == "parameter 'rate' changed since run 12"
    assert plan.steps[0].stale is None


def test_a_step_that_never_succeeded_is_not_stale() -> None:
    plan = _plan(_chain(b="other"), None, _Cache())

    assert [(step.stale, step.last) for step in plan.steps] == [(None, None)] * 3
