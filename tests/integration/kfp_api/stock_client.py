"""What somebody does with `kfp.Client` and the `kfp` program, as they come from the index.

Runs in an environment that has kfp and nothing of ours: `python stock_client.py HOST TOKEN FOLDER`.
Prints what was seen as one JSON document.
"""

import contextlib
import io
import json
import subprocess
import sys
import time
import warnings
from pathlib import Path
from typing import Any

warnings.simplefilter("ignore")

import kfp  # noqa: E402
from kfp import compiler, dsl  # noqa: E402
from kfp.client import Client  # noqa: E402
from kfp_server_api import ApiException  # noqa: E402

WAIT_S = 120


@dsl.component
def add(a: int, b: int) -> int:
    return a + b


@dsl.component
def only_the_second_time(marker: str) -> str:
    import os

    if not os.path.exists(marker):
        open(marker, "w").close()
        raise ValueError("the first time")
    return "done"


@dsl.component
def sleep(seconds: int) -> str:
    import time

    time.sleep(seconds)
    return "awake"


@dsl.pipeline(name="adding")
def adding(a: int = 1) -> int:
    first = add(a=a, b=2)
    return add(a=first.output, b=3).output


@dsl.pipeline(name="flaky")
def flaky(marker: str) -> None:
    only_the_second_time(marker=marker)


@dsl.pipeline(name="slow")
def slow() -> None:
    sleep(seconds=600)


def main(host: str, token: str, folder: Path) -> dict[str, Any]:
    client = Client(host=host, existing_token=token)
    package = str(folder / "adding.yaml")
    compiler.Compiler().compile(adding, package)
    return {
        "version": kfp.__version__,
        "multi_user": client.get_kfp_healthz().multi_user,
        "runs": runs(client, folder),
        "versions": versions(client, package),
        "lists": lists(client, package),
        "ends": ends(client, folder),
        "recurring": recurring(client, package),
        "program": program(host, token, package),
        "errors": errors(client, host),
    }


def runs(client: Client, folder: Path) -> dict[str, Any]:
    began = client.create_run_from_pipeline_func(
        adding, arguments={"a": 5}, run_name="five", experiment_name="Sums", enable_caching=False
    )
    done = began.wait_for_run_completion(WAIT_S)
    experiment = client.get_experiment(experiment_name="sums")
    client.archive_run(done.run_id)
    archived = client.get_run(done.run_id).storage_state
    client.unarchive_run(done.run_id)
    back = client.get_run(done.run_id).storage_state
    client.archive_experiment(experiment.experiment_id)
    with_experiment = client.get_run(done.run_id).storage_state
    client.unarchive_experiment(experiment.experiment_id)
    client.delete_run(done.run_id)
    return {
        "state": done.state,
        "name": done.display_name,
        "parameters": done.runtime_config.parameters,
        "is_in": done.experiment_id == experiment.experiment_id,
        "tasks": {one.display_name: one.state for one in done.run_details.task_details},
        "spec": done.pipeline_spec["pipelineInfo"]["name"],
        "storage": [archived, back, with_experiment],
        "left": client.list_runs(experiment_id=experiment.experiment_id).runs,
    }


def versions(client: Client, package: str) -> dict[str, Any]:
    pipeline = client.upload_pipeline(package, "sums", description="adds")
    second = client.upload_pipeline_version(package, "second", pipeline_name="sums")
    experiment = client.create_experiment("Versions")
    run = client.run_pipeline(
        experiment.experiment_id,
        "from a version",
        pipeline_id=pipeline.pipeline_id,
        version_id=second.pipeline_version_id,
        params={"a": 3},
    )
    done = client.wait_for_run_completion(run.run_id, WAIT_S, 1)
    names = [
        one.display_name
        for one in client.list_pipeline_versions(
            pipeline.pipeline_id, sort_by="display_name"
        ).pipeline_versions
    ]
    client.delete_pipeline_version(pipeline.pipeline_id, second.pipeline_version_id)
    left = client.list_pipeline_versions(pipeline.pipeline_id).pipeline_versions
    return {
        "id": client.get_pipeline_id("sums") == pipeline.pipeline_id,
        "description": client.get_pipeline(pipeline.pipeline_id).description,
        "names": names,
        "left": [one.display_name for one in left],
        "state": done.state,
        "reference": done.pipeline_version_reference.pipeline_version_id
        == second.pipeline_version_id,
    }


def lists(client: Client, package: str) -> dict[str, Any]:
    experiment = client.create_experiment("Lists")
    names = [f"run {number}" for number in range(5)]
    made = [
        client.run_pipeline(experiment.experiment_id, name, pipeline_package_path=package)
        for name in names
    ]
    for run in made:
        client.wait_for_run_completion(run.run_id, WAIT_S, 1)
    found, token = [], ""
    while True:
        page = client.list_runs(
            page_token=token,
            page_size=2,
            sort_by="display_name desc",
            experiment_id=experiment.experiment_id,
        )
        found.append([run.display_name for run in page.runs])
        if not (token := page.next_page_token):
            break
    wanted = {"operation": "EQUALS", "key": "display_name", "stringValue": "run 3"}
    one = client.list_runs(filter=json.dumps({"predicates": [wanted]}))
    return {"pages": found, "total": page.total_size, "one": [run.display_name for run in one.runs]}


def ends(client: Client, folder: Path) -> dict[str, Any]:
    began = client.create_run_from_pipeline_func(slow, enable_caching=False)
    deadline = time.monotonic() + WAIT_S
    while client.get_run(began.run_id).state != "RUNNING" and time.monotonic() < deadline:
        time.sleep(0.2)
    client.terminate_run(began.run_id)
    while (ended := client.get_run(began.run_id)).state in ("RUNNING", "CANCELING"):
        assert time.monotonic() < deadline, ended.state
        time.sleep(0.2)
    marker = {"marker": str(folder / "marker")}
    failing = client.create_run_from_pipeline_func(flaky, arguments=marker, enable_caching=False)
    failed = failing.wait_for_run_completion(WAIT_S)
    client.runs.run_service_retry_run(run_id=failed.run_id)
    retried = failing.wait_for_run_completion(WAIT_S)
    return {
        "terminated": ended.state,
        "failed": [failed.state, failed.run_details.task_details[0].state],
        "message": failed.error.message,
        "retried": retried.state,
    }


def recurring(client: Client, package: str) -> dict[str, Any]:
    experiment = client.create_experiment("Often")
    cron = client.create_recurring_run(
        experiment.experiment_id,
        "every second",
        description="very often",
        cron_expression="* * * * * *",
        pipeline_package_path=package,
        params={"a": 7},
        max_concurrency=2,
        no_catchup=True,
    )
    period = client.create_recurring_run(
        experiment.experiment_id,
        "every hour",
        interval_second=3600,
        start_time="2026-01-01T00:00:00Z",
        pipeline_package_path=package,
        enabled=False,
    )
    deadline = time.monotonic() + WAIT_S
    while True:
        listed = client.list_runs(experiment_id=experiment.experiment_id, page_size=50).runs or []
        over = [run for run in listed if run.state == "SUCCEEDED"]
        if len(over) >= 2 or time.monotonic() > deadline:
            break
        time.sleep(0.5)
    client.disable_recurring_run(cron.recurring_run_id)
    status = client.get_recurring_run(cron.recurring_run_id).status
    time.sleep(2)
    before = client.list_runs(experiment_id=experiment.experiment_id).total_size
    time.sleep(2.5)
    after = client.list_runs(experiment_id=experiment.experiment_id).total_size
    client.enable_recurring_run(period.recurring_run_id)
    told = client.list_recurring_runs(
        experiment_id=experiment.experiment_id, sort_by="display_name"
    ).recurring_runs
    client.delete_recurring_run(cron.recurring_run_id)
    left = client.list_recurring_runs(experiment_id=experiment.experiment_id).recurring_runs
    return {
        "made": [
            cron.status,
            cron.trigger.cron_schedule.cron,
            cron.max_concurrency,
            cron.no_catchup,
        ],
        "of": {run.recurring_run_id for run in over} == {cron.recurring_run_id},
        "times": len({run.scheduled_at for run in over}) == len(over) >= 2,
        "parameters": over[0].runtime_config.parameters,
        "disabled": [status, after - before],
        "listed": [[one.display_name, one.status, one.mode] for one in told],
        "period": told[0].trigger.periodic_schedule.interval_second,
        "left": [one.display_name for one in left],
    }


def program(host: str, token: str, package: str) -> dict[str, Any]:
    def run(*words: str) -> Any:
        command = [str(Path(sys.executable).with_name("kfp")), "--endpoint", host]
        command += ["--existing-token", token, "--output", "json", *words]
        done = subprocess.run(command, capture_output=True, text=True, timeout=WAIT_S, check=True)
        text = done.stdout[done.stdout.index("{" if "{" in done.stdout else "[") :]
        return json.loads(text)

    created = run("run", "create", "-e", "Shell", "-r", "typed", "-f", package, "-t", "100", "a=2")
    return {
        "created": created["state"],
        "pipeline": run("pipeline", "create", "-p", "typed", package)["display_name"],
    }


def errors(client: Client, host: str) -> dict[str, Any]:
    def refused(call: Any, *given: Any) -> list[Any]:
        try:
            call(*given)
        except ApiException as error:
            return [error.status, json.loads(error.body)["code"]]
        return []

    def stranger() -> None:
        Client(host=host, existing_token="wrong").list_runs()

    def mistyped() -> None:
        client.create_run_from_pipeline_func(adding, arguments={"a": "many"})

    return {
        "stranger": refused(stranger),
        "missing": refused(client.get_run, "run-0000000000000"),
        "mistyped": refused(mistyped),
    }


if __name__ == "__main__":
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        seen = main(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
    print(json.dumps(seen))
