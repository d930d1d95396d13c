"""What gets through the gate of an engine that many share, and what is written down of it."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, StreamingResponse
from starlette.types import Receive, Scope, Send

from jupyter_mlplat.engine.api import shared
from jupyter_mlplat.engine.api.audit import AuditLog
from jupyter_mlplat.engine.api.identity import Identities, User
from jupyter_mlplat.engine.api.permissions import KEPT_S, REFUSED_S, Permissions
from jupyter_mlplat.engine.api.rates import Rates
from jupyter_mlplat.engine.api.shared import SharedApi
from jupyter_mlplat.engine.tenants import Stop, Tenants
from jupyter_mlplat.errors import Forbidden, QuotaExceeded, Unavailable
from jupyter_mlplat.kit.home import Home
from jupyter_mlplat.resources.routes import BY_NAME, PREFIX, ROUTES, Access, Route
from tests.fakes.sharing import ALL, Answered, Issuer, Roles, ask, token


class Echo:
    """A tenant that says what reached it."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.is_open = True
        self.files = home.root / "files"

    async def api(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        told = {
            "home": self.home.root.name,
            "path": scope["raw_path"].decode(),
            "headers": dict(request.headers),
        }
        if request.url.path.endswith("/events"):

            async def endless() -> AsyncIterator[bytes]:
                while True:
                    yield b": still here\n\n"
                    await asyncio.sleep(0.001)

            await StreamingResponse(endless())(scope, receive, send)
            return
        await JSONResponse(told)(scope, receive, send)

    def hush(self) -> None:
        pass

    async def close(self) -> None:
        self.is_open = False


class Site:
    """A whole gate, with everything behind it that can be seen."""

    def __init__(self, root: Path, **more: Any) -> None:
        self.roles = Roles({"anna": {"anna": set(ALL)}, "bea": {"bea": set(ALL)}})
        self.opened: list[str] = []
        self.tenants = Tenants(root / "profiles", self._open, 10)
        self.audit = root / "audit.log"
        self.api = SharedApi(
            self.tenants,
            Identities([Issuer().believed()]),
            Permissions(self.roles),
            Rates(more.pop("per_second", 1e6)),
            AuditLog(self.audit),
            **more,
        )

    async def _open(self, home: Home, stop: Stop) -> Echo:
        home.root.mkdir(parents=True, exist_ok=True)
        self.opened.append(home.root.name)
        return Echo(home)

    async def ask(self, verb: str, target: str, user: str = "anna", **more: Any) -> Answered:
        return await ask(self.api, verb, target, bearer=token(user), **more)

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.audit.read_text().splitlines()]


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def path_of(route: Route) -> str:
    return PREFIX + route.path.replace("{", "").replace("}", "")


async def test_no_route_answers_a_user_of_another_profile(site: Site) -> None:
    answers = {}
    for route in ROUTES:
        body = {} if route.verb in ("POST", "PUT", "PATCH") else None
        by_path = await site.ask(route.verb, f"/profiles/anna{path_of(route)}", "bea", body=body)
        headers = {"Mlplat-Profile": "anna"}
        by_header = await site.ask(route.verb, path_of(route), "bea", body=body, headers=headers)
        answers[route.name] = {(it.status, it.body["code"]) for it in (by_path, by_header)}

    assert answers == {route.name: {(403, "forbidden")} for route in ROUTES}
    assert site.opened == []


async def test_no_route_answers_a_stranger(site: Site) -> None:
    answers = {
        route.name: await ask(site.api, route.verb, f"/profiles/anna{path_of(route)}")
        for route in ROUTES
    }

    assert {name: it.status for name, it in answers.items()} == dict.fromkeys(answers, 401)
    assert {it.headers["www-authenticate"] for it in answers.values()} == {"Bearer"}
    assert site.roles.reviews == []


async def test_whoever_may_only_look_changes_nothing(site: Site) -> None:
    site.roles.allowed["bea"]["anna"] = {"get"}

    statuses = {
        route.name: (
            await site.ask(route.verb, f"/profiles/anna{path_of(route)}", "bea", enough=1)
        ).status
        for route in ROUTES
    }

    assert statuses == {route.name: 200 if route.access is Access.READ else 403 for route in ROUTES}


async def test_request_reaches_its_own_profile_and_nothing_of_the_caller_s_goes_with_it(
    site: Site,
) -> None:
    headers = (
        ("X-Mlplat-User", "root"),
        ("Mlplat-Proxy-Secret", "x"),
        ("X-Forwarded-For", "10.0.0.1"),
        ("Cookie", "a=b"),
        ("Idempotency-Key", "k"),
    )

    answered = await site.ask("GET", "/api/v1/runs/run-1", headers=headers)

    assert answered.body == {
        "home": "anna",
        "path": "/api/v1/runs/run-1",
        "headers": {"idempotency-key": "k", "host": "localhost", "x-mlplat-user": "anna"},
    }


@pytest.mark.parametrize(
    "target",
    [
        "/profiles/anna/../bea/api/v1/runs",
        "/profiles/%2e%2e/api/v1/runs",
        "/profiles/bea%2fapi/api/v1/runs",
        "/profiles//api/v1/runs",
        "/profiles/bea\u0000/api/v1/runs",
        "/profiles/BEA/api/v1/runs",
        "/profiles/anna/profiles/bea/api/v1/runs",
        "/api/v1/../../profiles/bea/api/v1/runs",
        "/api/v2/runs",
        "/",
    ],
)
async def test_crooked_paths_lead_nowhere(site: Site, target: str) -> None:
    answered = await site.ask("GET", target)

    assert answered.status == 404
    assert site.opened == []


async def test_segments_stay_one_segment(site: Site) -> None:
    answered = await site.ask("GET", "/api/v1/runs/..%2f..%2fbea")

    assert answered.status == 404


async def test_page_of_another_site_is_refused_whatever_it_shows(site: Site) -> None:
    for headers in (
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ):
        assert (await site.ask("POST", "/api/v1/gc", body={}, headers=headers)).status == 403
    own = {"Origin": "https://mlplat.example.org", "Sec-Fetch-Site": "same-origin"}
    assert (await site.ask("POST", "/api/v1/gc", body={}, headers=own)).status == 200


async def test_foreign_host_names_are_refused(tmp_path: Path) -> None:
    site = Site(tmp_path, hosts=("engine.internal",))

    assert (await site.ask("GET", "/api/v1/engine")).status == 403


async def test_there_is_no_cors(site: Site) -> None:
    answered = await site.ask("OPTIONS", "/api/v1/runs")

    assert answered.status == 404
    assert not [name for name in answered.headers if name.startswith("access-control")]


async def test_health_needs_no_name_and_tells_nothing(site: Site) -> None:
    answered = await ask(site.api, "GET", "/healthz")

    assert (answered.status, answered.content) == (200, b"ok\n")


# - leave -


async def test_leave_is_asked_for_once_in_a_while() -> None:
    roles, now = Roles({"anna": {"anna": set(ALL)}}), [0.0]
    permissions = Permissions(roles, lambda: now[0])
    route = BY_NAME["runs.list"]
    await asyncio.gather(*(permissions.check(User("anna"), "anna", route) for _ in range(20)))
    assert len(roles.reviews) == 1

    now[0] = KEPT_S + 0.1
    roles.allowed.clear()
    with pytest.raises(Forbidden, match="'anna' may not get runs in profile 'anna'"):
        await permissions.check(User("anna"), "anna", route)

    roles.allowed["anna"] = {"anna": set(ALL)}
    now[0] += REFUSED_S + 0.1
    await permissions.check(User("anna"), "anna", route)


async def test_nobody_is_let_in_while_the_api_server_is_away(site: Site) -> None:
    site.roles.trouble = ConnectionRefusedError("no route to host 10.96.0.1")

    answered = await site.ask("GET", "/api/v1/runs")

    assert answered.status == 503
    assert "API server does not answer" in answered.body["message"]
    assert "10.96" not in answered.body["message"]
    site.roles.trouble = None
    assert (await site.ask("GET", "/api/v1/runs")).status == 200


async def test_groups_and_names_are_asked_about_as_they_are() -> None:
    roles = Roles()
    with pytest.raises(Forbidden):
        await Permissions(roles).check(User("a", ("g",)), "p", BY_NAME["train_runtimes.list"])

    (review,) = roles.reviews
    told = (review.user, review.groups, review.namespace, review.resource, review.verb)
    assert told == ("a", ("g",), "p", "train-runtimes", "get")


async def test_stream_ends_when_leave_is_taken_away(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared, "_LOOK_AGAIN_S", 0.01)
    watching = asyncio.create_task(site.ask("GET", "/api/v1/events"))
    await asyncio.sleep(0.02)
    assert not watching.done()

    site.roles.allowed.clear()
    site.api._permissions._known.clear()

    assert (await asyncio.wait_for(watching, 5)).status == 200


async def test_stream_ends_when_the_token_does(tmp_path: Path) -> None:
    now = [0.0]
    site = Site(tmp_path, now=lambda: now[0])
    now[0] = 4e9

    answered = await asyncio.wait_for(site.ask("GET", "/api/v1/events"), 5)

    assert answered.status in (0, 200)


# - bounds -


async def test_one_user_does_not_keep_the_engine_from_the_others(tmp_path: Path) -> None:
    site = Site(tmp_path, per_second=0.2)  # two at once

    statuses = [(await site.ask("GET", "/api/v1/runs")).status for _ in range(4)]

    assert statuses == [200, 200, 429, 429]
    assert (await site.ask("GET", "/api/v1/runs", "bea")).status == 200


def test_buckets_fill_again() -> None:
    now = [0.0]
    rates = Rates(1.0, lambda: now[0])
    for _ in range(10):
        rates.take("anna")
    with pytest.raises(QuotaExceeded, match="1 per second"):
        rates.take("anna")

    now[0] = 2.0
    rates.take("anna")


# - what is written down -


async def test_every_request_is_one_line_that_says_who_did_what(site: Site) -> None:
    await site.ask("DELETE", "/api/v1/models/churn?token=hidden")
    await site.ask("GET", "/profiles/anna/api/v1/runs/run-7", "bea")
    await ask(site.api, "GET", "/api/v1/runs", bearer="secret-of-somebody")

    lines = site.lines()
    assert [(line["user"], line["profile"], line["route"], line["status"]) for line in lines] == [
        ("anna", "anna", "models.delete", 200),
        ("bea", "anna", "runs.get", 403),
        (None, None, None, 401),
    ]
    assert lines[0]["object"] == {"model": "churn"}
    assert lines[0]["address"] == "192.0.2.1"
    assert lines[1]["refused"] == "forbidden"
    text = site.audit.read_text()
    assert "secret-of-somebody" not in text
    assert "hidden" not in text
    assert token("anna")[:30] not in text


async def test_no_name_breaks_a_line(site: Site) -> None:
    site.roles.allowed["j\u00fcrgen\u2028"] = {}
    await site.ask("GET", "/api/v1/models/a%E2%80%A8%22b")
    await site.ask("GET", "/api/v1/models/ok")

    assert len(site.audit.read_bytes().split(b"\n")) == 3
    assert site.audit.read_bytes().isascii()


# - profiles that come and go -


async def test_engine_is_opened_once_and_put_away_when_it_has_nothing_to_do(
    tmp_path: Path,
) -> None:
    site = Site(tmp_path)
    stops: list[Stop] = []
    made: list[Echo] = []

    async def open_home(home: Home, stop: Stop) -> Echo:
        home.root.mkdir(parents=True, exist_ok=True)
        stops.append(stop)
        made.append(Echo(home))
        return made[-1]

    tenants = Tenants(tmp_path / "p", open_home, 10)

    async def use() -> None:
        async with tenants.using("anna"):
            await asyncio.sleep(0)

    await asyncio.gather(*(use() for _ in range(10)))
    assert len(made) == 1
    assert (tmp_path / "p/anna/awake").exists()

    stops[0](None)
    await asyncio.sleep(0.01)
    assert not made[0].is_open
    assert tenants.open_profiles == []
    assert not (tmp_path / "p/anna/awake").exists()

    await use()
    assert len(made) == 2
    await tenants.close()
    assert (tmp_path / "p/anna/awake").exists()
    assert site.opened == []


async def test_profiles_at_work_are_taken_up_by_the_next_engine(tmp_path: Path) -> None:
    first, second = Site(tmp_path), Site(tmp_path)
    await first.ask("GET", "/api/v1/runs")
    await first.tenants.close()

    await second.tenants.resume()

    assert second.tenants.open_profiles == ["anna"]


async def test_profile_that_cannot_be_opened_keeps_nobody_else_out(tmp_path: Path) -> None:
    async def open_home(home: Home, stop: Stop) -> Echo:
        home.root.mkdir(parents=True, exist_ok=True)
        if home.root.name == "anna":
            raise Unavailable("Its store is damaged.")
        return Echo(home)

    tenants = Tenants(tmp_path, open_home, 10)
    with pytest.raises(Unavailable):
        async with tenants.using("anna"):
            raise AssertionError

    async with tenants.using("bea") as tenant:
        assert isinstance(tenant, Echo)


async def test_no_more_profiles_than_there_is_room_for(tmp_path: Path) -> None:
    async def open_home(home: Home, stop: Stop) -> Echo:
        home.root.mkdir(parents=True, exist_ok=True)
        return Echo(home)

    tenants = Tenants(tmp_path, open_home, 1)
    async with tenants.using("anna"):
        with pytest.raises(Unavailable, match="profiles_open"):
            async with tenants.using("bea"):
                raise AssertionError
