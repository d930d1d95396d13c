"""Apply folders of Kubeflow's documents, and count which end as upstream demands."""

import argparse
import copy
import fnmatch
import json
import re
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import yaml

from benchmarks.jobs_conformance.demands import RESUMED, held, missed
from benchmarks.peers import machine, table
from jupyter_mlplat.client import kubeflow
from jupyter_mlplat.client.engine import EngineClient
from jupyter_mlplat.errors import PlatformError
from jupyter_mlplat.kit.home import Home
from jupyter_mlplat.resources.images import ImageRule
from jupyter_mlplat.stores.images import LocalImageMap

STAND_INS = str(Path(__file__).with_name("stand_ins"))
IMAGES = (
    ImageRule(pattern="*pytorch-mnist*", paths={"/opt/pytorch-mnist": STAND_INS}),
    ImageRule(pattern="*/simple-pbt:*", paths={"/opt/pbt": STAND_INS}),
    ImageRule(pattern="pytorch/pytorch:*"),
)
JOBS = ("TrainJob", "Experiment", "OptimizationJob")
NOT_HERE = {
    r"nas[Cc]onfig|architecture": "neural architecture search",
    r"training operator": "trials that need the training operator",
    r"need their own controller": "trials that need another controller",
    r"Flux|flux": "needs Flux",
    r"nothing stands for its image": "its image is not mapped",
    r"[Nn]o module named|cannot be imported": "needs a package that is not installed here",
    r"huggingface|fsspec|hf://|Cannot bring": "needs the network",
    r"trialParameters": "upstream's own webhook refuses it with this config map",
    r"config map": "needs a config map of the cluster",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One file, and what became of its jobs."""

    file: str
    group: str
    jobs: str
    state: str
    verdict: str
    reason: str
    took_s: float


def main(words: Sequence[str] | None = None) -> int:
    """Return 0 where every file that can run here ends as upstream demands."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.jobs_conformance")
    parser.add_argument("folders", nargs="+", type=Path, help="documents: YAML files, at any depth")
    parser.add_argument("--json", action="store_true", help="print the rows as JSON")
    parser.add_argument("--only", metavar="PATTERN", default="*", help="files to run, by name")
    parser.add_argument("--timeout", type=float, default=300.0, metavar="S", help="for each job")
    parser.add_argument("--note", default="", help="what a reader has to know of this machine")
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the table as Markdown")
    given = parser.parse_args(words)
    files = [
        (folder, file)
        for folder in given.folders
        for file in sorted(folder.rglob("*.y*ml"))
        if fnmatch.fnmatch(file.name, given.only) and file.name != "kustomization.yaml"
    ]
    if not files:
        parser.error("there is no YAML file")
    rows = []
    with engine() as client:
        for number, (folder, file) in enumerate(files, 1):
            row = try_file(client, file, folder, given.timeout)
            rows.append(row)
            said = f"{number}/{len(files)} {row.file}: {row.state} ({row.verdict}) {row.reason}"
            print(said, file=sys.stderr, flush=True)
    text = report(rows, given.note)
    print(json.dumps([asdict(row) for row in rows], indent=1) if given.json else text)
    if given.write:
        given.write.write_text(text + "\n")
    return int(any(row.verdict == "no" for row in rows))


@contextmanager
def engine() -> Iterator[EngineClient]:
    """Start an engine in a state directory of its own, and stop it afterwards."""
    place = Path(tempfile.mkdtemp(prefix="mlpj-"))
    client = EngineClient(place / "home")
    try:
        LocalImageMap(Home(place / "home").images).write(IMAGES)
        yield client
    finally:
        client.stop_engine()
        shutil.rmtree(place, ignore_errors=True)


def try_file(client: EngineClient, file: Path, folder: Path, timeout_s: float) -> Row:
    """Apply a file, wait for its jobs, and compare them with what upstream demands."""
    start = perf_counter()
    text = file.read_text("utf-8")
    found: list[dict[str, Any]] = []
    reason = ""
    try:
        applied = kubeflow.apply(client, text)
        jobs = [one for one in applied if one.kind in JOBS]
        for one in jobs:
            found.append(_end(client, one.kind, one.name, timeout_s))
            if one.name in RESUMED:
                found[-1] = _go_on(client, found[-1], timeout_s)
        state = ", ".join(_state(document) for document in found) or "kept"
        reason = "; ".join(filter(None, map(missed, found)))
        reason = "; ".join(filter(None, (reason, *(map(_said, found) if reason else ()))))
        notes = [note for one in applied for note in one.notes]
        if not reason and notes:
            reason = f"noted: {'; '.join(dict.fromkeys(notes))}"
            verdict = "yes"
        else:
            verdict = "no" if reason else "yes"
    except PlatformError as error:
        state, reason, verdict = "refused", error.message, "no"
    if verdict == "no":
        for sign, what in NOT_HERE.items():
            if re.search(sign, reason):
                verdict, reason = "n/a", f"{what}: {reason}"
                break
    kinds = ", ".join(re.findall(r"^kind: *(\w+)", text, re.MULTILINE))
    took = perf_counter() - start
    name = str(file.relative_to(folder.parent))
    return Row(name, folder.name, kinds, state, verdict, reason, took)


def _end(client: EngineClient, kind: str, name: str, timeout_s: float) -> dict[str, Any]:
    """Wait for a job, let it go on where it is suspended, and return its object."""
    document = kubeflow.get(client, kind, name)
    run = document["metadata"]["uid"]
    if "Suspended" in held(document):
        client.fetch("runs.resume", {"run": run}, body={})
    ended = client.wait_for_run(run, timeout_s)
    if not ended.state.is_final:
        client.cancel_run(run)
    return kubeflow.get(client, kind, name)


def _go_on(client: EngineClient, document: dict[str, Any], timeout_s: float) -> dict[str, Any]:
    """Raise the budget of an experiment that is over by one, as upstream's test does."""
    more = copy.deepcopy(document)
    for field in ("maxTrialCount", "parallelTrialCount"):
        more["spec"][field] += 1
    more.pop("status")
    more["metadata"].pop("uid")
    more["metadata"].pop("creationTimestamp")
    kubeflow.apply(client, yaml.safe_dump(more))
    return _end(client, document["kind"], document["metadata"]["name"], timeout_s)


def _state(document: dict[str, Any]) -> str:
    conditions = held(document)
    last = list(conditions)[-1] if conditions else "unfinished"
    counted = document["status"].get("trials")
    trials = f", {counted} trials" if counted is not None else ""
    return f"{last} ({conditions.get(last, '')}{trials})"


def _said(document: dict[str, Any]) -> str:
    conditions: Sequence[dict[str, Any]] = document["status"].get("conditions") or ({},)
    return str(conditions[-1].get("message", ""))


def report(rows: Sequence[Row], note: str = "") -> str:
    """Lay the rows out for people: counts first, then one line a file."""
    header = ["folder", "files", "as demanded", "not", "cannot run here"]
    groups = sorted({row.group for row in rows})
    counts = []
    for name, found in [
        *((group, [row for row in rows if row.group == group]) for group in groups),
        ("**all**", list(rows)),
    ]:
        kinds = Counter(row.verdict for row in found)
        counts.append(
            [name, str(len(found)), str(kinds["yes"]), str(kinds["no"]), str(kinds["n/a"])]
        )
    lines = [
        "# Conformance of train and tuning jobs",
        "",
        "Documents of [kubeflow/trainer](https://github.com/kubeflow/trainer/tree/master/examples/"
        "yaml) and [kubeflow/katib](https://github.com/kubeflow/katib/tree/master/examples/"
        "v1beta1), applied unchanged by one command:",
        "",
        "```",
        "python -m benchmarks.jobs_conformance trainer/examples/yaml "
        "katib/examples/v1beta1/hp-tuning … --write docs/jobs-conformance.md",
        "```",
        "",
        "Demanded is what upstream's own end-to-end tests check "
        "([demands.py](../benchmarks/jobs_conformance/demands.py)): conditions, counts, the best "
        "trial. Images are mapped to this machine; in the place of the scripts that lie in them "
        "stand [scripts that print as they do](../benchmarks/jobs_conformance/stand_ins). "
        "What is noted is what a document asks for and only a cluster honours.",
        "",
        f"Measured on {machine()}. {note}".strip(),
        "",
        "## Counts",
        "",
        table(header, counts),
    ]
    for group in groups:
        body = [
            [
                row.file,
                {"yes": "✓", "no": "✗"}.get(row.verdict, "–"),
                row.state,
                f"{row.took_s:.1f}",
                _short(row.reason),
            ]
            for row in rows
            if row.group == group
        ]
        lines += ["", f"## {group}", "", table(["file", "", "ended", "s", "reason"], body)]
    return "\n".join(lines)


def _short(text: str) -> str:
    plain = " ".join(text.replace("|", "\\|").replace("<", "&lt;").split())
    return plain if len(plain) <= 240 else plain[:239] + "…"


if __name__ == "__main__":
    sys.exit(main())
