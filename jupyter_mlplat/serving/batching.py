"""Adaptive micro-batching: what queued up while the model was busy is one call; nobody waits."""

import asyncio
import signal
import time
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from jupyter_mlplat.serving.exchange import Refusal
from jupyter_mlplat.serving.models import Model
from jupyter_mlplat.serving.payloads import Outputs, Payload, Tensors, length_of, rows_of

Answer = Callable[[Outputs | Refusal], None]

INLINE_S = 0.025
"""A model that answers within this is called in the event loop: a thread costs more than it
gives, and requests that arrive meanwhile wait in the kernel. Slower models get a thread, so that
health is answered."""


class Job:
    """A payload and who is to hear of its outcome."""

    __slots__ = ("answer", "payload", "rows")

    def __init__(self, payload: Payload, answer: Answer) -> None:
        self.payload = payload
        self.answer = answer
        self.rows = length_of(payload)

    @property
    def wanted(self) -> tuple[str, ...]:
        return self.payload.wanted if isinstance(self.payload, Tensors) else ()


class Batcher:
    """Feeds one model, one call at a time.

    Args:
        model: Called with what is queued.
        max_rows: Most rows of several requests in one call; a single request may have more.
        timeout_s: A call that takes longer ends the process (SIGALRM, which not even a stuck C
            extension survives);
            its keeper starts it again.
        observe: Hears of each call: rows, seconds.
    """

    def __init__(
        self,
        model: Model,
        max_rows: int,
        timeout_s: float,
        observe: Callable[[int, float], None],
    ) -> None:
        self._model = model
        self._max_rows = max_rows if model.is_batchable else 0
        self._timeout_s = timeout_s
        self._observe = observe
        self._queue: list[Job] = []
        self._is_draining = False
        self._thread: ThreadPoolExecutor | None = None
        self._seconds = 0.0  # of a call, as of late

    @property
    def is_idle(self) -> bool:
        return not self._is_draining

    def submit(self, job: Job) -> None:
        """Queue a job; everything that this turn of the event loop still reads joins its batch."""
        self._queue.append(job)
        if not self._is_draining:
            self._is_draining = True
            asyncio.get_running_loop().call_soon(self._drain)

    def _drain(self) -> None:
        if not self._queue:
            self._is_draining = False
            return
        loop = asyncio.get_running_loop()
        batch = self._take()
        if self._seconds <= INLINE_S:
            self._deliver(batch, self._call(batch))
            loop.call_soon(self._drain)
            return
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, "predict")

        def finish(future: Any) -> None:
            self._deliver(batch, future.result())
            self._drain()

        loop.run_in_executor(self._thread, self._call, batch).add_done_callback(finish)

    def _take(self) -> list[Job]:
        """Take the first job and those after it that can share its call."""
        queue = self._queue
        wanted, rows, end = queue[0].wanted, queue[0].rows, 1
        while end < len(queue) and queue[end].wanted == wanted:
            rows += queue[end].rows
            if rows > self._max_rows:
                break
            end += 1
        batch, self._queue = queue[:end], queue[end:]
        return batch

    def _call(self, batch: Sequence[Job]) -> list[Outputs | Refusal]:
        """Predict a batch; when that fails each job alone, so that one cannot spoil the others."""
        signal.setitimer(signal.ITIMER_REAL, self._timeout_s)
        start = time.perf_counter()
        try:
            inputs = self._model.collate([job.payload for job in batch])
            outputs = self._model.predict(inputs, batch[0].wanted)
            answers = list(_split(outputs, batch))
        except Refusal as refusal:
            answers = [refusal]
        except (ValueError, TypeError) as error:
            answers = [Refusal(400, f"The model refused the input: {_first_line(error)}")]
        except Exception as error:  # a model is foreign code: whatever it raises is an answer
            traceback.print_exc()
            what = f"{type(error).__name__}: {_first_line(error)}"
            answers = [Refusal(500, f"The model failed: {what}")]
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            seconds = time.perf_counter() - start
        if len(batch) > 1 and isinstance(answers[0], Refusal):
            return [self._call([job])[0] for job in batch]
        self._seconds += 0.25 * (seconds - self._seconds) if self._seconds else seconds
        self._observe(sum(job.rows for job in batch), seconds)
        return answers

    def _deliver(self, batch: Sequence[Job], answers: Sequence[Outputs | Refusal]) -> None:
        for job, answer in zip(batch, answers, strict=True):
            job.answer(answer)


def _split(outputs: Outputs, batch: Sequence[Job]) -> Any:
    if len(batch) == 1:
        yield outputs
        return
    total = sum(job.rows for job in batch)
    if any(len(array) != total for array in outputs.values()):
        raise Refusal(500, "The model failed: it did not answer every row.")
    start = 0
    for job in batch:
        yield rows_of(outputs, start, start + job.rows)
        start += job.rows


def _first_line(error: BaseException) -> str:
    """Say what happened in a line; the traceback is in the server's log."""
    lines = str(error).strip().splitlines()
    return lines[0][:500] if lines else type(error).__name__
