"""`import jupyter_mlplat as mlplat`: the functions a notebook or script calls."""

import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mlplat.client.documents import (
    Lineage,
    ModelHistory,
    ModelList,
    ModelVersion,
    Pipeline,
    RegisteredModel,
    VerifyReport,
)
from jupyter_mlplat.client.endpoints import Endpoint, EndpointList
from jupyter_mlplat.client.engine import EngineClient
from jupyter_mlplat.client.following import Following, concerns_kind, concerns_model
from jupyter_mlplat.client.job_finding import as_job
from jupyter_mlplat.client.kfp import KfpPipeline, documents_of
from jupyter_mlplat.client.references import lineage_node
from jupyter_mlplat.client.runs import Run, RunList
from jupyter_mlplat.client.tracking import is_inside_step
from jupyter_mlplat.errors import ExecutionFailed, Unsupported
from jupyter_mlplat.resources import lineage as documents
from jupyter_mlplat.resources.serving import EndpointState

if TYPE_CHECKING:
    from jupyter_mlplat.client.restoring import Restored

Home = str | Path | None


def compile(path: str | Path | KfpPipeline, *, split: str = "auto", home: Home = None) -> Pipeline:
    """Read a notebook as a pipeline: steps, edges and why each edge exists.

    Args:
        path: A notebook, a script in jupytext's percent format, a compiled KFP pipeline (YAML), or
            a function decorated with `kfp.dsl.pipeline`.
        split: `auto`, or `cell` for one step per untagged cell.
        home: The state directory; by default `MLPLAT_HOME`.
    """
    client = EngineClient(home)
    if isinstance(path, KfpPipeline):
        return Pipeline.of(client.compile_content(documents_of(path))).compiled_by(client)
    return Pipeline.of(client.compile(path, split)).compiled_by(client)


def verify(
    path: str | Path,
    *,
    split: str = "auto",
    timeout_s: float | None = None,
    home: Home = None,
) -> VerifyReport:
    """Run a notebook top to bottom and as steps in fresh processes, and list every difference.

    Args:
        path: The notebook.
        split: `auto`, or `cell` for one step per untagged cell.
        timeout_s: Give up after so many seconds, all runs together; by default an hour, or what the
            engine's settings say.
        home: The state directory; by default `MLPLAT_HOME`.
    """
    return VerifyReport.of(EngineClient(home).verify(path, split, timeout_s))


def run(
    path: str | Path | KfpPipeline,
    parameters: Mapping[str, Any] | None = None,
    *,
    wait: bool = True,
    check: bool = False,
    timeout_s: float | None = None,
    split: str = "auto",
    experiment: str = "default",
    cache: bool = True,
    tags: Mapping[str, str] | None = None,
    until: str | None = None,
    whole: bool = False,
    on: str | None = None,
    home: Home = None,
) -> Run:
    """Run a notebook, or a KFP pipeline, as a pipeline.

    Args:
        path: The notebook, a compiled KFP pipeline (YAML), or a function decorated with
            `kfp.dsl.pipeline`.
        parameters: Values for the names its `parameters` cell assigns, or for its inputs.
        wait: Whether to return only when the run is final.
        check: Whether to raise when it did not succeed.
        timeout_s: Wait at most this long; the run goes on.
        split: `auto`, or `cell` for one step per untagged cell.
        experiment: Group of runs it belongs to.
        cache: Whether steps may be taken from the cache.
        tags: Words to find it by.
        until: Run only this step and what it needs.
        whole: Run a notebook from top to bottom in its own kernel, by papermill, not as steps.
        on: Where: `this-machine`, or a cluster of the engine's settings; by default as they say.
        home: The state directory; by default `MLPLAT_HOME`.

    Raises:
        InvalidInput: The notebook cannot be compiled, or a parameter is unknown or mistyped.
        ExecutionFailed: It did not succeed, and `check` is set.
    """
    client = EngineClient(home)
    submitted = client.submit(
        None if isinstance(path, KfpPipeline) else path,
        notebook=documents_of(path) if isinstance(path, KfpPipeline) else None,
        parameters=parameters,
        split=split,
        experiment=experiment,
        cache=cache,
        tags=tags,
        until=until,
        whole=whole,
        run_on=on,
    )
    handle = Run(client, submitted)
    return handle.wait(timeout_s, check=check) if wait else handle


def kfp_client(*, home: Home = None, **options: Any) -> Any:
    """Return a `kfp.Client` of this engine; needs the package `kfp`, which is not installed here.

    Args:
        home: The state directory; by default `MLPLAT_HOME`.
        **options: Further arguments of `kfp.Client`.

    Raises:
        Unsupported: kfp is not installed.
    """
    try:
        from kfp import Client
    except ImportError as error:
        raise Unsupported(
            "Cannot make a kfp.Client: the package kfp is not installed in this Python. Install "
            "it where you want to use it: pip install kfp."
        ) from error
    door = EngineClient(home).open_kfp()
    return Client(host=door.host, existing_token=door.token, **options)


def mlflow(*, home: Home = None, notebook: str | Path | None = None) -> str:
    """Let `import mlflow` in this process track here; returns the address that it uses.

    In a step, a rank or a trial it does already. What is tracked from elsewhere, such as a live
    kernel, is a run of its own.

    Args:
        home: The state directory; by default `MLPLAT_HOME`.
        notebook: The notebook that runs will be said to come from.
    """
    known = os.environ.get("MLFLOW_TRACKING_URI", "")
    if is_inside_step() and known:
        return known
    door = EngineClient(home).open_mlflow()
    os.environ.update(door.variables)
    if notebook is not None:
        tags = {"mlplat.notebook": str(Path(notebook).expanduser().absolute())}
        os.environ["MLFLOW_RUN_CONTEXT"] = json.dumps(tags)
    if (loaded := sys.modules.get("mlflow")) is not None:
        loaded.set_tracking_uri(door.host)
    return door.host


def get_run(run: str | int = "latest", *, home: Home = None) -> Run:
    """Return a run by id, number or `latest`; a job as a `TrainJob` or a `TuningJob`."""
    client = EngineClient(home)
    found: Run = as_job(client, client.get_run(run))
    return found


def runs(
    limit: int = 20,
    *,
    state: str | None = None,
    text: str | None = None,
    notebook: str | Path | None = None,
    tags: Mapping[str, str | None] | None = None,
    home: Home = None,
) -> RunList:
    """List runs, newest first; a tag of None has any value."""
    client = EngineClient(home)
    where = str(Path(notebook).expanduser().absolute()) if notebook else None

    def look() -> RunList:
        rows, _ = client.list_runs(limit, state=state, text=text, notebook=where)
        return RunList(rows).followed(following)

    following = Following(client, look, concerns_kind("run."))
    return look()


def restore(
    run: Run | str | int = "latest",
    step: str | None = None,
    *,
    namespace: dict[str, Any] | None = None,
    home: Home = None,
) -> "Restored":
    """Put here what a step of a run was given: imports, values of earlier steps, parameters.

    The notebook's folder becomes the working directory. None of the step's cells runs.

    Args:
        run: A run by object, id, number or `latest`.
        step: Name of the step; by default the one that failed.
        namespace: Where names are bound; by default the notebook's, or `__main__`.
        home: The state directory; by default `MLPLAT_HOME`.

    Raises:
        InvalidInput: No step is named, and none failed.
        NotFound: What the step was given is not there, or not any more.
        Unsupported: It cannot be loaded by this Python, or a library it needs is missing here.
    """
    from jupyter_mlplat.client import restoring

    if namespace is None:
        namespace = vars(sys.modules["__main__"])
    which = run.id if isinstance(run, Run) else run
    return restoring.restore(EngineClient(home), which, step, namespace)


def lineage(
    of: str | int | Run | ModelVersion,
    *,
    direction: str = "upstream",
    depth: int | None = None,
    home: Home = None,
) -> Lineage:
    """Answer what something was made from, or with `downstream` what was made from it.

    Args:
        of: A run, `MODEL`, `MODEL/version`, `MODEL@alias`, or the id of an artifact or execution.
        direction: `upstream`, `downstream` or `both`.
        depth: How many links to follow; all by default.
        home: The state directory; by default `MLPLAT_HOME`.
    """
    client = EngineClient(home)
    if isinstance(of, Run):
        of = of.id
    elif isinstance(of, ModelVersion):
        of = f"{of.model}/{of.version}"
    return Lineage.of(client.get_lineage(lineage_node(client, str(of)), direction, depth))


def register(
    name: str,
    run: Run | str | int | None = None,
    *,
    logged_as: str | None = None,
    artifact_id: str | None = None,
    alias: str | Sequence[str] = (),
    description: str = "",
    home: Home = None,
) -> ModelVersion:
    """Make a new version of a registered model out of what a run logged.

    Args:
        name: The registered model; made if it is not there.
        run: The run that logged the model.
        logged_as: Name given to `log_model`, where the run logged several.
        artifact_id: A model artifact, instead of a run.
        alias: One or more aliases to point at the new version.
        description: What is to be said about it.
        home: The state directory; by default `MLPLAT_HOME`.
    """
    client = EngineClient(home)
    request: dict[str, Any] = {"aliases": [alias] if isinstance(alias, str) else list(alias)}
    if run is not None:
        request["run_id"] = run.id if isinstance(run, Run) else client.get_run(run).id
    if logged_as is not None:
        request["logged_as"] = logged_as
    if artifact_id is not None:
        request["artifact_id"] = artifact_id
    if description:
        request["description"] = description
    return _followed_version(client, client.register_model(name, **request))


def models(*, home: Home = None) -> ModelList:
    """List registered models."""
    client = EngineClient(home)

    def look() -> ModelList:
        return ModelList(map(RegisteredModel.of, client.list_models())).followed(following)

    following = Following(client, look, concerns_kind("model."))
    return look()


def model(name: str, *, home: Home = None) -> RegisteredModel:
    """Return a registered model with its versions."""
    client = EngineClient(home)

    def look() -> RegisteredModel:
        return RegisteredModel.of(client.get_model(name)).followed(following)

    following = Following(client, look, concerns_model(name))
    return look()


def model_history(name: str, *, home: Home = None) -> ModelHistory:
    """Return who changed what about a registered model, newest first."""
    client = EngineClient(home)

    def look() -> ModelHistory:
        changes = tuple(client.list_model_changes(name))
        return ModelHistory(model=name, changes=changes).followed(following)

    following = Following(client, look, concerns_model(name))
    return look()


def deploy(
    model: str,
    *,
    name: str | None = None,
    traffic: int = 100,
    port: int | None = None,
    trust_pickle: bool = False,
    home: Home = None,
) -> Endpoint:
    """Serve a model version; on an endpoint that exists it becomes a new revision.

    Args:
        model: `NAME`, `NAME@alias` or `NAME/version`; the latest version by default.
        name: The endpoint; the model's name by default.
        traffic: Percent for the new revision.
        port: Port to listen on; a free one by default.
        trust_pickle: Load a pickled model, which runs its code.
        home: The state directory; by default `MLPLAT_HOME`.

    Raises:
        ExecutionFailed: It did not come up; the message says why.
    """
    client = EngineClient(home)
    document = client.deploy(
        model, name=name, traffic=traffic, port=port, trust_pickle=trust_pickle
    )
    if document.state is EndpointState.FAILED:
        raise ExecutionFailed(
            document.message or f"Endpoint {document.name!r} did not come up.",
            endpoint=document.name,
        )
    return Endpoint(client, document)


def endpoint(name: str, *, home: Home = None) -> Endpoint:
    """Return an endpoint by name."""
    client = EngineClient(home)
    return Endpoint(client, client.get_endpoint(name))


def endpoints(*, home: Home = None) -> EndpointList:
    """List endpoints."""
    client = EngineClient(home)

    def look() -> EndpointList:
        found = (Endpoint(client, document) for document in client.list_endpoints())
        return EndpointList(found).followed(following)

    following = Following(client, look, concerns_kind("endpoint."))
    return look()


def _followed_version(client: EngineClient, document: documents.ModelVersion) -> ModelVersion:
    name, number = document.model, document.version

    def look() -> ModelVersion:
        return ModelVersion.of(client.get_model_version(name, number)).followed(following)

    following = Following(client, look, concerns_model(name))
    return ModelVersion.of(document).followed(following)
