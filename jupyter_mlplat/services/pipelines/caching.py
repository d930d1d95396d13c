"""Caching by content: what a step's result depends on, in labelled parts; why it was taken or not.

Equal parts, equal key. Inputs count by content, so a step that makes the same bytes again lets all
that follow be taken from the cache (early cut-off).
"""

import ast
import json
from collections.abc import Mapping, Sequence
from functools import lru_cache

from jupyter_mlplat.kit.digests import digest_json, digest_text
from jupyter_mlplat.ports.metadata import CacheEntry
from jupyter_mlplat.resources.base import JsonValue
from jupyter_mlplat.resources.pipeline import Channel, Pipeline, Step
from jupyter_mlplat.resources.run import CacheExplanation, Run
from jupyter_mlplat.resources.workflow import Component
from jupyter_mlplat.services.workflows.flow import Flow
from jupyter_mlplat.services.workflows.platform import CREATE_VOLUME, DELETE_VOLUME, mounts_of

_NAMED_CHANGES = 4  # as many as one reads at a glance; the rest is in `changed`
UNBOUND = "unbound"
_EFFECTS = {
    Channel.FILES.value: "reads or writes files",
    Channel.UNKNOWN.value: "has effects that are not known",
}


def reason_not_to_cache(run: Run, step: Step, flow: Flow) -> str | None:
    """Say why a step must run whatever the cache holds; None when it may be taken from it."""
    if not run.cache:
        return "this run was asked not to use the cache"
    if run.from_step is not None and flow.follows(step, run.from_step):
        return f"this run was asked to run all from {run.from_step!r} on anew"
    if not step.settings.cache:
        why = [*step.volatile, *(_EFFECTS[effect] for effect in step.effects)]
        return f"not cached: {'; '.join(why) or 'turned off for this step'}"
    return None if step.component is None else _reason_of_component(step.component)


_OF_A_RUN = (
    "{{$.pipeline_job_uuid",
    "{{$.pipeline_job_name",
    "{{$.pipeline_job_resource_name",
    "{{$.pipeline_job_create_time_utc",
    "{{$.pipeline_job_schedule_time_utc",
    "{{$.pipeline_task_uuid",
    "{{$.workspace_path",
    "{{$.pipeline_root",
)
"""Placeholders that come to something else in every run."""


def _reason_of_component(component: Component) -> str | None:
    """Say why a task of a KFP pipeline must run: it touches what no key can hold."""
    importer = component.executor.get("importer")
    if isinstance(importer, dict):
        return _reason_of_importer(component, importer)
    if any(mount.kind == "volume" for mount in mounts_of(component.platform)):
        return "not cached: it reads or writes a volume"
    container = component.executor.get("container")
    image = container.get("image") if isinstance(container, dict) else ""
    if image in (CREATE_VOLUME, DELETE_VOLUME):
        return "not cached: it makes or deletes a volume"
    return None


def _reason_of_importer(component: Component, importer: Mapping[str, JsonValue]) -> str | None:
    """Say why an import is done again: cheap ones always are, others where the author asks."""
    if importer.get("reimport"):
        return "not cached: it is to be imported anew each time"
    source = importer.get("artifactUri", importer.get("artifact_uri"))
    uri = json.dumps([source, component.inputs.parameters])
    if importer.get("downloadToWorkspace", importer.get("download_to_workspace")):
        return "not cached: it writes to the run's workspace"
    if "http://" not in uri and "https://" not in uri:
        return "not cached: what lies at a path may have changed"
    return None


def component_parts(
    component: Component,
    *,
    run: str,
    environment: str,
    packages: Mapping[str, str],
    secrets: Mapping[str, str],
) -> dict[str, str]:
    """Return all that the result of a task of a KFP pipeline depends on.

    A key that the pipeline's author has chosen stands for all of it but the task itself, as it does
    in Kubeflow Pipelines.

    Args:
        component: With its inputs.
        run: Counts where the command names the run.
        environment: Names the packages it finds, or the interpreter.
        packages: Versions of what it imports, where the environment's name does not say them.
        secrets: When the secrets it is given were written last, by name.
    """
    if component.cache_key:
        return {"task": component.label, "cache key": component.cache_key}
    container = component.executor.get("container")
    spec = container if isinstance(container, dict) else component.executor
    parts = {
        name: digest_json(value) for name, value in spec.items() if name not in ("resources", "env")
    }
    variables = spec.get("env")
    for variable in variables if isinstance(variables, list) else ():
        if isinstance(variable, dict):
            parts[f"variable {variable.get('name')}"] = digest_json(variable.get("value"))
    parts["component"] = digest_json(component.spec)
    parts["environment"] = environment
    parts.update((f"package {name}", version) for name, version in packages.items())
    parts.update(secrets)
    for name, value in component.inputs.parameters.items():
        parts[f"parameter {name}"] = digest_json(value)
    for name, artifacts in component.inputs.artifacts.items():
        parts[f"input {name}"] = digest_json(
            [[one.digest or one.uri, one.type, one.metadata, one.is_folder] for one in artifacts]
        )
    said = json.dumps(spec)
    if any(placeholder in said for placeholder in _OF_A_RUN):
        parts["run"] = run
    return parts


def takes_last(run: Run, step: Step, flow: Flow) -> bool:
    """Tell whether a step that is not in the cache is to be taken as it last succeeded."""
    return (
        run.reuse == "last"
        and run.cache
        and run.from_step is not None
        and not flow.follows(step, run.from_step)
    )


def code_parts(step: Step, pipeline: Pipeline) -> dict[str, str]:
    """Return the parts that follow from the notebook alone; equal parts, equal code."""
    parts = {
        f"cell {number}": code_digest(cell.source) for number, cell in enumerate(step.cells, 1)
    }
    parts["imports"] = digest_json(step.prelude)
    parts["input names"] = digest_json(
        sorted((given.name, given.optional) for given in step.inputs)
    )
    parts["kernel"] = step.settings.kernel or pipeline.language
    for name, value in step.settings.env.items():
        parts[f"variable {name}"] = digest_text(value)
    for what in ("program", "carried", "train", "tune"):
        if (said := getattr(step, what)) is not None:
            parts[what] = digest_json(said.to_wire())
    return parts


def key_parts(
    code: Mapping[str, str],
    *,
    parameters: Mapping[str, JsonValue],
    inputs: Mapping[str, str],
    python: str,
    packages: Mapping[str, str],
    modules: Mapping[str, str],
) -> dict[str, str]:
    """Return all a step's result depends on.

    Args:
        code: Of `code_parts`.
        parameters: The run parameters the step reads, with their values.
        inputs: Per name loaded, the digest of its content, or `UNBOUND`.
        python: Which interpreter.
        packages: Versions of the packages it imports.
        modules: Digests of the local modules it imports.
    """
    parts = dict(code)
    parts["python"] = python
    parts.update((f"parameter {name}", digest_json(value)) for name, value in parameters.items())
    parts.update((f"input {name}", digest) for name, digest in inputs.items())
    parts.update((f"package {name}", version) for name, version in packages.items())
    parts.update((f"module {name}", digest) for name, digest in modules.items())
    return parts


def cache_key(parts: Mapping[str, str]) -> str:
    """Return the key that equal parts share."""
    return digest_json(parts)


def not_covered(step: Step, entry: CacheEntry) -> list[str]:
    """Name what later steps need of a step, and what was not saved then."""
    saves = entry.result["saves"]
    return [name for name in step.outputs if name not in step.kept and name not in saves]


def explain_narrow(names: Sequence[str], entry: CacheEntry) -> CacheExplanation:
    """Say that equal code ran before, and yet did not save what is needed now."""
    shown = ", ".join(map(repr, names[:_NAMED_CHANGES]))
    return CacheExplanation(
        hit=False,
        reason=f"{shown} {'was' if len(names) == 1 else 'were'} not saved in run "
        f"{entry.run_number}, and later steps need {'it' if len(names) == 1 else 'them'} now",
        run_id=entry.run_id,
        run_number=entry.run_number,
        changed=("outputs",),
    )


def explain_hit(entry: CacheEntry) -> CacheExplanation:
    """Say whose result is taken."""
    return CacheExplanation(
        hit=True,
        reason=f"same code, same inputs as run {entry.run_number}",
        run_id=entry.run_id,
        run_number=entry.run_number,
    )


def explain_last(missed: CacheExplanation, entry: CacheEntry) -> CacheExplanation:
    """Say whose result is taken as it is, as was asked for, and what speaks against it."""
    return CacheExplanation(
        hit=True,
        reason=f"as run {entry.run_number} left it; {missed.reason}",
        run_id=entry.run_id,
        run_number=entry.run_number,
        changed=missed.changed,
        stale=True,
    )


def explain_miss(parts: Mapping[str, str], last: CacheEntry | None) -> CacheExplanation:
    """Say what differs from the last time the step succeeded."""
    if last is None:
        return CacheExplanation(hit=False, reason="never succeeded before")
    changes = changes_between(last.parts, parts)
    return CacheExplanation(
        hit=False,
        reason=f"{shortened(changes) or 'its saved values are gone'} since run {last.run_number}",
        run_id=last.run_id,
        run_number=last.run_number,
        changed=tuple(changes),
    )


def changes_between(old: Mapping[str, str], new: Mapping[str, str]) -> dict[str, str]:
    """Return the labels of the parts that differ, each with what happened to it, for people."""
    return {
        label: _describe(label, old.get(label), new.get(label))
        for label in sorted({*new, *old}, key=_label_order)
        if new.get(label) != old.get(label)
    }


def shortened(changes: Mapping[str, str]) -> str:
    """Name as many changes as one reads at a glance."""
    named = list(changes.values())[:_NAMED_CHANGES]
    more = len(changes) - len(named)
    return ", ".join(named) + (f" and {more} more" if more else "")


def without_inputs(parts: Mapping[str, str]) -> dict[str, str]:
    """Return the parts that are known before the steps a step needs have run."""
    return {label: part for label, part in parts.items() if not label.startswith("input ")}


_KINDS = ("cell", "parameter", "input", "module", "package", "python", "variable")


def _label_order(label: str) -> tuple[int, int, str]:
    """Sort what a user did before what the machine did, and cell 2 before cell 10."""
    kind, _, name = label.partition(" ")
    rank = _KINDS.index(kind) if kind in _KINDS else len(_KINDS)
    return rank, int(name) if name.isdecimal() else 0, name


def _describe(label: str, old: str | None, new: str | None) -> str:
    kind, _, name = label.partition(" ")
    shown = f"{kind} {name!r}" if kind in ("parameter", "input", "module", "variable") else label
    if old is None:
        return f"{shown} is new"
    if new is None:
        return f"{shown} is gone"
    if kind in ("package", "python"):
        return f"{shown} {old} became {new}"
    return f"{shown} changed"


@lru_cache(maxsize=4096)
def code_digest(source: str) -> str:
    """Digest what a cell does: comments, blank lines and layout do not count."""
    # Imported when first needed: an engine that only answers questions never compiles.
    from jupyter_mlplat.compiler.normalise import normalise

    cell = normalise(source)
    if cell.tree is None or cell.error is not None:
        return digest_text(source.strip())
    magics = [(magic.name, magic.line) for magic in cell.magics]
    return digest_json([ast.dump(cell.tree), magics, "" if not magics else cell.body])
