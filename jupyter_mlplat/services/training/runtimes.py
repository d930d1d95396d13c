"""The runtimes a train job may name: built in, or added by a platform team as data."""

from collections.abc import Iterable, Mapping

from jupyter_mlplat.errors import InvalidInput
from jupyter_mlplat.resources.training import TrainRuntime

BUILT_IN = (
    TrainRuntime(
        name="torch-distributed",
        title="PyTorch, with the environment that torchrun gives",
        contract="torch",
        packages=("torch",),
        is_built_in=True,
    ),
    TrainRuntime(
        name="plain",
        title="Plain Python: each process knows its rank",
        contract="plain",
        is_built_in=True,
    ),
    TrainRuntime(
        name="jax-distributed",
        title="JAX, with the environment of jax.distributed",
        contract="jax",
        packages=("jax",),
        is_built_in=True,
    ),
    TrainRuntime(
        name="mpi", title="MPI, started by the mpirun of this machine", contract="mpi",
        is_built_in=True,
    ),
)  # fmt: skip


def merged(added: Iterable[TrainRuntime]) -> Mapping[str, TrainRuntime]:
    """Return all runtimes by name; one that is added takes the place of a built-in one."""
    return {runtime.name: runtime for runtime in (*BUILT_IN, *added)}


def runtime_named(name: str, runtimes: Mapping[str, TrainRuntime]) -> TrainRuntime:
    """Return a runtime.

    Raises:
        InvalidInput: There is none of this name.
    """
    found = runtimes.get(name)
    if found is None:
        raise InvalidInput(
            f"Cannot train with runtime {name!r}: there is none of this name. There are: "
            f"{', '.join(runtimes)}. A file in the folder 'runtimes' of the state directory adds "
            "one.",
            runtime=name,
            known=list(runtimes),
        )
    return found
