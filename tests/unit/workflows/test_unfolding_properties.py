"""Whatever a pipeline looks like and whatever fails, it ends as a simple reading of it says."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jupyter_mlplat.resources.run import Failure, Task
from jupyter_mlplat.resources.workflow import Values
from tests.unit.workflows.pipelines import FAILED, World, dag, ir_of, leaf, made, task

Json = dict[str, Any]


@dataclass
class Node:
    """A task, drawn at random."""

    name: str
    kind: str  # leaf, dag, loop
    needs: list[str] = field(default_factory=list)
    reads: str | None = None  # task whose number it reads
    is_exit: bool = False
    when: int | None = None  # its condition: the number it is given is at least this
    inner: "list[Node]" = field(default_factory=list)
    items: int = 0
    most: int = 0
    fails: bool = False
    gives: str | None = None  # inner task whose number is its output


@st.composite
def scopes(draw: st.DrawFn, depth: int = 0) -> list[Node]:
    nodes: list[Node] = []
    for index in range(draw(st.integers(1, 4 if depth == 0 else 3))):
        kinds = ["leaf", "leaf", "dag", "loop"] if depth < 2 else ["leaf"]
        node = Node(f"t{index}", draw(st.sampled_from(kinds)))
        before = [other.name for other in nodes]
        if before:
            node.needs = draw(st.lists(st.sampled_from(before), max_size=2, unique=True))
            node.reads = draw(st.sampled_from([None, *before]))
        node.is_exit = bool(node.needs or node.reads) and draw(st.integers(0, 3)) == 0
        if draw(st.integers(0, 3)) == 0:
            node.when = draw(st.integers(0, 3))
        if node.kind == "leaf":
            node.fails = draw(st.integers(0, 5)) == 0
        else:
            node.inner = draw(scopes(depth + 1))
            node.gives = draw(st.sampled_from([None, *(one.name for one in node.inner)]))
        if node.kind == "loop":
            node.items, node.most = draw(st.integers(0, 3)), draw(st.integers(0, 2))
        nodes.append(node)
    return nodes


def written(nodes: list[Node], components: Json, prefix: str) -> Json:
    """Return the scope as IR. Every task takes a number `x`; every leaf makes its path's length."""
    tasks: Json = {}
    for node in nodes:
        more: Json = {"x": 7 if node.reads is None else f"{node.reads}.out"}
        if node.when is not None:
            more["when"] = f"int(inputs.parameter_values['x']) >= {node.when}"
        if node.is_exit:
            more["exit"] = True
        if node.kind == "loop":
            more |= {"each": str(list(range(node.items))), "most": node.most}
        name = f"{prefix}{node.name}"
        tasks[node.name] = task(
            "leaf" if node.kind == "leaf" else name, " ".join(node.needs), **more
        )
        if node.kind != "leaf":
            inner = written(node.inner, components, name)
            inputs = {"x": "any?", **({"item": "int"} if node.kind == "loop" else {})}
            outputs = {"out": ("any", f"{node.gives}.out")} if node.gives else None
            components[name] = dag(inputs, outputs, **inner)
            if outputs is None:
                components[name]["outputDefinitions"] = {"parameters": {"out": _ANY}}
    return tasks


_ANY = {"parameterType": "STRING"}


class Oracle:
    """Reads a pipeline recursively, in its order; knows nothing of events or of time."""

    def __init__(self) -> None:
        self.states: dict[str, str] = {}

    def scope(self, nodes: list[Node], path: str) -> tuple[str, dict[str, str | None]]:
        """Return how a scope ends, and what its tasks make."""
        made_by: dict[str, str | None] = {}
        for node in nodes:
            at = f"{path}/{node.name}".strip("/")
            self.states[at], made_by[node.name] = self.task(node, at, path, made_by)
        ended = [self.states[f"{path}/{node.name}".strip("/")] for node in nodes]
        return "FAILED" if "FAILED" in ended else "SUCCEEDED", made_by

    def task(
        self, node: Node, at: str, path: str, made_by: Mapping[str, str | None]
    ) -> tuple[str, str | None]:
        needs = {*node.needs, *filter(None, [node.reads])}
        ended = {self.states[f"{path}/{need}".strip("/")] for need in needs}
        if not node.is_exit and ended - {"SUCCEEDED"}:
            return "SKIPPED", None
        x = "7" if node.reads is None else made_by[node.reads]
        if node.when is not None:
            if x is None or not x.isdigit():
                return "FAILED", None  # the condition cannot be evaluated
            if int(x) < node.when:
                return "SKIPPED", None
        if node.kind == "leaf":
            return ("FAILED", None) if node.fails else ("SUCCEEDED", str(at.count("/")))
        if node.kind == "dag":
            state, inner = self.scope(node.inner, at)
            return state, inner.get(node.gives or "")
        states, values = [], []
        for number in range(node.items):
            state, inner = self.scope(node.inner, f"{at}/{number}")
            self.states[f"{at}/{number}"] = state
            states.append(state)
            value = inner.get(node.gives or "")
            if value is not None:
                values.append(value)
        return ("FAILED" if "FAILED" in states else "SUCCEEDED"), f"[{','.join(values)}]"


def _failing(nodes: list[Node], path: tuple[str, ...]) -> bool:
    named = {node.name: node for node in nodes}
    node, rest = named[path[0]], path[1:]
    if node.kind == "loop":
        rest = rest[1:]
    return _failing(node.inner, rest) if rest else node.fails


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
@given(nodes=scopes(), moments=st.lists(st.integers(0, 60), max_size=3))
def test_any_pipeline_ends_as_a_simple_reading_of_it_says(
    nodes: list[Node], moments: list[int]
) -> None:
    components: Json = {"leaf": leaf({"x": "any?"}, {"out": "any"})}
    root = dag(None, None, **written(nodes, components, "c"))

    def doing(done: Task) -> Values | Failure:
        if _failing(nodes, done.path):
            return FAILED
        return made(out=str(len(done.path) - 1))

    world = World(ir_of(root, **components), doing)
    for moment in moments:  # engines come and go meanwhile
        world.run(moment)
        if not world.status.run.state.is_final and world.status.run.started_at:
            world.restart_and_adopt()
    world.run()

    oracle = Oracle()
    state, _ = oracle.scope(nodes, "")
    assert world.states == oracle.states
    assert world.state == state
    ran = [path for path, one in oracle.states.items() if one in ("SUCCEEDED", "FAILED")]
    leaves = {path for path in ran if path in world.leaves and world[path].attempt}
    assert sorted(world.ran) == sorted(leaves), "each leaf runs once"
    assert world.status.tally.done == world.status.tally.total == len(world.leaves)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(nodes=scopes())
def test_a_retry_of_any_failed_pipeline_succeeds_once_nothing_fails_any_more(
    nodes: list[Node],
) -> None:
    components: Json = {"leaf": leaf({"x": "any?"}, {"out": "any"})}
    root = dag(None, None, **written(nodes, components, "c"))
    is_broken = True

    def doing(done: Task) -> Values | Failure:
        if is_broken and _failing(nodes, done.path):
            return FAILED
        return made(out=str(len(done.path) - 1))

    world = World(ir_of(root, **components), doing).run()
    is_broken = False
    if world.state == "FAILED":
        world.retry()
    _mend(nodes)

    oracle = Oracle()
    state, _ = oracle.scope(nodes, "")
    assert world.states == oracle.states
    assert world.state == state


def _mend(nodes: list[Node]) -> None:
    for node in nodes:
        node.fails = False
        _mend(node.inner)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(nodes=scopes(), moment=st.integers(0, 40))
def test_a_canceled_pipeline_leaves_nothing_open(nodes: list[Node], moment: int) -> None:
    components: Json = {"leaf": leaf({"x": "any?"}, {"out": "any"})}
    root = dag(None, None, **written(nodes, components, "c"))
    world = World(ir_of(root, **components), lambda done: made(out="1"))
    world.run(moment)
    if world.status.run.state.is_final:
        return

    world.cancel()

    assert world.status.run.state.is_final
    assert all(one.state.is_final for one in world.status.tasks.values())
    assert sum(world.status.open_in.values()) == world.status.open_tasks == 0
