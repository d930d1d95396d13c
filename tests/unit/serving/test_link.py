"""Frames between router and model server, however they are cut."""

import struct
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlplat.serving.exchange import Exchange
from jupyter_mlplat.serving.link import VERSION, LinkClient, LinkServer, encode_request

HEADERS = {b"content-type": b"application/json", b"inference-header-content-length": b"7"}


class Sent(Exchange):
    def send(self, response, status):
        raise AssertionError("nobody answers what is being sent")


def exchange(body=b"{}", target=b"/v2/models/m/infer"):
    return Sent(b"POST", target, HEADERS, body)


def in_pieces(content, cuts):
    places = [0, *sorted(cut % (len(content) + 1) for cut in cuts), len(content)]
    return [content[a:b] for a, b in pairwise(places)]


@given(st.lists(st.binary(max_size=50), max_size=5), st.lists(st.integers(0, 10_000), max_size=9))
def test_requests_arrive_as_they_were_sent_however_they_are_cut(make_transport, bodies, cuts):
    seen = []
    server = LinkServer(seen.append)
    server.connection_made(make_transport())
    frames = b"".join(encode_request(n, exchange(body)) for n, body in enumerate(bodies))

    for piece in in_pieces(frames, cuts):
        server.data_received(piece)

    assert [(e.number, e.method, e.target, e.headers, e.body) for e in seen] == [
        (n, b"POST", b"/v2/models/m/infer", HEADERS, body) for n, body in enumerate(bodies)
    ]


@given(st.permutations([1, 2, 3]), st.lists(st.integers(0, 10_000), max_size=9))
def test_answers_find_their_requests_in_any_order(make_transport, order, cuts):
    wire = make_transport()
    held = {}
    server = LinkServer(lambda e: held.__setitem__(e.number, e))
    server.connection_made(wire)
    for number in (1, 2, 3):
        server.data_received(encode_request(number, exchange()))
    for number in order:
        held[number].answer(b"%d" % number, status=200 + number - 1 if number == 1 else 404)
    answers = []
    greeted = []
    client = LinkClient(greeted.append, lambda *answer: answers.append(answer), lambda: None)
    client.connection_made(make_transport())

    for piece in in_pieces(wire.written, cuts):
        client.data_received(piece)

    assert greeted == [client]
    assert [(number, status, whole[-1:]) for number, status, whole in answers] == [
        (number, 200 if number == 1 else 404, b"%d" % number) for number in order
    ]


def test_a_lost_link_is_told_once_and_takes_no_more(transport):
    lost = []
    client = LinkClient(lambda link: None, lambda *answer: None, lambda: lost.append(True))
    client.connection_made(transport)

    client.connection_lost(None)
    client.request(b"frame")
    client.close()

    assert (lost, transport.written) == ([True], b"")


def test_a_server_does_not_answer_on_a_closed_link(transport):
    seen = []
    server = LinkServer(seen.append)
    server.connection_made(transport)
    server.data_received(encode_request(1, exchange()))
    transport.close()

    transport.written = b""
    seen[0].answer(b"late")

    assert transport.written == b""


def test_a_server_of_another_version_is_not_spoken_to(transport):
    greeted = []
    client = LinkClient(greeted.append, lambda *answer: None, lambda: None)
    client.connection_made(transport)

    client.data_received(struct.pack("!IHI", 0, VERSION + 1, 0))

    assert (greeted, transport.closed) == ([], True)


@pytest.mark.parametrize("size", [0, 1, 100_000, 3_000_000])
def test_bodies_of_any_size_pass(make_transport, size):
    seen = []
    server = LinkServer(seen.append)
    server.connection_made(make_transport())
    frame = encode_request(1, exchange(b"x" * size))

    for start in range(0, len(frame), 65536):
        server.data_received(frame[start : start + 65536])

    assert [len(e.body) for e in seen] == [size]
