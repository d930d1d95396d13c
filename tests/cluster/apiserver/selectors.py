"""Label and field selectors: parsed once, asked often."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from tests.cluster.apiserver.failures import Failure, bad_request
from tests.cluster.apiserver.kinds import Kind

Object = dict[str, Any]
Test = Callable[[Object], bool]

# What may be asked for beside metadata.name and metadata.namespace.
FIELDS: dict[str, tuple[str, ...]] = {
    "pods": (
        "spec.nodeName",
        "spec.restartPolicy",
        "spec.schedulerName",
        "spec.serviceAccountName",
        "spec.hostNetwork",
        "status.phase",
        "status.podIP",
        "status.nominatedNodeName",
    ),
    "events": (
        "involvedObject.kind",
        "involvedObject.namespace",
        "involvedObject.name",
        "involvedObject.uid",
        "involvedObject.apiVersion",
        "involvedObject.resourceVersion",
        "involvedObject.fieldPath",
        "reason",
        "reportingComponent",
        "source",
        "type",
    ),
    "secrets": ("type",),
    "namespaces": ("status.phase",),
    "nodes": ("spec.unschedulable",),
    "jobs": ("status.successful",),
    "replicasets": ("status.replicas",),
}
DEFAULTS = {"spec.unschedulable": "false", "spec.hostNetwork": "false", "status.replicas": "0"}

_SET = re.compile(r"^\s*(\S+)\s+(in|notin)\s*\(([^)]*)\)\s*$")
_EQUAL = re.compile(r"^\s*([^\s=!]+)\s*(==|=|!=)\s*([^\s=!]*)\s*$")


def labels(text: str) -> Test:
    """Parse a label selector as it stands in a query."""
    return labelled([_label_test(part) for part in _split(text)])


def labelled(tests: list[Callable[[dict[str, str]], bool]]) -> Test:
    def matches(document: Object) -> bool:
        found = document["metadata"].get("labels") or {}
        return all(test(found) for test in tests)

    return matches


def label_selector(selector: Object | None) -> Callable[[dict[str, str]], bool]:
    """Turn a LabelSelector of a spec into a test of labels; none selects nothing."""
    if selector is None:
        return lambda found: False
    tests = [
        _label_test(f"{key}={value}") for key, value in (selector.get("matchLabels") or {}).items()
    ]
    for rule in selector.get("matchExpressions") or []:
        key, values = rule["key"], ",".join(rule.get("values") or [])
        tests.append(
            _label_test(
                {
                    "In": f"{key} in ({values})",
                    "NotIn": f"{key} notin ({values})",
                    "Exists": key,
                    "DoesNotExist": f"!{key}",
                }[rule["operator"]]
            )
        )
    return lambda found: all(test(found or {}) for test in tests)


def fields(text: str, kind: Kind) -> Test:
    """Parse a field selector; a field that the kind cannot be selected by is refused."""
    tests: list[Test] = []
    known = ("metadata.name", "metadata.namespace", *FIELDS.get(kind.plural, ()), *kind.selectable)
    for part in text.split(","):
        if not part:
            continue
        match = _EQUAL.match(part)
        if match is None:
            raise bad_request(
                f"Unable to find {kind.qualified!r} that match field selector {text!r}: "
                "invalid selector"
            )
        path, operator, value = match.groups()
        if path not in known:
            raise _unknown(kind, path, text)
        tests.append(_field_test(path, value, equal=operator != "!="))
    return lambda document: all(test(document) for test in tests)


def _unknown(kind: Kind, path: str, text: str) -> Failure:
    if kind.plural not in FIELDS and not kind.custom:
        known = '"metadata.name", "metadata.namespace"'
        return bad_request(f'"{path}" is not a known field selector: only {known}')
    return bad_request(
        f'Unable to find "{kind.api_version}, Kind={kind.kind}" that match label selector "", '
        f'field selector "{text}": field label not supported: {path}'
    )


def _field_test(path: str, value: str, *, equal: bool) -> Test:
    steps = path.removeprefix(".").split(".")

    def matches(document: Object) -> bool:
        found: Any = document
        for step in steps:
            found = found.get(step) if isinstance(found, dict) else None
        if found is None:
            found = DEFAULTS.get(path, "")
        shown = str(found).lower() if isinstance(found, bool) else str(found)
        return (shown == value) is equal

    return matches


def _split(text: str) -> list[str]:
    """Split at the commas that are not within parentheses."""
    return [part for part in re.split(r",(?![^(]*\))", text) if part.strip()]


def _label_test(part: str) -> Callable[[dict[str, str]], bool]:
    if match := _SET.match(part):
        key, operator, listed = match.groups()
        values = {value.strip() for value in listed.split(",")}
        if operator == "in":
            return lambda found: key in found and found[key] in values
        return lambda found: found.get(key) not in values
    if match := _EQUAL.match(part):
        key, operator, value = match.groups()
        if operator == "!=":
            return lambda found: found.get(key) != value
        return lambda found: found.get(key) == value
    stripped = part.strip()
    if re.fullmatch(r"!\s*\S+", stripped):
        absent = stripped[1:].strip()
        return lambda found: absent not in found
    if re.fullmatch(r"[^\s!=()]+", stripped):
        return lambda found: stripped in found
    raise bad_request(f"unable to parse requirement: found {stripped!r}")
