"""The compiler's front door: a notebook in, a pipeline out. Pure."""

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from jupyter_mlplat.compiler import problems as say
from jupyter_mlplat.compiler.facts import CellFacts
from jupyter_mlplat.compiler.folder import FolderView
from jupyter_mlplat.compiler.kale import KaleNotebook, is_kale, read_kale
from jupyter_mlplat.compiler.machine import Machine, is_definition
from jupyter_mlplat.compiler.normalise import Normalised, normalise
from jupyter_mlplat.compiler.observations import parse_observations, source_digest
from jupyter_mlplat.compiler.order import find_clashes, order_steps
from jupyter_mlplat.compiler.parameters import read_parameters
from jupyter_mlplat.compiler.plan import StepPlan, plan, widest
from jupyter_mlplat.compiler.reasons import build_edges
from jupyter_mlplat.compiler.recorder import Hints
from jupyter_mlplat.compiler.settings import read_settings, slug, step_name, step_settings
from jupyter_mlplat.compiler.steps import Code, Draft, merge, split_cells
from jupyter_mlplat.formats.notebook import Cell, check_format, list_cells, metadata_of
from jupyter_mlplat.kit.digests import digest_json
from jupyter_mlplat.resources.pipeline import (
    Channel,
    Input,
    Parameter,
    Pipeline,
    Problem,
    Step,
    StepCell,
    Unknown,
)

Split = Literal["auto", "cell"]


def compile_notebook(
    notebook: Mapping[str, Any],
    *,
    name: str,
    path: str | None = None,
    split: Split = "auto",
    folder: FolderView | None = None,
) -> Pipeline:
    """Compile a notebook to a pipeline.

    Args:
        notebook: nbformat 4 content (see `formats.notebook.read_notebook`).
        name: What the pipeline is called; made a valid name if it is none.
        path: Absolute path the notebook was read from.
        split: How untagged cells become steps.
        folder: The Python files next to the notebook.

    Returns:
        The pipeline; what stands in the way of running it is in `problems`.

    Raises:
        InvalidInput: The content is no notebook, or of a newer format.
    """
    check_format(notebook, name=name)
    return Compilation(notebook, name, path, split, folder or FolderView()).run()


@dataclass
class Compilation:
    """One notebook being compiled."""

    notebook: Mapping[str, Any]
    name: str
    path: str | None
    split: Split
    folder: FolderView
    problems: list[Problem] = field(default_factory=list)
    parameters: list[Parameter] = field(default_factory=list)
    parameters_cell: Cell | None = None
    kale: KaleNotebook | None = None
    sources: dict[int, str] = field(default_factory=dict)
    """Sources that differ from the notebook's: a parameters cell without its parameters."""

    def run(self) -> Pipeline:
        metadata = metadata_of(self.notebook)
        cells = list_cells(self.notebook)
        language = _language(metadata)
        if language != "python":
            return self._foreign(cells, metadata, language)
        codes = self._read_codes(cells)
        machine, facts = self._interpret(codes)
        self._report(codes, facts)
        drafts = self.kale.steps if self.kale else split_cells(codes, facts, cells, self.split)
        drafts = self._order([draft for draft in drafts if draft.cells])
        sequence = self._sequence(codes, drafts)
        if sequence != codes:
            self._refuse_clashes(drafts, facts)
            machine, facts = self._interpret(sequence)
        groups = [[facts[code.cell.index] for code in draft.cells] for draft in drafts]
        drafts, planned = self._plan(drafts, groups, machine)
        return self._build(drafts, planned, machine, facts, metadata)

    # -- reading -------------------------------------------------------------------------------

    def _read_codes(self, cells: Sequence[Cell]) -> list[Code]:
        codes: list[Code] = []
        number = 0
        for cell in cells:
            if cell.kind != "code" or not cell.source.strip():
                continue
            number += 1
            normal = normalise(cell.source)
            settings, trouble = read_settings(cell.metadata, normal.setting, cell.source)
            if trouble:
                self.problems.append(say.bad_settings(cell, trouble))
            if settings.skip or "skip" in cell.tags:
                continue
            if normal.is_empty:
                continue
            if "parameters" in cell.tags and self.parameters_cell is None and normal.tree:
                normal = self._take_parameters(cell, normal)
                if not normal.tree or not normal.tree.body:
                    continue
            codes.append(Code(cell, normal, settings, number))
        return self._read_kale(codes) if is_kale(codes) else codes

    def _read_kale(self, codes: list[Code]) -> list[Code]:
        """Give the cells of a notebook with Kale's tags the parts and the order Kale gives them."""
        kale = self.kale = read_kale(codes)
        for code in kale.parameters:
            if code.normal.tree is not None:
                self.parameters += read_parameters(code.cell.source, code.normal.tree)[0]
                self.parameters_cell = self.parameters_cell or code.cell
        steps = [code for draft in kale.steps for code in draft.cells]
        rest = [code for code in kale.shared if not self._is_replayed(code)]
        if kale.steps:
            kale.steps[0].cells[:0] = rest
        shared = [code for code in kale.shared if code not in rest]
        return sorted([*shared, *rest, *steps], key=lambda code: (code in steps, code.cell.index))

    def _is_replayed(self, code: Code) -> bool:
        """Tell whether a shared cell can go in front of every step: definitions without state."""
        tree = code.normal.tree
        return tree is not None and not code.normal.magics and all(map(is_definition, tree.body))

    def _take_parameters(self, cell: Cell, normal: Normalised) -> Normalised:
        """Take the literal assignments out of the parameters cell; return what is left."""
        tree = normal.tree or ast.Module([], [])
        self.parameters, rest = read_parameters(cell.source, tree)
        self.parameters_cell = cell
        left = ast.Module(rest, [])
        self.sources[cell.index] = ast.unparse(left)
        return Normalised(left, normal.magics, normal.setting, normal.body)

    # -- analysis ------------------------------------------------------------------------------

    def _interpret(self, codes: Sequence[Code]) -> tuple[Machine, dict[int, CellFacts]]:
        machine = Machine(self.folder.sources)
        observed = parse_observations(metadata_of(self.notebook))
        if self.parameters and self.parameters_cell is not None:
            text = "\n".join(f"{item.name} = {item.expression}" for item in self.parameters)
            machine.run_cell(self.parameters_cell.index, self.parameters_cell.id, normalise(text))
        facts: dict[int, CellFacts] = {}
        shared = set(map(id, self.kale.shared)) if self.kale else set()
        for code in codes:
            seen = observed.get(code.cell.id)
            if seen is not None and seen.source != source_digest(code.cell.source):
                seen = None
            hints = Hints(
                reads=code.settings.reads,
                writes=code.settings.writes,
                observed=seen,
                is_shared=id(code) in shared and self._is_replayed(code),
                may_fail="raises-exception" in code.cell.tags,
            )
            index = code.cell.index
            facts[index] = machine.run_cell(index, code.cell.id, code.normal, hints)
        return machine, facts

    def _order(self, drafts: list[Draft]) -> list[Draft]:
        known = {draft.name for draft in drafts}
        for draft in drafts:
            said = [name for code in draft.cells for name in code.settings.after]
            draft.after = tuple(dict.fromkeys([*draft.after, *map(step_name, said)]))
            for name in draft.after:
                if name not in known:
                    self.problems.append(say.unknown_step(draft, name, sorted(known)))
        ordered, circle = order_steps(drafts)
        if circle:
            self.problems.append(say.circle(circle))
        return ordered

    def _sequence(self, codes: Sequence[Code], drafts: Sequence[Draft]) -> list[Code]:
        """Return all cells as the steps run them; cells of no step keep their place."""
        stepped = {id(code) for draft in drafts for code in draft.cells}
        idle = [code for code in codes if id(code) not in stepped]
        if self.kale:
            return [*idle, *(code for draft in drafts for code in draft.cells)]
        found: list[Code] = []
        for draft in drafts:
            for code in draft.cells:
                while idle and idle[0].cell.index < code.cell.index:
                    found.append(idle.pop(0))
                found.append(code)
        return [*found, *idle]

    def _refuse_clashes(self, drafts: Sequence[Draft], facts: Mapping[int, CellFacts]) -> None:
        owner = {code.cell.index: draft.name for draft in drafts for code in draft.cells}
        sequence = [code.cell.index for draft in drafts for code in draft.cells]
        for clash in find_clashes(sequence, facts):
            self.problems.append(say.clash(clash, owner))

    def _plan(
        self, drafts: list[Draft], groups: list[list[CellFacts]], machine: Machine
    ) -> tuple[list[Draft], list[StepPlan]]:
        """Plan; fuse what must be one step, and plan again until nothing is left to fuse."""
        names = frozenset(item.name for item in self.parameters)
        while True:
            planned, fusions = plan(groups, machine.heap, names)
            if not fusions:
                return drafts, planned
            # From the last to the first, so that the numbers of those before stay true.
            for fusion in widest(fusions):
                first, last = fusion.first, fusion.last
                merged = drafts[first : last + 1]
                self.problems.append(say.fused(fusion, merged))
                drafts = [*drafts[:first], merge(merged), *drafts[last + 1 :]]
                cells = [fact for group in groups[first : last + 1] for fact in group]
                groups = [*groups[:first], cells, *groups[last + 1 :]]

    # -- reporting -----------------------------------------------------------------------------

    def _report(self, codes: Sequence[Code], facts: dict[int, CellFacts]) -> None:
        for code in codes:
            if code.normal.error is not None:
                self.problems.append(say.syntax_error(code.cell, *code.normal.error))
        later: dict[str, int] = {}
        for code in reversed(codes):
            fact = facts[code.cell.index]
            for missing, use in fact.undefined.items():
                if "raises-exception" in code.cell.tags:
                    continue
                defined = later.get(missing)
                self.problems.append(say.undefined(code.cell, missing, use, defined))
            for bound in fact.binds:
                later[bound] = code.cell.index

    # -- building ------------------------------------------------------------------------------

    def _build(
        self,
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
            self._step(draft, step, names, prelude, machine)
            for draft, step, prelude in zip(drafts, planned, preludes, strict=True)
        ]
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
        )
        cell = self.parameters_cell
        return Pipeline(
            name=slug(self.name, fallback="notebook"),
            digest=digest_json(
                [[s.to_wire() for s in steps], [p.to_wire() for p in self.parameters]]
            ),
            notebook=self.path,
            kernel=kernel if isinstance(kernel, str) and kernel else "python3",
            steps=tuple(self._with_metrics(steps)),
            edges=tuple(edges),
            parameters=tuple(self.parameters),
            parameters_cell=StepCell(id=cell.id, index=cell.index, source=cell.source)
            if cell is not None
            else None,
            problems=tuple(self.problems),
            unknown=tuple(unknown),
            preload=tuple(imports),
            notebook_metadata=_kept_metadata(metadata),
        )

    def _step(
        self,
        draft: Draft,
        step: StepPlan,
        names: list[str],
        prelude: tuple[str, ...],
        machine: Machine,
    ) -> Step:
        after = {names[number] for number in step.order}
        after |= {name for name in draft.after if name in names}
        metrics = dict.fromkeys(name for code in draft.cells for name in code.settings.metrics)
        effects = _effects(step)
        return Step(
            name=draft.name,
            title=draft.title,
            cells=tuple(
                StepCell(
                    id=code.cell.id,
                    index=code.cell.index,
                    source=self.sources.get(code.cell.index, code.cell.source),
                )
                for code in draft.cells
            ),
            prelude=prelude,
            parameters=tuple(sorted(step.parameters)),
            inputs=tuple(
                Input(name=name, step=names[held], optional=name in step.optional)
                for name, held in sorted(step.inputs.items())
            ),
            outputs=tuple(sorted(step.outputs)),
            modules=self._modules(step, machine),
            after=tuple(sorted(after | {names[held] for held in step.inputs.values()})),
            settings=step_settings([code.settings for code in draft.cells], not effects),
            origin=draft.origin,
            metrics=tuple(metrics),
            effects=effects,
        )

    def _with_metrics(self, steps: list[Step]) -> list[Step]:
        """Give each metric that Kale's metrics cell prints to the last step that makes it."""
        found = list(steps)
        for name in self.kale.metrics if self.kale else ():
            for number in range(len(found) - 1, -1, -1):
                if name in found[number].outputs:
                    metrics = (*found[number].metrics, name)
                    found[number] = found[number].model_copy(update={"metrics": metrics})
                    break
        return found

    def _modules(self, step: StepPlan, machine: Machine) -> tuple[str, ...]:
        """Return the files of all local modules read so far: whatever is loaded may need them."""
        paths = {self.folder.path_of(module) for module in machine.modules}
        return tuple(sorted(path for path in paths if path is not None))

    def _foreign(
        self, cells: Sequence[Cell], metadata: Mapping[str, Any], language: str
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
            name=slug(self.name, fallback="notebook"),
            digest=digest_json([step.to_wire()]),
            notebook=self.path,
            language=language,
            kernel=kernel_name,
            steps=(step,) if code else (),
            edges=(),
            problems=(say.other_language(language),),
            notebook_metadata=_kept_metadata(metadata),
        )


def _effects(step: StepPlan) -> tuple[str, ...]:
    """Return the channels a step touches that nothing ships, so that a cache cannot see them."""
    effects = []
    if any(fact.files for fact in step.cells):
        effects.append(Channel.FILES)
    if any(fact.is_opaque for fact in step.cells):
        effects.append(Channel.UNKNOWN)
    return tuple(effects)


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


def _language(metadata: Mapping[str, Any]) -> str:
    for section, key in (("kernelspec", "language"), ("language_info", "name")):
        part = metadata.get(section)
        if isinstance(part, dict) and isinstance(part.get(key), str) and part[key]:
            found = str(part[key]).lower()
            return "python" if found in ("python", "ipython", "python3", "python2") else found
    return "python"


def _kept_metadata(metadata: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: metadata[key]
        for key in ("kernelspec", "language_info")
        if isinstance(metadata.get(key), dict)
    }
