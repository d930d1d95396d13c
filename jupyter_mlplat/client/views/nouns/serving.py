"""Endpoints, and the engine itself."""

from collections.abc import Sequence

from jupyter_mlplat.client.views.nouns.formats import format_age, state_cell
from jupyter_mlplat.client.views.view import Cell, Mood, Table, View
from jupyter_mlplat.kit.quantities import format_bytes
from jupyter_mlplat.resources.engine import EngineStatus
from jupyter_mlplat.resources.serving import Endpoint


def view_endpoints(endpoints: Sequence[Endpoint]) -> View:
    """Show endpoints as rows."""
    rows = tuple(
        (
            Cell(e.name, link=f"endpoint/{e.name}"),
            state_cell(e.state),
            Cell(e.url),
            Cell(_traffic_note(e)),
            Cell(e.message),
        )
        for e in endpoints
    )
    return View(
        title="Endpoints",
        tables=(Table(("endpoint", "state", "url", "traffic", "message"), rows),),
        empty="No endpoints yet. Deploy a model with: jupyter mlplat deploy MODEL",
    )


def view_endpoint(endpoint: Endpoint) -> View:
    """Show one endpoint with its revisions."""
    shares = {traffic.revision: traffic.percent for traffic in endpoint.traffic}
    rows = tuple(
        (
            Cell(str(revision.number)),
            Cell(f"{revision.model}/{revision.version}"),
            state_cell(revision.state),
            Cell(f"{shares.get(revision.number, 0)} %"),
            Cell(str(revision.restarts)),
            Cell(revision.message),
        )
        for revision in endpoint.revisions
    )
    headers = ("revision", "model", "state", "traffic", "restarts", "message")
    return View(
        title=f"Endpoint {endpoint.name}",
        state=state_cell(endpoint.state),
        facts=(("url", Cell(endpoint.url)),),
        tables=(Table(headers, rows, frozenset({"revision", "traffic", "restarts"})),),
        notes=(Cell(endpoint.message, Mood.WARNING),) if endpoint.message else (),
        link=f"endpoint/{endpoint.name}",
    )


def view_engine(status: EngineStatus) -> View:
    """Show who answers behind the socket."""
    return View(
        title="Engine",
        state=Cell("✓ running", Mood.GOOD),
        facts=(
            ("home", Cell(status.home)),
            ("version", Cell(status.version)),
            ("process", Cell(str(status.pid))),
            ("since", Cell(format_age(status.started_at))),
            ("runs", Cell(f"{status.running_runs} running, {status.running_tasks} steps")),
            ("endpoints", Cell(str(status.endpoints))),
            ("KFP's API", Cell(status.kfp_api or "not served: jupyter mlplat kfp")),
            ("MLflow's API", Cell(status.mlflow_api or "not served: jupyter mlplat mlflow")),
            (
                "machine",
                Cell(
                    f"{status.cpu_total:g} CPUs, {format_bytes(status.memory_total_bytes)}, "
                    f"{status.gpu_total} GPUs"
                ),
            ),
        ),
    )


def _traffic_note(endpoint: Endpoint) -> str:
    return ", ".join(f"{share.percent} % → {share.revision}" for share in endpoint.traffic)
