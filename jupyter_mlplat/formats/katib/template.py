"""A trial's template: which object each trial would be, and the command it comes to here.

`${trialParameters.x}` stands for a parameter's value, or for a fact of the trial's object. What is
the same in all trials is filled in at once. What is a trial's own stays for the trial's process to
fill in: the parameters, by their names in the space, `${trialSpec.Number}`, and its folders,
`${trialSpec.Folder}` and `${trialSpec.Checkpoints}`.
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from jupyter_mlplat.errors import InvalidInput
from jupyter_mlplat.formats.katib import gjson
from jupyter_mlplat.formats.katib.spec import TrialParameter, TrialTemplate
from jupyter_mlplat.formats.kfp.reading import read_documents
from jupyter_mlplat.formats.kubernetes.objects import (
    Fault,
    mapping,
    place_of,
    refuse_unknown,
    shape,
)
from jupyter_mlplat.formats.kubernetes.pods import Demand, Environment, pod_of
from jupyter_mlplat.formats.kubernetes.wanted import unique
from jupyter_mlplat.formats.trainer import API_VERSION as TRAINER_VERSION
from jupyter_mlplat.formats.trainer import TRAIN_JOB
from jupyter_mlplat.formats.trainer.jobs import Runtimes, training_of
from jupyter_mlplat.formats.trainer.runtimes import JOB_FIELDS
from jupyter_mlplat.formats.trainer.spec import TrainJobSpec
from jupyter_mlplat.resources.base import JsonValue
from jupyter_mlplat.resources.training import Mount, TrainSpec

PATH = "spec.trialTemplate"
JOB_VERSION = "batch/v1"
JOB = "Job"

ConfigMaps = Callable[[str, str], str | None]
"""(name, key) → the text; None where there is none."""

_PLACEHOLDER = re.compile(r"\$\{trialParameters\.(.+?)\}")
_META = re.compile(r"\$\{trialSpec\.(.+?)\}")
_INDEXED = re.compile(r"(Annotations|Labels)\[(.+)\]")
_META_KEYS = ("Name", "Namespace", "Kind", "APIVersion", "Annotations", "Labels")
_OPERATOR_KINDS = frozenset(
    {"TFJob", "PyTorchJob", "XGBoostJob", "MPIJob", "MXJob", "PaddleJob", "JAXJob"}
)
_FIRST_ASKED = ("success", "failure")
_DEFAULTS = {
    "success": 'status.conditions.#(type=="Complete")#|#(status=="True")#',
    "failure": 'status.conditions.#(type=="Failed")#|#(status=="True")#',
}


@dataclass(frozen=True, slots=True)
class Template:
    """What each trial runs.

    Attributes:
        words: Its command line, with placeholders for what is a trial's own.
        environment: Variables that are the same in all trials.
        image: What has to be stood in for; None where the runtime stands for it.
        cwd: Working directory in the image, if it is told.
        train: Set where each trial is a train job.
        demand: What one trial asks of the machine.
        object: The template as it was given, for the documents of trials.
        notes: What is not honoured here.
        retries: How often a trial that fails is run again.
        timeout_s: How long a trial may take.
        mounts: Folders that it sees at paths of its own.
    """

    words: tuple[str, ...]
    environment: Environment
    image: str | None
    cwd: str | None
    train: TrainSpec | None
    demand: Demand
    object: Mapping[str, JsonValue]
    notes: tuple[str, ...]
    retries: int = 0
    timeout_s: float | None = None
    mounts: tuple[Mount, ...] = ()


def read_template(
    template: TrialTemplate,
    parameters: Collection[str],
    job: tuple[str, str],
    config_maps: ConfigMaps,
    runtimes: Runtimes,
    places: Mapping[str, str],
) -> Template:
    """Read what each trial runs.

    Args:
        template: As it was given.
        parameters: Names of the space.
        job: Name and namespace of the experiment.
        config_maps: Where a template may lie.
        runtimes: What a TrainJob may name.
        places: Paths of the container that are each trial's own, and what stands for them here.

    Raises:
        Fault: Something is wrong with it, with its place.
    """
    if not template.primary_container_name:
        raise Fault(f"{PATH}.primaryContainerName", "is missing")
    if not template.trial_parameters:
        raise Fault(f"{PATH}.trialParameters", "is missing")
    raw, path = _source(template, config_maps)
    _refuse_faulty_metadata(raw, path)
    kind, version = str(raw["kind"]), str(raw["apiVersion"])
    if (version, kind) not in ((JOB_VERSION, JOB), (TRAINER_VERSION, TRAIN_JOB)):
        raise Fault(path, _why_not(version, kind))
    values = _values(template.trial_parameters, parameters, raw, job)
    _refuse_unused(template.trial_parameters, parameters, raw, path)
    _check_conditions(template, kind)
    if kind == JOB:
        read = _job(raw, path, template.primary_container_name)
    else:
        read = _train_job(raw, path, runtimes)
    return _filled(read, values, places, path)


def _source(
    template: TrialTemplate, config_maps: ConfigMaps
) -> tuple[Mapping[str, JsonValue], str]:
    spec, source = template.trial_spec, template.config_map
    if spec is not None and source is not None:
        raise Fault(PATH, "only one of trialSpec and configMap can be given")
    if spec is not None:
        return spec, f"{PATH}.trialSpec"
    if source is None:
        raise Fault(PATH, "trialSpec or configMap is needed")
    path = f"{PATH}.configMap"
    text = config_maps(source.config_map_name, source.template_path)
    if text is None:
        raise Fault(
            path,
            f"there is no config map {source.config_map_name!r} with {source.template_path!r}. "
            "Apply it, or store it: jupyter mlplat secrets set --config "
            f"{source.config_map_name} {source.template_path}=@FILE",
        )
    try:
        documents = read_documents(text)
    except InvalidInput as error:
        raise Fault(path, error.message.replace("this pipeline", "the template")) from error
    if len(documents) != 1:
        raise Fault(path, f"needed one object, found {len(documents)}")
    return mapping(documents[0], path), path


def _refuse_faulty_metadata(raw: Mapping[str, JsonValue], path: str) -> None:
    for field in ("apiVersion", "kind"):
        if not isinstance(raw.get(field), str) or not raw[field]:
            raise Fault(f"{path}.{field}", "is missing")
    metadata = mapping(raw.get("metadata"), f"{path}.metadata")
    for field in ("name", "namespace"):
        if metadata.get(field):
            raise Fault(f"{path}.metadata.{field}", "must be left out: each trial has its own")


def _values(
    given: Sequence[TrialParameter],
    parameters: Collection[str],
    raw: Mapping[str, JsonValue],
    job: tuple[str, str],
) -> dict[str, str]:
    """Return what each trial parameter stands for: a constant, or a placeholder of ours."""
    found: dict[str, str] = {}
    references: set[str] = set()
    for at, one in enumerate(given):
        place = f"{PATH}.trialParameters[{at}]"
        for field in ("name", "reference"):
            if not getattr(one, field):
                raise Fault(f"{place}.{field}", "is missing")
        if "{" in one.name or "}" in one.name:
            raise Fault(f"{place}.name", "must have no braces")
        if one.name in found:
            raise Fault(f"{place}.name", f"{one.name!r} stands there twice")
        if one.reference in references:
            raise Fault(f"{place}.reference", f"{one.reference!r} stands there twice")
        references.add(one.reference)
        if _META.search(one.reference):
            found[one.name] = _fact(one.reference, raw, job, f"{place}.reference")
        elif one.reference in parameters:
            found[one.name] = f"${{trialParameters.{one.reference}}}"
        else:
            has = ", ".join(sorted(parameters)) or "none"
            raise Fault(
                f"{place}.reference",
                f"there is no parameter {one.reference!r} in spec.parameters. There is: {has}",
            )
    return found


def _fact(reference: str, raw: Mapping[str, JsonValue], job: tuple[str, str], path: str) -> str:
    match = _META.fullmatch(reference)
    key = match[1] if match else ""
    indexed = _INDEXED.fullmatch(key)
    if indexed is not None:
        metadata = mapping(raw.get("metadata"), f"{PATH}.trialSpec.metadata")
        values = mapping(metadata.get(indexed[1].lower()), path)
        value = values.get(indexed[2])
        if not isinstance(value, str):
            raise Fault(path, f"the template has no {indexed[1][:-1].lower()} {indexed[2]!r}")
        return value
    match key:
        case "Name":
            return f"{job[0]}-${{trialSpec.Number}}"
        case "Namespace":
            return job[1] or "default"
        case "Kind":
            return str(raw.get("kind"))
        case "APIVersion":
            return str(raw.get("apiVersion"))
    raise Fault(path, f"{reference!r} is no fact of a trial. There is: {', '.join(_META_KEYS)}")


def _refuse_unused(
    given: Sequence[TrialParameter],
    parameters: Collection[str],
    raw: Mapping[str, JsonValue],
    path: str,
) -> None:
    """Refuse placeholders without a parameter, and parameters without a placeholder."""
    used = {name: place for place, text in _texts(raw, path) for name in _PLACEHOLDER.findall(text)}
    known = {one.name for one in given}
    for name, place in used.items():
        if name not in known:
            raise Fault(place, f"there is no {name!r} in {PATH}.trialParameters")
    for at, one in enumerate(given):
        if one.name not in used:
            raise Fault(
                f"{PATH}.trialParameters[{at}].name",
                f"the template does not use ${{trialParameters.{one.name}}}",
            )
    referred = {one.reference for one in given}
    for name in parameters:
        if name not in referred:
            raise Fault(
                f"{PATH}.trialParameters",
                f"none refers to parameter {name!r} of spec.parameters: no trial would see it",
            )


def _texts(value: JsonValue | Mapping[str, JsonValue], path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, list):
        for at, item in enumerate(value):
            yield from _texts(item, f"{path}[{at}]")
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield from _texts(item, path + place_of((name,)))


def _check_conditions(template: TrialTemplate, kind: str) -> None:
    """Refuse conditions that are not understood, or do not tell good ends from bad ones."""
    ends = {state: _ended(state) for state in ("running", "success", "failure")}
    for wanted in ("failure", "success"):
        path = f"{PATH}.{wanted}Condition"
        text = getattr(template, f"{wanted}_condition") or _DEFAULTS[wanted]
        try:
            condition = gjson.parse(text)
        except gjson.NotUnderstood as error:
            raise Fault(path, str(error)) from error
        holds = [state for state, document in ends.items() if condition.holds(document)]
        if wanted not in holds:
            raise Fault(
                path,
                f"{text!r} does not hold of a {kind} that ended in {wanted}: such trials would "
                "never be over",
            )
        # As Katib does: what has failed has not succeeded, whatever the other condition says.
        others = [state for state in holds if state != wanted and (wanted, state) != _FIRST_ASKED]
        if others:
            raise Fault(path, f"{text!r} holds of a {kind} in state {others[0]}, too")


def _ended(state: str) -> JsonValue:
    """Return the status of an object as far as Jobs and TrainJobs have it alike."""
    if state == "running":
        return {"status": {"active": 1, "ready": 1, "conditions": []}}
    end, word = ("Complete", "succeeded") if state == "success" else ("Failed", "failed")
    conditions: list[JsonValue] = [{"type": end, "status": "True"}]
    return {"status": {"conditions": conditions, word: 1}}


def _job(raw: Mapping[str, JsonValue], path: str, primary: str) -> Template:
    spec = mapping(raw.get("spec"), f"{path}.spec")
    refuse_unknown(spec, JOB_FIELDS, f"{path}.spec")
    pods = mapping(spec.get("template"), f"{path}.spec.template")
    pod = pod_of(pods.get("spec"), f"{path}.spec.template.spec")
    container = pod.container(primary)
    words = container.words
    if not container.command:
        raise Fault(
            pod.path,
            f"container {primary!r} has no command: what its image starts by itself is not known "
            "here. Say what to run",
        )
    if not container.image:
        raise Fault(pod.path, f"container {primary!r} has no image")
    return Template(
        words=words,
        environment=container.environment,
        image=container.image,
        cwd=container.cwd,
        train=None,
        demand=container.demand,
        object=raw,
        notes=unique((*container.notes, *_notes_on_job(spec))),
        retries=_count(spec, "backoffLimit", path, least=0) or 0,
        timeout_s=_count(spec, "activeDeadlineSeconds", path, least=1),
        mounts=container.mounts,
    )


def _count(spec: Mapping[str, JsonValue], field: str, path: str, least: int) -> int | None:
    value = spec.get(field)
    if value is None or (type(value) is int and value >= least):
        return value
    raise Fault(f"{path}.spec.{field}", f"needed a whole number of at least {least}")


def _notes_on_job(spec: Mapping[str, JsonValue]) -> Iterator[str]:
    for field in ("completions", "parallelism"):
        if isinstance(count := spec.get(field), int) and count > 1:
            yield f"ignored: {field} of {count}; a trial is one process here"


def _train_job(raw: Mapping[str, JsonValue], path: str, runtimes: Runtimes) -> Template:
    spec = shape(TrainJobSpec, raw.get("spec"), f"{path}.spec")
    training = training_of(spec, f"{path}.spec", runtimes)
    return Template(
        words=training.words,
        environment=training.environment,
        image=training.image,
        cwd=None,
        train=training.train,
        demand=training.demand,
        object=raw,
        notes=unique(training.notes),
        timeout_s=spec.active_deadline_seconds,
        mounts=training.mounts,
    )


def _why_not(version: str, kind: str) -> str:
    if kind in _OPERATOR_KINDS:
        return (
            f"trials of kind {kind} need the training operator of a cluster. Here trials are "
            f"{JOB} of {JOB_VERSION} or {TRAIN_JOB} of {TRAINER_VERSION}; a TrainJob can run the "
            "same command"
        )
    return (
        f"trials of kind {kind} ({version}) need their own controller. Here trials are "
        f"{JOB} of {JOB_VERSION} or {TRAIN_JOB} of {TRAINER_VERSION}"
    )


def _filled(
    read: Template, values: Mapping[str, str], places: Mapping[str, str], path: str
) -> Template:
    """Put values and placeholders of ours in the place of trial parameters and of paths."""

    def fill(text: str) -> str:
        for place, own in places.items():
            text = moved(text, place, own)
        return _PLACEHOLDER.sub(lambda match: values.get(match[1], match[0]), text)

    if read.image and _PLACEHOLDER.search(read.image):
        raise Fault(path, "an image cannot be a parameter here: only command, args and env can")
    plain = {name: fill(value) for name, value in read.environment.plain.items()}
    words = with_variables(
        {name: value for name, value in plain.items() if "${trial" in value},
        tuple(map(fill, read.words)),
    )
    environment = replace(
        read.environment,
        plain={name: value for name, value in plain.items() if "${trial" not in value},
    )
    return replace(read, words=words, environment=environment)


def moved(text: str, path: str, target: str) -> str:
    """Replace a path, and what lies below it, wherever a text names it."""
    whole = rf"(?<![\w./-]){re.escape(path.rstrip('/'))}(?=/|$|[^\w./-])"
    return re.sub(whole, lambda _: target, text)


def with_variables(variables: Mapping[str, str], words: Sequence[str]) -> tuple[str, ...]:
    """Return a command that sets variables of its own first: those that differ by trial."""
    if not variables:
        return tuple(words)
    return ("env", *(f"{name}={value}" for name, value in variables.items()), *words)
