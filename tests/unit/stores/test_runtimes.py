"""Train runtimes of a state directory: kept, told, forgotten."""

from pathlib import Path

import pytest

from jupyter_mlplat.errors import NotFound
from jupyter_mlplat.resources.training import TrainRuntime
from jupyter_mlplat.stores.runtimes import LocalTrainRuntimes

TEAM = TrainRuntime(
    name="team", title="Team", contract="torch", nodes=2, env={"A": "b"}, image="team/torch"
)


def test_runtime_is_kept_replaced_and_forgotten(tmp_path: Path) -> None:
    runtimes = LocalTrainRuntimes(tmp_path / "runtimes")

    assert runtimes.put(TEAM) is False
    assert runtimes.list() == (TEAM,)

    more = TEAM.model_copy(update={"nodes": 3})
    assert runtimes.put(more) is True
    assert runtimes.list() == (more,)

    runtimes.delete("team")
    assert runtimes.list() == ()
    with pytest.raises(NotFound, match="built in stay"):
        runtimes.delete("torch-distributed")
