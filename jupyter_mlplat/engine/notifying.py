"""Sends webhooks: to the address that was checked, never on to another, a few times at most."""

import asyncio
import http.client
import json
import logging
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from jupyter_mlplat.errors import InvalidInput, PlatformError
from jupyter_mlplat.resources.schedule import Firing, Schedule, Webhook
from jupyter_mlplat.services.scheduling.webhooks import (
    Target,
    check_addresses,
    check_url,
    signature,
)

_log = logging.getLogger(__name__)

_PAUSES_S = (2.0, 10.0, 60.0)
_TIMEOUT_S = 10.0  # of one step: a name, a connection, a piece of the answer
_TOTAL_S = 30.0
_ANSWER_BYTES = 64 * 2**10
_KEY_BYTES = 4096

Resolve = Callable[[str, int], Sequence[str]]


def resolve(host: str, port: int) -> list[str]:
    """Return the addresses of a host."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class Notifier:
    """Belongs to the event loop; waits for networks in threads.

    Args:
        allowed: Hosts, addresses and networks that may be private.
        resolve: Looks up a host's addresses.
        sleep: Waits between tries.
    """

    def __init__(
        self,
        allowed: Sequence[str] = (),
        resolve: Resolve = resolve,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._allowed = tuple(allowed)
        self._resolve = resolve
        self._sleep = sleep

    async def check(self, webhook: Webhook) -> None:
        """Refuse a webhook that leads to a private address now; it is looked at again when sent.

        Raises:
            InvalidInput: It does, or its key cannot be read.
        """
        target = check_url(webhook.url)
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                addresses = await asyncio.to_thread(self._resolve, target.host, target.port)
        except OSError:
            addresses = []  # the network may be down now
        if addresses:
            check_addresses(target, addresses, self._allowed)
        if webhook.key_file is not None:
            _read_key(webhook.key_file)

    async def send(self, webhook: Webhook, outcome: str, schedule: Schedule, firing: Firing) -> str:
        """Send word of a firing; returns `sent`, or why it could not be."""
        body = json.dumps(_message(outcome, schedule, firing), sort_keys=True).encode()
        problem = ""
        for pause_s in (0.0, *_PAUSES_S):
            await self._sleep(pause_s)
            try:
                async with asyncio.timeout(_TOTAL_S):
                    status = await asyncio.to_thread(self._post, webhook, body)
            except PlatformError as error:
                return error.message  # it will not become better
            except (OSError, http.client.HTTPException, ValueError) as error:
                problem = f"{type(error).__name__}: {error}"
                continue
            if 200 <= status < 300:
                return "sent"
            if 300 <= status < 400:
                return f"not sent: it answered {status}, and redirects are not followed"
            problem = f"it answered {status}"
            if status < 500 and status not in (408, 425, 429):
                break
        return f"not sent: {problem}"

    def _post(self, webhook: Webhook, body: bytes) -> int:
        target = check_url(webhook.url)
        addresses = self._resolve(target.host, target.port)
        connection = _Pinned(target, check_addresses(target, addresses, self._allowed))
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "jupyter-mlplat",
            "Host": target.authority,
        }
        if webhook.key_file is not None:
            headers["X-Mlplat-Signature"] = signature(_read_key(webhook.key_file), body)
        try:
            connection.request("POST", target.path, body, headers)
            response = connection.getresponse()
            response.read(_ANSWER_BYTES)
            return response.status
        finally:
            connection.close()


class _Pinned(http.client.HTTPConnection):
    """A connection to one address, whatever its host's name resolves to by now."""

    def __init__(self, target: Target, address: str) -> None:
        super().__init__(target.host, target.port, timeout=_TIMEOUT_S)
        self._target = target
        self._address = address

    def connect(self) -> None:
        plain = socket.create_connection((self._address, self._target.port), _TIMEOUT_S)
        self.sock = plain
        if self._target.scheme == "https":
            context = ssl.create_default_context()
            self.sock = context.wrap_socket(plain, server_hostname=self._target.host)


def _read_key(path: str) -> bytes:
    try:
        key = Path(path).read_bytes()[:_KEY_BYTES].strip()
    except OSError as error:
        raise InvalidInput(
            f"Cannot sign what a webhook sends: {path!r} cannot be read ({error.strerror}). "
            "Name a file with the key."
        ) from error
    if not key:
        raise InvalidInput(f"Cannot sign what a webhook sends: {path!r} is empty.")
    return key


def _message(outcome: str, schedule: Schedule, firing: Firing) -> dict[str, Any]:
    return {
        "schedule": schedule.name,
        "outcome": outcome,
        "state": firing.state,
        "planned_at": firing.planned_at.isoformat(),
        "finished_at": firing.finished_at.isoformat() if firing.finished_at else None,
        "run": firing.run_number,
        "run_id": firing.run_id,
        "row": firing.row,
        "message": firing.message,
    }
