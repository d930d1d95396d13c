"""schedule."""

from argparse import Namespace
from typing import TYPE_CHECKING

from jupyter_mlplat.cli.terminal import Terminal

if TYPE_CHECKING:
    from jupyter_mlplat.client.engine import EngineClient
    from jupyter_mlplat.resources.schedule import Firing, ScheduleStatus


def list_all(client: "EngineClient", options: Namespace, terminal: Terminal) -> int:
    """List schedules."""
    from jupyter_mlplat.client.views import nouns

    schedules = client.list_schedules()
    terminal.answer({"schedules": [status.to_wire() for status in schedules]})
    terminal.show(nouns.view_schedules(schedules))
    return 0


def add(client: "EngineClient", options: Namespace, terminal: Terminal) -> int:
    """Make a schedule, or say what it would do."""
    from jupyter_mlplat.client.scheduling import request_of

    request = request_of(client, options.name, options.path, options)
    if options.dry_run:
        return _show(client.preview_schedule(request), (), terminal)
    return _show(client.create_schedule(request), (), terminal)


def edit(client: "EngineClient", options: Namespace, terminal: Terminal) -> int:
    """Change a schedule."""
    from jupyter_mlplat.client.scheduling import patch_of

    schedule = client.get_schedule(options.schedule).schedule
    patch = patch_of(client, schedule, options)
    return _show(client.update_schedule(schedule.id, patch), (), terminal)


def show(client: "EngineClient", options: Namespace, terminal: Terminal) -> int:
    """Show a schedule, its next planned times, and what became of the last."""
    status = client.get_schedule(options.schedule)
    firings = client.list_firings(options.schedule, options.limit).firings
    return _show(status, firings, terminal)


def pause(client: "EngineClient", options: Namespace, terminal: Terminal) -> int:
    """Let a schedule fire no longer."""
    return _show(client.pause_schedule(options.schedule), (), terminal)


def resume(client: "EngineClient", options: Namespace, terminal: Terminal) -> int:
    """Let a schedule fire again."""
    return _show(client.resume_schedule(options.schedule), (), terminal)


def run(client: "EngineClient", options: Namespace, terminal: Terminal) -> int:
    """Fire at once; fail where a run could not be begun."""
    from jupyter_mlplat.resources.schedule import FiringState

    firings = client.run_schedule(options.schedule)
    _show_firings(f"Schedule {options.schedule}", firings, terminal)
    failed = [firing.message for firing in firings if firing.state is FiringState.FAILED]
    for message in failed:
        terminal.complain(message)
    return 1 if failed else 0


def backfill(client: "EngineClient", options: Namespace, terminal: Terminal) -> int:
    """Fire the planned times of a stretch of the past."""
    from jupyter_mlplat.client.scheduling import moment_of

    firings = client.backfill_schedule(
        options.schedule,
        moment_of(options.since),
        moment_of(options.until, is_end=True),
        limit=options.limit,
        dry_run=options.dry_run,
    )
    verb = "Would fire" if options.dry_run else "Will fire, one after another"
    return _show_firings(f"{verb}: {options.schedule}", firings, terminal)


def remove(client: "EngineClient", options: Namespace, terminal: Terminal) -> int:
    """Forget a schedule."""
    client.delete_schedule(options.schedule)
    terminal.answer({"deleted": options.schedule})
    terminal.say(f"Schedule {options.schedule} is forgotten; its runs are kept.")
    return 0


def _show(status: "ScheduleStatus", firings: "tuple[Firing, ...]", terminal: Terminal) -> int:
    from jupyter_mlplat.client.views import nouns

    told = [firing.to_wire() for firing in firings]
    terminal.answer({**status.to_wire(), **({"firings": told} if firings else {})})
    terminal.show(nouns.view_schedule(status, firings))
    return 0


def _show_firings(title: str, firings: "list[Firing]", terminal: Terminal) -> int:
    from jupyter_mlplat.client.views import nouns

    terminal.answer({"firings": [firing.to_wire() for firing in firings]})
    terminal.show(nouns.view_firings(title, firings))
    return 0
