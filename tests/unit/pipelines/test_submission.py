from datetime import UTC, datetime
from typing import Any

import pytest

from jupyter_mlplat.errors import Conflict, InvalidInput
from jupyter_mlplat.resources.base import JsonValue
from jupyter_mlplat.resources.pipeline import (
    Input,
    Parameter,
    Pipeline,
    Problem,
    Severity,
    Step,
    StepCell,
)
from jupyter_mlplat.resources.run import (
    CellRun,
    RetryRequest,
    Run,
    RunState,
    SubmitRequest,
    TaskState,
)
from jupyter_mlplat.services.pipelines.admission import Inventory
from jupyter_mlplat.services.pipelines.plan import StepPlan, make_plan
from jupyter_mlplat.services.pipelines.submission import new_retry, new_run

NOW = datetime(2026, 1, 1, tzinfo=UTC)
MACHINE = Inventory(cpu=2, memory_bytes=2**30)


def _step(name: str, source: str, *needs: str) -> Step:
    return Step(
        name=name,
        title=name.title(),
        cells=(StepCell(id=f"cell-{name}", index=0, source=source),),
        inputs=tuple(Input(name=f"v_{need}", step=need) for need in needs),
        outputs=(f"v_{name}",),
        after=needs,
    )


def _pipeline(digest: str = "0", **sources: str) -> Pipeline:
    given = {"a": "v_a = 1", "b": "v_b = v_a", "c": "v_c = v_b", **sources}
    needs = {"a": (), "b": ("a",), "c": ("b",)}
    return Pipeline(
        name="book",
        digest="sha256:" + digest * 64,
        steps=tuple(_step(name, source, *needs[name]) for name, source in given.items()),
        edges=(),
        parameters=(Parameter(name="rate", type="float", default=0.1, expression="0.1"),),
    )


def _submit(**more: Any) -> Run:
    return new_run(_pipeline(), SubmitRequest(path="/book.ipynb", **more), MACHINE, NOW)


def test_a_run_begins_pending_with_all_its_tasks_in_the_notebooks_order() -> None:
    run = _submit(parameters={"rate": 2})

    assert run.state is RunState.PENDING
    assert [(task.name, task.title, task.state) for task in run.tasks] == [
        ("a", "A", TaskState.PENDING),
        ("b", "B", TaskState.PENDING),
        ("c", "C", TaskState.PENDING),
    ]
    assert run.parameters == {"rate": 2}, "an int is a float as well"


@pytest.mark.parametrize("value", ["0.1", None, True, [0.1]])
def test_a_parameter_of_another_type_is_refused(value: object) -> None:
    with pytest.raises(InvalidInput, match="parameter 'rate' takes float"):
        _submit(parameters={"rate": value})


@pytest.mark.parametrize("value", ["adam", True, 3])
def test_a_value_that_is_none_of_the_choices_is_refused(value: JsonValue) -> None:
    choice = Parameter(name="level", type="any", default=1, expression="1", choices=("sgd", 1))
    pipeline = _pipeline().model_copy(update={"parameters": (choice,)})

    new_run(pipeline, SubmitRequest(path="/b.ipynb", parameters={"level": "sgd"}), MACHINE, NOW)
    with pytest.raises(InvalidInput, match="parameter 'level' is one of 'sgd', 1; found"):
        new_run(pipeline, SubmitRequest(path="/b.ipynb", parameters={"level": value}), MACHINE, NOW)


def test_a_parameter_without_default_needs_a_value() -> None:
    needed = Parameter(name="bucket", type="str", expression="", is_required=True)
    pipeline = _pipeline().model_copy(update={"parameters": (needed,)})

    with pytest.raises(InvalidInput, match="parameter 'bucket' has no value and no default"):
        new_run(pipeline, SubmitRequest(path="/b.ipynb"), MACHINE, NOW)


def test_until_leaves_out_what_is_not_needed_and_must_name_a_step() -> None:
    assert [task.state for task in _submit(until="b").tasks] == ["PENDING", "PENDING", "SKIPPED"]
    with pytest.raises(InvalidInput, match="It has: a, b, c"):
        _submit(until="d")


@pytest.mark.parametrize(
    ("asked", "left_out"),
    [
        ({"from_step": "b"}, set()),
        ({"from_step": "b", "until": "b"}, {"c"}),
        ({"from_step": "c"}, set()),
    ],
    ids=["from here", "only this", "from the last"],
)
def test_from_a_step_on_keeps_what_it_needs(asked: dict[str, str], left_out: set[str]) -> None:
    run = _submit(**asked)

    assert {task.name for task in run.tasks if task.state is TaskState.SKIPPED} == left_out
    assert run.from_step == asked["from_step"]


def test_from_a_step_leaves_out_what_has_nothing_to_do_with_it() -> None:
    apart = _step("d", "v_d = 1")
    pipeline = _pipeline()
    pipeline = pipeline.model_copy(update={"steps": (*pipeline.steps, apart)})

    run = new_run(pipeline, SubmitRequest(path="/b.ipynb", from_step="b"), MACHINE, NOW)

    assert [task.state for task in run.tasks] == ["PENDING", "PENDING", "PENDING", "SKIPPED"]


def test_from_a_step_that_the_last_one_does_not_need_is_refused() -> None:
    with pytest.raises(InvalidInput, match="'a' does not need 'b'"):
        _submit(from_step="b", until="a")


def test_an_error_of_the_compiler_is_the_reason_given() -> None:
    problem = Problem(code="syntax-error", severity=Severity.ERROR, message="Cell 3 is not Python.")
    pipeline = _pipeline().model_copy(update={"problems": (problem, problem)})

    with pytest.raises(InvalidInput) as refused:
        new_run(pipeline, SubmitRequest(path="/book.ipynb"), MACHINE, NOW)

    assert refused.value.message == "Cannot run 'book': Cell 3 is not Python. And 1 more."


def _ended(**states: TaskState) -> Run:
    run = _submit()
    tasks = tuple(task.model_copy(update={"state": states[task.name]}) for task in run.tasks)
    return run.model_copy(update={"state": RunState.FAILED, "tasks": tasks})


FAILED = {"a": TaskState.SUCCEEDED, "b": TaskState.FAILED, "c": TaskState.SKIPPED}
DONE = dict.fromkeys("abc", TaskState.SUCCEEDED)


@pytest.mark.parametrize(
    ("new", "from_step", "redo"),
    [
        (_pipeline(), None, set()),
        (_pipeline("1", a="v_a = 2"), None, {"a"}),
        (_pipeline("1", a="v_a = 1  # the same"), None, set()),
        (_pipeline(), "a", {"a"}),
    ],
    ids=["as it was", "changed", "commented", "from a step"],
)
def test_a_retry_redoes_what_changed(new: Pipeline, from_step: str | None, redo: set[str]) -> None:
    request = RetryRequest(from_step=from_step)

    event = new_retry(_ended(**FAILED), _pipeline(), new, {}, request, MACHINE, NOW)

    assert event.redo == redo
    assert event.fresh[0].cells == (CellRun(id="cell-a", state="pending"),)


@pytest.mark.parametrize(
    ("saved", "redo"),
    [({"v_a", "more"}, set()), ({"v_a"}, {"a"})],
    ids=["saved with the rest", "not saved"],
)
def test_a_retry_redoes_a_step_only_if_what_is_needed_now_was_not_saved(
    saved: set[str], redo: set[str]
) -> None:
    new = _pipeline("1")
    wider = new.steps[0].model_copy(update={"outputs": ("v_a", "more", "seen"), "kept": ("seen",)})
    new = new.model_copy(update={"steps": (wider, *new.steps[1:])})

    event = new_retry(
        _ended(**FAILED), _pipeline(), new, {"a": saved}, RetryRequest(), MACHINE, NOW
    )

    assert event.redo == redo


def test_a_retry_with_nothing_to_do_is_refused() -> None:
    with pytest.raises(Conflict, match="all its steps have succeeded"):
        new_retry(_ended(**DONE), _pipeline(), _pipeline(), {}, RetryRequest(), MACHINE, NOW)


def test_a_running_run_cannot_be_retried() -> None:
    run = _submit().model_copy(update={"state": RunState.RUNNING, "number": 3})

    with pytest.raises(Conflict, match="Cannot retry run 3: it is RUNNING"):
        new_retry(run, _pipeline(), _pipeline(), {}, RetryRequest(), MACHINE, NOW)


def test_steps_that_need_each_other_are_named_as_a_circle() -> None:
    with pytest.raises(InvalidInput, match=r"'(a|b)' → '(a|b)' → '(a|b)' need each other"):
        make_plan([StepPlan("a", ("b",)), StepPlan("b", ("a",))])


def test_a_thousand_steps_in_a_row_are_no_deep_recursion() -> None:
    steps = [StepPlan(f"s{i}", (f"s{i - 1}",) if i else ()) for i in range(5000)]

    plan = make_plan(steps)

    assert len(plan.with_dependents(["s0"])) == 5000
    assert len(plan.with_needs("s4999")) == 5000
