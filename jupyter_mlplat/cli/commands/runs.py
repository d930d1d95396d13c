"""runs, cancel, pause, resume, retry."""

from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_mlplat.cli import progress
from jupyter_mlplat.cli.terminal import Terminal

if TYPE_CHECKING:
    from jupyter_mlplat.client.engine import EngineClient
    from jupyter_mlplat.resources.run import Run


def list_runs(client: "EngineClient", options: Namespace, terminal: Terminal) -> int:
    """List runs, newest first."""
    from jupyter_mlplat.client.references import parse_wanted_tags
    from jupyter_mlplat.client.views import nouns

    notebook = str(Path(options.notebook).absolute()) if options.notebook else None
    rows, following = client.list_runs(
        options.limit,
        state=options.state,
        text=options.text,
        notebook=notebook,
        tags=parse_wanted_tags(options.tags),
        archived=options.archived,
    )
    terminal.answer({"runs": [row.to_wire() for row in rows], "next": following})
    terminal.show(nouns.view_runs(rows))
    return 0


def show(client: "EngineClient", options: Namespace, terminal: Terminal) -> int:
    """Show a run and what came out of it."""
    from jupyter_mlplat.client.views import nouns

    result = client.get_result(options.run)
    terminal.answer(progress.describe(client, result))
    terminal.show(nouns.view_run(result.run, result.metrics))
    if result.outputs:
        terminal.say("")
        terminal.show(nouns.view_outputs(result.outputs.values()))
    return 0


def archive(client: "EngineClient", options: Namespace, terminal: Terminal) -> int:
    """Put a run away, or take it back."""
    run = client.edit_run(options.run, archived=not options.undo)
    terminal.answer({"run": run.to_wire()})
    terminal.say(f"Run {run.number} is {'archived' if run.archived else 'in the lists again'}.")
    return 0


def delete(client: "EngineClient", options: Namespace, terminal: Terminal) -> int:
    """Forget a run."""
    run = client.get_run(options.run)
    client.delete_run(run.id)
    terminal.answer({"deleted": run.id})
    terminal.say(f"Run {run.number} is forgotten.")
    return 0


def cancel(client: "EngineClient", options: Namespace, terminal: Terminal) -> int:
    """Stop a run."""
    return _show(client.cancel_run(options.run), terminal)


def pause(client: "EngineClient", options: Namespace, terminal: Terminal) -> int:
    """Stop what runs of a run, until it is resumed."""
    return _show(client.pause_run(options.run), terminal)


def resume(client: "EngineClient", options: Namespace, terminal: Terminal) -> int:
    """Go on with a paused run."""
    return _show(client.resume_run(options.run), terminal)


def _show(run: "Run", terminal: Terminal) -> int:
    from jupyter_mlplat.client.views import nouns

    terminal.answer({"run": run.to_wire()})
    terminal.show(nouns.view_run(run))
    return 0


def retry(client: "EngineClient", options: Namespace, terminal: Terminal) -> int:
    """Go on with a failed or cancelled run."""
    run = client.retry_run(options.run, options.notebook, options.from_step)
    return progress.follow(client, run, terminal, wait=not options.no_wait)
