"""The words by which a notebook server is asked for, in a terminal and in a notebook."""

import argparse
from argparse import Namespace
from typing import Any

from jupyter_mlplat.errors import InvalidInput


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what may be chosen for a new server; what is not given is as its kind says."""
    parser.add_argument("--kind", metavar="KIND", help="one of `servers kinds`; the first of them")
    parser.add_argument("--image", metavar="IMAGE", help="one of the kind's, by name or in full")
    parser.add_argument("--gpu", metavar="[NAME:]N", help="GPUs: 1, 0 for none, a100:2")
    parser.add_argument("--cpu", metavar="N", help="cores: 2, 500m")
    parser.add_argument("--memory", metavar="SIZE", help="such as 8Gi")
    parser.add_argument("--home-size", metavar="SIZE", help="of a home that is yet to be made")
    for name, dest, metavar, about in (
        ("--volume", "volumes", "CLAIM=/PLACE[:ro]", "mount this volume claim, too"),
        ("--env", "env", "NAME=VALUE", "a variable it finds"),
        ("--preset", "presets", "NAME", "let this PodDefault hold"),
    ):
        parser.add_argument(
            name, dest=dest, metavar=metavar, action="append", default=[], help=about
        )
    parser.add_argument("--spot", action="store_true", help="on machines that may be taken away")
    parser.add_argument("--cull-after", metavar="TIME", help="stop it when idle so long: 2h, never")
    parser.add_argument("--max-lifetime", metavar="TIME", help="stop it after so long: 12h, never")


def request_of(name: str, kind: str, options: Namespace) -> dict[str, Any]:
    """Make the request of what was typed.

    Raises:
        InvalidInput: It cannot be understood.
    """
    # Here, not above: the options are described before anything of the engine's is needed.
    from jupyter_mlplat.client.references import parse_pairs

    chosen = {
        "image": options.image,
        "resources": {"cpu": options.cpu, "memory": options.memory},
        "gpu": None if options.gpu is None else _gpu(options.gpu),
        "home": options.home_size,
        "volumes": [_volume(text) for text in options.volumes],
        "env": parse_pairs(options.env),
        "presets": options.presets,
        "spot": options.spot,
    }
    return {
        "name": name,
        "kind": kind,
        "options": chosen,
        "cull_after": options.cull_after,
        "max_lifetime": options.max_lifetime,
    }


def _gpu(text: str) -> dict[str, Any]:
    name, _, count = text.rpartition(":")
    if not count.isdecimal():
        raise InvalidInput(
            f"Cannot use --gpu {text!r}: needed a number, or which and how many: 1, a100:2."
        )
    return {"name": name or None, "count": int(count)}


def _volume(text: str) -> dict[str, Any]:
    claim, _, place = text.partition("=")
    path, _, mode = place.partition(":")
    if not claim or not path.startswith("/") or mode not in ("", "ro", "rw"):
        raise InvalidInput(
            f"Cannot use --volume {text!r}: needed CLAIM=/PLACE, such as data=/data, or "
            "data=/data:ro for reading only."
        )
    return {"claim": claim, "mount": path, "writable": mode != "ro"}
