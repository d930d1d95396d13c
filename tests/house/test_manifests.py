"""The manifests that are checked in are those that would be written now."""

from pathlib import Path

from jupyter_mlplat_controller.manifests.tree import tree

ROOT = Path(__file__).parents[2] / "notebook_controller" / "manifests"


def test_manifests_are_up_to_date() -> None:
    written = {path.relative_to(ROOT): path.read_text() for path in ROOT.rglob("*.yaml")}

    assert written == {Path(path): text for path, text in tree().items()}, (
        "run: python -m jupyter_mlplat_controller.manifests"
    )
