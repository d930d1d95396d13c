"""All stores in one run, rounds taking turns: `python -m benchmarks.lineage`."""

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path
from tempfile import gettempdir

from benchmarks.peers import PeerUnavailable, machine, peer_python, table

HERE = Path(__file__).parent
OURS = "platform_store"
PEERS = {
    "mlmd_store": ("ml-metadata", ("ml-metadata>=1.17",)),
    "mlflow_store": ("mlflow", ("mlflow>=3.1",)),
}
TIMEOUT_S = 900
WAITING_NOTE = (
    "One-by-one inserts wait for the disk, on both sides: 'CPU' is the same work without the wait."
)


def work_of(quick: bool) -> list[tuple[str, str, int, int]]:
    """Return (work, peer, count, rounds)."""
    return [
        ("insert", "mlmd_store", 300 if quick else 1000, 1 if quick else 3),
        ("closures", "mlmd_store", 10_000 if quick else 100_000, 1),
        ("runs", "mlflow_store", 20 if quick else 100, 1 if quick else 3),
    ]


def compared(count: int) -> dict[str, list[tuple[str, str, int, float | None]]]:
    """Return (what, key of the measurement, divisor, target ratio) by work."""
    return {
        "insert": [
            ("insert one by one, durable", "insert_s", count, 20),
            ("insert one by one, CPU", "insert_cpu_s", count, None),
        ],
        "closures": [
            ("insert in bulk", "bulk_s", count, 15),
            ("closure, depth 50", "chain_s", 1, 5),
            (f"closure, {count // 10:,} wide", "wide_s", 1, 5),
            ("memory", "memory_mb", 1, 4),
        ],
        "runs": [
            ("run of 5 parameters and 5 metrics, durable", "run_s", count, 100),
            ("one metric, durable", "metric_s", count, 50),
        ],
    }


def api_answer_ms(folder: str) -> float:
    """Ask a running engine; this one figure has no peer, but a bound of its own."""
    done = subprocess.run(
        [sys.executable, HERE / "api_answer.py"],
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        env={**os.environ, "TMPDIR": folder},
    )
    if done.returncode:
        raise SystemExit(f"the engine did not answer:\n{done.stderr[-2000:]}")
    return float(done.stdout)


def measure(python: Path, work: str, store: str, count: int, folder: str) -> dict[str, float]:
    done = subprocess.run(
        [python, HERE / "workload.py", work, store, str(count)],
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        env={
            **os.environ,
            "DO_NOT_TRACK": "true",
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "TMPDIR": folder,
        },
    )
    if done.returncode:
        raise SystemExit(f"{store} could not do {work!r}:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def side_by_side(
    work: str, peer: str, count: int, rounds: int, folder: str
) -> dict[str, dict[str, float]]:
    """Measure peer and ourselves in turns; the median of each figure over the rounds."""
    name, requirements = PEERS[peer]
    pythons = {OURS: Path(sys.executable), peer: peer_python(name, *requirements)}
    taken: dict[str, list[dict[str, float]]] = {store: [] for store in pythons}
    for _ in range(rounds):
        for store, python in pythons.items():
            taken[store].append(measure(python, work, store, count, folder))
    return {
        store: {key: statistics.median(each[key] for each in all_) for key in all_[0]}
        for store, all_ in taken.items()
    }


def results(quick: bool, folder: str) -> tuple[list[dict[str, object]], list[str]]:
    rows, left_out = [], []
    for work, peer, count, rounds in work_of(quick):
        try:
            figures = side_by_side(work, peer, count, rounds, folder)
        except PeerUnavailable as error:
            left_out.append(str(error))
            continue
        for what, key, divisor, target in compared(count)[work]:
            ours, theirs = figures[OURS][key] / divisor, figures[peer][key] / divisor
            rows.append(
                {
                    "what": what,
                    "peer": PEERS[peer][0],
                    "unit": "MB" if key.endswith("mb") else "ms",
                    "ours": ours if key.endswith("mb") else ours * 1000,
                    "theirs": theirs if key.endswith("mb") else theirs * 1000,
                    "ratio": theirs / ours,
                    "target": target,
                    "count": count,
                }
            )
    return rows, left_out


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.lineage", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the rows as JSON")
    parser.add_argument("--quick", action="store_true", help="small counts: does it run at all")
    parser.add_argument("--folder", default=gettempdir(), help="where the databases are made")
    options = parser.parse_args()
    rows, left_out = results(options.quick, options.folder)
    answer_ms = api_answer_ms(options.folder)
    if options.json:
        facts = {"machine": machine(), "rows": rows, "left_out": left_out}
        print(json.dumps({**facts, "api_depth_50_ms": answer_ms}, indent=1))
        return
    print(f"Metadata and lineage ({machine()}; {options.folder}). {WAITING_NOTE}\n")
    print(
        table(
            ("what", "ours", "peer", "ratio", "target"),
            [
                (
                    str(row["what"]),
                    f"{row['ours']:.3g} {row['unit']}",
                    f"{row['peer']} {row['theirs']:.3g} {row['unit']}",
                    f"{row['ratio']:.1f} x",
                    "" if row["target"] is None else f"{row['target']} x",
                )
                for row in rows
            ],
        )
    )
    print(f"\nDepth-50 answer through the engine's API: {answer_ms:.1f} ms (bound: 20 ms).")
    for words in left_out:
        print(f"\nLeft out: {words}")


if __name__ == "__main__":
    main()
