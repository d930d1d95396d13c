"""The keys an issuer signs its tokens with: fetched, kept, fetched anew when it has new ones."""

import asyncio
import json
import logging
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from jupyter_mlplat.engine.sharing import OidcConfig, safe_url
from jupyter_mlplat.errors import Unauthenticated, Unavailable

if TYPE_CHECKING:
    from jwt import PyJWK

_log = logging.getLogger(__name__)

_FRESH_S = 600.0  # issuers announce a new key long before they sign with it
_PATIENCE_S = 30.0  # between two fetches for keys that are not there: anybody can name such a one
_STALE_S = 24 * 3600.0  # as long as old keys are believed while the issuer is away
_TIMEOUT_S = 10.0
_LARGEST_BYTES = 2**20

Fetch = Callable[[str], Mapping[str, Any]]
"""Gets a JSON document from an address; blocks; raises OSError or ValueError."""


class Keys:
    """The keys of one issuer. Belongs to the event loop.

    Args:
        config: The issuer.
        fetch: Gets a document from it.
        now: Seconds of a clock that only goes forward.
    """

    def __init__(
        self,
        config: OidcConfig,
        fetch: Fetch | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._config = config
        self._fetch = fetch or (lambda url: _fetch(config, url))
        self._now = now
        self._keys: dict[str, PyJWK] = {}
        self._fetched_at = self._tried_at = float("-inf")
        self._turn = asyncio.Lock()

    async def get(self, key_id: str) -> "PyJWK":
        """Return a key.

        Raises:
            Unauthenticated: The issuer has no such key.
            Unavailable: It cannot be asked, and no key of it is known.
        """
        if key_id not in self._keys or self._now() - self._fetched_at > _FRESH_S:
            async with self._turn:
                await self._look(key_id)
        if not self._keys or self._now() - self._fetched_at > _STALE_S:
            raise Unavailable(
                f"Cannot check who asks: the keys of {self._config.issuer!r} cannot be had now. "
                "Try again in a minute."
            )
        if key_id not in self._keys:
            raise Unauthenticated("The token is signed with a key its issuer does not have.")
        return self._keys[key_id]

    async def _look(self, key_id: str) -> None:
        is_old = self._now() - self._fetched_at > _FRESH_S
        if (key_id in self._keys and not is_old) or self._now() - self._tried_at < _PATIENCE_S:
            return
        self._tried_at = self._now()
        try:
            self._keys = await asyncio.to_thread(self._load)
        except (OSError, ValueError) as error:
            _log.warning("Cannot fetch the keys of %s: %s", self._config.issuer, error)
            return
        self._fetched_at = self._now()

    def _load(self) -> "dict[str, PyJWK]":
        from jwt import PyJWK
        from jwt.exceptions import PyJWTError

        url = self._config.keys
        if url is None:
            issuer = self._config.issuer
            found = self._fetch(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
            if found.get("issuer") != issuer:
                raise ValueError(f"its discovery document is that of {found.get('issuer')!r}")
            url = str(found.get("jwks_uri"))
        keys = dict[str, PyJWK]()
        documents = self._fetch(url).get("keys")
        for document in documents if isinstance(documents, list) else ():
            # A key for encryption, or one without a public half, signs nothing.
            if isinstance(document, dict) and document.get("use", "sig") == "sig":
                try:
                    key = PyJWK.from_dict(document)
                except (PyJWTError, ValueError, TypeError):
                    continue
                if key.key_type != "oct":
                    keys[str(document.get("kid", ""))] = key
        if not keys:
            raise ValueError("it offers none that can be used")
        return keys


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *arguments: Any, **more: Any) -> None:
        return None


def _fetch(config: OidcConfig, url: str) -> Mapping[str, Any]:
    safe_url(url)  # the issuer itself may have named it
    request = urllib.request.Request(url, headers={"Accept": "application/json"})  # noqa: S310
    if config.token_file is not None and _origin(url) == _origin(config.issuer):
        token = config.token_file.read_text("ascii").strip()
        request.add_unredirected_header("Authorization", f"Bearer {token}")
    context = ssl.create_default_context(cafile=str(config.ca) if config.ca else None)
    opener = urllib.request.build_opener(
        urllib.request.HTTPSHandler(context=context), _NoRedirects()
    )
    with opener.open(request, timeout=_TIMEOUT_S) as answer:
        content = answer.read(_LARGEST_BYTES + 1)
    if len(content) > _LARGEST_BYTES:
        raise ValueError(f"{url!r} answers too much")
    found = json.loads(content)
    if not isinstance(found, dict):
        raise ValueError(f"{url!r} answers no JSON object")
    return found


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc
