"""Which parameters a tuning job's objective depends on: worked out beside what is asked for."""

import json
import logging
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait

from jupyter_mlplat.resources.tuning import Trial, TuneSpec

_log = logging.getLogger(__name__)

_GROWTH = 1.5
"""While a job goes on, shares are worked out anew once it has so many times the trials of then."""
_KEPT = 256
_LEAST = 4  # of fewer trials nothing can be told
_PATIENCE_S = 120.0

Shares = Mapping[str, float]


class Importances:
    """Remembers shares by job; safe from any thread.

    A forest over a thousand trials takes a second, so nobody waits for it who does not say so.

    Args:
        tell: Hears of a job, by its run, whose shares have become known; in a thread of this.
    """

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._known: dict[tuple[str, str], tuple[int, Shares]] = {}
        self._pending: dict[tuple[str, str], Future[None]] = {}
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="importance")

    def of(
        self,
        job: tuple[str, str],
        count: int,
        spec: TuneSpec,
        trials: Callable[[], Sequence[Trial]],
        *,
        is_over: bool,
        patience_s: float,
    ) -> dict[str, float]:
        """Return the shares of a job's parameters, as far as they are known by now.

        Args:
            job: Run and step.
            count: How many trials have succeeded.
            spec: What is tuned.
            trials: Reads the trials that have succeeded.
            is_over: No more trials will come.
            patience_s: How long to wait for those of a job that is over.
        """
        with self._lock:
            then, shares = self._known.get(job, (0, {}))
            is_stale = count >= _LEAST and (count != then if is_over else count > then * _GROWTH)
            if is_stale:
                self._keep(job, count, shares)
                work = self._pool.submit(self._compute, job, count, spec, trials)
                self._pending[job] = work
            pending = self._pending.get(job)
        if pending is not None and is_over and patience_s > 0:
            wait([pending], patience_s)
        with self._lock:
            return dict(self._known.get(job, (0, shares))[1])

    def close(self) -> None:
        """Begin nothing more."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _compute(
        self,
        job: tuple[str, str],
        count: int,
        spec: TuneSpec,
        trials: Callable[[], Sequence[Trial]],
    ) -> None:
        shares: Shares = {}
        try:
            shares = _ask(spec, trials())
        except Exception:
            _log.exception("Importance of parameters could not be worked out")
        with self._lock:
            self._keep(job, count, shares)
            self._pending.pop(job, None)
        self._tell(job[0])

    def _keep(self, job: tuple[str, str], count: int, shares: Shares) -> None:
        self._known[job] = (count, shares)
        if len(self._known) > _KEPT:
            del self._known[next(iter(self._known))]


def _ask(spec: TuneSpec, trials: Sequence[Trial]) -> Shares:
    """Let a tuner work it out: a process of its own, so that the engine loads no forests."""
    request = {
        "op": "importance",
        "spec": spec.to_wire(),
        "trials": [trial.to_wire() for trial in trials],
    }
    done = subprocess.run(
        [sys.executable, "-I", "-m", "jupyter_mlplat.tuner"],
        input=json.dumps(request).encode() + b"\n",
        stdout=subprocess.PIPE,
        timeout=_PATIENCE_S,
        check=True,
    )
    found = json.loads(done.stdout)
    if "error" in found:
        _log.info("Importance of parameters is not known: %s", found["error"]["message"])
    return dict(found.get("importance") or {})
