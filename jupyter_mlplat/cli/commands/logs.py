"""logs: exactly what steps wrote."""

import sys
import time
from argparse import Namespace
from typing import TYPE_CHECKING

from jupyter_mlplat.cli.terminal import Terminal, is_terminal

if TYPE_CHECKING:
    from jupyter_mlplat.client.engine import EngineClient

_LOOK_EVERY_S = 0.5


def print_logs(client: "EngineClient", options: Namespace, terminal: Terminal) -> int:
    """Print what the steps of a run wrote, or follow it."""
    from jupyter_mlplat.client.references import job_run

    kind = "train,tune"
    if options.rank is not None or options.trial is not None:
        kind = "tune" if options.rank is None else "train"
    options.run = job_run(client, options.run, kind)
    if options.rank is not None or options.trial is not None:
        return _print_process(client, options, terminal)
    return (_follow if options.follow else _print)(client, options, terminal)


def _print_process(client: "EngineClient", options: Namespace, terminal: Terminal) -> int:
    """Print what one rank or one trial wrote; follow it until its run is over."""
    what = "rank" if options.rank is not None else "trial"
    printed = 0
    while True:
        is_over = client.get_run(options.run).state.is_final
        text = _read_process(client, options)
        if terminal.is_json:
            terminal.answer({"logs": [{what: getattr(options, what), "text": text}]})
            return 0
        _write(text[printed:].encode(errors="surrogateescape"), options)
        printed = len(text)
        if is_over or not options.follow:
            return 0
        time.sleep(_LOOK_EVERY_S)


def _read_process(client: "EngineClient", options: Namespace) -> str:
    given = {"step": options.step, "stream": options.stream}
    if options.rank is not None:
        return client.read_rank_log(options.run, options.rank, **given)
    return client.read_trial_log(options.run, options.trial, **given)


def _print(client: "EngineClient", options: Namespace, terminal: Terminal) -> int:
    if options.step:
        steps = [options.step]
    else:
        tasks = client.get_run(options.run).tasks
        steps = [task.name for task in tasks if task.attempt or task.cached]
    written = {step: client.read_step_log(options.run, step, options.stream) for step in steps}
    terminal.answer(
        {
            "logs": [
                {"step": step, "text": content.decode(errors="replace")}
                for step, content in written.items()
            ]
        }
    )
    if terminal.is_json:
        return 0
    for step, content in written.items():
        if len(steps) > 1 and is_terminal(sys.stdout):
            terminal.say(f"── {step} ──")
        _write(content, options)
    return 0


def _follow(client: "EngineClient", options: Namespace, terminal: Terminal) -> int:
    import json

    for line in client.follow_logs(options.run, follow=True):
        if options.step not in (None, line.step) or options.stream not in (None, line.stream):
            continue
        if terminal.is_json:
            print(json.dumps(line.to_wire()), flush=True)
        else:
            _write(line.text.encode(errors="surrogateescape"), options)
    return 0


def _write(content: bytes, options: Namespace) -> None:
    from jupyter_mlplat.client.views.text import clean_log

    if is_terminal(sys.stdout) and not options.raw:
        sys.stdout.write(clean_log(content.decode(errors="replace")))
        sys.stdout.flush()
        return
    sys.stdout.flush()
    sys.stdout.buffer.write(content)
    sys.stdout.buffer.flush()
