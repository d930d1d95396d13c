"""What a caller asks to be run, as a submission of ours."""

from collections.abc import Callable

from pydantic import ValidationError

from jupyter_mlplat.errors import Conflict, InvalidInput
from jupyter_mlplat.ports.metadata import MetadataStore
from jupyter_mlplat.resources.base import JsonValue
from jupyter_mlplat.resources.catalogue import DEFAULT_EXPERIMENT, PipelineVersion
from jupyter_mlplat.resources.kfp.recurring_runs import RecurringRun
from jupyter_mlplat.resources.kfp.runs import Run
from jupyter_mlplat.resources.run import SubmitRequest
from jupyter_mlplat.resources.workflow import KfpFacts

FindVersion = Callable[[str, str | None], PipelineVersion]


def submission_of(
    asked: Run | RecurringRun, store: MetadataStore, find_version: FindVersion
) -> SubmitRequest:
    """Return what is to be submitted for a run, or each time for a recurring one.

    Args:
        asked: What the caller has sent.
        store: Where experiments are.
        find_version: Returns a stored version, given its pipeline and its id; None: the newest.

    Raises:
        InvalidInput: It has no name, not exactly one pipeline, or something too long.
        NotFound: Its experiment, pipeline or version is not there.
        Conflict: Its experiment is archived.
    """
    title = asked.display_name.strip()
    if not title:
        raise InvalidInput("Cannot run this: it has no display_name. Give it one.")
    spec, facts = asked.pipeline_spec, _facts(asked)
    if (spec is None) == (facts.pipeline_id is None):
        raise InvalidInput(
            f"Cannot run {title!r}: needed either a pipeline_spec or a pipeline_version_reference."
        )
    if facts.pipeline_id is not None:
        # Said now, not at some planned time; which version is meant stays as it was asked.
        find_version(facts.pipeline_id, facts.version_id)
    config = asked.runtime_config
    try:
        return SubmitRequest(
            notebook=None if spec is None else _as_ir(spec),
            parameters=(config.parameters if config else None) or {},
            experiment=_experiment(asked.experiment_id, store),
            title=title,
            note=asked.description or "",
            kfp=facts,
        )
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise InvalidInput(f"Cannot run {title[:80]!r}: {place}: {first['msg']}.") from error


def _facts(asked: Run | RecurringRun) -> KfpFacts:
    reference, config = asked.pipeline_version_reference, asked.runtime_config
    try:
        return KfpFacts(
            pipeline_id=(reference.pipeline_id if reference else None) or None,
            version_id=(reference.pipeline_version_id if reference else None) or None,
            pipeline_root=(config.pipeline_root if config else None) or "",
            service_account=asked.service_account or "",
            plugins_input=asked.plugins_input or {},
        )
    except ValidationError as error:
        raise InvalidInput(
            f"Cannot run {asked.display_name!r}: {error.errors()[0]['input']!r} is no id of a "
            "pipeline or of a version."
        ) from error


def _as_ir(spec: dict[str, JsonValue]) -> dict[str, JsonValue]:
    """Tell a pipeline alone from one with its platform document beside it."""
    return spec if "pipeline_spec" in spec else {"pipeline_spec": spec}


def _experiment(experiment_id: str | None, store: MetadataStore) -> str:
    if not experiment_id:
        return DEFAULT_EXPERIMENT
    found = store.get_experiment(experiment_id)
    if found.archived:
        raise Conflict(
            f"Cannot run anything in experiment {found.title!r}: it is archived. Unarchive it, or "
            "name another one."
        )
    return found.name
