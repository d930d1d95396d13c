"""deploy, predict, endpoints, traffic, rollback."""

import json
import sys
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mlplat.cli.terminal import Terminal
from jupyter_mlplat.errors import InvalidInput

if TYPE_CHECKING:
    from jupyter_mlplat.client.engine import EngineClient
    from jupyter_mlplat.resources.serving import Endpoint


def deploy(client: "EngineClient", options: Namespace, terminal: Terminal) -> int:
    """Serve a model version; fail when it does not come up."""
    from jupyter_mlplat.resources.serving import EndpointState

    endpoint = client.deploy(
        options.model,
        name=options.name,
        traffic=options.traffic,
        port=options.port,
        trust_pickle=options.trust_pickle,
    )
    _show(endpoint, terminal)
    if endpoint.state in (EndpointState.FAILED, EndpointState.DEGRADED):
        terminal.complain(endpoint.message or f"Endpoint {endpoint.name!r} did not come up.")
        return 1
    return 0


def predict(client: "EngineClient", options: Namespace, terminal: Terminal) -> int:
    """Ask an endpoint."""
    answer = client.predict(options.endpoint, _read_rows(options))
    terminal.answer(answer)
    terminal.say(json.dumps(answer["outputs"], ensure_ascii=False))
    return 0


def list_all(client: "EngineClient", options: Namespace, terminal: Terminal) -> int:
    """List endpoints."""
    from jupyter_mlplat.client.views import nouns

    endpoints = client.list_endpoints()
    terminal.answer({"endpoints": [endpoint.to_wire() for endpoint in endpoints]})
    terminal.show(nouns.view_endpoints(endpoints))
    return 0


def show(client: "EngineClient", options: Namespace, terminal: Terminal) -> int:
    """Show an endpoint and its revisions."""
    return _show(client.get_endpoint(options.endpoint), terminal)


def start(client: "EngineClient", options: Namespace, terminal: Terminal) -> int:
    """Start a stopped endpoint."""
    return _show(client.start_endpoint(options.endpoint), terminal)


def stop(client: "EngineClient", options: Namespace, terminal: Terminal) -> int:
    """Stop an endpoint's processes."""
    return _show(client.stop_endpoint(options.endpoint), terminal)


def promote(client: "EngineClient", options: Namespace, terminal: Terminal) -> int:
    """Give all traffic to the newest revision."""
    return _show(client.promote(options.endpoint), terminal)


def roll_back(client: "EngineClient", options: Namespace, terminal: Terminal) -> int:
    """Go back to the split of traffic before."""
    return _show(client.roll_back(options.endpoint), terminal)


def set_traffic(client: "EngineClient", options: Namespace, terminal: Terminal) -> int:
    """Split an endpoint's traffic."""
    return _show(
        client.set_traffic(options.endpoint, dict(map(_parse_share, options.shares))), terminal
    )


def delete(client: "EngineClient", options: Namespace, terminal: Terminal) -> int:
    """Stop an endpoint and forget it."""
    client.delete_endpoint(options.endpoint)
    terminal.answer({"deleted": options.endpoint})
    terminal.say(f"Endpoint {options.endpoint} is forgotten.")
    return 0


def logs(client: "EngineClient", options: Namespace, terminal: Terminal) -> int:
    """Print what an endpoint's servers wrote."""
    from jupyter_mlplat.client.views.text import clean_log

    content = client.read_endpoint_log(options.endpoint, options.revision).decode(errors="replace")
    terminal.answer({"log": content})
    terminal.say(clean_log(content).rstrip("\n"))
    return 0


def _show(endpoint: "Endpoint", terminal: Terminal) -> int:
    from jupyter_mlplat.client.views import nouns

    terminal.answer({"endpoint": endpoint.to_wire()})
    terminal.show(nouns.view_endpoint(endpoint))
    return 0


def _read_rows(options: Namespace) -> Any:
    given = [text for text in (options.data, options.named_data, options.file) if text is not None]
    if len(given) != 1:
        raise InvalidInput(
            f"Cannot ask {options.endpoint!r}: rows are needed once, as DATA, --data or --file. "
            f"Such as: jupyter mlplat predict {options.endpoint} '[[1.0, 2.0]]'"
        )
    try:
        if options.file is not None:
            text = Path(options.file).read_text(encoding="utf-8")
        else:
            text = sys.stdin.read() if given[0] == "-" else given[0]
        return json.loads(text)
    except OSError as error:
        raise InvalidInput(f"Cannot read {options.file!r}: {error.strerror}.") from error
    except ValueError as error:
        raise InvalidInput(
            f"The rows for {options.endpoint!r} are no JSON: {error}. "
            "Write lists, or objects with the feature names."
        ) from error


def _parse_share(text: str) -> tuple[int, int]:
    revision, _, percent = text.partition("=")
    if not (revision.isdecimal() and percent.isdecimal()):
        raise InvalidInput(
            f"{text!r} is no share of traffic: REVISION=PERCENT is needed, such as 2=10."
        )
    return int(revision), int(percent)
