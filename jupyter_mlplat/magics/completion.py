"""Completion of `%mlplat`: commands, options, and the names the engine knows."""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from IPython.core.completer import SimpleCompletion, context_matcher

from jupyter_mlplat.errors import PlatformError
from jupyter_mlplat.magics import arguments, marker

if TYPE_CHECKING:
    from jupyter_mlplat.client.engine import EngineClient

_MARKS = ("step", "skip", "train", "tune")
_LINE = re.compile(r"\s*(?:\w+\s*=\s*)?%(?P<cell>%?)mlplat\s+(?P<rest>.*)", re.DOTALL)


@context_matcher(identifier="jupyter_mlplat")  # type: ignore[untyped-decorator]
def match(context: Any) -> dict[str, Any]:
    """Complete the word at the cursor of a line that begins with `%mlplat`."""
    found = _LINE.fullmatch(context.line_with_cursor[: context.cursor_position])
    if found is None:
        return {"completions": []}
    *words, fragment = found["rest"].split(" ")
    words = [word for word in words if word]
    options = [text for text in _suggest(words, bool(found["cell"])) if text.startswith(fragment)]
    return {
        "completions": [SimpleCompletion(text=text, type="param") for text in options],
        "matched_fragment": fragment,
        "suppress": True,
    }


def _suggest(words: list[str], is_cell: bool) -> list[str]:
    if is_cell:
        if not words:
            return list(_MARKS)
        return _flags(marker.build_parser(words[0])) if words[0] in _MARKS else []
    commands = arguments.list_commands()
    if not words:
        return sorted(commands)
    parser = commands.get(words[0])
    if parser is None:
        return []
    return [*_names(words), *_flags(parser)]


def _flags(parser: Any) -> list[str]:
    return sorted({flag for action in parser._actions for flag in action.option_strings})


def _names(words: list[str]) -> list[str]:
    """Ask the engine for names; one that is not there is not started for the sake of a Tab."""
    from jupyter_mlplat.client.engine import EngineClient

    ask = _OF_OPTION.get(words[-1]) or _ASKED.get(words[0])
    try:
        return ask(EngineClient(start=False)) if ask else []
    except PlatformError:
        return []


def _run_names(client: "EngineClient") -> list[str]:
    rows, _ = client.list_runs(limit=20)
    return ["latest", *(str(row.number) for row in rows)]


def _model_names(client: "EngineClient") -> list[str]:
    models = client.list_models()
    aliased = [f"{model.name}@{alias}" for model in models for alias in model.aliases]
    return [model.name for model in models] + aliased


def _endpoint_names(client: "EngineClient") -> list[str]:
    return [endpoint.name for endpoint in client.list_endpoints()]


def _schedule_names(client: "EngineClient") -> list[str]:
    actions = ["list", "add", "show", "pause", "resume", "run", "backfill", "remove"]
    return [*actions, *(status.schedule.name for status in client.list_schedules())]


def _server_names(client: "EngineClient") -> list[str]:
    names = (server.name for server in client.list_servers().servers)
    return [*arguments.SERVER_ACTIONS, *names]


def _place_names(client: "EngineClient") -> list[str]:
    return [place.name for place in client.list_places().places]


def _step_names(client: "EngineClient") -> list[str]:
    return [task.name for task in client.get_run("latest").tasks]


_OF_OPTION: dict[str, Callable[["EngineClient"], list[str]]] = {
    "--step": _step_names,
    "--from-step": _step_names,
    "--until": _step_names,
    "--on": _place_names,
}
_ASKED: dict[str, Callable[["EngineClient"], list[str]]] = {
    "runs": _run_names,
    "logs": _run_names,
    "cancel": _run_names,
    "pause": _run_names,
    "resume": _run_names,
    "retry": _run_names,
    "restore": _run_names,
    "lineage": lambda client: [*_run_names(client), *_model_names(client)],
    "models": _model_names,
    "register": _model_names,
    "deploy": _model_names,
    "predict": _endpoint_names,
    "endpoints": _endpoint_names,
    "schedule": _schedule_names,
    "server": _server_names,
}
