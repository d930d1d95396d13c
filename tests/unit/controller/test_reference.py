"""What the controller knows is in its reference page."""

from dataclasses import fields
from pathlib import Path

from jupyter_mlplat.formats import notebooks
from jupyter_mlplat.resources.servers import ServerReason
from jupyter_mlplat_controller.settings import Settings

PAGE = Path(__file__).parents[3] / "docs/reference/notebook-controller.md"


def test_settings_reasons_conditions_and_annotations_are_documented() -> None:
    page = PAGE.read_text()
    said = {f"`{field.name}`" for field in fields(Settings)} | {
        f"`{each}`" for each in ServerReason
    }
    said |= {f"`{each}`" for each in (notebooks.SERVER_READY, notebooks.SPEC_REDUCED)}
    said |= {f"`{each}`" for each in (notebooks.IDLE_WARNING, notebooks.RESTART_NEEDED)}
    said |= {
        f"`{value}`"
        for name, value in vars(notebooks).items()
        if name.isupper() and isinstance(value, str) and "/" in value
    } - {f"`{notebooks.CREATOR}`", f"`{notebooks.SERVER_TYPE}`"}

    assert {each for each in said if each not in page} == set()
