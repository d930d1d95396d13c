"""Which addresses a webhook may reach. Pure; resolving and sending is the engine's."""

import hashlib
import hmac
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from jupyter_mlplat.errors import InvalidInput

_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Target:
    """Where a webhook goes."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


def check_url(url: str) -> Target:
    """Read an address.

    Raises:
        InvalidInput: It is none of HTTP, has credentials in it, or holds what no address holds.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise InvalidInput(f"Cannot use the webhook {url!r}: {error}.") from error
    if parts.scheme not in _PORTS or not host:
        raise InvalidInput(
            f"Cannot use the webhook {url!r}: an address such as https://example.org/hook is "
            "needed."
        )
    if parts.username or parts.password:
        raise InvalidInput(
            f"Cannot use the webhook to {host!r}: its address holds a name or a password. Leave "
            "them out, and let `key_file` sign what is sent."
        )
    if any(sign <= " " or sign == "\x7f" for sign in url) or "\\" in url or not url.isascii():
        raise InvalidInput(
            f"Cannot use the webhook {url!r}: it holds blanks, backslashes or letters beyond "
            "ASCII. Percent-encode them."
        )
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(parts.scheme, host, port or _PORTS[parts.scheme], path)


def is_public(address: str) -> bool:
    """Tell whether an address belongs to the open internet, however it is dressed up."""
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        inner = found.ipv4_mapped or found.sixtofour or (found.teredo and found.teredo[1])
        is_translated = found in ipaddress.ip_network("64:ff9b::/96")
        if is_translated:
            inner = ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)
        if inner:
            return is_public(str(inner))
    return found.is_global and not found.is_multicast and not found.is_reserved


def check_addresses(target: Target, addresses: Sequence[str], allowed: Sequence[str]) -> str:
    """Return the address to connect to.

    Args:
        target: Where the webhook goes.
        addresses: What its host resolves to: all of them must be allowed.
        allowed: Hosts, addresses and networks that may be private, from the engine's settings.

    Raises:
        InvalidInput: An address is private.
    """
    if not addresses:
        raise InvalidInput(f"Cannot reach the webhook: {target.host!r} has no address.")
    for address in addresses:
        if not (target.host in allowed or is_public(address) or _is_within(address, allowed)):
            raise InvalidInput(
                f"Cannot use the webhook to {target.host!r}: {address} is a private address. "
                "Use one of the open internet, or allow it with webhook_allow in the engine's "
                "config.toml.",
                host=target.host,
            )
    return addresses[0]


def _is_within(address: str, allowed: Sequence[str]) -> bool:
    found = ipaddress.ip_address(address.partition("%")[0])
    for text in allowed:
        try:
            if found in ipaddress.ip_network(text, strict=False):
                return True
        except ValueError:  # a host's name
            continue
    return False


def signature(key: bytes, body: bytes) -> str:
    """Sign what is sent, so that who gets it knows where it is from."""
    return "sha256=" + hmac.new(key, body, hashlib.sha256).hexdigest()
