"""Webhooks reach the open internet, and nothing else."""

import socket
from typing import Any

import pytest

from jupyter_mlplat.engine import notifying
from jupyter_mlplat.engine.notifying import Notifier
from jupyter_mlplat.errors import InvalidInput
from jupyter_mlplat.resources.schedule import Firing, Schedule, Webhook
from jupyter_mlplat.services.scheduling.webhooks import check_addresses, check_url, is_public
from tests.contracts.documents import a_firing, a_schedule

PRIVATE = (
    *("127.0.0.1", "127.8.8.8", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1"),
    *("169.254.169.254", "100.64.0.1", "224.0.0.1", "255.255.255.255", "192.0.2.1"),
    *("::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "ff02::1", "2001:db8::1"),
    *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "2002:7f00:1::", "64:ff9b::7f00:1"),
)


@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_that_is_not_public_is_refused(address: str) -> None:
    assert not is_public(address)
    with pytest.raises(InvalidInput, match="private address"):
        check_addresses(check_url("https://innocent.example/"), ["93.184.216.34", address], ())


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1::1", "::ffff:8.8.8.8"])
def test_a_public_address_is_taken(address: str) -> None:
    assert check_addresses(check_url("https://example.org/"), [address], ()) == address


def test_what_the_settings_allow_may_be_private() -> None:
    target = check_url("http://hooks.local/")

    assert check_addresses(target, ["10.1.2.3"], ["10.1.0.0/16"]) == "10.1.2.3"
    assert check_addresses(target, ["10.9.9.9"], ["hooks.local"]) == "10.9.9.9"


@pytest.mark.parametrize(
    "url",
    [
        *("file:///etc/passwd", "gopher://x/", "ftp://x/", "//example.org/", "example.org"),
        *("http://", "https://user:secret@example.org/", "http://exa mple.org/"),
        *("http://example.org/\r\nHost: x", "http://example.org:99999/", "http://ex\\ample/"),
        *("http://exämple.org/", "javascript:alert(1)"),
    ],
)
def test_what_is_no_address_of_a_webhook_is_refused(url: str) -> None:
    with pytest.raises(InvalidInput):
        check_url(url)


@pytest.mark.parametrize("host", ["2130706433", "0x7f000001", "0177.0.0.1", "127.1", "[::1]"])
async def test_odd_spellings_of_this_machine_are_refused(host: str) -> None:
    try:
        await Notifier().check(Webhook(url=f"http://{host}/"))
        socket.getaddrinfo(host, 80)
    except InvalidInput:
        return
    except OSError:
        return  # it names nothing here, so nothing is reached
    pytest.fail(f"{host} was let through")


class Wire:
    """Stands for the network: answers with these, remembers where it was reached."""

    def __init__(self, *statuses: int) -> None:
        self.statuses = list(statuses)
        self.reached: list[tuple[str, str, str]] = []

    def __call__(self, target: Any, address: str) -> "Wire":
        self._target, self._address = target, address
        return self

    def request(self, verb: str, path: str, body: bytes, headers: dict[str, str]) -> None:
        self.reached.append((self._address, path, headers["Host"]))

    def getresponse(self) -> "Wire":
        self.status = self.statuses.pop(0)
        return self

    def read(self, limit: int) -> bytes:
        return b""

    def close(self) -> None:
        pass


async def send(
    monkeypatch: pytest.MonkeyPatch, wire: Wire, addresses: list[list[str]]
) -> tuple[str, list[float]]:
    monkeypatch.setattr(notifying, "_Pinned", wire)
    naps: list[float] = []

    async def nap(seconds: float) -> None:
        naps.append(seconds)

    notifier = Notifier((), lambda host, port: addresses.pop(0), nap)
    schedule: Schedule = a_schedule()
    firing: Firing = a_firing(schedule)
    webhook = Webhook(url="https://hooks.example.org/x?y=1")
    return await notifier.send(webhook, "failed", schedule, firing), naps


async def test_the_address_that_was_checked_is_the_one_that_is_reached(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wire = Wire(204)

    told, _ = await send(monkeypatch, wire, [["93.184.216.34"]])

    assert told == "sent"
    assert wire.reached == [("93.184.216.34", "/x?y=1", "hooks.example.org")]


async def test_a_name_that_turns_private_between_two_tries_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wire = Wire(503)

    told, _ = await send(monkeypatch, wire, [["93.184.216.34"], ["127.0.0.1"]])

    assert "private address" in told
    assert len(wire.reached) == 1


async def test_a_redirect_is_not_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    told, _ = await send(monkeypatch, Wire(302), [["93.184.216.34"]])

    assert told == "not sent: it answered 302, and redirects are not followed"


async def test_what_may_pass_is_tried_again_and_what_may_not_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    public = ["93.184.216.34"]

    assert await send(monkeypatch, Wire(500, 429, 200), [public] * 3) == ("sent", [0.0, 2.0, 10.0])
    assert await send(monkeypatch, Wire(404), [public]) == ("not sent: it answered 404", [0.0])
    told, naps = await send(monkeypatch, Wire(500, 500, 500, 500), [public] * 4)
    assert (told, len(naps)) == ("not sent: it answered 500", 4)
