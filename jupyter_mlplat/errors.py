"""Every error a user may meet. The HTTP status belongs to the class and is mapped once, here."""

from collections.abc import Mapping
from typing import Any, ClassVar


class PlatformError(Exception):
    """Something could not be done.

    The message says what could not be done: what was found, what was needed. What to do.

    Attributes:
        code: Stable kebab-case word, sent on the wire.
        status: HTTP status of the answer.
        details: Machine-readable facts, JSON values only.
    """

    code: ClassVar[str] = "internal"
    status: ClassVar[int] = 500

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.details: Mapping[str, Any] = details


class InvalidInput(PlatformError):
    """The caller's input is wrong; the same call will fail again."""

    code = "invalid-input"
    status = 400


class Unauthenticated(PlatformError):
    code = "unauthenticated"
    status = 401


class Forbidden(PlatformError):
    code = "forbidden"
    status = 403


class NotFound(PlatformError):
    code = "not-found"
    status = 404


class Conflict(PlatformError):
    """What is asked for contradicts what is there."""

    code = "conflict"
    status = 409


class QuotaExceeded(PlatformError):
    code = "quota-exceeded"
    status = 429


class Unsupported(PlatformError):
    code = "unsupported"
    status = 422


class ExecutionFailed(PlatformError):
    """User code ran and failed."""

    code = "execution-failed"
    status = 422


class Unavailable(PlatformError):
    """Not now: the engine, an endpoint or the disk is not in a state to serve. Try again later."""

    code = "unavailable"
    status = 503


BY_CODE: dict[str, type[PlatformError]] = {
    kind.code: kind
    for kind in (
        PlatformError,
        InvalidInput,
        Unauthenticated,
        Forbidden,
        NotFound,
        Conflict,
        QuotaExceeded,
        Unsupported,
        ExecutionFailed,
        Unavailable,
    )
}


def from_body(body: Mapping[str, Any]) -> PlatformError:
    """Turn an error body of the API back into the error it was."""
    kind = BY_CODE.get(str(body.get("code")), PlatformError)
    return kind(
        str(body.get("message", "The engine gave no reason.")), **dict(body.get("details") or {})
    )
