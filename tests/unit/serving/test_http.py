"""HTTP/1.1: what is answered, in which order, and what is not let in."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlplat.serving.http import HttpServer, Limits, is_local

POST = b"POST /p HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\nhi"
GET = b"GET /g HTTP/1.1\r\nHost: localhost\r\n\r\n"


class Handler:
    """Answers at once with what was asked; or, told to hold, keeps the exchanges."""

    def __init__(self, hold=False):
        self.exchanges = []
        self.hold = hold

    def __call__(self, exchange):
        self.exchanges.append(exchange)
        if not self.hold:
            exchange.answer(exchange.method + b" " + exchange.target + b" " + exchange.body)


def connect(transport, handler=None, **limits):
    handler = handler or Handler()
    server = HttpServer(handler, limits=Limits(**limits))
    connection = server.protocol()
    connection.connection_made(transport)
    return connection, handler


def statuses(transport):
    return [int(found) for found in re.findall(rb"^HTTP/1\.1 (\d+)", transport.written, re.M)]


def test_a_request_is_answered_whole(transport):
    connection, _ = connect(transport)

    connection.data_received(POST)

    assert transport.written == (
        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 10\r\n\r\nPOST /p hi"
    )
    assert not transport.closed


def test_a_request_may_come_byte_by_byte(transport):
    connection, handler = connect(transport)

    for byte in POST:
        connection.data_received(bytes([byte]))

    assert [e.body for e in handler.exchanges] == [b"hi"]


def test_a_chunked_body_is_put_together(transport):
    connection, handler = connect(transport)

    connection.data_received(
        b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"
    )

    assert handler.exchanges[0].body == b"hello"


def test_answers_leave_in_the_order_of_the_requests(transport):
    connection, handler = connect(transport, Handler(hold=True))
    connection.data_received(POST + GET + POST)
    first, second, third = handler.exchanges

    third.answer(b"3")
    second.answer(b"2")
    assert transport.written == b""
    first.answer(b"1")

    assert re.findall(rb"\r\n\r\n(\d)", transport.written) == [b"1", b"2", b"3"]


def test_an_exchange_is_answered_once(transport):
    connection, handler = connect(transport, Handler(hold=True))
    connection.data_received(GET)

    handler.exchanges[0].answer(b"1")
    handler.exchanges[0].answer(b"2")

    assert statuses(transport) == [200]


def test_head_is_answered_without_body(transport):
    connection, _ = connect(transport)

    connection.data_received(b"HEAD /x HTTP/1.1\r\nHost: localhost\r\n\r\n")

    assert transport.written.endswith(b"content-length: 8\r\n\r\n")


def test_expect_continue_is_answered_before_the_body(transport):
    connection, _ = connect(transport)

    connection.data_received(
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"
    )
    assert transport.written == b"HTTP/1.1 100 Continue\r\n\r\n"
    connection.data_received(b"ok")

    assert statuses(transport) == [100, 200]


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        b"GET / HTTP/1.0\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n",
    ],
    ids=["close", "http 1.0", "upgrade"],
)
def test_the_connection_closes_after_a_last_request(transport, head):
    connection, handler = connect(transport)

    connection.data_received(head)
    connection.data_received(GET)

    assert statuses(transport) == [200]
    assert b"\r\nconnection: close\r\n" in transport.written
    assert transport.closed
    assert len(handler.exchanges) == 1


@pytest.mark.parametrize(
    ("head", "status", "message"),
    [
        (b"Host: evil.com\r\n", 403, b"host 'evil.com'"),
        (b"Host: localhost.evil.com\r\n", 403, b"Cannot serve"),
        (b"Host: 127.0.0.1.nip.io:80\r\n", 403, b"Cannot serve"),
        (b"Host: localhost@evil.com\r\n", 403, b"Cannot serve"),
        (b"Host: [::1]:x:1\r\n", 403, b"Cannot serve"),
        (b"Host: \r\n", 403, b"Cannot serve"),
        (b"Host: \xff\r\n", 403, b"Cannot serve"),
        (b"", 400, b"without a Host"),
        (b"Host: localhost\r\nHost: evil.com\r\n", 400, b"two Host headers"),
        (b"Host: localhost\r\nOrigin: https://evil.com\r\n", 403, b"another site"),
        (b"Host: localhost\r\nOrigin: null\r\n", 403, b"another site"),
        (b"Host: localhost\r\nExpect: 200-ok\r\n", 417, b"expectation"),
    ],
    ids=lambda value: value.decode("latin-1").strip() if isinstance(value, bytes) else None,
)
def test_callers_that_are_not_local_are_turned_away(transport, head, status, message):
    connection, handler = connect(transport)

    connection.data_received(b"POST / HTTP/1.1\r\n" + head + b"Content-Length: 1\r\n\r\nx")

    assert statuses(transport) == [status]
    assert message in transport.written
    assert handler.exchanges == []


@pytest.mark.parametrize(
    "host",
    [b"localhost", b"LOCALHOST:80", b"127.0.0.1:8080", b"[::1]:99", b"m.localhost"],
    ids=bytes.decode,
)
def test_this_machine_has_several_names(host):
    assert is_local(host)


@pytest.mark.parametrize(
    "smuggled",
    [
        b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n",
        b"Content-Length: 3\r\nContent-Length: 4\r\n",
        b"Content-Length: +3\r\n",
        b"Content-Length: 3\r\nX: a\nTransfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: xchunked\r\n",
        b"Transfer-Encoding : chunked\r\n",
        b"Content-Length: 3\r\n\tx\r\n",
        b"X: a\0b\r\n",
    ],
    ids=repr,
)
def test_requests_whose_length_is_in_doubt_are_refused(transport, smuggled):
    connection, handler = connect(transport)

    connection.data_received(
        b"POST / HTTP/1.1\r\nHost: localhost\r\n" + smuggled + b"\r\nabcGET /admin HTTP/1.1\r\n\r\n"
    )

    assert statuses(transport) == [400]
    assert transport.closed
    assert handler.exchanges == []


def test_a_body_that_is_too_large_is_refused_before_it_is_read(transport):
    connection, handler = connect(transport, body_bytes=10)

    connection.data_received(
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999999999\r\n\r\n"
    )

    assert statuses(transport) == [413]
    assert transport.closed
    assert handler.exchanges == []


def test_a_chunked_body_that_grows_too_large_is_refused(transport):
    connection, _ = connect(transport, body_bytes=10)
    head = b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"

    connection.data_received(head + b"8\r\n12345678\r\n8\r\n12345678\r\n")

    assert statuses(transport) == [413]


def test_a_head_that_is_too_large_is_refused(transport):
    connection, _ = connect(transport, head_bytes=100)

    connection.data_received(b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 200 + b"\r\n\r\n")

    assert statuses(transport) == [431]


def test_a_caller_who_sends_slowly_is_cut_off(transport, monkeypatch):
    now = [100.0]
    monkeypatch.setattr("jupyter_mlplat.serving.http.time.monotonic", lambda: now[0])
    connection, _ = connect(transport, receive_s=30)
    connection.data_received(POST[:1])
    now[0] = 129.0
    connection.data_received(POST[1:2])

    assert connection.deadline == 130.0
    connection.time_is_up()

    assert statuses(transport) == [408]
    assert transport.closed


def test_a_caller_who_is_silent_is_cut_off_without_words(transport):
    connection, _ = connect(transport)
    connection.data_received(GET)
    transport.written = b""

    connection.time_is_up()

    assert transport.closed
    assert transport.written == b""


def test_a_caller_who_waits_for_an_answer_is_not_cut_off(transport):
    connection, handler = connect(transport, Handler(hold=True))
    connection.data_received(GET)

    connection.time_is_up()
    handler.exchanges[0].answer(b"late")

    assert transport.written.endswith(b"late")


def test_a_caller_who_does_not_read_is_cut_off(transport):
    connection, _ = connect(transport)

    connection.pause_writing()

    assert transport.aborted


def test_reading_stops_while_too_much_is_asked_at_once(transport):
    connection, handler = connect(transport, Handler(hold=True), pipelined=2)
    connection.data_received(GET + GET)
    assert not transport.reading

    for exchange in handler.exchanges:
        exchange.answer(b"x")

    assert transport.reading


def test_no_more_connections_are_taken_than_allowed(transport):
    handler = Handler()
    server = HttpServer(handler, limits=Limits(connections=0))

    server.protocol().connection_made(transport)

    assert statuses(transport) == [503]
    assert transport.closed


def test_an_answer_to_a_caller_who_has_gone_is_dropped(transport):
    connection, handler = connect(transport, Handler(hold=True))
    connection.data_received(GET)
    connection.connection_lost(None)

    handler.exchanges[0].answer(b"x")

    assert transport.written == b""


@given(st.lists(st.binary(max_size=40) | st.sampled_from([GET, POST, b"\r\n"]), max_size=6))
def test_whatever_comes_in_gets_an_http_answer_or_none(make_transport, pieces):
    transport = make_transport()
    connection, _ = connect(transport)

    for piece in pieces:
        connection.data_received(piece)

    assert transport.written == b"" or transport.written.startswith(b"HTTP/1.1 ")
    assert all(status in (200, 400, 403, 417, 431) for status in statuses(transport))
