"""What a library call does, as read from the knowledge tables."""

from dataclasses import dataclass
from functools import lru_cache

_RESULTS = frozenset({"alias", "any", "elem", "hold", "like", "many", "none", "self", "view"})


@dataclass(frozen=True, slots=True)
class Effect:
    """What a known call does with its receiver and arguments.

    Attributes:
        result: `none`; `self` or `alias` (may be the receiver, or the first argument); `elem` (an
            element of it); `like` (a new object of the same kind, same contents); `hold` (a new
            object of `kind` that keeps the arguments); `view` (a new object of `kind` on the same
            data); `fresh` (a new object of `kind`); `many` (a tuple of new objects); `any`.
        changes: `""`; `self`: the receiver alone; `own`: all that it can reach, data aside, which
            it only reads; `deep`: all that it can reach.
        argument: Position of the argument that plays the receiver's part, for functions.
        stores: Arguments may be kept by what is changed.
        calls: Functions among the arguments may be called, and operators of instances.
        any_method: Of instances any method may be called.
        names: It looks into the notebook's namespace by itself.
        code: It looks up classes and functions there by name.
    """

    result: str = "any"
    kind: str = "imm"
    changes: str = ""
    argument: int = 0
    stores: bool = False
    calls: bool = False
    consumes: bool = False
    rng: bool = False
    seeds: bool = False
    reads_files: bool = False
    writes_files: bool = False
    settings: bool = False
    patches: bool = False
    env: bool = False
    cwd: bool = False
    identity: bool = False
    unknown: bool = False
    names: bool = False
    code: bool = False
    any_method: bool = False


@lru_cache(maxsize=4096)
def effect(text: str) -> Effect:
    """Read one entry: words for what happens, `=`, then the result.

    Raises:
        ValueError: A word is not one of the table's language.
    """
    words, _, result = text.partition("=")
    values: dict[str, object] = {}
    for word in words.split():
        match word:
            case "mut" | "mut0" | "mut1" | "mut2":
                values |= {"changes": "self", "argument": int(word[3:] or 0)}
            case "deep" | "deep0" | "deep1" | "deep2":
                values |= {"changes": "deep", "argument": int(word[4:] or 0)}
            case "own":
                values["changes"] = "own"
            case (
                "store"
                | "call"
                | "rng"
                | "seed"
                | "env"
                | "cwd"
                | "identity"
                | "unknown"
                | ("names" | "code")
            ):
                name = {"store": "stores", "call": "calls", "seed": "seeds"}.get(word, word)
                values[name] = True
            case "methods":
                values |= {"calls": True, "any_method": True}
            case "consume":
                values["consumes"] = True
            case "read":
                values["reads_files"] = True
            case "write":
                values["writes_files"] = True
            case "settings":
                values["settings"] = True
            case "patch":
                values["patches"] = True
            case _:
                raise ValueError(f"Cannot read the entry {text!r}: {word!r} is no known word.")
    kind, _, detail = result.strip().partition(":")
    if kind in _RESULTS:
        values["result"] = kind
        if detail:
            values["kind"] = detail
    elif kind:
        values |= {"result": "fresh", "kind": result.strip()}
    return Effect(**values)  # type: ignore[arg-type]


def table(text: str) -> dict[str, Effect]:
    """Read a table: one line `prefix: name name … | entry` for names that do the same."""
    found: dict[str, Effect] = {}
    for line in text.strip().splitlines():
        line = line.split("#")[0].strip()
        if not line:
            continue
        head, _, entry = line.partition("|")
        prefix, _, names = head.partition(":")
        for name in names.split():
            found[f"{prefix.strip()}.{name}"] = effect(entry.strip())
    return found


def short(path: str) -> str:
    return path.removeprefix("builtins.")
