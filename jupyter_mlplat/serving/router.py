"""The router of an endpoint: what listens on its port.

`python -m jupyter_mlplat.serving.router --directory DIR --listen-fd N` reads `routing.json` in the
endpoint's directory, keeps a link to each revision and divides requests among them. It looks into
no body. `router/control.sock` takes `POST /reload` (read the orders again; answered once they are
in force) and `GET /status`, from this user alone: it lies in a private directory.
"""

import argparse
import asyncio
import os
import re
import signal
import socket
import sys
import time
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any

import orjson

from jupyter_mlplat.serving import metrics
from jupyter_mlplat.serving.backends import Backend
from jupyter_mlplat.serving.exchange import Exchange, Refusal
from jupyter_mlplat.serving.http import HttpServer, Limits
from jupyter_mlplat.serving.process import announce
from jupyter_mlplat.serving.recent import Recent, Tally
from jupyter_mlplat.serving.routing import CONTROL, ROUTER, link_path, read_routing
from jupyter_mlplat.serving.splitting import TrafficSplit

_VERSION = re.compile(rb"^/v2/models/[^/]+/versions/(\d{1,9})(?:/|$)")
_RETRY_AFTER = b"retry-after: 1\r\n"


class Router:
    """Divides the requests of one endpoint among its revisions.

    Args:
        directory: The endpoint's, also the working directory of the process.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._backends: dict[int, Backend] = {}
        self._retiring: set[asyncio.Task[None]] = set()
        self._scrapes: set[asyncio.Task[None]] = set()
        self._requests = metrics.Counter(
            "mlplat_endpoint_requests_total", "Requests by revision and status."
        )
        self._seconds: dict[int, metrics.Histogram] = {}
        self._recent = Recent(time.monotonic())
        self._available: frozenset[int] = frozenset()
        self.routing = read_routing(directory)
        self._split = TrafficSplit(self.routing.percent)
        self.reload()

    def reload(self) -> None:
        """Bring the orders of `routing.json` into force; nothing under way is lost."""
        routing = read_routing(self._directory)
        if routing.percent != self.routing.percent:
            self._split = TrafficSplit(routing.percent)
        self.routing = routing
        for revision in self._backends.keys() - routing.versions.keys():
            _run(self._backends.pop(revision).retire(), self._retiring)
        for revision in routing.versions.keys() - self._backends.keys():
            self._backends[revision] = Backend(
                revision, link_path(revision), routing.timeout_s, self._observe, self._refresh
            )
        self._refresh()

    def _refresh(self) -> None:
        self._available = frozenset(n for n, b in self._backends.items() if b.is_ready)

    # requests
    def handle(self, exchange: Exchange) -> None:
        """Answer a request, or pass it on to a revision."""
        target = exchange.target
        if exchange.method != b"POST" and target in (b"/metrics", b"/v2/health/live"):
            if target == b"/metrics":
                _run(self._answer_metrics(exchange), self._scrapes)
            else:
                exchange.answer(b'{"live":true}')
            return
        try:
            backend = self._choose(exchange)
        except Refusal as refusal:
            exchange.refuse(refusal, _RETRY_AFTER if refusal.status == 503 else b"")
            self._requests.add(
                endpoint=self.routing.endpoint, revision="none", status=refusal.status
            )
        else:
            backend.send(exchange)

    def _choose(self, exchange: Exchange) -> Backend:
        if b"/versions/" in exchange.target and (match := _VERSION.match(exchange.target)):
            return self._of_version(int(match[1]))
        if exchange.method == b"POST":
            revision = self._split.choose(self._available)
        else:  # a description is no prediction: it must not use up a share
            revision = next((n for n in self._split.percent if n in self._available), None)
        if revision is None:
            raise Refusal(
                503,
                f"No revision of endpoint {self.routing.endpoint!r} is ready. It is being started; "
                "send the request again in a moment.",
            )
        return self._backends[revision]

    def _of_version(self, version: int) -> Backend:
        revisions = [n for n, found in self.routing.versions.items() if found == version]
        if not revisions:
            known = ", ".join(str(found) for found in sorted(set(self.routing.versions.values())))
            raise Refusal(
                404,
                f"Endpoint {self.routing.endpoint!r} does not serve version {version}; "
                f"it serves {known or 'none'}.",
            )
        for revision in reversed(revisions):
            if revision in self._available:
                return self._backends[revision]
        raise Refusal(503, f"Version {version} is being started; send the request again.")

    def _observe(self, revision: int, status: int, seconds: float) -> None:
        endpoint = self.routing.endpoint
        self._requests.add(endpoint=endpoint, revision=revision, status=status)
        histogram = self._seconds.get(revision)
        if histogram is None:
            histogram = self._seconds[revision] = metrics.Histogram(
                "mlplat_endpoint_request_seconds",
                "Time from a whole request to its answer, at the router.",
                metrics.SECONDS,
                endpoint=endpoint,
                revision=revision,
            )
        histogram.observe(seconds)

    # looking after itself
    async def watch_time(self) -> None:
        """Once a second and for ever: answer for revisions that do not, remember what was."""
        while True:
            await asyncio.sleep(1.0)
            for backend in self._backends.values():
                backend.give_up_late()
            now = time.monotonic()
            if self._recent.is_due(now):
                self._recent.add(now, self._tallies())

    def _tallies(self) -> dict[int, Tally]:
        """Count what each revision has answered since this router began."""
        refused: dict[object, int] = {}
        failed: dict[object, int] = {}
        for (_, revision, status), count in self._requests.values.items():
            counts = failed if int(str(status)) >= 500 else refused
            if int(str(status)) >= 400:
                counts[revision] = counts.get(revision, 0) + count
        return {
            revision: Tally(histogram.counts, refused.get(revision, 0), failed.get(revision, 0))
            for revision, histogram in self._seconds.items()
        }

    def _unrouted(self) -> int:
        return sum(
            count for (_, revision, _), count in self._requests.values.items() if revision == "none"
        )

    async def _answer_metrics(self, exchange: Exchange) -> None:
        probes = [_Probe() for _ in self._available]
        for probe, revision in zip(probes, self._available, strict=True):
            self._backends[revision].send(probe, is_counted=False)
        texts = [metrics.exposition((self._requests,))]
        texts += [metrics.exposition((histogram,)) for histogram in self._seconds.values()]
        # 2 s: a scrape must not hang on a model that is busy; its numbers come next time.
        done, _ = (
            await asyncio.wait([p.response for p in probes], timeout=2.0) if probes else ((), ())
        )
        texts += [body for task in done if (body := task.result())]
        exchange.answer(metrics.merge(texts), content_type=metrics.CONTENT_TYPE)

    # control
    def handle_control(self, exchange: Exchange) -> None:
        """Serve the control socket."""
        match exchange.method, exchange.target:
            case b"POST", b"/reload":
                try:
                    self.reload()
                except (OSError, ValueError, KeyError) as error:
                    exchange.refuse(Refusal(400, f"Cannot read the routing: {error!r}."))
                    return
                answer = self._status()
            case b"GET", b"/status":
                answer = self._status()
            case b"GET", b"/load":
                answer = self._recent.report(time.monotonic(), self._tallies())
                answer["unrouted"] = self._unrouted()
            case _:
                exchange.refuse(
                    Refusal(404, "The control socket knows /reload, /status and /load.")
                )
                return
        exchange.answer(orjson.dumps(answer))

    def _status(self) -> dict[str, Any]:
        return {
            "ready": sorted(self._available),
            "percent": {str(n): p for n, p in self.routing.percent.items()},
            "pending": {str(n): b.pending for n, b in self._backends.items()},
            "retiring": len(self._retiring),
        }


def _run(work: Coroutine[None, None, None], tasks: set[asyncio.Task[None]]) -> None:
    """Run something beside the rest, held by a set for as long as it runs."""
    task = asyncio.create_task(work)
    tasks.add(task)
    task.add_done_callback(tasks.discard)


class _Probe(Exchange):
    """A request of the router's own for a revision's metrics."""

    __slots__ = ("response",)

    def __init__(self) -> None:
        super().__init__(b"GET", b"/metrics", {}, b"")
        self.response: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def send(self, response: bytes, status: int) -> None:
        if not self.response.done():
            self.response.set_result(response.partition(b"\r\n\r\n")[2] if status == 200 else b"")


async def serve(directory: Path, listener: socket.socket) -> None:
    """Serve until SIGTERM; then answer what has been asked and return."""
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stopped.set)
    router = Router(directory)
    http = HttpServer(router.handle, limits=Limits(body_bytes=router.routing.body_bytes))
    # The control socket is a file in a private directory: who may open it needs no further check.
    control = HttpServer(router.handle_control, is_allowed_host=lambda host: True)
    control_path = f"{ROUTER}/{CONTROL}"
    Path(control_path).unlink(missing_ok=True)
    controlling = await loop.create_unix_server(control.protocol, control_path)
    listening = await loop.create_server(http.protocol, sock=listener, backlog=1024)
    chores = [
        asyncio.create_task(work()) for work in (http.sweep, control.sweep, router.watch_time)
    ]
    await stopped.wait()
    listening.close()
    controlling.close()
    await http.drain(timeout_s=10.0)
    for chore in chores:
        chore.cancel()


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m jupyter_mlplat.serving.router")
    parser.add_argument("--directory", type=Path, required=True, help="the endpoint's directory")
    parser.add_argument("--listen-fd", type=int, required=True, help="bound socket, inherited")
    options = parser.parse_args(arguments)
    directory: Path = options.directory.absolute()
    announce(directory / ROUTER)
    os.chdir(directory)
    listener = socket.socket(fileno=options.listen_fd)
    import uvloop

    uvloop.run(serve(directory, listener))
    return 0


if __name__ == "__main__":
    sys.exit(main())
