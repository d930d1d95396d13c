"""The API of one cluster, free of HTTP: who asks, may they, what goes wrong, and the answer."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from tests.cluster.apiserver import bootstrap, discovery, logs, reading, reviews, subresources
from tests.cluster.apiserver.access import ADMIN, ANONYMOUS, AUTHENTICATED, Access, Attributes, User
from tests.cluster.apiserver.admission import Admission
from tests.cluster.apiserver.definitions import Definitions
from tests.cluster.apiserver.failures import (
    Failure,
    forbidden,
    no_such_path,
    not_allowed,
    unauthorized,
)
from tests.cluster.apiserver.faults import Dropped, Faults
from tests.cluster.apiserver.kinds import Kind, Registry
from tests.cluster.apiserver.reading import Reader
from tests.cluster.apiserver.requests import Place, Reply, Request, failed, place
from tests.cluster.apiserver.store import Change, Store
from tests.cluster.apiserver.writing import Writer

Object = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Call:
    """One call as it was made: what least privilege is judged by."""

    user: str
    verb: str
    group: str
    resource: str
    subresource: str
    namespace: str
    name: str
    code: int
    query: Mapping[str, str]
    path: str = ""  # of what is no resource

    @property
    def attributes(self) -> Attributes:
        return Attributes(
            self.verb,
            self.group,
            self.resource,
            self.subresource,
            self.namespace,
            self.name,
            self.path,
        )


@dataclass
class Watching:
    """A watch that was let in: what it begins with, and what it wants to see."""

    request: Request
    changes: list[Change]
    present: list[Object] | None  # shown as added before anything else
    version: int
    error: Failure | None = None  # all that such a watch tells
    code: int = 200


Answer = Reply | Watching | logs.Reading


@dataclass
class Api:
    """An API server without a socket. Thread-safe."""

    clock: Callable[[], float] = time.time
    seed: int = 0
    history: int = 20_000
    anonymous: User | None = None  # who has sent no token; None: refused

    store: Store = field(init=False)
    calls: list[Call] = field(default_factory=list)
    book: logs.LogBook = field(default_factory=logs.LogBook)

    def __post_init__(self) -> None:
        chance = random.Random(self.seed)
        self.store = Store(self.history)
        self.registry = Registry()
        self.definitions = Definitions(self.registry)
        self.access = Access(self.store)
        self.admission = Admission(self.store, self.access, chance)
        self.writer = Writer(
            self.store, self.registry, self.definitions, self.admission, self.clock, chance
        )
        self.reader = Reader(self.store)
        self.faults = Faults(random.Random(self.seed + 1))
        self.admin_token = self.access.mint(ADMIN)
        bootstrap.install(self)

    # -- for tests and actors: the same verbs without a socket, faults and a record

    def do(
        self,
        verb: str,
        kind: Kind,
        namespace: str = "",
        name: str = "",
        body: Object | None = None,
        *,
        subresource: str = "",
        query: Mapping[str, str] | None = None,
        media: str = "application/json",
        user: User = ADMIN,
        agent: str = "actor",
    ) -> Object:
        """Carry out a call; returns the document of its answer, raises Failure where
        it is refused."""
        import orjson

        packed = orjson.dumps(body) if body is not None else b""
        request = Request(
            user, verb, kind, namespace, name, subresource, query or {}, packed, media, agent
        )
        with self.store.lock:
            answer = self._carry_out(request)
        assert isinstance(answer, Reply)
        assert isinstance(answer.body, dict)
        return answer.body

    # -- from outside

    def handle(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        headers: Mapping[str, str],
        body: bytes = b"",
    ) -> Answer:
        """Answer one call. Raises Dropped where no answer is to be sent."""
        request: Request | None = None
        user_name = ""
        verb = method.lower()
        try:
            user = self._authenticate(headers)
            user_name = user.name
            found = place(path, self.registry)
            if found is None:
                return self._discover(user, method, path)
            request = self._request(found, user, method, query, headers, body)
            late = self.faults.before(request)
            answer = self._admit(request)
            if late is not None:
                if late.code == 0:
                    raise Dropped
                answer = failed(late)
            self._record(request, answer.code if isinstance(answer, Reply | Watching) else 200)
            self.faults.after(request)
            return answer
        except Failure as failure:
            if failure.code == 0:
                raise Dropped from failure
            if request is not None:
                self._record(request, failure.code)
                if request.verb == "watch" and failure.code == 410:
                    return Watching(request, [], None, 0, failure)
            else:
                self.calls.append(
                    Call(user_name, verb, "", "", "", "", "", failure.code, dict(query), path)
                )
            return failed(failure)

    def _authenticate(self, headers: Mapping[str, str]) -> User:
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            user = self.access.whose(token.strip(), self.clock())
            if user is None:
                raise unauthorized()
        else:
            user = self.anonymous or ANONYMOUS
        if name := headers.get("impersonate-user"):
            self.access.require(user, Attributes("impersonate", "", "users", name=name), None)
            groups = [value for value in headers.get("impersonate-group", "").split(",") if value]
            user = User(name, (*groups, AUTHENTICATED))
        return user

    def _discover(self, user: User, method: str, path: str) -> Reply:
        if method != "GET":
            raise no_such_path()
        if path not in discovery.HEALTH:
            self.access.require(user, Attributes("get", path=path), None)
        found = discovery.answer(path, self.registry, self.definitions)
        if found is None:
            raise no_such_path()
        if isinstance(found, str):
            return Reply(found.encode(), headers={"Content-Type": "text/plain; charset=utf-8"})
        return Reply(found)

    def _request(
        self,
        found: Place,
        user: User,
        method: str,
        query: Mapping[str, str],
        headers: Mapping[str, str],
        body: bytes,
    ) -> Request:
        verb = found.verb(method, query)
        media = headers.get("content-type", "application/json").partition(";")[0]
        agent = headers.get("user-agent", "")
        return Request(
            user,
            verb,
            found.kind,
            found.namespace,
            found.name,
            found.subresource,
            query,
            body,
            media,
            agent,
        )

    def _admit(self, request: Request) -> Answer:
        kind = request.kind
        name = request.name
        if not name and request.verb in ("list", "watch"):
            for part in request.query.get("fieldSelector", "").split(","):
                if part.startswith("metadata.name="):
                    name = part.partition("=")[2].lstrip("=")
        asked = Attributes(
            request.verb,
            kind.group,
            kind.plural,
            request.subresource,
            request.namespace or (name if kind.plural == "namespaces" else ""),
            name,
        )
        self.access.require(request.user, asked, kind)
        with self.store.lock:
            return self._carry_out(request)

    def _carry_out(self, request: Request) -> Answer:
        kind, verb = request.kind, request.verb
        if kind.namespaced and not request.namespace and verb not in ("list", "watch"):
            raise not_allowed()
        if kind.review:
            if verb != "create":
                raise not_allowed()
            document = request.document()
            document.setdefault("metadata", {})
            document |= {"apiVersion": kind.api_version, "kind": kind.kind}
            answered = reviews.answer(
                kind.kind, document, request.user, self.access, self.clock(), request.namespace
            )
            return Reply(answered, 201)
        if verb == "watch":
            return self._watch(request)
        if request.subresource == "log":
            pod = self.reader.get(request)
            return logs.read(self.book, pod, request.query, self.clock()) or Reply(b"", 204)
        if (reply := subresources.handle(request, self.writer, self.access)) is not None:
            return reply
        if verb == "get":
            return Reply(self.reader.get(request))
        if verb == "list":
            return Reply(self.reader.list(request))
        kept = request.name in ("default", "kube-system", "kube-public")
        if verb == "delete" and kind.resource == ("", "namespaces") and kept:
            raise forbidden(kind, request.name, "this namespace may not be deleted")
        self.writer.shaper.warnings = []
        reply = {
            "create": self.writer.create,
            "update": self.writer.update,
            "patch": self.writer.patch,
            "delete": self.writer.deleter.delete,
            "deletecollection": self.writer.deleter.collection,
        }[verb](request)
        warnings = self.writer.shaper.warnings
        if verb in ("create", "update", "patch") and isinstance(reply.body, dict):
            warnings = warnings + self.admission.pod_warnings(request, reply.body)
        if warnings:
            reply.headers["Warning"] = ", ".join(
                '299 - "' + told.replace("\\", "\\\\").replace('"', '\\"') + '"'
                for told in warnings
            )
        return reply

    def _watch(self, request: Request) -> Watching:
        query = request.query
        version = query.get("resourceVersion", "")
        matches = reading.selector(request)
        initial = query.get("sendInitialEvents", "").lower() == "true"
        if initial or version in ("", "0"):
            objects = self.store.list(request.kind.resource, request.namespace or None)
            present = [reading.shape(item, request.kind) for item in objects if matches(item)]
            return Watching(request, [], present, self.store.version)
        return Watching(request, self.reader.since(request), None, self.store.version)

    def _record(self, request: Request, code: int) -> None:
        kind = request.kind
        self.calls.append(
            Call(
                request.user.name,
                request.verb,
                kind.group,
                kind.plural,
                request.subresource,
                request.namespace,
                request.name,
                code,
                dict(request.query),
            )
        )


__all__ = ["Api", "Call", "Dropped", "Watching", "replace"]
