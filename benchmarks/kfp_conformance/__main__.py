"""Run a folder of compiled KFP pipelines, and count which end as upstream demands."""

import argparse
import fnmatch
import json
import re
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from benchmarks.kfp_conformance import preparing, rules
from benchmarks.kfp_conformance.contenders import Outcome, run_ours, run_peer
from benchmarks.peers import PeerUnavailable, machine, peer_python, table
from jupyter_mlplat.client.engine import EngineClient
from jupyter_mlplat.errors import InvalidInput
from jupyter_mlplat.formats.kfp.document import Document, load

PEER_REQUIREMENT = "kfp==2.17.*"


@dataclass(frozen=True, slots=True)
class Row:
    """One file: what is demanded of it, and what became of it."""

    file: str
    group: str
    demanded: str | None
    ours: Outcome
    verdict: str
    peer: Outcome | None = None
    peer_verdict: str = ""


def main(words: Sequence[str] | None = None) -> int:
    """Return 0 where every file that upstream demands something of, and can run here, does it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.kfp_conformance")
    parser.add_argument("folder", type=Path, help="compiled pipelines: YAML files, at any depth")
    parser.add_argument("--json", action="store_true", help="print the rows as JSON")
    parser.add_argument("--only", metavar="PATTERN", default="*", help="files to run, by name")
    parser.add_argument(
        "--peer",
        action="store_true",
        help=f"run them with {PEER_REQUIREMENT} too; its outcomes are kept below .bench/",
    )
    parser.add_argument(
        "--map",
        action="append",
        default=[],
        metavar="PATTERN",
        help="let components of images like this one run on this machine; may be repeated",
    )
    parser.add_argument("--timeout", type=float, default=200.0, metavar="S", help="for each file")
    parser.add_argument("--note", default="", help="what a reader has to know of this machine")
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the table as Markdown")
    given = parser.parse_args(words)
    files = [
        file
        for file in sorted(given.folder.rglob("*"))
        if file.is_file()
        and (file.suffix in (".yaml", ".yml") or file.parent.name == "invalid")
        and fnmatch.fnmatch(str(file.relative_to(given.folder)), given.only)
    ]
    if not files:
        parser.error(f"there is no YAML file in {given.folder}")
    python: Path | None = None
    if given.peer:
        try:
            python = peer_python("kfp-local", PEER_REQUIREMENT, *preparing.PEER_EXTRAS)
        except PeerUnavailable as error:
            print(f"Without the peer: {error}", file=sys.stderr)
    rows = []
    with engine(given.map) as client:
        for number, file in enumerate(files, 1):
            row = try_file(client, file, given.folder, python, given.timeout)
            rows.append(row)
            print(
                f"{number}/{len(files)} {row.file}: {row.ours.state} ({row.verdict})"
                + (f"; peer {row.peer.state} ({row.peer_verdict})" if row.peer else ""),
                file=sys.stderr,
                flush=True,
            )
    text = report(rows, given.map, given.note)
    print(json.dumps([asdict(row) for row in rows], indent=1) if given.json else text)
    if given.write:
        given.write.write_text(text + "\n")
    return int(any(row.verdict.startswith("no:") for row in rows if row.demanded))


@contextmanager
def engine(images: Sequence[str]) -> Iterator[EngineClient]:
    """Start an engine in a state directory of its own, and stop it afterwards."""
    place = Path(tempfile.mkdtemp(prefix="mlpc-"))
    client = EngineClient(place / "home")
    try:
        preparing.prepare(place / "home", images)
        yield client
    finally:
        client.stop_engine()
        shutil.rmtree(place, ignore_errors=True)


def try_file(
    client: EngineClient, file: Path, folder: Path, python: Path | None, timeout_s: float
) -> Row:
    """Run a file as upstream runs it, with us and with the peer."""
    demand = rules.demand_of(file, folder, rules.examples())
    document = _document(file)
    artifact = rules.needs_artifact(document) if document else None
    inputs = rules.inputs_of(document, demand.example) if document else {}
    ours = run_ours(client, file, inputs, timeout_s)
    verdict = _verdict(demand, ours, artifact)
    peer, peer_verdict = None, ""
    if python is not None and document is not None and not artifact:
        again = rules.demand_of(file, folder, rules.examples())  # with scratch files of its own
        peer = run_peer(python, file, rules.inputs_of(document, again.example), timeout_s)
        # What it wrote where is not asked: an outcome that was kept wrote elsewhere.
        example = replace(again.example, writes={})
        peer_verdict = _verdict(replace(again, example=example), peer, artifact)
    name = str(file.relative_to(folder))
    return Row(name, demand.group, demand.state, ours, verdict, peer, peer_verdict)


def _document(file: Path) -> Document | None:
    try:
        return load(file.read_bytes())
    except InvalidInput:
        return None


def _verdict(demand: rules.Demand, outcome: Outcome, artifact: str | None) -> str:
    if artifact is not None and outcome.state != "succeeded":
        return f"n/a: needs an artifact as input ({artifact})"
    for sign, what in preparing.NOT_HERE.items():
        if re.search(sign, outcome.reason):
            return f"n/a: {what}"
    if demand.known_issue is not None:
        return f"(upstream skips it: issue {demand.known_issue})"
    if demand.state is None:
        return ""
    what = rules.missed(demand.example, outcome.state, demand.state, outcome.output)
    return "yes" if what is None else f"no: {what}"


def report(rows: Sequence[Row], images: Sequence[str], note: str = "") -> str:
    """Lay the rows out for people: counts first, then one line a file."""
    has_peer = any(row.peer is not None for row in rows)
    mapped = f" Images like {', '.join(f'`{one}`' for one in images)} are mapped to this machine."
    lines = [
        "# KFP conformance",
        "",
        "Compiled pipelines of [kubeflow/pipelines](https://github.com/kubeflow/pipelines/tree/"
        "master/test_data/sdk_compiled_pipelines), run unchanged by one command:",
        "",
        "```",
        "python -m benchmarks.kfp_conformance test_data/sdk_compiled_pipelines"
        + "".join(f" --map '{one}'" for one in images)
        + (" --peer" if has_peer else "")
        + " --write docs/kfp-conformance.md",
        "```",
        "",
        "Required inputs are filled by type, as upstream's end-to-end tests do; arguments, exact "
        "outputs and states are those of upstream's own tables "
        "([rules.py](../benchmarks/kfp_conformance/rules.py)). Nothing else is told by a file's "
        f"name.{mapped if images else ''}"
        + (f" The peer is `{PEER_REQUIREMENT}`: `SubprocessRunner(use_venv=False)`." * has_peer),
        "",
        f"Measured on {machine()}. {note}".strip(),
        "",
        "## Counts",
        "",
        _counts(rows, has_peer),
    ]
    for group in sorted({row.group for row in rows}):
        header = ["file", "demanded", "ours", "s", "reason"]
        header += ["kfp.local", "its reason"] if has_peer else []
        body = [_cells(row, has_peer) for row in rows if row.group == group]
        lines += ["", f"## {group}", "", table(header, body)]
    return "\n".join(lines)


def _counts(rows: Sequence[Row], has_peer: bool) -> str:
    header = ["group", "files", "as demanded", "not", "cannot run here"]
    header += ["kfp.local as demanded"] if has_peer else []
    body = []
    demanded = [row for row in rows if row.demanded is not None]
    groups = [
        (g, [r for r in demanded if r.group == g]) for g in sorted({r.group for r in demanded})
    ]
    for name, found in [*groups, ("**all**", demanded)]:
        kinds = Counter(row.verdict.partition(":")[0] for row in found)
        cells = [name, str(len(found)), str(kinds["yes"]), str(kinds["no"]), str(kinds["n/a"])]
        if has_peer:
            tried = [row for row in found if row.peer is not None]
            cells.append(f"{sum(row.peer_verdict == 'yes' for row in tried)} of {len(tried)}")
        body.append(cells)
    others = [row for row in rows if row.demanded is None]
    states = ", ".join(f"{n} {state}" for state, n in Counter(r.ours.state for r in others).items())
    tail = f"\n\nOf {len(others)} more nothing is demanded; they ended: {states}." if others else ""
    return table(header, body) + tail


def _cells(row: Row, has_peer: bool) -> list[str]:
    mark = {"yes": "✓", "no": "✗"}.get(row.verdict.partition(":")[0], "")
    why = row.verdict.partition(":")[2].strip() or row.verdict.strip("yes")
    cells = [
        row.file,
        row.demanded or "–",
        f"{row.ours.state} {mark}".strip(),
        f"{row.ours.took_s:.1f}",
        _short("; ".join(filter(None, (why, row.ours.reason)))),
    ]
    if has_peer:
        peer = row.peer
        mark = {"yes": "✓", "no": "✗"}.get(row.peer_verdict.partition(":")[0], "")
        cells += [f"{peer.state} {mark}".strip(), _short(peer.reason)] if peer else ["–", ""]
    return cells


def _short(text: str) -> str:
    plain = " ".join(text.replace("|", "\\|").replace("<", "&lt;").split())
    return plain if len(plain) <= 160 else plain[:159] + "…"


if __name__ == "__main__":
    sys.exit(main())
