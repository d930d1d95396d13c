"""An Experiment as a request for a tuning job."""

import json
import re
from collections.abc import Mapping, Sequence

from jupyter_mlplat.formats.katib import API_VERSION, EXPERIMENT
from jupyter_mlplat.formats.katib.budget import RESUMABLE, failures_of, parallel_of
from jupyter_mlplat.formats.katib.spec import (
    AlgorithmSpec,
    CollectorSpec,
    ExperimentSpec,
    FileSystemPath,
    MetricsCollectorSpec,
    ObjectiveSpec,
    ParameterSpec,
    Source,
)
from jupyter_mlplat.formats.katib.template import ConfigMaps, read_template
from jupyter_mlplat.formats.kubernetes.objects import Fault, Object, naming, shape
from jupyter_mlplat.formats.kubernetes.wanted import Wanted, tags_of, unique
from jupyter_mlplat.formats.trainer.jobs import Runtimes
from jupyter_mlplat.resources.base import JsonValue
from jupyter_mlplat.resources.spaces import fault_of
from jupyter_mlplat.resources.training import Payload
from jupyter_mlplat.resources.tuning import (
    Algorithm,
    Collector,
    Objective,
    SpaceParameter,
    TuneRequest,
    TuneSpec,
)

ALGORITHMS = (
    "random",
    "grid",
    "tpe",
    "multivariate-tpe",
    "bayesianoptimization",
    "cmaes",
    "sobol",
    "hyperband",
    "pbt",
)
_NAS = ("enas", "darts")
_STOPPING = ("medianstop", "asha")
_FILE, _FOLDER = "/var/log/katib/metrics.log", "/var/log/katib/tfevent/"
_DISTRIBUTIONS = {
    "logUniform": "log-uniform",
    "normal": "normal",
    "logNormal": "log-normal",
}
_FIELDS = {"minimum": "min", "maximum": "max", "step": "step", "values": "list"}
_NAME = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
_TWO_GROUPS = re.compile(r".*\(.*\).*\(.*\).*", re.DOTALL)
TEXT = r"([\w|-]+)\s*=\s*([+-]?\d*(\.\d+)?([Ee][+-]?\d+)?)"
"""What Katib reads in a text unless told otherwise."""
MNIST = r"\{metricName: ([\w|-]+), metricValue: ([+-]?\d+(?:\.\d+)?)\}"
"""What the training scripts of Katib's examples write."""
_COLLECTOR = "spec.metricsCollectorSpec"


def read_experiment(document: Object, config_maps: ConfigMaps, runtimes: Runtimes) -> Wanted:
    """Read an Experiment.

    Args:
        document: The object.
        config_maps: Where the trials' template may lie.
        runtimes: What trials that are TrainJobs may name.

    Raises:
        InvalidInput: It is none; the message has the place of the fault.
    """
    with naming(document.what):
        if document.api_version != API_VERSION:
            raise Fault("apiVersion", f"needed {API_VERSION!r}, found {document.api_version!r}")
        if document.kind != EXPERIMENT:
            raise Fault("kind", f"needed {EXPERIMENT!r}, found {document.kind!r}")
        _check_name(document.name)
        spec = shape(ExperimentSpec, document.spec, "spec")
        if spec.nas_config is not None:
            raise Fault("spec.nasConfig", "neural architecture search is not run here")
        unreached = _check_counts(spec)
        space = space_of(spec.parameters or [])
        algorithm = _algorithm(spec, space)
        stopping = _stopping(spec.early_stopping)
        collector, notes = _collector(spec.metrics_collector_spec or MetricsCollectorSpec())
        collector, places = _in_the_trials_folder(collector)
        if isinstance(folder := algorithm.settings.get("suggestion_trial_dir"), str):
            places[folder] = "${trialSpec.Checkpoints}"
        template = read_template(
            spec.trial_template,
            [parameter.name for parameter in space],
            (document.name, document.namespace),
            config_maps,
            runtimes,
            places,
        )
        request = TuneRequest(
            payload=Payload(command=template.words, mounts=template.mounts),
            name=document.name,
            tags=tags_of(document),
            env=dict(template.environment.plain),
            document=dict(document.raw),
            tune=TuneSpec(
                objective=_objective(spec.objective),
                space=space,
                algorithm=algorithm,
                early_stopping=stopping,
                trials=spec.max_trial_count,
                parallel=parallel_of(spec.parallel_trial_count, spec.max_trial_count),
                failures=failures_of(spec.max_failed_trial_count),
                collector=collector,
                resume="from-table" if spec.resume_policy in RESUMABLE else "never",
                train=template.train,
                trial_retries=template.retries,
                trial_timeout_s=template.timeout_s,
            ),
        )
        return Wanted(
            request=request,
            image=template.image,
            stored=template.environment.stored,
            demand=template.demand,
            notes=unique((*template.notes, *template.environment.notes, *notes, *unreached)),
        )


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name) or len(name) > 40:
        raise Fault(
            "metadata.name",
            "is missing"
            if not name
            else f"{name!r} is no name of an Experiment: needed at most 40 small letters, digits "
            "and '-', a letter first and no '-' last",
        )


def _check_counts(spec: ExperimentSpec) -> list[str]:
    most, parallel, failed = (
        spec.max_trial_count,
        spec.parallel_trial_count,
        spec.max_failed_trial_count,
    )
    if most is None:
        return []
    if parallel is not None and parallel > most:
        raise Fault(
            "spec.parallelTrialCount", f"{parallel} is more than spec.maxTrialCount, {most}"
        )
    # Katib's webhook refuses this, but not its own example of PBT, which has it.
    if failed is not None and failed > most:
        return [f"maxFailedTrialCount, {failed}, is more than maxTrialCount, {most}: never reached"]
    return []


def space_of(parameters: Sequence[ParameterSpec]) -> tuple[SpaceParameter, ...]:
    """Read `spec.parameters`.

    Raises:
        Fault: There is none, or a space makes no sense.
    """
    if not parameters:
        raise Fault("spec.parameters", "is missing: needed at least one parameter")
    found: dict[str, SpaceParameter] = {}
    for at, one in enumerate(parameters):
        path = f"spec.parameters[{at}]"
        if one.name in found:
            raise Fault(f"{path}.name", f"{one.name!r} stands there twice")
        found[one.name] = _parameter(one, f"{path}.feasibleSpace")
    return tuple(found.values())


def _parameter(one: ParameterSpec, path: str) -> SpaceParameter:
    space, kind = one.feasible_space, one.parameter_type
    if kind in ("double", "int"):
        if space.values:
            raise Fault(f"{path}.list", f"parameters of type {kind} have min and max instead")
        for field in ("min", "max"):
            if not getattr(space, field):
                raise Fault(f"{path}.{field}", f"is missing: parameters of type {kind} need it")
        parameter = SpaceParameter.model_validate(
            {
                "name": one.name,
                "type": kind,
                "minimum": _number(space.min, f"{path}.min"),
                "maximum": _number(space.max, f"{path}.max"),
                "step": _number(space.step, f"{path}.step") if space.step else None,
                "distribution": _DISTRIBUTIONS.get(space.distribution, "uniform"),
            }
        )
    else:
        for field in ("min", "max", "step"):
            if getattr(space, field):
                raise Fault(f"{path}.{field}", f"parameters of type {kind} have a list instead")
        values: list[JsonValue] = list(space.values or ())
        if kind == "discrete":
            values = [
                _plain(text, f"{path}.list[{at}]") for at, text in enumerate(space.values or ())
            ]
        parameter = SpaceParameter(name=one.name, type=kind, values=tuple(values))
    if (fault := fault_of(parameter)) is not None:
        field, what = fault
        raise Fault(f"{path}.{_FIELDS[field]}", what)
    return parameter


def _number(text: str, path: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise Fault(path, f"{text!r} is no number") from error


def _plain(text: str, path: str) -> int | float:
    number = _number(text, path)
    return int(number) if re.fullmatch(r"[+-]?\d+", text.strip()) else number


def _algorithm(spec: ExperimentSpec, space: Sequence[SpaceParameter]) -> Algorithm:
    path, name = "spec.algorithm.algorithmName", spec.algorithm.algorithm_name
    if name in _NAS:
        raise Fault(path, f"{name!r} searches for neural architectures, which is not done here")
    if name not in ALGORITHMS:
        raise Fault(path, f"there is no algorithm {name!r}. There is: {', '.join(ALGORITHMS)}")
    if name == "grid":
        for at, one in enumerate(space):
            if one.type == "double" and one.step is None:
                raise Fault(
                    f"spec.parameters[{at}].feasibleSpace.step",
                    f"is missing: a grid needs a step for {one.name!r}, of type double",
                )
    return Algorithm(name=name, settings=settings_of(spec.algorithm, "spec.algorithm"))


def _stopping(given: AlgorithmSpec | None) -> Algorithm | None:
    if given is None:
        return None
    if given.algorithm_name not in _STOPPING:
        raise Fault(
            "spec.earlyStopping.algorithmName",
            f"there is no {given.algorithm_name!r}. There is: {', '.join(_STOPPING)}",
        )
    return Algorithm(name=given.algorithm_name, settings=settings_of(given, "spec.earlyStopping"))


def settings_of(given: AlgorithmSpec, path: str) -> dict[str, JsonValue]:
    """Read settings: texts, those of numbers and booleans as what they say."""
    found: dict[str, JsonValue] = {}
    for at, setting in enumerate(given.algorithm_settings or ()):
        place = f"{path}.algorithmSettings[{at}].name"
        if not setting.name:
            raise Fault(place, "is missing")
        if setting.name in found:
            raise Fault(place, f"{setting.name!r} stands there twice")
        found[setting.name] = _setting(setting.value)
    return found


def _setting(text: str) -> JsonValue:
    spelled: Mapping[str, JsonValue] = {"True": True, "False": False, "None": None}
    if text in spelled:
        return spelled[text]
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, bool | int | float) else text


def _objective(given: ObjectiveSpec) -> Objective:
    path, additional = "spec.objective", given.additional_metric_names or []
    if given.objective_metric_name in additional:
        raise Fault(f"{path}.additionalMetricNames", "must not have the objective's own name")
    best = "min" if given.type == "minimize" else "max"
    strategies = dict.fromkeys((given.objective_metric_name, *additional), best)
    for at, one in enumerate(given.metric_strategies or ()):
        if one.name not in strategies:
            raise Fault(
                f"{path}.metricStrategies[{at}].name",
                f"{one.name!r} is no metric of the objective. There is: {', '.join(strategies)}",
            )
        strategies[one.name] = one.value
    return Objective.model_validate(
        {
            "metric": given.objective_metric_name,
            "goal": given.goal,
            "direction": given.type,
            "additional": tuple(additional),
            "strategies": strategies,
        }
    )


def _collector(given: MetricsCollectorSpec) -> tuple[Collector, tuple[str, ...]]:
    """Read where metrics come from, with the defaults of upstream."""
    kind = (given.collector or CollectorSpec()).kind
    source = given.source or Source()
    patterns = _patterns(source)
    match kind:
        case "Push":
            return Collector(kind="push"), ()
        case "None":
            return Collector(kind="none"), ()
        case "StdOut":
            return Collector(kind="stdout", patterns=patterns), ()
        case "File":
            return _file(source, patterns), ()
        case "Custom":
            if given.collector is None or given.collector.custom_collector is None:
                raise Fault(f"{_COLLECTOR}.collector.customCollector", "is missing")
            # Its image would know what its trials write; these are the two forms that there are.
            patterns = patterns or (TEXT, MNIST)
            if source.file_system_path is None:
                return Collector(kind="stdout", patterns=patterns), (
                    "the custom collector's image is not run: what trials print is read instead",
                )
            return _file(source, patterns), (
                "the custom collector's image is not run: its file is read as text instead",
            )
        case "TensorFlowEvent":
            return _events(source.file_system_path or FileSystemPath()), ()
    raise Fault(
        f"{_COLLECTOR}.collector.kind",
        f"{kind!r} asks a trial's HTTP server again and again, which is not done here. Print the "
        "metrics (StdOut), write them (File), or tell them (Push)",
    )


def _in_the_trials_folder(collector: Collector) -> tuple[Collector, dict[str, str]]:
    """Let a trial write its metrics into a folder of its own: on a cluster each has its own disk.

    Returns:
        Where to read them, relative to the trial's folder; and what stands for the path.
    """
    path = (collector.path or "").rstrip("/")
    folder, _, name = path.rpartition("/")
    if not name:
        return collector, {}
    own = collector.model_copy(update={"path": name})
    if collector.kind == "file" and folder:
        return own, {folder: "${trialSpec.Folder}"}
    return own, {path: f"${{trialSpec.Folder}}/{name}"}


def _file(source: Source, patterns: tuple[str, ...]) -> Collector:
    place, given = (
        f"{_COLLECTOR}.source.fileSystemPath",
        source.file_system_path or FileSystemPath(),
    )
    if given.kind not in ("", "File"):
        raise Fault(f"{place}.kind", f"needed 'File', found {given.kind!r}")
    path = given.path or _FILE
    if not path.startswith("/"):
        raise Fault(f"{place}.path", f"{path!r} is not absolute")
    is_json = given.format == "JSON"
    if is_json and source.filter is not None:
        raise Fault(f"{_COLLECTOR}.source.filter", "must be left out where the format is JSON")
    return Collector(
        kind="file", path=path, format="json" if is_json else "text", patterns=patterns
    )


def _events(given: FileSystemPath) -> Collector:
    place = f"{_COLLECTOR}.source.fileSystemPath"
    if given.kind not in ("", "Directory"):
        raise Fault(f"{place}.kind", f"needed 'Directory', found {given.kind!r}")
    if given.format:
        raise Fault(f"{place}.format", "must be left out for TensorFlowEvent")
    path = given.path or _FOLDER
    if not path.startswith("/"):
        raise Fault(f"{place}.path", f"{path!r} is not absolute")
    return Collector(kind="tensorboard", path=path)


def _patterns(source: Source) -> tuple[str, ...]:
    path = f"{_COLLECTOR}.source.filter.metricsFormat"
    found = (source.filter and source.filter.metrics_format) or []
    for at, pattern in enumerate(found):
        try:
            re.compile(pattern)
        except re.error as error:
            raise Fault(
                f"{path}[{at}]", f"{pattern!r} is no regular expression: {error}"
            ) from error
        if not _TWO_GROUPS.fullmatch(pattern):
            raise Fault(f"{path}[{at}]", "two groups are needed: of the name and of the value")
    return tuple(found)
