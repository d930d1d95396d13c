"""Putting the platform into a running Jupyter server."""

from pathlib import Path

from jupyter_server.serverapp import ServerApp

from jupyter_mlplat.client.link import EngineLink
from jupyter_mlplat_server.cards import CardHandler
from jupyter_mlplat_server.examples import ExampleHandler, ExamplesHandler
from jupyter_mlplat_server.handlers import ROOT, UPSTREAM, build_handlers
from jupyter_mlplat_server.upstream import Upstream
from jupyter_mlplat_server.work import WorkHandler

# Below our prefix, outside the engine's API.
EXAMPLES, EXAMPLE = "/examples", r"/examples/([^/]+)"
WORK = "/work"
CARD = r"/cards/([A-Za-z0-9-]+)"


def load(serverapp: ServerApp) -> None:
    """Add the handlers and tell the panel where the server's files lie."""
    web_app = serverapp.web_app
    settings = web_app.settings
    settings[UPSTREAM] = Upstream(EngineLink())
    settings[ROOT] = Path(serverapp.root_dir).expanduser().absolute()
    # The server's own page setting writes a home directory as ~, which no other program resolves.
    settings.setdefault("page_config_data", {})["mlplatRoot"] = str(settings[ROOT])
    handlers = build_handlers(
        settings["base_url"],
        (EXAMPLES, ExamplesHandler),
        (EXAMPLE, ExampleHandler),
        (CARD, CardHandler),
        (WORK, WorkHandler),
    )
    web_app.add_handlers(".*$", handlers)  # type: ignore[no-untyped-call]
    if not serverapp.identity_provider.auth_enabled:
        serverapp.log.warning(
            "jupyter_mlplat_server: this server asks for no token or password. "
            "Whoever reaches it can run code, as notebooks and as pipelines. Set a token."
        )
