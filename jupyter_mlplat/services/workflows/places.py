"""Where a task of a run stands in its pipeline: its spec, its component, who reads from it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from jupyter_mlplat.formats.kfp.document import Document
from jupyter_mlplat.formats.kfp.spec import ComponentSpec, DagSpec, RetryPolicy, TaskSpec
from jupyter_mlplat.resources.base import JsonValue
from jupyter_mlplat.resources.pipeline import Retry
from jupyter_mlplat.resources.workflow import task_name
from jupyter_mlplat.services.workflows.demands import deadline_of
from jupyter_mlplat.services.workflows.describing import retry_of

NO_TASKS = DagSpec()


@dataclass(frozen=True, slots=True)
class Limit:
    """How often and how long a task may try."""

    retry: Retry
    timeout_s: float | None
    is_job: bool = False


@dataclass(frozen=True)
class Place:
    """What a path leads to.

    Attributes:
        key: The task's name in its DAG; an iteration has that of its loop.
        path: As in `Task.path`.
        spec: The task.
        component: What it calls.
        iteration: Which iteration of the task; None: the task itself.
        limit: Of its attempts.
    """

    key: str
    path: tuple[str, ...]
    spec: TaskSpec
    component: ComponentSpec
    iteration: int | None
    limit: Limit

    @property
    def most(self) -> int:
        """How many iterations run at once; 0: all of them."""
        return self.spec.iterator_policy.parallelism_limit

    @property
    def what(self) -> str:
        """The task, for messages."""
        return f"Task {'/'.join(self.path)!r}"


@dataclass(frozen=True, slots=True)
class Raw:
    """A leaf component as the IR has it."""

    executor: dict[str, JsonValue]
    spec: dict[str, JsonValue]
    platform: dict[str, JsonValue]


class Places:
    """Answers from a document; what it has worked out is kept, for a loop asks thousands of times.

    Args:
        document: The pipeline.
    """

    def __init__(self, document: Document) -> None:
        self._document = document
        self._tasks: dict[tuple[str, ...], tuple[str, TaskSpec, ComponentSpec, Limit]] = {}
        self._policies: dict[tuple[str, ...], RetryPolicy | None] = {}
        self._ordered: dict[int, tuple[str, ...]] = {}
        self._readers: dict[int, dict[str, list[str]]] = {}
        self._raw: dict[int, Raw] = {}

    def of(self, path: Sequence[str]) -> Place:
        """Return the task a path leads to."""
        dag, names, number = self._document.dag, tuple[str, ...](), None
        rest = list(path)
        while rest:
            names = (*names, rest.pop(0))
            key, spec, component, limit = self._task(dag, names)
            number = int(rest.pop(0)) if spec.is_loop and rest else None
            dag = component.dag or NO_TASKS
        return Place(key, tuple(path), spec, component, number, limit)

    def _task(
        self, dag: DagSpec, names: tuple[str, ...]
    ) -> tuple[str, TaskSpec, ComponentSpec, Limit]:
        if names not in self._tasks:
            spec = dag.tasks[names[-1]]
            component = self._document.component_of(spec)
            platform = {} if component.dag else self._document.settings_of(component)
            # As in Kubeflow: a task that says nothing is tried as often as the pipeline around it.
            policy = spec.retry_policy or self._policies.get(names[:-1])
            self._policies[names] = policy
            limit = Limit(retry_of(policy), deadline_of(platform))
            self._tasks[names] = (names[-1], spec, component, limit)
        return self._tasks[names]

    def _dag_of(self, path: Sequence[str]) -> DagSpec:
        """Return the DAG that the task at a path lies in."""
        return (self.of(path[:-1]).component.dag if len(path) > 1 else None) or self._document.dag

    def readers(self, path: Sequence[str]) -> Sequence[str]:
        """Name the tasks of the same DAG that wait for the one at a path."""
        dag = self._dag_of(path)
        if id(dag) not in self._readers:
            found: dict[str, list[str]] = {key: [] for key in dag.tasks}
            for key in self.ordered(dag):
                for need in dag.tasks[key].needs:
                    found[need].append(key)
            self._readers[id(dag)] = found
        return self._readers[id(dag)][path[-1]]

    def ordered(self, dag: DagSpec) -> Sequence[str]:
        """Name the tasks of a DAG, each after those it waits for."""
        if id(dag) not in self._ordered:
            found: dict[str, None] = {}

            def visit(key: str) -> None:
                stack = [key]
                while stack:
                    waits = [need for need in dag.tasks[stack[-1]].needs if need not in found]
                    if waits:
                        stack.append(waits[0])
                    else:
                        found[stack.pop()] = None

            for key in dag.tasks:
                visit(key)
            self._ordered[id(dag)] = tuple(found)
        return self._ordered[id(dag)]

    def after(self, first: str) -> frozenset[str]:
        """Name the root's tasks that are this one, or wait for it, however indirectly."""
        return self._after.get(first, frozenset())

    @cached_property
    def _after(self) -> Mapping[str, frozenset[str]]:
        dag, found = self._document.dag, dict[str, frozenset[str]]()
        for key in reversed(self.ordered(dag)):
            inner = (found[task_name((reader,))] for reader in self.readers((key,)))
            found[task_name((key,))] = frozenset({task_name((key,))}).union(*inner)
        return found

    def raw(self, component: ComponentSpec) -> Raw:
        """Return a leaf component as the IR has it."""
        if id(component) not in self._raw:
            spec = component.model_copy(update={"single_platform_specs": ()}).to_ir()
            self._raw[id(component)] = Raw(
                executor=self._document.executor_of(component).to_ir(),
                spec=spec,
                platform=self._document.settings_of(component),
            )
        return self._raw[id(component)]
