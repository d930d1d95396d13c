"""Where files lie as clients see it: `runs/<run>/artifacts/<path>`, `models/<model>/artifacts/…`.

Such a path is a name, never a place on a disk; still none is taken that would lead elsewhere.
"""

from dataclasses import dataclass

from jupyter_mlplat.errors import InvalidInput

SCHEME = "mlflow-artifacts:/"
_ROOTS = ("runs", "models")
_LONGEST = 1000


@dataclass(frozen=True, slots=True)
class Place:
    """A file or folder below the root of a run or of a logged model."""

    kind: str  # runs or models
    owner: str
    path: str  # empty: the root

    @property
    def root(self) -> str:
        """The address of the owner's root."""
        return root_of(self.kind, self.owner)


def root_of(kind: str, owner: str) -> str:
    return f"{SCHEME}{kind}/{owner}/artifacts"


def checked_path(path: str) -> str:
    """Return a path without slashes at its ends.

    Raises:
        InvalidInput: It would leave its folder, or is none.
    """
    path = path.strip("/")
    parts = path.split("/") if path else []
    if (
        len(path) > _LONGEST
        or any(part in ("", ".", "..") for part in parts)
        or "\\" in path
        or not path.isprintable()
    ):
        raise InvalidInput(
            f"Invalid path {path[:120]!r}: needed names with '/' between, none of them '.' or "
            f"'..', at most {_LONGEST} characters."
        )
    return path


def place_of(path: str) -> Place:
    """Say whose file a path means.

    Raises:
        InvalidInput: It lies below no run and no logged model.
    """
    kind, _, rest = checked_path(path).partition("/")
    owner, _, rest = rest.partition("/")
    root, _, inner = rest.partition("/")
    if kind not in _ROOTS or not owner or root != "artifacts":
        raise InvalidInput(
            f"Invalid path {path[:120]!r}: artifacts lie below runs/<run id>/artifacts and "
            "models/<model id>/artifacts."
        )
    return Place(kind, owner, inner)


def place_of_uri(uri: str) -> Place | None:
    """Say what an address of ours means; None for one that is somebody else's."""
    if not uri.startswith(SCHEME):
        return None
    return place_of(uri.removeprefix(SCHEME))
