"""The state a step was given, in this process: to look at what failed where it failed."""

import contextlib
import io
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jupyter_mlplat.client import tracking
from jupyter_mlplat.client.documents import Shown
from jupyter_mlplat.client.engine import EngineClient
from jupyter_mlplat.client.views import nouns
from jupyter_mlplat.client.views.view import View
from jupyter_mlplat.errors import InvalidInput, NotFound, Unsupported
from jupyter_mlplat.resources.pipeline import Pipeline, Step
from jupyter_mlplat.resources.run import Run, TaskState
from jupyter_mlplat.runtime import given
from jupyter_mlplat.runtime.bundle import MissingInput, check_python, not_bound
from jupyter_mlplat.runtime.files import BlobError, Blobs


@dataclass(frozen=True)
class RestoredValue:
    """A value that was loaded, and the step that had saved it."""

    name: str
    type: str
    step: str
    preview: str


@dataclass(frozen=True, repr=False)
class Restored(Shown):
    """What `restore` has put into the namespace. None of the step's cells has run."""

    run: Run
    step: Step
    folder: str
    values: tuple[RestoredValue, ...]
    parameters: Mapping[str, Any]
    unbound: tuple[str, ...]
    """Names that may be unbound where they come from, and were."""
    replaced: tuple[str, ...]
    """Names that meant something else here before."""

    def view(self) -> View:
        return nouns.view_restored(self)


def restore(
    client: EngineClient, run: str | int, step: str | None, namespace: dict[str, Any]
) -> Restored:
    """Put into a namespace what a step of a run was given before its first cell.

    Raises:
        InvalidInput: No step is named, and none failed; or there is no such step.
        NotFound: A step it needs has not succeeded, or what it saved is gone.
        Unsupported: It cannot be loaded by this Python, or a library it needs is missing here.
    """
    if tracking.is_inside_step():
        raise Unsupported("Cannot restore a state inside a step of a run: restore it in a kernel.")
    document = client.get_run(run)
    pipeline = client.get_run_pipeline(document.id)
    found = _find_step(document, pipeline, step)
    if pipeline.language != "python":
        raise Unsupported(
            f"Cannot restore step {found.name!r} of run {document.number}: its notebook is written "
            f"in {pipeline.language}. Only the state of Python steps can be restored."
        )
    return _Restoring(client, document, pipeline, found).into(namespace)


def _find_step(run: Run, pipeline: Pipeline, name: str | None) -> Step:
    if name is None:
        failed = [task.name for task in run.tasks if task.state is TaskState.FAILED]
        name = failed[0] if failed else None
    found = next((step for step in pipeline.steps if step.name == name), None)
    if found is None:
        reason = "no step of it failed" if name is None else f"it has no step {name!r}"
        names = ", ".join(step.name for step in pipeline.steps)
        raise InvalidInput(
            f"Cannot restore a state of run {run.number}: {reason}. Name one of its steps: {names}."
        )
    return found


class _Restoring:
    def __init__(self, client: EngineClient, run: Run, pipeline: Pipeline, step: Step) -> None:
        self._run, self._pipeline, self._step = run, pipeline, step
        self._blobs = Blobs(str(client.home.blobs))
        self._tasks = {task.name: task for task in run.tasks}
        notebook = pipeline.notebook
        self._folder = os.path.dirname(notebook) if notebook else str(Path.home())

    def into(self, namespace: dict[str, Any]) -> Restored:
        with self._explained():
            inputs = self._inputs()
            self._look(given.group(inputs))  # before anything has changed here
        parameters = self._parameters()
        before = frozenset(namespace)
        with self._surroundings(), self._explained():
            taken = given.take(
                inputs, parameters, namespace, self._blobs, lambda: self._replay(namespace)
            )
        loaded = taken.loaded
        return Restored(
            run=self._run,
            step=self._step,
            folder=os.getcwd(),
            values=tuple(
                self._describe(item["name"], item["bundle"], item["step"])
                for item in inputs
                if item["name"] in loaded
            ),
            parameters=parameters,
            unbound=tuple(
                item["name"]
                for item in inputs
                if item["name"] not in loaded and not item["name"].startswith("@")
            ),
            replaced=tuple(name for name in (*loaded, *parameters) if name in before),
        )

    def _inputs(self) -> list[dict[str, Any]]:
        inputs: list[dict[str, Any]] = []
        if (carried := self._step.carried) is not None:
            of_kernel = {"step": "this kernel", "bundle": carried.bundle, "optional": False}
            inputs += [{"name": name, **of_kernel} for name in carried.names]
        for needed in self._step.inputs:
            task = self._tasks.get(needed.step)
            if task is None or task.state is not TaskState.SUCCEEDED:
                state = "is not part of the run" if task is None else f"is {task.state.lower()}"
                raise NotFound(
                    f"Cannot restore what step {self._step.name!r} of run {self._run.number} was "
                    f"given: it needs {needed.name!r} of step {needed.step!r}, which {state}. "
                    "Retry the run, or restore an earlier step."
                )
            inputs.append(
                {
                    "name": needed.name,
                    "step": needed.step,
                    "bundle": task.bundle,
                    "optional": needed.optional,
                }
            )
        return inputs

    def _look(self, by_bundle: Mapping[str, list[tuple[str, bool]]]) -> None:
        """Make sure that every bundle is there, and was saved by a Python like this one."""
        for digest, wanted in by_bundle.items():
            manifest = self._blobs.get_manifest(digest)
            for name, is_optional in wanted:
                entry = manifest["names"].get(name)
                if entry is not None and entry["codec"] == "pickle":
                    check_python(manifest["python"], name)
                elif entry is None and not is_optional and not name.startswith("@"):
                    raise MissingInput(not_bound(name))

    def _parameters(self) -> dict[str, Any]:
        defaults = {parameter.name: parameter.default for parameter in self._pipeline.parameters}
        values = {**defaults, **self._run.parameters}
        return {name: values.get(name) for name in self._step.parameters}

    def _describe(self, name: str, bundle: str, step: str) -> RestoredValue:
        entry = self._blobs.get_manifest(bundle)["names"][name]
        return RestoredValue(name, entry["type"], step, entry["preview"])

    @contextlib.contextmanager
    def _surroundings(self) -> Iterator[None]:
        """Work in the notebook's folder, with the step's variables; not where that fails."""
        cwd, path, environment = os.getcwd(), list(sys.path), dict(os.environ)
        try:
            os.chdir(self._folder)
            if not {"", self._folder} & set(sys.path):
                sys.path.insert(0, self._folder)
            os.environ.update(self._step.settings.env)
            yield
        except BaseException as error:
            os.chdir(cwd)
            sys.path[:] = path
            os.environ.clear()
            os.environ.update(environment)
            if isinstance(error, FileNotFoundError) and error.filename == self._folder:
                raise NotFound(
                    f"Cannot restore step {self._step.name!r} of run {self._run.number}: its "
                    f"notebook's folder {self._folder!r} is gone."
                ) from error
            raise

    def _replay(self, namespace: dict[str, Any]) -> None:
        """Run the imports of earlier cells; what they show was shown where they stand."""
        shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            for statement in self._step.prelude:
                if shell is not None and statement.startswith("from __future__"):
                    shell.compile(statement, "<prelude>", "exec")  # holds for later cells, too
                try:
                    exec(compile(statement, "<prelude>", "exec"), namespace)  # noqa: S102
                except Exception as error:
                    raise MissingInput(
                        f"{statement.splitlines()[0]!r}, which an earlier cell runs, failed here: "
                        f"{type(error).__name__}: {error}. Use the notebook's own kernel."
                    ) from error

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        what = f"Cannot restore what step {self._step.name!r} of run {self._run.number} was given"
        try:
            yield
        except BlobError as error:
            raise NotFound(f"{what}: {error} Run the notebook again to make it anew.") from error
        except (MissingInput, ImportError, AttributeError) as error:
            raise Unsupported(f"{what}: {error}") from error
