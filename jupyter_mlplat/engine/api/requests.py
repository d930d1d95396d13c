"""Requests as handlers see them, and answers as they give them."""

import asyncio
import json
import os
import pwd
from collections.abc import Callable, Coroutine, Mapping
from functools import cache
from typing import Any, TypeVar
from urllib.parse import unquote, unquote_to_bytes

from pydantic import BaseModel, ValidationError
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from jupyter_mlplat.errors import InvalidInput, NotFound
from jupyter_mlplat.resources.base import CONFINE, NAME_PATTERN
from jupyter_mlplat.resources.routes import USER_HEADER

T = TypeVar("T")
_Body = TypeVar("_Body", bound=BaseModel)

_LONGEST_NAME = 200


class TooLarge(InvalidInput):
    """The body is over the limit."""

    status = 413


def segments_of(raw: Mapping[str, str]) -> dict[str, str]:
    """Decode path segments, once; one that holds a separator names nothing of ours.

    Raises:
        NotFound: A segment is no text, or would be more than one segment.
    """
    segments = {}
    for name, value in raw.items():
        try:
            text = unquote_to_bytes(value).decode("utf-8")
        except UnicodeDecodeError:
            text = ""
        if not text or "/" in text or "\\" in text or not text.isprintable():
            raise NotFound(f"There is no {name} {value!r}.")
        segments[name] = text
    return segments


class Asked:
    """One request: its path segments, its query, its body."""

    def __init__(
        self,
        request: Request,
        segments: Mapping[str, str],
        body_limit: int,
        confine: Callable[[str], str] | None = None,
    ) -> None:
        self.request = request
        self.segments = segments
        self._body_limit = body_limit
        self._context = {CONFINE: confine}

    def __getitem__(self, segment: str) -> str:
        return self.segments[segment]

    def text(self, name: str, default: str = "") -> str:
        return self.request.query_params.get(name, default)

    def flag(self, name: str) -> bool:
        """Read a yes or no of the query; no by default.

        Raises:
            InvalidInput: It is neither.
        """
        text = self.text(name, "false").lower()
        if text not in ("true", "false", "1", "0"):
            raise InvalidInput(f"Cannot use {name}={text!r}: needed 'true' or 'false'.")
        return text in ("true", "1")

    @property
    def user(self) -> str:
        """Who asks: the Jupyter server's user, or the account that the socket is open to."""
        named = unquote(self.request.headers.get(USER_HEADER, "")).strip()
        return named[:_LONGEST_NAME] if named.isprintable() and named else _account()

    def number(self, name: str, default: int | None, *, low: int, high: int) -> int | None:
        """Read a whole number of the query.

        Raises:
            InvalidInput: It is none, or out of bounds.
        """
        value = self.real(name, default, low=low, high=high)
        if value is not None and value != int(value):
            raise InvalidInput(f"Cannot use {name}={value!r}: needed a whole number.")
        return None if value is None else int(value)

    def real(self, name: str, default: float | None, *, low: float, high: float) -> float | None:
        """Read a number of the query.

        Raises:
            InvalidInput: It is none, or out of bounds.
        """
        text = self.request.query_params.get(name)
        if text is None or text == "":
            return default
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not low <= value <= high:
            raise InvalidInput(
                f"Cannot use {name}={text!r}: needed a number from {low:g} to {high:g}."
            )
        return value

    async def body(self, kind: type[_Body]) -> _Body:
        """Read the body as a document.

        Raises:
            TooLarge: It is over the limit; no more than the limit is ever held.
            InvalidInput: It is no JSON, or not the document that is needed.
        """
        content = await self.content()
        try:
            return kind.model_validate_json(content or b"{}", context=self._context)
        except ValidationError as error:
            raise InvalidInput(_explain(kind.__name__, error)) from error

    async def empty(self) -> None:
        """Read a body that has nothing to say."""
        content = await self.content()
        try:
            value = json.loads(content or b"{}")
        except ValueError:
            value = None
        if value != {}:
            raise InvalidInput("Cannot take this body: needed '{}'.")

    async def while_waited_for(self, work: Coroutine[Any, Any, T]) -> T:
        """Do what takes long as long as the caller is there to hear of it.

        Raises:
            ClientDisconnect: The caller has gone; the work was cancelled and has ended.
        """
        doing, leaving = asyncio.create_task(work), asyncio.create_task(self._caller_gone())
        try:
            await asyncio.wait((doing, leaving), return_when=asyncio.FIRST_COMPLETED)
            if not doing.done():
                raise ClientDisconnect
            return doing.result()
        finally:
            leaving.cancel()
            doing.cancel()
            await asyncio.wait((doing,))

    async def _caller_gone(self) -> None:
        while (await self.request.receive())["type"] != "http.disconnect":
            pass

    async def content(self) -> bytes:
        """Read the body as it came.

        Raises:
            TooLarge: It is over the limit; no more than the limit is ever held.
        """
        declared = self.request.headers.get("content-length", "")
        if declared.isdigit() and int(declared) > self._body_limit:
            raise self._too_large()
        content = bytearray()
        async for chunk in self.request.stream():
            content += chunk
            if len(content) > self._body_limit:
                raise self._too_large()
        return bytes(content)

    def _too_large(self) -> TooLarge:
        return TooLarge(
            f"Cannot take this body: it is larger than {self._body_limit} bytes. Send less, "
            "or raise body_limit in the engine's config.toml."
        )


_NEEDED = {
    "greater_than": "a number above {gt:g}",
    "greater_than_equal": "a number from {ge:g} up",
    "less_than": "a number below {lt:g}",
    "less_than_equal": "a number of at most {le:g}",
    NAME_PATTERN: "up to 63 small letters, digits, '-', '_' and '.', with a letter or "
    "digit at either end",
}
"""What users are told who have given a value out of bounds; the rest are faults of programs."""


def _explain(kind: str, error: ValidationError) -> str:
    """Say what is wrong with a document in one line."""
    faults = []
    for fault in error.errors(include_url=False)[:4]:
        place = ".".join(str(part) for part in fault["loc"])
        context = fault.get("ctx", {})
        if place and (needed := _NEEDED.get(context.get("pattern", fault["type"]))):
            needed = needed.format(**context)
            return f"Cannot use {place}={fault['input']!r}: needed {needed}."
        faults.append(f"{place}: {fault['msg']}" if place else fault["msg"])
    return f"Cannot read the body as {kind}: {'; '.join(faults)}. See the API's documents."


@cache
def _account() -> str:
    """Return the name of the account that the engine runs under."""
    uid = os.getuid()
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:  # a container with a number of its own
        return str(uid)


def answer(document: BaseModel, status: int = 200) -> Response:
    """Answer with a document."""
    content = document.model_dump_json(by_alias=True)
    return Response(content, status, media_type="application/json")


def answer_list(name: str, documents: Any, **more: Any) -> Response:
    """Answer with an object that holds a list of documents."""
    items = ",".join(document.model_dump_json(by_alias=True) for document in documents)
    rest = "".join(f",{json.dumps(key)}:{json.dumps(value)}" for key, value in more.items())
    return Response(f"{{{json.dumps(name)}:[{items}]{rest}}}", media_type="application/json")
