"""Errors as `google.rpc.Status`, with the HTTP status that Kubeflow's gateway gives each code."""

from jupyter_mlplat.errors import (
    Conflict,
    ExecutionFailed,
    Forbidden,
    InvalidInput,
    NotFound,
    PlatformError,
    QuotaExceeded,
    Unauthenticated,
    Unavailable,
    Unsupported,
)
from jupyter_mlplat.resources.kfp.base import Status

_DETAIL = "type.googleapis.com/google.rpc.Status"

INVALID_ARGUMENT, NOT_FOUND, ALREADY_EXISTS, PERMISSION_DENIED = 3, 5, 6, 7
RESOURCE_EXHAUSTED, FAILED_PRECONDITION, UNIMPLEMENTED, INTERNAL = 8, 9, 12, 13
UNAVAILABLE, UNAUTHENTICATED = 14, 16

_HTTP = {
    INVALID_ARGUMENT: 400,
    NOT_FOUND: 404,
    ALREADY_EXISTS: 409,
    PERMISSION_DENIED: 403,
    RESOURCE_EXHAUSTED: 429,
    FAILED_PRECONDITION: 400,
    UNIMPLEMENTED: 501,
    INTERNAL: 500,
    UNAVAILABLE: 503,
    UNAUTHENTICATED: 401,
}

_CODES: tuple[tuple[type[PlatformError], int], ...] = (
    (InvalidInput, INVALID_ARGUMENT),
    (NotFound, NOT_FOUND),
    (Forbidden, PERMISSION_DENIED),
    (Unauthenticated, UNAUTHENTICATED),
    (QuotaExceeded, RESOURCE_EXHAUSTED),
    (Unsupported, UNIMPLEMENTED),
    (ExecutionFailed, FAILED_PRECONDITION),
    (Unavailable, UNAVAILABLE),
)


def status_of(error: PlatformError) -> tuple[int, Status]:
    """Return the HTTP status and the body of an error."""
    code = _code_of(error)
    http = error.status if error.status == 413 else _HTTP[code]  # too large has no code of gRPC's
    detail = {"@type": _DETAIL, "code": code, "message": error.message}
    return http, Status(code=code, message=error.message, details=(detail,))


def _code_of(error: PlatformError) -> int:
    if isinstance(error, Conflict):
        return ALREADY_EXISTS if "exists" in error.details else FAILED_PRECONDITION
    return next((code for kind, code in _CODES if isinstance(error, kind)), INTERNAL)
