"""Files as a profile's people name them, where the engine has them in a folder of the profile's.

What comes in is put below the folder by `HostPath` and, in queries, here; in what goes out, texts
that begin with the folder begin with `/` again. So a notebook has one name on both sides.
"""

from collections.abc import MutableMapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

from starlette.types import Message, Send

from jupyter_mlplat.errors import InvalidInput
from jupyter_mlplat.kit.files import confined
from jupyter_mlplat.resources.routes import Answer, Route

_FILES = frozenset({"notebook"})
"""Parameters of queries that name files."""


def rooted_query(query: bytes, root: Path) -> bytes:
    """Put the files that a query names below a folder.

    Raises:
        InvalidInput: One leads out of it.
    """
    given = parse_qsl(query.decode("latin-1"), keep_blank_values=True)
    if not any(name in _FILES and value for name, value in given):
        return query
    try:
        pairs = [
            (name, confined(root, value) if name in _FILES and value else value)
            for name, value in given
        ]
    except ValueError as error:
        raise InvalidInput(f"Cannot use this query: {error}.") from error
    return urlencode(pairs).encode("ascii")


class UnrootedAnswer:
    """Sends an answer on, with files as the profile's people name them."""

    def __init__(self, send: Send, route: Route, root: Path) -> None:
        self._send = send
        self._is_plain = route.answer is Answer.BYTES
        self._folder = f'"{root}/'.encode()
        self._start: MutableMapping[str, Any] | None = None

    async def __call__(self, message: Message) -> None:
        if self._is_plain:
            await self._send(message)
        elif message["type"] != "http.response.start":
            await self._pass_on(message)
        elif b"content-length" in dict(message["headers"]):
            self._start = message  # until the length is known
        else:
            await self._send(message)

    async def _pass_on(self, message: Message) -> None:
        start, self._start = self._start, None
        body: bytes = message.get("body", b"").replace(self._folder, b'"/')
        if start is not None:
            headers = {**dict(start["headers"]), b"content-length": str(len(body)).encode()}
            if message.get("more_body", False):
                del headers[b"content-length"]  # it comes in pieces
            await self._send({**start, "headers": list(headers.items())})
        await self._send({**message, "body": body})
