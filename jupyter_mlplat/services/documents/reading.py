"""A file of documents as what is to be done with it: kept, or begun. Pure."""

import base64
import binascii
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from jupyter_mlplat.errors import PlatformError
from jupyter_mlplat.formats.katib import API_VERSION as KATIB_VERSION
from jupyter_mlplat.formats.katib import EXPERIMENT, OPTIMIZATION_JOB
from jupyter_mlplat.formats.katib.experiments import read_experiment
from jupyter_mlplat.formats.katib.optimization import read_optimization_job
from jupyter_mlplat.formats.kubernetes.objects import (
    Fault,
    Object,
    kind_of,
    mapping,
    naming,
    place_of,
    read_objects,
    refusal,
)
from jupyter_mlplat.formats.kubernetes.wanted import Wanted
from jupyter_mlplat.formats.trainer import API_VERSION as TRAINER_VERSION
from jupyter_mlplat.formats.trainer import RUNTIMES, TRAIN_JOB
from jupyter_mlplat.formats.trainer.jobs import read_train_job
from jupyter_mlplat.formats.trainer.runtimes import read_runtime
from jupyter_mlplat.resources.images import SecretKind
from jupyter_mlplat.resources.training import TrainRuntime

JOBS = (TRAIN_JOB, EXPERIMENT, OPTIMIZATION_JOB)
KEPT: Mapping[str, SecretKind] = {"ConfigMap": "config", "Secret": "secret"}
KNOWN = f"{TRAIN_JOB}, {OPTIMIZATION_JOB} and {', '.join(RUNTIMES)} of {TRAINER_VERSION}, " \
    f"{EXPERIMENT} of {KATIB_VERSION}, {' and '.join(KEPT)} of v1"  # fmt: skip


@dataclass(frozen=True, slots=True)
class Kept:
    """A secret or a config map."""

    kind: SecretKind
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Entry:
    """One document, and what it comes to."""

    document: Object
    means: Wanted | TrainRuntime | Kept


@dataclass(slots=True)
class Known:
    """What documents may name: what is there, and what came before them in their file.

    Attributes:
        runtimes: By name.
        find_kept: (name, kind) → values of a secret or config map; None where there is none.
    """

    runtimes: dict[str, TrainRuntime]
    find_kept: Callable[[str, SecretKind], Mapping[str, str] | None]
    brought: dict[tuple[str, SecretKind], Mapping[str, str]] = field(default_factory=dict)

    def kept(self, name: str, kind: SecretKind) -> Mapping[str, str] | None:
        """Return the values of a secret or config map."""
        return self.brought.get((name, kind)) or self.find_kept(name, kind)

    def config_map(self, name: str, key: str) -> str | None:
        """Return one text of a config map."""
        return (self.kept(name, "config") or {}).get(key)


def read_file(text: str, known: Known) -> list[Entry]:
    """Read all documents of a file; what a job names may stand anywhere in it.

    Raises:
        InvalidInput: One of them is not understood, with the place of its fault: then none counts.
    """
    objects = read_objects(text)
    entries: dict[int, Entry] = {}
    for at in sorted(range(len(objects)), key=lambda at: objects[at].kind in JOBS):
        entries[at] = _entry(objects[at], known)
    return [entries[at] for at in range(len(objects))]


def _entry(document: Object, known: Known) -> Entry:
    kind = document.kind
    if kind in KEPT and document.api_version == "v1":
        kept = _kept(document)
        known.brought[document.name, kept.kind] = kept.values
        return Entry(document, kept)
    if kind in RUNTIMES:
        runtime = read_runtime(document)
        known.runtimes[runtime.name] = runtime
        return Entry(document, runtime)
    if kind == TRAIN_JOB:
        return Entry(document, read_train_job(document, known.runtimes.get))
    if kind == EXPERIMENT:
        return Entry(document, read_experiment(document, known.config_map, known.runtimes.get))
    if kind == OPTIMIZATION_JOB:
        return Entry(document, read_optimization_job(document, known.runtimes.get))
    with naming(document.what):
        raise Fault("kind", f"{kind!r} is nothing that is taken here. What is: {KNOWN}")


def _kept(document: Object) -> Kept:
    kind = KEPT[document.kind]
    values: dict[str, str] = {}
    with naming(document.what):
        if not document.name:
            raise Fault("metadata.name", "is missing")
        for name, said in mapping(document.raw.get("data"), "data").items():
            place = f"data{place_of((name,))}"
            if not isinstance(said, str):
                raise Fault(place, f"needed a text, found {kind_of(said)}. Write it in quotes")
            values[name] = said if kind == "config" else _decoded(said, place)
        for name, said in mapping(document.raw.get("stringData"), "stringData").items():
            if not isinstance(said, str):
                raise Fault(
                    f"stringData{place_of((name,))}", f"needed a text, found {kind_of(said)}"
                )
            values[name] = said
        for name in values:
            if not name or "/" in name or name in (".", ".."):
                raise Fault("data", f"{name!r} is no key: keys name files, so no slashes")
    return Kept(kind, values)


def _decoded(text: str, place: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise Fault(place, "is no text in base64. Write it into stringData as it is") from error


@contextmanager
def faults_of(entry: Entry) -> Iterator[None]:
    """Tell of what cannot be run as a fault of the document that asks for it.

    Raises:
        InvalidInput: There was one; with the path of a setting that the algorithm does not take.
    """
    try:
        yield
    except PlatformError as error:
        document = entry.document
        path = _path_of_setting(document, error.details.get("setting")) or "spec"
        raise refusal(document.what, path, error.message) from error


def _path_of_setting(document: Object, name: object) -> str | None:
    for part in ("algorithm", "earlyStopping"):
        said = document.spec.get(part)
        settings = said.get("algorithmSettings") if isinstance(said, dict) else None
        for at, setting in enumerate(settings if isinstance(settings, list) else ()):
            if isinstance(setting, dict) and name is not None and setting.get("name") == name:
                return f"spec.{part}.algorithmSettings[{at}]"
    return None


def in_order(entries: Sequence[Entry]) -> list[Entry]:
    """Put what others may name before what may name it."""
    return sorted(entries, key=lambda entry: isinstance(entry.means, Wanted))
