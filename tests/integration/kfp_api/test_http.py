"""The API as bytes on the wire: who is let in, the shapes of answers and errors."""

import io
import json
import os
import re
import stat
import tarfile
import zipfile

import pytest

from jupyter_mlplat.engine.api.kfp.routes import OPEN, ROUTES
from jupyter_mlplat.errors import Forbidden
from jupyter_mlplat.resources.routes import Access, Route
from tests.integration.engine.conftest import EngineProcess, WriteNotebook
from tests.integration.kfp_api.conftest import Caller
from tests.integration.kfp_api.documents import a_spec, as_yaml

DETAIL = "type.googleapis.com/google.rpc.Status"
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
def test_every_route_asks_for_the_token(shared: Caller, route: Route) -> None:
    path = re.sub(r"{.*?}", "x-1", route.path)
    for given in ("", "Bearer", "Bearer wrong", f"Basic {shared.door.token}", shared.door.token):
        answer = shared(route.verb, path, {}, headers={"Authorization": given})

        if route.name in OPEN:
            assert answer.status == 200
        else:
            assert (answer.status, answer.body["code"]) == (401, 16)
            assert "jupyter mlplat kfp" in answer.body["message"]


def test_every_route_has_a_class_of_access() -> None:
    assert {route.access for route in ROUTES if route.verb == "GET"} == {Access.READ}
    assert {route.access for route in ROUTES if route.verb != "GET"} == {Access.WRITE}
    assert {"healthz.get"} == OPEN


def test_what_is_not_there_is_told_only_to_whoever_has_the_token(shared: Caller) -> None:
    assert shared("GET", "/secrets", headers={"Authorization": "Bearer x"}).status == 401
    assert shared("GET", "/secrets").status == 404


def test_another_host_name_is_refused(shared: Caller) -> None:
    answer = shared("GET", "/healthz", headers={"Host": "evil.example:80"})

    assert (answer.status, answer.body["code"]) == (403, 7)


def test_health_is_told_to_anybody(shared: Caller) -> None:
    answer = shared("GET", "/healthz", headers={"Authorization": ""})

    assert answer.body == {"multi_user": False, "pipeline_store": "database"}


def test_a_body_over_the_limit_is_refused(engine: EngineProcess) -> None:
    call = Caller(engine.start(MLPLAT_BODY_LIMIT="1Ki").client.open_kfp())

    answer = call("POST", "/experiments", {"display_name": "x" * 2000})

    assert (answer.status, answer.body["code"]) == (413, 3)


class TestDoor:
    """When the API is served, and to whom."""

    def test_it_is_shut_until_somebody_asks(self, running: EngineProcess) -> None:
        assert running.client.get_engine().kfp_api is None

        door = running.client.open_kfp()

        assert running.client.get_engine().kfp_api == door.host
        assert running.client.open_kfp() == door
        kept = running.home.kfp_api
        assert stat.S_IMODE(os.stat(kept).st_mode) == 0o600
        assert json.loads(kept.read_text())["token"] == door.token

    def test_it_is_open_again_after_a_restart(self, running: EngineProcess) -> None:
        door = running.client.open_kfp()
        running.kill()

        running.start()

        assert running.client.get_engine().kfp_api == door.host
        assert Caller(door)("GET", "/experiments").status == 200

    def test_closing_it_makes_the_token_worthless(self, running: EngineProcess) -> None:
        door = running.client.open_kfp()

        running.client.close_kfp()

        with pytest.raises(ConnectionRefusedError):
            Caller(door)("GET", "/healthz")
        assert not running.home.kfp_api.exists()
        assert running.client.open_kfp().token != door.token

    def test_a_port_in_the_settings_is_served_from_the_start(self, engine: EngineProcess) -> None:
        port = _free_port()

        engine.start(MLPLAT_KFP_API=str(port))

        assert engine.client.get_engine().kfp_api == f"http://127.0.0.1:{port}"

    def test_settings_can_shut_it(self, engine: EngineProcess) -> None:
        engine.start(MLPLAT_KFP_API="off")

        with pytest.raises(Forbidden, match="the engine's settings shut it"):
            engine.client.open_kfp()


class TestExperiments:
    """Experiments."""

    def test_the_default_one_is_there(self, call: Caller) -> None:
        body = call("GET", "/experiments").body

        (default,) = body["experiments"]
        assert body["total_size"] == 1
        assert "next_page_token" not in body
        assert default["display_name"] == "Default"
        assert default["storage_state"] == "AVAILABLE"
        assert TIME.fullmatch(default["created_at"])
        assert default["last_run_created_at"] == "1970-01-01T00:00:00Z"

    def test_one_is_made_found_archived_and_deleted(self, call: Caller) -> None:
        made = call("POST", "/experiments", {"display_name": "My Try", "description": "d"}).body
        path = f"/experiments/{made['experiment_id']}"

        assert call("GET", path).body == made
        assert call("POST", f"{path}:archive").body == {}
        assert call("GET", path).body["storage_state"] == "ARCHIVED"
        assert call("POST", f"{path}:unarchive").body == {}
        assert call("GET", path).body == made
        assert call("DELETE", path).body == {}
        gone = call("GET", path)
        assert (gone.status, gone.body["code"]) == (404, 5)
        assert gone.body["details"] == [
            {"@type": DETAIL, "code": 5, "message": gone.body["message"]}
        ]

    def test_a_name_is_given_once(self, call: Caller) -> None:
        call("POST", "/experiments", {"display_name": "Twice"})

        answer = call("POST", "/experiments", {"displayName": "twice"})

        assert (answer.status, answer.body["code"]) == (409, 6)

    @pytest.mark.parametrize(
        "body", [{}, {"display_name": " "}, {"display_name": "x", "colour": 1}, [], "x"], ids=str
    )
    def test_what_is_no_experiment_is_refused(self, shared: Caller, body: object) -> None:
        answer = shared("POST", "/experiments", body)

        assert (answer.status, answer.body["code"]) == (400, 3)

    def test_the_default_one_stays(self, shared: Caller) -> None:
        (default,) = shared("GET", "/experiments").body["experiments"]

        answer = shared("DELETE", f"/experiments/{default['experiment_id']}")

        assert (answer.status, answer.body["code"]) == (400, 3)


class TestLists:
    """Pages, filters, orders."""

    @pytest.fixture
    def names(self, call: Caller) -> list[str]:
        names = [f"E{number}" for number in range(5)]
        for name in names:
            call("POST", "/experiments", {"display_name": name})
        return names

    def test_pages_follow_each_other(self, call: Caller, names: list[str]) -> None:
        found: list[str] = []
        token = ""
        while True:
            query = {"page_size": 2, "page_token": token, "sort_by": "display_name desc"}
            body = call("GET", "/experiments", query=query).body
            found += [one["display_name"] for one in body["experiments"]]
            assert body["total_size"] == 6
            if not (token := body.get("next_page_token", "")):
                break

        assert found == [*reversed(names), "Default"]

    def test_a_token_brings_its_filter_along(self, call: Caller, names: list[str]) -> None:
        wanted = {"operation": "IN", "key": "name", "string_values": {"values": names[:3]}}
        query = {"page_size": 2, "filter": json.dumps({"predicates": [wanted]})}
        first = call("GET", "/experiments", query=query).body

        token = {"page_token": first["next_page_token"]}
        second = call("GET", "/experiments", query=token).body
        other = call("GET", "/experiments", query=token | {"sort_by": "name"})

        assert [one["display_name"] for one in second["experiments"]] == ["E2"]
        assert (other.status, other.body["code"]) == (400, 3)

    @pytest.mark.parametrize(
        ("predicate", "expected"),
        [
            ({"operation": 1, "key": "display_name", "stringValue": "e1"}, ["E1"]),
            ({"operation": "IS_SUBSTRING", "key": "name", "string_value": "faul"}, ["Default"]),
            (
                {"operation": "LESS_THAN", "key": "created_at", "timestamp_value": "2020-01-01"},
                [],
            ),
            (
                {"operation": "EQUALS", "key": "storage_state", "string_value": "ARCHIVED"},
                ["E0"],
            ),
        ],
        ids=["equals", "substring", "time", "archived"],
    )
    def test_filters_let_through_what_they_say(
        self, call: Caller, names: list[str], predicate: dict[str, object], expected: list[str]
    ) -> None:
        first = call("GET", "/experiments", query={"sort_by": "name asc"}).body["experiments"][1]
        call("POST", f"/experiments/{first['experiment_id']}:archive")

        query = {"filter": json.dumps({"predicates": [predicate]})}
        body = call("GET", "/experiments", query=query).body

        assert [one["display_name"] for one in body.get("experiments", [])] == expected

    @pytest.mark.parametrize(
        "query",
        [
            {"filter": "nonsense"},
            {"filter": "[]"},
            {"filter": '{"predicates": [{"operation": "LIKE", "key": "id", "string_value": ""}]}'},
            {
                "filter": '{"predicates": [{"operation": "EQUALS", "key": "colour", '
                '"string_value": "x"}]}'
            },
            {"filter": '{"predicates": [{"operation": "EQUALS", "key": "id"}]}'},
            {"filter": '{"predicates": [{"operation": "IN", "key": "id", "string_value": "x"}]}'},
            {"sort_by": "colour"},
            {"sort_by": "id down"},
            {"sort_by": "id; drop table run"},
            {"page_size": "-1"},
            {"page_token": "bm9uZQ=="},
            {"page_token": "%%"},
        ],
        ids=lambda query: str(query)[:40],
    )
    def test_what_cannot_be_read_is_refused(self, shared: Caller, query: dict[str, str]) -> None:
        answer = shared("GET", "/experiments", query=query)

        assert (answer.status, answer.body["code"]) == (400, 3)


class TestPipelines:
    """Pipelines, versions, uploads."""

    def test_a_file_becomes_a_pipeline_with_a_version(self, call: Caller) -> None:
        spec = a_spec()

        made = call.upload(
            "/pipelines/upload",
            "adding.yaml",
            as_yaml(spec),
            name="adding",
            description="one",
            tags='{"team": "x"}',
        ).body

        assert made["name"] == made["display_name"] == "adding"
        assert (made["description"], made["tags"]) == ("one", {"team": "x"})
        versions = call("GET", f"/pipelines/{made['pipeline_id']}/versions").body
        assert versions["total_size"] == 1
        assert versions["pipeline_versions"][0]["pipeline_spec"] == spec
        assert call("GET", "/pipelines/names/adding").body == made
        assert call("GET", "/pipelines").body["pipelines"] == [made]

    def test_versions_are_added_changed_and_deleted(self, call: Caller) -> None:
        pipeline = call.upload("/pipelines/upload", "a.yaml", as_yaml(a_spec())).body["pipeline_id"]
        content = as_yaml(a_spec("other"))

        made = call.upload(
            "/pipelines/upload_version", "b.yaml", content, name="v2", pipelineid=pipeline
        ).body
        path = f"/pipelines/{pipeline}/versions/{made['pipeline_version_id']}"
        again = call.upload(
            "/pipelines/upload_version", "b.yaml", content, name="v2", pipelineid=pipeline
        )

        assert call("GET", path).body == made
        assert (again.status, again.body["code"]) == (409, 6)
        changed = call("PATCH", path, {"display_name": "Second", "tags": {"a": "b"}}).body
        assert (changed["display_name"], changed["tags"]) == ("Second", {"a": "b"})
        assert call("DELETE", path).body == {}
        assert call("GET", path).status == 404

    def test_a_pipeline_with_versions_is_deleted_with_cascade(self, call: Caller) -> None:
        pipeline = call.upload("/pipelines/upload", "a.yaml", as_yaml(a_spec())).body["pipeline_id"]

        refused = call("DELETE", f"/pipelines/{pipeline}")

        assert (refused.status, refused.body["code"]) == (400, 9)
        assert call("DELETE", f"/pipelines/{pipeline}", query={"cascade": "true"}).body == {}
        assert call("GET", "/pipelines").body == {}

    def test_a_version_is_made_of_a_value(self, call: Caller) -> None:
        pipeline = call("POST", "/pipelines", {"display_name": "Mine"}).body["pipeline_id"]
        body = {"display_name": "v1", "pipeline_spec": a_spec()}

        made = call("POST", f"/pipelines/{pipeline}/versions", body).body
        both = call(
            "POST",
            "/pipelines/create",
            {"pipeline": {"display_name": "Both"}, "pipeline_version": {"pipelineSpec": a_spec()}},
        ).body

        assert made["pipeline_spec"] == a_spec()
        versions = call("GET", f"/pipelines/{both['pipeline_id']}/versions").body
        assert [one["name"] for one in versions["pipeline_versions"]] == ["Both"]

    def test_no_address_is_opened_for_a_caller(self, call: Caller) -> None:
        pipeline = call("POST", "/pipelines", {"display_name": "Mine"}).body["pipeline_id"]
        body = {"name": "v", "package_url": {"pipeline_url": "http://169.254.169.254/"}}

        answer = call("POST", f"/pipelines/{pipeline}/versions", body)

        assert (answer.status, answer.body["code"]) == (501, 12)
        assert "upload the file" in answer.body["message"]

    @pytest.mark.parametrize("kind", ["zip", "tar.gz"])
    def test_an_archive_is_unpacked(self, call: Caller, kind: str) -> None:
        content = _archive(kind, {"component.yaml": b"x: 1", "pipeline.yaml": as_yaml(a_spec())})

        made = call.upload("/pipelines/upload", f"a.{kind}", content, name="a")

        assert made.status == 200, made.body

    @pytest.mark.parametrize(
        ("name", "content"),
        [
            ("a.yaml", b"not: a pipeline"),
            ("a.yaml", b"\xff\xfe"),
            ("a.yaml", b""),
            ("a.zip", b"PK\x03\x04broken"),
            ("a.tar.gz", b"\x1f\x8bbroken"),
            ("a.yaml", b"a: &a [x]\nb: &b [*a, *a]\nc: [*b, *b"),
        ],
        ids=["other", "binary", "empty", "zip", "tar", "unfinished"],
    )
    def test_what_is_no_pipeline_is_refused(
        self, shared: Caller, name: str, content: bytes
    ) -> None:
        answer = shared.upload("/pipelines/upload", name, content)

        assert (answer.status, answer.body["code"]) == (400, 3)
        assert shared("GET", "/pipelines").body == {}

    def test_an_archive_without_one_pipeline_is_refused(self, shared: Caller) -> None:
        two = _archive("zip", {"a.yaml": as_yaml(a_spec()), "b.yaml": as_yaml(a_spec())})
        none = _archive("tar.gz", {"readme.txt": b"x"})

        assert shared.upload("/pipelines/upload", "a.zip", two).status == 400
        assert shared.upload("/pipelines/upload", "a.tar.gz", none).status == 400

    def test_an_archive_that_unpacks_to_very_much_is_refused(self, shared: Caller) -> None:
        for kind in ("zip", "tar.gz"):
            bomb = _archive(kind, {"pipeline.yaml": b" " * (40 * 2**20)})

            assert shared.upload("/pipelines/upload", f"a.{kind}", bomb).status == 400

    def test_what_is_no_form_is_refused(self, shared: Caller) -> None:
        for kind in ("application/json", "multipart/form-data", "multipart/form-data; boundary=x"):
            answer = shared.send(
                "POST", "/pipelines/upload", b"--x\r\n\r\n", None, {"Content-Type": kind}
            )
            assert (answer.status, answer.body["code"]) == (400, 3)


class TestRuns:
    """Runs, whatever they were made from."""

    @pytest.fixture
    def run_id(self, running: EngineProcess, write_notebook: WriteNotebook) -> str:
        book = write_notebook("x = 1\n", "raise ValueError(x)\n")
        run = running.client.submit(book, split="cell", experiment="tries", parameters={})
        return running.client.wait_for_run(run.id, 60).id

    def test_a_run_is_told_with_its_tasks(self, call: Caller, run_id: str) -> None:
        body = call("GET", f"/runs/{run_id}").body

        experiment = call("GET", f"/experiments/{body['experiment_id']}").body
        assert experiment["display_name"] == "tries"
        assert (body["run_id"], body["state"], body["storage_state"]) == (
            run_id,
            "FAILED",
            "AVAILABLE",
        )
        assert [one["state"] for one in body["state_history"]] == ["PENDING", "RUNNING", "FAILED"]
        assert body["error"]["code"] == 13
        first, second = body["run_details"]["task_details"]
        assert (first["state"], second["state"]) == ("SUCCEEDED", "FAILED")
        assert "ValueError" in second["error"]["message"]
        assert all(TIME.fullmatch(second[name]) for name in ("start_time", "end_time"))

    def test_runs_are_listed_by_experiment_and_state(self, call: Caller, run_id: str) -> None:
        experiment = call("GET", f"/runs/{run_id}").body["experiment_id"]
        (default,) = [
            one["experiment_id"]
            for one in call("GET", "/experiments").body["experiments"]
            if one["display_name"] == "Default"
        ]
        failed = {"operation": "EQUALS", "key": "state", "string_value": "FAILED"}
        query = {"experiment_id": experiment, "filter": json.dumps({"predicates": [failed]})}

        body = call("GET", "/runs", query=query).body

        assert [one["run_id"] for one in body["runs"]] == [run_id]
        assert "run_details" not in body["runs"][0]
        assert call("GET", "/runs", query={"experiment_id": default}).body == {}

    def test_a_run_is_archived_and_taken_back(
        self, call: Caller, run_id: str, running: EngineProcess
    ) -> None:
        assert call("POST", f"/runs/{run_id}:archive").body == {}
        assert call("GET", f"/runs/{run_id}").body["storage_state"] == "ARCHIVED"
        assert running.client.list_runs()[0] == []

        assert call("POST", f"/runs/{run_id}:unarchive").body == {}
        assert [row.id for row in running.client.list_runs()[0]] == [run_id]

    def test_runs_of_an_archived_experiment_stay_archived(self, call: Caller, run_id: str) -> None:
        experiment = call("GET", f"/runs/{run_id}").body["experiment_id"]
        call("POST", f"/experiments/{experiment}:archive")

        answer = call("POST", f"/runs/{run_id}:unarchive")

        assert call("GET", f"/runs/{run_id}").body["storage_state"] == "ARCHIVED"
        assert (answer.status, answer.body["code"]) == (400, 9)

    def test_what_is_over_is_not_terminated(self, call: Caller, run_id: str) -> None:
        answer = call("POST", f"/runs/{run_id}:terminate")

        assert (answer.status, answer.body["code"]) == (400, 3)

    def test_a_run_is_retried_and_deleted(
        self, call: Caller, run_id: str, running: EngineProcess
    ) -> None:
        assert call("POST", f"/runs/{run_id}:retry").body == {}
        assert running.client.wait_for_run(run_id, 60).tasks[1].attempt == 2

        assert call("DELETE", f"/runs/{run_id}").body == {}
        assert call("GET", f"/runs/{run_id}").status == 404
        assert call("POST", f"/runs/{run_id}:archive").status == 404


class TestCreating:
    """Runs and recurring runs of pipelines that are sent or named."""

    @pytest.mark.parametrize(
        ("change", "expected"),
        [
            ({"display_name": ""}, (400, 3)),
            ({"pipeline_spec": None}, (400, 3)),
            ({"pipeline_version_reference": {"pipeline_id": "pipeline-0000000000"}}, (400, 3)),
            (
                {
                    "pipeline_spec": None,
                    "pipeline_version_reference": {"pipeline_id": "pipeline-0000000000"},
                },
                (404, 5),
            ),
            (
                {"pipeline_spec": None, "pipeline_version_reference": {"pipeline_id": "?"}},
                (400, 3),
            ),
            ({"pipeline_spec": {"schemaVersion": "2.1.0"}}, (400, 3)),
            ({"experiment_id": "experiment-0000000000"}, (404, 5)),
            ({"runtime_config": {"parameters": {"b": 1}}}, (400, 3)),
            ({"runtime_config": {"parameters": {"a": "x"}}}, (400, 3)),
            ({"display_name": "x" * 1000}, (400, 3)),
        ],
        ids=[
            "no name",
            "no pipeline",
            "two pipelines",
            "unknown pipeline",
            "no id",
            "invalid pipeline",
            "unknown experiment",
            "unknown parameter",
            "mistyped parameter",
            "long name",
        ],
    )
    @pytest.mark.parametrize("path", ["/runs", "/recurringruns"])
    def test_what_cannot_be_run_is_refused(
        self, shared: Caller, path: str, change: dict[str, object], expected: tuple[int, int]
    ) -> None:
        body = {"display_name": "a run", "pipeline_spec": a_spec(), **change}
        if path == "/recurringruns":
            body |= {"max_concurrency": "1", "trigger": {"periodic_schedule": _hourly()}}

        answer = shared("POST", path, body)

        assert (answer.status, answer.body["code"]) == expected
        assert shared("GET", path).body == {}

    @pytest.mark.parametrize(
        "change",
        [
            {"max_concurrency": "0"},
            {"max_concurrency": 11},
            {"trigger": None},
            {"trigger": {}},
            {"trigger": {"cron_schedule": {"cron": "0 0 * *"}}},
            {"trigger": {"cron_schedule": {"cron": ""}}},
            {"trigger": {"cron_schedule": {"cron": "61 * * * * *"}}},
            {"trigger": {"periodic_schedule": {"interval_second": "0"}}},
            {"trigger": {"periodic_schedule": {"interval_second": 5, "start_time": "soon"}}},
            {"mode": "SOMETIMES"},
        ],
        ids=str,
    )
    def test_what_cannot_recur_is_refused(self, shared: Caller, change: dict[str, object]) -> None:
        body = {
            "display_name": "often",
            "pipeline_spec": a_spec(),
            "max_concurrency": "1",
            "trigger": {"periodic_schedule": _hourly()},
        }

        answer = shared("POST", "/recurringruns", body | change)

        assert (answer.status, answer.body["code"]) == (400, 3)
        assert shared("GET", "/recurringruns").body == {}

    def test_nothing_runs_in_an_archived_experiment(self, call: Caller) -> None:
        made = call("POST", "/experiments", {"display_name": "Old"}).body["experiment_id"]
        call("POST", f"/experiments/{made}:archive")
        body = {"display_name": "x", "pipeline_spec": a_spec(), "experiment_id": made}

        answer = call("POST", "/runs", body)

        assert (answer.status, answer.body["code"]) == (400, 9)

    def test_the_newest_version_is_meant_where_none_is_named(
        self, call: Caller, running: EngineProcess
    ) -> None:
        pipeline = call.upload("/pipelines/upload", "a.yaml", as_yaml(a_spec())).body["pipeline_id"]
        newest = call.upload(
            "/pipelines/upload_version", "b.yaml", as_yaml(a_spec()), name="b", pipelineid=pipeline
        ).body["pipeline_version_id"]
        reference = {"pipeline_id": pipeline}
        body = {
            "display_name": "newest",
            "description": "why",
            "pipeline_version_reference": reference,
            "runtime_config": {"parameters": {"a": 2}, "pipeline_root": "root"},
            "service_account": "robot",
        }

        made = call("POST", "/runs", body).body

        assert running.client.wait_for_run(made["run_id"], 60).state == "SUCCEEDED"
        told = call("GET", f"/runs/{made['run_id']}").body
        assert told["pipeline_version_reference"] == reference | {"pipeline_version_id": newest}
        assert {name: told[name] for name in ("description", "runtime_config")} == {
            name: body[name] for name in ("description", "runtime_config")
        }
        assert told["service_account"] == "robot"
        assert "pipeline_spec" not in told

    def test_a_run_that_goes_on_is_ended_and_deleted(
        self, call: Caller, running: EngineProcess, write_notebook: WriteNotebook
    ) -> None:
        run = running.client.submit(write_notebook("import time; time.sleep(600)\n"))

        assert call("DELETE", f"/runs/{run.id}").body == {}
        assert call("GET", f"/runs/{run.id}").status == 404

    def test_pipelines_are_found_by_their_tags(self, call: Caller) -> None:
        for name, team in (("a", "x"), ("b", "y")):
            call("POST", "/pipelines", {"display_name": name, "tags": {"team": team}})
        wanted = {"operation": "EQUALS", "key": "tags.team", "string_value": "y"}

        found = call("GET", "/pipelines", query={"filter": json.dumps({"predicates": [wanted]})})

        assert [one["name"] for one in found.body["pipelines"]] == ["b"]

    def test_archiving_an_experiment_disables_its_recurring_runs(self, call: Caller) -> None:
        experiment = call("POST", "/experiments", {"display_name": "E"}).body["experiment_id"]
        body = {
            "display_name": "often",
            "mode": "ENABLE",
            "experiment_id": experiment,
            "pipeline_spec": a_spec(),
            "max_concurrency": "2",
            "trigger": {"periodic_schedule": _hourly()},
        }
        made = call("POST", "/recurringruns", body).body
        assert (made["status"], made["max_concurrency"]) == ("ENABLED", "2")
        assert made["trigger"] == {"periodic_schedule": {"interval_second": "3600"}}

        call("POST", f"/experiments/{experiment}:archive")

        found = call("GET", "/recurringruns", query={"experiment_id": experiment}).body
        assert [one["status"] for one in found["recurringRuns"]] == ["DISABLED"]


def _hourly() -> dict[str, object]:
    return {"interval_second": "3600"}


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _archive(kind: str, files: dict[str, bytes]) -> bytes:
    made = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in files.items():
                archive.writestr(name, content)
    else:
        with tarfile.open(fileobj=made, mode="w:gz") as packed:
            for name, content in files.items():
                member = tarfile.TarInfo(name)
                member.size = len(content)
                packed.addfile(member, io.BytesIO(content))
    return made.getvalue()
