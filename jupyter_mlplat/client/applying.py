"""Kubeflow's documents from Python: `mlplat.apply("experiment.yaml")` is `apply -f`."""

import json
import os
from collections.abc import Iterable, Mapping
from typing import Any

from jupyter_mlplat.client import kubeflow
from jupyter_mlplat.client.documents import Shown
from jupyter_mlplat.client.engine import EngineClient
from jupyter_mlplat.client.job_finding import as_job
from jupyter_mlplat.client.views.nouns.kubeflow import view_applied
from jupyter_mlplat.client.views.view import View
from jupyter_mlplat.errors import InvalidInput
from jupyter_mlplat.resources.documents import AppliedDocument

Documents = str | os.PathLike[str] | Mapping[str, Any] | Iterable[Mapping[str, Any]]


class Applied(Shown, list[AppliedDocument]):
    """What became of documents, in their order."""

    def __init__(self, client: EngineClient, documents: Iterable[AppliedDocument]) -> None:
        super().__init__(documents)
        self._client = client

    @property
    def jobs(self) -> list[Any]:
        """The jobs and runs that have begun, as they are now."""
        begun = dict.fromkeys(one.run for one in self if one.run is not None)
        return [as_job(self._client, self._client.get_run(run)) for run in begun]

    def wait(self, timeout_s: float | None = None, *, check: bool = False) -> list[Any]:
        """Wait until each of the jobs is final, and return them.

        Args:
            timeout_s: For each of them; None waits for ever.
            check: Whether to raise when one did not succeed.

        Raises:
            ExecutionFailed: One did not succeed, and `check` is set.
        """
        return [job.wait(timeout_s, check=check) for job in self.jobs]

    def view(self) -> View:
        return view_applied(self)


def apply(what: Documents, *, dry_run: bool = False, home: Any = None) -> Applied:
    """Do what Kubeflow's documents ask for: train and tuning jobs, runtimes, config maps, secrets.

    Nothing is done where one of them is not understood.

    Args:
        what: The path of a file of documents or of a compiled KFP pipeline, documents as YAML, or
            as mappings: one, or several.
        dry_run: Only check them.
        home: The state directory; by default `MLPLAT_HOME`.

    Raises:
        InvalidInput: It cannot be read, or asks for something that is not there.
        Unsupported: It asks for something that cannot be had here.
    """
    client = EngineClient(home)
    path = _path_of(what)
    text = _text_of(what) if path is None else kubeflow.read_text(path)
    if not kubeflow.is_pipeline(text):
        return Applied(client, kubeflow.apply(client, text, dry_run=dry_run))
    if path is None or dry_run:
        raise InvalidInput(
            "Cannot apply a KFP pipeline so: it is run from its file. Give the path, without "
            "dry_run."
        )
    run = client.submit(path)
    return Applied(
        client,
        [
            AppliedDocument(
                kind="Pipeline", name=run.pipeline, outcome="created", run=run.id, number=run.number
            )
        ],
    )


def _path_of(what: Documents) -> str | None:
    """Return the path that is given; a text of documents has several lines or says its kind."""
    if isinstance(what, os.PathLike):
        return os.fspath(what)
    is_path = isinstance(what, str) and "\n" not in what and "{" not in what
    return str(what) if is_path else None


def _text_of(what: Any) -> str:
    if isinstance(what, str):
        return what
    documents = [what] if isinstance(what, Mapping) else list(what)
    try:
        return "\n---\n".join(json.dumps(dict(document)) for document in documents)
    except (TypeError, ValueError) as error:
        raise InvalidInput(
            f"Cannot apply the documents: {error}. Give a path, YAML, or mappings of what JSON has."
        ) from error
