"""A cluster's API, as its administrator's kubeconfig reaches it: plain objects in and out."""

import json
import os
import time
from collections.abc import Iterator, Mapping
from typing import Any, Protocol
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

Manifest = dict[str, Any]

FIELD_MANAGER = "jupyter-mlplat-install"
"""Not the controller's: what it writes on objects of ours is kept when we are installed anew."""
_PAGE = 500
_TIMEOUT_S = 30.0
_SHED = (429, 503)
_TRIES = 5


class Api(Protocol):
    """What is asked of a cluster; every call may raise what `error_of` makes."""

    @property
    def where(self) -> str:
        """The server's address, for people."""

    def call(
        self,
        method: str,
        path: str,
        body: Manifest | None = None,
        content_type: str = "application/json",
    ) -> Manifest: ...


class Connection:
    """An `Api` over the `kubernetes` package, which knows kubeconfigs, certificates and plugins.

    Args:
        context: Of the kubeconfig; None: its current one.
        kubeconfig: The file; None: `KUBECONFIG`, or kubectl's own.

    Raises:
        InvalidInput: There is no such context, or no kubeconfig.
    """

    def __init__(self, context: str | None = None, kubeconfig: str | None = None) -> None:
        from kubernetes import client, config

        try:
            self._client = config.new_client_from_config(  # type: ignore[no-untyped-call]
                # the package reads the variable when it is imported; it may have changed since
                config_file=kubeconfig or os.environ.get("KUBECONFIG"),
                context=context,
                persist_config=False,
            )
        except (config.ConfigException, OSError, ValueError, TypeError) as error:
            which = f"context {context!r}" if context else "a cluster"
            why = str(error).rstrip(".")
            raise InvalidInput(
                f"Cannot find {which} in the kubeconfig: {why}. `kubectl config get-contexts` "
                "lists what there is; name one with --context."
            ) from error
        self._client.configuration.retries = False
        self._client.rest_client = client.rest.RESTClientObject(self._client.configuration)

    @property
    def where(self) -> str:
        return str(self._client.configuration.host)

    def call(
        self,
        method: str,
        path: str,
        body: Manifest | None = None,
        content_type: str = "application/json",
    ) -> Manifest:
        headers = {"Content-Type": content_type, "Accept": "application/json"}
        text = None if body is None else json.dumps(body)
        for attempt in range(_TRIES):
            status, answer = self._send(method, path, text, headers)
            if status not in _SHED or attempt == _TRIES - 1:
                break
            time.sleep(0.2 * 2**attempt)  # the server has not carried it out
        if not 200 <= status < 300:
            raise error_of(status, answer, f"{method} {path.partition('?')[0]}")
        return answer

    def _send(
        self, method: str, path: str, text: str | None, headers: dict[str, str]
    ) -> tuple[int, Manifest]:
        import urllib3

        settings = self._client.configuration
        token = settings.get_api_key_with_prefix("BearerToken", alias="authorization")
        if token:
            headers["Authorization"] = token
        # Bytes are sent as they are: the client would write a text as JSON once more.
        try:
            answer = self._client.rest_client.pool_manager.request(
                method,
                settings.host + path,
                body=None if text is None else text.encode(),
                headers=headers,
                timeout=_TIMEOUT_S,
                retries=False,
            )
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise Unavailable(
                f"The cluster at {self.where} does not answer: {error}. See whether `kubectl "
                "version` reaches it."
            ) from error
        try:
            found = json.loads(answer.data or b"{}")
        except ValueError:
            found = {"message": answer.data[:200].decode("utf-8", "replace")}
        return answer.status, found if isinstance(found, dict) else {"items": found}


def error_of(status: int, answer: Mapping[str, Any], what: str) -> PlatformError:
    """Return what a refusal of the API server means."""
    message = str(answer.get("message") or f"HTTP {status}")
    text = f"The cluster refused {what}: {message.rstrip('.')}."
    kinds: dict[int, type[PlatformError]] = {
        400: InvalidInput,
        401: Unauthenticated,
        403: Forbidden,
        404: NotFound,
        409: Conflict,
        422: InvalidInput,
    }
    hint = {
        401: " Sign in to the cluster again.",
        403: " Ask for a role that allows it; `jupyter mlplat cluster check` says what is needed.",
    }
    return kinds.get(status, Unavailable)(text + hint.get(status, ""), http_status=status)


class Cluster:
    """Objects by what they say they are: their address is asked of the cluster's discovery."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self._known: dict[str, dict[str, Manifest]] = {}

    def groups(self) -> set[str]:
        """Return the names of all API groups, each also with its versions: `apps`, `apps/v1`."""
        found = set()
        for group in self.api.call("GET", "/apis").get("groups") or ():
            found |= {group["name"], *(one["groupVersion"] for one in group["versions"])}
        return found

    def forget(self) -> None:
        """Ask anew what kinds there are."""
        self._known.clear()

    def kinds(self, api_version: str) -> dict[str, Manifest]:
        """Return the kinds of a version with their resources; none where there is none."""
        if api_version not in self._known:
            root = "/apis/" if "/" in api_version else "/api/"
            try:
                listed = self.api.call("GET", f"{root}{api_version}").get("resources") or ()
            except NotFound:
                return {}
            self._known[api_version] = {
                one["kind"]: one for one in listed if "/" not in one["name"]
            }
        return self._known[api_version]

    def path(self, api_version: str, kind: str, namespace: str | None, name: str = "") -> str:
        """Return where an object lies, or all of its kind.

        Raises:
            NotFound: The cluster has no such kind.
        """
        resource = self.kinds(api_version).get(kind)
        if resource is None:
            raise NotFound(f"The cluster has no {kind} of {api_version}.")
        root = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
        place = f"/namespaces/{quote(namespace)}" if namespace and resource["namespaced"] else ""
        return f"{root}{place}/{resource['name']}" + (f"/{quote(name)}" if name else "")

    def path_of(self, one: Manifest) -> str:
        """Return where an object lies."""
        metadata = one["metadata"]
        return self.path(
            one["apiVersion"], one["kind"], metadata.get("namespace"), metadata["name"]
        )

    def find(self, one: Manifest) -> Manifest | None:
        """Return what is there in an object's place."""
        try:
            return self.api.call("GET", self.path_of(one))
        except NotFound:
            return None

    def list(
        self, api_version: str, kind: str, namespace: str | None = None, *, labels: str = ""
    ) -> Iterator[Manifest]:
        """Return all objects of a kind; nothing where there is no such kind."""
        try:
            path = self.path(api_version, kind, namespace)
        except NotFound:
            return
        query = {"limit": str(_PAGE)} | ({"labelSelector": labels} if labels else {})
        while True:
            try:
                page = self.api.call("GET", f"{path}?{urlencode(query)}")
            except NotFound:
                return  # its definition was deleted a moment ago
            for item in page.get("items") or ():
                yield {"apiVersion": api_version, "kind": kind, **item}
            after = (page.get("metadata") or {}).get("continue")
            if not after:
                return
            query["continue"] = after

    def apply(self, one: Manifest, *, is_dry: bool = False, force: bool = True) -> Manifest:
        """Make an object so, as ours; with `is_dry` only say what it would be.

        Raises:
            Conflict: Without `force`, somebody else has set a field otherwise since.
        """
        query = {"fieldManager": FIELD_MANAGER, "force": str(force).lower()}
        if is_dry:
            query["dryRun"] = "All"
        path = f"{self.path_of(one)}?{urlencode(query)}"
        return self.api.call("PATCH", path, one, "application/apply-patch+yaml")

    def delete(self, one: Manifest) -> bool:
        """Delete an object with what it owns; False: it is gone already."""
        try:
            self.api.call("DELETE", self.path_of(one), {"propagationPolicy": "Background"})
        except NotFound:
            return False
        return True
