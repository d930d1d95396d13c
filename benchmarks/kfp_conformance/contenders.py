"""One pipeline file run by one of the two: our engine, or kfp.local in its own environment."""

import contextlib
import json
import os
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter

from jupyter_mlplat.client.engine import EngineClient
from jupyter_mlplat.errors import PlatformError
from jupyter_mlplat.kit.digests import digest_bytes
from jupyter_mlplat.resources.base import JsonValue
from jupyter_mlplat.resources.run import Run

PEER = Path(__file__).with_name("peer.py")


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a file ended; `code` is the first failure's."""

    state: str
    reason: str = ""
    code: str = ""
    outputs: Mapping[str, JsonValue] | None = None
    took_s: float = 0.0

    @property
    def output(self) -> JsonValue:
        """The pipeline's output, where it has exactly one."""
        values = list((self.outputs or {}).values())
        return values[0] if len(values) == 1 else None


def run_ours(
    client: EngineClient, file: Path, parameters: Mapping[str, JsonValue], timeout_s: float
) -> Outcome:
    """Submit a file to an engine and wait for its end."""
    start = perf_counter()
    try:
        run = client.submit(file, parameters=parameters, cache=False)
    except PlatformError as error:
        return Outcome("refused", error.message, error.code, took_s=perf_counter() - start)
    try:
        run = client.wait_for_run(run.id, timeout_s)
    except KeyboardInterrupt:
        client.cancel_run(run.id)  # a task outlives its engine: the next one would take it over
        raise
    took = perf_counter() - start
    if not run.state.is_final:
        client.cancel_run(run.id)
        client.wait_for_run(run.id, 60)
        return Outcome("unfinished", f"not over after {timeout_s:g} s", took_s=took)
    reason, code = _reason(run)
    outputs = run.results.parameters if run.results is not None else {}
    return Outcome(run.state.value.lower(), reason, code, outputs, took)


def _reason(run: Run) -> tuple[str, str]:
    for task in run.tasks:
        if task.failure is not None and task.kind == "step":
            said = [f"{task.title}: {task.failure.message}", *task.notes]
            return "; ".join(said), task.failure.code
    if run.failure is not None:
        return run.failure.message, run.failure.code
    return "", ""


def run_peer(
    python: Path, file: Path, parameters: Mapping[str, JsonValue], timeout_s: float
) -> Outcome:
    """Run a file with kfp.local, or tell how it ended when it last ran with this environment."""
    kept = python.parents[1] / "outcomes" / f"{digest_bytes(file.read_bytes())[7:23]}.json"
    if kept.exists():
        return Outcome(**json.loads(kept.read_text()))
    outcome = _run_peer(python, file, parameters, timeout_s)
    kept.parent.mkdir(exist_ok=True)
    kept.write_text(json.dumps(asdict(outcome)))
    return outcome


def _run_peer(
    python: Path, file: Path, parameters: Mapping[str, JsonValue], timeout_s: float
) -> Outcome:
    start = perf_counter()
    with tempfile.TemporaryDirectory(prefix="kfp-peer-") as folder:
        process = subprocess.Popen(
            [python, PEER, file, json.dumps(dict(parameters)), folder],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=folder,
            start_new_session=True,
            env=os.environ | {"PATH": f"{python.parent}:{os.environ['PATH']}"},
        )
        try:
            text, _ = process.communicate(timeout=timeout_s)
        except subprocess.TimeoutExpired:
            return Outcome(
                "unfinished", f"not over after {timeout_s:g} s", took_s=perf_counter() - start
            )
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    took = perf_counter() - start
    try:
        told = json.loads(text.strip().splitlines()[-1])
    except (IndexError, ValueError):
        return Outcome("failed", f"it ended with status {process.returncode}", took_s=took)
    if told["state"] == "succeeded":
        return Outcome("succeeded", outputs=told["outputs"], took_s=took)
    return Outcome("failed", f"{told['kind']}: {told['message']}", told["kind"], took_s=took)
