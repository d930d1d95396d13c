"""What one cell was found to do: names, objects, channels. Filled by the interpreter."""

import ast
from dataclasses import dataclass, field

from jupyter_mlplat.compiler.heap import Obj, Value


@dataclass(frozen=True, slots=True)
class Use:
    """A read of a name whose value comes from before the cell."""

    line: int
    is_certain: bool = True
    """Nothing decides at run time whether this read happens."""
    is_assumed: bool = False
    """Code that cannot be seen may read it."""
    through: str = ""
    """The function of the notebook that reads it when called, if it is not the cell itself."""


@dataclass(frozen=True, slots=True)
class Change:
    """Why an object counts as changed."""

    line: int
    what: str
    is_assumed: bool
    is_observed: bool = False
    """Only a run has shown it."""


@dataclass(frozen=True, slots=True)
class FileUse:
    """A file read or written; the path is None where it is computed."""

    path: str | None
    writes: bool
    line: int


@dataclass(frozen=True, slots=True)
class Replay:
    """A statement that later steps run again instead of receiving what it made."""

    code: str
    binds: frozenset[str]
    reads: frozenset[str]
    imports: frozenset[str] = frozenset()
    """Top-level modules it imports."""
    is_star: bool = False


@dataclass(slots=True)
class CellFacts:
    """Everything the plan needs to know of one cell.

    Attributes:
        binds: Names it rebinds or deletes; True where this happens on every path.
        mutated: Mask of the objects it may change; `changes` says why, by bit.
        identity: Mask of the objects whose identity it observes (`is`, `id`).
        env, reach: The notebook's names after it, and what can be got at from each.
        is_opaque: It may read, rebind and change anything.
        from_start: It needs the display history: every cell before it, in the same process.
    """

    index: int
    id: str
    reads: dict[str, Use] = field(default_factory=dict)
    binds: dict[str, bool] = field(default_factory=dict)
    mutated: int = 0
    identity: int = 0
    changes: dict[int, Change] = field(default_factory=dict)
    files: list[FileUse] = field(default_factory=list)
    replays: list[Replay] = field(default_factory=list)
    replay_bound: set[str] = field(default_factory=set)
    """Names whose last binding here is a replayed statement."""
    volatile: dict[str, None] = field(default_factory=dict)
    """Why it may come out otherwise the next time: clock, network, chance. In order."""
    imports: set[str] = field(default_factory=set)
    """Modules it imports, dotted; also members of packages that may be modules."""
    local_modules: set[str] = field(default_factory=set)
    env: dict[str, Value] = field(default_factory=dict)
    reach: dict[str, int] = field(default_factory=dict)
    unknown: list[tuple[int | None, str, str]] = field(default_factory=list)
    undefined: dict[str, Use] = field(default_factory=dict)
    is_opaque: bool = False
    guessed: set[str] = field(default_factory=set)
    """Names that count as bound only because code that cannot be seen may bind any."""
    seen_bound: frozenset[str] = frozenset()
    """Names that a kernel saw it bind."""
    from_start: bool = False
    needs_display: bool = False
    displays: bool = False
    has_effects: bool = False
    """Something besides imports, definitions and settings happens: it deserves a step."""
    defines_only: bool = False
    replays_only: bool = False


@dataclass(slots=True)
class Frame:
    """A call of one of the notebook's functions that is being followed."""

    node: ast.AST
    name: str
    returns: set[Obj] = field(default_factory=set)
    yields: set[Obj] = field(default_factory=set)
    changed: bool = False
    params: dict[str, Value] = field(default_factory=dict)
