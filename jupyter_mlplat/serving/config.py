"""The orders of a model server: a JSON file that its launcher writes."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from jupyter_mlplat.serving.tensors import TensorSpec


@dataclass(frozen=True, slots=True)
class Config:
    """What to serve, where to listen, and the bounds.

    Attributes:
        directory: This process's own: the orders, `process.json`, `failure.json`, `link.sock`; its
            working directory. path: The model's file; `digest` is checked before anything in it is
            looked at. is_trusted: Code inside the file (a pickle, a predictor class, unknown skops
            types) may run. link: Unix socket for a router, relative to `directory`. http: Host and
            port for callers without a router in between. batch_rows: Most rows of several requests
            in one call of the model. request_rows: Most rows in one request. timeout_s: A call of
            the model that takes longer ends the process.
    """

    directory: Path
    endpoint: str
    revision: int
    model: str
    version: int
    format: str
    path: Path
    digest: str | None
    is_trusted: bool
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    release: str
    link: str | None
    http: tuple[str, int] | None
    batch_rows: int
    request_rows: int
    body_bytes: int
    timeout_s: float


def read_config(path: Path) -> Config:
    """Read the orders; what is left out has its default."""
    orders: dict[str, Any] = orjson.loads(path.read_bytes())
    signature: dict[str, Any] = orders.get("signature") or {}
    http = orders.get("http")
    return Config(
        directory=path.parent,
        endpoint=orders["endpoint"],
        revision=orders.get("revision", 1),
        model=orders.get("model", orders["endpoint"]),
        version=orders.get("version", 1),
        format=orders["format"],
        path=Path(orders["path"]),
        digest=orders.get("digest"),
        is_trusted=orders.get("trusted", False),
        inputs=tuple(TensorSpec.parse(spec) for spec in signature.get("inputs", ())),
        outputs=tuple(TensorSpec.parse(spec) for spec in signature.get("outputs", ())),
        release=orders.get("release", "0"),
        link=orders.get("link", "link.sock"),
        http=(http[0], http[1]) if http else None,
        batch_rows=orders.get("batch_rows", 1024),
        request_rows=orders.get("request_rows", 100_000),
        body_bytes=orders.get("body_bytes", 64 * 2**20),
        timeout_s=orders.get("timeout_s", 60.0),
    )


def parse_arguments(arguments: Sequence[str]) -> Config:
    parser = argparse.ArgumentParser(prog="python -m jupyter_mlplat.serving.server")
    parser.add_argument("--config", type=Path, required=True, help="JSON file with the orders")
    return read_config(parser.parse_args(arguments).config.absolute())
