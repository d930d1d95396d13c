"""An OptimizationJob as a request for a tuning job whose trials are train jobs.

Trials find their parameters in variables, `KUBEFLOW_TRAINER_OPT_<NAME>`, and tell their metrics
themselves, as upstream has it; what they print is not read.
"""

import re

from jupyter_mlplat.formats.katib import OPTIMIZATION_JOB
from jupyter_mlplat.formats.katib.spec import (
    OptimizationJobSpec,
    OptimizationParameter,
    RangeSpace,
    SearchAlgorithm,
)
from jupyter_mlplat.formats.katib.template import with_variables
from jupyter_mlplat.formats.kubernetes.objects import Fault, Object, naming, shape
from jupyter_mlplat.formats.kubernetes.wanted import Wanted, tags_of
from jupyter_mlplat.formats.trainer.jobs import Runtimes, training_of
from jupyter_mlplat.formats.trainer.runtimes import check_version
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

PREFIX = "KUBEFLOW_TRAINER_OPT_"


def read_optimization_job(document: Object, runtimes: Runtimes) -> Wanted:
    """Read an OptimizationJob.

    Raises:
        InvalidInput: It is none; the message has the place of the fault.
    """
    with naming(document.what):
        check_version(document)
        if document.kind != OPTIMIZATION_JOB:
            raise Fault("kind", f"needed {OPTIMIZATION_JOB!r}, found {document.kind!r}")
        if not document.name:
            raise Fault("metadata.name", "is missing")
        spec = shape(OptimizationJobSpec, document.spec, "spec")
        if spec.parallel_trials > spec.num_trials:
            raise Fault("spec.parallelTrials", f"{spec.parallel_trials} exceeds numTrials")
        for field in ("name", "namespace"):
            if (spec.train_job_template.metadata or {}).get(field):
                raise Fault(
                    f"spec.trainJobTemplate.metadata.{field}", "cannot be set in a template"
                )
        space = _space(spec)
        algorithm = _algorithm(spec.search_algorithm, spec)
        path = "spec.trainJobTemplate.spec"
        training = training_of(spec.train_job_template.spec, path, runtimes)
        [objective] = spec.objectives
        variables = {
            variable_of(parameter.name): f"${{trialParameters.{parameter.name}}}"
            for parameter in space
        }
        request = TuneRequest(
            payload=Payload(command=with_variables(variables, training.words)),
            name=document.name,
            tags=tags_of(document),
            env=dict(training.environment.plain),
            document=dict(document.raw),
            tune=TuneSpec(
                objective=Objective(
                    metric=objective.metric,
                    direction="minimize" if objective.direction == "Minimize" else "maximize",
                    strategies={objective.metric: "latest"},
                ),
                space=space,
                algorithm=algorithm,
                trials=spec.num_trials,
                parallel=spec.parallel_trials,
                collector=Collector(kind="push"),
                train=training.train,
                seed=_seed(spec.search_algorithm),
            ),
        )
        return Wanted(
            request=request,
            image=training.image,
            stored=training.environment.stored,
            demand=training.demand,
            notes=training.notes,
        )


def _seed(algorithm: SearchAlgorithm | None) -> int | None:
    return algorithm.random.seed if algorithm and algorithm.random else None


def variable_of(parameter: str) -> str:
    """Name the variable that a trial finds a parameter in."""
    return PREFIX + re.sub(r"\W", "_", parameter).upper()


def _space(spec: OptimizationJobSpec) -> tuple[SpaceParameter, ...]:
    found: dict[str, SpaceParameter] = {}
    variables: set[str] = set()
    for at, one in enumerate(spec.parameters):
        path = f"spec.parameters[{at}]"
        if one.name in found or variable_of(one.name) in variables:
            raise Fault(f"{path}.name", f"{one.name!r} stands there twice, as a variable's name")
        variables.add(variable_of(one.name))
        found[one.name] = _parameter(one, f"{path}.searchSpace")
    return tuple(found.values())


def _parameter(one: OptimizationParameter, path: str) -> SpaceParameter:
    space = one.search_space
    ranges = {"uniform": space.uniform, "logUniform": space.log_uniform}
    given = [name for name, bounds in ranges.items() if bounds is not None]
    if len(given) + (space.categorical is not None) != 1:
        raise Fault(path, "needed exactly one of uniform, logUniform and categorical")
    below = f"{path}.{given[0] if given else 'categorical'}"
    choices = tuple(space.categorical.choices) if space.categorical else ()
    parameter = SpaceParameter(name=one.name, type="categorical", values=choices)
    if space.uniform is not None:
        parameter = _range(one.name, space.uniform, "uniform")
    elif space.log_uniform is not None:
        parameter = _range(one.name, space.log_uniform, "log-uniform")
    if parameter.minimum is not None and parameter.minimum == parameter.maximum:
        raise Fault(f"{below}.min", "has to be less than max")
    if (fault := fault_of(parameter)) is not None:
        field, what = fault
        names = {"minimum": "min", "maximum": "max", "values": "choices"}
        raise Fault(f"{below}.{names.get(field, field)}", what)
    return parameter


def _range(name: str, given: RangeSpace, distribution: str) -> SpaceParameter:
    return SpaceParameter.model_validate(
        {
            "name": name,
            "type": "int" if given.type == "Int" else "double",
            "minimum": float(given.min),
            "maximum": float(given.max),
            "distribution": distribution,
        }
    )


def _algorithm(given: SearchAlgorithm | None, spec: OptimizationJobSpec) -> Algorithm:
    if given is None:
        return Algorithm(name="random")
    if (given.random is None) == (given.grid is None):
        raise Fault("spec.searchAlgorithm", "needed exactly one of random and grid")
    if given.grid is None:
        return Algorithm(name="random")
    for at, one in enumerate(spec.parameters):
        if one.search_space.categorical is None:
            raise Fault(
                f"spec.parameters[{at}].searchSpace", "a grid needs parameters with choices only"
            )
    return Algorithm(name="grid")
