"""`%%mlplat train` and `%%mlplat tune`: the cell runs as a job, with what it needs from here."""

import os
from argparse import Namespace
from collections.abc import Mapping
from typing import Any

from jupyter_mlplat.client import values
from jupyter_mlplat.client.carrying import carry_cell
from jupyter_mlplat.client.engine import EngineClient
from jupyter_mlplat.client.job_finding import as_job
from jupyter_mlplat.client.job_handles import Job
from jupyter_mlplat.client.job_requests import as_name, request_of
from jupyter_mlplat.client.references import parse_pairs
from jupyter_mlplat.errors import ExecutionFailed, PlatformError
from jupyter_mlplat.magics import marker
from jupyter_mlplat.magics.arguments import HelpShown
from jupyter_mlplat.magics.notebook import find_notebook
from jupyter_mlplat.resources.run import RunState
from jupyter_mlplat.resources.spelling import TRAIN_WORDS, TUNE_WORDS, train_spec, tune_spec
from jupyter_mlplat.widgets.live import show_live


def run_cell(words: list[str], line: str, cell: str, shell: Any) -> Any:
    """Run a cell as the job that its first line asks for.

    What the cell has bound comes back, as if it had run here.

    Raises:
        InvalidInput: The line cannot be understood, or the cell needs what cannot travel.
        ExecutionFailed: The job did not succeed.
    """
    try:
        options = marker.build_parser(words[0]).parse_intermixed_args(words[1:])
    except HelpShown:
        return None
    client = EngineClient()
    train = train_spec(_said(options, TRAIN_WORDS))
    tune = None
    if words[0] == "tune":
        told = _said(options, TUNE_WORDS)
        if options.nodes or options.nproc or options.runtime:
            told["train"] = train.to_wire()
        tune = tune_spec({**told, "space": options.space, "inline": options.inline})
    given = [] if tune is None else [parameter.name for parameter in tune.space]
    cargo = carry_cell(client, cell, shell.user_ns, given, shell.transform_cell)
    for said in cargo.describe():
        print(said)
    payload = {
        **cargo.payload(),
        # Line numbers stay those of the notebook, and a second cell magic stays one.
        "cell": f"\n{cell}" if cell.lstrip().startswith("%%") else f"# %%mlplat {line}\n{cell}",
        "cwd": os.getcwd(),
    }
    request = request_of(payload, **_common(options, words[0], shell))
    if tune is None:
        submitted = client.train({**request, "train": train.to_wire()})
    else:
        submitted = client.tune({**request, "tune": tune.to_wire()})
    if options.no_wait:
        return _bound(as_job(client, submitted), options, shell)
    job: Any = show_live(client, submitted, shell)
    _bound(job, options, shell)
    if job.state in (RunState.FAILED, RunState.CANCELED):
        raise ExecutionFailed(
            f"Job {job.number} {job.state.value.lower()}. Its card says why, and so does: "
            f"%mlplat logs {job.number}",
            run=job.id,
        )
    if job.state is RunState.SUCCEEDED and not options.no_values:
        _bring_back(client, job, shell)
    return job


def _bound(job: Job, options: Namespace, shell: Any) -> Job:
    if options.bind:
        shell.user_ns[options.bind] = job
    return job


def _bring_back(client: EngineClient, job: Any, shell: Any) -> None:
    """Bind here what the cell has bound there."""
    try:
        values.take_all(client, job.document, job.step, shell.user_ns)
    except PlatformError as error:
        print(f"What the job left bound is not bound here: {error.message}")
    if job.task.not_kept:
        print(f"Not bound here, because it cannot travel: {', '.join(sorted(job.task.not_kept))}.")


def _said(options: Namespace, words: Mapping[str, str]) -> dict[str, Any]:
    """Return what options say, by the keys of `resources.spelling`."""
    found: dict[str, Any] = {}
    for word, key in words.items():
        value = getattr(options, word.replace("-", "_"), None)
        if value not in (None, []):
            found[key] = value
    return found


def _common(options: Namespace, kind: str, shell: Any) -> dict[str, Any]:
    """Return what all jobs are asked for with."""
    notebook = find_notebook(shell, None)
    stem = f"{notebook.stem}-" if notebook is not None else ""
    return {
        "name": as_name(options.name or f"{stem}{kind}", kind),
        "title": options.title,
        "cpu": options.cpu,
        "memory": None if options.memory is None else str(options.memory),
        "gpu": options.gpu,
        "retries": options.retries,
        "timeout_s": options.timeout,
        "python": options.python,
        "run_on": options.on,
        "env": parse_pairs(options.env or ()),
        "experiment": options.experiment,
        "tags": parse_pairs(options.tag or ()),
        "note": options.note,
    }
