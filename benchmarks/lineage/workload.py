"""The work: `python workload.py WORK STORE_MODULE COUNT` prints what it took as one JSON object."""

import importlib
import json
import resource
import statistics
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

CHAIN = 50
CALLERS = 8
QUERY_ROUNDS = 9
METRICS = 5


class Clock:
    """Seconds by the wall and of this process, by name."""

    def __init__(self) -> None:
        self.taken: dict[str, Any] = {}

    def time(self, name: str, action: Callable[[], Any], rounds: int = 1) -> Any:
        walls, cpus, result = [], [], None
        for _ in range(rounds):
            wall, cpu = perf_counter(), process_time()
            result = action()
            walls.append(perf_counter() - wall)
            cpus.append(process_time() - cpu)
        self.taken[name + "_s"] = statistics.median(walls)
        self.taken[name + "_cpu_s"] = statistics.median(cpus)
        return result

    def time_together(self, name: str, action: Callable[[int], Any], count: int) -> None:
        """Let several callers share the count, all in one process as in a server."""
        with ThreadPoolExecutor(CALLERS) as pool:
            self.time(name, lambda: list(pool.map(action, [count // CALLERS] * CALLERS)))


def insert(store: Any, count: int, clock: Clock) -> None:
    """Record `count` executions one by one, each with an artifact, in chains."""
    clock.time("insert", lambda: store.insert_each(count, CHAIN))
    if hasattr(store, "insert_by_run"):
        clock.time("by_run", lambda: store.insert_by_run(count, CHAIN))
    clock.time_together("together", lambda part: store.insert_each(part, CHAIN), count)
    if hasattr(store, "insert_in_runs"):
        clock.time("in_runs", lambda: store.insert_in_runs(count, CHAIN))


def insert_calls(store: Any, count: int, clock: Clock) -> None:
    """Record `count` executions one by one, for one who counts the flushes."""
    store.insert_each(count, CHAIN)


def run_calls(store: Any, count: int, clock: Clock) -> None:
    """Record `count` runs, for one who counts the flushes."""
    store.log_runs(count)


def bulk(store: Any, count: int, clock: Clock) -> None:
    """Record `count` executions at once."""
    clock.time("bulk", lambda: store.insert_bulk(count, CHAIN))


def closures(store: Any, count: int, clock: Clock) -> None:
    """Record `count` executions in bulk, then ask for all a value was made from."""
    bulk(store, count, clock)
    wide = count // 10
    chain_end, wide_end = store.ends(CHAIN, wide)
    counts = [
        clock.time("chain", lambda: store.closure(chain_end), QUERY_ROUNDS),
        clock.time("wide", lambda: store.closure(wide_end), QUERY_ROUNDS),
    ]
    if counts != [CHAIN, wide + 1]:
        raise SystemExit(f"{store}: closures of {counts} artifacts, not of {[CHAIN, wide + 1]}")


def runs(store: Any, count: int, clock: Clock) -> None:
    """Record `count` runs of 5 parameters and 5 metrics, then `count` single metrics."""
    clock.time("run", lambda: store.log_runs(count))
    clock.time_together("together", store.log_runs, count)
    clock.time("metric", lambda: store.log_metrics(count))
    if hasattr(store, "log_from_code"):
        clock.time("code", lambda: store.log_from_code(count))
        clock.taken["code_metric_s"] = clock.taken["code_s"] / METRICS


def main() -> None:
    work, module, count = globals()[sys.argv[1]], sys.argv[2], int(sys.argv[3])
    clock = Clock()
    with tempfile.TemporaryDirectory() as folder:
        store = clock.time("open", lambda: importlib.import_module(module).Store(Path(folder)))
        work(store, count, clock)
        store.close()
    clock.taken["memory_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(clock.taken))


if __name__ == "__main__":
    main()
