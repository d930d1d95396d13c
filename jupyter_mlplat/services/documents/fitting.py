"""What a document asks for, fitted to this machine: image, secrets, resources. Pure."""

import re
from collections.abc import Mapping, Sequence

from jupyter_mlplat.errors import InvalidInput
from jupyter_mlplat.formats.katib.template import moved
from jupyter_mlplat.formats.kubernetes.pods import FromStore
from jupyter_mlplat.formats.kubernetes.wanted import Wanted, unique
from jupyter_mlplat.resources.images import ImageRule
from jupyter_mlplat.resources.pipeline import Resources
from jupyter_mlplat.resources.training import Initializer, TrainRequest
from jupyter_mlplat.resources.tuning import TuneRequest
from jupyter_mlplat.services.documents.reading import Known
from jupyter_mlplat.services.pipelines.admission import Inventory
from jupyter_mlplat.services.workflows.demands import fitted
from jupyter_mlplat.services.workflows.images import rule_for

_PYTHON = re.compile(r"(.*/)?python(3(\.\d+)?)?")
Job = TrainRequest | TuneRequest


def fit(wanted: Wanted, rules: Sequence[ImageRule], known: Known, inventory: Inventory) -> Job:
    """Return a job that can be begun here, or refuse it in words.

    Raises:
        InvalidInput: Nothing stands for its image, or a secret that it needs is not there.
    """
    request, notes = _stood_in_for(wanted, rules), list(wanted.notes)
    variables = _variables(wanted.stored, "job", known, request.name)
    update: dict[str, object] = {"env": {**request.env, **variables}}
    if isinstance(request, TrainRequest):
        update["train"] = request.train.model_copy(
            update={
                name: _with_variables(part, _variables(wanted.stored, name, known, request.name))
                for name in ("dataset", "model")
                if (part := getattr(request.train, name)) is not None
            }
        )
    demand = wanted.demand
    if isinstance(request, TuneRequest):
        demand = demand.times(request.tune.parallel)
    if demand.cpu is not None or demand.memory_bytes is not None or demand.gpu:
        # GPUs are not lowered: a job that asks for one and finds none is told so.
        asked = Resources(cpu=min(demand.cpu or 1.0, 1024), memory_bytes=demand.memory_bytes, gpu=0)
        fits, more = fitted(asked, inventory)
        notes += more
        update["cpu"] = fits.cpu if demand.cpu is not None else None
        update["memory"] = str(fits.memory_bytes) if fits.memory_bytes is not None else None
        update["gpu"] = demand.gpu or None
    update["notes"] = unique(notes)
    return request.model_copy(update=update)


def _stood_in_for(wanted: Wanted, rules: Sequence[ImageRule]) -> Job:
    """Return a job with what the image map says of its image."""
    request, image = wanted.request, wanted.image
    if image is None:
        return request
    rule, command = rule_for(image, rules), request.payload.command
    if rule is None:
        raise InvalidInput(
            f"Cannot run {request.name!r}: nothing stands for its image {image!r} on this machine. "
            f"Say what does: jupyter mlplat images map {image!r}",
            image=image,
        )
    if not rule.commands and not _has_its_code(command):
        raise InvalidInput(
            f"Cannot run {request.name!r}: {rule.pattern!r} stands for its image {image!r}, but "
            "only for Python code that comes with the document; its command may need files of the "
            f"image. If it does not: jupyter mlplat images map {image!r}",
            image=image,
        )
    words, env = list(command), dict(request.env)
    for place, here in rule.paths.items():
        words = [moved(word, place, here) for word in words]
        env = {name: moved(value, place, here) for name, value in env.items()}
    update = {
        "payload": request.payload.model_copy(
            update={"command": tuple(words), "cwd": rule.files or request.payload.cwd}
        ),
        "python": None if rule.python == "engine" else rule.python,
        "env": env,
    }
    return request.model_copy(update=update)


def _has_its_code(command: Sequence[str]) -> bool:
    words = list(command)
    while words and (words[0] == "env" or "=" in words[0]):
        words.pop(0)
    return len(words) > 2 and _PYTHON.fullmatch(words[0]) is not None and "-c" in words[1:3]


def _variables(stored: Sequence[FromStore], of: str, known: Known, job: str) -> dict[str, str]:
    """Return the variables that secrets and config maps give.

    Raises:
        InvalidInput: One that is needed is not there.
    """
    found: dict[str, str] = {}
    for source in stored:
        if source.of != of:
            continue
        values = known.kept(source.name, source.kind)
        pairs = source.variables or tuple((key, source.prefix + key) for key in values or ())
        for key, variable in pairs:
            if values is not None and key in values:
                found[variable] = values[key]
        missing = [key for key, _ in pairs if values is None or key not in values]
        if (values is None or missing) and not source.optional:
            raise InvalidInput(_why_missing(source, missing, job), name=source.name)
    return found


def _why_missing(source: FromStore, missing: Sequence[str], job: str) -> str:
    word = "secret" if source.kind == "secret" else "config map"
    option = "" if source.kind == "secret" else "--config "
    keys = " ".join(missing) or "KEY"
    return (
        f"Cannot run {job!r}: it needs {' and '.join(map(repr, missing)) or 'the keys'} of "
        f"{word} {source.name!r}, which is not there. Store it: jupyter mlplat secrets set "
        f"{option}{source.name} {keys}"
    )


def _with_variables(part: Initializer, variables: Mapping[str, str]) -> Initializer:
    return part.model_copy(update={"env": {**part.env, **variables}})
