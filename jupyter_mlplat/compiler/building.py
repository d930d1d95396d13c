"""The pipeline document, built from the plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from jupyter_mlplat.compiler import problems as say
from jupyter_mlplat.compiler.facts import CellFacts
from jupyter_mlplat.compiler.plan import StepPlan
from jupyter_mlplat.compiler.reasons import build_edges
from jupyter_mlplat.compiler.settings import jobs_of, slug, step_settings
from jupyter_mlplat.compiler.steps import Draft
from jupyter_mlplat.formats.notebook import Cell
from jupyter_mlplat.kit.digests import digest_json
from jupyter_mlplat.resources.pipeline import Channel, Input, Pipeline, Step, StepCell, Unknown

if TYPE_CHECKING:
    from jupyter_mlplat.compiler.compile import Compilation
    from jupyter_mlplat.compiler.machine import Machine


def build(
    compilation: Compilation,
    drafts: list[Draft],
    planned: list[StepPlan],
    machine: Machine,
    facts: dict[int, CellFacts],
    metadata: Mapping[str, Any],
) -> Pipeline:
    names = [draft.name for draft in drafts]
    edges = build_edges(planned, names, [draft.after for draft in drafts])
    preludes = _preludes(planned, facts)
    steps = [
        step_of(compilation, draft, step, names, prelude, machine)
        for draft, step, prelude in zip(drafts, planned, preludes, strict=True)
    ]
    steps = _without_false_certainty(steps)
    unknown = [
        Unknown(cell=fact.id, line=line, what=what, consequence=consequence)
        for fact in facts.values()
        for line, what, consequence in fact.unknown
    ]
    kernel = metadata.get("kernelspec")
    kernel = kernel.get("name") if isinstance(kernel, dict) else None
    imports = sorted(
        module
        for module in {name for fact in facts.values() for name in fact.imports}
        if module.partition(".")[0] not in machine.sources
        and not f"{module}.".startswith(_LOOK_FOR_A_SHELL)
    )
    if any(step.tune is not None and _logs_estimators(step, imports) for step in steps):
        imports.append("skops.io")  # a second or two for each trial
    cell = compilation.parameters_cell
    return Pipeline(
        name=slug(compilation.name, fallback="notebook"),
        digest=digest_json(
            [[s.to_wire() for s in steps], [p.to_wire() for p in compilation.parameters]]
        ),
        notebook=compilation.path,
        kernel=kernel if isinstance(kernel, str) and kernel else "python3",
        steps=tuple(with_metrics(compilation, steps)),
        edges=tuple(edges),
        parameters=tuple(compilation.parameters),
        parameters_cell=StepCell(id=cell.id, index=cell.index, source=cell.source)
        if cell is not None
        else None,
        problems=tuple(compilation.problems),
        unknown=tuple(unknown),
        preload=tuple(imports),
        notebook_metadata=_kept_metadata(metadata),
    )


def _logs_estimators(step: Step, imports: Sequence[str]) -> bool:
    has_sklearn = any(module.partition(".")[0] == "sklearn" for module in imports)
    return has_sklearn and any("log_model" in cell.source for cell in step.cells)


_LOOK_FOR_A_SHELL = (
    "tqdm.auto.",
    "tqdm.autonotebook.",
    "tqdm.notebook.",
    "plotly.",
    "bokeh.",
    "altair.",
    "holoviews.",
)
"""Modules that look, when imported, whether they are in a notebook: a worker is not yet."""


def step_of(
    compilation: Compilation,
    draft: Draft,
    step: StepPlan,
    names: list[str],
    prelude: tuple[str, ...],
    machine: Machine,
) -> Step:
    after = {names[number] for number in step.order}
    after |= {name for name in draft.after if name in names}
    metrics = dict.fromkeys(name for code in draft.cells for name in code.settings.metrics)
    effects, volatile = _effects(step), _volatile(step)
    bound, deleted = _left(step, machine)
    train, tune = jobs_of([code.settings for code in draft.cells])
    if tune is not None:
        metrics |= dict.fromkeys((tune.objective.metric, *tune.objective.additional))
    return Step(
        name=draft.name,
        title=draft.title,
        cells=tuple(
            StepCell(
                id=code.cell.id,
                index=code.cell.index,
                source=compilation.sources.get(code.cell.index, code.cell.source),
            )
            for code in draft.cells
        ),
        prelude=prelude,
        parameters=tuple(sorted(step.parameters)),
        inputs=tuple(
            Input(name=name, step=names[held], optional=name in step.optional)
            for name, held in sorted(step.inputs.items())
        ),
        outputs=tuple(sorted(step.outputs | step.kept)),
        kept=tuple(sorted(step.kept - step.outputs)),
        binds=tuple(sorted(bound)),
        deletes=tuple(sorted(deleted)),
        modules=modules(compilation, step, machine),
        after=tuple(sorted(after | {names[held] for held in step.inputs.values()})),
        settings=step_settings([code.settings for code in draft.cells], not (effects or volatile)),
        origin=draft.origin,
        metrics=tuple(metrics),
        effects=effects,
        volatile=volatile,
        train=train,
        tune=tune,
    )


def with_metrics(compilation: Compilation, steps: list[Step]) -> list[Step]:
    """Give each metric that Kale's metrics cell prints to the last step that makes it."""
    found = list(steps)
    for name in compilation.kale.metrics if compilation.kale else ():
        for number in range(len(found) - 1, -1, -1):
            if name in found[number].outputs:
                metrics = (*found[number].metrics, name)
                found[number] = found[number].model_copy(update={"metrics": metrics})
                break
    return found


def modules(compilation: Compilation, step: StepPlan, machine: Machine) -> tuple[str, ...]:
    """Return the files of all local modules read so far: whatever is loaded may need them."""
    paths = {compilation.folder.path_of(module) for module in machine.modules}
    return tuple(sorted(path for path in paths if path is not None))


def build_foreign(
    compilation: Compilation, cells: Sequence[Cell], metadata: Mapping[str, Any], language: str
) -> Pipeline:
    """A notebook of another language is one step: its values cannot be passed on."""
    kernel = metadata.get("kernelspec")
    kernel_name = str(kernel.get("name", language)) if isinstance(kernel, dict) else language
    code = [cell for cell in cells if cell.kind == "code" and cell.source.strip()]
    step = Step(
        name="notebook",
        title="Notebook",
        cells=tuple(StepCell(id=c.id, index=c.index, source=c.source) for c in code),
        settings=step_settings([]).model_copy(update={"kernel": kernel_name}),
    )
    return Pipeline(
        name=slug(compilation.name, fallback="notebook"),
        digest=digest_json([step.to_wire()]),
        notebook=compilation.path,
        language=language,
        kernel=kernel_name,
        steps=(step,) if code else (),
        edges=(),
        problems=(say.other_language(language),),
        notebook_metadata=_kept_metadata(metadata),
    )


def _without_false_certainty(steps: Sequence[Step]) -> list[Step]:
    """Let a name that only one step binds be unbound where that step did not get as far.

    An error that a context manager swallows is not foreseen. The name is unbound in the notebook,
    too, then.
    """
    first: dict[str, str] = {}  # name → the first step that binds it
    for step in steps:
        for name in step.binds:
            first.setdefault(name, step.name)

    def relaxed(given: Input) -> Input:
        is_sole = first.get(given.name, given.step) == given.step
        return given.model_copy(update={"optional": given.optional or is_sole})

    return [step.model_copy(update={"inputs": tuple(map(relaxed, step.inputs))}) for step in steps]


def _left(step: StepPlan, machine: Machine) -> tuple[set[str], set[str]]:
    """Return the names that the step's cells leave bound, perhaps, and those they delete."""
    env, gone = step.cells[-1].env, {machine.heap.unbound}
    touched = {name for fact in step.cells for name in fact.binds if not name.startswith("@")}
    bound = {name for name in touched if env.get(name, gone) - gone}
    return bound, touched - bound


def _effects(step: StepPlan) -> tuple[str, ...]:
    """Return the channels a step touches that nothing ships, so that a cache cannot see them."""
    effects = []
    if any(fact.files for fact in step.cells):
        effects.append(Channel.FILES)
    if any(fact.is_opaque for fact in step.cells):
        effects.append(Channel.UNKNOWN)
    return tuple(effects)


def _volatile(step: StepPlan) -> tuple[str, ...]:
    """Say why a step may come out otherwise the next time, and by which cells."""
    cells: dict[str, list[str]] = {}
    for fact in step.cells:
        for why in fact.volatile:
            cells.setdefault(why, []).append(str(fact.index + 1))
    return tuple(
        f"{why} ({'cell' if len(found) == 1 else 'cells'} {', '.join(found)})"
        for why, found in cells.items()
    )


def _preludes(planned: Sequence[StepPlan], facts: Mapping[int, CellFacts]) -> list[tuple[str, ...]]:
    """Return for each step what it replays: imports and settings of the cells before it.

    Args:
        planned: The steps.
        facts: All cells in the order they run in.
    """
    found = []
    for step in planned:
        own = {cell.index for cell in step.cells}
        codes: list[str] = []
        pending: list[str] = []
        for index, fact in facts.items():
            if index in own:
                codes += pending
                pending = []
            else:
                pending += [replay.code for replay in fact.replays]
        found.append(tuple(dict.fromkeys(codes)))
    return found


def _kept_metadata(metadata: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: metadata[key]
        for key in ("kernelspec", "language_info")
        if isinstance(metadata.get(key), dict)
    }
