"""The image map, and secrets by name."""

from collections.abc import Sequence

from jupyter_mlplat.client.views.view import Cell, Mood, Table, View
from jupyter_mlplat.resources.images import ImageMap, ImageRule, SecretEntry


def view_images(images: ImageMap) -> View:
    """Show what stands for which image, in the order in which rules are looked at."""
    rows = tuple(
        (
            Cell(rule.pattern),
            Cell("the engine's" if rule.python == "engine" else rule.python),
            Cell("any command" if rule.commands else "Python components"),
            Cell(", ".join([*filter(None, [rule.files]), *_paths(rule)])),
            Cell("built in" if rule.built_in else "", Mood.QUIET),
        )
        for rule in images.rules
    )
    return View(
        title="Images",
        tables=(Table(("image", "python", "runs", "files", ""), rows),),
        notes=(Cell(_others(images)),),
    )


def _paths(rule: ImageRule) -> list[str]:
    return [f"{place} = {here}" for place, here in rule.paths.items()]


def _others(images: ImageMap) -> str:
    if images.container_tool is not None:
        return f"Other images run in containers, by {images.container_tool}."
    return (
        "Tasks with other images are refused: neither podman nor docker is at work here. "
        "Say what stands for one: jupyter mlplat images map IMAGE --python PATH"
    )


def view_secrets(secrets: Sequence[SecretEntry]) -> View:
    """Show names and keys; values are never told."""
    rows = tuple(
        (
            Cell(secret.name),
            Cell("secret" if secret.kind == "secret" else "config map"),
            Cell(", ".join(secret.keys)),
        )
        for secret in secrets
    )
    return View(
        title="Secrets",
        tables=(Table(("name", "kind", "keys"), rows),),
        empty="No secrets yet. Store one: jupyter mlplat secrets set NAME KEY",
    )
