"""Which Python, if any, stands for a container image on this machine."""

import os
import re
from collections.abc import Sequence
from fnmatch import fnmatchcase

from jupyter_mlplat.errors import InvalidInput
from jupyter_mlplat.resources.images import ImageRule

_REGISTRIES = ("docker.io/library/", "docker.io/", "library/", "index.docker.io/library/")
_VERSION = re.compile(r"python[^/]*?[:-](\d)[.-]?(\d{1,2})(?!\d)")

BUILT_IN = tuple(
    ImageRule(pattern=pattern, commands=False, built_in=True)
    for pattern in (
        "python",
        "python:*",
        "*/python:*",
        "*/library/python:*",
        "*/ubi?/python-3*",
        "*/ubi??/python-3*",
        "gcr.io/distroless/python3*",
    )
)
"""Images that hold a Python and little else: components whose code is in the pipeline need no more
than an interpreter of theirs."""


def rule_for(image: str, rules: Sequence[ImageRule]) -> ImageRule | None:
    """Return the first rule that fits an image; yours come before those that are built in."""
    names = {image, _short(image)}
    for rule in (*rules, *BUILT_IN):
        if any(fnmatchcase(name, rule.pattern) for name in names):
            return rule
    return None


def python_version(image: str) -> str | None:
    """Return the minor version of Python that an image's name speaks of: `3.12`."""
    match = _VERSION.search(image)
    return f"{match[1]}.{match[2]}" if match else None


def checked(rule: ImageRule) -> ImageRule:
    """Return a rule with its paths made absolute.

    Raises:
        InvalidInput: Its interpreter or its folder is not there.
    """
    python, files = rule.python, rule.files
    if python != "engine":
        python = os.path.abspath(os.path.expanduser(python))
        if not os.access(python, os.X_OK) or os.path.isdir(python):
            raise InvalidInput(
                f"Cannot map {rule.pattern!r}: there is no interpreter at {python!r}. "
                "Name the path of a Python 3.9 or newer, or 'engine'."
            )
    if files is not None:
        files = os.path.abspath(os.path.expanduser(files))
        if not os.path.isdir(files):
            raise InvalidInput(f"Cannot map {rule.pattern!r}: there is no folder {files!r}.")
    return rule.model_copy(update={"python": python, "files": files, "paths": _checked_paths(rule)})


def _checked_paths(rule: ImageRule) -> dict[str, str]:
    found = {}
    for place, here in rule.paths.items():
        path = os.path.abspath(os.path.expanduser(here))
        if not place.startswith("/") or not place.strip("/"):
            raise InvalidInput(
                f"Cannot map {rule.pattern!r}: {place!r} is no path of the image: needed an "
                "absolute one, such as /opt/train.py."
            )
        if not os.path.exists(path):
            raise InvalidInput(f"Cannot map {rule.pattern!r}: there is nothing at {path!r}.")
        found[place.rstrip("/")] = path
    return found


def with_rule(rules: Sequence[ImageRule], rule: ImageRule) -> tuple[ImageRule, ...]:
    """Put a rule in the place of the one of its pattern, else before the others: newest first."""
    if any(known.pattern == rule.pattern for known in rules):
        return tuple(rule if known.pattern == rule.pattern else known for known in rules)
    return (rule, *rules)


def _short(image: str) -> str:
    """Return an image's name as it is usually written: without Docker Hub's own address."""
    for registry in _REGISTRIES:
        if image.startswith(registry):
            return image[len(registry) :]
    return image
