"""Measure all contenders in turn, several rounds, and print their medians and our ratios."""

import argparse
import json
import statistics
import sys
import tempfile
from pathlib import Path

from benchmarks.peers import Aim, PeerUnavailable, machine, table, verdicts
from benchmarks.serving.contenders import ROWS, Contender, contenders
from benchmarks.serving.load import cpu_s, memory_mb, wrk

CONNECTIONS = (1, 16, 64)
BASELINE = "KServe"
OURS = "jupyter-mlplat"
AIMS = {"regression": ("c16", 5.0), "forest": ("c64", 10.0)}

Figures = dict[str, list[float]]


def measure(contender: Contender, model: str, folder: Path, seconds: int, into: Figures) -> None:
    """Start one contender, load it at each concurrency, add what was found to its figures."""
    with contender.serve(model, folder) as running:
        into.setdefault("start_s", []).append(running.start_s)
        wrk(running.url, running.body, 4, 1)
        for connections in CONNECTIONS:
            before = cpu_s(running.pids)
            load = wrk(running.url, running.body, connections, seconds)
            requests = load.requests_per_s * seconds
            cpu_us = (cpu_s(running.pids) - before) / requests * 1e6
            into.setdefault(f"c{connections}_cpu_us", []).append(cpu_us)
            into.setdefault(f"c{connections}_rps", []).append(load.requests_per_s)
            into.setdefault(f"c{connections}_p50_ms", []).append(load.p50_ms)
            into.setdefault(f"c{connections}_p99_ms", []).append(load.p99_ms)
            into.setdefault("errors", []).append(load.errors)
        into.setdefault("memory_mb", []).append(memory_mb(running.pids))
        into.setdefault("answer", []).extend(running.answer)


def summary(figures: Figures) -> dict[str, float]:
    """Take medians; errors are added up."""
    return {
        key: sum(values) if key == "errors" else statistics.median(values)
        for key, values in figures.items()
    }


def show(model: str, results: dict[str, dict[str, float]]) -> None:
    """Print the figures of one model, and each as a ratio to the baseline's."""
    header = [model, *(f"c={c}: req/s (p50 / p99 ms)" for c in CONNECTIONS)]
    header += ["CPU µs a request, c=16", "start s", "memory MB", "errors"]
    rows = [
        [
            name,
            *(
                f"{r[f'c{c}_rps']:,.0f} ({r[f'c{c}_p50_ms']:.2f} / {r[f'c{c}_p99_ms']:.2f})"
                for c in CONNECTIONS
            ),
            f"{r['c16_cpu_us']:,.0f}",
            f"{r['start_s']:.2f}",
            f"{r['memory_mb']:.0f}",
            f"{r['errors']:.0f}",
        ]
        for name, r in results.items()
    ]
    print(table(header, rows))
    base = results.get(BASELINE)
    if base is None:
        return
    ratios = [
        [
            name,
            *(f"{r[f'c{c}_rps'] / base[f'c{c}_rps']:.1f}×" for c in CONNECTIONS),
            f"{r['c16_cpu_us'] / base['c16_cpu_us']:.2f}×",
            f"{r['start_s'] / base['start_s']:.2f}×",
            f"{r['memory_mb'] / base['memory_mb']:.2f}×",
        ]
        for name, r in results.items()
    ]
    short = [f"{model}, {BASELINE} = 1", *(f"c={c}" for c in CONNECTIONS)]
    short += ["CPU", "start", "memory"]
    print("\n" + table(short, ratios) + "\n")
    print(verdicts(_aims(model, results)), "\n")


def _aims(model: str, results: dict[str, dict[str, float]]) -> list[Aim]:
    load, bound = AIMS[model]
    base = results[BASELINE]
    aims = []
    for name, own in results.items():
        if not name.startswith(OURS):
            continue
        rate = own[f"{load}_rps"] / base[f"{load}_rps"]
        aims.append(Aim(f"{name}: requests a second at {load[1:]} callers", rate, bound))
        for what, key in (("start", "start_s"), ("memory", "memory_mb")):
            aims.append(Aim(f"{name}: {what}", own[key] / base[key], 0.5, False))
        aims.append(Aim(f"{name}: errors", own["errors"], 0, False))
    return aims


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.serving", description=__doc__)
    parser.add_argument("--seconds", type=int, default=3, help="length of one load")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--models", nargs="+", choices=sorted(ROWS), default=list(ROWS))
    parser.add_argument("--json", type=Path, help="write the figures here too")
    options = parser.parse_args()
    found: dict[str, dict[str, Figures]] = {model: {} for model in options.models}
    left_out: set[str] = set()
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        for round_number in range(options.rounds):
            for model in options.models:
                for contender in contenders():
                    if contender.name in left_out:
                        continue
                    print(f"round {round_number + 1}: {model}, {contender.name}", file=sys.stderr)
                    figures = found[model].setdefault(contender.name, {})
                    try:
                        measure(contender, model, Path(folder), options.seconds, figures)
                    except PeerUnavailable as error:
                        if contender.name.startswith(OURS):
                            raise
                        print(f"left out: {error}", file=sys.stderr)
                        left_out.add(contender.name)
                        del found[model][contender.name]
    print(f"{machine()}; medians of {options.rounds} rounds of {options.seconds} s, by wrk\n")
    results = {m: {name: summary(f) for name, f in by.items()} for m, by in found.items()}
    for model, by_name in results.items():
        show(model, by_name)
        answers = {figures["answer"] for figures in by_name.values()}
        if len(answers) != 1:
            print(f"{model}: the contenders' answers differ: {answers}")
    if options.json:
        options.json.write_text(json.dumps(results, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
