"""What a shared engine asks of the world, without one: an issuer, a cluster's roles, a caller."""

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm
from starlette.types import ASGIApp, Message

from jupyter_mlplat.engine.api.keys import Keys
from jupyter_mlplat.engine.sharing import OidcConfig
from jupyter_mlplat.ports.reviewing import Review

ISSUER, AUDIENCE = "https://issuer.example", "mlplat"


@cache
def private_key(name: str = "k1") -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def public_jwk(name: str = "k1") -> dict[str, Any]:
    document: dict[str, Any] = RSAAlgorithm.to_jwk(private_key(name).public_key(), as_dict=True)
    return {**document, "kid": name, "use": "sig", "alg": "RS256"}


def claims(user: str, **more: Any) -> dict[str, Any]:
    told = {"iss": ISSUER, "aud": AUDIENCE, "sub": user, "exp": int(time.time()) + 600, **more}
    return {name: value for name, value in told.items() if value is not None}


def token(user: str, key: str = "k1", **more: Any) -> str:
    return jwt.encode(claims(user, **more), private_key(key), "RS256", headers={"kid": key})


@dataclass
class Issuer:
    """Offers keys; counts how often it was asked."""

    keys: list[dict[str, Any]] = field(default_factory=lambda: [public_jwk()])
    fetched: list[str] = field(default_factory=list)
    is_away: bool = False

    def fetch(self, url: str) -> Mapping[str, Any]:
        self.fetched.append(url)
        if self.is_away:
            raise OSError("nobody there")
        if url.endswith("/openid-configuration"):
            return {"issuer": ISSUER, "jwks_uri": f"{ISSUER}/keys"}
        return {"keys": self.keys}

    def believed(self, **more: Any) -> tuple[OidcConfig, Keys]:
        config = OidcConfig(issuer=ISSUER, audience=AUDIENCE, **more)
        return config, Keys(config, self.fetch)


@dataclass
class Roles:
    """A cluster's roles: profiles by user, each with the verbs that are allowed there."""

    allowed: dict[str, dict[str, set[str]]] = field(default_factory=dict)
    reviews: list[Review] = field(default_factory=list)
    trouble: Exception | None = None

    async def may(self, review: Review) -> bool:
        self.reviews.append(review)
        await asyncio.sleep(0)
        if self.trouble is not None:
            raise self.trouble
        return review.verb in self.allowed.get(review.user, {}).get(review.namespace, set())

    async def close(self) -> None:
        pass


ALL = {"get", "update", "manage"}


@dataclass
class Answered:
    """What an application answered."""

    status: int
    headers: dict[str, str]
    content: bytes

    @property
    def body(self) -> Any:
        return json.loads(self.content)


async def ask(
    app: ASGIApp,
    verb: str,
    target: str,
    body: object = None,
    *,
    bearer: str | None = None,
    headers: Mapping[str, str] | tuple[tuple[str, str], ...] = (),
    address: str = "192.0.2.1",
    enough: int | None = None,
) -> Answered:
    """Send one request to an application in this process; `enough` bytes, and the caller leaves."""
    path, _, query = target.partition("?")
    content = b"" if body is None else json.dumps(body).encode()
    sent = [("host", "mlplat.example.org"), *dict_items(headers)]
    if bearer is not None:
        sent.append(("authorization", f"Bearer {bearer}"))
    if verb != "GET":
        sent.append(("content-type", "application/json"))
    scope = {
        "type": "http",
        "method": verb,
        "path": path,
        "raw_path": path.encode("latin-1", "replace"),
        "query_string": query.encode(),
        "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in sent],
        "client": (address, 50000),
        "server": ("127.0.0.1", 80),
        "scheme": "http",
    }
    start: Message = {}
    pieces = bytearray()
    left = asyncio.Event()
    messages = [{"type": "http.request", "body": content, "more_body": False}]

    async def receive() -> Message:
        if messages:
            return messages.pop()
        await left.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            start.update(message)
            return
        pieces.extend(message.get("body", b""))
        if enough is not None and len(pieces) >= enough:
            left.set()

    await app(scope, receive, send)
    told = {name.decode(): value.decode() for name, value in start.get("headers", [])}
    return Answered(start.get("status", 0), told, bytes(pieces))


def dict_items(
    headers: Mapping[str, str] | tuple[tuple[str, str], ...],
) -> list[tuple[str, str]]:
    return list(headers.items()) if isinstance(headers, Mapping) else list(headers)
