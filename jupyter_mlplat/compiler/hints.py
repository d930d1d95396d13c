"""What is known of a cell besides its source, and what a statement of it did."""

from __future__ import annotations

from dataclasses import dataclass, field

from jupyter_mlplat.compiler.observations import Observation


@dataclass(frozen=True, slots=True)
class Hints:
    """What is known of a cell besides its source.

    Attributes:
        reads, writes: Names that the user says its unknown code reads and changes.
        is_shared: Its definitions go in front of every step.
        may_fail: An error of it does not stop the notebook.
        found_changed, found_read: Names that runs of the same source have changed and read.
        found_tied: Names whose values, in such runs, could not leave the process.
        is_job: It runs in processes of its own: state that is kept there ends with them.
    """

    reads: tuple[str, ...] | None = None
    writes: tuple[str, ...] | None = None
    observed: Observation | None = None
    is_shared: bool = False
    may_fail: bool = False
    found_changed: frozenset[str] = frozenset()
    found_read: frozenset[str] = frozenset()
    found_tied: frozenset[str] = frozenset()
    is_job: bool = False


@dataclass(slots=True)
class Trace:
    """What the statement being looked at did, to tell whether it can simply be replayed."""

    reads: set[str] = field(default_factory=set)
    binds: set[str] = field(default_factory=set)
    settings: bool = False
    patches: bool = False
    libraries: set[str] = field(default_factory=set)
    """Libraries that were called for the effect alone: the state they keep may have changed."""
    env: bool = False
    cwd: bool = False
    other: bool = False
    """It did something that must not be repeated."""
