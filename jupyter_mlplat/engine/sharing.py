"""What can be set for an engine that many people share: `[server]` of its `config.toml`.

    [server]
    address = "0.0.0.0:8787"        # where it listens, beside its Unix socket
    hosts = ["mlplat.example.org"]  # names it answers to, without port; none: any
    tls_cert = "/etc/tls/tls.crt"   # read again when they change
    tls_key = "/etc/tls/tls.key"
    plain = false                   # true: something in front of it speaks TLS
    local = false                   # true: work of all profiles may run in this very container
    requests_per_second = 50        # of one user; ten times as many at once
    profiles_open = 200             # at once; others are told to wait
    idle_close_minutes = 15         # then an idle profile is put away until somebody asks for it
    database = "postgresql://mlplat@db/mlplat"  # metadata; the password comes by PGPASSFILE.
                                    # Without it each profile has a file of SQLite

    [server.oidc]                   # or several: [[server.oidc]]
    issuer = "https://login.example.org"
    audience = "mlplat"
    keys = "https://login.example.org/jwks"  # by default the issuer's discovery document says
    algorithms = ["RS256", "ES256"]
    user = "sub"                    # the claim that names the user
    groups = "groups"               # the claim that lists groups
    user_prefix = ""                # put before user names, as the cluster does it
    groups_prefix = ""
    service_accounts = false        # true: the issuer is the cluster itself
    ca = "/etc/ca.crt"              # to trust for the issuer
    token_file = "/var/run/…/token" # to show to the issuer, where it asks for one

    [server.proxy]                  # a proxy that says who asks; off unless set
    user_header = "kubeflow-userid"
    groups_header = ""
    addresses = ["10.0.0.7/32"]     # where it calls from
    secret_file = "/etc/proxy/key"  # what it must send as Mlplat-Proxy-Secret

Without the table nothing listens on the network, and the engine belongs to one user.
"""

import ipaddress
import tomllib
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from jupyter_mlplat.errors import InvalidInput

ALGORITHMS = frozenset(
    {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
)
"""Signatures with a public key. With a shared secret, whoever can check a token can forge one."""

_LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})


def safe_url(url: str) -> str:
    """Refuse an address whose answers somebody on the way could change.

    Raises:
        ValueError: It is neither https:// nor on this machine.
    """
    parts = urlsplit(url)
    is_plain = parts.scheme == "http" and parts.hostname in _LOCAL_HOSTS
    if not parts.hostname or not (parts.scheme == "https" or is_plain):
        raise ValueError(f"needed an https:// address, found {url!r}")
    return url


def _public(algorithm: str) -> str:
    if algorithm not in ALGORITHMS:
        raise ValueError(
            f"{algorithm!r} is no signature with a public key; there are {sorted(ALGORITHMS)}"
        )
    return algorithm


def _place(address: str) -> str:
    host, _, port = address.rpartition(":")
    if not (host and port.isdigit() and int(port) < 2**16):
        raise ValueError(f"needed host:port, such as '0.0.0.0:8787', found {address!r}")
    return address


_Url = Annotated[str, AfterValidator(safe_url)]


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class OidcConfig(_Table):
    """An issuer whose tokens are believed."""

    issuer: _Url
    audience: str = Field(min_length=1)
    keys: _Url | None = None
    algorithms: tuple[Annotated[str, AfterValidator(_public)], ...] = Field(
        default=("RS256", "ES256"), min_length=1
    )
    user: str = "sub"
    groups: str = "groups"
    user_prefix: str = ""
    groups_prefix: str = ""
    service_accounts: bool = False
    ca: Path | None = None
    token_file: Path | None = None


class ProxyConfig(_Table):
    """A proxy that is believed when it says who asks."""

    user_header: str = Field(min_length=1)
    groups_header: str = ""
    addresses: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...] = ()
    secret_file: Path | None = None


class ServerConfig(_Table):
    """How an engine is shared."""

    address: Annotated[str, AfterValidator(_place)]
    hosts: tuple[str, ...] = ()
    tls_cert: Path | None = None
    tls_key: Path | None = None
    plain: bool = False
    local: bool = False
    requests_per_second: float = Field(default=50.0, gt=0)
    profiles_open: int = Field(default=200, ge=1)
    idle_close_minutes: float = Field(default=15.0, gt=0)
    database: str | None = Field(default=None, pattern=r"^postgres(ql)?://")
    oidc: tuple[OidcConfig, ...] = ()
    proxy: ProxyConfig | None = None

    @property
    def host(self) -> str:
        return self.address.rpartition(":")[0].strip("[]")

    @property
    def port(self) -> int:
        return int(self.address.rpartition(":")[2])


def read_server(path: Path) -> ServerConfig | None:
    """Read how an engine is shared; None: it is not.

    Raises:
        InvalidInput: The settings are wrong, or would let in whoever comes.
    """
    try:
        table = tomllib.loads(path.read_text("utf-8")).get("server")
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise InvalidInput(f"Cannot read the settings in {str(path)!r}: {error}") from error
    if table is None:
        return None
    if isinstance(table, dict) and isinstance(table.get("oidc"), dict):
        table = {**table, "oidc": [table["oidc"]]}
    try:
        config = ServerConfig.model_validate(table)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in ("server", *fault["loc"]))
        raise InvalidInput(f"Cannot read {place} from {str(path)!r}: {fault['msg']}.") from error
    _refuse_open_doors(config, path)
    return config


def _refuse_open_doors(config: ServerConfig, path: Path) -> None:
    if not config.oidc and config.proxy is None:
        raise InvalidInput(
            f"Cannot share the engine as {str(path)!r} says: nothing tells who asks. "
            "Add [server.oidc] or [server.proxy]."
        )
    proxy = config.proxy
    if proxy is not None and not proxy.addresses and proxy.secret_file is None:
        raise InvalidInput(
            f"Cannot believe the proxy of {str(path)!r}: anybody could send its header. "
            "Set addresses, secret_file or both below [server.proxy]."
        )
    if (config.tls_cert is None) != (config.tls_key is None):
        raise InvalidInput(
            f"Cannot serve TLS as {str(path)!r} says: tls_cert and tls_key belong together."
        )
    if config.tls_cert is None and not config.plain and config.host not in _LOCAL_HOSTS:
        raise InvalidInput(
            f"Cannot listen on {config.address!r} without TLS: tokens would be readable on the "
            "way. Set tls_cert and tls_key, or plain = true where something in front speaks TLS."
        )
