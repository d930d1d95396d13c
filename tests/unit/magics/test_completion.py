"""Tab after `%mlplat`."""

import pytest
from IPython.core.completer import provisionalcompleter

from jupyter_mlplat.resources.lineage import RegisteredModel
from tests.contracts.documents import NOON, a_run, a_task
from tests.fakes.engine import FakeEngine
from tests.unit.magics.conftest import Prompt


def complete(prompt: Prompt, line: str) -> list[str]:
    prompt.shell.Completer.use_jedi = False
    with provisionalcompleter():
        return [found.text for found in prompt.shell.Completer.completions(line, len(line))]


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("%mlplat ru", ["run", "runs"]),
        ("run = %mlplat lo", ["logs"]),
        ("%mlplat run --no", ["--no-cache", "--no-wait", "--notebook"]),
        ("%%mlplat s", ["skip", "step"]),
        ("%%mlplat step --c", ["--cache", "--cpu"]),
    ],
)
def test_words_are_completed(prompt: Prompt, line: str, found: list[str]) -> None:
    assert sorted(complete(prompt, line)) == found


def test_names_come_from_the_engine(prompt: Prompt, engine: FakeEngine) -> None:
    model = RegisteredModel(name="churn", created_at=NOON, aliases={"champion": 1})
    engine.answers["models.list"] = {"models": [model.to_wire()]}
    engine.answers["runs.get"] = a_run(tasks=(a_task("load"), a_task("train"))).to_wire()

    assert complete(prompt, "%mlplat deploy ch") == ["churn", "churn@champion"]
    assert complete(prompt, "%mlplat logs latest --step tr") == ["train"]


def test_tab_starts_no_engine(prompt: Prompt, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLPLAT_HOME", "/nowhere/at/all")

    assert "churn" not in complete(prompt, "%mlplat deploy ch")
