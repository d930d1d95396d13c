"""What lineage can start from, as people name it: models, runs, steps, cells, values, ids."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from jupyter_mlplat.errors import InvalidInput, NotFound
from jupyter_mlplat.ports.metadata import MetadataStore, RunFilter
from jupyter_mlplat.resources.lineage import Artifact, Execution, LineageSubject
from jupyter_mlplat.resources.run import Run, RunSummary
from jupyter_mlplat.services.registry.references import Reference, find_version

_IDENTIFIER = re.compile(r"[a-z]+-[0-9a-z]{10,40}")
_MODELS_PREFIX = "models:"
_LAST_RUNS = 5
"""Of a notebook: as many as one remembers. What an older one made is found by its run."""


@dataclass(frozen=True, slots=True)
class Subjects:
    """Finds what a subject stands for."""

    store: MetadataStore

    def id_of(self, root: str) -> str:
        """Return the id of the one node, or the run, that a text names."""
        if root.startswith(_MODELS_PREFIX):
            name, _, version = root.removeprefix(_MODELS_PREFIX).partition(":")
            return self._model(f"{name}/{version}" if version else name)[0]
        if _IDENTIFIER.fullmatch(root):
            return root
        raise InvalidInput(
            f"Cannot show the lineage of {root!r}: this is no id. Give the id of an artifact, an "
            "execution or a run, or 'models:NAME:VERSION'."
        )

    def resolve(self, subject: str, notebook: str | None = None) -> Sequence[str]:
        """Return the ids that a subject stands for.

        Args:
            subject: An id; `model:NAME`, `model:NAME/VERSION` or `model:NAME@ALIAS`; `run:` with a
                run's id, its number or `latest`; `value:NAME` for the newest of the name;
                `step:NAME` and `cell:ID` for what the last runs of the notebook made there.
            notebook: Absolute path, for steps and cells; a step without one is the newest.

        Raises:
            InvalidInput: It is none of these.
            NotFound: There is no such thing.
        """
        kind, colon, name = subject.partition(":")
        if not colon and _IDENTIFIER.fullmatch(subject):
            return [subject]
        finders: dict[str, Callable[[], Sequence[str]]] = {
            "model": lambda: self._model(name),
            "models": lambda: [self.id_of(subject)],
            "run": lambda: [self.store.get_run(name).id],
            "value": lambda: self._value(name),
            "step": lambda: self._step(name, notebook),
            "cell": lambda: self._cell(name, notebook),
        }
        if kind not in finders or not name:
            raise InvalidInput(
                f"Cannot show the lineage of {subject!r}: needed an id, or one of "
                f"{', '.join(f'{kind}:…' for kind in finders)}. Search for a name to find it."
            )
        return finders[kind]()

    def search(self, text: str, limit: int) -> Sequence[LineageSubject]:
        """Return models, then runs, then steps and values whose name holds a text."""
        if _IDENTIFIER.fullmatch(text):
            return self._by_id(text)
        versions = [version for model in self.store.list_models() for version in model.versions]
        versions.sort(key=lambda version: version.created_at, reverse=True)
        models = [
            LineageSubject(
                subject=f"model:{name}", kind="model", name=name, created_at=version.created_at
            )
            for version in versions
            if text.lower() in (name := f"{version.model}/{version.version}")
        ]
        runs = [_found_run(run) for run in self._runs(text, limit)]
        found = self.store.find_lineage(text, limit=limit)
        values = [_found_artifact(artifact) for artifact in found.artifacts]
        steps = [_found_step(execution) for execution in found.executions]
        return _fairly(limit, [models, runs, values, steps])

    def _runs(self, text: str, limit: int) -> Sequence[Run | RunSummary]:
        named = self.store.list_runs(RunFilter(text=text), limit=limit)
        try:
            numbered = [self.store.get_run(text.lstrip("#"))] if text else []
        except NotFound:
            numbered = []
        return [*numbered, *(run for run in named if run.id not in {n.id for n in numbered})]

    def _by_id(self, id_: str) -> Sequence[LineageSubject]:
        try:
            if id_.startswith("run-"):
                return [_found_run(self.store.get_run(id_))]
            if id_.startswith("exec-"):
                return [_found_step(self.store.get_execution(id_))]
            return [_found_artifact(self.store.get_artifact(id_))]
        except NotFound:
            return []

    def _model(self, name: str) -> Sequence[str]:
        return [find_version(self.store, Reference.parse(name)).artifact_id]

    def _value(self, name: str) -> Sequence[str]:
        for artifact in self.store.find_lineage(name, limit=100).artifacts:
            if artifact.name == name:
                return [artifact.id]
        raise NotFound(
            f"Cannot find a value named {name!r}: no step has saved one. Only values that a later "
            "step reads, and the last ones of a notebook, are saved."
        )

    def _step(self, name: str, notebook: str | None) -> Sequence[str]:
        if notebook is None:
            for execution in self.store.find_lineage(name, limit=100).executions:
                if execution.name == name:
                    return [execution.id]
            raise NotFound(f"Cannot find a step named {name!r}: none has run under this name.")
        return self._in_notebook(
            notebook, lambda execution: execution.name == name, f"step {name!r}"
        )

    def _cell(self, cell: str, notebook: str | None) -> Sequence[str]:
        if notebook is None:
            raise InvalidInput(f"Cannot show the lineage of cell {cell!r}: say of which notebook.")
        return self._in_notebook(
            notebook, lambda execution: cell in execution.code.cells, f"cell {cell!r}"
        )

    def _in_notebook(
        self, notebook: str, is_meant: Callable[[Execution], bool], what: str
    ) -> Sequence[str]:
        """Return what ran in the last runs: of those that made the same, one that truly ran."""
        runs = self.store.list_runs(RunFilter(notebook=notebook), limit=_LAST_RUNS)
        ran = self.store.executions_of_runs([run.id for run in runs])
        chosen: dict[int, Execution] = {}
        for execution, made in ran:
            known = chosen.get(made)
            if is_meant(execution) and (known is None or known.state == "CACHED"):
                chosen[made] = execution
        if not chosen:
            raise NotFound(
                f"Cannot show where {what} was used: it did not run in the last {_LAST_RUNS} runs "
                f"of {notebook!r}. Run the notebook as a pipeline first."
            )
        return [execution.id for execution in chosen.values()]


def _found_run(run: Run | RunSummary) -> LineageSubject:
    return LineageSubject(
        subject=f"run:{run.id}",
        kind="run",
        name=run.pipeline,
        run_number=run.number,
        created_at=run.created_at,
    )


def _found_artifact(artifact: Artifact) -> LineageSubject:
    return LineageSubject(
        subject=artifact.id,
        kind="artifact",
        name=artifact.name,
        type=artifact.type,
        codec=artifact.codec,
        created_at=artifact.created_at,
    )


def _found_step(execution: Execution) -> LineageSubject:
    return LineageSubject(
        subject=execution.id,
        kind="step",
        name=execution.name,
        created_at=execution.finished_at or execution.started_at,
    )


def _fairly(limit: int, groups: Sequence[Sequence[LineageSubject]]) -> Sequence[LineageSubject]:
    """Take the first of each group, then the second …, and give them back group by group."""
    turns = sorted(
        (place, number) for number, group in enumerate(groups) for place in range(len(group))
    )
    kept = sorted((number, place) for place, number in turns[:limit])
    return [groups[number][place] for number, place in kept]
