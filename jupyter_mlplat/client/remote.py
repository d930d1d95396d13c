"""An engine on the network: where it is, how to show who asks, and what it cannot read from here.

MLPLAT_ENGINE_URL   https://mlplat.example.org, or …/profiles/NAME
MLPLAT_TOKEN_FILE   holds a bearer token; read for every request, because it is renewed
MLPLAT_PROFILE      a profile other than one's own, where the address names none
MLPLAT_CA_FILE      certificates to trust, beside those of the system
MLPLAT_ENGINE_PLAIN 1: http:// is good enough, on a network where nobody listens in
"""

import http.client
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jupyter_mlplat.errors import InvalidInput, Unauthenticated
from jupyter_mlplat.resources.routes import PROFILE_HEADER, Route

_LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
_WITH_NOTEBOOK = frozenset(
    {"CompileRequest", "PlanRequest", "VerifyRequest", "SubmitRequest", "RetryRequest"}
)
_WITH_WORK = frozenset({"ScheduleRequest", "SchedulePatch"})
_READABLE = frozenset({".ipynb", ".json"})


@dataclass(frozen=True)
class RemoteEngine:
    """An engine's address. Frozen: another address is another engine."""

    url: str
    token_file: Path | None = None
    profile: str | None = None
    ca_file: Path | None = None

    @classmethod
    def named(cls, environment: Mapping[str, str] = os.environ) -> "RemoteEngine | None":
        """Return the engine that the environment names, or None: the one of this machine.

        Raises:
            InvalidInput: What it names is no address, or would give the token away.
        """
        url = environment.get("MLPLAT_ENGINE_URL", "").rstrip("/")
        if not url:
            return None
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query:
            raise InvalidInput(
                f"Cannot use MLPLAT_ENGINE_URL={url!r}: needed https://HOST or "
                "https://HOST/profiles/NAME."
            )
        is_safe = parts.scheme == "https" or parts.hostname in _LOCAL_HOSTS
        if not is_safe and environment.get("MLPLAT_ENGINE_PLAIN") != "1":
            raise InvalidInput(
                f"Cannot use MLPLAT_ENGINE_URL={url!r}: without TLS your token can be read on the "
                "way. Use https://, or set MLPLAT_ENGINE_PLAIN=1 if nobody can listen there."
            )

        def path(name: str) -> Path | None:
            return Path(named).expanduser() if (named := environment.get(name)) else None

        profile = environment.get("MLPLAT_PROFILE") or None
        return cls(url, path("MLPLAT_TOKEN_FILE"), profile, path("MLPLAT_CA_FILE"))

    def __str__(self) -> str:
        return self.url

    @property
    def is_secure(self) -> bool:
        return self.url.startswith("https:")

    @property
    def host(self) -> str:
        return str(urlsplit(self.url).hostname)

    @property
    def port(self) -> int:
        return urlsplit(self.url).port or (443 if self.is_secure else 80)

    def target(self, target: str) -> str:
        """Write the path of a request as this engine has it."""
        return urlsplit(self.url).path + target

    def headers(self) -> dict[str, str]:
        """Say who asks, and of which profile.

        Raises:
            Unauthenticated: The token cannot be read.
        """
        headers = {"Host": urlsplit(self.url).netloc.rpartition("@")[2]}
        if self.profile is not None:
            headers[PROFILE_HEADER] = self.profile
        if self.token_file is not None:
            try:
                token = self.token_file.read_text("ascii").strip()
            except (OSError, ValueError) as error:
                raise Unauthenticated(
                    f"Cannot tell the engine who asks: the token in {str(self.token_file)!r} "
                    f"cannot be read ({error}). See MLPLAT_TOKEN_FILE."
                ) from error
            headers["Authorization"] = f"Bearer {token}"
        return headers

    def tls(self) -> Any:
        """Return what checks the engine's certificate."""
        import ssl

        return ssl.create_default_context(cafile=str(self.ca_file) if self.ca_file else None)

    def connect(self, timeout_s: float | None) -> http.client.HTTPConnection:
        """Make a connection; nothing is sent yet."""
        if not self.is_secure:
            return http.client.HTTPConnection(self.host, self.port, timeout=timeout_s)
        return http.client.HTTPSConnection(
            self.host, self.port, timeout=timeout_s, context=self.tls()
        )


def enclose(route: Route, body: Any) -> Any:
    """Put the content of a notebook beside its path: an engine elsewhere cannot read it."""
    if not isinstance(body, dict):
        return body
    if route.takes in _WITH_WORK and isinstance(body.get("work"), dict):
        return {**body, "work": _with_content(body["work"])}
    return _with_content(body) if route.takes in _WITH_NOTEBOOK else body


def _with_content(document: dict[str, Any]) -> dict[str, Any]:
    path = document.get("path")
    if not isinstance(path, str) or document.get("notebook") is not None:
        return document
    if Path(path).suffix.lower() not in _READABLE:
        return document
    try:
        content = json.loads(Path(path).read_bytes())
    except (OSError, ValueError):
        return document  # the engine may have it; if not, it says so
    return {**document, "notebook": content} if isinstance(content, dict) else document
