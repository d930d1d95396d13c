"""Watching one run: a new picture of it whenever something about it changed."""

import threading
import time
from collections.abc import Iterator

from jupyter_mlplat.client.engine import EngineClient
from jupyter_mlplat.errors import PlatformError
from jupyter_mlplat.resources.run import Run

# A fast run changes hundreds of times a second; eyes and terminals want ten pictures.
_PICTURE_INTERVAL_S = 0.1
# Should an event be missed for whatever reason, the picture is old for no longer than this.
_LOOK_ANYWAY_S = 5.0


def watch_run(client: EngineClient, run: Run, tick_s: float | None = None) -> Iterator[Run]:
    """Yield a run as it is now, then after changes, and at last as it ended.

    Events only say that something changed; the run itself is asked of the engine, at most ten
    times a second, so that every picture is whole.

    Args:
        client: The engine.
        run: The run as far as it is known.
        tick_s: Yield the last picture again after this long without a change, for a clock.
    """
    seen = client.get_engine().last_event
    run = client.get_run(run.id)
    yield run
    if run.state.is_final:
        return
    watcher = _Watcher(client, run.id, seen)
    try:
        asked_at = time.monotonic()
        while not run.state.is_final:
            is_changed = watcher.changed.wait(tick_s or _LOOK_ANYWAY_S)
            if is_changed or time.monotonic() - asked_at > _LOOK_ANYWAY_S:
                time.sleep(max(0.0, asked_at + _PICTURE_INTERVAL_S - time.monotonic()))
                watcher.changed.clear()
                run = client.get_run(run.id)
                asked_at = time.monotonic()
            yield run
    finally:
        watcher.stop()


class _Watcher:
    """Listens to the event stream in a thread of its own and raises a flag."""

    def __init__(self, client: EngineClient, run_id: str, after: int) -> None:
        self.changed = threading.Event()
        self._stopped = threading.Event()
        self._events = client.watch_events(after, self._stopped.is_set)
        self._run_id = run_id
        threading.Thread(target=self._listen, name="mlplat-events", daemon=True).start()

    def stop(self) -> None:
        """Let the thread end at the stream's next sign of life."""
        self._stopped.set()

    def _listen(self) -> None:
        try:
            for event in self._events:
                if self._run_id in (event.subject, event.data.get("run_id")):
                    self.changed.set()
        except PlatformError:
            # The engine is gone for good: the one who asks for the run will be told so.
            self.changed.set()
