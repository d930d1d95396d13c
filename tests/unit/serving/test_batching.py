"""Who shares a call of the model, and that nobody spoils it for the others."""

import asyncio
import threading

import numpy as np
import pytest

from jupyter_mlplat.serving.batching import Batcher, Job
from jupyter_mlplat.serving.exchange import Refusal
from jupyter_mlplat.serving.payloads import Rows, Tensors


class Doubling:
    """Doubles numbers; refuses, fails or answers too little at the numbers told to."""

    platform = "test"
    inputs = outputs = ()

    def __init__(self, is_batchable=True, seconds=0.0):
        self.is_batchable = is_batchable
        self.calls = []
        self.threads = set()
        self.seconds = seconds

    def collate(self, payloads):
        rows = [row for payload in payloads for row in _rows(payload)]
        if "refuse" in rows:
            raise Refusal(400, "no words")
        return rows

    def predict(self, rows, wanted):
        self.calls.append(list(rows))
        self.threads.add(threading.current_thread().name)
        if self.seconds:
            threading.Event().wait(self.seconds)
        if 13 in rows:
            raise ValueError("unlucky\nand more")
        if 14 in rows:
            raise KeyError("gone")
        return {"out": np.array(rows) * 2}


def _rows(payload):
    return payload.instances if isinstance(payload, Rows) else list(payload.inputs["x"])


async def answers_to(model, payloads, max_rows=100):
    """Submit all payloads at once and wait for all answers, in order."""
    seen = []
    batcher = Batcher(model, max_rows, 60.0, lambda rows, seconds: seen.append(rows))
    loop = asyncio.get_running_loop()
    futures = [loop.create_future() for _ in payloads]
    for payload, future in zip(payloads, futures, strict=True):
        batcher.submit(Job(payload, future.set_result))
    answers = await asyncio.wait_for(asyncio.gather(*futures), 10)
    return [a.message if isinstance(a, Refusal) else a["out"].tolist() for a in answers], seen


async def test_requests_that_wait_together_share_a_call_and_get_their_own_rows():
    model = Doubling()

    answers, seen = await answers_to(model, [Rows([1]), Rows([2, 3]), Rows([4])])

    assert answers == [[2], [4, 6], [8]]
    assert model.calls == [[1, 2, 3, 4]]
    assert seen == [4]


async def test_a_single_request_is_called_for_at_once_in_the_loop():
    model = Doubling()

    answers, _ = await answers_to(model, [Rows([5])])

    assert answers == [[10]]
    assert model.threads == {threading.current_thread().name}


async def test_a_model_that_is_not_batchable_is_called_for_each_request():
    model = Doubling(is_batchable=False)

    answers, _ = await answers_to(model, [Rows([1]), Rows([2, 3])])

    assert (answers, model.calls) == ([[2], [4, 6]], [[1], [2, 3]])


async def test_a_call_takes_no_more_rows_than_allowed_but_a_large_request_goes_alone():
    model = Doubling()

    await answers_to(model, [Rows([1, 2]), Rows([3, 4]), Rows([5] * 9), Rows([6])], max_rows=4)

    assert model.calls == [[1, 2, 3, 4], [5] * 9, [6]]


async def test_requests_that_want_other_outputs_do_not_share_a_call():
    model = Doubling()
    plain = Tensors({"x": np.array([1])})
    picky = Tensors({"x": np.array([2])}, ("out",))

    await answers_to(model, [plain, picky, picky, plain])

    assert model.calls == [[1], [2, 2], [1]]


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ("refuse", "no words"),
        (13, "The model refused the input: unlucky"),
        (14, "The model failed: KeyError: 'gone'"),
    ],
)
async def test_a_bad_request_does_not_spoil_the_batch(bad, message):
    answers, _ = await answers_to(Doubling(), [Rows([1]), Rows([bad]), Rows([3])])

    assert answers == [[2], message, [6]]


async def test_a_model_that_forgets_rows_is_called_again_for_each_request():
    class Forgetful(Doubling):
        def predict(self, rows, wanted):
            return {"out": np.array(rows[:1]) * 2}

    answers, _ = await answers_to(Forgetful(), [Rows([1]), Rows([2])])

    assert answers == [[2], [4]]


async def test_a_slow_model_leaves_the_loop_free():
    model = Doubling(seconds=0.05)
    batcher = Batcher(model, 10, 60.0, lambda rows, seconds: None)
    loop = asyncio.get_running_loop()
    for _ in range(2):
        future = loop.create_future()
        batcher.submit(Job(Rows([1]), future.set_result))
        await future

    ticks = 0
    future = loop.create_future()
    batcher.submit(Job(Rows([1]), future.set_result))
    while not future.done():
        ticks += 1
        await asyncio.sleep(0.001)

    assert ticks > 3
    assert any(name.startswith("predict") for name in model.threads)
    assert not batcher.is_idle or future.done()
