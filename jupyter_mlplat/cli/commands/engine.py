"""engine, kfp, mlflow and gc."""

from argparse import Namespace
from typing import TYPE_CHECKING

from jupyter_mlplat.cli.terminal import Terminal

if TYPE_CHECKING:
    from jupyter_mlplat.client.engine import EngineClient
    from jupyter_mlplat.resources.engine import EngineStatus

_DOOR = """\
KFP's API is served at {host}, to this machine only.

In Python, with kfp installed:
  client = kfp.Client(host="{host}", existing_token="{token}")

In a shell:
  kfp --endpoint {host} --existing-token {token} run list

Whoever has the token can run code as you. `jupyter mlplat kfp --close` makes it worthless."""

_TRACKING = """\
MLflow's API is served at {host}, to this machine only.

In a shell, before a program that imports mlflow:
{exports}

In Python: mlplat.mlflow() sets them. Inside steps, ranks and trials they are set already.

Whoever has the token can read and write what is tracked here. `jupyter mlplat mlflow --close`
makes it worthless."""


def start(client: "EngineClient", options: Namespace, terminal: Terminal) -> int:
    """Start the engine unless it runs."""
    return _show(client.get_engine(), client, terminal)


def stop(client: "EngineClient", options: Namespace, terminal: Terminal) -> int:
    """Stop the engine."""
    was_there = client.stop_engine()
    terminal.answer({"stopped": was_there})
    terminal.say("The engine has stopped." if was_there else "No engine was running.")
    return 0


def status(client: "EngineClient", options: Namespace, terminal: Terminal) -> int:
    """Say whether the engine runs; starts nothing."""
    return _show(client.find_engine(), client, terminal)


def open_kfp(client: "EngineClient", options: Namespace, terminal: Terminal) -> int:
    """Serve KFP's API, or end that."""
    if options.close:
        client.close_kfp()
        terminal.answer({"kfp": None})
        terminal.say("KFP's API is not served any longer. Its token is worth nothing now.")
        return 0
    door = client.open_kfp()
    terminal.answer({"kfp": door.to_wire()})
    terminal.say(_DOOR.format(host=door.host, token=door.token))
    return 0


def open_mlflow(client: "EngineClient", options: Namespace, terminal: Terminal) -> int:
    """Serve MLflow's API, or end that."""
    if options.close:
        client.close_mlflow()
        terminal.answer({"mlflow": None})
        terminal.say("MLflow's API is not served any longer. Its token is worth nothing now.")
        return 0
    door = client.open_mlflow()
    exports = [f"export {name}={value}" for name, value in door.variables.items()]
    terminal.answer({"mlflow": door.to_wire()})
    if options.export:
        terminal.say("\n".join(exports))
        return 0
    listed = "\n".join(f"  {export}" for export in exports)
    terminal.say(_TRACKING.format(host=door.host, exports=listed))
    return 0


def collect_garbage(client: "EngineClient", options: Namespace, terminal: Terminal) -> int:
    """Delete what policy no longer keeps."""
    from jupyter_mlplat.kit.quantities import format_bytes

    report = client.collect_garbage(options.keep_runs, options.older_than, options.dry_run)
    terminal.answer(report.to_wire())
    terminal.say(
        f"{'Would delete' if report.dry_run else 'Deleted'} {report.runs_deleted} runs and "
        f"{report.artifacts_deleted} artifacts: {format_bytes(report.bytes_freed)}."
    )
    return 0


def _show(status: "EngineStatus | None", client: "EngineClient", terminal: Terminal) -> int:
    from jupyter_mlplat.client.views import nouns

    terminal.answer({"engine": status.to_wire() if status else None})
    if status:
        terminal.show(nouns.view_engine(status))
    else:
        terminal.say(f"No engine runs for {str(client.home.root)!r}. The first command starts it.")
    return 0
