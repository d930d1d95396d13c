"""Which cells form which step: cell metadata, `%%mlplat`, Kale's tags, headings, or each cell."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from jupyter_mlplat.compiler.facts import CellFacts
from jupyter_mlplat.compiler.normalise import Normalised
from jupyter_mlplat.compiler.settings import CellSettings, slug, step_name, unique
from jupyter_mlplat.formats.notebook import Cell

Origin = Literal["metadata", "magic", "kale", "heading", "cell"]
_HEADING = re.compile(r"^\s{0,3}(#{1,6})\s+(.+?)\s*#*\s*$")
_DECORATION = re.compile(r"[*_`]|\[([^\]]*)\]\([^)]*\)|<[^>]+>|!\[[^\]]*\]\([^)]*\)")


@dataclass(slots=True)
class Code:
    """A code cell on its way into a step."""

    cell: Cell
    normal: Normalised
    settings: CellSettings

    @property
    def number(self) -> int:
        """Its place among all cells, from 1, as messages count them."""
        return self.cell.index + 1


@dataclass(slots=True)
class Draft:
    """A step before it is planned."""

    name: str
    title: str
    origin: Origin
    cells: list[Code] = field(default_factory=list)
    after: tuple[str, ...] = ()


def split_cells(
    codes: Sequence[Code],
    facts: dict[int, CellFacts],
    cells: Sequence[Cell],
    split: Literal["auto", "cell"],
) -> list[Draft]:
    """Group code cells into steps by what the user said, else automatically."""
    taken: set[str] = set()
    drafts: dict[str, Draft] = {}
    untagged: list[Code] = []
    for code in codes:
        if code.settings.step:
            untagged = _flush(untagged, drafts, taken, facts, cells, split)
            name = step_name(code.settings.step)
            origin: Origin = "magic" if code.normal.setting is not None else "metadata"
            if name not in drafts:
                taken.add(name)
                drafts[name] = Draft(name, code.settings.title or code.settings.step, origin)
            drafts[name].cells.append(code)
        elif code.settings.is_job:
            untagged = _flush(untagged, drafts, taken, facts, cells, split)
            draft = _job(code, taken)
            drafts[draft.name] = draft
        else:
            untagged.append(code)
    _flush(untagged, drafts, taken, facts, cells, split)
    return list(drafts.values())


def _flush(
    codes: list[Code],
    drafts: dict[str, Draft],
    taken: set[str],
    facts: dict[int, CellFacts],
    cells: Sequence[Cell],
    split: Literal["auto", "cell"],
) -> list[Code]:
    """Make steps of a run of untagged cells."""
    if not codes:
        return []
    if split == "cell":
        found = [_single(code, taken) for code in codes]
    else:
        found = _by_heading(codes, cells, taken) or _by_cell(codes, facts, taken)
        found = _without_idle(found, facts)
    for draft in found:
        drafts[draft.name] = draft
    return []


def merge(drafts: Sequence[Draft]) -> Draft:
    """Return steps that must run as one."""
    names = {draft.name for draft in drafts}
    return Draft(
        drafts[0].name,
        drafts[0].title,
        drafts[0].origin,
        [code for draft in drafts for code in draft.cells],
        tuple(dict.fromkeys(n for draft in drafts for n in draft.after if n not in names)),
    )


def _single(code: Code, taken: set[str]) -> Draft:
    name = unique(f"cell-{code.number}", taken)
    return Draft(name, f"Cell {code.number}", "cell", [code])


def _job(code: Code, taken: set[str]) -> Draft:
    """Make a cell that is a train or a tuning job a step of its own."""
    name = unique("train" if code.settings.tune is None else "tune", taken)
    origin: Origin = "magic" if code.normal.setting is not None else "metadata"
    return Draft(name, code.settings.title or name, origin, [code])


def headings(cells: Sequence[Cell]) -> dict[int, str]:
    """Return the heading in force at each code cell, by the index of the cell that opened it."""
    found: dict[int, str] = {}
    for cell in cells:
        if cell.kind != "markdown":
            continue
        fenced = False
        for line in cell.source.split("\n"):
            if line.strip().startswith("```"):
                fenced = not fenced
            match = _HEADING.match(line)
            if match and not fenced:
                text = _DECORATION.sub(lambda m: m.group(1) or "", match[2]).strip()
                if text:
                    found[cell.index] = text  # the last one of a cell is the nearest to the code
    return found


def _by_heading(codes: list[Code], cells: Sequence[Cell], taken: set[str]) -> list[Draft]:
    opened = headings(cells)
    if not any(index < codes[-1].cell.index for index in opened):
        return []
    drafts: list[Draft] = []
    current: int | None = None
    for code in codes:
        before = [index for index in opened if index < code.cell.index]
        section = max(before) if before else -1
        if section != current or not drafts:
            title = opened.get(section, "Start")
            drafts.append(Draft(unique(slug(title), taken), title, "heading"))
            current = section
        drafts[-1].cells.append(code)
    return drafts


def _by_cell(codes: list[Code], facts: dict[int, CellFacts], taken: set[str]) -> list[Draft]:
    """One step per cell that does something; definitions join the next one, views the last."""
    drafts: list[Draft] = []
    waiting: list[Code] = []
    for code in codes:
        fact = facts[code.cell.index]
        if _is_idle(fact) or fact.defines_only:
            waiting.append(code)
        elif drafts and _only_shows(fact):
            drafts[-1].cells += [*waiting, code]
            waiting = []
        else:
            title = _comment_title(code) or f"Cell {code.number}"
            draft = Draft(unique(slug(title), taken), title, "cell", [*waiting, code])
            drafts.append(draft)
            waiting = []
    if waiting and drafts:
        drafts[-1].cells += waiting
    elif waiting:
        drafts.append(Draft(unique("notebook", taken), "Notebook", "cell", waiting))
    return drafts


def _comment_title(code: Code) -> str:
    first = next((line for line in code.cell.source.split("\n") if line.strip()), "")
    text = first.lstrip("# ").strip()
    usable = first.startswith("#") and 2 < len(text) <= 60 and not text.startswith("mlplat")
    return text if usable else ""


def _is_idle(fact: CellFacts) -> bool:
    return fact.replays_only


def _only_shows(fact: CellFacts) -> bool:
    return fact.displays and not fact.binds and not fact.mutated and not fact.files


def _without_idle(drafts: list[Draft], facts: dict[int, CellFacts]) -> list[Draft]:
    """Drop steps whose cells are replayed wherever they are needed."""
    busy = [
        draft
        for draft in drafts
        if not all(_is_idle(facts[code.cell.index]) for code in draft.cells)
    ]
    return busy or drafts[:1]
