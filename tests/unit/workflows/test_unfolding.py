"""How the tasks of KFP pipelines follow from one another."""

import pytest

from jupyter_mlplat.resources.run import Failure, RunState, Task, TaskState
from jupyter_mlplat.resources.workflow import Values
from jupyter_mlplat.services.pipelines import messages as msg
from tests.unit.workflows.pipelines import (
    FAILED,
    World,
    dag,
    ir_of,
    leaf,
    made,
    model,
    task,
)

ADD = leaf({"a": "int", "b": "int"}, {"sum": "int"})
SAY = leaf({"text": "str"})
COIN = leaf(outputs={"side": "str"})


def test_outputs_pass_from_task_to_task_and_out_of_the_pipeline() -> None:
    root = dag(
        {"x": "int", "y": "int=2"},
        {"total": ("int", "second.sum")},
        first=task("add", a="in:x", b="in:y"),
        second=task("add", a="first.sum", b=10),
    )

    def add(done: Task) -> Values:
        given = (done.inputs or Values()).parameters
        return made(sum=given["a"] + given["b"])  # type: ignore[operator]

    world = World(ir_of(root, add=ADD), add, x=1.0).run()

    assert world.state == "SUCCEEDED"
    assert world.given("second") == {"a": 3, "b": 10}
    assert world.results == {"total": 13}
    assert world["second"].needs == ("first",)


def test_a_branch_that_is_not_taken_is_skipped_with_all_that_needs_it() -> None:
    root = dag(
        flip=task("coin"),
        heads=task("branch", side="flip.side", when="inputs.parameter_values['side'] == 'heads'"),
        tails=task("branch", side="flip.side", when="inputs.parameter_values['side'] == 'tails'"),
        after=task("say", "tails", text="text:never"),
        always=task("say", "flip", text="text:yes"),
    )
    ir = ir_of(
        root, coin=COIN, say=SAY, branch=dag({"side": "str"}, tell=task("say", text="in:side"))
    )

    world = World(ir, {"flip": made(side="heads")}).run()

    assert world.state == "SUCCEEDED"
    assert world.states == {
        "flip": "SUCCEEDED",
        "heads": "SUCCEEDED",
        "heads/tell": "SUCCEEDED",
        "tails": "SKIPPED",
        "after": "SKIPPED",
        "always": "SUCCEEDED",
    }


def _one_of(side: str) -> World:
    made_here = {
        "text": ("str", "make.text"),
        "model": ("model", "make.model"),
    }
    branch = dag({"side": "str"}, made_here, make=task("maker"))
    branches = dag(
        {"side": "str"},
        {"text": ("str", "one.text or two.text"), "model": ("model", "one.model or two.model")},
        one=task("one", side="in:side", when="inputs.parameter_values['side'] == 'heads'"),
        two=task("two", side="in:side", when="!(inputs.parameter_values['side'] == 'heads')"),
    )
    root = dag(
        outputs={"text": ("str", "branches.text")},
        flip=task("coin"),
        branches=task("branches", side="flip.side"),
        use=task("use", text="branches.text", model="branches.model", models=["model"]),
    )
    ir = ir_of(
        root,
        coin=COIN,
        branches=branches,
        one=branch,
        two=branch,
        maker=leaf(outputs={"text": "str", "model": "model"}),
        use=leaf({"text": "str", "model": "model"}),
    )
    doing = {
        "flip": made(side=side),
        "branches/one/make": made(text="1", model=model("m1")),
        "branches/two/make": made(text="2", model=model("m2")),
    }
    return World(ir, doing).run()


@pytest.mark.parametrize(("side", "text"), [("heads", "1"), ("tails", "2")])
def test_one_of_is_what_the_branch_that_ran_has_made(side: str, text: str) -> None:
    world = _one_of(side)

    assert world.state == "SUCCEEDED"
    assert world.results == {"text": text}
    assert world.given("use") == {"text": text}
    assert world["use"].inputs is not None
    assert world["use"].inputs.artifacts == {"model": (model(f"m{text}"),)}


def _square(done: Task) -> Values:
    return made(out=(done.inputs or Values()).parameters["x"] ** 2)  # type: ignore[operator]


SQUARE = leaf({"x": "int"}, {"out": "int"})
TOTAL = leaf({"all": "list"})


@pytest.mark.parametrize(
    ("loop", "given"),
    [
        ({"each": "[1, 2, 3]"}, {}),
        ({"each": "items", "items": "in:items"}, {"items": [1, 2, 3]}),
        ({"each": "items", "items": "in:text"}, {"text": "[1.0, 2, 3]"}),
        ({"each": "items", "items": "lister.list"}, {}),
    ],
    ids=["constants", "a parameter", "a parameter of text", "a task's output"],
)
def test_a_loop_runs_once_for_every_item_and_collects(
    loop: dict[str, str], given: dict[str, object]
) -> None:
    root = dag(
        {"items": "list?", "text": "str?"},
        {"squares": ("list", "loop.out")},
        lister=task("lister"),
        loop=task("body", **loop),
        sum=task("total", all="loop.out"),
    )
    body = dag(
        {"item": "int", "items": "list?"},
        {"out": ("int", "square.out")},
        square=task("square", x="in:item"),
    )
    if "in:text" in loop.values():
        body = dag(
            {"item": "int", "items": "str?"},
            {"out": ("int", "square.out")},
            square=task("square", x="in:item"),
        )
    ir = ir_of(root, body=body, square=SQUARE, total=TOTAL, lister=leaf(outputs={"list": "list"}))

    def doing(done: Task) -> Values:
        if done.path == ("lister",):
            return made(list=[1, 2, 3])
        return _square(done) if done.path[-1] == "square" else Values()

    world = World(ir, doing, **given).run()

    assert world.state == "SUCCEEDED"
    assert world.results == {"squares": [1, 4, 9]}
    assert world.given("sum") == {"all": [1, 4, 9]}
    assert [world[f"loop/{i}"].kind for i in range(3)] == ["iteration"] * 3
    assert world["loop/2/square"].name == "loop.2.square"
    assert "items" not in world.given("loop/0")


def test_a_loop_inside_a_loop_may_go_over_the_same_items() -> None:
    root = dag({"items": "list"}, loop=task("outer", each="items", items="in:items"))
    outer = dag(
        {"item": "int", "items": "list"},
        again=task("inner", each="items", items="in:items"),
    )
    inner = dag({"item": "int", "items": "list"}, square=task("square", x="in:item"))
    ir = ir_of(root, outer=outer, inner=inner, square=SQUARE)

    world = World(ir, _square, items=[1, 2]).run()

    assert world.state == "SUCCEEDED"
    assert world.given("loop/1/again/0/square") == {"x": 1}
    assert "items" not in world.given("loop/1/again/0")


def test_a_loop_over_nothing_collects_nothing() -> None:
    root = dag(
        outputs={"squares": ("list", "loop.out")},
        loop=task("body", each="[]"),
        sum=task("total", all="loop.out"),
    )
    body = dag({"item": "int"}, {"out": ("int", "square.out")}, square=task("square", x="in:item"))

    world = World(ir_of(root, body=body, square=SQUARE, total=TOTAL)).run()

    assert world.states == {"loop": "SUCCEEDED", "sum": "SUCCEEDED"}
    assert world.results == {"squares": []}


def test_nested_loops_collect_lists_of_lists_of_parameters_and_one_list_of_artifacts() -> None:
    inner = dag(
        {"item": "int", "outer": "int"},
        {"out": ("int", "add.sum"), "model": ("model", "add.model")},
        add=task("add", a="in:outer", b="in:item"),
    )
    outer = dag(
        {"item": "int"},
        {"out": ("list", "inner.out"), "model": ("models", "inner.model")},
        inner=task("inner", each="[1, 2]", outer="in:item"),
    )
    root = dag(
        outputs={"all": ("list", "outer.out"), "models": ("models", "outer.model")},
        outer=task("outer", each="[10, 20]"),
    )
    ir = ir_of(
        root,
        outer=outer,
        inner=inner,
        add=leaf({"a": "int", "b": "int"}, {"sum": "int", "model": "model"}),
    )

    def add(done: Task) -> Values:
        given = (done.inputs or Values()).parameters
        total = given["a"] + given["b"]  # type: ignore[operator]
        return made(sum=total, model=model(f"m{total}"))

    world = World(ir, add).run()

    assert world.results == {"all": [[11, 12], [21, 22]]}
    assert world.status.run.results is not None
    assert world.status.run.results.artifacts["models"] == tuple(
        model(f"m{total}") for total in (11, 12, 21, 22)
    )


def test_a_list_that_one_iteration_makes_stays_a_list_of_lists() -> None:
    root = dag(outputs={"all": ("list", "loop.out")}, loop=task("body", each="[1, 2]"))
    body = dag({"item": "int"}, {"out": ("list", "one.list")}, one=task("lister"))
    ir = ir_of(root, body=body, lister=leaf(outputs={"list": "list"}))

    world = World(ir, lambda done: made(list=[1, 2])).run()

    assert world.results == {"all": [[1, 2], [1, 2]]}


def test_a_loop_goes_over_artifacts() -> None:
    root = dag(
        make=task("body0", each="[1, 2]"),
        loop=task("use", each_artifact="all", all="make.m", models=["all"], item="one"),
    )
    ir = ir_of(
        root,
        body0=dag({"item": "int"}, {"m": ("model", "t.m")}, t=task("maker")),
        maker=leaf(outputs={"m": "model"}),
        use=leaf({"one": "model", "all": "models?"}),
    )

    world = World(
        ir, lambda done: made(m=model(f"m{done.path[1]}")) if done.path[0] == "make" else Values()
    ).run()

    assert world.state == "SUCCEEDED"
    second = world["loop/1"]
    assert (second.kind, second.inputs) == ("step", Values(artifacts={"one": (model("m1"),)}))


@pytest.mark.parametrize(("most", "seen"), [(0, 6), (1, 1), (2, 2)])
def test_a_loop_keeps_its_limit_of_parallelism(most: int, seen: int) -> None:
    root = dag(loop=task("body", each="[1, 2, 3, 4, 5, 6]", most=most))
    body = dag({"item": "int"}, square=task("square", x="in:item"))

    world = World(ir_of(root, body=body, square=SQUARE), _square).run()

    assert world.state == "SUCCEEDED"
    assert world.most == seen
    assert len(world.ran) == 6


def test_an_iteration_that_fails_stops_no_other_and_fails_the_loop() -> None:
    root = dag(loop=task("body", each="[1, 2, 3]", most=1), sum=task("total", all="loop.out"))
    body = dag({"item": "int"}, {"out": ("int", "square.out")}, square=task("square", x="in:item"))
    ir = ir_of(root, body=body, square=SQUARE, total=TOTAL)

    world = World(ir, lambda done: FAILED if "1" in done.path else _square(done)).run()

    assert world.state == "FAILED"
    assert len(world.ran) == 3
    assert (world.states["loop"], world.states["sum"]) == ("FAILED", "SKIPPED")
    assert world["loop"].results == Values(parameters={"out": [1, 9]})
    assert world.status.run.failure == FAILED


def _with_exit(doing: dict[str, object], **more: object) -> World:
    root = dag(
        handled=task("body"),
        cleanup=task("clean", "handled", status="status:handled", exit=True, note="handled.note"),
        needs_it=task("say", "handled", text="text:x"),
    )
    body = dag(
        None,
        {"note": ("str", "work.note")},
        work=task("work"),
        then=task("say", "work", text="text:y"),
    )
    ir = ir_of(
        root,
        body=body,
        say=SAY,
        work=leaf(outputs={"note": "str"}),
        clean=leaf({"status": "status", "note": "str?"}),
    )
    return World(ir, doing).run()  # type: ignore[arg-type]


def test_an_exit_task_runs_after_a_failure_and_is_told_of_it() -> None:
    world = _with_exit({"handled/work": FAILED})

    assert world.state == "FAILED"
    assert world.states == {
        "handled": "FAILED",
        "handled/work": "FAILED",
        "handled/then": "SKIPPED",
        "cleanup": "SUCCEEDED",
        "needs-it": "SKIPPED",
    }
    status = world.given("cleanup")["status"]
    assert (status["state"], status["pipelineTaskName"]) == ("FAILED", "handled")
    assert status["pipelineJobResourceName"] == "p-run-0000000000"
    assert "note" not in world.given("cleanup")


def test_an_exit_task_runs_after_success_and_sees_outputs() -> None:
    world = _with_exit({"handled/work": made(note="done")})

    assert world.state == "SUCCEEDED"
    assert world.given("cleanup")["status"]["state"] == "COMPLETE"
    assert world.given("cleanup")["note"] == "done"


def test_a_failure_that_is_ignored_lets_its_reader_take_its_default_and_still_fails_the_run() -> (
    None
):
    root = dag(fail=task("work"), goes_on=task("say", text="fail.note", exit=True))
    ir = ir_of(root, work=leaf(outputs={"note": "str"}), say=leaf({"text": "str=nothing"}))

    world = World(ir, {"fail": FAILED}).run()

    assert world.states == {"fail": "FAILED", "goes-on": "SUCCEEDED"}
    assert world.given("goes-on") == {}
    assert world.state == "FAILED"


def test_retries_and_their_back_off_are_those_of_the_task() -> None:
    tries = iter([FAILED, FAILED, made(side="heads")])
    root = dag(flip=task("coin", tries=2))

    world = World(ir_of(root, coin=COIN), lambda _: next(tries)).run()

    assert world.state == "SUCCEEDED"
    assert world["flip"].attempt == 3


def test_optional_inputs_pass_through_nested_pipelines() -> None:
    inner = dag(
        {"a": "str?", "b": "str=own"},
        say=task("opt", a="in:a", b="in:b"),
    )
    root = dag(
        {"a": "str?", "b": "str?"},
        nested=task("inner", a="in:a", b="in:b"),
        bare=task("inner"),
    )
    ir = ir_of(root, inner=inner, opt=leaf({"a": "str?", "b": "str?"}))

    world = World(ir, {}).run()
    given = World(ir, {}, a="1", b="2").run()

    assert world.state == "SUCCEEDED"
    assert world.given("nested/say") == {"b": "own"}
    assert world.given("bare/say") == {"b": "own"}
    assert given.given("nested/say") == {"a": "1", "b": "2"}


def test_constants_refer_to_other_inputs_and_selectors_select() -> None:
    root = dag(
        {"who": "str"},
        {},
        make=task("maker"),
        say=task(
            "say2",
            text="text:hello {{$.inputs.parameters['who-0']}} {{$.pipeline_task_name}}",
            **{"who-0": "in:who", "size": "make.info"},
            select={"size": 'parseJson(string_value)["size"]'},
        ),
    )
    ir = ir_of(
        root, maker=leaf(outputs={"info": "struct"}), say2=leaf({"text": "str", "size": "int"})
    )

    world = World(ir, {"make": made(info={"size": 3})}, who="you").run()

    assert world.given("say") == {
        "text": "hello you say",
        "size": 3,
        "who-0": "you",
    }


@pytest.mark.parametrize(
    ("spec", "component", "said"),
    [
        (task("body", each="items", items="make.text"), "body", "Task 't' loops over \"no list\""),
        (task("num", x="make.text"), "num", "Task 't': input parameter 'x'"),
        (
            task("num", x=1, y="make.text", when="inputs.parameter_values['z'] == 'a'"),
            "num",
            "Task 't': triggerPolicy.condition",
        ),
        (
            task("num", x="make.text", select={"x": "parseJson(string_value)['a']"}),
            "num",
            "Task 't': input parameter 'x'",
        ),
        (task("num", x="make.gone"), "num", "Task 't': input parameter 'x' has neither"),
    ],
    ids=["loop over a text", "type", "condition", "selector", "missing"],
)
def test_what_cannot_begin_fails_with_its_place_and_the_rest_goes_on(
    spec: dict[str, object], component: str, said: str
) -> None:
    root = dag(
        make=task("maker"),
        t=spec,
        reader=task("say", "t", text="text:x"),
        other=task("say", text="text:x"),
    )
    components = {
        "maker": leaf(outputs={"text": "str", "gone": "int"}),
        "say": SAY,
        "num": leaf({"x": "int"}),
        "body": dag({"item": "str", "items": "str?"}, say=task("say", text="in:item")),
    }

    world = World(ir_of(root, **components), {"make": made(text="no list")}).run()

    assert world.state == "FAILED"
    assert world.status.run.failure is not None
    assert world.status.run.failure.message.startswith(said), world.status.run.failure.message
    assert world.states["reader"] == "SKIPPED"
    assert world.states["other"] == "SUCCEEDED"


def _long(doing: object) -> World:
    root = dag(
        first=task("square", x=1),
        loop=task("body", each="[1, 2, 3]"),
        clean=task("say", "loop", text="text:bye", exit=True),
        last=task("total", all="loop.out"),
    )
    body = dag(
        {"item": "int"},
        {"out": ("int", "b.out")},
        a=task("square", x="in:item"),
        b=task("square", x="a.out"),
    )
    ir = ir_of(root, body=body, square=SQUARE, say=SAY, total=TOTAL)
    return World(ir, doing)  # type: ignore[arg-type]


def test_a_retry_goes_on_where_it_failed_and_runs_exit_tasks_again() -> None:
    broken = {"loop/1/b"}

    def doing(done: Task) -> Values | Failure:
        if "/".join(done.path) in broken:
            return FAILED
        return _square(done) if done.path[-1] in ("first", "a", "b") else Values()

    world = _long(doing).run()
    assert world.state == "FAILED"
    assert world.states["clean"] == "SUCCEEDED"
    broken.clear()

    world.retry()

    assert world.state == "SUCCEEDED"
    assert sorted(world.ran) == ["clean", "last", "loop/1/b"]
    assert world.given("last") == {"all": [1, 16, 81]}
    assert world["loop/1/b"].attempt == 2
    assert set(world.states.values()) == {"SUCCEEDED"}


def test_a_retry_from_a_task_unfolds_what_follows_from_it_anew() -> None:
    items = [[1, 2, 3]]
    root = dag(
        make=task("lister"),
        loop=task("body", each="items", items="make.list"),
    )
    body = dag({"item": "int", "items": "list?"}, square=task("square", x="in:item"))
    ir = ir_of(root, body=body, square=SQUARE, lister=leaf(outputs={"list": "list"}))
    world = World(
        ir, lambda done: made(list=items[0]) if done.path == ("make",) else _square(done)
    ).run()
    assert len(world.leaves) == 4
    items[0] = [5]

    world.retry("make")

    assert world.state == "SUCCEEDED"
    assert sorted(world.leaves) == ["loop/0/square", "make"]
    assert world.given("loop/0/square") == {"x": 5}


def test_canceling_ends_every_scope() -> None:
    world = _long(_square)
    world.run(8)
    world.tell(msg.CancelAsked(world.now))
    for leaf_task in list(world.leaves.values()):
        if leaf_task.state is TaskState.RUNNING:
            world.tell(
                msg.AttemptEnded(world.now, leaf_task.name, leaf_task.attempt, msg.Failed(FAILED))
            )

    assert world.state == "CANCELED"
    assert all(one.state.is_final for one in world.status.tasks.values())
    assert world.states["clean"] == "CANCELED"


def test_lost_results_are_made_again_inside_scopes_that_were_over() -> None:
    world = _long(lambda done: _square(done) if done.path[-1] in ("a", "b", "first") else Values())
    world.tell(msg.Submitted(world.now))
    while world.states["loop"] != "SUCCEEDED":
        world.act(world.todo.pop(0))
    world.todo.clear()
    world.ran.clear()

    world.tell(msg.Lost(world.now, frozenset({"loop.1.a"})))

    assert world.status.run.state is RunState.RUNNING
    assert (world.states["loop"], world.states["loop/1"]) == ("RUNNING", "RUNNING")
    world.run()
    assert world.state == "SUCCEEDED"
    assert [path for path in world.ran if path.startswith("loop")] == ["loop/1/a", "loop/1/b"]
    assert world.given("last") == {"all": [1, 16, 81]}


@pytest.mark.parametrize("count", [1, 3], ids=["fewer items", "as many items"])
def test_what_runs_while_it_is_unfolded_anew_keeps_the_number_of_its_attempt(count: int) -> None:
    items = [[1, 2, 3]]
    root = dag(
        make=task("wrap"),
        loop=task("body", each="items", items="make.list"),
    )
    wrap = dag(None, {"list": ("list", "lister.list")}, lister=task("lister"))
    body = dag({"item": "int", "items": "list?"}, square=task("square", x="in:item"))
    ir = ir_of(root, wrap=wrap, body=body, square=SQUARE, lister=leaf(outputs={"list": "list"}))
    world = World(ir, lambda d: made(list=items[0]) if d.path[0] == "make" else _square(d))
    world.tell(msg.Submitted(world.now))
    while not any(isinstance(order, msg.Start) and "loop" in order.step for order in world.todo):
        world.act(world.todo.pop(0))
    world.todo.clear()
    items[0] = items[0][:count]

    world.tell(msg.Lost(world.now, frozenset({"make.lister"})))
    late = world.status.tasks["loop.0.square"]
    world.tell(msg.AttemptEnded(world.now, late.name, 1, msg.Failed(FAILED)))
    world.run()

    assert world.state == "SUCCEEDED"
    assert world["loop/0/square"].attempt == 2
    done = [path for path, one in world.leaves.items() if one.state is TaskState.SUCCEEDED]
    assert len(done) == 1 + count
    assert world.status.open_tasks == 0


def test_a_restart_at_any_moment_changes_nothing_of_the_outcome() -> None:
    def doing(done: Task) -> Values:
        return _square(done) if done.path[-1] in ("a", "b", "first") else Values()

    for moment in range(0, 60, 3):
        world = _long(doing)
        world.run(moment)
        before = world.status.document()
        world.restart()
        assert world.status.document() == before
        adopted = [order for order in world.todo if isinstance(order, msg.Adopt)]
        for order in adopted:
            world.todo.remove(order)
            world.end(order.step, order.attempt)
        world.run()

        assert world.state == "SUCCEEDED"
        assert world.given("last") == {"all": [1, 16, 81]}
        assert len(set(world.states)) == len(world.status.tasks)


def test_names_that_are_long_or_foreign_are_shortened_and_stay_apart() -> None:
    long = "a" * 60
    inner = dag(None, {}, **{long: task("coin"), f"{long[:-1]}b": task("coin")})
    root = dag(None, {}, **{long: task("inner"), "Größe X": task("coin")})

    world = World(ir_of(root, coin=COIN, inner=inner)).run()

    assert world.state == "SUCCEEDED"
    assert len(world.status.tasks) == 4
    assert all(len(name) <= 63 for name in world.status.tasks)
