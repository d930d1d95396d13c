"""Running work, for whoever stops idle servers."""

import json

from tests.fakes.engine import FakeEngine
from tests.integration.server_ext.conftest import Server


def test_running_work_is_told_and_asking_needs_the_token(
    server: Server, engine: FakeEngine
) -> None:
    engine.answers["engine.get"] = {"running_runs": 2, "running_tasks": 3, "version": "x"}

    answer = server.send("GET", "/mlplat/work")

    assert json.loads(answer.read()) == {"running_runs": 2, "running_tasks": 3}
    assert server.send("GET", "/mlplat/work", token=None).status in (302, 403)
