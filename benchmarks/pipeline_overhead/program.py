"""One peer, one shape, one size, run twice: `python program.py PEER SHAPE N` prints a JSON line.

Runs in the peer's own environment, so it knows nothing of ours. SHAPE `chain`: step i adds one to
what step i-1 gave. SHAPE `fan`: one source, then N steps that each add one to what it gave. The
second time nothing has changed: what the peer has of a cache is on.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import perf_counter

_STEP = (
    "import sys,json;value=json.load(open(sys.argv[1]));json.dump(value+1,open(sys.argv[2],'w'))"
)


def twice(run: Callable[[], object]) -> dict[str, float]:
    """Run it anew and again."""
    times = []
    for _ in range(2):
        start = perf_counter()
        run()
        times.append(perf_counter() - start)
    return {"first_s": times[0], "second_s": times[1]}


def bare(shape: str, count: int, place: Path) -> dict[str, float]:
    """Start `python -c` for each step, values in JSON files: no engine, no record, no cache."""

    def step(given: Path, made: Path) -> None:
        subprocess.run([sys.executable, "-c", _STEP, given, made], check=True)

    def run() -> None:
        folder = Path(tempfile.mkdtemp(dir=place))
        (folder / "0").write_text("0")
        if shape == "chain":
            for number in range(count):
                step(folder / str(number), folder / str(number + 1))
            return
        step(folder / "0", folder / "source")
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda n: step(folder / "source", folder / f"w{n}"), range(count)))

    return twice(run)


def fork(shape: str, count: int, place: Path) -> dict[str, float]:
    """Fork a process for each step: what a warm process costs, and nothing else."""

    def start(given: Path, made: Path) -> int:
        pid = os.fork()
        if pid == 0:
            made.write_text(str(int(given.read_text()) + 1))
            os._exit(0)
        return pid

    def run() -> None:
        folder = Path(tempfile.mkdtemp(dir=place))
        (folder / "0").write_text("0")
        if shape == "chain":
            for number in range(count):
                os.waitpid(start(folder / str(number), folder / str(number + 1)), 0)
            return
        os.waitpid(start(folder / "0", folder / "source"), 0)
        running = 0
        for number in range(count):
            if running == 2:
                os.wait()
                running -= 1
            start(folder / "source", folder / f"w{number}")
            running += 1
        while running:
            os.wait()
            running -= 1

    return twice(run)


def _kfp(shape: str, count: int, place: Path, pip: bool) -> dict[str, float]:
    from kfp import dsl, local

    @dsl.component(install_kfp_package=pip)
    def add(x: int, number: int) -> int:
        return x + 1

    @dsl.pipeline(name="bench")
    def pipeline(x: int = 0) -> int:
        value = add(x=x, number=-1)
        for number in range(count - (shape == "chain")):
            made = add(x=value.output, number=number)  # `number` keeps a fan's steps apart
            if shape == "chain":
                value = made
        return value.output

    local.init(
        runner=local.SubprocessRunner(use_venv=False),
        pipeline_root=str(place / "root"),
        raise_on_error=True,
        enable_caching=True,
    )
    return twice(lambda: pipeline(x=0))


def kfp_local(shape: str, count: int, place: Path) -> dict[str, float]:
    """kfp.local's subprocess runner, nothing installed for a step."""
    return _kfp(shape, count, place, pip=False)


def kfp_local_pip(shape: str, count: int, place: Path) -> dict[str, float]:
    """kfp.local's subprocess runner as it is by default: pip looks for kfp in each step."""
    return _kfp(shape, count, place, pip=True)


def metaflow(shape: str, count: int, place: Path) -> dict[str, float]:
    """Metaflow on its local datastore; the second time is its resume of the finished run."""
    lines = ["from metaflow import FlowSpec, step", "class Bench(FlowSpec):"]
    if shape == "chain":
        names = ["start", *(f"s{number}" for number in range(1, count - 1)), "end"]
        for number, name in enumerate(names):
            lines += ["    @step", f"    def {name}(self):"]
            lines += [f"        self.x = {'1' if number == 0 else 'self.x + 1'}"]
            if name != "end":
                lines += [f"        self.next(self.{names[number + 1]})"]
    else:
        lines += ["    @step", "    def start(self):", f"        self.xs = [1] * {count}"]
        lines += ["        self.next(self.work, foreach='xs')"]
        lines += ["    @step", "    def work(self):", "        self.y = self.input + 1"]
        lines += ["        self.next(self.join)"]
        lines += ["    @step", "    def join(self, inputs):", "        self.n = len(list(inputs))"]
        lines += ["        self.next(self.end)", "    @step", "    def end(self):", "        pass"]
    lines += ["if __name__ == '__main__':", "    Bench()"]
    flow = place / "flow.py"
    flow.write_text("\n".join(lines))
    env = os.environ | {
        "USERNAME": "bench",
        "HOME": str(place),
        "METAFLOW_DEFAULT_DATASTORE": "local",
        "METAFLOW_DEFAULT_METADATA": "local",
        "METAFLOW_DATASTORE_SYSROOT_LOCAL": str(place),
    }
    words = iter(["run", "resume"])
    limits = ["--max-workers", "2", "--max-num-splits", "2000"]

    def run() -> None:
        command = [sys.executable, flow, next(words), *limits]
        subprocess.run(command, check=True, env=env, cwd=place, stdout=subprocess.DEVNULL)

    return twice(run)


def prefect(shape: str, count: int, place: Path) -> dict[str, float]:
    """Prefect's tasks in the flow's own process, with its ephemeral API server."""
    os.environ.update(
        PREFECT_HOME=str(place),
        PREFECT_SERVER_ALLOW_EPHEMERAL_MODE="true",
        PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS="180",
        PREFECT_SERVER_ANALYTICS_ENABLED="false",
        PREFECT_LOGGING_LEVEL="ERROR",
        PREFECT_RESULTS_PERSIST_BY_DEFAULT="true",
        DO_NOT_TRACK="1",
    )
    from prefect import flow, task
    from prefect.cache_policies import INPUTS
    from prefect.task_runners import ThreadPoolTaskRunner

    @task(cache_policy=INPUTS, persist_result=True)
    def add(x: int, number: int) -> int:
        return x + 1

    @flow(task_runner=ThreadPoolTaskRunner(max_workers=8))
    def pipeline() -> int:
        value = add(0, -1)
        if shape == "chain":
            for _ in range(count - 1):
                value = add(value, -1)
        else:
            for future in [add.submit(value, number) for number in range(count)]:
                future.result()
        return value

    @flow
    def warm() -> int:
        return 1

    warm()  # starts the API server, which is not what is measured
    return twice(pipeline)


def dagster(shape: str, count: int, place: Path) -> dict[str, float]:
    """Dagster's ops in the caller's own process, recorded in its SQLite instance."""
    os.environ.update(DAGSTER_HOME=str(place), DAGSTER_DISABLE_TELEMETRY="1")
    (place / "dagster.yaml").write_text("telemetry:\n  enabled: false\n")
    import dagster as dg

    @dg.op
    def source() -> int:
        return 0

    @dg.op
    def add(x: int) -> int:
        return x + 1

    @dg.job
    def job() -> None:
        value = source()
        for number in range(count - (shape == "chain")):
            made = add.alias(f"add{number}")(value)
            if shape == "chain":
                value = made

    instance = dg.DagsterInstance.get()
    instance.run_storage.get_runs(limit=1)  # makes its database, which is not what is measured
    return twice(lambda: job.execute_in_process(instance=instance))


if __name__ == "__main__":
    name, shape, count = sys.argv[1:4]
    told = os.dup(1)
    os.dup2(2, 1)  # peers talk to stdout
    with tempfile.TemporaryDirectory(prefix="bench-") as place:
        times = globals()[name](shape, int(count), Path(place))
        os.write(told, json.dumps(times).encode() + b"\n")
        os._exit(0) if name == "prefect" else None  # its server does not let go by itself
