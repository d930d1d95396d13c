"""A small client of Kubernetes' API: what launchers ask of a cluster, and no more.

The `kubernetes` package finds the cluster (a kubeconfig and its contexts, or the pod we are in) and
carries the bytes: TLS, client certificates, proxies, exec plugins. Here is what it leaves to its
callers: errors as ours, credentials that expire, lists in pages, and watches that do not go deaf.
Objects are plain mappings as the server writes them.
"""

import asyncio
import contextlib
import json
import os
import random
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol
from urllib.parse import quote, urlencode

from jupyter_mlplat.errors import (
    Conflict,
    Forbidden,
    InvalidInput,
    NotFound,
    PlatformError,
    Unauthenticated,
    Unavailable,
)

Object = Mapping[str, Any]
Objects = list[Object]

_PAGE = 500  # as kubectl asks for
_TRIES = 4  # of a call that the server sheds: it was not carried out
_LONGEST_PAUSE_S = 10.0
_SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
MANAGER = "jupyter-mlplat"
"""Who applies, in the server's records of field ownership."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of objects, and where the server has them."""

    api_version: str
    name: str
    plural: str
    is_namespaced: bool = True

    def path(self, namespace: str | None, name: str | None = None, part: str = "") -> str:
        """Name an object, a list of them (of all namespaces: None), or a part of an object."""
        root = f"/api/{self.api_version}" if "/" not in self.api_version else None
        path = root or f"/apis/{self.api_version}"
        if self.is_namespaced and namespace is not None:
            path += f"/namespaces/{quote(namespace, safe='')}"
        path += f"/{self.plural}"
        if name is not None:
            path += f"/{quote(name, safe='')}"
        return f"{path}/{part}" if part else path


PODS = Kind("v1", "Pod", "pods")
SERVICES = Kind("v1", "Service", "services")
SECRETS = Kind("v1", "Secret", "secrets")
EVENTS = Kind("v1", "Event", "events")
CONFIG_MAPS = Kind("v1", "ConfigMap", "configmaps")
CLAIMS = Kind("v1", "PersistentVolumeClaim", "persistentvolumeclaims")
NAMESPACES = Kind("v1", "Namespace", "namespaces", is_namespaced=False)
NODES = Kind("v1", "Node", "nodes", is_namespaced=False)
JOBS = Kind("batch/v1", "Job", "jobs")
DEPLOYMENTS = Kind("apps/v1", "Deployment", "deployments")
AUTOSCALERS = Kind("autoscaling/v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers")
ACCESS_REVIEWS = Kind(
    "authorization.k8s.io/v1", "SubjectAccessReview", "subjectaccessreviews", is_namespaced=False
)

Propagation = Literal["Background", "Foreground", "Orphan"]


@dataclass(frozen=True, slots=True)
class Listing:
    """All there is now: whoever watches forgets what it knew."""

    objects: tuple[Object, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """One object has come, changed or gone; it is as it is now, or was last."""

    type: Literal["ADDED", "MODIFIED", "DELETED"]
    object: Object


@dataclass(frozen=True, slots=True)
class Trouble:
    """The server does not answer, or not with this; it is asked on, and a `Listing` will follow."""

    error: PlatformError


Update = Listing | Change | Trouble


class ClusterApi(Protocol):
    """What launchers ask of a cluster. Belongs to one event loop; calls may be made side by side.

    Every call may raise what `error_of` makes: NotFound, Conflict (there already, or changed
    since), Forbidden, InvalidInput, Unauthenticated, and Unavailable where the server does not
    answer.
    """

    @property
    def namespace(self) -> str:
        """Where we are at home: of the setting, the context, or the pod we are in."""

    async def get(self, kind: Kind, namespace: str | None, name: str) -> Object: ...

    async def list(
        self, kind: Kind, namespace: str | None, *, labels: str = "", fields: str = ""
    ) -> Objects:
        """Return all that match; of all namespaces where none is named."""

    async def create(self, kind: Kind, namespace: str | None, body: Object) -> Object: ...

    async def apply(self, kind: Kind, namespace: str | None, body: Object) -> Object:
        """Make it so (server-side apply): create it, or change the fields that we own."""

    async def patch(
        self, kind: Kind, namespace: str | None, name: str, body: Object, *, part: str = ""
    ) -> Object:
        """Merge fields into an object (RFC 7386)."""

    async def delete(
        self,
        kind: Kind,
        namespace: str | None,
        name: str,
        *,
        propagation: Propagation = "Background",
        grace_s: float | None = None,
        uid: str | None = None,
    ) -> bool:
        """Delete an object with what it owns; False: it is not there (or it is another one)."""

    def watch(
        self, kind: Kind, namespace: str | None, *, labels: str = ""
    ) -> AsyncIterator[Update]:
        """Tell of all there is, then of what changes; never ends by itself."""

    def follow_log(
        self, namespace: str, pod: str, container: str | None = None, *, follow: bool = True
    ) -> AsyncIterator[bytes]:
        """Give what a container writes, piece by piece, until it ends."""

    async def version(self) -> str:
        """Return the version of the server: it answers, and lets us in."""

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Access:
    """Which cluster, and as whom. Nothing said: the pod we are in, else kubectl's own context."""

    context: str | None = None
    kubeconfig: str | None = None
    namespace: str | None = None

    @property
    def is_from_inside(self) -> bool:
        """Tell whether the pod's own service account is meant."""
        is_named = self.context or self.kubeconfig or os.environ.get("KUBECONFIG")
        return bool(
            not is_named
            and os.environ.get("KUBERNETES_SERVICE_HOST")
            and (_SERVICE_ACCOUNT / "token").is_file()
        )


async def connect(access: Access, *, silence_s: float = 75.0) -> "KubernetesApi":
    """Find a cluster; it need not answer yet.

    Args:
        access: Which.
        silence_s: A watch in which nothing was said for so long is deaf: the server sends a
            bookmark about every minute.

    Raises:
        InvalidInput: There is no such context, no kubeconfig, or it cannot be read.
    """
    session = _Session(access)
    await session.open()
    return KubernetesApi(session, silence_s)


class _Session:
    """Configuration and connections, made anew when the server no longer accepts who we are."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._rest: Any = None
        self._configuration: Any = None
        self._opening = asyncio.Lock()
        self.namespace = access.namespace or "default"
        self.host = ""
        self.age = 0  # how often credentials have been read

    async def open(self) -> None:
        # The package takes a second to import: not in the event loop.
        configuration, config, rest = await asyncio.to_thread(_import_kubernetes)
        found = configuration()
        access, context = self._access, {}
        try:
            if access.is_from_inside:
                config.load_incluster_config(client_configuration=found)
                context = {"namespace": (_SERVICE_ACCOUNT / "namespace").read_text().strip()}
            else:
                loader = await config.load_kube_config(
                    config_file=access.kubeconfig,
                    context=access.context,
                    client_configuration=found,
                    persist_config=False,
                )
                context = loader.current_context.get("context") or {}
        except (config.ConfigException, OSError, ValueError, TypeError, AttributeError) as error:
            which = f"context {access.context!r}" if access.context else "a cluster"
            where = access.kubeconfig or os.environ.get("KUBECONFIG") or "~/.kube/config"
            raise InvalidInput(
                f"Cannot find {which} in {where}: {error}. `kubectl config get-contexts` lists "
                "what there is; name one of them in config.toml."
            ) from error
        self.namespace = access.namespace or context.get("namespace") or "default"
        self.host, self._configuration = str(found.host), found
        try:
            self._rest = rest(found)
        except (OSError, ssl.SSLError) as error:
            raise InvalidInput(
                f"Cannot use the certificates of {self.host}: {error}. Fetch the kubeconfig anew."
            ) from error
        self.age += 1

    async def reopen(self, age: int) -> None:
        """Read credentials again, unless somebody has since."""
        async with self._opening:
            if self.age == age:
                old = self._rest
                await self.open()
                await old.close()

    async def send(self, method: str, url: str, body: Any, content_type: str, timeout: Any) -> Any:
        headers = {"Content-Type": content_type, "Accept": "application/json"}
        token = await self._configuration.get_api_key_with_prefix(
            "BearerToken", alias="authorization"
        )
        if token:
            headers["Authorization"] = token
        return await self._rest.request(
            method, self.host + url, headers=headers, body=body, _request_timeout=timeout
        )

    async def close(self) -> None:
        if self._rest is not None:
            await self._rest.close()


class KubernetesApi:
    """`ClusterApi` over the `kubernetes` package; made by `connect`."""

    def __init__(self, session: _Session, silence_s: float = 75.0) -> None:
        self._session = session
        self._silence_s = silence_s

    @property
    def namespace(self) -> str:
        return self._session.namespace

    @property
    def host(self) -> str:
        """The server's address, for people."""
        return self._session.host

    async def get(self, kind: Kind, namespace: str | None, name: str) -> Object:
        return await self._call("GET", kind.path(namespace, name))

    async def list(
        self, kind: Kind, namespace: str | None, *, labels: str = "", fields: str = ""
    ) -> Objects:
        found, _ = await self._list(kind, namespace, labels, fields)
        return found

    async def create(self, kind: Kind, namespace: str | None, body: Object) -> Object:
        return await self._call("POST", kind.path(namespace), _whole(kind, body))

    async def apply(self, kind: Kind, namespace: str | None, body: Object) -> Object:
        path = kind.path(namespace, body["metadata"]["name"])
        query = urlencode({"fieldManager": MANAGER, "force": "true"})
        whole = _whole(kind, body)
        return await self._call("PATCH", f"{path}?{query}", whole, "application/apply-patch+yaml")

    async def patch(
        self, kind: Kind, namespace: str | None, name: str, body: Object, *, part: str = ""
    ) -> Object:
        path = kind.path(namespace, name, part)
        return await self._call("PATCH", path, body, "application/merge-patch+json")

    async def delete(
        self,
        kind: Kind,
        namespace: str | None,
        name: str,
        *,
        propagation: Propagation = "Background",
        grace_s: float | None = None,
        uid: str | None = None,
    ) -> bool:
        options: dict[str, Any] = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "propagationPolicy": propagation,
        }
        if grace_s is not None:
            options["gracePeriodSeconds"] = int(grace_s)
        if uid is not None:
            options["preconditions"] = {"uid": uid}
        try:
            await self._call("DELETE", kind.path(namespace, name), options)
        except NotFound:
            return False
        except Conflict:
            if uid is None:
                raise
            return False
        return True

    async def version(self) -> str:
        return str((await self._call("GET", "/version")).get("gitVersion", ""))

    async def watch(
        self, kind: Kind, namespace: str | None, *, labels: str = ""
    ) -> AsyncIterator[Update]:
        version = ""  # from which to watch on; none: all is listed anew
        pauses = 0
        while True:
            try:
                if not version:
                    objects, version = await self._list(kind, namespace, labels)
                    yield Listing(tuple(objects))
                changes = self._changes(kind, namespace, labels, version)
                async with contextlib.aclosing(changes):
                    async for change in changes:
                        pauses = 0
                        version = _version(change["object"])
                        if change["type"] != "BOOKMARK":
                            yield Change(change["type"], change["object"])
            except _Outdated:
                version = ""
            except PlatformError as error:
                version = ""
                yield Trouble(error)
                await asyncio.sleep(_pause_s(pauses))
                pauses += 1

    async def follow_log(
        self, namespace: str, pod: str, container: str | None = None, *, follow: bool = True
    ) -> AsyncIterator[bytes]:
        query = {"follow": "true" if follow else "false"}
        if container is not None:
            query["container"] = container
        path = f"{PODS.path(namespace, pod, 'log')}?{urlencode(query)}"
        async with self._answer("GET", path, timeout=_timeout(None, None)) as answer:
            with self._faults():
                async for piece in answer.content.iter_any():
                    yield piece

    async def close(self) -> None:
        await self._session.close()

    # - inside -

    async def _list(
        self, kind: Kind, namespace: str | None, labels: str, fields: str = ""
    ) -> tuple[Objects, str]:
        """Return all that match, and the version of the list."""
        given = {"limit": str(_PAGE), "labelSelector": labels, "fieldSelector": fields}
        query = {name: value for name, value in given.items() if value}
        found: Objects = []
        while True:
            try:
                page = await self._call("GET", f"{kind.path(namespace)}?{urlencode(query)}")
            except Unavailable as error:
                if error.details.get("http_status") != 410 or "continue" not in query:
                    raise
                del query["continue"]  # the pages of then are forgotten: from the start
                found.clear()
                continue
            found += [_whole(kind, item) for item in page.get("items") or ()]
            metadata = page.get("metadata") or {}
            if not metadata.get("continue"):
                return found, str(metadata.get("resourceVersion") or "0")
            query["continue"] = metadata["continue"]

    async def _changes(
        self, kind: Kind, namespace: str | None, labels: str, version: str
    ) -> AsyncGenerator[dict[str, Any], None]:
        """Give one watch's changes, as long as the server keeps it up.

        Raises:
            _Outdated: The server has forgotten that version, or says nothing any more.
        """
        query = {
            "watch": "1",
            "allowWatchBookmarks": "true",
            "resourceVersion": version,
            "timeoutSeconds": str(random.randint(240, 300)),  # noqa: S311 - spreads the load
        }
        if labels:
            query["labelSelector"] = labels
        path = f"{kind.path(namespace)}?{urlencode(query)}"
        timeout = _timeout(None, self._silence_s)
        async with self._answer("GET", path, timeout=timeout) as answer:
            rest = b""
            pieces = answer.content.iter_any().__aiter__()
            while True:
                try:
                    with self._faults():
                        piece = await anext(pieces, None)
                except _Silence:
                    raise _Outdated from None
                if piece is None:
                    return
                *lines, rest = (rest + piece).split(b"\n")
                for line in filter(None, lines):
                    change = _read_json(line)
                    if change.get("type") == "ERROR":
                        status = change.get("object") or {}
                        if status.get("code") in (410, 504):
                            raise _Outdated
                        raise error_of(int(status.get("code") or 500), status, "watch", path)
                    yield change

    async def _call(
        self, method: str, path: str, body: Any = None, content_type: str = "application/json"
    ) -> dict[str, Any]:
        for number in range(_TRIES):
            try:
                async with self._answer(method, path, body, content_type) as answer:
                    with self._faults():
                        return _read_json(await answer.read())
            except Unavailable as error:
                after = error.details.get("retry_after_s")
                if after is None or number + 1 == _TRIES:
                    raise
                await asyncio.sleep(min(float(after), _LONGEST_PAUSE_S))
        raise AssertionError("unreachable")

    @contextlib.asynccontextmanager
    async def _answer(
        self,
        method: str,
        path: str,
        body: Any = None,
        content_type: str = "application/json",
        timeout: Any = None,
    ) -> AsyncIterator[Any]:
        """Send a request; gives the answer, still to be read, where it is a good one."""
        timeout = timeout or _timeout(30.0, None)
        for is_last in (False, True):
            age = self._session.age
            with self._faults():
                sent = await self._session.send(method, path, body, content_type, timeout)
            answer = sent.response
            try:
                if answer.status == 401 and not is_last:
                    await self._session.reopen(age)  # a token may have expired: once more
                    continue
                if answer.status >= 400:
                    with self._faults():
                        said = await answer.read()
                    after = answer.headers.get("Retry-After")
                    raise error_of(answer.status, _read_json(said), method, path, after)
                yield answer
                return
            finally:
                answer.close()  # what has been read to its end is in the pool already

    @contextlib.contextmanager
    def _faults(self) -> Any:
        """Tell faults of the network as ours."""
        import aiohttp

        try:
            yield
        except aiohttp.SocketTimeoutError as error:
            raise _Silence(f"The cluster at {self.host} says nothing.") from error
        except (aiohttp.ClientError, TimeoutError, OSError, ssl.SSLError) as error:
            said = str(error) or type(error).__name__
            raise Unavailable(
                f"The cluster at {self.host} does not answer: {said}. What runs there goes on; it "
                "is asked again."
            ) from error


class _Outdated(Exception):
    """Watching on from there is not possible: list anew."""


class _Silence(Unavailable):
    """Nothing came for long."""


def error_of(
    status: int, said: Mapping[str, Any], method: str, path: str, retry_after: str | None = None
) -> PlatformError:
    """Turn the server's `Status` into an error of ours; `details.reason` is its own word for it."""
    reason = str(said.get("reason") or "")
    message = str(said.get("message") or f"{method} {path.partition('?')[0]} was answered {status}")
    told: dict[str, Any] = {"reason": reason, "http_status": status}
    if status == 401:
        return Unauthenticated(
            "The cluster does not accept our credentials: they may have expired. Sign in again "
            f"(the cluster says: {message}).",
            **told,
        )
    if status == 403:
        return Forbidden(message, **told)
    if status == 404:
        return NotFound(message, **told)
    if status == 409:
        return Conflict(message, **told)
    if status in (410, 429) or status >= 500:
        after = retry_after if retry_after and retry_after.isdigit() else None
        if after is None and status == 429:
            after = "1"
        if after is not None:
            told["retry_after_s"] = int(after)
        return Unavailable(message, **told)
    return InvalidInput(message, **told)


def _whole(kind: Kind, body: Object) -> dict[str, Any]:
    """Say of what kind an object is: items of a list leave it out."""
    return {"apiVersion": kind.api_version, "kind": kind.name, **body}


def _version(value: Object) -> str:
    return str((value.get("metadata") or {}).get("resourceVersion") or "")


def _pause_s(number: int) -> float:
    return min(0.2 * 2.0**number, _LONGEST_PAUSE_S) * random.uniform(0.75, 1.25)  # noqa: S311


def _read_json(content: bytes) -> dict[str, Any]:
    try:
        value = json.loads(content or b"{}")
    except ValueError:
        return {"message": content[:500].decode("utf-8", "replace")}
    return value if isinstance(value, dict) else {}


def _timeout(total_s: float | None, silence_s: float | None) -> Any:
    import aiohttp

    return aiohttp.ClientTimeout(
        total=total_s, sock_connect=10.0, connect=20.0, sock_read=silence_s
    )


def _import_kubernetes() -> tuple[Any, Any, Any]:
    from kubernetes.aio import config
    from kubernetes.aio.client import Configuration
    from kubernetes.aio.client.rest import RESTClientObject

    return Configuration, config, RESTClientObject
