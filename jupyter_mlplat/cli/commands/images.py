"""images and secrets."""

import getpass
import os
import sys
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_mlplat.cli.terminal import Terminal, is_terminal
from jupyter_mlplat.errors import InvalidInput

if TYPE_CHECKING:
    from jupyter_mlplat.client.engine import EngineClient
    from jupyter_mlplat.resources.images import ImageMap


def list_images(client: "EngineClient", options: Namespace, terminal: Terminal) -> int:
    """List what stands for which image."""
    return _show(client.images(), terminal)


def map_image(client: "EngineClient", options: Namespace, terminal: Terminal) -> int:
    """Let tasks with an image run here."""
    from jupyter_mlplat.client.references import parse_pairs

    paths = parse_pairs(options.paths)
    images = client.map_image(
        options.pattern,
        python=options.python,
        files=options.files,
        paths={place: os.path.abspath(Path(here).expanduser()) for place, here in paths.items()},
        commands=not options.components_only,
    )
    return _show(images, terminal)


def remove_image(client: "EngineClient", options: Namespace, terminal: Terminal) -> int:
    """Forget what stands for an image."""
    return _show(client.remove_image(options.pattern), terminal)


def list_secrets(client: "EngineClient", options: Namespace, terminal: Terminal) -> int:
    """List secrets and config maps, never their values."""
    from jupyter_mlplat.client.views import nouns

    secrets = client.secrets()
    terminal.answer({"secrets": [secret.to_wire() for secret in secrets]})
    terminal.show(nouns.view_secrets(secrets))
    return 0


def set_secret(client: "EngineClient", options: Namespace, terminal: Terminal) -> int:
    """Store values of a secret or a config map."""
    values = dict(_read(word) for word in options.values)
    stored = client.set_secret(options.secret, values, _kind(options))
    terminal.answer(stored.to_wire())
    terminal.say(f"Stored {stored.name!r} with the keys {', '.join(map(repr, stored.keys))}.")
    return 0


def delete_secret(client: "EngineClient", options: Namespace, terminal: Terminal) -> int:
    """Delete a secret or a config map."""
    client.delete_secret(options.secret, _kind(options))
    terminal.answer({"deleted": options.secret})
    terminal.say(f"Deleted {options.secret!r}.")
    return 0


def _kind(options: Namespace) -> str:
    return "config" if options.config else "secret"


def _read(word: str) -> tuple[str, str]:
    """Read KEY=VALUE, KEY=@FILE or KEY, whose value is asked for without being shown."""
    key, equals, value = word.partition("=")
    if not equals:
        if is_terminal(sys.stdin):
            return key, getpass.getpass(f"{key}: ")
        return key, sys.stdin.readline().rstrip("\n")
    if not value.startswith("@"):
        return key, value
    try:
        return key, Path(value[1:]).expanduser().read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"Cannot read {value[1:]!r} for key {key!r}: {error}.") from error


def _show(images: "ImageMap", terminal: Terminal) -> int:
    from jupyter_mlplat.client.views import nouns

    terminal.answer(images.to_wire())
    terminal.show(nouns.view_images(images))
    return 0
