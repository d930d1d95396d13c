"""A revision as the router sees it: a link that comes and goes, and the requests under way."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count

from jupyter_mlplat.serving.exchange import Exchange, Refusal
from jupyter_mlplat.serving.link import LinkClient, encode_request

CONNECT_FIRST_S = 0.01
CONNECT_LAST_S = 0.25
MOST_PENDING = 4096

_counted = count()


@dataclass(frozen=True, slots=True)
class Pending:
    """A request under way."""

    exchange: Exchange
    started: float
    is_counted: bool


class Backend:
    """One revision. Connects by itself, for as long as it is not retired.

    A model server opens its socket when its model is loaded: being connected is being ready.

    Args:
        revision: Its number.
        path: Its socket.
        timeout_s: How long an answer may take.
        observe: Hears of each answer: revision, status, seconds.
        changed: Called when it has become ready, or no longer is.
    """

    def __init__(
        self,
        revision: int,
        path: str,
        timeout_s: float,
        observe: Callable[[int, int, float], None],
        changed: Callable[[], None],
    ) -> None:
        self.revision = revision
        self.timeout_s = timeout_s
        self._path = path
        self._observe = observe
        self._changed = changed
        self._link: LinkClient | None = None
        self._pending: dict[int, Pending] = {}
        self._is_retired = False
        self._connecting = asyncio.create_task(self._connect())

    @property
    def is_ready(self) -> bool:
        return self._link is not None and not self._is_retired

    @property
    def pending(self) -> int:
        return len(self._pending)

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        wait_s = CONNECT_FIRST_S
        while not self._is_retired:
            try:
                await loop.create_unix_connection(
                    lambda: LinkClient(self._on_ready, self._on_response, self._on_lost), self._path
                )
            except OSError:
                await asyncio.sleep(wait_s)
                wait_s = min(wait_s * 1.5, CONNECT_LAST_S)
            else:
                return

    async def _reconnect(self, wait_s: float) -> None:
        await asyncio.sleep(wait_s)
        await self._connect()

    def _on_ready(self, link: LinkClient) -> None:
        if self._is_retired:
            link.close()
            return
        self._link = link
        self._changed()

    def send(self, exchange: Exchange, is_counted: bool = True) -> None:
        """Pass a request on; it is answered in any case, and observed if it counts."""
        link = self._link
        if link is None or len(self._pending) >= MOST_PENDING:
            exchange.refuse(
                Refusal(503, "Cannot take more requests just now. Send it again in a moment."),
                b"retry-after: 1\r\n",
            )
            return
        number = next(_counted) % (2**32 - 1) + 1  # 0 is the greeting's
        self._pending[number] = Pending(exchange, time.monotonic(), is_counted)
        link.request(encode_request(number, exchange))

    def _on_response(self, number: int, status: int, response: bytes) -> None:
        pending = self._pending.pop(number, None)
        if pending is None:
            return  # it took too long and has been answered for
        pending.exchange.send(response, status)
        self._count(pending, status)

    def _on_lost(self) -> None:
        was_ready = self._link is not None
        self._link = None
        lost, self._pending = self._pending, {}
        now = time.monotonic()
        for pending in lost.values():
            if now - pending.started >= self.timeout_s:
                self._give_up(pending)
            else:
                self._refuse(
                    pending,
                    Refusal(
                        502,
                        f"Revision {self.revision} ended while it was answering. Send the request "
                        "again; if that fails too, the model cannot bear it.",
                    ),
                )
        if not self._is_retired:
            self._connecting = asyncio.create_task(
                self._reconnect(CONNECT_FIRST_S if was_ready else CONNECT_LAST_S)
            )
        self._changed()

    def give_up_late(self) -> None:
        """Answer for the revision what it should have answered by now."""
        # A model call that hangs ends its server a little earlier, at the same time-out: see
        # `Batcher`.
        latest = time.monotonic() - self.timeout_s - 2.0
        for number, pending in list(self._pending.items()):
            if pending.started > latest:
                return  # the others are younger
            del self._pending[number]
            self._give_up(pending)

    def _give_up(self, pending: Pending) -> None:
        self._refuse(
            pending,
            Refusal(
                504, f"Revision {self.revision} did not answer within {self.timeout_s:g} seconds."
            ),
        )

    def _refuse(self, pending: Pending, refusal: Refusal) -> None:
        pending.exchange.refuse(refusal, b"x-mlplat-revision: %d\r\n" % self.revision)
        self._count(pending, refusal.status)

    def _count(self, pending: Pending, status: int) -> None:
        if pending.is_counted:
            self._observe(self.revision, status, time.monotonic() - pending.started)

    async def retire(self) -> None:
        """Take no more requests; let go of the link when those under way are answered."""
        self._is_retired = True
        self._connecting.cancel()
        while self._pending and self._link is not None:
            await asyncio.sleep(0.01)
        if self._link is not None:
            self._link.close()
