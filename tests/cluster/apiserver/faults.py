"""Dials for faults: what goes wrong, how often, for whom; all from one seed.

faults.rates = {"conflict": 0.1, "too_many": 0.05}      # of calls, at random
faults.fail(3, "internal", verb="update", resource="statefulsets")   # the next three that match
faults.latency_s = 0.05
faults.outage = True                                    # connections are dropped unanswered
faults.watches.cut()                                    # every watch ends now
faults.watches.silent = True                            # watches stay open and say nothing
faults.watches.rates = {"duplicate": 0.1, "stale": 0.1, "reorder": 0.1}
faults.kill(7, "after", user="system:serviceaccount:x:y")    # dead from the seventh call on
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from tests.cluster.apiserver import failures
from tests.cluster.apiserver.failures import Failure
from tests.cluster.apiserver.requests import Request

WRITES = ("create", "update", "patch", "delete", "deletecollection")


class Dropped(Exception):
    """The connection is cut without an answer."""


@dataclass
class Rule:
    """One fault for the calls that match."""

    make: str | Callable[[Request], Failure]
    times: int | None = 1  # None: always
    after: int = 0  # let so many pass first
    done: bool = False  # the call is carried out, and only its answer is a failure
    matches: dict[str, str] = field(default_factory=dict)

    def hits(self, request: Request) -> bool:
        if not matching(request, self.matches) or self.times == 0:
            return False
        if self.after > 0:
            self.after -= 1
            return False
        if self.times is not None:
            self.times -= 1
        return True


def matching(request: Request, wanted: dict[str, str]) -> bool:
    found = {
        "verb": request.verb,
        "resource": request.kind.plural,
        "subresource": request.subresource,
        "namespace": request.namespace,
        "name": request.name,
        "user": request.user.name,
    }
    return all(
        (found[key] in WRITES) if (key, value) == ("verb", "write") else found[key] == value
        for key, value in wanted.items()
    )


@dataclass
class Kill:
    """The end of a client: at its n-th call it is cut off, before or after the call
    is carried out."""

    at: int
    when: Literal["before", "after"]
    matches: dict[str, str]
    action: Callable[[], None] | None = None
    seen: int = 0
    dead: bool = False


@dataclass
class WatchFaults:
    """What goes wrong with watches."""

    silent: bool = False
    rates: dict[str, float] = field(default_factory=dict)  # duplicate, stale, reorder, drop, cut
    bookmark_s: float = 60.0
    cutters: list[Callable[[], None]] = field(default_factory=list)

    def cut(self) -> None:
        """End every watch that is open now."""
        for cutter in tuple(self.cutters):
            cutter()


@dataclass
class Faults:
    """The dials of one server. All off at first."""

    random: random.Random
    rates: dict[str, float] = field(default_factory=dict)
    only: dict[str, str] = field(default_factory=dict)  # the rates hold for these calls only
    retry_after_s: int = 1
    latency_s: float = 0.0
    jitter_s: float = 0.0
    outage: bool = False
    rules: list[Rule] = field(default_factory=list)
    kills: list[Kill] = field(default_factory=list)
    watches: WatchFaults = field(default_factory=WatchFaults)
    calls: int = 0

    def fail(
        self,
        times: int | None,
        make: str | Callable[[Request], Failure],
        *,
        after: int = 0,
        done: bool = False,
        **matches: str,
    ) -> Rule:
        """Let the next calls that match fail; `done`: they are carried out all the same."""
        rule = Rule(make, times, after, done, matches)
        self.rules.append(rule)
        return rule

    def kill(
        self,
        at: int,
        when: Literal["before", "after"] = "before",
        action: Callable[[], None] | None = None,
        **matches: str,
    ) -> Kill:
        """Cut a client off at its n-th call (from 1), and from then on."""
        found = Kill(at, when, matches, action)
        self.kills.append(found)
        return found

    def clear(self) -> None:
        """Turn all dials off."""
        self.rates, self.only, self.rules, self.kills = {}, {}, [], []
        self.latency_s = self.jitter_s = 0.0
        self.outage = self.watches.silent = False
        self.watches.rates = {}

    def delay_s(self) -> float:
        return self.latency_s + (self.random.random() * self.jitter_s if self.jitter_s else 0.0)

    def before(self, request: Request) -> Failure | None:
        """Decide, before a call is carried out.

        Returns a failure to answer with once it is (or None).
        """
        self.calls += 1
        if self.outage:
            raise Dropped
        for kill in self.kills:
            if kill.dead and matching(request, kill.matches):
                raise Dropped
            if matching(request, kill.matches):
                kill.seen += 1
                if kill.seen == kill.at and kill.when == "before":
                    self._die(kill)
        for rule in self.rules:
            if rule.hits(request):
                failure = self.make(rule.make, request)
                if rule.done:
                    return failure
                raise failure
        if self.rates and matching(request, self.only):
            for name, rate in self.rates.items():
                done = name.startswith("done:")
                if self.random.random() < rate and self._fits(name, request):
                    if name.removeprefix("done:") == "drop":
                        if not done:
                            raise Dropped
                        return DROP
                    failure = self.make(name.removeprefix("done:"), request)
                    if done:
                        return failure
                    raise failure
        return None

    def after(self, request: Request) -> None:
        """Decide, after a call is carried out and before it is answered."""
        for kill in self.kills:
            if (
                kill.when == "after"
                and kill.seen == kill.at
                and not kill.dead
                and matching(request, kill.matches)
            ):
                self._die(kill)

    @staticmethod
    def _die(kill: Kill) -> None:
        kill.dead = True
        if kill.action is not None:
            kill.action()
        raise Dropped

    @staticmethod
    def _fits(name: str, request: Request) -> bool:
        """A conflict is no answer to a read, and 410 none to a write."""
        plain = name.removeprefix("done:")
        if plain == "conflict":
            return request.verb in ("update", "patch")
        if plain == "expired":
            return request.verb in ("list", "watch")
        return not (name.startswith("done:") and request.verb == "watch")

    def make(self, made: str | Callable[[Request], Failure], request: Request) -> Failure:
        if callable(made):
            return made(request)
        if made == "conflict":
            return failures.conflict(request.kind, request.name)
        if made == "expired":
            return failures.expired("too old resource version: 1 (2)")
        if made == "too_many":
            return failures.too_many(self.retry_after_s)
        if made == "internal":
            return failures.internal("etcdserver: leader changed")
        if made == "timeout":
            return failures.timeout()
        if made == "unavailable":
            return Failure(
                503,
                "ServiceUnavailable",
                "the server is currently unable to handle the request",
                {},
            )
        if made == "unauthorized":
            return failures.unauthorized()
        if made == "drop":
            return DROP
        raise ValueError(
            f"No fault is called {made!r}: use conflict, expired, too_many, internal, "
            "timeout, unavailable, unauthorized or drop."
        )


DROP = Failure(0, "Dropped", "the connection is cut")
