"""Trials of a run's step that is tuned."""

from typing import TYPE_CHECKING

from starlette.responses import Response, StreamingResponse

from jupyter_mlplat.engine.api.requests import Asked, answer
from jupyter_mlplat.engine.api.runs import idempotency_key
from jupyter_mlplat.engine.api.steps import streams_of
from jupyter_mlplat.errors import InvalidInput
from jupyter_mlplat.ports.metadata import TrialOrder
from jupyter_mlplat.resources.tuning import TrialState

if TYPE_CHECKING:
    from jupyter_mlplat.engine.engine import Engine

_LARGEST_PAGE = 10_000
_LONGEST_WAIT_S = 120


async def get_tuning(engine: "Engine", asked: Asked) -> Response:
    patience_s = float(asked.number("wait", 0, low=0, high=_LONGEST_WAIT_S) or 0)
    status = engine.tuning.status
    return answer(await engine.read(status, asked["run"], asked.text("step"), patience_s))


async def list_trials(engine: "Engine", asked: Asked) -> Response:
    limit = asked.number("limit", 100, low=1, high=_LARGEST_PAGE) or 100
    page = await engine.read(
        engine.tuning.list_trials,
        asked["run"],
        asked.text("step"),
        _states(asked.text("state")),
        _order(asked.text("sort"), asked.text("order")),
        limit=limit,
        offset=asked.number("after", 0, low=0, high=2**53) or 0,
    )
    return answer(page)


async def get_trial(engine: "Engine", asked: Asked) -> Response:
    number = _number(asked["trial"])
    step = asked.text("step")
    return answer(await engine.read(engine.tuning.detail, asked["run"], step, number))


async def read_log(engine: "Engine", asked: Asked) -> Response:
    piece = await engine.read(
        engine.tuning.read_log,
        asked["run"],
        asked.text("step"),
        _number(asked["trial"]),
        streams_of(asked.text("stream")),
        asked.number("offset", 0, low=0, high=2**53) or 0,
        asked.number("limit", None, low=0, high=2**53),
    )
    headers = {"X-Log-Size": str(piece.size_bytes)}
    return StreamingResponse(piece.chunks, media_type="text/plain; charset=utf-8", headers=headers)


async def stop_trial(engine: "Engine", asked: Asked) -> Response:
    await asked.empty()
    number = _number(asked["trial"])
    step = asked.text("step")
    return answer(await engine.read(engine.tuning.stop_trial, asked["run"], step, number))


async def rerun_trial(engine: "Engine", asked: Asked) -> Response:
    await asked.empty()
    key = idempotency_key(asked)
    step, number = asked.text("step"), _number(asked["trial"])
    return answer(await engine.rerun_trial(asked["run"], step, number, key), 201)


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise InvalidInput(f"Cannot use trial {text!r}: needed a trial's number, from 1 up.")
    return int(text)


def _states(text: str) -> tuple[TrialState, ...]:
    try:
        return tuple(TrialState(word.strip()) for word in text.split(",") if word.strip())
    except ValueError as error:
        raise InvalidInput(
            f"Cannot use state={text!r}: needed one or more of {', '.join(TrialState)}, with "
            "commas between."
        ) from error


def _order(sort: str, direction: str) -> TrialOrder:
    if direction not in ("", "asc", "desc"):
        raise InvalidInput(f"Cannot use order={direction!r}: needed 'asc' or 'desc'.")
    is_descending = direction == "desc"
    match sort:
        case "" | "number":
            return TrialOrder("number", is_descending)
        case "value":
            return TrialOrder("value", is_descending)
        case "duration":
            return TrialOrder("duration", is_descending)
    raise InvalidInput(f"Cannot use sort={sort!r}: needed 'number', 'value' or 'duration'.")


HANDLERS = {
    "runs.tuning": get_tuning,
    "runs.trials": list_trials,
    "runs.trial": get_trial,
    "runs.trial_log": read_log,
    "runs.stop_trial": stop_trial,
    "runs.rerun_trial": rerun_trial,
}
