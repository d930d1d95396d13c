"""The compiler's front door: a notebook in, a pipeline out. Pure."""

import ast
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from jupyter_mlplat.compiler import building
from jupyter_mlplat.compiler import problems as say
from jupyter_mlplat.compiler.facts import CellFacts
from jupyter_mlplat.compiler.folder import FolderView
from jupyter_mlplat.compiler.hints import Hints
from jupyter_mlplat.compiler.kale import KaleNotebook, is_kale, read_kale
from jupyter_mlplat.compiler.machine import Machine
from jupyter_mlplat.compiler.normalise import Normalised, normalise
from jupyter_mlplat.compiler.observations import Observation, parse_observations, source_digest
from jupyter_mlplat.compiler.order import find_clashes, order_steps
from jupyter_mlplat.compiler.parameters import read_parameters
from jupyter_mlplat.compiler.plan import StepPlan, plan, widest
from jupyter_mlplat.compiler.replaying import is_definition
from jupyter_mlplat.compiler.settings import read_settings, step_name
from jupyter_mlplat.compiler.steps import Code, Draft, merge, split_cells
from jupyter_mlplat.formats.notebook import Cell, check_format, list_cells, metadata_of
from jupyter_mlplat.resources.pipeline import (
    Finding,
    Parameter,
    Pipeline,
    Problem,
)

Split = Literal["auto", "cell"]

_IDENTIFIER = re.compile(r"[^\W\d]\w*")


def compile_notebook(
    notebook: Mapping[str, Any],
    *,
    name: str,
    path: str | None = None,
    split: Split = "auto",
    folder: FolderView | None = None,
    findings: Iterable[Finding] = (),
) -> Pipeline:
    """Compile a notebook to a pipeline.

    Args:
        notebook: nbformat 4 content (see `formats.notebook.read_notebook`).
        name: What the pipeline is called; made a valid name if it is none.
        path: Absolute path the notebook was read from.
        split: How untagged cells become steps.
        folder: The Python files next to the notebook.
        findings: What runs have shown of cells with these sources.

    Returns:
        The pipeline; what stands in the way of running it is in `problems`.

    Raises:
        InvalidInput: The content is no notebook, or of a newer format.
    """
    check_format(notebook, name=name)
    found = {finding.source: finding for finding in findings}
    return Compilation(notebook, name, path, split, folder or FolderView(), found).run()


@dataclass
class Compilation:
    """One notebook being compiled."""

    notebook: Mapping[str, Any]
    name: str
    path: str | None
    split: Split
    folder: FolderView
    findings: Mapping[str, Finding]
    problems: list[Problem] = field(default_factory=list)
    parameters: list[Parameter] = field(default_factory=list)
    parameters_cell: Cell | None = None
    kale: KaleNotebook | None = None
    observed: Mapping[str, Observation] = field(default_factory=dict)
    sources: dict[int, str] = field(default_factory=dict)
    """Sources that differ from the notebook's: a parameters cell without its parameters."""

    def run(self) -> Pipeline:
        metadata = metadata_of(self.notebook)
        cells = list_cells(self.notebook)
        language = _language(metadata)
        if language != "python":
            return building.build_foreign(self, cells, metadata, language)
        codes = self._read_codes(cells)
        run = sorted((code.cell for code in codes), key=lambda cell: cell.index)
        self.observed = parse_observations(metadata).holding((c.id, c.source) for c in run)
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
        return building.build(self, drafts, planned, machine, facts, metadata)

    # -- reading -------------------------------------------------------------------------------

    def _read_codes(self, cells: Sequence[Cell]) -> list[Code]:
        codes: list[Code] = []
        for cell in cells:
            if cell.kind != "code" or not cell.source.strip():
                continue
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
            if settings.tune is not None and normal.tree is not None:
                normal = _with_trial_values(normal, [item.name for item in settings.tune.space])
            codes.append(Code(cell, normal, settings))
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
        texts = [*self.folder.sources.values(), *(code.cell.source for code in codes)]
        machine.asks_subclasses = any("__subclasses__" in text for text in texts)
        if self.parameters and self.parameters_cell is not None:
            text = "\n".join(f"{item.name} = {item.expression}" for item in self.parameters)
            machine.run_cell(self.parameters_cell.index, self.parameters_cell.id, normalise(text))
        facts: dict[int, CellFacts] = {}
        shared = set(map(id, self.kale.shared)) if self.kale else set()
        for code in codes:
            found = self.findings.get(source_digest(code.cell.source))
            hints = Hints(
                reads=code.settings.reads,
                writes=code.settings.writes,
                observed=self.observed.get(code.cell.id),
                is_shared=id(code) in shared and self._is_replayed(code),
                may_fail="raises-exception" in code.cell.tags,
                found_changed=frozenset(found.changes) if found else frozenset(),
                found_read=frozenset(found.reads) if found else frozenset(),
                found_tied=frozenset(found.ties) if found else frozenset(),
                is_job=code.settings.is_job,
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
                jobs = [d for d in merged if any(code.settings.is_job for code in d.cells)]
                if jobs:
                    self.problems[-1] = say.fused_job(self.problems[-1], jobs[0])
                drafts = [*drafts[:first], merge(merged), *drafts[last + 1 :]]
                cells = [fact for group in groups[first : last + 1] for fact in group]
                groups = [*groups[:first], cells, *groups[last + 1 :]]

    # -- reporting -----------------------------------------------------------------------------

    def _report(self, codes: Sequence[Code], facts: dict[int, CellFacts]) -> None:
        unread: dict[str, int] = {}
        for code in codes:
            if code.normal.error is not None:
                self.problems.append(say.syntax_error(code.cell, *code.normal.error))
                for word in _IDENTIFIER.findall(code.cell.source):
                    unread.setdefault(word, code.cell.index)
        later: dict[str, int] = {}
        for code in reversed(codes):
            fact = facts[code.cell.index]
            for missing, use in fact.undefined.items():
                if "raises-exception" in code.cell.tags:
                    continue
                if unread.get(missing, code.cell.index) < code.cell.index:
                    continue  # a cell above that cannot be read may bind it
                defined = later.get(missing)
                self.problems.append(say.undefined(code.cell, missing, use, defined))
            for bound in fact.binds:
                later[bound] = code.cell.index


def _with_trial_values(normal: Normalised, names: Sequence[str]) -> Normalised:
    """Let a cell that is tried again and again bind its parameters, as each trial does for it."""
    values = (name for name in names if name.isidentifier())
    bound = ast.parse("\n".join(f"{name} = 0" for name in values)).body
    tree = normal.tree or ast.Module([], [])
    return replace(normal, tree=ast.Module([*bound, *tree.body], tree.type_ignores))


def _language(metadata: Mapping[str, Any]) -> str:
    for section, key in (("kernelspec", "language"), ("language_info", "name")):
        part = metadata.get(section)
        if isinstance(part, dict) and isinstance(part.get(key), str) and part[key]:
            found = str(part[key]).lower()
            return "python" if found in ("python", "ipython", "python3", "python2") else found
    return "python"
