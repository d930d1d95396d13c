"""The model server: one process, one revision of an endpoint, one loaded model.

`python -m jupyter_mlplat.serving.server --config FILE` reads its orders from a file (see `Config`),
loads the model and only then opens its sockets: whoever can connect may send requests. A model that
cannot be loaded ends the process with status 3 and the reason in `failure.json` beside the orders.
"""

import asyncio
import faulthandler
import gc
import io
import os
import signal
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import orjson

from jupyter_mlplat.serving import metrics, v1, v2
from jupyter_mlplat.serving.batching import Batcher, Job
from jupyter_mlplat.serving.config import Config, parse_arguments
from jupyter_mlplat.serving.exchange import Exchange, Refusal
from jupyter_mlplat.serving.http import HttpServer, Limits
from jupyter_mlplat.serving.link import BINARY_HEADER, LinkServer
from jupyter_mlplat.serving.loading import ModelNotLoadable, load
from jupyter_mlplat.serving.models import Model
from jupyter_mlplat.serving.payloads import Outputs
from jupyter_mlplat.serving.process import NOT_LOADABLE, announce

EXTENSIONS = ["binary_tensor_data"]


class ModelServer:
    """Answers V1 and V2 for one model.

    Args:
        config: Names, version and bounds.
        model: Loaded.
    """

    def __init__(self, config: Config, model: Model) -> None:
        self._config = config
        self._model = model
        self._version = str(config.version)
        self._mark = b"x-mlplat-revision: %d\r\n" % config.revision
        self._requests = metrics.Counter(
            "mlplat_model_requests_total", "Inference requests by protocol and status."
        )
        labels = {"endpoint": config.endpoint, "revision": config.revision}
        self._labels = labels
        self._calls = metrics.Histogram(
            "mlplat_model_predict_seconds",
            "Time in the model, a call; a call may serve several requests.",
            metrics.SECONDS,
            **labels,
        )
        self._batches = metrics.Histogram(
            "mlplat_model_batch_rows", "Rows in one call of the model.", metrics.ROWS, **labels
        )
        self._batcher = Batcher(model, config.batch_rows, config.timeout_s, self._observe)
        base = config.endpoint.encode()
        self._predict_targets = {b"/v1/models/%b:predict" % base: self._predict_v1}
        self._gets: dict[bytes, Callable[[], bytes]] = {
            b"/v1/models": lambda: orjson.dumps({"models": [config.endpoint]}),
            b"/v1/models/" + base: lambda: orjson.dumps({"name": config.endpoint, "ready": True}),
            b"/v2": self._server_metadata,
            b"/v2/health/live": lambda: b'{"live":true}',
            b"/v2/health/ready": lambda: b'{"ready":true}',
        }
        for path in (
            b"/v2/models/" + base,
            b"/v2/models/%b/versions/%d" % (base, config.version),
        ):
            self._gets[path] = self._model_metadata
            self._gets[path + b"/ready"] = self._model_ready
            self._predict_targets[path + b"/infer"] = self._predict_v2

    def handle(self, exchange: Exchange) -> None:
        """Answer a request, now or when the model has."""
        target = exchange.target.partition(b"?")[0]
        path = target.rstrip(b"/")
        try:
            if predict := self._predict_targets.get(path):
                if exchange.method != b"POST":
                    raise Refusal(405, "Cannot predict by GET: send the rows in a POST.")
                predict(exchange)
                return
            if path == b"/metrics":
                self._check_get(exchange)
                exchange.answer(self._metrics(), content_type=metrics.CONTENT_TYPE)
                return
            describe = self._gets.get(path)
            if describe is None:
                raise Refusal(404, self._unknown(target))
            self._check_get(exchange)
            exchange.answer(describe(), extra=self._mark)
        except Refusal as refusal:
            exchange.refuse(refusal, self._mark)

    @staticmethod
    def _check_get(exchange: Exchange) -> None:
        if exchange.method not in (b"GET", b"HEAD"):
            raise Refusal(405, "Cannot change this: it is only read, by GET.")

    def _unknown(self, target: bytes) -> str:
        shown = target.decode("latin-1")[:200]
        return (
            f"Cannot find {shown!r}: this endpoint serves model {self._config.endpoint!r} "
            f"version {self._version} at /v2/models/{self._config.endpoint}/infer and "
            f"/v1/models/{self._config.endpoint}:predict."
        )

    async def drain(self, timeout_s: float) -> None:
        """Wait until every request taken is answered."""
        deadline = time.monotonic() + timeout_s
        while not self._batcher.is_idle and time.monotonic() < deadline:
            await asyncio.sleep(0.01)

    # predicting
    def _predict_v1(self, exchange: Exchange) -> None:
        payload = v1.decode(exchange.body)
        self._check_rows(len(payload.instances))
        self._batcher.submit(Job(payload, partial(self._answer_v1, exchange)))

    def _answer_v1(self, exchange: Exchange, outcome: Outputs | Refusal) -> None:
        if not isinstance(outcome, Refusal):
            try:
                exchange.answer(v1.encode(outcome), extra=self._mark)
            except TypeError as error:
                outcome = Refusal(500, f"Cannot write the model's answer as JSON: {error}.")
        self._finish("v1", exchange, outcome)

    def _predict_v2(self, exchange: Exchange) -> None:
        request = v2.decode(exchange.body, exchange.headers.get(BINARY_HEADER, b""))
        job = Job(request.payload, partial(self._answer_v2, exchange, request))
        self._check_rows(job.rows)
        self._batcher.submit(job)

    def _answer_v2(
        self, exchange: Exchange, request: v2.InferenceRequest, outcome: Outputs | Refusal
    ) -> None:
        if not isinstance(outcome, Refusal):
            try:
                body, content_type, extra = v2.encode(
                    self._config.endpoint, self._version, request, outcome
                )
                exchange.answer(body, content_type=content_type, extra=extra + self._mark)
            except TypeError as error:
                outcome = Refusal(500, f"Cannot write the model's answer as JSON: {error}.")
        self._finish("v2", exchange, outcome)

    def _finish(self, protocol: str, exchange: Exchange, outcome: Outputs | Refusal) -> None:
        status = outcome.status if isinstance(outcome, Refusal) else 200
        if isinstance(outcome, Refusal):
            exchange.refuse(outcome, self._mark)
        self._requests.add(**self._labels, protocol=protocol, status=status)

    def _check_rows(self, rows: int) -> None:
        if rows > self._config.request_rows:
            raise Refusal(
                413,
                f"Cannot predict {rows} rows at once, at most {self._config.request_rows}. "
                "Send fewer rows a request.",
            )

    def _observe(self, rows: int, seconds: float) -> None:
        self._calls.observe(seconds)
        self._batches.observe(rows)

    # describing
    def _server_metadata(self) -> bytes:
        return orjson.dumps(
            {"name": "jupyter-mlplat", "version": self._config.release, "extensions": EXTENSIONS}
        )

    def _model_metadata(self) -> bytes:
        return orjson.dumps(
            {
                "name": self._config.endpoint,
                "versions": [self._version],
                "platform": self._model.platform,
                "inputs": [spec.to_wire() for spec in self._model.inputs],
                "outputs": [spec.to_wire() for spec in self._model.outputs],
            }
        )

    def _model_ready(self) -> bytes:
        return orjson.dumps({"name": self._config.endpoint, "ready": True})

    def _metrics(self) -> bytes:
        return metrics.exposition((self._requests, self._calls, self._batches))


async def serve(config: Config, model: Model) -> None:
    """Listen until SIGTERM; then answer what has been asked and return."""
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stopped.set)
    server = ModelServer(config, model)
    links: set[LinkServer] = set()
    http = HttpServer(server.handle, limits=Limits(body_bytes=config.body_bytes))
    sweeper = asyncio.create_task(http.sweep())
    listeners = []
    if config.link is not None:
        Path(config.link).unlink(missing_ok=True)
        listeners.append(
            await loop.create_unix_server(partial(LinkServer, server.handle, links), config.link)
        )
    if config.http is not None:
        listeners.append(await loop.create_server(http.protocol, config.http[0], config.http[1]))
    await stopped.wait()
    for listener in listeners:
        listener.close()
    await server.drain(timeout_s=5.0)
    await http.drain(timeout_s=1.0)
    deadline = time.monotonic() + 1.0
    for link in list(links):
        link.close()
    while links and time.monotonic() < deadline:
        await asyncio.sleep(0.01)
    sweeper.cancel()


def main(arguments: list[str] | None = None) -> int:
    config = parse_arguments(sys.argv[1:] if arguments is None else arguments)
    announce(config.directory)
    os.chdir(config.directory)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)  # what a model prints is in its log at once
    try:
        model = load(config)
    except ModelNotLoadable as error:
        failure: dict[str, Any] = {"message": str(error)}
        (config.directory / "failure.json").write_bytes(orjson.dumps(failure))
        sys.stderr.write(f"{error}\n")
        return NOT_LOADABLE
    faulthandler.register(signal.SIGALRM, chain=True)  # a model that hangs leaves its traceback
    gc.collect()
    gc.freeze()  # what is loaded now stays: the collector need not look at it again
    import uvloop

    uvloop.run(serve(config, model))
    return 0


if __name__ == "__main__":
    sys.exit(main())
