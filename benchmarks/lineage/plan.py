"""What is measured: pieces of work, the peer that does each, the figures and what is aimed at."""

from dataclasses import dataclass

from benchmarks.lineage.workload import CALLERS


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of a piece of work.

    Attributes:
        key: Its name in what `workload.py` prints.
        per_call: Whether it is to be shared out among the calls.
        aim: How many times the peer should need of what we need; None where nothing is aimed at.
        has_floor: Whether the floor does this work too.
        peer_key: What the peer is asked for instead, where it has no such thing.
    """

    what: str
    key: str
    per_call: bool = False
    aim: float | None = None
    has_floor: bool = False
    peer_key: str | None = None

    @property
    def unit(self) -> str:
        return "MB" if self.key.endswith("mb") else "ms"

    def value(self, taken: dict[str, float], count: int, is_peer: bool = False) -> float:
        """Read the figure, in its unit, out of what one store took for `count` calls."""
        key = self.peer_key if is_peer and self.peer_key else self.key
        value = taken[key] / (count if self.per_call else 1)
        return value * 1000 if self.unit == "ms" else value


@dataclass(frozen=True, slots=True)
class Work:
    """One piece of work; `floor_name` is the part of it that the floor can do."""

    name: str
    peer: str
    count: int
    rounds: int
    floor_name: str
    figures: tuple[Figure, ...]


def plan(is_quick: bool) -> tuple[Work, ...]:
    """Return all work; quick: small counts, to see that it runs at all."""
    rounds = 1 if is_quick else 3
    inserts = 304 if is_quick else 1000
    many = 10_000 if is_quick else 100_000
    runs = 24 if is_quick else 104
    together = f"{CALLERS} callers at once"
    return (
        Work(
            "insert",
            "mlmd_store",
            inserts,
            rounds,
            "insert",
            (
                Figure("insert, one caller", "insert_s", True, 20, True),
                Figure(f"insert, {together}", "together_s", True, 20),
                Figure(
                    "insert, one flush at the end of a run of 50 steps, as the engine does",
                    "in_runs_s",
                    True,
                    20,
                    peer_key="insert_s",
                ),
                Figure(
                    "insert, the facts of a run of 50 steps in one call, flushed: an execution",
                    "by_run_s",
                    True,
                    20,
                    peer_key="insert_s",
                ),
                Figure("insert, CPU alone", "insert_cpu_s", True, None, True),
            ),
        ),
        Work(
            "closures",
            "mlmd_store",
            many,
            1,
            "bulk",
            (
                Figure("insert in bulk", "bulk_s", True, 15, True),
                Figure("closure, depth 50", "chain_s", aim=5),
                Figure(f"closure, {many // 10:,} wide", "wide_s", aim=5),
                Figure("memory", "memory_mb", aim=4),
            ),
        ),
        Work(
            "runs",
            "mlflow_store",
            runs,
            rounds,
            "runs",
            (
                Figure("run of 5 + 5, one caller", "run_s", True, 100, True),
                Figure(f"run of 5 + 5, {together}", "together_s", True, 100),
                Figure("one metric, one caller", "metric_s", True, 50, True),
                Figure(
                    "5 + 5 logged by a cell's code, as it waits",
                    "code_s",
                    True,
                    100,
                    peer_key="run_s",
                ),
                Figure(
                    "one metric logged by a cell's code, as it waits",
                    "code_metric_s",
                    True,
                    50,
                    peer_key="metric_s",
                ),
            ),
        ),
    )
