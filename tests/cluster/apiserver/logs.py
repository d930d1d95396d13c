"""Logs of containers: kubelets write them, `pods/log` reads them, with follow."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tests.cluster.apiserver.failures import bad_request

Object = dict[str, Any]


@dataclass
class Log:
    """The output of one run of a container: lines with the moment they were written."""

    lines: list[tuple[float, bytes]] = field(default_factory=list)
    is_closed: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)
    listeners: list[Callable[[], None]] = field(default_factory=list)

    def write(self, text: bytes | str, at: float | None = None) -> None:
        data = text.encode() if isinstance(text, str) else text
        with self.lock:
            for line in data.splitlines(keepends=True):
                self.lines.append((time.time() if at is None else at, line))
            listeners = tuple(self.listeners)
        for listener in listeners:
            listener()

    def close(self) -> None:
        with self.lock:
            self.is_closed = True
            listeners = tuple(self.listeners)
        for listener in listeners:
            listener()


@dataclass
class LogBook:
    """The logs of a cluster, by pod (its uid) and container; the last is the current one."""

    logs: dict[tuple[str, str], list[Log]] = field(default_factory=dict)

    def start(self, uid: str, container: str) -> Log:
        log = Log()
        self.logs.setdefault((uid, container), []).append(log)
        return log

    def of(self, uid: str, container: str, *, previous: bool = False) -> Log | None:
        runs = self.logs.get((uid, container), [])
        index = -2 if previous else -1
        return runs[index] if len(runs) >= -index else None


@dataclass
class Reading:
    """One request for a log."""

    log: Log
    follow: bool
    tail: int | None
    since: float
    timestamps: bool
    limit: int | None

    def show(self, line: tuple[float, bytes]) -> bytes:
        if not self.timestamps:
            return line[1]
        moment = datetime.fromtimestamp(line[0], UTC)
        return f"{moment.strftime('%Y-%m-%dT%H:%M:%S.%f')}000Z ".encode() + line[1]

    def first(self) -> tuple[bytes, int]:
        """Read what is there; returns it and how many lines were seen."""
        with self.log.lock:
            seen = len(self.log.lines)
            lines = [line for line in self.log.lines if line[0] >= self.since]
        if self.tail is not None:
            lines = lines[len(lines) - min(self.tail, len(lines)) :]
        data = b"".join(self.show(line) for line in lines)
        return (data[: self.limit] if self.limit is not None else data), seen

    def next(self, seen: int) -> tuple[bytes, int, bool]:
        with self.log.lock:
            fresh, closed = self.log.lines[seen:], self.log.is_closed
        return b"".join(self.show(line) for line in fresh), seen + len(fresh), closed


def read(book: LogBook, pod: Object, query: Mapping[str, str], now: float) -> Reading | None:
    """Find the log a request asks for; refuses, in the words of the real server, what has none."""
    spec, name = pod["spec"], pod["metadata"]["name"]
    inits = [container["name"] for container in spec.get("initContainers") or []]
    mains = [container["name"] for container in spec["containers"]]
    container = query.get("container", "")
    if not container:
        if len(mains) > 1 or (inits and len(mains) != 1):
            listed = f" or one of the init containers: [{' '.join(inits)}]" if inits else ""
            raise bad_request(
                f"a container name must be specified for pod {name}, choose one of: "
                f"[{' '.join(mains)}]{listed}"
            )
        container = mains[0]
    elif container not in inits + mains:
        raise bad_request(f"container {container} is not valid for pod {name}")
    previous = query.get("previous", "").lower() == "true"
    log = book.of(pod["metadata"]["uid"], container, previous=previous)
    if log is None:
        if previous:
            raise bad_request(
                f'previous terminated container "{container}" in pod "{name}" not found'
            )
        statuses = (pod.get("status") or {}).get("containerStatuses") or []
        states = {status["name"]: status.get("state") or {} for status in statuses}
        waiting: Object = states.get(container, {})
        reason = (waiting.get("waiting") or {}).get("reason", "ContainerCreating")
        if not spec.get("nodeName"):
            return None  # nobody to ask: an empty answer
        raise bad_request(f'container "{container}" in pod "{name}" is waiting to start: {reason}')
    since = now - int(query["sinceSeconds"]) if query.get("sinceSeconds") else 0.0
    if text := query.get("sinceTime"):
        since = datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
    return Reading(
        log,
        follow=query.get("follow", "").lower() == "true",
        tail=int(query["tailLines"]) if query.get("tailLines") else None,
        since=since,
        timestamps=query.get("timestamps", "").lower() == "true",
        limit=int(query["limitBytes"]) if query.get("limitBytes") else None,
    )
