"""apply, get, delete: Kubeflow's documents."""

import json
import sys
from argparse import Namespace
from typing import TYPE_CHECKING, Any

from jupyter_mlplat.cli.terminal import Terminal
from jupyter_mlplat.errors import InvalidInput, NotFound

if TYPE_CHECKING:
    from jupyter_mlplat.client.engine import EngineClient
    from jupyter_mlplat.resources.documents import AppliedDocument
    from jupyter_mlplat.resources.run import Run


def apply(client: "EngineClient", options: Namespace, terminal: Terminal) -> int:
    """Do what documents ask for."""
    from jupyter_mlplat.client import kubeflow

    texts = {path: kubeflow.read_text(path) for path in options.files}
    applied: list[AppliedDocument] = []
    runs: list[Run] = []
    for path, text in texts.items():
        if kubeflow.is_pipeline(text):
            runs.append(_submit(client, path, options, terminal))
        else:
            applied += kubeflow.apply(client, text, dry_run=options.dry_run)
    for one in applied:
        number = f" (run {one.number})" if one.number is not None else ""
        terminal.say(f"{one.kind.lower()}/{one.name} {one.outcome}{number}")
        for note in one.notes:
            terminal.say(f"  {note}")
    if not options.wait or options.dry_run:
        terminal.answer(
            {
                "documents": [one.to_wire() for one in applied],
                "runs": [run.to_wire() for run in runs],
            }
        )
        return 0
    begun = [one.run for one in applied if one.run is not None] + [run.id for run in runs]
    return _wait(client, list(dict.fromkeys(begun)), terminal)


def _submit(client: "EngineClient", path: str, options: Namespace, terminal: Terminal) -> "Run":
    if path == "-" or options.dry_run:
        raise InvalidInput(
            f"Cannot apply the KFP pipeline in {path!r} so: it is run from its file. Use: "
            "jupyter mlplat run FILE"
        )
    run = client.submit(path)
    terminal.say(f"pipeline/{run.pipeline} created (run {run.number})")
    return run


def _wait(client: "EngineClient", runs: list[str], terminal: Terminal) -> int:
    """Follow jobs one after another; they run side by side."""
    from jupyter_mlplat.cli.jobs import watch
    from jupyter_mlplat.resources.run import RunState

    ended = [watch(client, client.get_run(run), terminal) for run in runs]
    terminal.answer({"runs": [run.to_wire() for run in ended]})
    return 0 if all(run.state is RunState.SUCCEEDED for run in ended) else 1


def get(client: "EngineClient", options: Namespace, terminal: Terminal) -> int:
    """Show objects."""
    from jupyter_mlplat.client import kubeflow
    from jupyter_mlplat.client.views.nouns.kubeflow import view_objects

    found, is_one = _find(client, options.kind, options.name)
    if options.output is not None or terminal.is_json:
        answer: Any = found[0] if is_one else {"apiVersion": "v1", "kind": "List", "items": found}
        _write(answer, "json" if terminal.is_json else options.output)
        return 0
    terminal.show(view_objects(found, kubeflow.state_of))
    return 0


def _find(
    client: "EngineClient", kind: str | None, name: str | None
) -> tuple[list[dict[str, Any]], bool]:
    from jupyter_mlplat.client import kubeflow

    if kind is None:
        jobs = ("trainjobs", "experiments", "optimizationjobs")
        return [one for kind in jobs for one in kubeflow.list_all(client, kind)], False
    if name is None:
        kind, _, name = kind.partition("/")
    if not name:
        return kubeflow.list_all(client, kind), False
    if kind in ("trial", "trials"):
        try:
            return kubeflow.list_all(client, kind, of=name), False
        except NotFound:
            pass  # then it names one trial
    return [kubeflow.get(client, kind, name)], True


def _write(document: Any, form: str) -> None:
    if form == "json":
        print(json.dumps(document, indent=2), flush=True)
        return
    import yaml

    yaml.safe_dump(document, sys.stdout, sort_keys=False, allow_unicode=True, width=100)


def delete(client: "EngineClient", options: Namespace, terminal: Terminal) -> int:
    """Stop and forget."""
    from jupyter_mlplat.client import kubeflow

    wanted = [
        pair for path in options.files for pair in kubeflow.names_in(kubeflow.read_text(path))
    ]
    if options.kind is not None:
        kind, _, name = options.kind.partition("/")
        wanted.append((kind, options.name or name))
    if not wanted or not all(name for _, name in wanted):
        raise InvalidInput("Say what to delete: KIND NAME, KIND/NAME, or -f FILE.")
    for kind, name in wanted:
        kubeflow.delete(client, kind, name)
        terminal.say(f"{kind.lower()}/{name} deleted")
    terminal.answer({"deleted": [f"{kind.lower()}/{name}" for kind, name in wanted]})
    return 0
