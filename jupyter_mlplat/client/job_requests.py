"""What the engine is asked for to begin a job: what is run, how it is called, what it may use."""

import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from jupyter_mlplat.client.engine import EngineClient
from jupyter_mlplat.errors import InvalidInput
from jupyter_mlplat.resources.pipeline import Pipeline, Step

What = Callable[..., Any] | str | os.PathLike[str] | Sequence[str]
"""A function, the path of a notebook or script, or a command as a list."""

_ONE_PROCESS = {"runtime": "plain", "nodes": 1, "processes": 1}


def payload_of(
    client: EngineClient,
    what: What,
    arguments: Mapping[str, Any] | None = None,
    step: str | None = None,
    volumes: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Say what a job is to run: a function, a notebook or script by its path, or a command.

    Args:
        client: Keeps what a function needs of this process.
        what: Is run.
        arguments: Of a function or notebook.
        step: Only this step of the notebook.
        volumes: Named folders of this machine by the paths where a function or command sees them.

    Raises:
        InvalidInput: It is none of these, or needs a value that cannot travel.
    """
    mounts = [{"path": path, "volume": name} for path, name in (volumes or {}).items()]
    told = {"arguments": dict(arguments or {}), "step": step, "mounts": mounts}
    return {**_program_of(client, what), **told}


def _program_of(client: EngineClient, what: What) -> dict[str, Any]:
    if callable(what):
        from jupyter_mlplat.client.carrying import carry_function

        return {**carry_function(client, what).payload(), "cwd": os.getcwd()}
    if isinstance(what, str | os.PathLike):
        path = os.path.abspath(os.path.expanduser(what))
        if not os.path.isfile(path):
            raise InvalidInput(
                f"Cannot run {os.fspath(what)!r} as a job: there is no such file. Give a function, "
                "the path of a notebook or script, or a command as a list."
            )
        return {"notebook": path}
    return {"command": [str(part) for part in what], "cwd": os.getcwd()}


def request_of(payload: Mapping[str, Any], **options: Any) -> dict[str, Any]:
    """Return what all jobs are asked for with; options that are None are left out."""
    return {"python": sys.executable, **without_none(**options), "payload": dict(payload)}


def request_of_trial(
    pipeline: Pipeline, step: Step, parameters: Mapping[str, Any], number: int
) -> dict[str, Any]:
    """Ask for a train job that runs what a trial of a step runs, with its parameters put in.

    Args:
        pipeline: Of the tuning job.
        step: That is tuned.
        parameters: Of the trial.
        number: Of the tuning job, for people.

    Raises:
        InvalidInput: What a trial runs can only be run by the tuning job itself.
    """
    payload = _payload_with(step, parameters, number)
    train = step.tune.train if step.tune else None
    return without_none(
        payload={**payload, "cwd": pipeline.folder, "preload": list(pipeline.preload)},
        name=f"{pipeline.name[:54]}-best",
        title=f"Best trial of job {number}",
        python=step.settings.python,
        env=step.settings.env,
        cpu=step.settings.resources.cpu,
        gpu=step.settings.resources.gpu or None,
        train=train.to_wire() if train else _ONE_PROCESS,
    )


def _payload_with(step: Step, parameters: Mapping[str, Any], number: int) -> dict[str, Any]:
    if step.program is not None:
        arguments = {**step.program.arguments, **parameters}
        command = [_substituted(part, parameters) for part in step.program.command]
        return {"function": step.program.function, "command": command, "arguments": arguments}
    if len(step.cells) != 1 or step.inputs:
        raise InvalidInput(
            f"Cannot run the best trial of tuning job {number} by itself: it is a step of a "
            "notebook. Its values are those of the run already: job.value(NAME)."
        )
    lines = [f"{name} = {value!r}" for name, value in parameters.items() if name.isidentifier()]
    source = step.cells[0].source
    first, _, rest = source.partition("\n")
    body = rest if first.startswith("%%mlplat") else source
    payload: dict[str, Any] = {"cell": "\n".join([*lines, body]), "prelude": list(step.prelude)}
    if step.carried is not None:
        payload |= {"carried": step.carried.bundle, "carried_names": list(step.carried.names)}
    return payload


def _substituted(text: str, parameters: Mapping[str, Any]) -> str:
    for name, value in parameters.items():
        text = text.replace(f"${{trialParameters.{name}}}", str(value))
    return text


def without_none(**values: Any) -> dict[str, Any]:
    """Leave out what is None."""
    return {key: value for key, value in values.items() if value is not None}


def name_of(what: Any, fallback: str) -> str:
    """Name a job after what it runs."""
    if callable(what):
        return as_name(getattr(what, "__name__", ""), fallback)
    is_path = isinstance(what, str | os.PathLike)
    return as_name(os.path.splitext(os.path.basename(what))[0] if is_path else "", fallback)


def as_name(text: str, fallback: str) -> str:
    """Make a name of a text: lower case, digits and hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:63].strip("-") or fallback
