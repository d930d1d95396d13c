"""Taking `torchrun` from a command: the ranks are started by us, with the environment it gives.

`torchrun` starts one process a rank on its node and gives each RANK, WORLD_SIZE and so on. That is
what a train job of ours does; so the command's own program is what each rank becomes.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from jupyter_mlplat.formats.kubernetes.objects import Fault

_FLAGS = frozenset({"standalone", "no-python", "run-path", "module", "m"})
_VALUES = frozenset(
    {
        *("nnodes", "nproc-per-node", "rdzv-backend", "rdzv-endpoint", "rdzv-id", "rdzv-conf"),
        *("max-restarts", "monitor-interval", "start-method", "event-log-handler", "role"),
        *("log-dir", "r", "redirects", "t", "tee", "local-ranks-filter", "node-rank"),
        *("master-addr", "master-port", "local-addr", "logs-specs", "numa-binding"),
    }
)
_PYTHON = re.compile(r"python(3(\.\d+)?)?")
_MODULES = ("torch.distributed.run", "torch.distributed.launch")


@dataclass(frozen=True, slots=True)
class Launch:
    """A command of one rank.

    Attributes:
        words: Program and arguments.
        is_torchrun: Whether a launcher stood before them: one rank a process, not one a node.
        processes: Of each node, where the launcher was told a number.
        notes: What the launcher was told that has no meaning here.
    """

    words: tuple[str, ...]
    is_torchrun: bool = False
    processes: int | None = None
    notes: tuple[str, ...] = ()


def launch_of(words: Sequence[str], path: str) -> Launch:
    """Read a command; without a launcher it stays as it is.

    Raises:
        Fault: The launcher has an option that is not known, or nothing to launch.
    """
    rest = _after_launcher(words)
    if rest is None:
        return Launch(tuple(words))
    options: dict[str, str] = {}
    while rest and rest[0].startswith("-") and len(rest[0]) > 1:
        name, equals, value = rest.pop(0).lstrip("-").partition("=")
        name = name.replace("_", "-")
        if name in _FLAGS:
            options[name] = "true"
        elif name in _VALUES:
            if not equals and not rest:
                raise Fault(path, f"torchrun's option --{name} has no value")
            options[name] = value if equals else rest.pop(0)
        else:
            raise Fault(path, f"torchrun's option --{name} is not known here")
    if not rest:
        raise Fault(path, "torchrun has no program to launch")
    if "module" in options or "m" in options:
        rest = ["python", "-m", *rest]
    elif "no-python" not in options:
        rest = ["python", *rest]
    processes = options.get("nproc-per-node", "")
    ignored = [f"--{name}" for name in ("max-restarts", "rdzv-conf", "numa-binding")
               if options.get(name)]  # fmt: skip
    return Launch(
        words=tuple(rest),
        is_torchrun=True,
        processes=int(processes) if processes.isdecimal() and int(processes) else None,
        notes=(f"torchrun's {', '.join(ignored)} is ignored",) if ignored else (),
    )


def _after_launcher(words: Sequence[str]) -> list[str] | None:
    if not words:
        return None
    program = words[0].rpartition("/")[2]
    if program == "torchrun":
        return list(words[1:])
    is_python = _PYTHON.fullmatch(program) is not None
    if is_python and tuple(words[1:2]) == ("-m",) and words[2:3] and words[2] in _MODULES:
        return list(words[3:])
    return None
