"""How things look, and that nothing user-made does more than look."""

import re
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

import pytest

from jupyter_mlplat.client.views import graph, html, nouns, text
from jupyter_mlplat.client.views.nouns.pipelines import view_verification
from jupyter_mlplat.client.views.nouns.registry import view_lineage
from jupyter_mlplat.client.views.view import Cell, Mood, Table, View
from jupyter_mlplat.resources.lineage import Lineage
from jupyter_mlplat.resources.pipeline import Finding, VerifyReport
from jupyter_mlplat.resources.run import Failure, TaskState
from tests.contracts.documents import a_run, a_task, an_artifact, an_execution, made, read

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
HOSTILE = '<img src=x onerror="alert(1)">\x1b]0;title\x07\x1b[31mred\u202eevil\x00'


def test_table_is_aligned_by_width_on_screen() -> None:
    table = Table(
        ("name", "size", "note"),
        ((Cell("ä"), Cell("1"), Cell("")), (Cell("日本"), Cell("100"), Cell("long"))),
        right=frozenset({"size"}),
    )

    assert text.draw_table(table).splitlines() == [
        "name  size  note",
        "ä        1",
        "日本   100  long",
    ]


def test_last_column_is_cut_to_the_screen() -> None:
    table = Table(("a", "b"), ((Cell("x"), Cell("y" * 100)),))

    assert text.draw_table(table, columns=20).splitlines()[1] == "x  " + "y" * 16 + "…"


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("plain\n", "plain\n"),
        ("\x1b[31mred\x1b[0m", "\x1b[31mred\x1b[0m"),
        ("\x1b]0;title\x07after", "after"),
        ("\x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1b]52;c;ZXZpbA==\x07", ""),
        ("\x1b]0;never ended", ""),
        ("\x1b[2J\x1b[Hgone", "gone"),
        ("\x1b[?1049hscreen", "screen"),
        ("\x1bPq#0\x1b\\sixel", "sixel"),
        ("a\x00b\x08c\x9bd", "a\\x00b\\x08c\\x9bd"),
        ("abc\u202etxt.exe", "abc\\u202etxt.exe"),
        ("50%\r100%", "50%\r100%"),
        ("\x1b", ""),
    ],
)
def test_log_on_a_terminal_keeps_colours_and_loses_every_other_escape(
    written: str, shown: str
) -> None:
    assert text.clean_log(written) == shown


def test_line_has_no_control_characters() -> None:
    assert text.clean_line("a\nb\x1b[31m\u2066") == "a\\x0ab\\x1b[31m\\u2066"


def test_html_escapes_whatever_users_wrote() -> None:
    hostile = Cell(HOSTILE)
    view = View(
        title=HOSTILE,
        state=hostile,
        facts=((HOSTILE, hostile),),
        progress=0.5,
        tables=(Table((HOSTILE,), ((hostile,),)),),
        notes=(hostile,),
        block=HOSTILE,
    )

    page = html.draw(view)

    assert "<img" not in page
    assert 'onerror="' not in page
    assert "\x1b" not in page
    found = Elements()
    found.feed(page)
    assert found.tags <= {
        *("div", "strong", "span", "table", "tbody", "thead", "tr", "td", "th", "pre"),
    }
    assert found.attributes <= {
        *("style", "role", "scope", "aria-valuemin", "aria-valuemax", "aria-valuenow"),
    }


class Elements(HTMLParser):
    """Collects which elements and attributes a page has."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}


def test_state_is_told_by_a_mark_and_a_word() -> None:
    assert nouns.state_cell("FAILED") == Cell("✗ failed", Mood.BAD)


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (None, ""),
        (0.0, "0 ms"),
        (0.0123, "12 ms"),
        (0.9999, "1.0 s"),
        (59.94, "59.9 s"),
        (59.96, "1 min 00 s"),
        (125, "2 min 05 s"),
        (3720, "1 h 02 min"),
    ],
)
def test_duration_is_written_for_people(seconds: float | None, shown: str) -> None:
    assert nouns.format_duration(seconds) == shown


@pytest.mark.parametrize(
    ("ago", "shown"),
    [
        (timedelta(seconds=3), "just now"),
        (timedelta(minutes=5, seconds=59), "5 min ago"),
        (timedelta(hours=23), "23 h ago"),
        (timedelta(days=9), "2026-11-11"),
    ],
)
def test_age_is_written_for_people(ago: timedelta, shown: str) -> None:
    assert nouns.format_age(NOW - ago, NOW) == shown


def test_failed_run_says_step_cell_and_reason_once() -> None:
    failure = Failure(
        code="cell-error",
        message="cell 5, line 2: KeyError: 'x'",
        step="train",
        cell="c",
        cell_index=4,
    )
    run = a_run(
        number=3,
        state="FAILED",
        failure=failure,
        tasks=(
            a_task("load", TaskState.SUCCEEDED, cached=True, duration_s=0.0),
            a_task("train", TaskState.FAILED, failure=failure, attempt=2, duration_s=1.25),
        ),
    )

    assert text.draw(nouns.view_run(run)).splitlines() == [
        "Run 3 of churn  ✗ failed",
        "",
        "step   state         time  note",
        "load   ✓ succeeded   0 ms  cached",
        "train  ✗ failed     1.2 s  cell 5",
        "",
        "Step 'train', cell 5, line 2: KeyError: 'x'",
    ]


def test_lineage_is_a_tree_that_repeats_nothing() -> None:
    load, train = an_execution("load"), an_execution("train")
    frame, model = an_artifact("frame", size_bytes=10), an_artifact("model", type="system.Model")
    lineage = Lineage(
        root=model.id,
        direction="upstream",
        depth=9,
        executions=(load, train),
        artifacts=(frame, model),
        events=(made(load, frame), read(train, frame), made(train, frame), made(train, model)),
    )

    lines = [re.sub(r" [0-9a-f]{12}", "", line) for line in graph.draw(lineage).splitlines()]

    assert lines == [
        "○ model [Model, 0 B] ← train",
        "└─ ○ frame [Value, 10 B] ← load",
    ]


def test_lineage_deeper_than_the_stack_is_drawn() -> None:
    executions = [an_execution(f"e{i}") for i in range(3000)]
    artifacts = [an_artifact(f"a{i}") for i in range(3000)]
    events = [made(e, a) for e, a in zip(executions, artifacts, strict=True)]
    events += [read(e, a) for e, a in zip(executions[1:], artifacts, strict=False)]
    lineage = Lineage(
        root=artifacts[-1].id,
        direction="upstream",
        depth=9999,
        executions=tuple(executions),
        artifacts=tuple(artifacts),
        events=tuple(events),
    )

    assert graph.draw(lineage).count("\n") == 2999


def test_step_taken_from_the_cache_is_counted_once() -> None:
    ran, cached = an_execution("load"), an_execution("load").model_copy(update={"state": "CACHED"})
    frame = an_artifact("frame")
    lineage = Lineage(
        root=frame.id,
        direction="upstream",
        depth=9,
        executions=(ran, cached),
        artifacts=(frame,),
        events=(made(ran, frame), made(cached, frame)),
    )
    forgotten = lineage.model_copy(
        update={"executions": (cached,), "events": (made(cached, frame),)}
    )

    found = [dict(view_lineage(item).facts)["found"].text for item in (lineage, forgotten)]

    assert found == ["1 execution, 1 artifact", "1 execution, 1 artifact"]


def test_verification_says_what_only_running_showed() -> None:
    source = "sha256:" + "0" * 64
    learned = (
        Finding(source=source, changes=("xs",)),
        Finding(source=source, reads=("unit",)),
    )
    report = VerifyReport(equal=True, differences=(), learned=learned)

    facts = dict(view_verification(report).facts)

    assert facts["learned by running"] == Cell("cells change xs; cells read unit")
