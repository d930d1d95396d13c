"""The engine's side of an attempt directory: `step.json` in, the events file out."""

import errno
import json
import math
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jupyter_mlplat
from jupyter_mlplat.config import THIS_MACHINE
from jupyter_mlplat.engine.facts import Facts
from jupyter_mlplat.engine.live import LiveRun
from jupyter_mlplat.engine.volumes import mounts_of
from jupyter_mlplat.kit.home import Home
from jupyter_mlplat.ports.launcher import AttemptRef, StartOrder
from jupyter_mlplat.resources.pipeline import Pipeline, Step
from jupyter_mlplat.resources.training import TrainSpec
from jupyter_mlplat.services.pipelines.orders import order_of
from jupyter_mlplat.services.training.checking import settled

LOG_LIMIT_BYTES = 100 * 2**20
OUTPUT_LIMIT_BYTES = 10 * 2**20
FLUSH_FROM_BYTES = 2**20 if sys.platform == "linux" else 0
"""Steps flush content from this size on by themselves, side by side, so that the engine's flush of
the rest is short; where there is no `syncfs`, all of it."""
_PACKAGES = str(Path(jupyter_mlplat.__file__).parents[1])
_LONGEST_LINE_BYTES = 64 * 2**20
LOOK_BYTES = 2**18
"""Of an events file at one look: some thousand metrics, which nobody else waits long for."""


def attempt_ref(
    home: Home, run: str, step: str, attempt: int, place: str = THIS_MACHINE
) -> AttemptRef:
    """Name an attempt and its directory."""
    return AttemptRef(run, step, attempt, home.attempt(run, step, attempt), place)


def prepare_attempt(
    home: Home, live: LiveRun, step: Step, facts: Facts, trials: Sequence[Mapping[str, object]] = ()
) -> StartOrder:
    """Make the attempt directory with `step.json`; returns the order to start it.

    `trials` are those that earlier attempts of a step that is tuned have made.

    Raises:
        OSError: The disk is full or the directory cannot be written.
        InvalidInput: The step's interpreter or kernel is not there.
    """
    if step.component is not None:
        return _prepare_component(home, live, step, facts)
    place = live.status.run.place
    cluster = facts.cluster(place)
    interpreter = facts.interpreter(live, step)
    if step.settings.cache and step.name not in live.keys:  # an engine that is gone looked it up
        live.keys[step.name] = facts.key_of(live, step)
    task = live.status.tasks[step.name]
    ref = attempt_ref(home, live.id, step.name, task.attempt, place)
    document = _step_document(home, live, step, task.attempt)
    python, tuner = interpreter.python, {"python": sys.executable, "path": _PACKAGES}
    if cluster is None:
        # What a step itself says of its environment counts more than hints, not than its devices.
        gpu = facts.gpu_variables(step, task.gpus)
        env = {**gpu, **facts.tracking_of(live, step, task.attempt), **step.settings.env}
        if gpu:
            env["CUDA_VISIBLE_DEVICES"] = gpu["CUDA_VISIBLE_DEVICES"]
        devices = len(task.gpus)
    else:  # which devices a pod sees is its cluster's doing
        env = {**cluster.env, **step.settings.env}
        python = step.settings.python or cluster.python
        tuner = {"python": python, "path": "/"}
        document["modules"] = list(step.modules)  # for pods that do not see the notebook's folder
        devices = math.ceil(step.settings.resources.gpu)
    document["env"] = env
    if step.tune is not None:
        document["tune"] = step.tune.to_wire()
        document["trials"] = trials
        document["earlier"] = facts.trials_of_runs(step.tune.warm_start)
        document["tuner"] = tuner
        document["gpus"] = [facts.inventory.device(number).address for number in task.gpus]
        if not step.tune.is_inline:  # the host ends the trial that is too large, not all of them
            document["trials_memory_bytes"] = document["limits"].pop("memory_bytes", None)
        if step.tune.train is not None:
            share = -(-devices // step.tune.parallel)  # as many as one trial has
            train = _train_document(facts, step.tune.train, share)
            document["env"] = env = {**train.pop("env"), **env}
            document["tune"]["train"] = train
    if step.program is not None and step.program.mounts:
        whose = f"step {step.name!r}"
        document["mounts"] = mounts_of(home, step.program.mounts, whose)
    if step.train is not None:
        document["train"] = _train_document(facts, step.train, devices)
        document["env"] = env = {**document["train"].pop("env"), **env}
    _write_step(str(ref.directory), json.dumps(document).encode())
    return StartOrder(
        ref=ref,
        python=python,
        preload=_preload(live, step, facts),
        kernel=interpreter.kernel,
        memory_bytes=document["limits"].get("memory_bytes"),
        env=env,
        log_limit_bytes=LOG_LIMIT_BYTES,
        resources=step.settings.resources,
        nodes=document["train"]["nodes"] if step.train is not None else 1,
    )


def _prepare_component(home: Home, live: LiveRun, step: Step, facts: Facts) -> StartOrder:
    """Do the same for a task of a KFP pipeline."""
    if step.settings.cache and step.name not in live.keys:
        live.keys[step.name] = facts.key_of(live, step)
    run, task = live.status.run, live.status.tasks[step.name]
    ref = attempt_ref(home, live.id, step.name, task.attempt)
    common = _common_document(home, live, step, task.attempt)
    tracking = facts.tracking_of(live, step, task.attempt)
    order, document = facts.of_components.order(run, task, step, ref, common, tracking)
    _write_step(str(ref.directory), json.dumps(document).encode("utf-8", "surrogatepass"))
    return order


def _write_step(directory: str, content: bytes) -> None:
    """Write `step.json` into a directory that is usually not there yet, in few system calls."""
    try:
        try:
            os.mkdir(directory, 0o700)
        except FileNotFoundError:
            _make_parents(os.path.dirname(directory))
            os.mkdir(directory, 0o700)
    except FileExistsError:
        # An engine died between this and its commit, or the attempt's start was undone by a loss of
        # power: then what lies here was made of inputs that may have been others.
        shutil.rmtree(directory)
        os.mkdir(directory, 0o700)
    handle = os.open(f"{directory}/step.json", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        if os.write(handle, content) < len(content):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    finally:
        os.close(handle)


def _make_parents(directory: str) -> None:
    """Make a folder and those it lies in; nearly always only it is missing."""
    try:
        os.mkdir(directory, 0o700)
    except FileNotFoundError:
        os.makedirs(directory, 0o700)


def _common_document(home: Home, live: LiveRun, step: Step, attempt: int) -> dict[str, Any]:
    """Return what the runtime has to know of any attempt."""
    run = live.status.run
    return {
        "version": 1,
        "run": run.id,
        "run_number": run.number,
        "step": step.name,
        "attempt": attempt,
        "home": str(home.root),
        "blobs": f"{home.root}/blobs",
        "doorbell": str(home.doorbell),
        "limits": {
            "memory_bytes": step.settings.resources.memory_bytes,
            "cpu": step.settings.resources.cpu,
        },
        "flush_from_bytes": FLUSH_FROM_BYTES,
        "log_limit_bytes": LOG_LIMIT_BYTES,
        "cache_key": key.digest if (key := live.keys.get(step.name)) else None,
    }


def _step_document(home: Home, live: LiveRun, step: Step, attempt: int) -> dict[str, Any]:
    pipeline = live.pipeline
    return {
        **order_of(step, pipeline, live.reliances[step.name]),
        **_common_document(home, live, step, attempt),
        "cwd": _folder_of(pipeline),
        "parameters": live.parameters_of(step),
        "inputs": [
            *_carried_inputs(step),
            *(
                {"name": given.name, "bundle": live.bundle_of(given), "optional": given.optional}
                for given in step.inputs
            ),
        ],
        "checkpoints": str(home.checkpoints(live.id, step.name)),
        "output_limit_bytes": OUTPUT_LIMIT_BYTES,
        **(_whole_document(live) if pipeline.whole is not None else {}),
    }


def _carried_inputs(step: Step) -> list[dict[str, Any]]:
    """Return what a live kernel gave along, which no step has made."""
    if step.carried is None:
        return []
    bundle = step.carried.bundle
    return [{"name": name, "bundle": bundle, "optional": False} for name in step.carried.names]


def _train_document(facts: Facts, spec: TrainSpec, gpus: int) -> dict[str, Any]:
    """Return what the agent of a train job's ranks is told.

    Raises:
        InvalidInput: The runtime is no longer there.
    """
    runtime = facts.runtime(spec.runtime)
    settled_spec = settled(spec, runtime, gpus)
    return {
        **settled_spec.to_wire(),
        "contract": runtime.contract,
        "env": dict(runtime.env),
    }


def _preload(live: LiveRun, step: Step, facts: Facts) -> tuple[str, ...]:
    """Return what a warm worker imports: of a function one cannot tell, but of its runtime."""
    modules = live.pipeline.preload
    if step.train is not None and step.program is not None and step.program.function:
        return tuple(dict.fromkeys((*modules, *facts.runtime(step.train.runtime).packages)))
    return modules


def _whole_document(live: LiveRun) -> dict[str, Any]:
    """Return what differs where the step is a whole notebook: papermill gives it its parameters."""
    pipeline = live.pipeline
    document: dict[str, Any] = {
        "whole": pipeline.whole,
        "name": Path(pipeline.notebook).stem if pipeline.notebook else pipeline.name,
        "reports": pipeline.reports,
        "parameters": live.status.run.parameters,
    }
    return document


def _folder_of(pipeline: Pipeline) -> str:
    """Say where steps run: where they were told to, else where the notebook lies."""
    if pipeline.folder is not None:
        return pipeline.folder
    return os.path.dirname(pipeline.notebook) if pipeline.notebook else str(Path.home())


def cache_key_of(ref: AttemptRef) -> str | None:
    """Return the key an attempt was started with by an earlier engine."""
    try:
        key = json.loads((ref.directory / "step.json").read_bytes()).get("cache_key")
    except (OSError, ValueError, AttributeError):
        return None
    return key if isinstance(key, str) else None


def read_result(ref: AttemptRef) -> bytes:
    """Return what the step has said of its end; nothing if it has not."""
    try:
        return (ref.directory / "result.json").read_bytes()
    except OSError:
        return b""


def read_events(ref: AttemptRef, offset: int) -> bytes:
    """Return what the step has told of itself from this byte on, about `LOOK_BYTES` at most.

    Nothing if it has no file yet.
    """
    try:
        handle = os.open(f"{ref.directory}/events.jsonl", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return b""
    try:
        content = os.pread(handle, LOOK_BYTES, offset)
        if len(content) == LOOK_BYTES and b"\n" not in content:
            content = os.pread(handle, _LONGEST_LINE_BYTES, offset)
        return content
    finally:
        os.close(handle)
