"""Figures for Prometheus; those of upstream's controller keep their names."""

import time

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from jupyter_mlplat_controller.plans import Key, Plan


class Metrics:
    """What the controller counts."""

    def __init__(self) -> None:
        registry = self.registry = CollectorRegistry()
        self._created = Counter(
            "notebook_create", "Servers that were made.", ["namespace"], registry=registry
        )
        self._create_failed = Counter(
            "notebook_create_failed",
            "Rounds in which a server could not be made.",
            ["namespace"],
            registry=registry,
        )
        self._culled = Counter(
            "notebook_culling",
            "Servers stopped by themselves.",
            ["namespace", "name"],
            registry=registry,
        )
        self._culled_at = Gauge(
            "last_notebook_culling_timestamp_seconds",
            "When a server was last stopped by itself.",
            ["namespace", "name"],
            registry=registry,
        )
        self._running = Gauge(
            "notebook_running", "Servers that are up.", ["namespace"], registry=registry
        )
        self._turns = Counter(
            "mlplat_controller_rounds",
            "Rounds and how they ended.",
            ["kind", "outcome"],
            registry=registry,
        )
        self._turn_s = Histogram(
            "mlplat_controller_round_seconds",
            "How long rounds took.",
            ["kind"],
            registry=registry,
            buckets=(0.001, 0.005, 0.02, 0.1, 0.5, 2, 10),
        )
        self._requests = Counter(
            "mlplat_controller_api_requests",
            "Requests to the API server.",
            ["verb", "resource", "status"],
            registry=registry,
        )
        self.waiting = Gauge(
            "mlplat_controller_waiting", "Objects to be looked at.", registry=registry
        )
        self.silent_s = Gauge(
            "mlplat_controller_silent_seconds",
            "For how long nothing was heard of a kind.",
            registry=registry,
        )
        self.leads = Gauge(
            "mlplat_controller_leads", "Whether this process acts.", registry=registry
        )

    def did(self, key: Key, plan: Plan) -> None:
        """Count what a plan was that was carried out."""
        if "created" in plan.counts:
            self._created.labels(key.namespace).inc()
        if "culled" in plan.counts:
            self._culled.labels(*key).inc()
            self._culled_at.labels(*key).set(time.time())

    def failed(self, key: Key, plan: Plan) -> None:
        """Count a plan that was not carried out."""
        if "created" in plan.counts:
            self._create_failed.labels(key.namespace).inc()

    def turned(self, kind: str, outcome: str, seconds: float) -> None:
        """Count a round."""
        self._turns.labels(kind, outcome).inc()
        self._turn_s.labels(kind).observe(seconds)

    def requested(self, verb: str, resource: str, status: int) -> None:
        """Count a request."""
        self._requests.labels(verb, resource, str(status)).inc()

    def running(self, counts: dict[str, int]) -> None:
        """Say how many servers are up, by namespace."""
        self._running.clear()
        for namespace, count in counts.items():
            self._running.labels(namespace).set(count)

    def text(self) -> bytes:
        """Write all as Prometheus reads it."""
        return generate_latest(self.registry)
