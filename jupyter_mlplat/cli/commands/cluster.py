"""cluster and profiles.

Installing comes before there is an engine to ask: these commands speak to the cluster themselves,
as its administrator, through the part of the controller that knows clusters from outside.
"""

import sys
from argparse import Namespace
from collections.abc import Callable
from typing import TYPE_CHECKING

from jupyter_mlplat.cli.terminal import Terminal
from jupyter_mlplat.errors import InvalidInput

if TYPE_CHECKING:
    from jupyter_mlplat.client.engine import EngineClient
    from jupyter_mlplat.resources.servers import Profile
    from jupyter_mlplat_controller.admin.connection import Cluster
    from jupyter_mlplat_controller.admin.installing import Step

EXIT_UNFIT = 1
_DRY = "Nothing was done. Do it with --apply."


def check(client: "EngineClient", options: Namespace, terminal: Terminal) -> int:
    """Say what a cluster has and lacks; 1: something is missing."""
    from jupyter_mlplat.client.views.view import Cell, Mood, Table, View
    from jupyter_mlplat_controller.admin.checking import Verdict, check

    report = check(_cluster(options))
    moods = {
        Verdict.FINE: Mood.GOOD,
        Verdict.MISSING: Mood.BAD,
        Verdict.WARNING: Mood.WARNING,
        Verdict.UNKNOWN: Mood.QUIET,
    }
    rows = tuple(
        (
            Cell(finding.verdict.value, moods[finding.verdict]),
            Cell(finding.subject),
            Cell(finding.found),
        )
        for finding in report.findings
    )
    notes = tuple(
        Cell(f"{finding.subject}: {finding.advice}", moods[finding.verdict])
        for finding in report.findings
        if finding.advice and finding.verdict != Verdict.FINE
    )
    terminal.answer(report.to_wire())
    terminal.show(
        View(
            title=f"Cluster {report.where}",
            tables=(Table(("", "what", "found"), rows),),
            notes=notes,
        )
    )
    return 0 if report.is_fit else EXIT_UNFIT


def install(client: "EngineClient", options: Namespace, terminal: Terminal) -> int:
    """Install or upgrade; without `--apply` only say what would be done."""
    from jupyter_mlplat_controller.admin.installing import install, objects_of

    objects = objects_of(options.overlay, options.image)
    if options.print:
        from jupyter_mlplat_controller.manifests.tree import write_yaml

        terminal.answer({"objects": objects})
        if not terminal.is_json:
            sys.stdout.write(write_yaml(objects))
        return 0
    is_dry = _is_dry(options)
    steps = install(_cluster(options), objects, is_dry=is_dry, tell=_telling(terminal))
    terminal.answer({"dry_run": is_dry, "steps": [step.to_wire() for step in steps]})
    _conclude(steps, is_dry, terminal)
    return 0


def uninstall(client: "EngineClient", options: Namespace, terminal: Terminal) -> int:
    """Remove what was installed; without `--apply` only say what would be removed."""
    from jupyter_mlplat_controller.admin.installing import uninstall

    is_dry = _is_dry(options)
    steps = uninstall(
        _cluster(options), with_data=options.with_data, is_dry=is_dry, tell=_telling(terminal)
    )
    terminal.answer({"dry_run": is_dry, "steps": [step.to_wire() for step in steps]})
    _conclude(steps, is_dry, terminal)
    return 0


def list_profiles(client: "EngineClient", options: Namespace, terminal: Terminal) -> int:
    """List a cluster's profiles."""
    from jupyter_mlplat.client.views import nouns
    from jupyter_mlplat.client.views.view import Cell, Table, View
    from jupyter_mlplat_controller.admin.profiles import list_profiles

    profiles = list_profiles(_cluster(options))
    rows = tuple(
        (
            Cell(profile.name),
            Cell(profile.owner),
            Cell(str(len(profile.contributors) or "")),
            nouns.state_cell(profile.state),
        )
        for profile in profiles
    )
    terminal.answer({"profiles": [profile.to_wire() for profile in profiles]})
    terminal.show(
        View(
            title="Profiles",
            tables=(Table(("name", "owner", "contributors", "state"), rows),),
            empty="No profiles yet. Create one: jupyter mlplat profiles create NAME --owner USER",
        )
    )
    return 0


def show_profile(client: "EngineClient", options: Namespace, terminal: Terminal) -> int:
    """Show a profile and what it uses."""
    from jupyter_mlplat_controller.admin.profiles import get_profile

    return _show(get_profile(_cluster(options), options.profile), terminal)


def create_profile(client: "EngineClient", options: Namespace, terminal: Terminal) -> int:
    """Create a profile, or change it; 1: the cluster will not have it."""
    from pydantic import ValidationError

    from jupyter_mlplat.client.references import parse_pairs
    from jupyter_mlplat.resources.servers import Contributor, ProfileState
    from jupyter_mlplat_controller.admin.profiles import create_profile

    contributors = []
    for word in options.contributors:
        user, _, role = word.rpartition("=") if "=" in word else (word, "", "edit")
        try:
            contributors.append(Contributor.model_validate({"user": user, "role": role}))
        except ValidationError as error:
            raise InvalidInput(
                f"Cannot add contributor {word!r}: needed USER, or USER=ROLE with the role admin, "
                "edit or view."
            ) from error
    for place in options.egress:
        if place not in ("internet", "api-server"):
            raise InvalidInput(f"There is no egress {place!r}: needed internet or api-server.")
    profile = create_profile(
        _cluster(options),
        options.profile,
        options.owner,
        contributors=contributors,
        quota=parse_pairs(options.quota),
        egress=options.egress,
        wait=not options.no_wait,
    )
    _show(profile, terminal)
    return EXIT_UNFIT if profile.state == ProfileState.FAILED else 0


def delete_profile(client: "EngineClient", options: Namespace, terminal: Terminal) -> int:
    """Delete a profile with all that is in it."""
    from jupyter_mlplat_controller.admin.profiles import delete_profile

    if not options.with_data:
        raise InvalidInput(
            f"Cannot delete profile {options.profile!r} and keep what is in it: its namespace goes "
            "with all servers, volumes and runs. Say --with-data if they may go."
        )
    delete_profile(_cluster(options), options.profile)
    terminal.answer({"deleted": options.profile})
    terminal.say(f"Deleted profile {options.profile!r}; its namespace goes within a minute.")
    return 0


def _cluster(options: Namespace) -> "Cluster":
    from jupyter_mlplat_controller.admin.connection import Cluster, Connection

    return Cluster(Connection(options.context))


def _is_dry(options: Namespace) -> bool:
    if options.apply and options.dry_run:
        raise InvalidInput("Cannot both do it and only say what would be done: drop one of them.")
    return not options.apply


def _telling(terminal: Terminal) -> "Callable[[Step], None]":
    def tell(step: "Step") -> None:
        note = f"  ({step.note})" if step.note else ""
        terminal.say(f"{step.action:<7} {step.kind} {step.name}{note}")

    return tell


def _conclude(steps: "list[Step]", is_dry: bool, terminal: Terminal) -> None:
    counts: dict[str, int] = {}
    for step in steps:
        counts[step.action] = counts.get(step.action, 0) + 1
    found = ", ".join(f"{action} {count}" for action, count in counts.items())
    terminal.say(f"{found or 'There is nothing of ours'}. {_DRY if is_dry else 'Done.'}")


def _show(profile: "Profile", terminal: Terminal) -> int:
    from jupyter_mlplat.client.views import nouns
    from jupyter_mlplat.client.views.view import Cell, Mood, Table, View

    quota = tuple((Cell(one.resource), Cell(one.used), Cell(one.most)) for one in profile.quota)
    people = tuple((Cell(one.user), Cell(one.role)) for one in profile.contributors)
    tables = (
        *((Table(("quota", "used", "most"), quota, frozenset({"used", "most"})),) if quota else ()),
        *((Table(("contributor", "role"), people),) if people else ()),
    )
    terminal.answer(profile.to_wire())
    terminal.show(
        View(
            title=f"Profile {profile.name}",
            state=nouns.state_cell(profile.state),
            facts=(("owner", Cell(profile.owner)),),
            tables=tables,
            notes=(Cell(profile.message, Mood.WARNING),) if profile.message else (),
        )
    )
    return 0
