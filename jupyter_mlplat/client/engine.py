"""The engine's HTTP API, typed: one method per route. Starts the engine when nobody answers."""

import http.client
import json
import os
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mlplat.client import events
from jupyter_mlplat.client.clusters import ClusterLink
from jupyter_mlplat.client.jobs import JobLink
from jupyter_mlplat.client.leases import LeaseLink
from jupyter_mlplat.client.link import TIMEOUT_S

if TYPE_CHECKING:
    from jupyter_mlplat.resources import engine as engine_documents
    from jupyter_mlplat.resources import exporting as export_documents
    from jupyter_mlplat.resources import images as image_documents
    from jupyter_mlplat.resources import lineage as lineage_documents
    from jupyter_mlplat.resources import pipeline as pipeline_documents
    from jupyter_mlplat.resources import preview as preview_documents
    from jupyter_mlplat.resources import registry as registry_documents
    from jupyter_mlplat.resources import run as run_documents
    from jupyter_mlplat.resources import serving as serving_documents

_WAIT_PIECE_S = 30.0


class EngineClient(JobLink, LeaseLink, ClusterLink):
    """Everything an engine can be asked, as methods.

    Answers are the documents of `jupyter_mlplat.resources`; errors are `PlatformError`s of the
    class they had in the engine.
    """

    # The engine

    def find_engine(self) -> "engine_documents.EngineStatus | None":
        """Say who answers, without starting anybody."""
        from jupyter_mlplat.resources.engine import EngineStatus

        status = self.ping()
        return None if status is None else EngineStatus.model_validate(status)

    def get_engine(self) -> "engine_documents.EngineStatus":
        """Say who answers; starts the engine if nobody does."""
        from jupyter_mlplat.resources.engine import EngineStatus

        return EngineStatus.model_validate(self._get("engine.get"))

    def stop_engine(self) -> bool:
        """Stop the engine and wait until it is gone; False when none was there.

        Runs are taken up again when the next engine starts.
        """
        if self.ping() is None:
            return False
        self.send_stop()
        return True

    def open_kfp(self) -> "engine_documents.Door":
        """Have KFP's API served on this machine; says where, and the token to show there."""
        from jupyter_mlplat.resources.engine import Door

        return Door.model_validate(self._post("kfp.open", {}))

    def close_kfp(self) -> None:
        """Have it served no longer; the next one has another token."""
        self._post("kfp.close", {})

    def open_mlflow(self) -> "engine_documents.TrackingVariables":
        """Have MLflow's API served on this machine; says where, as variables for `mlflow`."""
        from jupyter_mlplat.resources.engine import TrackingVariables

        return TrackingVariables.model_validate(self._post("mlflow.open", {}))

    def close_mlflow(self) -> None:
        """Have it served no longer; the next one has another token."""
        self._post("mlflow.close", {})

    def watch_events(
        self, after: int | None = None, is_stopped: Callable[[], bool] = lambda: False
    ) -> Iterator["engine_documents.Event"]:
        """Yield state changes after a sequence number, or from now on; resumes by itself.

        `is_stopped` is asked at least every 15 s; true ends the stream.
        """

        def open_stream(seq: int | None) -> http.client.HTTPResponse:
            return self.open("events.watch", query={"after": seq}, timeout_s=events.SILENCE_S)

        return events.watch(open_stream, after, is_stopped)

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

    def export(
        self,
        pipeline: "pipeline_documents.Pipeline",
        image: str | None = None,
        packages: Iterable[str] = (),
    ) -> "export_documents.ExportedPipeline":
        """Write a notebook's pipeline as KFP YAML.

        Args:
            pipeline: As it was compiled.
            image: Container image of its steps; by default Python's own of their version.
            packages: Requirements to install beside, or instead of, those the notebook imports.
        """
        from jupyter_mlplat.resources.exporting import ExportedPipeline

        body = {"pipeline": pipeline.to_wire(), "image": image, "packages": list(packages)}
        return ExportedPipeline.model_validate(self._post("pipelines.export", body))

    def plan(self, path: str | Path, **options: Any) -> "preview_documents.RunPlan":
        """Say what a run would do; `options` are the other fields of a `PlanRequest`."""
        from jupyter_mlplat.resources.preview import RunPlan

        body = {"path": _absolute(path), **options}
        return RunPlan.model_validate(self._post("pipelines.plan", body))

    def verify(
        self,
        path: str | Path,
        split: str = "auto",
        timeout_s: float | None = None,
        notebook: Mapping[str, Any] | None = None,
    ) -> "pipeline_documents.VerifyReport":
        """Run a notebook top to bottom and as steps, and compare.

        Answers when done, or when the time is up; whoever does not wait for the answer ends it.

        Args:
            path: The notebook.
            split: How untagged cells become steps.
            timeout_s: Give up after so many seconds; by default what the engine's settings say.
            notebook: Content that stands in for the file.
        """
        from jupyter_mlplat.resources.pipeline import VerifyReport

        body = {
            "path": _absolute(path),
            "notebook": notebook,
            "split": split,
            "timeout_s": timeout_s,
        }
        return VerifyReport.model_validate(self._post("pipelines.verify", body, timeout_s=None))

    # Runs

    def list_runs(
        self,
        limit: int | None = None,
        before: str | None = None,
        state: str | None = None,
        text: str | None = None,
        notebook: str | None = None,
        tags: Mapping[str, str | None] | None = None,
        archived: bool = False,
        kind: str | None = None,
    ) -> tuple[list["run_documents.RunSummary"], str | None]:
        """Return a page of runs, newest first, and the token that asks for the next page."""
        from jupyter_mlplat.resources.run import RunSummary

        query = {
            "limit": limit,
            "before": before,
            "state": state,
            "text": text,
            "notebook": notebook,
            "tags": json.dumps(dict(tags)) if tags else None,
            "archived": "true" if archived else None,
            "kind": kind,
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
        from_step: str | None = None,
        reuse: str = "equal",
        whole: bool = False,
        reports: Sequence[str] = ("html",),
        folder: str | Path | None = None,
        literal: bool = False,
        run_on: str | None = None,
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
            "from_step": from_step,
            "reuse": reuse,
            "whole": whole,
            "reports": list(reports),
            "folder": str(folder) if folder else None,
            "literal": literal,
            "run_on": run_on,
        }
        headers = {"Idempotency-Key": idempotency_key or uuid.uuid4().hex}
        return Run.model_validate_json(self.fetch("runs.submit", body=body, headers=headers))

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

    def pause_run(self, run: str | int) -> "run_documents.Run":
        """Stop what runs of a run, and start nothing of it until it is resumed."""
        return self._run("runs.pause", run)

    def resume_run(self, run: str | int) -> "run_documents.Run":
        """Go on with a paused run; steps that were stopped start anew, from their checkpoints."""
        return self._run("runs.resume", run)

    def retry_run(
        self,
        run: str | int,
        path: str | Path | None = None,
        from_step: str | None = None,
        notebook: Mapping[str, Any] | None = None,
    ) -> "run_documents.Run":
        """Go on with a failed or cancelled run; what succeeded and did not change is kept."""
        body = {
            "path": _absolute(path) if path else None,
            "notebook": notebook,
            "from_step": from_step,
        }
        return self._run("runs.retry", run, body=body)

    def edit_run(
        self,
        run: str | int,
        *,
        note: str | None = None,
        tags: Mapping[str, str | None] | None = None,
        experiment: str | None = None,
        archived: bool | None = None,
    ) -> "run_documents.Run":
        """Change what people say of a run; a tag of None is taken away."""
        body = {
            "note": note,
            "tags": dict(tags or {}),
            "experiment": experiment,
            "archived": archived,
        }
        return self._run("runs.update", run, body=body)

    def clone_run(
        self,
        run: str | int,
        *,
        parameters: Mapping[str, Any] | None = None,
        cache: bool = True,
        until: str | None = None,
        run_on: str | None = None,
    ) -> "run_documents.Run":
        """Begin a new run of the code a run had, even if its notebook has changed or is gone."""
        body = {
            "parameters": None if parameters is None else dict(parameters),
            "cache": cache,
            "until": until,
            "run_on": run_on,
        }
        return self._run("runs.clone", run, body=body)

    def delete_run(self, run: str | int) -> None:
        """Forget a run that is not running."""
        self.fetch("runs.delete", {"run": run})

    def get_result(self, run: str | int) -> "run_documents.RunResult":
        """Return a run with what came out of it."""
        from jupyter_mlplat.resources.run import RunResult

        return RunResult.model_validate(self._get("runs.result", {"run": run}))

    def get_run_pipeline(self, run: str | int) -> "pipeline_documents.Pipeline":
        """Return the pipeline a run executed."""
        from jupyter_mlplat.resources.pipeline import Pipeline

        return Pipeline.model_validate(self._get("runs.pipeline", {"run": run}))

    def sample_metrics(
        self, run: str | int, points: int, name: str | None = None
    ) -> "run_documents.MetricList":
        """Return the curves of a run, each by as many points at most; its peaks are among them."""
        from jupyter_mlplat.resources.run import MetricList

        query = {"points": points, "name": name}
        return MetricList.model_validate(self._get("runs.metrics", {"run": run}, query=query))

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

    def list_artifacts(self, run: str | int) -> list["lineage_documents.Artifact"]:
        """Return what a run logged: files, models, executed notebooks and their pages."""
        from jupyter_mlplat.resources.lineage import Artifact

        answer = self._get("runs.artifacts", {"run": run})
        return [Artifact.model_validate(row) for row in answer["artifacts"]]

    def follow_logs(
        self, run: str | int, follow: bool = False
    ) -> Iterator["run_documents.LogLine"]:
        """Yield what all steps write; with `follow`, until the run is final."""
        from jupyter_mlplat.resources.run import LogLine

        query = {"follow": 1 if follow else None}
        with self.open("runs.logs", {"run": run}, query) as response:
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
        return self.fetch("steps.log", {"run": run, "step": step}, query)

    # Artifacts and lineage

    def get_artifact(self, artifact: str) -> "lineage_documents.Artifact":
        """Return an artifact by id."""
        from jupyter_mlplat.resources.lineage import Artifact

        return Artifact.model_validate(self._get("artifacts.get", {"artifact": artifact}))

    def read_artifact(self, artifact: str) -> bytes:
        """Return an artifact's content."""
        return self.fetch("artifacts.content", {"artifact": artifact})

    def get_lineage(
        self, node: str, direction: str = "upstream", depth: int | None = None
    ) -> "lineage_documents.Lineage":
        """Return the graph around an artifact, execution, run or `models:NAME:VERSION`."""
        from jupyter_mlplat.resources.lineage import Lineage

        query = {"direction": direction, "depth": depth}
        return Lineage.model_validate_json(self.fetch("lineage.get", {"id": node}, query))

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
        return RegisteredModel.model_validate_json(
            self.fetch("models.set_alias", segments, body={"version": version})
        )

    def delete_alias(self, model: str, alias: str) -> "lineage_documents.RegisteredModel":
        """Remove an alias; the version stays."""
        from jupyter_mlplat.resources.lineage import RegisteredModel

        return RegisteredModel.model_validate_json(
            self.fetch("models.delete_alias", {"model": model, "alias": alias})
        )

    def describe_model(self, model: str, description: str) -> "lineage_documents.RegisteredModel":
        """Change what is said of a model."""
        from jupyter_mlplat.resources.lineage import RegisteredModel

        return RegisteredModel.model_validate_json(
            self.fetch("models.update", {"model": model}, body={"description": description})
        )

    def list_model_changes(self, model: str) -> list["registry_documents.ModelChange"]:
        """Return who changed what about a model, newest first."""
        from jupyter_mlplat.resources.registry import ModelChange

        answer = self._get("models.history", {"model": model})
        return [ModelChange.model_validate(row) for row in answer["changes"]]

    def get_model_impact(
        self, model: str, version: int | None = None
    ) -> "registry_documents.ModelImpact":
        """Tell what would break if a model, or one version of it, were deleted."""
        from jupyter_mlplat.resources.registry import ModelImpact

        return ModelImpact.model_validate_json(
            self.fetch("models.impact", {"model": model}, {"version": version})
        )

    def delete_model_version(
        self, model: str, version: int, *, force: bool = False
    ) -> "lineage_documents.RegisteredModel":
        """Remove one version; with `force`, also one that aliases or idle revisions count on."""
        from jupyter_mlplat.resources.lineage import RegisteredModel

        segments = {"model": model, "version": version}
        return RegisteredModel.model_validate_json(
            self.fetch("models.delete_version", segments, {"force": str(force).lower()})
        )

    def delete_model(self, model: str, *, force: bool = False) -> None:
        """Remove a model and its versions from the registry."""
        self.fetch("models.delete", {"model": model}, {"force": str(force).lower()})

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
        return Endpoint.model_validate_json(
            self.fetch("endpoints.set_traffic", {"endpoint": endpoint}, body={"traffic": shares})
        )

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
        self.fetch("endpoints.delete", {"endpoint": endpoint})

    def predict(self, endpoint: str, inputs: Any) -> dict[str, Any]:
        """Send rows to an endpoint; the answer has `outputs` and the `revision` that answered."""
        answer: dict[str, Any] = self._post(
            "endpoints.predict", {"inputs": inputs}, {"endpoint": endpoint}
        )
        return answer

    def read_endpoint_log(self, endpoint: str, revision: int | None = None) -> bytes:
        """Return what an endpoint's servers wrote."""
        return self.fetch("endpoints.log", {"endpoint": endpoint}, {"revision": revision})

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

        return Run.model_validate_json(self.fetch(name, {"run": run}, query, body))

    def _endpoint(self, name: str, endpoint: str) -> "serving_documents.Endpoint":
        from jupyter_mlplat.resources.serving import Endpoint

        answer = self._post(name, {}, {"endpoint": endpoint}, timeout_s=None)
        return Endpoint.model_validate(answer)

    # - images and secrets -

    def images(self) -> "image_documents.ImageMap":
        """Return what stands for container images."""
        from jupyter_mlplat.resources.images import ImageMap

        return ImageMap.model_validate(self._get("images.list"))

    def map_image(self, pattern: str, **rule: Any) -> "image_documents.ImageMap":
        """Add a rule; `rule` holds the other fields of an ImageRequest."""
        from jupyter_mlplat.resources.images import ImageMap

        return ImageMap.model_validate(self._post("images.map", {"pattern": pattern, **rule}))

    def remove_image(self, pattern: str) -> "image_documents.ImageMap":
        """Remove a rule."""
        from jupyter_mlplat.resources.images import ImageMap

        return ImageMap.model_validate(self._post("images.remove", {"pattern": pattern}))

    def secrets(self) -> "tuple[image_documents.SecretEntry, ...]":
        """Return the names and keys of all secrets and config maps."""
        from jupyter_mlplat.resources.images import SecretList

        return SecretList.model_validate(self._get("secrets.list")).secrets

    def set_secret(
        self, name: str, values: Mapping[str, str], kind: str = "secret"
    ) -> "image_documents.SecretEntry":
        """Store values of a secret or a config map; other keys of it stay."""
        from jupyter_mlplat.resources.images import SecretEntry

        body = {"name": name, "kind": kind, "values": dict(values)}
        return SecretEntry.model_validate(self._post("secrets.set", body))

    def delete_secret(self, name: str, kind: str = "secret") -> None:
        """Delete a secret or a config map."""
        self.fetch("secrets.delete", {"kind": kind, "secret": name})

    def _get(
        self,
        name: str,
        segments: Mapping[str, object] | None = None,
        query: Mapping[str, object | None] | None = None,
    ) -> Any:
        return json.loads(self.fetch(name, segments, query))

    def _post(
        self,
        name: str,
        body: object,
        segments: Mapping[str, object] | None = None,
        timeout_s: float | None = TIMEOUT_S,
    ) -> Any:
        return json.loads(self.fetch(name, segments, body=body, timeout_s=timeout_s))


def _absolute(path: str | Path) -> str:
    return os.path.abspath(Path(path).expanduser())
