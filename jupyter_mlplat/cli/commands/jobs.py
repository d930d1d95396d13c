"""train and tune."""

import os
import re
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mlplat.cli.terminal import Terminal
from jupyter_mlplat.errors import InvalidInput

if TYPE_CHECKING:
    from jupyter_mlplat.client.engine import EngineClient

_CELLS = re.compile(r"^# ?%%", re.MULTILINE)
_PLACEHOLDER = re.compile(r"\{([^\W\d][\w.-]*)\}")
_NO_NAME = re.compile(r"[^a-z0-9-]+")


def train(client: "EngineClient", options: Namespace, terminal: Terminal) -> int:
    """Run something as a train job."""
    from jupyter_mlplat.cli.jobs import follow

    words = [*options.program, *options.after]
    if words[:1] == ["--"]:
        words.pop(0)
    payload = _payload(words, options)
    is_single = options.nodes == 1 and (options.nproc or 1) == 1 and not options.gpu
    spec: dict[str, Any] = {
        "runtime": options.runtime or ("plain" if is_single else "torch-distributed"),
        "nodes": options.nodes,
        "processes": options.nproc,
    }
    for name in ("dataset", "model"):
        if getattr(options, name):
            spec[name] = {"uri": getattr(options, name)}
    request = {"payload": payload, **_settings(options, words), "train": spec}
    run = client.train(request)
    return follow(client, run, terminal, wait=not options.no_wait)


def tune(client: "EngineClient", options: Namespace, terminal: Terminal) -> int:
    """Search for the best parameters of something."""
    from jupyter_mlplat.cli.jobs import follow
    from jupyter_mlplat.client.spaces import is_dimension, parse_space

    at = next((at for at, word in enumerate(options.words) if is_dimension(word)), None)
    program = options.words[:at]
    space = parse_space(options.words[at:] if at is not None else [])
    if not space:
        raise InvalidInput(
            "Nothing is searched: name at least one parameter, such as "
            "'lr=loguniform(1e-5,1e-1)'. See: jupyter mlplat tune --help"
        )
    names = [parameter.name for parameter in space]
    payload = _payload([*program, *options.after], options)
    if payload.get("command"):
        payload["command"] = _with_placeholders(payload["command"], names)
    metric = options.maximize or options.minimize
    reads = options.read or ("stdout" if payload.get("command") else "push")
    request = {
        "payload": payload,
        **_settings(options, [*program, *options.after]),
        "tune": {
            "objective": {
                "metric": metric,
                "goal": options.goal,
                "direction": "maximize" if options.maximize else "minimize",
            },
            "space": [parameter.to_wire() for parameter in space],
            "algorithm": {"name": options.algorithm, "settings": _pairs(options.settings)},
            "early_stopping": {"name": options.early_stopping} if options.early_stopping else None,
            "trials": options.trials,
            "parallel": options.parallel,
            "failures": options.failures,
            "collector": {"kind": reads},
            "seed": options.seed,
        },
    }
    run = client.tune(request)
    return follow(client, run, terminal, wait=not options.no_wait)


def _payload(words: list[str], options: Namespace) -> dict[str, Any]:
    """Read what is to be run: a notebook, a script with its arguments, or any command."""
    if not words:
        raise InvalidInput(
            "Nothing is to be run: name a script, a notebook, or a command after --."
        )
    path = Path(words[0]).expanduser()
    if path.suffix == ".ipynb" or (path.suffix == ".py" and (_has_cells(path) or options.step)):
        if len(words) > 1:
            raise InvalidInput(
                f"A notebook takes no arguments such as {words[1]!r}. Give parameters by name: "
                "-p NAME=VALUE"
            )
        return {
            "notebook": os.path.abspath(path),
            "step": options.step,
            "arguments": _pairs(options.parameters),
        }
    if options.step or options.parameters:
        what = "--step" if options.step else "-p"
        raise InvalidInput(f"{what} is for notebooks; {words[0]!r} is none.")
    if path.suffix == ".py":
        words = ["python", os.path.abspath(path), *words[1:]]
    return {"command": words, "cwd": os.getcwd()}


def _has_cells(path: Path) -> bool:
    try:
        return _CELLS.search(path.read_text("utf-8")) is not None
    except (OSError, UnicodeDecodeError):
        return False


def _with_placeholders(command: list[str], names: list[str]) -> list[str]:
    """Put parameters into a command: where `{name}` stands, else as `--name=value` at its end."""
    used: set[str] = set()

    def place(match: re.Match[str]) -> str:
        if match[1] not in names:
            return match[0]
        used.add(match[1])
        return f"${{trialParameters.{match[1]}}}"

    words = [
        word if "${trialParameters." in word else _PLACEHOLDER.sub(place, word) for word in command
    ]
    if used or any("${trialParameters." in word for word in command):
        return words
    return [*words, *(f"--{name}=${{trialParameters.{name}}}" for name in names)]


def _settings(options: Namespace, words: list[str]) -> dict[str, Any]:
    from jupyter_mlplat.client.references import parse_pairs

    return {
        "name": options.name or _name_of(words),
        "experiment": options.experiment,
        "tags": parse_pairs(options.tags),
        "cpu": options.cpu,
        "memory": options.memory,
        "gpu": options.gpu,
        "env": parse_pairs(options.env),
        "python": os.path.abspath(options.python) if options.python else None,
        "run_on": options.on,
        "retries": options.retries,
        "timeout_s": options.timeout,
        "is_paused": options.paused,
    }


def _name_of(words: list[str]) -> str:
    """Name a job by its script or notebook, as far as that can be a name."""
    scripts = (word for word in words if word.endswith((".py", ".ipynb")))
    stem = Path(next(scripts, words[0] if words else "job")).stem.lower()
    return _NO_NAME.sub("-", stem).strip("-")[:60].strip("-") or "job"


def _pairs(texts: list[str]) -> dict[str, Any]:
    from jupyter_mlplat.client.references import parse_parameters

    return parse_parameters(texts, ())
