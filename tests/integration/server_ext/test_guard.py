"""Who is let in, and what may be asked: every route, every verb."""

import http.client
import re
from http.cookies import SimpleCookie

import pytest

from jupyter_mlplat.resources.routes import PREFIX, ROUTES, Route
from tests.fakes.engine import FakeEngine
from tests.integration.server_ext.conftest import TOKEN, Server

VERBS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
PATHS = sorted({f"/mlplat{PREFIX}{re.sub(r'{.*?}', 'x-1', route.path)}" for route in ROUTES})
WRITES = [route for route in ROUTES if route.verb in ("POST", "PUT")]


def path_of(route: Route) -> str:
    return f"/mlplat{PREFIX}{re.sub(r'{.*?}', 'x-1', route.path)}"


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("token", [None, "wrong"])
def test_stranger_is_refused_on_every_route(
    server: Server, engine: FakeEngine, verb: str, token: str | None
) -> None:
    body = {} if verb in ("POST", "PUT", "PATCH") else None

    statuses = {
        path: server.send(verb, path, body, token=token).status
        for path in [*PATHS, "/mlplat", "/mlplat/", "/mlplat/api/v1/nothing"]
    }

    assert statuses == dict.fromkeys(statuses, 403)
    assert engine.asked == []


def test_server_finds_no_handler_without_authentication(server: Server) -> None:
    open_handlers = [
        line for line in server.log.read_text().splitlines() if "registered for" in line
    ]

    assert [line for line in open_handlers if "mlplat" in line] == []


@pytest.mark.parametrize("path", PATHS)
def test_verb_outside_the_table_is_refused(server: Server, engine: FakeEngine, path: str) -> None:
    allowed = {route.verb for route in ROUTES if path_of(route) == path}

    statuses = {
        verb: server.send(verb, path, {} if verb in ("POST", "PUT", "PATCH") else None).status
        for verb in VERBS
        if verb not in allowed and verb != "OPTIONS"
    }

    assert statuses == dict.fromkeys(statuses, 405)
    assert engine.asked == []


def test_path_outside_the_table_is_not_found(server: Server) -> None:
    assert server.ask("GET", "/mlplat/api/v1/nothing") == (
        404,
        {
            "code": "not-found",
            "message": "The API has no route '/user/x/mlplat/api/v1/nothing'.",
            "details": {},
        },
    )


@pytest.mark.parametrize("route", WRITES, ids=lambda route: route.name)
@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_write_that_a_form_could_send_is_refused(
    server: Server, engine: FakeEngine, route: Route, kind: str
) -> None:
    response = server.send(route.verb, path_of(route), b"{}", {"Content-Type": kind})

    assert response.status == 400
    assert engine.asked == []


@pytest.mark.parametrize("route", [r for r in ROUTES if r.verb != "GET"], ids=lambda r: r.name)
def test_cookie_alone_changes_nothing(server: Server, engine: FakeEngine, route: Route) -> None:
    cookie = log_in(server)
    body = {} if route.verb in ("POST", "PUT") else None

    response = server.send(route.verb, path_of(route), body, {"Cookie": cookie}, token=None)

    assert response.status == 403
    assert engine.asked == []


def test_cookie_with_the_servers_own_proof_may_write(server: Server, engine: FakeEngine) -> None:
    cookie = log_in(server)
    proof = {key: morsel.value for key, morsel in SimpleCookie(cookie).items()}["_xsrf"]

    response = server.send(
        "POST",
        f"/mlplat{PREFIX}/compile",
        {},
        {"Cookie": cookie, "X-XSRFToken": proof},
        token=None,
    )

    assert response.status == 200
    assert [asked.route for asked in engine.asked if asked.route != "engine.get"] == [
        "pipelines.compile"
    ]


def test_foreign_origin_is_refused(server: Server, engine: FakeEngine) -> None:
    cookie = log_in(server)

    response = server.send(
        "GET",
        f"/mlplat{PREFIX}/runs",
        headers={"Cookie": cookie, "Origin": "http://evil.example"},
        token=None,
    )

    assert response.status == 404
    assert engine.asked == []


@pytest.mark.parametrize(
    "segment",
    [
        "..",
        "%2e%2e",
        "..%2f..%2fetc",
        "a%2fb",
        "a%5cb",
        "%00",
        "a%0ab",
        "%252e%252e",
        "a%3fb",
        "a%23",
    ],
)
@pytest.mark.parametrize(
    "route", [r for r in ROUTES if r.verb == "GET" and "{" in r.path], ids=lambda r: r.name
)
def test_segment_that_could_mean_another_path_never_reaches_the_engine(
    server: Server, engine: FakeEngine, route: Route, segment: str
) -> None:
    path = f"/mlplat{PREFIX}{re.sub(r'{.*?}', segment, route.path)}"

    status = server.send("GET", path).status

    assert status in (400, 403, 404)
    assert [asked for asked in engine.asked if asked.route != "engine.get"] == []


def log_in(server: Server) -> str:
    """Return the cookies of a browser that opened the server with its token."""
    cookies: SimpleCookie = SimpleCookie()
    # The form sets the proof against forgery, the token the session.
    for path in ("/user/x/login", f"/user/x/login?token={TOKEN}"):
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
        connection.request("GET", path, headers={"Connection": "close"})
        with connection.getresponse() as response:
            for header in response.headers.get_all("Set-Cookie", []):
                cookies.load(header)
    return "; ".join(f"{name}={morsel.value}" for name, morsel in cookies.items())
