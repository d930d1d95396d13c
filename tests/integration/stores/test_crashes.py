"""A writer is killed at any moment: what it had acknowledged is there, nothing is half written."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from jupyter_mlplat.stores.metadata import SqlMetadataStore
from tests.contracts.documents import a_pipeline, a_run

KILLS = 20
WRITER = """
import os, sys
from pathlib import Path
from jupyter_mlplat.ports.metadata import Change, NewEvent
from jupyter_mlplat.stores.metadata import SqlMetadataStore
from tests.contracts.documents import a_chain, a_pipeline, a_run, an_output, a_metric

store = SqlMetadataStore(Path(sys.argv[1]))
store.open()
number = 0
while True:
    number += 1
    run, _ = store.create_run(a_run("load"), a_pipeline("load"), f"{os.getpid()}-{number}", "d", [])
    change, _, artifacts = a_chain(3, run_id=run.id)
    events = store.apply(Change(
        executions=change.executions, artifacts=change.artifacts, lineage=change.lineage,
        outputs=[(run.id, an_output("x"))], metrics=[(run.id, a_metric("auc", 0.5))],
        events=[NewEvent("run.updated", run.id, {})] * 3,
    ))
    os.write(1, f"{run.id} {run.number} {artifacts[-1].id} {events[-1].seq}\\n".encode())
"""


def test_no_acknowledged_row_is_lost_over_twenty_kills(tmp_path: Path) -> None:
    seed = int(os.environ.get("MLPLAT_TEST_SEED", "20261120"))
    randomly = random.Random(seed)
    path, acknowledged = tmp_path / "metadata.db", []

    for _ in range(KILLS):
        acknowledged += write_until_killed(path, randomly.uniform(0.0, 0.15))

    store = SqlMetadataStore(path)
    assert store.open() == KILLS + 1, f"seed {seed}"
    assert len(acknowledged) > KILLS, f"seed {seed}"
    for run_id, number, artifact, seq in acknowledged:
        assert store.get_run(run_id).number == int(number)
        assert len(store.lineage(artifact, "upstream", 10).executions) == 3
        assert [value.name for value in store.outputs_of(run_id)] == ["x"]
        assert [metric.value for metric in store.metrics_of(run_id)] == [0.5]
        assert [event.subject for event in store.events_after(int(seq) - 3, 3)] == [run_id] * 3
    listed = [run.number for run in store.list_runs(limit=100_000)]
    assert listed == list(range(len(listed), 0, -1))
    events = [event.seq for event in store.events_after(0, 1_000_000)]
    assert events == list(range(1, len(events) + 1))
    store.close()


def test_a_submission_repeated_after_a_crash_finds_the_run_of_then(tmp_path: Path) -> None:
    """The crash comes between commit and answer, where a client cannot know what happened."""
    path = tmp_path / "metadata.db"
    killed = subprocess.run(
        [
            sys.executable,
            "-c",
            "import os, signal, sys\n"
            "from pathlib import Path\n"
            "from jupyter_mlplat.stores.metadata import SqlMetadataStore\n"
            "from tests.contracts.documents import a_pipeline, a_run\n"
            "store = SqlMetadataStore(Path(sys.argv[1]))\n"
            "store.open()\n"
            "store.create_run(a_run(), a_pipeline(), 'key', 'd', [])\n"
            "os.kill(os.getpid(), signal.SIGKILL)\n",
            path,
        ],
        cwd=Path(__file__).parents[3],
        timeout=60,
    )

    store = SqlMetadataStore(path)
    store.open()
    run, is_new = store.create_run(a_run(), a_pipeline(), "key", "d", [])

    assert killed.returncode == -signal.SIGKILL
    assert (run.number, is_new) == (1, False)
    store.close()


def write_until_killed(path: Path, seconds: float) -> list[list[str]]:
    """Run a writer for a while from its first acknowledgement on; returns all it acknowledged."""
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, path], stdout=subprocess.PIPE, cwd=Path(__file__).parents[3]
    )
    assert writer.stdout is not None
    try:
        lines = [writer.stdout.readline()]
        time.sleep(seconds)
    finally:
        writer.kill()
    lines += writer.stdout.read().splitlines(keepends=True)
    writer.stdout.close()
    writer.wait(timeout=30)
    return [line.decode().split() for line in lines if line.endswith(b"\n")]
