"""Small notebooks, each a few cells, run both ways by the tests: from top to bottom and as steps.

One module per part of the language. A notebook is a text whose cells are parted by lines `# %%`; its comment says what it is about.
`REFUSED` names those that must be refused with an error, `FILES` what lies next to one.
"""

from dataclasses import dataclass, field
from importlib import import_module

MODULES = (
    "functions",
    "scopes",
    "mutation",
    "sharing",
    "binding",
    "imports",
    "names_in_strings",
    "magics",
    "effects",
    "process_state",
    "classes",
    "unshippable",
    "display",
    "data",
    "errors",
    "adversarial",
    "behind",
    "implicit",
    "carried",
    "indirect",
    "learned",
    "libraries",
)


@dataclass(frozen=True)
class Case:
    """One notebook of the table."""

    name: str
    group: str
    cells: tuple[str, ...]
    is_refused: bool = False
    files: dict[str, str] = field(default_factory=dict)


def read_cases() -> list[Case]:
    """Return the whole table."""
    found = []
    for group in MODULES:
        module = import_module(f"{__name__}.{group}")
        refused = getattr(module, "REFUSED", frozenset())
        files = getattr(module, "FILES", {})
        for name, text in module.NOTEBOOKS.items():
            cells = tuple(part.strip("\n") for part in text.split("# %%\n"))
            cells = cells[1:] if not cells[0].strip() else cells
            found.append(Case(name, group, cells, name in refused, files.get(name, {})))
    return found
