"""Listeners get every event once and in order, or are sent back to the store."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

from jupyter_mlplat.engine.broker import Broker
from jupyter_mlplat.resources.engine import Event

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Log:
    """The only part of a store that a broker asks for."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def add(self, count: int) -> list[Event]:
        start = len(self.events) + 1
        new = [
            Event(seq=seq, kind="k", subject="s", data={}, time=NOW)
            for seq in range(start, start + count)
        ]
        self.events += new
        return new

    def events_after(self, seq: int, limit: int = 1000) -> Sequence[Event]:
        return self.events[seq : seq + limit]


async def _take(broker: Broker, after: int | None, count: int) -> list[int]:
    seen = []
    async for event in broker.watch(after):
        if event is not None:
            seen.append(event.seq)
        if len(seen) == count:
            break
    return seen


async def test_a_listener_gets_the_past_then_the_present_without_a_seam() -> None:
    log = Log()
    log.add(700)
    broker = Broker(log, 700)  # type: ignore[arg-type]
    listening = asyncio.create_task(_take(broker, 10, 700))
    await asyncio.sleep(0)
    broker.publish(log.add(10))

    assert await asyncio.wait_for(listening, 5) == list(range(11, 711))


async def test_without_a_number_only_what_is_new_is_told() -> None:
    log = Log()
    log.add(5)
    broker = Broker(log, 5)  # type: ignore[arg-type]
    listening = asyncio.create_task(_take(broker, None, 2))
    await asyncio.sleep(0)
    broker.publish(log.add(2))

    assert await asyncio.wait_for(listening, 5) == [6, 7]


async def test_events_of_another_writer_are_fetched_and_keep_their_place() -> None:
    log = Log()
    broker = Broker(log, 0)  # type: ignore[arg-type]
    listening = asyncio.create_task(_take(broker, None, 4))
    await asyncio.sleep(0)
    log.add(2)  # written by another thread, not told
    broker.publish(log.add(2))

    assert await asyncio.wait_for(listening, 5) == [1, 2, 3, 4]
    assert broker.last == 4


async def test_who_is_too_slow_is_let_go_and_can_come_again() -> None:
    log = Log()
    broker = Broker(log, 0)  # type: ignore[arg-type]
    stream = broker.watch(None)
    first = asyncio.create_task(anext(stream))
    await asyncio.sleep(0)
    for _ in range(3):
        broker.publish(log.add(1000))
    seen = [await first] + [event async for event in stream]

    last = seen[-1]
    assert last is not None
    assert broker.listeners == 0
    assert [event.seq for event in seen if event] == list(range(1, last.seq + 1))
    assert await _take(broker, last.seq, 3000 - last.seq) == list(range(last.seq + 1, 3001))


async def test_closing_ends_every_stream() -> None:
    broker = Broker(Log(), 0)  # type: ignore[arg-type]
    listening = asyncio.create_task(_take(broker, None, 1))
    await asyncio.sleep(0)

    broker.close()

    assert await asyncio.wait_for(listening, 5) == []


async def test_event_written_while_the_store_is_looked_at_is_handed_on() -> None:
    class SlowLog(Log):
        def events_after(self, seq: int, limit: int = 1000) -> Sequence[Event]:
            found = super().events_after(seq, limit)
            if not self.events:  # the look has seen nothing; now it is written, and told of
                loop.call_soon_threadsafe(broker.publish, self.add(1))
            return found

    loop, log = asyncio.get_running_loop(), SlowLog()
    broker = Broker(log, 0)  # type: ignore[arg-type]
    broker.look()

    async with asyncio.timeout(5):
        assert await _take(broker, 0, 1) == [1]
