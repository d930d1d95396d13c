"""Live views: the state they send, what their buttons do, and whom they follow."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.responses import StreamingResponse

from jupyter_mlplat.client import api
from jupyter_mlplat.client.engine import EngineClient
from jupyter_mlplat.client.runs import Run
from jupyter_mlplat.client.views import plain
from jupyter_mlplat.client.views.view import Cell, Series, View
from jupyter_mlplat.errors import Conflict
from jupyter_mlplat.resources.run import RunState
from jupyter_mlplat.widgets import find_bundle
from jupyter_mlplat.widgets.feed import feed_of
from jupyter_mlplat.widgets.view import LiveView
from tests.contracts.documents import NOON, a_run
from tests.fakes.engine import FakeEngine, fake_engine


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[FakeEngine]:
    with fake_engine(tmp_path) as running:
        yield running


def until(is_true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not is_true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def a_view(engine: FakeEngine, **facts: Any) -> LiveView:
    return LiveView(Run(EngineClient(engine.home.root, start=False), a_run(**facts)))


def say(view: LiveView, **content: str) -> None:
    view._on_message(view, content, [])


def test_run_that_goes_on_can_be_cancelled_after_a_question(engine: FakeEngine) -> None:
    view = a_view(engine, number=3, state=RunState.RUNNING)

    assert view.status == "live"
    assert view.view["title"] == "Run 3 of churn"
    assert view.view["progress"] == 0
    assert [(action["name"], bool(action["question"])) for action in view.actions] == [
        ("pause", False),
        ("cancel", True),
    ]


def test_button_does_what_it_says_and_shows_what_came_of_it(engine: FakeEngine) -> None:
    run = a_run(state=RunState.RUNNING)
    view = LiveView(Run(EngineClient(engine.home.root, start=False), run))
    stopping = run.model_copy(update={"state": RunState.CANCELING})
    engine.answers["runs.cancel"] = stopping.model_dump(mode="json")

    say(view, say="act", name="cancel")

    assert view.view["state"]["text"] == "◌ canceling"
    assert view.actions == []


def test_action_that_is_refused_says_why(engine: FakeEngine) -> None:
    def refuse(_: object) -> None:
        raise Conflict("Run 3 has ended.")

    engine.answers["runs.cancel"] = refuse
    view = a_view(engine, state=RunState.RUNNING)

    say(view, say="act", name="cancel")

    assert view.message == "Run 3 has ended."


def test_unknown_words_of_a_front_end_are_ignored(engine: FakeEngine) -> None:
    view = a_view(engine, state=RunState.RUNNING)

    for word in ("delete", "__init__", ""):
        say(view, say="act", name=word)
    view._on_message(view, "shown", [])

    assert engine.asked == []


def test_view_follows_events_while_it_is_seen(engine: FakeEngine) -> None:
    run = a_run(state=RunState.RUNNING)
    view = LiveView(Run(EngineClient(engine.home.root, start=False), run))
    now = {"run": run}
    engine.answers["runs.get"] = lambda _: now["run"].model_dump(mode="json")
    engine.answers["runs.metrics"] = {"metrics": []}

    def stream() -> Iterator[str]:
        now["run"] = run.model_copy(update={"state": RunState.CANCELING})
        event = {"seq": 8, "kind": "task.updated", "subject": "x", "time": NOON.isoformat()}
        yield f"data: {json.dumps({**event, 'data': {'run_id': run.id}})}\n\n"
        for _ in range(200):
            yield ": still here\n\n"
            time.sleep(0.05)

    engine.answers["events.watch"] = lambda _: StreamingResponse(stream())

    say(view, say="shown")
    until(lambda: view.view["state"]["text"] == "◌ canceling")
    feed = feed_of(engine.home.root)
    assert feed.followers == {view}

    say(view, say="hidden")
    assert feed.followers == frozenset()


def test_engine_that_is_gone_leaves_the_last_picture(tmp_path: Path) -> None:
    view = LiveView(Run(EngineClient(tmp_path, start=False), a_run(state=RunState.RUNNING)))

    view.look()

    assert view.status == "lost"
    assert view.view["state"]["text"] == "● running"
    assert not (tmp_path / "engine.log").exists()


def test_list_is_asked_for_again_as_it_was(engine: FakeEngine) -> None:
    engine.answers["runs.list"] = {"runs": [], "next": None}
    runs = api.runs(5, state="FAILED", home=engine.home.root)

    view = LiveView(runs)
    view.look()

    first, second = engine.requests("runs.list")
    assert first.query == second.query == {"limit": "5", "state": "FAILED"}


def test_bundle_says_that_a_twin_stands_beside_the_view(engine: FakeEngine) -> None:
    run = a_run()

    bundle = find_bundle(Run(EngineClient(engine.home.root), run))

    assert bundle.keys() == {
        "application/vnd.jupyter.widget-view+json",
        "application/vnd.mlplat.view+json",
    }
    assert bundle["application/vnd.mlplat.view+json"] == {  # who draws it anew, who opens it
        "run": run.id,
        "link": f"run/{run.id}",
    }


def test_state_holds_plain_values_without_escapes() -> None:
    view = View(
        title="a\x1b]8;;http://evil\x07b",
        facts=(("metrics", Cell("x 1")),),
        series=(Series("x\u202e", (1.0, float("nan"), 2.5)),),
    )

    drawn = plain.draw(view)

    assert json.loads(json.dumps(drawn, allow_nan=False)) == drawn
    assert drawn["title"] == "ab"
    assert drawn["facts"] == []
    assert drawn["series"] == [{"name": "x\\u202e", "text": "2.5", "values": [1.0, None, 2.5]}]
