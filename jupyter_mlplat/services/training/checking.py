"""What is refused before a train job is begun: numbers of ranks that contradict each other."""

import os
from collections.abc import Mapping

from jupyter_mlplat.errors import InvalidInput
from jupyter_mlplat.resources.pipeline import Step
from jupyter_mlplat.resources.training import TrainRuntime, TrainSpec

_MOST_RANKS = 1024
_NODES = ("PET_NNODES", "--nnodes", "--num-nodes")
_PROCESSES = (
    "PET_NPROC_PER_NODE",
    "LOCAL_WORLD_SIZE",
    "--nproc_per_node",
    "--nproc-per-node",
    "--num-processes-per-node",
)
_WORLD = ("WORLD_SIZE", "JAX_NUM_PROCESSES", "-np")


def settled(spec: TrainSpec, runtime: TrainRuntime, gpus: int) -> TrainSpec:
    """Return a spec with all that is left to the runtime and the machine filled in.

    Args:
        spec: As it was asked for.
        runtime: The one it names.
        gpus: Devices of the whole step: where nothing is said, each node has a process for each.
    """
    nodes = spec.nodes if "nodes" in spec.model_fields_set else max(spec.nodes, runtime.nodes)
    processes = spec.processes or runtime.processes or max(1, gpus // nodes)
    return spec.model_copy(update={"nodes": nodes, "processes": processes})


def refuse_mismatch(step: Step, spec: TrainSpec) -> None:
    """Refuse a step whose environment or command says another number of ranks than its spec.

    Raises:
        InvalidInput: They differ, devices cannot be divided, or there would be too many ranks.
    """
    if spec.ranks > _MOST_RANKS:
        raise InvalidInput(
            f"Cannot start step {step.name!r} as {spec.ranks} processes ({spec.nodes} nodes × "
            f"{spec.processes or 1}): {_MOST_RANKS} are the most."
        )
    gpus = int(step.settings.resources.gpu)
    if gpus > spec.nodes and gpus % spec.nodes:
        raise InvalidInput(
            f"Cannot divide {gpus} GPUs among the {spec.nodes} nodes of step {step.name!r}: each "
            f"node needs as many as the others. Ask for a multiple of {spec.nodes}."
        )
    said = {**step.settings.env, **_options(step)}
    wanted = {
        **dict.fromkeys(_NODES, spec.nodes),
        **dict.fromkeys(_PROCESSES, spec.processes or 1),
        **dict.fromkeys(_WORLD, spec.ranks),
    }
    for name, value in said.items():
        if name in wanted and value.isdecimal() and int(value) != wanted[name]:
            raise InvalidInput(
                f"Cannot start step {step.name!r}: {name} says {value}, but the job has "
                f"{spec.nodes} nodes × {spec.processes or 1} processes, so {wanted[name]} was "
                f"needed. Leave {name} out: every rank is told its place.",
                name=name,
                found=int(value),
                needed=wanted[name],
            )


def _options(step: Step) -> Mapping[str, str]:
    """Return the options of a launcher that a command starts with: `--nproc_per_node=2` and all."""
    command = step.program.command if step.program is not None else ()
    names = [os.path.basename(word) for word in command[:3]]
    if not {"torchrun", "mpirun", "torch.distributed.run"} & set(names):
        return {}
    found: dict[str, str] = {}
    for index, word in enumerate(command):
        name, is_joined, value = word.partition("=")
        if is_joined:
            found[name] = value
        elif word.startswith("-") and index + 1 < len(command):
            found[name] = command[index + 1]
    return found
