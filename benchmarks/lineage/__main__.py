"""All stores in one run, rounds taking turns: `python -m benchmarks.lineage`."""

import argparse
import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import gettempdir

from benchmarks.lineage.measuring import FLOOR, OURS, api_answer, flushes, side_by_side
from benchmarks.lineage.plan import Work, plan
from benchmarks.peers import Aim, PeerUnavailable, machine, peer_python, table, verdicts

PEERS = {
    "mlmd_store": ("ml-metadata", ("ml-metadata>=1.17",)),
    "mlflow_store": ("mlflow", ("mlflow>=3.1",)),
}
FLUSH_WORK = {"insert": "insert_calls", "runs": "run_calls"}
API_BOUND_MS = 20.0
NOTE = (
    "On both sides, what a call has written is on disk when it returns, but for the row that says "
    "otherwise. The floor is SQLite with bare columns, nothing checked, as many flushes as ours."
)


@dataclass(frozen=True, slots=True)
class Row:
    """One figure of ours beside the peer's and the floor's."""

    what: str
    peer: str
    unit: str
    ours: float
    theirs: float
    floor: float | None
    aim: float | None

    @property
    def ratio(self) -> float:
        return self.theirs / self.ours

    def cells(self) -> tuple[str, ...]:
        floor = "" if self.floor is None else f"{self.floor:.3g} {self.unit}"
        floor_ratio = "" if self.floor is None else f"{self.theirs / self.floor:.1f}×"
        return (
            self.what,
            f"{self.ours:.3g} {self.unit}",
            f"{self.peer} {self.theirs:.3g} {self.unit}",
            f"{self.ratio:.1f}×",
            floor,
            floor_ratio,
        )


def rows_of(work: Work, folder: str) -> tuple[list[Row], list[tuple[str, ...]]]:
    """Return the figures of one piece of work, and how often a call flushes.

    Raises:
        PeerUnavailable: The peer cannot be installed here, or fails.
    """
    peer, requirements = PEERS[work.peer]
    own = Path(sys.executable)
    pythons = {OURS: own, work.peer: peer_python(peer, *requirements), FLOOR: own}
    taken = side_by_side(work, pythons, folder)
    rows = [
        Row(
            figure.what,
            peer,
            figure.unit,
            figure.value(taken[OURS], work.count),
            figure.value(taken[work.peer], work.count, is_peer=True),
            figure.value(taken[FLOOR], work.count) if figure.has_floor else None,
            figure.aim,
        )
        for figure in work.figures
    ]
    counted = []
    if calls := FLUSH_WORK.get(work.name):
        counts = [flushes(python, calls, store, folder) for store, python in pythons.items()]
        if None not in counts:
            counted.append((f"{work.name}, against {peer}", *(f"{count:.2f}" for count in counts)))
    return rows, counted


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.lineage", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the rows as JSON")
    parser.add_argument("--quick", action="store_true", help="small counts: does it run at all")
    parser.add_argument("--folder", default=gettempdir(), help="where the databases are made")
    options = parser.parse_args()
    rows: list[Row] = []
    counted: list[tuple[str, ...]] = []
    missing: list[str] = []
    for work in plan(options.quick):
        try:
            more_rows, more_counted = rows_of(work, options.folder)
        except PeerUnavailable as error:
            missing += [] if str(error) in missing else [str(error)]
        else:
            rows += more_rows
            counted += more_counted
    answer = api_answer(options.folder)
    if options.json:
        facts = {"machine": machine(), "rows": [asdict(row) for row in rows], "missing": missing}
        print(json.dumps({**facts, "flushes": counted, "api_depth_50_ms": answer}, indent=1))
        return
    print(f"Metadata and lineage; {machine()}; databases in {options.folder}. {NOTE}\n")
    header = ("", "ours", "peer", "peer / ours", "floor", "peer / floor")
    print(table(header, [row.cells() for row in rows]), "\n")
    if counted:
        print(table(("flushes a call", "ours", "peer", "floor"), counted), "\n")
    aims = [Aim(f"{row.what}: {row.peer} / ours", row.ratio, row.aim) for row in rows if row.aim]
    for name, took_ms in answer.items():
        aims.append(Aim(f"depth 50 through the API, ms, {name}", took_ms, API_BOUND_MS, False))
    print(verdicts(aims))
    for words in missing:
        print(f"\nLeft out: {words}")


if __name__ == "__main__":
    main()
