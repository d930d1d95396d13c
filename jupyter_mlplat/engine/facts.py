"""What the conductor has to know beside the store: interpreters, packages, files, git."""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jupyter_mlplat.config import THIS_MACHINE, ClusterConfig
from jupyter_mlplat.engine.components import Components
from jupyter_mlplat.engine.environments import Environment, Environments
from jupyter_mlplat.engine.interpreters import Interpreter, Interpreters
from jupyter_mlplat.engine.live import LiveRun, StepKey
from jupyter_mlplat.engine.telling import StepPlace, has_mlflow, names_mlflow
from jupyter_mlplat.errors import InvalidInput, Unsupported
from jupyter_mlplat.kit.digests import digest_bytes
from jupyter_mlplat.resources.pipeline import Pipeline, Step
from jupyter_mlplat.resources.run import Run
from jupyter_mlplat.resources.training import TrainRuntime
from jupyter_mlplat.resources.workflow import Component
from jupyter_mlplat.services.pipelines.admission import ELSEWHERE, NOTHING, Demand, Inventory
from jupyter_mlplat.services.pipelines.caching import cache_key, component_parts, key_parts
from jupyter_mlplat.services.pipelines.sharing import variables_of
from jupyter_mlplat.services.training.runtimes import merged, runtime_named

MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Facts:
    """Where the conductor looks things up. Every look is a few system calls at most when warm."""

    interpreters: Interpreters
    environments: Environments
    modules: "ModuleDigests"
    has_blob: Callable[[str], bool]
    is_whole: Callable[[str], bool]
    put_blob: Callable[[bytes], str]
    read_git: "Callable[[Pipeline], Future[Mapping[str, Any]]]"
    inventory: Inventory
    components: Components | None = None  # None where no pipeline has any
    trials_of_runs: "Callable[[Sequence[str]], list[dict[str, object]]]" = lambda _: []
    added_runtimes: Callable[[], Iterable[TrainRuntime]] = tuple
    tracking: Callable[[Run, StepPlace], Mapping[str, str]] = lambda *_: {}
    """What a step needs in its environment to track into its run."""
    clusters: Mapping[str, ClusterConfig] = field(default_factory=dict)

    @property
    def of_components(self) -> Components:
        """What is known of how tasks of KFP pipelines are carried out here."""
        if self.components is None:
            raise Unsupported("Tasks of KFP pipelines cannot be run by this engine.")
        return self.components

    def runtime(self, name: str) -> TrainRuntime:
        """Return the runtime of a train job.

        Raises:
            InvalidInput: There is none of this name.
        """
        return runtime_named(name, merged(self.added_runtimes()))

    def cluster(self, place: str) -> ClusterConfig | None:
        """Return the cluster that a place is; None: it is this machine.

        Raises:
            InvalidInput: The settings know it no longer.
        """
        if place == THIS_MACHINE:
            return None
        if place not in self.clusters:
            raise InvalidInput(
                f"Cannot run on {place!r}: the engine's settings know no such place any more. "
                f"Describe it again in a table [cluster.{place}] of config.toml."
            )
        return self.clusters[place]

    def inventory_of(self, place: str) -> Inventory:
        """Return what is given out there by us: a cluster admits by itself."""
        return self.inventory if place == THIS_MACHINE else ELSEWHERE

    def demand_of(self, step: Step, place: str = THIS_MACHINE) -> Demand:
        """Return what a step waits for here; on a cluster it waits there."""
        if place != THIS_MACHINE:
            return NOTHING
        if step.component is not None:
            return self.of_components.demand_of(step.component)
        return step.settings.resources

    def gpu_variables(self, step: Step, gpus: Sequence[int]) -> dict[str, str]:
        """Return what a step is told of the devices it holds."""
        devices = [self.inventory.device(number) for number in gpus]
        return variables_of(devices, self.demand_of(step).gpu)

    def interpreter(self, live: LiveRun, step: Step) -> Interpreter:
        if step.component is not None:
            return Interpreter(self.of_components.python_of(step, live.status.run.literal))
        wanted = (step.settings.kernel, step.settings.python)
        if wanted not in live.interpreters:
            live.interpreters[wanted] = self.interpreters.of_step(step, live.pipeline)
        return live.interpreters[wanted]

    def environment(self, live: LiveRun, step: Step) -> Environment:
        return self.environments.get(self.interpreter(live, step).python)

    def tracking_of(self, live: LiveRun, step: Step, attempt: int) -> Mapping[str, str]:
        component = step.component
        # What a task has installed for it is not there before its first attempt.
        is_named = component is not None and names_mlflow(component.executor)
        if not is_named and not has_mlflow(self.environment(live, step)):
            return {}
        return self.tracking(live.status.run, StepPlace(live.id, step.name, attempt))

    def key_of(self, live: LiveRun, step: Step) -> StepKey:
        """Return the key of all a step's result depends on, as things are now."""
        if step.component is not None:
            return live.keys.get(step.name) or self._key_of_component(live, step, step.component)
        environment = self.environment(live, step)
        modules = self.modules.of(step, live.pipeline)
        known = live.keys.get(step.name)
        if known is not None and known.environment is environment and known.modules == modules:
            return known  # nothing else can change while a step runs
        parts = key_parts(
            live.code[step.name],
            parameters=live.parameters_of(step),
            inputs=live.input_digests(step),
            python=environment.version,
            packages={**environment.versions_of(live.pipeline.preload), **self._image_of(live)},
            modules=modules,
        )
        return StepKey(cache_key(parts), parts, environment, modules)

    def _image_of(self, live: LiveRun) -> dict[str, str]:
        """Say which image a run's steps run in: it holds packages that we do not know."""
        cluster = self.cluster(live.status.run.place)
        return {} if cluster is None else {"@image": cluster.image}

    def _key_of_component(self, live: LiveRun, step: Step, component: Component) -> StepKey:
        known = self.of_components
        name, imported = known.environment_of(step, live.status.run.literal)
        environment = self.environment(live, step)
        parts = component_parts(
            component,
            run=live.id,
            environment=name,
            packages=environment.versions_of(imported),
            secrets=known.secret_stamps(component),
        )
        return StepKey(cache_key(parts), parts, environment, {})


class ModuleDigests:
    """Digests local modules; a file is read again only when its size or time has changed."""

    def __init__(self) -> None:
        self._known: dict[Path, tuple[tuple[int, int], str]] = {}

    def of(self, step: Step, pipeline: Pipeline) -> dict[str, str]:
        """Return the digests of the local modules a step imports, by path as the step has it."""
        if not step.modules or pipeline.notebook is None:
            return {}
        folder = Path(pipeline.notebook).parent
        return {module: self._digest(folder / module) for module in step.modules}

    def _digest(self, path: Path) -> str:
        try:
            facts = os.stat(path)
            stamp = (facts.st_mtime_ns, facts.st_size)
            known = self._known.get(path)
            if known is None or known[0] != stamp:
                known = self._known[path] = (stamp, digest_bytes(path.read_bytes()))
        except OSError:
            return MISSING
        return known[1]
