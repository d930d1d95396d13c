"""Who asks, and of which profile: from a token that an issuer has signed, or a trusted proxy."""

import hmac
import ipaddress
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.requests import Request

from jupyter_mlplat.engine.api.keys import Keys
from jupyter_mlplat.engine.sharing import OidcConfig, ProxyConfig
from jupyter_mlplat.errors import InvalidInput, NotFound, Unauthenticated, Unavailable
from jupyter_mlplat.resources.routes import PROFILE_HEADER, PROFILES_PREFIX

if TYPE_CHECKING:
    from jwt import PyJWK

SECRET_HEADER = "Mlplat-Proxy-Secret"  # noqa: S105 - the name of a header

_LONGEST_TOKEN = 16 * 1024
_LONGEST_NAME = 253
_MOST_GROUPS = 200
_LEEWAY_S = 30  # clocks of machines that keep them
_SHORTEST_SECRET = 16
_ACCOUNT = re.compile(r"system:serviceaccount:([a-z0-9-]{1,63}):[a-z0-9.-]{1,253}")
_PROFILE = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_OTHER = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class User:
    """Somebody whose name is proved.

    Attributes:
        name: As the cluster knows it.
        groups: Likewise.
        expires_at: Unix time from which the proof is worth nothing; None: as long as it is shown.
    """

    name: str
    groups: tuple[str, ...] = ()
    expires_at: float | None = None

    @property
    def own_profile(self) -> str:
        """Name the profile that is meant where none is named. Grants nothing by itself.

        A service account's is its namespace; a person's has the name before the @.
        """
        if account := _ACCOUNT.fullmatch(self.name):
            return account.group(1)
        short = _OTHER.sub("-", self.name.partition("@")[0].lower()).strip("-")[:63].rstrip("-")
        if not short:
            raise InvalidInput(
                f"Cannot tell the profile of {self.name!r}. Name one: {PROFILES_PREFIX}/NAME/…, "
                f"or in the header {PROFILE_HEADER}."
            )
        return short


class Identities:
    """Tells who asks. Belongs to the event loop.

    Args:
        issuers: Whose tokens are believed, each with its keys.
        proxy: Who else is believed.
        now: Unix time.
    """

    def __init__(
        self,
        issuers: Iterable[tuple[OidcConfig, Keys]],
        proxy: ProxyConfig | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._issuers = {config.issuer: (config, keys) for config, keys in issuers}
        self._proxy = None if proxy is None else _Proxy(proxy)
        self._now = now

    async def of(self, request: Request) -> User:
        """Say who asks.

        Raises:
            Unauthenticated: Nobody who can prove it.
            Unavailable: It cannot be found out now.
        """
        if self._proxy is not None and (user := self._proxy.user_of(request)) is not None:
            return user
        given = request.headers.getlist("authorization")
        if not given:
            raise Unauthenticated("Say who asks: send a bearer token.")
        scheme, _, token = given[0].partition(" ")
        if len(given) > 1 or scheme.lower() != "bearer":
            raise Unauthenticated("Cannot tell who asks: needed one bearer token.")
        return await self._of_token(token.strip())

    async def _of_token(self, token: str) -> User:
        import jwt

        if not token or len(token) > _LONGEST_TOKEN:
            raise Unauthenticated(f"The token has {len(token)} characters: that is none.")
        try:
            header = jwt.get_unverified_header(token)
            issuer = jwt.decode(token, options={"verify_signature": False}).get("iss")
        except (jwt.PyJWTError, ValueError) as error:
            raise Unauthenticated("The token is no JSON Web Token.") from error
        config, keys = self._issuers.get(issuer if isinstance(issuer, str) else "", (None, None))
        if config is None or keys is None:
            raise Unauthenticated("The token is of an issuer that is not believed here.")
        if header.get("alg") not in config.algorithms:  # before any key is looked for
            raise Unauthenticated("The token is signed in a way that is not accepted here.")
        key = await keys.get(str(header.get("kid", "")))
        return _user_of(config, self._verified(config, key, token))

    def _verified(self, config: OidcConfig, key: "PyJWK", token: str) -> Mapping[str, Any]:
        import jwt

        try:
            # The times are compared below, by our own clock.
            claims: Mapping[str, Any] = jwt.decode(
                token,
                key.key,
                algorithms=list(config.algorithms),
                audience=config.audience,
                issuer=config.issuer,
                options={
                    "require": ["exp", "iss", "aud"],
                    "verify_exp": False,
                    "verify_nbf": False,
                    "verify_iat": False,
                },
            )
        except (jwt.PyJWTError, ValueError, TypeError) as error:
            raise Unauthenticated(f"The token proves nothing here: {error}.") from error
        now = self._now()
        if _number(claims, "exp") <= now - _LEEWAY_S:
            raise Unauthenticated("The token has expired. Get a new one.")
        if "nbf" in claims and _number(claims, "nbf") > now + _LEEWAY_S:
            raise Unauthenticated("The token holds from a later time on.")
        return claims


class _Proxy:
    """A proxy that is believed; whoever else sends its header is turned away."""

    def __init__(self, config: ProxyConfig) -> None:
        self._config = config
        self._networks = config.addresses

    def user_of(self, request: Request) -> User | None:
        """Return whom the proxy names; None: the header is not there.

        Raises:
            Unauthenticated: Not the proxy sends it, or it names nobody.
        """
        named = request.headers.getlist(self._config.user_header)
        if not named:
            return None
        if not self._is_proxy(request):
            raise Unauthenticated(
                f"The header {self._config.user_header!r} is the proxy's, and this is not the "
                "proxy. Send a bearer token."
            )
        if len(named) > 1:
            raise Unauthenticated("The proxy names two users.")
        groups = []
        if self._config.groups_header:
            for line in request.headers.getlist(self._config.groups_header):
                groups += [group.strip() for group in _text(line).split(",") if group.strip()]
        name = _text(named[0]).strip()
        return User(_plain_name(name), tuple(_plain_name(group) for group in groups[:_MOST_GROUPS]))

    def _is_proxy(self, request: Request) -> bool:
        if self._networks:
            try:
                address = ipaddress.ip_address(request.client.host if request.client else "")
            except ValueError:
                return False
            if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
                address = address.ipv4_mapped
            if not any(address in network for network in self._networks):
                return False
        if self._config.secret_file is None:
            return bool(self._networks)
        shown = request.headers.get(SECRET_HEADER, "")
        return hmac.compare_digest(shown.encode(), _read_secret(self._config.secret_file))


def profile_of(request: Request, path: str, user: User) -> tuple[str, str]:
    """Say which profile is meant, and what is asked for below it.

    Raises:
        NotFound: There can be no such profile.
        InvalidInput: Two are named.
    """
    named = request.headers.get(PROFILE_HEADER)
    if path.startswith(f"{PROFILES_PREFIX}/"):
        name, slash, rest = path.removeprefix(f"{PROFILES_PREFIX}/").partition("/")
        if named is not None and named != name:
            raise InvalidInput(f"The path names the profile {name!r}, the header {named!r}.")
        return _known_profile(name), slash + rest
    return _known_profile(user.own_profile if named is None else named), path


def _known_profile(name: str) -> str:
    if not name.isascii() or not _PROFILE.fullmatch(name):
        raise NotFound(f"There is no profile {name!r}.")
    return name


def _user_of(config: OidcConfig, claims: Mapping[str, Any]) -> User:
    name = claims.get(config.user)
    if not isinstance(name, str):
        raise Unauthenticated(f"The token has no {config.user!r}, which names the user.")
    if config.user == "email" and claims.get("email_verified") is False:
        raise Unauthenticated("The token's email address was never verified.")
    expires_at = _number(claims, "exp") + _LEEWAY_S
    if config.service_accounts:
        account = _ACCOUNT.fullmatch(name)
        if account is None:
            raise Unauthenticated("The token is of no service account.")
        namespace = f"system:serviceaccounts:{account.group(1)}"
        return User(name, ("system:serviceaccounts", namespace), expires_at)
    groups = claims.get(config.groups, ())
    groups = [groups] if isinstance(groups, str) else groups
    names = groups if isinstance(groups, Sequence) else ()
    return User(
        _plain_name(config.user_prefix + name),
        tuple(
            _plain_name(config.groups_prefix + group)
            for group in names[:_MOST_GROUPS]
            if isinstance(group, str)
        ),
        expires_at,
    )


def _plain_name(name: str) -> str:
    """Refuse what the cluster keeps for itself: nobody outside of it may be `system:masters`."""
    is_plain = name.isprintable() and name == name.strip() and 0 < len(name) <= _LONGEST_NAME
    if not is_plain or name.lower().startswith("system:"):
        raise Unauthenticated(f"{name[:80]!r} names nobody who may come from outside.")
    return name


def _number(claims: Mapping[str, Any], name: str) -> float:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Unauthenticated(f"The token's {name!r} is no time.")
    return float(value)


def _text(header: str) -> str:
    """Read a header as the UTF-8 that proxies send, which HTTP calls Latin-1."""
    try:
        return header.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return header


def _read_secret(path: Path) -> bytes:
    try:
        secret = path.read_bytes().strip()
    except OSError as error:
        raise Unavailable(
            f"Cannot check who asks: the proxy's secret cannot be read ({error.strerror})."
        ) from error
    if len(secret) < _SHORTEST_SECRET:
        raise Unavailable(
            f"Cannot check who asks: the proxy's secret has {len(secret)} bytes, at least "
            f"{_SHORTEST_SECRET} are needed."
        )
    return secret
