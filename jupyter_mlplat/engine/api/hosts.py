"""Which names the engine answers to."""

from starlette.requests import Request

from jupyter_mlplat.errors import Forbidden

_LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "[::1]", "::1"})


def check_host(request: Request) -> None:
    """Refuse foreign names, so that no page in a browser reaches us by rebinding its own."""
    host = request.headers.get("host", "")
    name = host if host in _LOCAL_HOSTS else host.rpartition(":")[0]
    if name not in _LOCAL_HOSTS:
        raise Forbidden(
            f"Cannot answer a request for host {host!r}: the engine is local. Ask for 'localhost'."
        )
