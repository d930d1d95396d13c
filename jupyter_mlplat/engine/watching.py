"""What schedules wait for other than time: artifacts, models, files, other pipelines."""

import hashlib
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jupyter_mlplat.errors import NotFound
from jupyter_mlplat.ports.metadata import MetadataStore
from jupyter_mlplat.resources.engine import Event
from jupyter_mlplat.resources.run import RunState
from jupyter_mlplat.resources.schedule import (
    ArtifactTrigger,
    ModelTrigger,
    PipelineTrigger,
    Schedule,
)

_PIECE_BYTES = 2**20
_FILES_LIMIT = 100_000


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that a schedule waited for."""

    key: str
    facts: Mapping[str, Any]


def happenings_of(
    store: MetadataStore, schedule: Schedule, state: Mapping[str, Any], event: Event
) -> tuple[list[Happening], dict[str, Any]]:
    """Say what of this event a schedule waited for, and what to remember of it."""
    trigger = schedule.trigger
    if isinstance(trigger, ModelTrigger):
        if event.kind == "model.updated" and event.subject == trigger.model:
            return _of_model(store, trigger, state, event.seq)
        return [], {}
    is_success = event.data.get("state") == RunState.SUCCEEDED
    if event.kind != "run.updated" or not is_success:
        return [], {}
    tags = event.data.get("tags")
    if isinstance(tags, dict) and tags.get("schedule") == schedule.name:
        return [], {}  # its own runs would make it go round for ever
    if isinstance(trigger, PipelineTrigger) and event.data.get("pipeline") == trigger.pipeline:
        facts = {"run": event.subject, "number": event.data.get("number")}
        return [Happening(f"run {event.subject}", facts)], {}
    if isinstance(trigger, ArtifactTrigger):
        return _of_artifacts(store, trigger, state, event.subject)
    return [], {}


def _of_model(
    store: MetadataStore, trigger: ModelTrigger, state: Mapping[str, Any], seq: int
) -> tuple[list[Happening], dict[str, Any]]:
    try:
        model = store.get_model(trigger.model)
    except NotFound:  # deleted meanwhile
        return [], {}
    known = int(state.get("version") or 0)
    facts = {"model": trigger.model, "alias": trigger.alias or ""}
    if trigger.alias:
        version = model.aliases.get(trigger.alias) or 0
        if version in (0, known):
            return [], {"version": version}
        return [Happening(f"alias {seq}", {**facts, "version": version})], {"version": version}
    new = sorted(one.version for one in model.versions if one.version > known)
    found = [Happening(f"version {version}", {**facts, "version": version}) for version in new]
    return found, {"version": max([known, *new])}


def _of_artifacts(
    store: MetadataStore, trigger: ArtifactTrigger, state: Mapping[str, Any], run: str
) -> tuple[list[Happening], dict[str, Any]]:
    try:
        made = store.artifacts_of_run(run, trigger.type)
    except NotFound:  # deleted meanwhile
        return [], {}
    named = [artifact for artifact in made if artifact.name == trigger.artifact]
    if not named or named[-1].digest == state.get("digest"):
        return [], {}
    newest = named[-1]
    facts = {"artifact": newest.name, "id": newest.id, "digest": newest.digest or "", "run": run}
    return [Happening(f"artifact {newest.id} {run}", facts)], {"digest": newest.digest}


class FileWatch:
    """Looks at a file or a folder; content counts once it has come to rest."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._signature: object = None
        self._digested: object = None

    def first_state(self) -> dict[str, Any]:
        """Remember what is there now."""
        return {"digest": _digest(_files(self._path)), "changes": 0}

    def look(self, state: Mapping[str, Any]) -> tuple[Happening | None, dict[str, Any]]:
        """Say whether it has changed, and what to remember."""
        files = _files(self._path)
        signature = tuple((path, facts) for path, facts in files.items())
        is_at_rest = signature == self._signature
        self._signature = signature
        if not is_at_rest or signature == self._digested or not files:
            return None, {}
        digest = _digest(files)
        self._digested = signature
        if digest is None or digest == state.get("digest"):
            return None, {}
        number = int(state.get("changes", 0)) + 1
        facts = {"path": self._path, "digest": digest}
        return Happening(f"change {number}", facts), {"digest": digest, "changes": number}


def _files(path: str) -> dict[str, tuple[int, int, int]]:
    """Return the files there with what changes when they are written; links are not followed."""
    found: dict[str, tuple[int, int, int]] = {}
    try:
        top = os.stat(path)
    except OSError:
        return found
    if not stat.S_ISDIR(top.st_mode):
        return {path: (top.st_mtime_ns, top.st_size, top.st_ino)}
    for folder, _, names in os.walk(path):
        for name in sorted(names):
            place = os.path.join(folder, name)
            try:
                facts = os.stat(place, follow_symlinks=False)
            except OSError:
                continue
            if stat.S_ISREG(facts.st_mode):
                found[place] = (facts.st_mtime_ns, facts.st_size, facts.st_ino)
            if len(found) >= _FILES_LIMIT:
                return found
    return dict(sorted(found.items()))


def _digest(files: Mapping[str, object]) -> str | None:
    """Digest names and content; None where there is nothing, or it cannot be read."""
    if not files:
        return None
    digest = hashlib.sha256()
    for path in files:
        content = hashlib.sha256()
        try:
            with Path(path).open("rb") as file:
                while piece := file.read(_PIECE_BYTES):
                    content.update(piece)
        except OSError:
            return None
        digest.update(f"{path}\0{content.hexdigest()}\n".encode("utf-8", "surrogateescape"))
    return f"sha256:{digest.hexdigest()}"
