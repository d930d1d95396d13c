"""lineage and models."""

from argparse import Namespace
from typing import TYPE_CHECKING, Any

from jupyter_mlplat.cli.terminal import Terminal
from jupyter_mlplat.errors import InvalidInput

if TYPE_CHECKING:
    from jupyter_mlplat.client.engine import EngineClient


def show_lineage(client: "EngineClient", options: Namespace, terminal: Terminal) -> int:
    """Show what something was made from, or what was made from it."""
    from jupyter_mlplat.client.references import lineage_node
    from jupyter_mlplat.client.views import nouns

    node = lineage_node(client, options.node)
    lineage = client.get_lineage(node, options.direction, options.depth)
    terminal.answer(lineage.to_wire())
    terminal.show(nouns.view_lineage(lineage))
    return 0


def list_models(client: "EngineClient", options: Namespace, terminal: Terminal) -> int:
    """List registered models."""
    from jupyter_mlplat.client.views import nouns

    models = client.list_models()
    terminal.answer({"models": [model.to_wire() for model in models]})
    terminal.show(nouns.view_models(models))
    return 0


def show(client: "EngineClient", options: Namespace, terminal: Terminal) -> int:
    """Show a model's versions, or what has happened to it."""
    from jupyter_mlplat.client.views import nouns

    if options.history:
        changes = client.list_model_changes(options.model)
        terminal.answer({"changes": [change.to_wire() for change in changes]})
        terminal.show(nouns.view_model_history(options.model, changes))
        return 0
    model = client.get_model(options.model)
    terminal.answer({"model": model.to_wire()})
    terminal.show(nouns.view_model(model))
    return 0


def register(client: "EngineClient", options: Namespace, terminal: Terminal) -> int:
    """Make a model version of what a run logged."""
    from jupyter_mlplat.client.views import nouns

    if (options.run is None) == (options.artifact is None):
        raise InvalidInput(
            f"Cannot register {options.model!r}: either a run or an artifact is needed. "
            "Give --run latest, or --artifact ID."
        )
    given: dict[str, Any] = {
        "run_id": client.get_run(options.run).id if options.run else None,
        "logged_as": options.logged_as,
        "artifact_id": options.artifact,
        "aliases": options.aliases,
        "description": options.description,
    }
    version = client.register_model(
        options.model, **{name: value for name, value in given.items() if value}
    )
    terminal.answer(version.to_wire())
    terminal.show(nouns.view_version(version))
    return 0


def set_alias(client: "EngineClient", options: Namespace, terminal: Terminal) -> int:
    """Point an alias at a version, or remove it."""
    from jupyter_mlplat.client.references import model_version
    from jupyter_mlplat.client.views import nouns

    if options.remove:
        model = client.delete_alias(options.model.partition("/")[0], options.alias)
    else:
        name, version = model_version(client, options.model)
        model = client.set_alias(name, options.alias, version)
    terminal.answer({"model": model.to_wire()})
    terminal.show(nouns.view_model(model))
    return 0


def delete(client: "EngineClient", options: Namespace, terminal: Terminal) -> int:
    """Forget a model with its versions, or one version."""
    from jupyter_mlplat.client.references import model_version

    if "/" in options.model:
        name, version = model_version(client, options.model)
        client.delete_model_version(name, version, force=options.force)
    else:
        client.delete_model(options.model, force=options.force)
    terminal.answer({"deleted": options.model})
    terminal.say(f"Model {options.model} is forgotten; its artifacts are kept with their runs.")
    return 0
