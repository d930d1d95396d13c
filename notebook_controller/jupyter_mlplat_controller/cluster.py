"""The API server over HTTP, as a pod's service account or a kubeconfig leads to it."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, Self

import aiohttp

from jupyter_mlplat.errors import Unavailable
from jupyter_mlplat_controller.api import ApiError, Event
from jupyter_mlplat_controller.plans import Key, Kind, Obj, key_of

_PAGE = "500"
_TIMEOUT_S = 30.0
_LONGEST_LINE = 16 * 2**20  # an object of etcd has 1.5 MiB at most, and JSON may double it
_MERGE = "application/merge-patch+json"

Counted = Callable[[str, str, int], None]


class Cluster:
    """Conforms to `api.Api`; bounded in requests per second, and waits as it is told to."""

    def __init__(
        self, host: str, session: aiohttp.ClientSession, token: Any, rate: float, counted: Counted
    ) -> None:
        self._host = host.rstrip("/")
        self._session = session
        self._token = token
        self._counted = counted
        self._rate = rate
        self._next = 0.0

    @classmethod
    async def connect(cls, rate: float, counted: Counted) -> Self:
        """Connect to the cluster this process runs in, or else to that of the kubeconfig.

        Raises:
            Unavailable: Neither is there.
        """
        from kubernetes.aio import client, config

        configuration = client.Configuration()
        try:
            config.load_incluster_config(configuration)  # type: ignore[no-untyped-call]
        except config.ConfigException as outside:
            try:
                await config.load_kube_config(  # type: ignore[no-untyped-call]
                    client_configuration=configuration
                )
            except config.ConfigException as error:
                raise Unavailable(
                    "There is no cluster to work in: needed the service account of a pod "
                    f"({outside}) or a kubeconfig ({error}). Set KUBECONFIG, or run in a pod."
                ) from error
        context: ssl.SSLContext | bool = False
        if configuration.verify_ssl:
            data = configuration.ca_cert_data
            context = ssl.create_default_context(
                cafile=configuration.ssl_ca_cert,
                cadata=data.decode() if isinstance(data, bytes) else data,
            )
            if configuration.cert_file:
                context.load_cert_chain(configuration.cert_file, configuration.key_file)
        connector = aiohttp.TCPConnector(ssl=context, limit=0)
        session = aiohttp.ClientSession(connector=connector, trust_env=True)

        async def token() -> str | None:
            found: str | None = await configuration.get_api_key_with_prefix("BearerToken")
            return found

        return cls(configuration.host, session, token, rate, counted)

    async def close(self) -> None:
        """Close all connections."""
        await self._session.close()

    async def list(
        self, kind: Kind, namespace: str = "", labels: str = "", fields: str = ""
    ) -> tuple[list[Obj], str]:
        """Return all objects that are selected, page by page."""
        found: list[Obj] = []
        query = {**_selected(labels, fields), "limit": _PAGE}
        while True:
            page = await self._call("list", kind, kind.path(namespace), query=query)
            for item in page.get("items") or []:
                found.append({"apiVersion": kind.api_version, "kind": kind.kind, **item})
            metadata = page.get("metadata") or {}
            if not metadata.get("continue"):
                return found, str(metadata.get("resourceVersion") or "")
            query["continue"] = metadata["continue"]

    async def watch(
        self,
        kind: Kind,
        since: str,
        timeout_s: float,
        namespace: str = "",
        labels: str = "",
        fields: str = "",
    ) -> AsyncIterator[Event]:
        """Yield changes from a version on."""
        query = {
            **_selected(labels, fields),
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": since,
            "timeoutSeconds": str(round(timeout_s)),
        }
        try:
            async with self._session.get(
                self._host + kind.path(namespace),
                params=query,
                headers=await self._headers(),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=_TIMEOUT_S),
                read_bufsize=2**18,
            ) as answer:
                self._counted("watch", kind.plural, answer.status)
                if answer.status >= 400:
                    raise _error(answer, await answer.text())
                async for line in _lines(answer.content):
                    yield _event(line)
        except (aiohttp.ClientError, OSError) as error:
            raise ApiError(0, "Unreachable", str(error) or type(error).__name__) from error

    async def get(self, kind: Kind, key: Key) -> Obj:
        """Return one object."""
        return await self._call("get", kind, kind.path(*key))

    async def create(self, kind: Kind, body: Obj) -> Obj:
        """Make an object."""
        return await self._call("create", kind, kind.path(key_of(body).namespace), body=body)

    async def replace(self, kind: Kind, body: Obj) -> Obj:
        """Write an object over the one of its name."""
        return await self._call("update", kind, kind.path(*key_of(body)), body=body)

    async def patch(self, kind: Kind, key: Key, body: dict[str, Any], subresource: str) -> Obj:
        """Merge fields into an object."""
        return await self._call("patch", kind, kind.path(*key, subresource), body=body)

    async def delete(self, kind: Kind, key: Key, uid: str) -> None:
        """Delete the object of this uid."""
        body = {"kind": "DeleteOptions", "apiVersion": "v1", "preconditions": {"uid": uid}}
        await self._call("delete", kind, kind.path(*key), body=body)

    async def _call(
        self,
        verb: str,
        kind: Kind,
        path: str,
        body: Obj | None = None,
        query: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        await self._wait()
        headers = await self._headers()
        headers["Content-Type"] = _MERGE if verb == "patch" else "application/json"
        try:
            async with self._session.request(
                _METHODS[verb],
                self._host + path,
                params=query,
                data=None if body is None else json.dumps(body),
                headers=headers,
                timeout=aiohttp.ClientTimeout(total=_TIMEOUT_S),
            ) as answer:
                self._counted(verb, kind.plural, answer.status)
                text = await answer.text()
                if answer.status >= 400:
                    raise _error(answer, text)
                found: dict[str, Any] = json.loads(text)
                return found
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            self._counted(verb, kind.plural, 0)
            raise ApiError(0, "Unreachable", str(error) or type(error).__name__) from error

    async def _headers(self) -> dict[str, str]:
        token = await self._token()
        return {"Accept": "application/json", **({"Authorization": token} if token else {})}

    async def _wait(self) -> None:
        """Hold a request back where there were too many; a second's worth may go at once."""
        now = asyncio.get_running_loop().time()
        self._next = max(self._next, now - 1.0) + 1.0 / self._rate
        if self._next > now:
            await asyncio.sleep(self._next - now)


_METHODS = {
    "list": "GET",
    "get": "GET",
    "create": "POST",
    "update": "PUT",
    "patch": "PATCH",
    "delete": "DELETE",
}


def _selected(labels: str, fields: str) -> dict[str, str]:
    said = {"labelSelector": labels, "fieldSelector": fields}
    return {name: text for name, text in said.items() if text}


async def _lines(content: aiohttp.StreamReader) -> AsyncIterator[bytes]:
    """Cut a stream into lines; an object may be longer than aiohttp lets a line be."""
    held = bytearray()
    async for chunk in content.iter_any():
        held += chunk
        if b"\n" in chunk:
            *lines, rest = bytes(held).split(b"\n")
            held = bytearray(rest)
            for line in lines:
                if line.strip():
                    yield line
        elif len(held) > _LONGEST_LINE:
            raise ApiError(0, "Unreadable", "A line of a watch does not end.")


def _event(line: bytes) -> Event:
    try:
        said = json.loads(line)
        kind, body = str(said["type"]), said["object"]
    except (ValueError, KeyError, TypeError) as error:
        raise ApiError(0, "Unreadable", f"A line of a watch is no event: {error}") from error
    if not isinstance(body, dict) or kind == "ERROR":
        said = body if isinstance(body, dict) else {}
        code = said.get("code")
        raise ApiError(
            code if isinstance(code, int) else 0,
            str(said.get("reason", "")),
            str(said.get("message", "")),
        )
    return Event(kind, body)


def _error(answer: aiohttp.ClientResponse, text: str) -> ApiError:
    try:
        said = json.loads(text)
        reason, message = str(said.get("reason", "")), str(said.get("message", ""))
    except (ValueError, AttributeError):
        reason, message = "", text[:500]
    after = answer.headers.get("Retry-After", "")
    return ApiError(answer.status, reason, message, float(after) if after.isdecimal() else None)
