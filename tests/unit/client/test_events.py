"""The event stream, cut into events and resumed."""

import io
from collections.abc import Callable
from typing import Any

import pytest

from jupyter_mlplat.client import events
from jupyter_mlplat.errors import Unavailable


def wire(*seqs: int) -> bytes:
    lines = [
        f'id: {seq}\nevent: run.updated\ndata: {{"seq": {seq}, "kind": "run.updated", '
        f'"subject": "r", "data": {{}}, "time": "2026-11-20T12:00:00Z"}}\n\n'
        for seq in seqs
    ]
    return ": keep-alive\n\n".join(lines).encode()


@pytest.fixture(autouse=True)
def _hasten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "_PAUSES_S", (0.0, 0.0, 0.0))


def streams(*contents: bytes | Exception) -> tuple[Callable[[int | None], Any], list[int | None]]:
    """Return what opens these streams one after the other, and after which numbers it was asked."""
    asked: list[int | None] = []
    left = list(contents)

    def open_stream(after: int | None) -> Any:
        asked.append(after)
        content = left.pop(0) if left else ConnectionRefusedError()
        if isinstance(content, Exception):
            raise content
        return io.BytesIO(content)

    return open_stream, asked


def test_comments_and_carriage_returns_are_no_events() -> None:
    content = b": hello\r\n\r\n" + wire(4, 5).replace(b"\n", b"\r\n")

    assert [event.seq for event in events.parse(io.BytesIO(content))] == [4, 5]


def test_broken_stream_is_resumed_after_the_last_event_seen() -> None:
    open_stream, asked = streams(wire(8, 9), ConnectionResetError(), wire(10))
    stream = events.watch(open_stream, 7)

    seen = [next(stream).seq for _ in range(3)]

    assert seen == [8, 9, 10]
    assert asked == [7, 9, 9]


def test_half_an_event_at_the_end_is_read_again() -> None:
    open_stream, asked = streams(wire(8) + wire(9)[:40], wire(9))
    stream = events.watch(open_stream, 7)

    assert [next(stream).seq, next(stream).seq] == [8, 9]
    assert asked == [7, 8]


def test_stream_that_cannot_be_resumed_says_so() -> None:
    open_stream, _ = streams()

    with pytest.raises(Unavailable, match="could not be resumed"):
        next(events.watch(open_stream, None))


def test_stopped_watch_ends() -> None:
    open_stream, asked = streams(wire(8))

    assert list(events.watch(open_stream, 7, lambda: bool(asked))) == []
