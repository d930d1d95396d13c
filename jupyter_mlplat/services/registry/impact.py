"""What deleting a model or a version would break, and whether it is allowed. Pure."""

from collections.abc import Iterable

from jupyter_mlplat.errors import Conflict
from jupyter_mlplat.resources.lineage import RegisteredModel
from jupyter_mlplat.resources.registry import ModelImpact, ServedVersion
from jupyter_mlplat.resources.serving import Endpoint


def impact_of(
    model: RegisteredModel, version: int | None, endpoints: Iterable[Endpoint]
) -> ModelImpact:
    """Tell what would break if a model were deleted, or the one version that is given.

    A revision that gets traffic forbids it. An alias of a single version, and a revision that could
    only be rolled back to, need `force`: somebody may count on them.
    """
    going = [found for found in model.versions if version in (None, found.version)]
    numbers = tuple(found.version for found in going)
    served = tuple(_served(model.name, numbers, endpoints))
    aliases = {alias: at for alias, at in model.aliases.items() if at in numbers}
    busy = sorted({found.endpoint for found in served if found.percent > 0})
    return ModelImpact(
        model=model.name,
        version=version,
        versions=numbers,
        aliases=aliases,
        served=served,
        runs=tuple(dict.fromkeys(found.run_id for found in going if found.run_id)),
        refused=f"endpoints {busy!r} send it traffic" if busy else None,
        is_forced=bool(served or (aliases and version is not None)),
    )


def check_allowed(impact: ModelImpact, force: bool) -> None:
    """Let a deletion go ahead or not.

    Raises:
        Conflict: It must not be, or only by force.
    """
    if impact.refused is None and (force or not impact.is_forced):
        return
    what = f"model {impact.model!r}"
    if impact.version is not None:
        what = f"version {impact.version} of {what}"
    reasons = []
    if endpoints := sorted({found.endpoint for found in impact.served}):
        reasons.append(f"endpoints {endpoints!r} have it among their revisions and would break")
    if impact.aliases and impact.version is not None:
        reasons.append(f"aliases {sorted(impact.aliases)!r} point at it")
    way_out = (
        "Move their traffic to another version, or delete these endpoints first."
        if impact.refused
        else "Let go of them first, or delete it with 'force'."
    )
    raise Conflict(
        f"Cannot delete {what}: {', and '.join(reasons)}. {way_out}",
        model=impact.model,
        version=impact.version,
        endpoints=endpoints,
        aliases=sorted(impact.aliases),
    )


def _served(
    model: str, versions: Iterable[int], endpoints: Iterable[Endpoint]
) -> Iterable[ServedVersion]:
    for endpoint in endpoints:
        percents = {part.revision: part.percent for part in endpoint.traffic}
        for revision in endpoint.revisions:
            if revision.model == model and revision.version in versions:
                yield ServedVersion(
                    endpoint=endpoint.name,
                    revision=revision.number,
                    version=revision.version,
                    percent=percents.get(revision.number, 0),
                )
