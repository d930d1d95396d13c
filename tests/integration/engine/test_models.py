"""The registry, asked through the API of a real engine."""

import getpass

import pytest

from jupyter_mlplat.errors import Conflict, InvalidInput, NotFound

from .conftest import EngineProcess, WriteNotebook

MODEL = """
import jupyter_mlplat as mlplat


class Doubling:
    def predict(self, inputs):
        return [2 * value for value in inputs]


mlplat.log_metric('rmse', 0.5)
mlplat.log_model(Doubling(), 'doubling')
"""


def test_a_model_is_registered_named_described_and_deleted_with_a_history(
    running: EngineProcess, write_notebook: WriteNotebook
) -> None:
    client = running.client
    run = client.wait_for_run(client.submit(str(write_notebook(MODEL))).id, 60)
    for _ in range(2):
        client.register_model("doubling", run_id=run.id, aliases=["champion"])

    client.set_alias("doubling", "champion", 1)
    described = client.describe_model("doubling", "Twice as much.")
    impact = client.get_model_impact("doubling", 1)
    with pytest.raises(Conflict, match=r"aliases \['champion'\] point at it"):
        client.delete_model_version("doubling", 1)
    left = client.delete_model_version("doubling", 1, force=True)

    assert described.description == "Twice as much."
    assert (impact.aliases, impact.runs, impact.refused) == ({"champion": 1}, (run.id,), None)
    assert ([version.version for version in left.versions], left.aliases) == ([2], {})
    changes = client.list_model_changes("doubling")
    assert [(change.kind, change.from_version, change.to_version) for change in changes] == [
        ("deleted", 1, None),
        ("alias", 1, None),
        ("described", None, None),
        ("alias", 2, 1),
        ("alias", 1, 2),
        ("registered", None, 2),
        ("alias", None, 1),
        ("registered", None, 1),
    ]
    assert {change.by for change in changes} == {getpass.getuser()}
    client.delete_model("doubling")
    with pytest.raises(NotFound, match="model 'doubling'"):
        client.list_model_changes("doubling")


def test_what_is_asked_wrongly_is_refused_by_name(running: EngineProcess) -> None:
    for query, error, message in (
        ({"force": "perhaps"}, InvalidInput, "force='perhaps'"),
        ({"force": "true"}, NotFound, "model 'gone'"),
    ):
        with pytest.raises(error, match=message):
            running.client.fetch("models.delete", {"model": "gone"}, query)
    with pytest.raises(NotFound, match="no version 'x'"):
        running.client.fetch("models.delete_version", {"model": "gone", "version": "x"})
