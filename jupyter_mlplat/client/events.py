"""The engine's event stream: server-sent events, resumed where they broke off."""

import http.client
import json
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, BinaryIO

from jupyter_mlplat.errors import Unavailable

if TYPE_CHECKING:
    from jupyter_mlplat.resources.engine import Event

SILENCE_S = 45.0  # the engine sends a comment every 15 s; three of them missing: the line is dead
_PAUSES_S = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)


def watch(
    open_stream: Callable[[int | None], http.client.HTTPResponse],
    after: int | None,
    is_stopped: Callable[[], bool] = lambda: False,
) -> Iterator["Event"]:
    """Yield events after a sequence number (from now on, without one), for ever, each once.

    Args:
        open_stream: Opens the stream after a sequence number.
        after: The newest event that is known already.
        is_stopped: Asked at every line and comment, so at least every 15 s: true ends the stream.

    Raises:
        Unavailable: The stream broke and could not be opened again.
    """
    failures = 0
    while not is_stopped():
        try:
            with open_stream(after) as response:
                for event in parse(response, is_stopped):
                    after, failures = event.seq, 0
                    yield event
        except (OSError, http.client.HTTPException, Unavailable) as error:
            if failures >= len(_PAUSES_S):
                raise Unavailable(
                    "The engine's event stream broke off and could not be resumed. "
                    "What was submitted goes on; ask for its state again."
                ) from error
        else:
            if is_stopped():
                return
            # An orderly end: the engine stops. Whoever opens the stream again starts it.
            failures = max(failures, 1)
        time.sleep(_PAUSES_S[min(failures, len(_PAUSES_S) - 1)])
        failures += 1


def parse(
    stream: BinaryIO | http.client.HTTPResponse, is_stopped: Callable[[], bool] = lambda: False
) -> Iterator["Event"]:
    """Cut a stream of server-sent events into events. Only our own form: JSON in `data`."""
    from jupyter_mlplat.resources.engine import Event

    data: list[bytes] = []
    while not is_stopped() and (line := stream.readline()):
        line = line.rstrip(b"\r\n")
        if line.startswith(b"data:"):
            data.append(line.removeprefix(b"data:"))
        elif not line and data:
            yield Event.model_validate(json.loads(b"\n".join(data)))
            data = []
