"""The tuner as a process: it answers every line, and goes on from a table after a kill."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.unit.tuning.spaces import FIVE, bowl, spec, trial


class Tuner:
    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self.process = process

    def send(self, request: Any) -> dict[str, Any]:
        line = request if isinstance(request, bytes) else json.dumps(request).encode()
        stdin, stdout = self.process.stdin, self.process.stdout
        assert stdin
        assert stdout
        stdin.write(line + b"\n")
        stdin.flush()
        answer: dict[str, Any] = json.loads(stdout.readline())
        return answer


@contextmanager
def tuner() -> Iterator[Tuner]:
    with subprocess.Popen(
        [sys.executable, "-I", "-m", "jupyter_mlplat.tuner"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            yield Tuner(process)
        finally:
            process.kill()


def test_bad_input_is_answered_and_does_not_end_the_tuner() -> None:
    with tuner() as one:
        answers = [
            one.send(b"not json"),
            one.send([1]),
            one.send({"op": "fly"}),
            one.send({"op": "exchange", "ask": 1}),
            one.send({"op": "begin", "spec": spec([])}),
            one.send({"op": "begin", "spec": spec(FIVE), "trials": [{"number": 1}]}),
        ]
        fine = one.send({"op": "begin", "spec": spec(FIVE)})
        answers += [
            one.send({"op": "exchange", "tell": [{"number": 1}]}),
            one.send({"op": "exchange", "tell": [{"number": 1, "state": "Failed"}]}),
        ]
        stdin = one.process.stdin
        assert stdin
        stdin.close()
        code = one.process.wait(10)

    assert fine == {"ok": True}
    assert [answer["error"]["code"] for answer in answers] == ["invalid-input"] * 8
    assert all(answer["error"]["message"] for answer in answers)
    assert code == 0


def test_killed_tuner_goes_on_from_the_table() -> None:
    given = spec(FIVE, "tpe", trials=30, settings={"n_startup_trials": 5})
    table: list[dict[str, Any]] = []
    over = None
    while over is None:
        with tuner() as one:
            assert one.send({"op": "begin", "spec": given, "trials": table}) == {"ok": True}
            told: list[dict[str, Any]] = []
            for _ in range(12):
                answer = one.send({"op": "exchange", "tell": told, "ask": 1})
                over = answer["over"]
                told = []
                for new in answer["trials"]:
                    value = bowl(new["parameters"])
                    table.append(trial(new["number"], new["parameters"], value, new["label"]))
                    told.append({"number": new["number"], "state": "Succeeded", "value": value})
            one.process.send_signal(signal.SIGKILL)

    assert over == "All 30 trials were made."
    assert [one["number"] for one in table] == list(range(1, 31))


def test_what_is_imported_at_first_is_the_standard_library() -> None:
    code = (
        "import sys, jupyter_mlplat.tuner.__main__;"
        "print([m for m in ('numpy', 'pydantic', 'optuna', 'sqlalchemy', 'scipy', 'sklearn')"
        " if m in sys.modules])"
    )

    found = subprocess.run(
        [sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True
    )

    assert found.stdout.strip() == "[]"
