"""The answers of an API server that says no: a Status with a code, a reason and a message."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.cluster.apiserver.kinds import Kind

Object = dict[str, Any]


class Failure(Exception):
    """A request that is refused; `status()` is the document that says so."""

    def __init__(
        self,
        code: int,
        reason: str,
        message: str,
        details: Object | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.message = message
        self.details = details
        self.headers = headers or {}

    def status(self) -> Object:
        document: Object = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            "reason": self.reason,
            "details": self.details,
            "code": self.code,
        }
        return {key: value for key, value in document.items() if value not in (None, "")}


@dataclass(frozen=True, slots=True)
class Cause:
    """One fault of one field, in the words of the field.Error of Kubernetes."""

    field: str
    reason: str
    message: str

    def __str__(self) -> str:
        return f"{self.field}: {self.message}" if self.field else self.message


def required(field: str, detail: str = "") -> Cause:
    return Cause(field, "FieldValueRequired", "Required value" + (f": {detail}" if detail else ""))


def invalid(field: str, value: str, detail: str) -> Cause:
    return Cause(field, "FieldValueInvalid", f"Invalid value: {value}: {detail}")


def wrong_type(field: str, value: str, detail: str) -> Cause:
    return Cause(field, "FieldValueTypeInvalid", f"Invalid value: {value}: {detail}")


def unsupported(field: str, value: str, choices: list[str]) -> Cause:
    known = ", ".join(f'"{choice}"' for choice in choices)
    return Cause(
        field, "FieldValueNotSupported", f"Unsupported value: {value}: supported values: {known}"
    )


def forbidden_field(field: str, detail: str) -> Cause:
    return Cause(field, "FieldValueForbidden", f"Forbidden: {detail}")


def duplicate(field: str, value: str) -> Cause:
    return Cause(field, "FieldValueDuplicate", f"Duplicate value: {value}")


def about(kind: Kind, name: str = "", *, by_kind: bool = False) -> Object:
    """Fill the details of a Status: which object the answer is about."""
    details = {"name": name, "group": kind.group, "kind": kind.kind if by_kind else kind.plural}
    return {key: value for key, value in details.items() if value}


def not_found(kind: Kind, name: str) -> Failure:
    message = f'{kind.qualified} "{name}" not found'
    return Failure(404, "NotFound", message, about(kind, name))


def no_such_path() -> Failure:
    message = "the server could not find the requested resource"
    return Failure(404, "NotFound", message, {})


def already_exists(kind: Kind, name: str) -> Failure:
    message = f'{kind.qualified} "{name}" already exists'
    return Failure(409, "AlreadyExists", message, about(kind, name))


MODIFIED = (
    "the object has been modified; please apply your changes to the latest version and try again"
)


def conflict(kind: Kind, name: str, why: str = MODIFIED) -> Failure:
    message = f'Operation cannot be fulfilled on {kind.qualified} "{name}": {why}'
    return Failure(409, "Conflict", message, about(kind, name))


def unprocessable(kind: Kind, name: str, causes: list[Cause]) -> Failure:
    shown = f"{kind.kind}.{kind.group}" if kind.group else kind.kind
    said = list(dict.fromkeys(str(cause) for cause in causes))
    told = ", ".join(said)
    details = about(kind, name, by_kind=True)
    details["causes"] = [
        {"reason": cause.reason, "message": cause.message, "field": cause.field} for cause in causes
    ]
    message = f'{shown} "{name}" is invalid: {told if len(said) == 1 else f"[{told}]"}'
    return Failure(422, "Invalid", message, details)


def forbidden(kind: Kind, name: str, why: str) -> Failure:
    shown = f'{kind.qualified} "{name}"' if name else kind.qualified
    return Failure(403, "Forbidden", f"{shown} is forbidden: {why}", about(kind, name))


def unauthorized() -> Failure:
    return Failure(401, "Unauthorized", "Unauthorized")


def bad_request(message: str) -> Failure:
    return Failure(400, "BadRequest", message)


def not_allowed() -> Failure:
    message = "the server does not allow this method on the requested resource"
    return Failure(405, "MethodNotAllowed", message, {})


def expired(message: str) -> Failure:
    return Failure(410, "Expired", message)


def too_many(retry_after_s: int) -> Failure:
    return Failure(
        429,
        "TooManyRequests",
        "Too many requests, please try again later.",
        {"retryAfterSeconds": retry_after_s},
        {"Retry-After": str(retry_after_s)},
    )


def internal(message: str) -> Failure:
    told = f"Internal error occurred: {message}"
    return Failure(500, "InternalError", told, {"causes": [{"message": message}]})


def timeout(retry_after_s: int = 0) -> Failure:
    message = "Timeout: request did not complete within the allotted timeout"
    return Failure(
        504, "Timeout", message, {"retryAfterSeconds": retry_after_s} if retry_after_s else {}
    )
