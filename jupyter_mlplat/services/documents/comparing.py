"""What it would take to make an object that is there into what a document asks for. Pure."""

from collections.abc import Mapping
from enum import Enum

from jupyter_mlplat.formats.katib import EXPERIMENT
from jupyter_mlplat.formats.katib.budget import FIELDS, RESUMABLE, budget_of, with_budget
from jupyter_mlplat.kit.digests import digest_json
from jupyter_mlplat.resources.base import JsonValue
from jupyter_mlplat.resources.pipeline import Pipeline
from jupyter_mlplat.resources.run import Run, RunState
from jupyter_mlplat.resources.tuning import TuneSpec


class Change(Enum):
    """What has to be done."""

    NONE = "none"
    SUSPEND = "suspend"
    RESUME = "resume"
    BUDGET = "budget"
    REFUSED = "refused"


def change_of(run: Run, document: Mapping[str, JsonValue], tune: TuneSpec | None) -> Change:
    """Compare an object with what is asked for now.

    Only the spec counts. Of it `suspend` may change while the job is not over, and the budget of an
    Experiment that is over and may be resumed, as upstream has it. A run that was made otherwise
    than from a document is never taken for one.

    Args:
        run: The object.
        document: What is asked for.
        tune: Of a tuning job, as it is now.
    """
    if run.document is None:
        return Change.REFUSED
    was, now = _spec(run.document), _spec(document)
    if tune is not None and run.document.get("kind") == EXPERIMENT:
        was = with_budget(was, tune)
    wanted = bool(now.pop("suspend", False))
    was.pop("suspend", None)
    if was == now:
        is_paused = run.state is RunState.PAUSED
        if run.state.is_final or is_paused == wanted:
            return Change.NONE
        return Change.SUSPEND if wanted else Change.RESUME
    if tune is not None and _without_budget(was) == _without_budget(now):
        trials = budget_of(now)["trials"]
        is_over = run.state is RunState.SUCCEEDED and now.get("resumePolicy") in RESUMABLE
        if is_over and (trials is None or trials > (tune.trials or 0)):
            return Change.BUDGET
    return Change.REFUSED


def with_budget_of(pipeline: Pipeline, document: Mapping[str, JsonValue]) -> Pipeline:
    """Return a tuning job's pipeline with the budget that a document asks for."""
    budget = budget_of(_spec(document))
    steps = tuple(
        step
        if step.tune is None
        else step.model_copy(update={"tune": step.tune.model_copy(update=budget)})
        for step in pipeline.steps
    )
    digest = digest_json([pipeline.digest, budget])
    return pipeline.model_copy(update={"steps": steps, "digest": digest})


def _spec(document: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    spec = document.get("spec")
    return dict(spec) if isinstance(spec, dict) else {}


def _without_budget(spec: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    return {name: value for name, value in spec.items() if name not in FIELDS}
