"""Errors with the codes that MLflow's clients know."""

from collections.abc import Mapping

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


class NoSuchRoute(NotFound):
    """Nothing of MLflow's API that is served here."""


_CODES: tuple[tuple[type[PlatformError], str, int], ...] = (
    (NoSuchRoute, "ENDPOINT_NOT_FOUND", 404),
    (NotFound, "RESOURCE_DOES_NOT_EXIST", 404),
    (InvalidInput, "INVALID_PARAMETER_VALUE", 400),
    (Forbidden, "PERMISSION_DENIED", 403),
    (Unauthenticated, "UNAUTHENTICATED", 401),
    (QuotaExceeded, "REQUEST_LIMIT_EXCEEDED", 429),
    (Unsupported, "NOT_IMPLEMENTED", 501),
    (ExecutionFailed, "BAD_REQUEST", 400),
    (Unavailable, "TEMPORARILY_UNAVAILABLE", 503),
)


def status_of(error: PlatformError) -> tuple[int, Mapping[str, str]]:
    """Return the HTTP status and the body of an error."""
    if isinstance(error, Conflict):
        is_taken = "exists" in error.details
        code = "RESOURCE_ALREADY_EXISTS" if is_taken else "RESOURCE_CONFLICT"
        status = 400 if is_taken else 409
    else:
        found = (entry for entry in _CODES if isinstance(error, entry[0]))
        _, code, status = next(found, (PlatformError, "INTERNAL_ERROR", 500))
    if error.status == 413:
        status = 413
    return status, {"error_code": code, "message": error.message}
