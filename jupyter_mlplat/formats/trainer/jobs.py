"""A TrainJob as a request for a train job."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from jupyter_mlplat.formats.kubernetes.objects import (
    Fault,
    Object,
    mapping,
    naming,
    shape,
)
from jupyter_mlplat.formats.kubernetes.pods import (
    Demand,
    Environment,
    EnvVar,
    FromStore,
    demand_of,
    environment_of,
    expand,
    notes_on_pod,
)
from jupyter_mlplat.formats.kubernetes.volumes import mounts_of
from jupyter_mlplat.formats.kubernetes.wanted import Wanted, tags_of, unique
from jupyter_mlplat.formats.trainer import GROUP, TRAIN_JOB
from jupyter_mlplat.formats.trainer.launching import Launch, launch_of
from jupyter_mlplat.formats.trainer.runtimes import NODE, check_version
from jupyter_mlplat.formats.trainer.spec import (
    Initializers,
    InitializerSpec,
    RuntimePatch,
    RuntimeRef,
    Trainer,
    TrainJobSpec,
)
from jupyter_mlplat.resources.base import JsonValue
from jupyter_mlplat.resources.training import (
    Initializer,
    Mount,
    Payload,
    TrainRequest,
    TrainRuntime,
    TrainSpec,
)

MOST_NODES = 1024
MULTIKUEUE = "kueue.x-k8s.io/multikueue"
QUEUE = "kueue.x-k8s.io/queue-name"

RESERVED = frozenset(
    f"PET_{name}"
    for name in ("NNODES", "NPROC_PER_NODE", "NODE_RANK", "MASTER_ADDR", "MASTER_PORT")
)
_OWN_ENV = frozenset({NODE, "dataset-initializer", "model-initializer"})
_NAME = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
_PATH = "spec.trainer"

_MOUNTS = {
    "dataset": "the dataset lies at $MLPLAT_DATASET, not at /workspace/dataset",
    "model": "the model lies at $MLPLAT_MODEL, not at /workspace/model",
}

Runtimes = Callable[[str], TrainRuntime | None]
"""(name of a runtime) → the runtime; None where there is none."""


@dataclass(frozen=True, slots=True)
class Training:
    """What a TrainJob runs: as a job by itself, or as each trial of a tuning job."""

    words: tuple[str, ...]
    train: TrainSpec
    environment: Environment
    image: str | None
    demand: Demand
    retries: int
    notes: tuple[str, ...]
    mounts: tuple[Mount, ...] = ()


def read_train_job(document: Object, runtimes: Runtimes) -> Wanted:
    """Read a TrainJob.

    Args:
        document: The object.
        runtimes: Those that it may name.

    Raises:
        InvalidInput: It is none; the message has the place of the fault.
    """
    with naming(document.what):
        check_version(document)
        if document.kind != TRAIN_JOB:
            raise Fault("kind", f"needed {TRAIN_JOB!r}, found {document.kind!r}")
        _check_name(document.name)
        spec = shape(TrainJobSpec, document.spec, "spec")
        training = training_of(spec, "spec", runtimes)
        queue = document.labels.get(QUEUE)
        waiting = (f"no queue {queue!r} admits jobs here: resume it yourself",) if queue else ()
        request = TrainRequest(
            payload=Payload(command=training.words, mounts=training.mounts),
            name=document.name,
            tags=tags_of(document),
            env=dict(training.environment.plain),
            retries=training.retries,
            timeout_s=spec.active_deadline_seconds,
            is_paused=bool(spec.suspend),
            document=dict(document.raw),
            train=training.train,
        )
        return Wanted(
            request=request,
            image=training.image,
            stored=training.environment.stored,
            demand=training.demand,
            notes=unique((*training.notes, *waiting)),
        )


def training_of(spec: TrainJobSpec, path: str, runtimes: Runtimes) -> Training:
    """Read what a TrainJob runs, of a document or of a template.

    Raises:
        Fault: The runtime is not there, or nothing would be run, or a field makes no sense.
    """
    if spec.managed_by == MULTIKUEUE:
        raise Fault(f"{path}.managedBy", f"{MULTIKUEUE} runs jobs on other clusters; there is none")
    runtime = _runtime(spec.runtime_ref, f"{path}.runtimeRef", runtimes)
    trainer, place = spec.trainer or Trainer(), f"{path}.trainer"
    own = environment_of(trainer.env or [], f"{place}.env")
    environment = own.over(Environment(dict(runtime.env)))
    _refuse_reserved(trainer.env or [], f"{place}.env")
    launch = _launch(trainer, runtime, environment, place)
    per_node, more = demand_of(trainer.resources_per_node, f"{place}.resourcesPerNode")
    nodes = runtime.nodes if trainer.num_nodes is None else trainer.num_nodes
    if nodes == 0:
        raise Fault(f"{place}.numNodes", "0 nodes would run nothing")
    if nodes > MOST_NODES:
        raise Fault(f"{place}.numNodes", f"{nodes} is more than {MOST_NODES}")
    initializers, stored = _initializers(spec.initializer or Initializers(), f"{path}.initializer")
    given = trainer.num_proc_per_node or launch.processes or runtime.processes
    patched, ignored = _patches(spec.runtime_patches or [], f"{path}.runtimePatches")
    return Training(
        words=launch.words,
        train=TrainSpec(
            runtime=runtime.name,
            nodes=nodes,
            processes=given or _processes(launch, runtime, per_node),
            **initializers,
        ),
        environment=Environment(
            environment.plain, (*environment.stored, *stored), environment.notes
        ),
        image=trainer.image or runtime.image,
        demand=per_node.times(nodes),
        retries=runtime.restarts,
        notes=unique(
            (
                *runtime.notes,
                *launch.notes,
                *environment.notes,
                *more,
                *ignored,
                *(_MOUNTS[name] for name in initializers),
            )
        ),
        mounts=tuple({one.path: one for one in (*runtime.mounts, *patched)}.values()),
    )


def _check_name(name: str) -> None:
    if not name:
        raise Fault("metadata.name", "is missing")
    if not _NAME.fullmatch(name) or len(name) > 63:
        raise Fault(
            "metadata.name",
            f"{name!r} is no name of a TrainJob: needed at most 63 small letters, digits and '-', "
            "a letter first and no '-' last",
        )


def _runtime(ref: RuntimeRef, path: str, runtimes: Runtimes) -> TrainRuntime:
    if ref.api_group not in ("", GROUP):
        raise Fault(f"{path}.apiGroup", f"needed {GROUP!r}, found {ref.api_group!r}")
    found = runtimes(ref.name)
    if found is None:
        raise Fault(
            f"{path}.name",
            f"there is no {ref.kind} {ref.name!r}. Apply it first, or see: "
            "jupyter mlplat get runtimes",
        )
    return found


def _refuse_reserved(variables: Sequence[EnvVar], path: str) -> None:
    for at, variable in enumerate(variables):
        if variable.name in RESERVED:
            raise Fault(f"{path}[{at}].name", f"{variable.name} is set by the runtime")


def _launch(trainer: Trainer, runtime: TrainRuntime, env: Environment, path: str) -> Launch:
    command = trainer.command if trainer.command is not None else None
    line = [expand(word, env.plain) for word in (*(command or ()), *(trainer.args or ()))]
    if command is None:
        line = [*runtime.command, *line] if runtime.command else []
    if not line:
        raise Fault(
            f"{path}.command",
            "is missing: what the image starts by itself is not known here. Say what to run",
        )
    return launch_of(line, f"{path}.command")


def _processes(launch: Launch, runtime: TrainRuntime, per_node: Demand) -> int | None:
    """Return how many processes a node has where nobody gave a number, as upstream counts them.

    A launcher starts one for each GPU of its node, else for each CPU that the node asks for;
    without a launcher the command itself is the node's one process.
    """
    if not launch.is_torchrun or runtime.contract != "torch":
        return 1 if runtime.contract == "torch" else None
    return per_node.gpu or max(1, int(per_node.cpu or 0))


def _initializers(
    given: Initializers, path: str
) -> tuple[dict[str, Initializer], tuple[FromStore, ...]]:
    found: dict[str, Initializer] = {}
    stored: list[FromStore] = []
    parts: tuple[tuple[str, InitializerSpec | None], ...] = (
        ("dataset", given.dataset),
        ("model", given.model),
    )
    for name, part in parts:
        if part is None or not part.storage_uri:
            continue
        environment = environment_of(part.env or [], f"{path}.{name}.env")
        found[name] = Initializer(uri=part.storage_uri, env=dict(environment.plain))
        sources = list(environment.stored)
        if part.secret_ref is not None and part.secret_ref.name:
            sources.append(FromStore("secret", part.secret_ref.name))
        stored += [
            FromStore(
                source.kind,
                source.name,
                source.variables,
                source.prefix,
                source.optional,
                "dataset" if name == "dataset" else "model",
            )
            for source in sources
        ]
    return found, tuple(stored)


def _patches(patches: Sequence[RuntimePatch], path: str) -> tuple[list[Mount], list[str]]:
    """Read the mounts that patches add, and say what of them only a cluster honours."""
    managers: set[str] = set()
    mounts: list[Mount] = []
    notes: list[str] = []
    for at, patch in enumerate(patches):
        place = f"{path}[{at}]"
        if patch.manager in managers:
            raise Fault(f"{place}.manager", f"{patch.manager!r} stands there twice")
        managers.add(patch.manager)
        template = patch.training_runtime_spec and patch.training_runtime_spec.template
        jobs = (template and template.spec and template.spec.replicated_jobs) or []
        place += ".trainingRuntimeSpec.template.spec.replicatedJobs"
        for number, job in enumerate(jobs):
            pods = job.template and job.template.spec and job.template.spec.template
            below = f"{place}[{number}].template.spec.template.spec"
            spec: Mapping[str, JsonValue] = (pods and pods.spec) or {}
            notes += notes_on_pod(spec, below)
            more, ignored = _patched_containers(spec, below)
            mounts += more
            notes += ignored
    return mounts, notes


def _patched_containers(spec: Mapping[str, JsonValue], path: str) -> tuple[list[Mount], list[str]]:
    mounts: list[Mount] = []
    notes: list[str] = []
    for field in ("containers", "initContainers"):
        listed = spec.get(field)
        for at, value in enumerate(listed if isinstance(listed, list) else ()):
            container = mapping(value, f"{path}.{field}[{at}]")
            name = container.get("name")
            if container.get("env") and name in _OWN_ENV:
                raise Fault(
                    f"{path}.{field}[{at}].env",
                    f"variables of {name!r} are set in spec.trainer.env or spec.initializer",
                )
            wanted = container.get("volumeMounts")
            if name == NODE and wanted:
                place = f"{path}.{field}[{at}].volumeMounts"
                more, ignored = mounts_of(spec.get("volumes"), wanted, place, is_patch=True)
                mounts += more
                notes += ignored
            is_known = name == NODE and container.keys() <= {"name", "volumeMounts"}
            if field == "containers" and not is_known:
                notes.append(f"ignored, as only a cluster has it: patch of container {name!r}")
    return mounts, notes
