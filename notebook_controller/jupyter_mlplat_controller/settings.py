"""How the controller is set up: by environment variables, each also a flag."""

import argparse
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Literal, Self, get_args, get_origin

from jupyter_mlplat.kit.quantities import parse_duration

PREFIX = "MLPLAT_CONTROLLER_"


def _said(default: Any, words: str) -> Any:
    return field(default=default, metadata={"words": words})


@dataclass(frozen=True, slots=True)
class Settings:
    """Every field is a variable `MLPLAT_CONTROLLER_FIELD` and a flag `--field`."""

    namespace: str = _said("", "Serve this namespace only; empty: all.")
    own_namespace: str = _said("jupyter-mlplat", "Where the controller itself runs.")
    identity: str = _said("", "Who holds the lease; empty: the host's name and the process's id.")
    lease: str = _said("jupyter-mlplat-controller", "Name of the lease; empty: no election.")
    lease_s: float = _said(15.0, "A holder that is silent for so long has lost it.")
    port: int = _said(8080, "Serves /healthz, /readyz and /metrics; 0: does not.")
    workers: int = _said(16, "Objects that are reconciled at once.")
    requests_per_s: float = _said(400.0, "To the API server, in the long run.")
    silence_s: float = _said(45.0, "A watch that is silent for so long is followed by a list.")
    relist_s: float = _said(1800.0, "Lists follow at least so often.")

    cluster_domain: str = _said("cluster.local", "As in the names of Services.")
    culling: bool = _said(True, "Stop servers that are idle, by the rules of their kinds.")
    cull_after: str = _said("", "For servers without a kind: idle for so long; empty: never.")
    warn_before: str = _said("10m", "For servers without a kind: tell so long before.")
    max_lifetime: str = _said("", "For servers without a kind; empty: no limit.")
    check_every: str = _said("1m", "How often servers are asked whether they are idle.")
    fs_group: int = _said(100, "Group that owns the volumes of handwritten pods; 0: none is set.")
    run_as_user: int = _said(0, "User of handwritten pods that name none; 0: the image's.")

    handwritten: bool = _said(True, "Accept Notebooks without a kind, as far as is restricted.")
    images: tuple[str, ...] = _said(("*",), "Patterns of images that handwritten pods may use.")
    secrets: tuple[str, ...] = _said(("*",), "Patterns of secrets that handwritten pods may use.")
    accounts: tuple[str, ...] = _said(
        ("default", "default-editor", "default-viewer"),
        "Service accounts that handwritten pods may name.",
    )
    annotations: tuple[str, ...] = _said((), "Patterns of annotations passed on to pods.")

    network_policy: bool = _said(True, "Let only the namespaces below reach a server.")
    reach_from: tuple[str, ...] = _said((), "Namespaces a server is reached from, as gateways'.")
    reach_own: bool = _said(True, "Whether pods of its own namespace reach a server.")
    route: Literal["none", "ingress", "gateway"] = _said("none", "What routes lead to servers.")
    host: str = _said("", "Host of the routes; {namespace} and {name} stand for the server's.")
    gateway: str = _said("", "NAMESPACE/NAME of the Gateway.")
    ingress_class: str = _said("", "Class of the Ingresses; empty: the cluster's default.")
    tls_secret: str = _said("", "Secret with the certificate of Ingresses.")

    profiles: bool = _said(False, "Look after Profiles; the overlay profiles has the rights.")
    workspaces: bool = _said(False, "Look after Workspaces; every overlay has the rights.")
    engine_port: int = _said(8787, "Where the engine listens; profiles' walls let it through.")
    api_server: tuple[str, ...] = _said((), "Its addresses, for profiles that ask for it: CIDRs.")

    @property
    def check_every_s(self) -> float:
        """How often servers are asked whether they are idle."""
        return parse_duration(self.check_every)

    @classmethod
    def read(
        cls, arguments: Sequence[str] = (), environment: Mapping[str, str] | None = None
    ) -> Self:
        """Read settings: flags before variables before defaults.

        Raises:
            SystemExit: A flag or a variable cannot be used; which and why was printed.
        """
        around = os.environ if environment is None else environment
        parser = argparse.ArgumentParser(
            prog="python -m jupyter_mlplat_controller",
            description="The controller of notebook servers. Lists are separated by commas.",
        )
        for each in fields(cls):
            variable = PREFIX + each.name.upper()
            parser.add_argument(
                f"--{each.name.replace('_', '-')}",
                type=_reader(each.type),
                default=around.get(variable, each.default),  # argparse reads texts by the type
                metavar=each.name.rsplit("_", 1)[-1].upper(),
                help=f"{each.metadata['words']} [{variable}]".replace("%", "%%"),
            )
        found = cls(**vars(parser.parse_args(list(arguments))))
        for name in ("cull_after", "warn_before", "max_lifetime", "check_every"):
            value = getattr(found, name)
            try:
                parse_duration(value or "1s")
            except ValueError as error:
                parser.error(f"{name.replace('_', '-')}: {error}")
        if found.route == "gateway" and "/" not in found.gateway:
            parser.error("route gateway needs --gateway NAMESPACE/NAME")
        return found


def _reader(kind: Any) -> Any:
    if kind is bool:
        return _truth
    if get_origin(kind) is tuple:
        return _words
    if get_origin(kind) is Literal:
        return _one_of(get_args(kind))
    return kind


def _truth(text: str) -> bool:
    if text.lower() in ("true", "1", "yes", "on"):
        return True
    if text.lower() in ("false", "0", "no", "off"):
        return False
    raise argparse.ArgumentTypeError(f"{text!r} is neither true nor false")


def _words(text: str) -> tuple[str, ...]:
    return tuple(word for word in (part.strip() for part in text.split(",")) if word)


def _one_of(choices: Sequence[str]) -> Any:
    def read(text: str) -> str:
        if text not in choices:
            raise argparse.ArgumentTypeError(f"{text!r} is none of {', '.join(choices)}")
        return text

    return read
