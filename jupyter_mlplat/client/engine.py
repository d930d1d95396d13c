"""The engine's HTTP API, typed: one method per route. Starts the engine when nobody answers."""

import http.client
import json
import time
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mlplat.client import connection, events, launching
from jupyter_mlplat.errors import Conflict, PlatformError, Unavailable
from jupyter_mlplat.kit.home import Home, default_home
from jupyter_mlplat.resources.routes import BY_NAME, Answer

if TYPE_CHECKING:
    from jupyter_mlplat.resources import engine as engine_documents
    from jupyter_mlplat.resources import lineage as lineage_documents
    from jupyter_mlplat.resources import pipeline as pipeline_documents
    from jupyter_mlplat.resources import run as run_documents
    from jupyter_mlplat.resources import serving as serving_documents

TIMEOUT_S = 120.0
_PING_TIMEOUT_S = 10.0
_WAIT_PIECE_S = 30.0
_RETRY_PAUSES_S = (0.05, 0.2, 1.0)


class EngineClient:
    """Everything an engine can be asked, as methods. Thread-safe: every call is its own connection.

    Answers are the documents of `jupyter_mlplat.resources`; errors are `PlatformError`s of the
    class they had in the engine.
    """

    def __init__(self, home: str | Path | None = None, *, start: bool = True) -> None:
        """Name an engine by its state directory; nothing is contacted yet.

        Args:
            home: The state directory; by default `MLPLAT_HOME`, else the user's data directory.
            start: Whether to start an engine where none answers.
        """
        self.home = Home(Path(home).expanduser().absolute() if home else default_home())
        self._start = start
        self._is_checked = False

    def __repr__(self) -> str:
        return f"EngineClient({str(self.home.root)!r})"

    # The engine

    def find_engine(self) -> "engine_documents.EngineStatus | None":
        """Say who answers, without starting anybody."""
        from jupyter_mlplat.resources.engine import EngineStatus

        status = self._ping()
        return None if status is None else EngineStatus.model_validate(status)

    def get_engine(self) -> "engine_documents.EngineStatus":
        """Say who answers; starts the engine if nobody does."""
        from jupyter_mlplat.resources.engine import EngineStatus

        return EngineStatus.model_validate(self._get("engine.get"))

    def stop_engine(self) -> bool:
        """Stop the engine and wait until it is gone; False when none was there.

        Runs are taken up again when the next engine starts.
        """
        if self._ping() is None:
            return False
        self._call("engine.stop", retries=False).close()
        launching.wait_until_gone(self.home)
        self._is_checked = False
        return True

    def watch_events(self, after: int | None = None) -> Iterator["engine_documents.Event"]:
        """Yield state changes after a sequence number, or from now on; resumes by itself."""

        def open_stream(seq: int | None) -> http.client.HTTPResponse:
            return self._call("events.watch", query={"after": seq}, timeout_s=events.SILENCE_S)

        return events.watch(open_stream, after)

    def collect_garbage(
        self,
        keep_runs: int | None = None,
        older_than_days: float | None = None,
        dry_run: bool = False,
    ) -> "engine_documents.GcReport":
        """Delete what policy no longer keeps."""
        from jupyter_mlplat.resources.engine import GcReport

        body = {"keep_runs": keep_runs, "older_than_days": older_than_days, "dry_run": dry_run}
        return GcReport.model_validate(self._post("gc.run", body, timeout_s=None))

    # Pipelines

    def compile(self, path: str | Path, split: str = "auto") -> "pipeline_documents.Pipeline":
        """Read a notebook as a pipeline."""
        from jupyter_mlplat.resources.pipeline import Pipeline

        body = {"path": _absolute(path), "split": split}
        return Pipeline.model_validate(self._post("pipelines.compile", body))

    def compile_content(
        self, notebook: Mapping[str, Any], path: str | Path | None = None, split: str = "auto"
    ) -> "pipeline_documents.Pipeline":
        """Read nbformat content as a pipeline; `path` says where it would lie."""
        from jupyter_mlplat.resources.pipeline import Pipeline

        body = {"path": _absolute(path) if path else None, "notebook": notebook, "split": split}
        return Pipeline.model_validate(self._post("pipelines.compile", body))

    def verify(self, path: str | Path, split: str = "auto") -> "pipeline_documents.VerifyReport":
        """Run a notebook top to bottom and as steps, and compare. Answers when done."""
        from jupyter_mlplat.resources.pipeline import VerifyReport

        body = {"path": _absolute(path), "split": split}
        return VerifyReport.model_validate(self._post("pipelines.verify", body, timeout_s=None))

    # Runs

    def list_runs(
        self,
        limit: int | None = None,
        before: str | None = None,
        state: str | None = None,
        text: str | None = None,
        notebook: str | None = None,
    ) -> tuple[list["run_documents.RunSummary"], str | None]:
        """Return a page of runs, newest first, and the token that asks for the next page."""
        from jupyter_mlplat.resources.run import RunSummary

        query = {
            "limit": limit,
            "before": before,
            "state": state,
            "text": text,
            "notebook": notebook,
        }
        answer = self._get("runs.list", query=query)
        return [RunSummary.model_validate(row) for row in answer["runs"]], answer.get("next")

    def submit(
        self,
        path: str | Path | None = None,
        *,
        notebook: Mapping[str, Any] | None = None,
        parameters: Mapping[str, Any] | None = None,
        split: str = "auto",
        experiment: str = "default",
        cache: bool = True,
        tags: Mapping[str, str] | None = None,
        until: str | None = None,
        idempotency_key: str | None = None,
    ) -> "run_documents.Run":
        """Submit a run. A call that broke off is repeated with the same key: one run, never two."""
        from jupyter_mlplat.resources.run import Run

        body = {
            "path": _absolute(path) if path else None,
            "notebook": notebook,
            "parameters": dict(parameters or {}),
            "split": split,
            "experiment": experiment,
            "cache": cache,
            "tags": dict(tags or {}),
            "until": until,
        }
        headers = {"Idempotency-Key": idempotency_key or uuid.uuid4().hex}
        with self._call("runs.submit", body=body, headers=headers) as response:
            return Run.model_validate_json(response.read())

    def get_run(self, run: str | int) -> "run_documents.Run":
        """Return a run by id, number or `latest`."""
        return self._run("runs.get", run)

    def wait_for_run(self, run: str | int, timeout_s: float | None = None) -> "run_documents.Run":
        """Return a run as soon as it is final, or as it is when the time is up."""
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        while True:
            left = _WAIT_PIECE_S if deadline is None else max(0.0, deadline - time.monotonic())
            document = self._run("runs.wait", run, query={"timeout_s": min(left, _WAIT_PIECE_S)})
            if document.state.is_final or (deadline is not None and time.monotonic() >= deadline):
                return document

    def cancel_run(self, run: str | int) -> "run_documents.Run":
        """Stop a run; its steps' process groups are ended."""
        return self._run("runs.cancel", run)

    def retry_run(
        self, run: str | int, path: str | Path | None = None, from_step: str | None = None
    ) -> "run_documents.Run":
        """Go on with a failed or cancelled run; what succeeded and did not change is kept."""
        body = {"path": _absolute(path) if path else None, "from_step": from_step}
        return self._run("runs.retry", run, body=body)

    def delete_run(self, run: str | int) -> None:
        """Forget a run that is not running."""
        self._call("runs.delete", {"run": run}).close()

    def get_result(self, run: str | int) -> "run_documents.RunResult":
        """Return a run with what came out of it."""
        from jupyter_mlplat.resources.run import RunResult

        return RunResult.model_validate(self._get("runs.result", {"run": run}))

    def get_run_pipeline(self, run: str | int) -> "pipeline_documents.Pipeline":
        """Return the pipeline a run executed."""
        from jupyter_mlplat.resources.pipeline import Pipeline

        return Pipeline.model_validate(self._get("runs.pipeline", {"run": run}))

    def list_metrics(self, run: str | int) -> list["run_documents.Metric"]:
        """Return every number a run logged, in order."""
        from jupyter_mlplat.resources.run import Metric

        answer = self._get("runs.metrics", {"run": run})
        return [Metric.model_validate(row) for row in answer["metrics"]]

    def list_outputs(self, run: str | int) -> list["run_documents.OutputValue"]:
        """Return every value the steps of a run saved."""
        from jupyter_mlplat.resources.run import OutputValue

        answer = self._get("runs.outputs", {"run": run})
        return [OutputValue.model_validate(row) for row in answer["outputs"]]

    def list_run_models(self, run: str | int) -> list["lineage_documents.Artifact"]:
        """Return the models a run logged."""
        from jupyter_mlplat.resources.lineage import Artifact

        answer = self._get("runs.models", {"run": run})
        return [Artifact.model_validate(row) for row in answer["models"]]

    def follow_logs(
        self, run: str | int, follow: bool = False
    ) -> Iterator["run_documents.LogLine"]:
        """Yield what all steps write; with `follow`, until the run is final."""
        from jupyter_mlplat.resources.run import LogLine

        query = {"follow": 1 if follow else None}
        with self._call("runs.logs", {"run": run}, query=query, timeout_s=None) as response:
            while line := response.readline():
                if line.strip():
                    yield LogLine.model_validate_json(line)

    def get_step_notebook(self, run: str | int, step: str) -> dict[str, Any]:
        """Return a step's executed notebook, nbformat."""
        answer: dict[str, Any] = self._get("steps.notebook", {"run": run, "step": step})
        return answer

    def read_step_log(
        self,
        run: str | int,
        step: str,
        stream: str | None = None,
        offset: int | None = None,
        limit: int | None = None,
    ) -> bytes:
        """Return exactly what a step wrote."""
        query = {"stream": stream, "offset": offset, "limit": limit}
        return self._read("steps.log", {"run": run, "step": step}, query)

    # Artifacts and lineage

    def get_artifact(self, artifact: str) -> "lineage_documents.Artifact":
        """Return an artifact by id."""
        from jupyter_mlplat.resources.lineage import Artifact

        return Artifact.model_validate(self._get("artifacts.get", {"artifact": artifact}))

    def read_artifact(self, artifact: str) -> bytes:
        """Return an artifact's content."""
        return self._read("artifacts.content", {"artifact": artifact})

    def get_lineage(
        self, node: str, direction: str = "upstream", depth: int | None = None
    ) -> "lineage_documents.Lineage":
        """Return the graph around an artifact, execution, run or `models:NAME:VERSION`."""
        from jupyter_mlplat.resources.lineage import Lineage

        query = {"direction": direction, "depth": depth}
        return Lineage.model_validate(self._get("lineage.get", {"id": node}, query))

    # Models

    def list_models(self) -> list["lineage_documents.RegisteredModel"]:
        """Return every registered model."""
        from jupyter_mlplat.resources.lineage import RegisteredModel

        answer = self._get("models.list")
        return [RegisteredModel.model_validate(row) for row in answer["models"]]

    def get_model(self, model: str) -> "lineage_documents.RegisteredModel":
        """Return a registered model with its versions."""
        from jupyter_mlplat.resources.lineage import RegisteredModel

        return RegisteredModel.model_validate(self._get("models.get", {"model": model}))

    def get_model_version(self, model: str, version: int) -> "lineage_documents.ModelVersion":
        """Return one version of a model."""
        from jupyter_mlplat.resources.lineage import ModelVersion

        segments = {"model": model, "version": version}
        return ModelVersion.model_validate(self._get("models.version", segments))

    def register_model(self, model: str, **request: Any) -> "lineage_documents.ModelVersion":
        """Make a model version; `request` holds the other fields of a RegisterRequest."""
        from jupyter_mlplat.resources.lineage import ModelVersion

        body = {"model": model, **request}
        return ModelVersion.model_validate(self._post("models.register", body))

    def set_alias(
        self, model: str, alias: str, version: int
    ) -> "lineage_documents.RegisteredModel":
        """Point an alias at a version."""
        from jupyter_mlplat.resources.lineage import RegisteredModel

        segments = {"model": model, "alias": alias}
        with self._call("models.set_alias", segments, body={"version": version}) as response:
            return RegisteredModel.model_validate_json(response.read())

    def delete_alias(self, model: str, alias: str) -> "lineage_documents.RegisteredModel":
        """Remove an alias; the version stays."""
        from jupyter_mlplat.resources.lineage import RegisteredModel

        with self._call("models.delete_alias", {"model": model, "alias": alias}) as response:
            return RegisteredModel.model_validate_json(response.read())

    def delete_model(self, model: str) -> None:
        """Remove a model and its versions from the registry."""
        self._call("models.delete", {"model": model}).close()

    # Endpoints

    def list_endpoints(self) -> list["serving_documents.Endpoint"]:
        """Return every endpoint."""
        from jupyter_mlplat.resources.serving import Endpoint

        answer = self._get("endpoints.list")
        return [Endpoint.model_validate(row) for row in answer["endpoints"]]

    def get_endpoint(self, endpoint: str) -> "serving_documents.Endpoint":
        """Return an endpoint by name."""
        from jupyter_mlplat.resources.serving import Endpoint

        return Endpoint.model_validate(self._get("endpoints.get", {"endpoint": endpoint}))

    def deploy(self, model: str, **request: Any) -> "serving_documents.Endpoint":
        """Serve a model version; `request` holds the other fields of a DeployRequest."""
        from jupyter_mlplat.resources.serving import Endpoint

        body = {"model": model, **request}
        return Endpoint.model_validate(self._post("endpoints.deploy", body, timeout_s=None))

    def set_traffic(
        self, endpoint: str, traffic: Mapping[int, int]
    ) -> "serving_documents.Endpoint":
        """Split an endpoint's traffic: revision to percent, summing to 100."""
        from jupyter_mlplat.resources.serving import Endpoint

        shares = [{"revision": number, "percent": part} for number, part in traffic.items()]
        with self._call(
            "endpoints.set_traffic", {"endpoint": endpoint}, body={"traffic": shares}
        ) as response:
            return Endpoint.model_validate_json(response.read())

    def roll_back(self, endpoint: str) -> "serving_documents.Endpoint":
        """Give all traffic to the revision before the newest."""
        return self._endpoint("endpoints.rollback", endpoint)

    def promote(self, endpoint: str) -> "serving_documents.Endpoint":
        """Give all traffic to the newest revision."""
        return self._endpoint("endpoints.promote", endpoint)

    def stop_endpoint(self, endpoint: str) -> "serving_documents.Endpoint":
        """Stop an endpoint's processes; it can be started again."""
        return self._endpoint("endpoints.stop", endpoint)

    def start_endpoint(self, endpoint: str) -> "serving_documents.Endpoint":
        """Start a stopped endpoint."""
        return self._endpoint("endpoints.start", endpoint)

    def delete_endpoint(self, endpoint: str) -> None:
        """Stop an endpoint and forget it."""
        self._call("endpoints.delete", {"endpoint": endpoint}).close()

    def predict(self, endpoint: str, inputs: Any, revision: int | None = None) -> dict[str, Any]:
        """Send rows to an endpoint; the answer has `outputs` and the `revision` that answered."""
        body = {"inputs": inputs} if revision is None else {"inputs": inputs, "revision": revision}
        answer: dict[str, Any] = self._post("endpoints.predict", body, {"endpoint": endpoint})
        return answer

    def read_endpoint_log(self, endpoint: str, revision: int | None = None) -> bytes:
        """Return what an endpoint's servers wrote."""
        return self._read("endpoints.log", {"endpoint": endpoint}, {"revision": revision})

    # Exchange

    def _run(
        self,
        name: str,
        run: str | int,
        *,
        query: Mapping[str, object | None] | None = None,
        body: object | None = None,
    ) -> "run_documents.Run":
        from jupyter_mlplat.resources.run import Run

        with self._call(name, {"run": run}, query, body) as response:
            return Run.model_validate_json(response.read())

    def _endpoint(self, name: str, endpoint: str) -> "serving_documents.Endpoint":
        from jupyter_mlplat.resources.serving import Endpoint

        answer = self._post(name, {}, {"endpoint": endpoint}, timeout_s=None)
        return Endpoint.model_validate(answer)

    def _get(
        self,
        name: str,
        segments: Mapping[str, object] | None = None,
        query: Mapping[str, object | None] | None = None,
    ) -> Any:
        with self._call(name, segments, query) as response:
            return json.loads(response.read())

    def _read(
        self,
        name: str,
        segments: Mapping[str, object],
        query: Mapping[str, object | None] | None = None,
    ) -> bytes:
        with self._call(name, segments, query) as response:
            return response.read()

    def _post(
        self,
        name: str,
        body: object,
        segments: Mapping[str, object] | None = None,
        timeout_s: float | None = TIMEOUT_S,
    ) -> Any:
        with self._call(name, segments, body=body, timeout_s=timeout_s) as response:
            return json.loads(response.read())

    def _call(
        self,
        name: str,
        segments: Mapping[str, object] | None = None,
        query: Mapping[str, object | None] | None = None,
        body: object | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_s: float | None = TIMEOUT_S,
        retries: bool = True,
    ) -> http.client.HTTPResponse:
        """Send one request; repeat what may be repeated when the engine went away meanwhile."""
        route = BY_NAME[name]
        target = connection.build_target(route, segments or {}, query or {})
        is_repeatable = route.verb == "GET" or "Idempotency-Key" in (headers or {})
        pauses = iter(_RETRY_PAUSES_S if retries else ())
        while True:
            try:
                self._ensure_engine()
                return connection.send(
                    self.home.socket, route, target, body, (headers or {}).items(), timeout_s
                )
            except TimeoutError as error:
                raise Unavailable(
                    f"The engine did not answer {route.verb} {target!r} within {timeout_s:g} s. "
                    f"See {str(self.home.log)!r}."
                ) from error
            except (OSError, http.client.HTTPException) as error:
                self._is_checked = False
                never_sent = isinstance(error, FileNotFoundError | ConnectionRefusedError)
                pause = next(pauses, None)
                if pause is None or not (never_sent or is_repeatable):
                    raise Unavailable(
                        f"The engine went away while it was asked {route.verb} {target!r} "
                        f"({error or type(error).__name__}). See {str(self.home.log)!r}, then ask again."
                    ) from error
                time.sleep(pause)

    def _ensure_engine(self) -> None:
        """Once per engine: see that one of our version answers; start it where that is allowed."""
        if self._is_checked:
            return
        status = self._ping()
        if status is None:
            self._start_engine()
        elif status.get("version") != _own_version():
            self._replace_engine(status)
        self._is_checked = True

    def _start_engine(self) -> None:
        if not self._start:
            raise Unavailable(
                f"No engine answers for {str(self.home.root)!r}. "
                "Start it with: jupyter mlplat engine start"
            )
        launching.start_engine(self.home, lambda: self._ping() is not None)

    def _replace_engine(self, status: Mapping[str, Any]) -> None:
        if not self._start or status.get("running_runs"):
            raise Conflict(
                f"The engine of {str(self.home.root)!r} is version {status.get('version')}, this is "
                f"version {_own_version()}, and it has {status.get('running_runs')} runs going. "
                "Wait for them or cancel them, then: jupyter mlplat engine stop",
                engine_version=status.get("version"),
            )
        connection.send(
            self.home.socket,
            BY_NAME["engine.stop"],
            connection.build_target(BY_NAME["engine.stop"], {}, {}),
        ).close()
        launching.wait_until_gone(self.home)
        self._start_engine()

    def _ping(self) -> Mapping[str, Any] | None:
        """Ask who is there, once; None when nobody is."""
        route = BY_NAME["engine.get"]
        target = connection.build_target(route, {}, {})
        try:
            with connection.send(
                self.home.socket, route, target, timeout_s=_PING_TIMEOUT_S
            ) as response:
                answer: Mapping[str, Any] = json.loads(response.read())
        except (FileNotFoundError, ConnectionError, http.client.HTTPException):
            return None
        except TimeoutError as error:
            raise Unavailable(
                f"The engine of {str(self.home.root)!r} is there and does not answer. "
                f"See {str(self.home.log)!r}."
            ) from error
        except PlatformError as error:
            if isinstance(error, Unavailable):
                return None  # starting or stopping
            raise
        return answer


def _absolute(path: str | Path) -> str:
    return str(Path(path).expanduser().absolute())


def _own_version() -> str:
    import jupyter_mlplat

    version: str = jupyter_mlplat.__version__
    return version
