"""What library calls do with their arguments: data, no code. One module per family of libraries.

An entry says what may change, what the result may share, and which channels are touched (see
`effects`). What is not listed here is assumed to do the worst that it could.
"""

from jupyter_mlplat.compiler.effects import Effect, effect
from jupyter_mlplat.compiler.knowledge import arrays, frames, learning, plotting, standard

FUNCTIONS: dict[str, Effect] = {
    **standard.FUNCTIONS,
    **arrays.FUNCTIONS,
    **frames.FUNCTIONS,
    **learning.FUNCTIONS,
    **plotting.FUNCTIONS,
}
METHODS: dict[str, Effect] = {
    **standard.METHODS,
    **arrays.METHODS,
    **frames.METHODS,
    **learning.METHODS,
    **plotting.METHODS,
}
ATTRIBUTES: dict[str, Effect] = {
    **standard.ATTRIBUTES,
    **arrays.ATTRIBUTES,
    **frames.ATTRIBUTES,
    **learning.ATTRIBUTES,
    **plotting.ATTRIBUTES,
}
DEFAULTS: dict[str, Effect] = {
    prefix: effect(entry)
    for source in (standard, arrays, frames, learning, plotting)
    for prefix, entry in source.DEFAULTS.items()
}
"""For functions of a library that no line names: the longest prefix wins."""

LIBRARIES = frozenset(path.partition(".")[0] for path in (*FUNCTIONS, *DEFAULTS)) - {"builtins"}
"""Top-level modules that the tables know."""

METHOD_DEFAULTS: dict[str, Effect] = {
    kind: effect(entry)
    for source in (standard, arrays, frames, learning, plotting)
    for kind, entry in source.METHOD_DEFAULTS.items()
}
"""For methods of a kind that no line names."""


out_place = arrays.out_place
WITH_INPLACE = frames.WITH_INPLACE


def function(path: str) -> Effect | None:
    """Return what is known of a library function by its dotted name."""
    found = FUNCTIONS.get(path)
    while found is None and path:
        found = DEFAULTS.get(path)
        path = path.rpartition(".")[0]
    return found


def method(kind: str, name: str) -> Effect | None:
    return METHODS.get(f"{kind}.{name}") or METHOD_DEFAULTS.get(kind)
