"""What a pod may do to its attempt, and what it may not."""

import json
from pathlib import Path

import pytest

from jupyter_mlplat.errors import Conflict, InvalidInput, NotFound, Unauthenticated
from jupyter_mlplat.kit.home import Home
from jupyter_mlplat.launchers.kubernetes.receiving import Receiver, token_of
from jupyter_mlplat.launchers.local.endings import revoke_or_read_claim
from jupyter_mlplat.ports.launcher import AttemptRef


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "h")


def ref_of(home: Home, step: str = "train") -> AttemptRef:
    directory = home.attempt("run-1", step, 1)
    directory.mkdir(parents=True, exist_ok=True)
    order = {"modules": ["own.py"], "cwd": str(home.root), "log_limit_bytes": 10}
    (directory / "step.json").write_text(json.dumps(order))
    return AttemptRef("run-1", step, 1, directory, "lab")


@pytest.fixture
def receiver(home: Home) -> Receiver:
    ref = ref_of(home)
    return Receiver(home, ref, token_of(ref))


def test_token_opens_its_own_attempt_only(home: Home) -> None:
    mine, other = ref_of(home), ref_of(home, "other")
    token_of(other)

    for token in (token_of(mine), "", "x"):
        with pytest.raises(Unauthenticated):
            Receiver(home, other, token)


def test_token_is_the_same_for_the_next_engine(home: Home) -> None:
    ref = ref_of(home)

    assert token_of(ref) == token_of(ref)
    assert (ref.directory / "token").stat().st_mode & 0o077 == 0


def test_attempt_without_a_token_is_shut(home: Home) -> None:
    with pytest.raises(Unauthenticated):
        Receiver(home, ref_of(home), "")


def test_pieces_told_twice_are_written_once(home: Home, receiver: Receiver) -> None:
    assert receiver.append("events.jsonl", 0, b"one\ntwo\n") == 8
    assert receiver.append("events.jsonl", 0, b"one\ntwo\n") == 8
    assert receiver.append("events.jsonl", 4, b"two\nthree\n") == 14
    assert receiver.append("events.jsonl", 99, b"lost") == 14

    written = (home.attempt("run-1", "train", 1) / "events.jsonl").read_bytes()
    assert written == b"one\ntwo\nthree\n"


def test_log_has_its_limit(receiver: Receiver) -> None:
    assert receiver.append("stdout.log", 0, b"x" * 10_000) == 10 + 4096


def test_pod_claims_as_often_as_it_asks_and_no_other_does(receiver: Receiver) -> None:
    receiver.claim({"pod": "a"})
    receiver.claim({"pod": "a"})

    with pytest.raises(Conflict):
        receiver.claim({"pod": "b"})


def test_revoked_attempt_cannot_be_claimed(home: Home, receiver: Receiver) -> None:
    assert revoke_or_read_claim(ref_of(home)) is None

    with pytest.raises(Conflict):
        receiver.claim({"pod": "a"})


@pytest.mark.parametrize(
    "name",
    [
        "../x",
        "/etc/passwd",
        "step.json",
        "claim",
        "claim.1",
        "token",
        "result.json",
        "",
        "a/../../x",
    ],
)
def test_pod_writes_into_its_own_files_only(receiver: Receiver, name: str) -> None:
    with pytest.raises(InvalidInput):
        receiver.put(name, b"x")
    with pytest.raises(InvalidInput):
        receiver.append(name, 0, b"x")


def test_link_leads_nowhere_else(home: Home, receiver: Receiver, tmp_path: Path) -> None:
    (home.attempt("run-1", "train", 1) / "ranks").symlink_to(tmp_path)

    with pytest.raises(InvalidInput):
        receiver.put("ranks/x", b"x")


def test_first_result_counts(home: Home, receiver: Receiver) -> None:
    receiver.finish(b'{"state": "succeeded"}')
    receiver.finish(b'{"state": "failed"}')

    with pytest.raises(InvalidInput):
        receiver.finish(b"nonsense")
    said = (home.attempt("run-1", "train", 1) / "result.json").read_bytes()
    assert json.loads(said) == {"state": "succeeded"}


def test_modules_that_the_order_names_are_given(home: Home, receiver: Receiver) -> None:
    (home.root / "own.py").write_text("x = 1\n")
    (home.root / "secret.txt").write_text("no")

    assert receiver.module("own.py") == b"x = 1\n"
    with pytest.raises(NotFound):
        receiver.module("secret.txt")
