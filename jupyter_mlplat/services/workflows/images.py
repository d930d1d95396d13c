"""Which Python, if any, stands for a container image on this machine."""

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase

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
