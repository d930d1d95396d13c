"""1,000 Notebooks at 50 a second, ours beside Kubeflow's: `python -m benchmarks.controller`.

A real API server is needed: `KUBEBUILDER_ASSETS` names the folder of etcd and kube-apiserver.
Kubeflow's controller is measured where `NOTEBOOK_CONTROLLER` names its program and `NOTEBOOK_CRD`
the file of its definition of a Notebook.
"""

import argparse
import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from benchmarks.controller.measuring import OPERATOR, ControllerFailed, Measured, Start, measure
from benchmarks.peers import ROOT, Aim, machine, table, verdicts
from tests.cluster.real import ClusterUnavailable, RealCluster, why_none

MANIFESTS = ROOT / "notebook_controller" / "manifests"
OURS, UPSTREAM, UNBOUND = "ours", "Kubeflow's, as shipped", "Kubeflow's, its client's limit raised"
P99_S = 1.0


def start(command: list[str], cluster: RealCluster, log: Path) -> subprocess.Popen[bytes]:
    """Run a controller against this cluster."""
    with log.open("wb") as output:
        return subprocess.Popen(
            command,
            env=cluster.environment(OPERATOR),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )


def contenders() -> Mapping[str, tuple[Start, list[Path]]]:
    """Return how each is started, and what it needs to have defined."""
    ours = [sys.executable, "-m", "jupyter_mlplat_controller", "--own-namespace=default"]
    ours.append("--port=0")
    found: dict[str, tuple[Start, list[Path]]] = {
        OURS: (partial(start, ours), sorted(MANIFESTS.rglob("crds/*.yaml")))
    }
    program, definition = os.environ.get("NOTEBOOK_CONTROLLER"), os.environ.get("NOTEBOOK_CRD")
    if program and definition:
        plain = [program, "--metrics-addr=127.0.0.1:0", "--probe-addr=127.0.0.1:0"]
        free = [*plain, "--qps=1000", "--burst=1000"]
        found[UPSTREAM] = (partial(start, plain), [Path(definition)])
        found[UNBOUND] = (partial(start, free), [Path(definition)])
    else:
        print("Left out: Kubeflow's controller. NOTEBOOK_CONTROLLER and NOTEBOOK_CRD name none.\n")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.controller", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument("--objects", type=int, default=1000)
    parser.add_argument("--rate", type=float, default=50, help="creates a second")
    given = parser.parse_args()
    if reason := why_none() or os.environ.get("KUBECONFIG"):
        print(f"Not run: it measures an API server of its own. {reason}")
        return
    results: dict[str, Measured] = {}
    for name, (begin, definitions) in contenders().items():
        try:
            results[name] = measure(begin, definitions, given.objects, given.rate)
        except (ControllerFailed, ClusterUnavailable) as error:
            print(f"Left out: {name}. {error}\n")
    if given.json:
        found = {name: dataclasses.asdict(each) for name, each in results.items()}
        print(json.dumps({"machine": machine(), "controllers": found}, indent=1))
        return
    print(machine(), "\n")
    rows = [
        (
            name,
            f"{each.median_s * 1000:,.0f}",
            f"{each.quantile(0.99) * 1000:,.0f}",
            f"{each.calls_each:.2f}",
            f"{each.cpu_s / each.objects * 1000:.1f}",
            f"{each.memory_bytes / 2**20:.0f}",
        )
        for name, each in results.items()
    ]
    header = ("", "p50, ms", "p99, ms", "calls a Notebook", "CPU ms a Notebook", "memory, MiB")
    print(table(header, rows), "\n")
    kinds = sorted({kind for each in results.values() for kind in each.calls})
    by_kind = [
        (kind, *(f"{each.calls.get(kind, 0) / each.objects:.2f}" for each in results.values()))
        for kind in kinds
    ]
    print(table(("calls a Notebook", *results), by_kind), "\n")
    aims = []
    if ours := results.get(OURS):
        aims.append(Aim("ours, p99 to the StatefulSet, s", ours.quantile(0.99), P99_S, False))
        if theirs := results.get(UPSTREAM):
            ratio = ours.calls_each / theirs.calls_each
            aims.append(Aim("ours / Kubeflow's, calls a Notebook", ratio, 1, False))
    print(verdicts(aims))


if __name__ == "__main__":
    main()
