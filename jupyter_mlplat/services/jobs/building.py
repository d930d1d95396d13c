"""From the payload of a job to a pipeline of one step, or a refusal in clear words. Pure.

Reading a notebook is the caller's; what it read comes as `Source`.
"""

import ast
import os
import re
import shutil
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from jupyter_mlplat.errors import InvalidInput, NotFound
from jupyter_mlplat.kit.digests import digest_json
from jupyter_mlplat.kit.quantities import parse_bytes
from jupyter_mlplat.resources.pipeline import (
    Carried,
    Pipeline,
    Program,
    Resources,
    Retry,
    Step,
)
from jupyter_mlplat.resources.run import RunKind, SubmitRequest
from jupyter_mlplat.resources.training import JobRequest, Payload, TrainRequest
from jupyter_mlplat.resources.tuning import TuneRequest, TuneSpec
from jupyter_mlplat.services.pipelines.whole import whole_pipeline
from jupyter_mlplat.services.tuning.problem import read_problem

RETURNED = "result"
"""What a function returns is saved under this name."""

_KINDS = ("cell", "notebook", "function", "command")
_PYTHONS = re.compile(r"^(.*/)?python[0-9.]*$")
_PLACEHOLDER = re.compile(r"\$\{trialParameters\.([^}]*)\}")


@dataclass(frozen=True, slots=True)
class Source:
    """A notebook, or a cell as a notebook of its own, as the compiler sees it."""

    compiled: Pipeline
    content: Mapping[str, Any]
    kernel: str = ""  # where all of it would run


def kind_of(request: JobRequest) -> RunKind:
    """Say what kind of run a job is."""
    return "tune" if isinstance(request, TuneRequest) else "train"


def cell_notebook(payload: Payload) -> dict[str, Any]:
    """Return the notebook that holds a payload's cell alone."""
    cell: dict[str, Any] = {
        "cell_type": "code",
        "id": "cell-0",
        "metadata": {},
        "execution_count": None,
        "outputs": [],
        "source": payload.cell or "",
    }
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [cell]}


def refuse_payload(request: JobRequest) -> None:
    """Refuse a payload that is none, or more than one, or not to be found.

    Raises:
        InvalidInput: What to run is not clear, or cannot be run this way.
        NotFound: A script, a folder or a program is not there.
    """
    payload = request.payload
    given = [name for name in _KINDS if getattr(payload, name)]
    if len(given) != 1:
        found = " and ".join(given) if given else "none of them"
        raise InvalidInput(
            f"Cannot make job {request.name!r}: its payload is one of {', '.join(_KINDS)}; found "
            f"{found}. Give exactly one."
        )
    if payload.step is not None and payload.notebook is None:
        raise InvalidInput(
            f"Cannot make job {request.name!r}: step {payload.step!r} is named, but no notebook. "
            "Name the notebook it belongs to."
        )
    if isinstance(request, TuneRequest):
        read_problem(request.tune.to_wire())
    folder = payload.cwd
    if folder is not None and not (Path(folder).is_absolute() and Path(folder).is_dir()):
        raise NotFound(
            f"Cannot run job {request.name!r} in {folder!r}: there is no such folder, or its path "
            "is not absolute. Check the path."
        )
    _refuse_mounts(request, payload)
    if payload.command:
        _refuse_command(request, payload)


def _refuse_mounts(request: JobRequest, payload: Payload) -> None:
    if payload.mounts and not (payload.function or payload.command):
        raise InvalidInput(
            f"Cannot make job {request.name!r}: only functions and commands see volumes at paths "
            "of their own. Leave 'mounts' out, and use the paths of this machine."
        )
    for mount in payload.mounts:
        path = os.path.normpath(mount.path)
        if not path.startswith("/") or path.strip("/") == "":
            raise InvalidInput(
                f"Cannot make job {request.name!r}: {mount.path!r} is no path for a volume. Needed "
                "is an absolute one below '/'."
            )


def _refuse_command(request: JobRequest, payload: Payload) -> None:
    folder = Path(payload.cwd or Path.home())
    program, *arguments = payload.command
    is_python = _PYTHONS.match(program) is not None
    is_path = "/" in program and "${" not in program
    if is_path and shutil.which(str(folder / program)) is None:
        raise NotFound(
            f"Cannot run job {request.name!r}: there is no program {program!r} in {str(folder)!r}, "
            "or it may not be executed. Check the path."
        )
    script = next((word for word in arguments if not word.startswith("-")), "")
    is_script = is_python and not {"-c", "-m"} & set(arguments[: arguments.index(script) + 1 or 1])
    if script and is_script and "${" not in script and not (folder / script).is_file():
        raise NotFound(
            f"Cannot run job {request.name!r}: there is no script {script!r} in {str(folder)!r}. "
            "Check its path, or say with 'cwd' where the command runs."
        )
    if isinstance(request, TuneRequest):
        known = [parameter.name for parameter in request.tune.space]
        used = {name for word in payload.command for name in _PLACEHOLDER.findall(word)}
        if unknown := sorted(used - set(known)):
            raise InvalidInput(
                f"Cannot tune job {request.name!r}: its command asks for parameter {unknown[0]!r}, "
                f"the space has {', '.join(known) or 'none'}. Add it to the space, or change the "
                "command."
            )


def job_pipeline(request: JobRequest, source: Source | None, cpu: float) -> Pipeline:
    """Make the pipeline of a job.

    Args:
        request: Past `refuse_payload`.
        source: Of a cell or a notebook; None for a function or a command.
        cpu: How many cores the machine has: a job that names none gets one for each of its
            processes, as far as there are so many.

    Raises:
        InvalidInput: A cell has errors, a step is not there, or something goes not together.
    """
    payload = request.payload
    if source is None:
        program = Program(
            function=payload.function,
            command=payload.command,
            arguments=payload.arguments,
            mounts=payload.mounts,
        )
        saved = (RETURNED,) if payload.function else ()
        step = Step(
            name=kind_of(request),
            title=request.title or request.name,
            cells=(),
            program=program,
            outputs=saved,
            kept=saved,
        )
        pipeline = Pipeline(name=request.name, digest="sha256:" + "0" * 64, steps=(step,), edges=())
    elif payload.cell is not None:
        pipeline = _of_cell(request, source)
    elif payload.step is not None:
        pipeline = _of_step(request, source, payload.step)
    else:
        pipeline = whole_pipeline(source.compiled, source.content, source.kernel)
    target = payload.step or pipeline.steps[-1].name
    steps = tuple(
        _job_step(request, step, cpu) if step.name == target else step for step in pipeline.steps
    )
    update = {
        "name": request.name,
        "steps": steps,
        "folder": payload.cwd,
        "preload": tuple(dict.fromkeys((*pipeline.preload, *payload.preload))),
    }
    made = pipeline.model_copy(update=update)
    parts = [step.model_dump(mode="json") for step in steps]
    return made.model_copy(update={"digest": digest_json([made.digest, made.folder, parts])})


def job_submission(request: JobRequest, pipeline: Pipeline) -> SubmitRequest:
    """Say what a job would be if it were submitted as a pipeline."""
    payload = request.payload
    parameters = payload.arguments if payload.notebook is not None else {}
    return SubmitRequest(
        path=payload.notebook,
        parameters=parameters,
        experiment=request.experiment,
        tags=request.tags,
        title=request.title,
        note=request.note,
        run_on=request.run_on,
        until=payload.step,
        whole=pipeline.whole is not None,
    )


def _of_cell(request: JobRequest, source: Source) -> Pipeline:
    compiled = source.compiled
    given = {
        *request.payload.carried_names,
        *request.payload.arguments,
        *_bound_by_prelude(request),
    }
    if isinstance(request, TuneRequest):
        given |= {parameter.name for parameter in request.tune.space}
    problems = tuple(
        problem
        for problem in compiled.problems
        if not (problem.code == "undefined-name" and problem.name in given)
    )
    if not compiled.steps:
        raise InvalidInput(f"Cannot run job {request.name!r}: its cell has no code. Write some.")
    (step,) = compiled.steps
    step = step.model_copy(
        update={"name": kind_of(request), "title": request.title or request.name}
    )
    return compiled.model_copy(update={"steps": (step,), "problems": problems})


def _bound_by_prelude(request: JobRequest) -> set[str]:
    bound: set[str] = set()
    for statement in request.payload.prelude:
        try:
            tree = ast.parse(statement)
        except SyntaxError as error:
            raise InvalidInput(
                f"Cannot run job {request.name!r}: {statement!r} of its prelude is no Python. "
                "Imports belong there."
            ) from error
        for node in ast.walk(tree):
            if isinstance(node, ast.Import | ast.ImportFrom):
                bound |= {(name.asname or name.name).partition(".")[0] for name in node.names}
    return bound


def _of_step(request: JobRequest, source: Source, name: str) -> Pipeline:
    """Return the notebook's pipeline up to a step: what does not come before it is left out."""
    compiled = source.compiled
    names = [step.name for step in compiled.steps]
    if name not in names:
        raise InvalidInput(
            f"Cannot run job {request.name!r}: {compiled.name!r} has no step {name!r}. It has: "
            f"{', '.join(names) or 'none'}."
        )
    return compiled


def _job_step(request: JobRequest, step: Step, cpu: float) -> Step:
    """Return a step with what the job asks for."""
    payload, of_step = request.payload, step.settings
    tune = request.tune if isinstance(request, TuneRequest) else None
    train = request.train if isinstance(request, TrainRequest) else None
    if tune is not None and tune.is_inline:
        _refuse_inline(request, tune)
    carried = (
        Carried(bundle=payload.carried, names=payload.carried_names) if payload.carried else None
    )
    settings = of_step.model_copy(
        update={
            "resources": _resources(request, of_step.resources, cpu),
            "retry": Retry(limit=request.retries) if request.retries else of_step.retry,
            "timeout_s": request.timeout_s or of_step.timeout_s,
            "python": request.python or of_step.python,
            "env": {**of_step.env, **request.env},
            "cache": False,  # a job is asked for so that it runs
        }
    )
    # A cell's trials bind the parameters; those of the best one are told to whoever comes after it.
    tried = {p.name for p in tune.space if p.name.isidentifier()} if tune and step.cells else set()
    return step.model_copy(
        update={
            "outputs": tuple(sorted({*step.outputs, *tried})),
            "kept": tuple(sorted({*step.kept, *(tried - {*step.outputs})})),
            "settings": settings,
            "prelude": tuple(dict.fromkeys((*payload.prelude, *step.prelude))),
            "carried": carried,
            "train": train,
            "tune": tune,
            "metrics": _metrics(step.metrics, tune),
            "notes": request.notes,
        }
    )


def _metrics(named: Sequence[str], tune: TuneSpec | None) -> tuple[str, ...]:
    if tune is None:
        return tuple(named)
    objective = tune.objective
    return tuple(dict.fromkeys((*named, objective.metric, *objective.additional)))


def _refuse_inline(request: JobRequest, tune: TuneSpec) -> None:
    payload = request.payload
    what: Collection[str] = [
        word
        for word, is_meant in (
            ("a command", bool(payload.command)),
            ("a whole notebook", payload.notebook is not None and payload.step is None),
            ("a train job", tune.train is not None),
        )
        if is_meant
    ]
    if what:
        raise InvalidInput(
            f"Cannot tune job {request.name!r} inline: its trials are {next(iter(what))}, which "
            "needs a process of its own. Leave 'is_inline' out."
        )


def _resources(request: JobRequest, of_step: Resources, cpu: float) -> Resources:
    if isinstance(request, TuneRequest):
        processes = 1 if request.tune.is_inline else request.tune.parallel
    else:
        processes = request.train.ranks if isinstance(request, TrainRequest) else 1
    default = max(of_step.cpu, min(float(processes), cpu))
    fields: dict[str, object] = {
        "cpu": request.cpu or default,
        "memory_bytes": of_step.memory_bytes,
        "gpu": of_step.gpu if request.gpu is None else request.gpu,
    }
    try:
        if request.memory is not None:
            fields["memory_bytes"] = parse_bytes(request.memory)
        return Resources.model_validate(fields)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        raise InvalidInput(
            f"Cannot make job {request.name!r}: {fault['loc'][0]}={fault['input']!r} cannot be "
            f"given: {fault['msg']}."
        ) from error
    except ValueError as error:
        raise InvalidInput(f"Cannot make job {request.name!r}: memory: {error}") from error
