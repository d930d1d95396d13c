"""The composition root: every concrete class is named here, and only here."""

import asyncio
import contextlib
import logging
import os
import sys
import time
from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import jupyter_mlplat
from jupyter_mlplat.config import THIS_MACHINE, EngineConfig
from jupyter_mlplat.engine.attempts import attempt_ref
from jupyter_mlplat.engine.broker import Broker
from jupyter_mlplat.engine.components import Components
from jupyter_mlplat.engine.conductor import Conductor
from jupyter_mlplat.engine.crashpoints import CrashPoints
from jupyter_mlplat.engine.devices import measure
from jupyter_mlplat.engine.documents import Documents
from jupyter_mlplat.engine.environments import Environments
from jupyter_mlplat.engine.exporting import Exporter
from jupyter_mlplat.engine.facts import Facts, ModuleDigests
from jupyter_mlplat.engine.foresight import Foresight
from jupyter_mlplat.engine.git import Git
from jupyter_mlplat.engine.importances import Importances
from jupyter_mlplat.engine.interpreters import Interpreters
from jupyter_mlplat.engine.inventory import MachineUse, read_inventory
from jupyter_mlplat.engine.items import (
    ActivitySeen,
    Call,
    Cancel,
    Delete,
    DropLeases,
    Edit,
    Item,
    Pause,
    Resume,
    Retry,
    Submit,
    TakeLease,
    Tell,
)
from jupyter_mlplat.engine.jobs import Jobs, trials_of_runs
from jupyter_mlplat.engine.leases import identity_of, new_lease
from jupyter_mlplat.engine.listener import Listener
from jupyter_mlplat.engine.live import PlanAnew
from jupyter_mlplat.engine.models import RegisteredModels
from jupyter_mlplat.engine.notebooks import (
    Notebooks,
    Split,
    names_kfp,
    read_file,
    refuse_kfp,
    without_outputs,
)
from jupyter_mlplat.engine.notifying import Notifier
from jupyter_mlplat.engine.places import Places
from jupyter_mlplat.engine.power import is_whole, look_after_power_loss
from jupyter_mlplat.engine.pythons import ContainerTool
from jupyter_mlplat.engine.reserve import Reserve
from jupyter_mlplat.engine.scheduled import ScheduledWork
from jupyter_mlplat.engine.stage import Stage
from jupyter_mlplat.engine.telling import (
    StepPlace,
    has_mlflow,
    names_mlflow,
    variables_of,
    wants_tracking,
)
from jupyter_mlplat.engine.timekeeper import Timekeeper
from jupyter_mlplat.engine.traces import Traces
from jupyter_mlplat.engine.training import Training
from jupyter_mlplat.engine.tuning import Tuning
from jupyter_mlplat.errors import Conflict, Forbidden, PlatformError, Unavailable
from jupyter_mlplat.kit.clock import utc_now
from jupyter_mlplat.kit.digests import digest_json
from jupyter_mlplat.kit.files import make_private_directory
from jupyter_mlplat.kit.home import Home
from jupyter_mlplat.kit.place import place_of
from jupyter_mlplat.launchers.kubernetes.servers import KubernetesServers
from jupyter_mlplat.launchers.local.launcher import LocalLauncher
from jupyter_mlplat.launchers.local.serving import LocalServingLauncher
from jupyter_mlplat.launchers.placed import PlacedLauncher
from jupyter_mlplat.ports.metadata import Change
from jupyter_mlplat.resources.catalogue import Experiment
from jupyter_mlplat.resources.engine import EngineStatus
from jupyter_mlplat.resources.exporting import ExportedPipeline, ExportRequest
from jupyter_mlplat.resources.inventory import Lease, LeaseRequest, MachineInventory
from jupyter_mlplat.resources.lineage import Artifact, ModelVersion
from jupyter_mlplat.resources.pipeline import (
    CompileRequest,
    Finding,
    Pipeline,
    VerifyReport,
    VerifyRequest,
)
from jupyter_mlplat.resources.preview import PlanRequest, RunPlan
from jupyter_mlplat.resources.registry import RegisterRequest
from jupyter_mlplat.resources.run import (
    CloneRequest,
    RetryRequest,
    Run,
    RunPatch,
    RunState,
    SubmitRequest,
)
from jupyter_mlplat.resources.schedule import Firing
from jupyter_mlplat.resources.training import JobRequest
from jupyter_mlplat.services.catalogue.experiments import Experiments
from jupyter_mlplat.services.catalogue.pipelines import StoredPipelines
from jupyter_mlplat.services.gc.collecting import GarbageCollector
from jupyter_mlplat.services.jobs.rerunning import pinned
from jupyter_mlplat.services.lineage.service import LineageService
from jupyter_mlplat.services.pipelines.plan import flow_of
from jupyter_mlplat.services.pipelines.submission import as_submission, new_run, request_digest
from jupyter_mlplat.services.pipelines.whole import (
    injected_parameters,
    whole_folder,
    whole_pipeline,
)
from jupyter_mlplat.services.registry.service import Registry
from jupyter_mlplat.services.servers.service import ServersService
from jupyter_mlplat.services.serving.service import ServingService
from jupyter_mlplat.services.tracking.curves import Curves
from jupyter_mlplat.services.tracking.service import Tracking, refuse_tracked
from jupyter_mlplat.services.verify.service import Verifier
from jupyter_mlplat.services.workflows.flow import Flow
from jupyter_mlplat.stores.blobs import LocalBlobStore
from jupyter_mlplat.stores.flushing import Flush
from jupyter_mlplat.stores.folders import LocalRunFolders
from jupyter_mlplat.stores.images import LocalImageMap
from jupyter_mlplat.stores.metadata.store import SqlMetadataStore
from jupyter_mlplat.stores.runtimes import LocalTrainRuntimes
from jupyter_mlplat.stores.secrets import LocalSecrets

if TYPE_CHECKING:
    from starlette.types import ASGIApp

P = ParamSpec("P")
T = TypeVar("T")

_log = logging.getLogger(__name__)

_READERS = 4  # threads for reads and compilations; more would only queue for two cores
_LOG_LOOK_S = 0.5
_IDLE_LOOK_S = 60.0
_LAST_WORDS_S = 0.05
_HOME_LOOK_S = 2.0
_SILENCE_LOOK_S = 60.0
_SERVERS_LOOK_S = 2.0
_LEASE_LOOK_S = 1.0  # so long a device of a kernel that has died may stay taken


class Engine:
    """One engine at work. Made in a running event loop, which everything here belongs to.

    Args:
        home: The state directory; its lock is held.
        store: Open.
        fence: The number the store gave.
        config: Settings.
        stop: Is called when somebody asks the engine to stop; with an error, if it has to.
        crash: Where to die, for the tests that kill the engine.
    """

    def __init__(
        self,
        home: Home,
        store: SqlMetadataStore,
        fence: int,
        config: EngineConfig,
        stop: Callable[[BaseException | None], None],
        crash: CrashPoints,
    ) -> None:
        self.home, self.store, self.config = home, store, config
        self.started_at: datetime = utc_now()
        self._fence = fence
        self._stop = stop
        self._last_request = time.monotonic()
        self._tasks: set[asyncio.Task[None]] = set()
        self._verifiers: dict[str, tuple[LocalLauncher, Verifier]] = {}
        self._pool = ThreadPoolExecutor(_READERS, thread_name_prefix="reader")
        self.blobs = LocalBlobStore(home.blobs)
        self.inventory = read_inventory(config.cpu, config.memory_bytes, config.gpus)
        self._use = MachineUse()
        self._flow_of = partial(flow_of, runs=str(home.runs), inventory=self.inventory)
        self.notebooks = Notebooks()
        self.notebooks.learn(store.findings())
        self.image_map = LocalImageMap(home.images)
        self.secrets = LocalSecrets(home.root)
        self.container_tool = ContainerTool()
        self._environments = Environments()
        self._interpreters = Interpreters(is_confined=not config.runs_here)
        self._git = Git(self._pool)
        self.launcher = LocalLauncher(home, config.worker_idle_s)
        self.places = Places(home, config, self.inventory)
        self._flush = Flush(home.root, home.flushed)
        self.timekeeper = Timekeeper(store, ScheduledWork(self), Notifier(config.webhook_allow))
        self.broker = Broker(store, store.last_event(), self.timekeeper.hear)
        self.runtimes = LocalTrainRuntimes(home.runtimes)
        facts = Facts(
            interpreters=self._interpreters,
            environments=self._environments,
            modules=ModuleDigests(),
            has_blob=self.blobs.has,
            is_whole=lambda digest: is_whole(digest, self.blobs),
            put_blob=self.blobs.put_bytes,
            read_git=self._git.read,
            inventory=self.inventory,
            components=Components(
                home, self.image_map, self.secrets, self.container_tool, self.inventory
            ),
            trials_of_runs=partial(trials_of_runs, store),
            added_runtimes=self.runtimes.list,
            tracking=self._tracking_variables,
            clusters=self.places.clusters,
        )
        self._jobs = Jobs(
            self.notebooks, self._interpreters, self.places.inventory_of, self._flow_of
        )
        self._foresight = Foresight(store, facts)
        reserve = Reserve(home.reserve)
        reserve.hold()
        self.conductor = Conductor(
            store,
            home,
            facts,
            self.inventory,
            crash,
            reserve,
            flush=self._flush.run,
            power_loss=look_after_power_loss(self._flush, store, self.blobs, home),
        )
        launchers = PlacedLauncher({THIS_MACHINE: self.launcher, **self.places.launchers})
        self.stage = Stage(self.conductor, launchers, self.broker.publish, stop, crash)
        self.registry = Registry(store)
        self.experiments = Experiments(store, utc_now)
        self.pipelines = StoredPipelines(store, utc_now)
        self.kfp = Listener(home.kfp_api, self._make_kfp_api, config.kfp_port)
        self.tracking = Tracking(store, utc_now, config.tracked_silence_s)
        self.mlflow = Listener(
            home.mlflow_api,
            self._make_mlflow_api,
            config.mlflow_port,
            "MLflow's API",
            "mlflow_api",
        )
        self.lineage = LineageService(store)
        self.curves = Curves(store)
        self.gc = GarbageCollector(store, self.blobs, LocalRunFolders(home.runs))
        self.traces = Traces(store, home)
        self._importances = Importances(self._tell_of_trials)
        self.tuning = Tuning(store, home, self._importances)
        self.documents = Documents(self)
        self.training = Training(store, home, self.conductor, self.runtimes)
        self.serving = ServingService(
            store,
            RegisteredModels(self.registry, store, self.blobs),
            LocalServingLauncher(home.endpoints),
            self,
            place=place_of(home.root, home.database if home.database.exists() else home.lock),
        )
        self.servers = ServersService(
            [
                KubernetesServers(name, self.places.launchers[name].connected, one.browser_url)
                for name, one in self.places.clusters.items()
            ],
            self,
        )

    # - life -

    async def start(self) -> None:
        """Take up what an earlier engine left, and begin."""
        self._loop = asyncio.get_running_loop()
        self.stage.start()
        if self.config.runs_here:
            self._spawn(self.launcher.prepare(sys.executable, ()))
        self._spawn(self._warm_up())
        self.places.open_doors(self)
        self._spawn(self.places.tidy(self._running_attempts))
        self._spawn(self._look_at_logs())
        self._spawn(self._follow_servers())
        self._spawn(self._look_after_leases())
        self._spawn(self._stop_when_idle())
        self.kfp.resume()
        self.mlflow.resume()
        self._spawn(self._give_up_silent())
        self._spawn(self._stop_when_homeless(place_of(self.home.root, self.home.lock)))
        try:
            await self.timekeeper.open()
            self.timekeeper.start()
        except Exception:  # runs go on whatever has become of a schedule
            _log.exception("Schedules could not be taken up again")
        try:
            await self.serving.open()
        except Exception:  # runs go on whatever has become of an endpoint
            _log.exception("Endpoints could not be taken up again")

    async def close(self) -> None:
        """Stop deciding. Steps and endpoints go on; the next engine takes them up."""
        self.broker.close()
        await self.kfp.close(is_for_good=False)
        await self.mlflow.close(is_for_good=False)
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.timekeeper.close()
        await self.serving.close()
        await self.servers.rest()
        await self.stage.close()
        for launcher in (self.launcher, *(launcher for launcher, _ in self._verifiers.values())):
            await launcher.close()
        await self.places.close()
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._importances.close()

    def ask_to_stop(self) -> None:
        """Stop as soon as the answer to this request is on its way."""
        asyncio.get_running_loop().call_later(_LAST_WORDS_S, self._stop, None)

    def note_request(self) -> None:
        """Remember that somebody needs the engine."""
        self._last_request = time.monotonic()

    def status(self) -> EngineStatus:
        """Say who this is and what it is doing."""
        return EngineStatus(
            version=jupyter_mlplat.__version__,
            pid=os.getpid(),
            home=str(self.home.root),
            started_at=self.started_at,
            fence=self._fence,
            running_runs=self.conductor.runs,
            running_tasks=self.conductor.running_tasks,
            endpoints=len(self.serving.list()),
            cpu_total=self.inventory.cpu,
            memory_total_bytes=self.inventory.memory_bytes,
            gpu_total=len(self.inventory.gpus),
            last_event=self.broker.last,
            kfp_api=self.kfp.door.host if self.kfp.door else None,
            mlflow_api=self.mlflow.door.host if self.mlflow.door else None,
        )

    def refuse_here(self, what: str) -> None:
        """Refuse what would run users' code beside an engine that others use as well.

        Raises:
            Forbidden: The settings say that nothing of theirs runs here.
        """
        if not self.config.runs_here:
            raise Forbidden(
                f"Cannot {what} where the engine runs: it is shared, and code of one profile could "
                "read what belongs to another. Run it on a cluster, or in an engine of your own."
            )

    # - asking -

    async def read(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call something that waits for a disk, without keeping the event loop."""
        call = partial(function, *args, **kwargs)
        return await asyncio.get_running_loop().run_in_executor(self._pool, call)

    async def write(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call something that writes to the store by itself, then tell what it has told."""
        try:
            return await self.read(function, *args, **kwargs)
        finally:
            self.broker.look()

    async def compile(self, request: CompileRequest) -> Pipeline:
        """Compile a notebook."""
        content = request.notebook
        return await self.read(self.notebooks.compile, request.path, content, request.split)

    async def export(self, request: ExportRequest) -> ExportedPipeline:
        """Write a notebook's pipeline as KFP YAML."""
        exporter = Exporter(self._environments, self._interpreters)
        return await self.read(exporter.export, request)

    async def plan(self, request: PlanRequest) -> RunPlan:
        """Say what a run would do, without beginning one."""
        return await self.read(self._plan, request)

    def _plan(self, request: PlanRequest) -> RunPlan:
        pipeline = self.notebooks.compile(request.path, request.notebook, request.split)
        flow = self._flow_of(pipeline)
        wanted = SubmitRequest(**request.model_dump())
        run = new_run(pipeline, wanted, self.inventory, utc_now(), flow)
        return self._foresight.plan(run, pipeline)

    async def verify(self, request: VerifyRequest) -> VerifyReport:
        """Run a notebook from top to bottom and as steps, and say what differs."""
        self.refuse_here("verify a notebook")
        timeout_s = request.timeout_s or self.config.verify_timeout_s
        pipeline = await self.compile(request)
        content: Mapping[str, Any] = request.notebook or {}
        if request.notebook is None:
            content = await self.read(read_file, request.path)
        pythons = await self.read(self._look_at_interpreters, pipeline)
        python = min(pythons, default=sys.executable)
        if python not in self._verifiers:
            # A launcher of its own, in a place of its own: what it runs is no run of ours.
            place = Home(self.home.root / "verify")
            make_private_directory(place.root)
            launcher = LocalLauncher(place, self.config.worker_idle_s)
            self._verifiers[python] = (launcher, Verifier(launcher, place.root, python))
        folder = Path(request.path).parent if request.path else None
        plan_anew = self._planner(request.path, content, request.split)
        verifier = self._verifiers[python][1]
        return await verifier.verify(pipeline, content, folder, timeout_s, plan_anew)

    async def submit(
        self, request: SubmitRequest, key: str | None, firing: Firing | None = None
    ) -> Run:
        """Compile, check, store and begin a run; with a key seen before, return the run of then.

        With a firing of a schedule, the run is that firing's: the two are one commit.
        """
        digest = request_digest(request)
        request = request.model_copy(update={"run_on": self.places.settle(request.run_on)})
        run, pipeline, flow, plan_anew = await self.read(self._make_run, request)
        return await self._begin(run, pipeline, flow, plan_anew, key, digest, firing)

    async def submit_job(self, request: JobRequest, key: str | None) -> Run:
        """Begin a train or tuning job; with a key seen before, return the run of then."""
        digest = digest_json(request.model_dump(mode="json"))
        request = request.model_copy(update={"run_on": self.places.settle(request.run_on)})
        run, pipeline, flow = await self.read(self._jobs.make, request)
        return await self._begin(run, pipeline, flow, None, key, digest)

    def check_job(self, request: JobRequest) -> None:
        """Refuse a job that could not be made; nothing is begun. Safe from any thread."""
        place = self.places.settle(request.run_on)
        self._jobs.make(request.model_copy(update={"run_on": place}))

    async def check(self, request: SubmitRequest) -> None:
        """Refuse what `submit` would refuse; nothing is begun."""
        request = request.model_copy(update={"run_on": self.places.settle(request.run_on)})
        await self.read(self._make_run, request)

    async def clone(self, run: str, request: CloneRequest, key: str | None) -> Run:
        """Begin a new run of the code a run had; with a key seen before, return the run of then."""
        found = await self.read(self.store.get_run, run)
        refuse_tracked(found, "clone")
        pipeline = await self.read(self.store.pipeline_of, found.id)
        wanted = as_submission(found, request)
        inventory = self.places.inventory_of(self.places.settle(wanted.run_on))
        flow = await self.read(self._flow_of, pipeline)
        made = new_run(pipeline, wanted, inventory, utc_now(), flow)
        same = {"clone_of": found.id, "kind": found.kind, "document": found.document}
        made = made.model_copy(update=same)
        digest = digest_json([found.id, request.model_dump(mode="json")])
        return await self._begin(made, pipeline, flow, None, key, digest)

    async def rerun_trial(self, run: str, step: str, trial: int, key: str | None) -> Run:
        """Begin a tuning job of one trial: another one's, with the same parameters."""
        found = await self.read(self.store.get_run, run)
        detail = await self.read(self.tuning.detail, run, step, trial)
        status = await self.read(self.tuning.status, run, step)
        before = await self.read(self.store.pipeline_of, found.id)
        pipeline = pinned(before, status.step, detail.trial)
        flow = await self.read(self._flow_of, pipeline)
        wanted = as_submission(found, CloneRequest())
        inventory = self.places.inventory_of(self.places.settle(wanted.run_on))
        made = new_run(pipeline, wanted, inventory, utc_now(), flow)
        made = made.model_copy(update={"clone_of": found.id, "kind": found.kind})
        digest = digest_json([found.id, status.step, trial])
        return await self._begin(made, pipeline, flow, None, key, digest)

    async def edit(self, run: str, patch: RunPatch) -> Run:
        """Change what people say of a run: its note, its tags, its experiment."""
        edited: Run = await self._ask(lambda reply: Edit(reply=reply, run=run, patch=patch))
        return edited

    async def _begin(
        self,
        run: Run,
        pipeline: Pipeline,
        flow: Flow,
        plan_anew: PlanAnew | None,
        key: str | None,
        digest: str,
        firing: Firing | None = None,
    ) -> Run:
        if run.place == THIS_MACHINE:
            self.refuse_here("run anything")
        await self.read(self.training.check, pipeline)
        self.places.refuse_unfit(run.place, pipeline)
        is_here = run.place == THIS_MACHINE
        for python in await self.read(self._look_at_interpreters, pipeline):
            if not is_here:
                continue
            await self._open_tracking(python, pipeline)
            if pipeline.ir is None:
                self._spawn(self.launcher.prepare(python, pipeline.preload))
            else:
                self._spawn(self.launcher.prepare(python, (), "component"))
                self._spawn(self._look_for_containers())
        made: Run = await self._ask(
            lambda reply: Submit(
                reply=reply,
                run=run,
                pipeline=pipeline,
                idempotency_key=key,
                request_digest=digest,
                plan_anew=plan_anew,
                firing=firing,
                flow=flow,
            )
        )
        return made

    async def _running_attempts(self) -> list[tuple[str, str, int]]:
        """Return every attempt that is starting or running, none left out."""
        return await self.between_turns(self.conductor.running_attempts)

    async def _look_for_containers(self) -> None:
        """Find podman or docker before a task asks: it takes longer than runs may wait."""
        await self.read(self.container_tool.find)

    async def cancel(self, run: str) -> Run:
        found = await self.read(self.store.get_run, run)
        if found.kind == "tracked" and not found.state.is_final:
            return await self.between_turns(partial(self.tracking.end, found, RunState.CANCELED))
        canceled: Run = await self._ask(lambda reply: Cancel(reply=reply, run=run))
        return canceled

    async def pause(self, run: str) -> Run:
        """Stop what runs of a run, and start nothing of it until it is resumed."""
        paused: Run = await self._ask(lambda reply: Pause(reply=reply, run=run))
        return paused

    async def resume(self, run: str) -> Run:
        """Go on with a run that is paused."""
        resumed: Run = await self._ask(lambda reply: Resume(reply=reply, run=run))
        return resumed

    async def retry(self, run: str, request: RetryRequest) -> Run:
        """Go on with a run that is over; with a path or a notebook, with the code of now."""
        refuse_tracked(await self.read(self.store.get_run, run), "retry")
        pipeline = plan_anew = None
        if request.path is not None or request.notebook is not None:
            found = await self.read(self.store.get_run, run)
            path = request.path or found.notebook
            if found.whole:
                old = await self.read(self.store.pipeline_of, found.id)
                new, _ = await self.read(self._compile_whole, path, request.notebook)
                new = new.model_copy(update={"reports": old.reports, "folder": old.folder})
            else:
                new, plan_anew = await self.read(self._compile, path, request.notebook, found.split)
            await self.read(self._look_at_interpreters, new)
            pipeline = new
        retried: Run = await self._ask(
            lambda reply: Retry(
                reply=reply, run=run, request=request, pipeline=pipeline, plan_anew=plan_anew
            )
        )
        return retried

    async def go_on_with(self, run: str, pipeline: Pipeline) -> Run:
        """Go on with a run that is over, with another pipeline in the place of its own."""
        retried: Run = await self._ask(
            lambda reply: Retry(
                reply=reply, run=run, request=RetryRequest(), pipeline=pipeline, plan_anew=None
            )
        )
        return retried

    async def delete(self, run: str) -> None:
        await self._ask(lambda reply: Delete(reply=reply, run=run))

    async def archive_experiment(self, experiment: str, is_archived: bool) -> Experiment:
        """Put an experiment away with its runs, its schedules paused; or take it back alone."""
        archive = partial(self.conductor.archive_experiment, experiment, is_archived=is_archived)
        found = await self.between_turns(archive)
        self.publish("experiment.updated", found.name, found.to_wire())
        if is_archived:
            for schedule, _ in await self.read(self.store.list_schedules):
                if schedule.work.experiment == found.name:
                    await self.timekeeper.pause(schedule.id, paused=True)
        return found

    async def describe_machine(self) -> MachineInventory:
        """Say who holds what of the machine, who waits for what, and how busy it is."""
        machine = self.conductor.describe()
        measured, notes = await self.read(measure, self.inventory.gpus)
        cpu, memory = await self.read(self._use.look)
        devices = [
            device.model_copy(
                update={
                    "utilisation": use.utilisation,
                    "memory_used_bytes": use.memory_used_bytes,
                    "memory_bytes": use.memory_bytes or device.memory_bytes,
                }
            )
            if (use := measured.get(device.number))
            else device
            for device in machine.devices
        ]
        told = {"cpu_used": cpu, "memory_used_bytes": memory, "notes": notes}
        return machine.model_copy(update={**told, "devices": tuple(devices)})

    async def take_lease(self, request: LeaseRequest) -> Lease:
        """Lease a GPU to a live kernel, as soon as it is its turn.

        Raises:
            InvalidInput: There is no such device, or no such process.
            Conflict: It is not free, and the kernel does not want to wait.
        """
        lease = new_lease(request, utc_now())
        taken: Lease = await self._ask(lambda reply: TakeLease(lease, reply=reply))
        if taken.state == "waiting" and not request.wait:
            await self.release_leases([lease.id])
            raise Conflict(
                f"Cannot lease a GPU now: {taken.waiting_for}. Wait for it, or ask later."
            )
        return taken

    async def release_leases(self, leases: Sequence[str]) -> None:
        """Give leases back; those that are over are no error."""
        await self._ask(lambda reply: DropLeases(tuple(leases), reply=reply))

    async def register(self, request: RegisterRequest, by: str) -> ModelVersion:
        """Make a model version; its content survives a loss of power when this returns."""
        await self.read(self._flush.run)
        return await self.write(self.registry.register, request, utc_now(), by)

    async def between_turns(self, function: Callable[[], T]) -> T:
        """Call something while no run changes."""
        result: T = await self._ask(lambda reply: Call(reply=reply, function=function))
        self.broker.look()
        return result

    def publish(self, kind: str, subject: str, data: Mapping[str, Any]) -> None:
        """Tell everybody of something that is no transition of a run: `ports.serving.EventSink`."""
        self.stage.put(Tell(kind, subject, data))

    def _tell_of_trials(self, run: str) -> None:
        """Let those who watch a tuning job look again; from any thread."""
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody watches
            self._loop.call_soon_threadsafe(self.publish, "trials.updated", run, {"run_id": run})

    def keep_artifact(self, artifact: Artifact) -> None:
        """Write down an artifact that something will be linked to."""
        self.store.apply(Change(artifacts=[artifact], is_told=False))

    async def look_at(self, runs: Collection[str]) -> None:
        """Take in what running steps of these runs have told so far."""
        for run, step, attempt in self.conductor.running_attempts():
            if run in runs:
                self.stage.put(ActivitySeen(attempt_ref(self.home, run, step, attempt)))
        await self.between_turns(lambda: None)

    # - inside -

    async def _ask(self, make: "Callable[[Future[Any]], Item]") -> Any:
        if self.conductor.trouble is not None:
            raise Unavailable(self.conductor.trouble)
        reply: Future[Any] = Future()
        self.stage.put(make(reply))
        return await asyncio.wrap_future(reply)

    def _make_kfp_api(self, token: str) -> "ASGIApp":
        from jupyter_mlplat.engine.api.kfp.app import KfpApi  # for those who have asked for it

        return KfpApi(self, token)

    async def _open_tracking(self, python: str, pipeline: Pipeline) -> None:
        """Serve MLflow's API before a step begins that may want it."""
        if self.mlflow.door is not None or not wants_tracking():
            return
        is_named = pipeline.ir is not None and names_mlflow(pipeline.ir)
        if is_named or has_mlflow(await self.read(self._environments.get, python)):
            try:
                self.mlflow.open()
            except (OSError, PlatformError) as error:
                _log.warning("Steps cannot be told of MLflow's API: %s", error)

    def _tracking_variables(self, run: Run, place: StepPlace) -> Mapping[str, str]:
        door = self.mlflow.door
        if door is None or not wants_tracking():
            return {}
        experiment = self.experiments.find(run.experiment)
        return variables_of(door, place, run.experiment if experiment is None else experiment.title)

    def _make_mlflow_api(self, token: str) -> "ASGIApp":
        from jupyter_mlplat.engine.api.mlflow.app import MlflowApi  # for those who track

        return MlflowApi(self, token)

    def _planner(self, path: str | None, content: Mapping[str, Any], split: Split) -> PlanAnew:
        slim = without_outputs(content)

        def plan_anew(findings: Sequence[Finding]) -> Pipeline:
            for found in self.notebooks.learn(findings):
                self.store.keep_finding(found)
            return self.notebooks.compile(path, slim, split)

        return plan_anew

    def _compile(
        self, path: str | None, content: Mapping[str, Any] | None, split: Split
    ) -> tuple[Pipeline, PlanAnew | None]:
        """Compile a notebook, or read a KFP pipeline; what a run shows changes notebooks only."""
        if content is None and not names_kfp(path):
            content = read_file(path)
        pipeline = self.notebooks.compile(path, content, split)
        if content is None or pipeline.ir is not None:
            return pipeline, None
        return pipeline, self._planner(path, content, split)

    def _compile_whole(
        self, path: str | None, content: Mapping[str, Any] | None
    ) -> tuple[Pipeline, Mapping[str, Any]]:
        """Read a notebook that is run from top to bottom; returns its content as well."""
        if content is None:
            refuse_kfp(path)
            content = read_file(path)
        compiled = self.notebooks.compile(path, content, "auto")
        return whole_pipeline(compiled, content, self._interpreters.kernel_of(compiled)), content

    def _make_run(self, request: SubmitRequest) -> tuple[Run, Pipeline, Flow, PlanAnew | None]:
        request = self.pipelines.filled_in(request)
        if request.whole:
            return self._make_whole_run(request)
        pipeline, plan_anew = self._compile(request.path, request.notebook, request.split)
        flow = self._flow_of(pipeline)
        inventory = self.places.inventory_of(request.run_on or THIS_MACHINE)
        run = new_run(pipeline, request, inventory, utc_now(), flow)
        return run, pipeline, flow, plan_anew

    def _make_whole_run(self, request: SubmitRequest) -> tuple[Run, Pipeline, Flow, None]:
        pipeline, content = self._compile_whole(request.path, request.notebook)
        told = {"reports": request.reports, "folder": whole_folder(request)}
        pipeline = pipeline.model_copy(update=told)
        flow = self._flow_of(pipeline)
        inventory = self.places.inventory_of(request.run_on or THIS_MACHINE)
        run = new_run(pipeline, request, inventory, utc_now(), flow)
        if not request.parameters:  # papermill's own program has put them in already
            run = run.model_copy(update={"parameters": injected_parameters(content)})
        return run, pipeline, flow, None

    def _look_at_interpreters(self, pipeline: Pipeline) -> set[str]:
        """See that every step has somewhere to run, and learn what is installed there."""
        kinds = {(step.settings.kernel, step.settings.python): step for step in pipeline.steps}
        found = [self._interpreters.of_step(step, pipeline) for step in kinds.values()]
        for interpreter in found:
            self._environments.get(interpreter.python)
        return {interpreter.python for interpreter in found if interpreter.kernel is None}

    async def _warm_up(self) -> None:
        """Load, beside the first requests, what the first submit needs."""
        await self.read(import_module, "jupyter_mlplat.compiler")
        await self.read(self._environments.get, sys.executable)

    async def _look_at_logs(self) -> None:
        """Tell listeners of growing logs, as long as there are any."""
        sizes: dict[tuple[str, str], int] = {}
        while True:
            await asyncio.sleep(_LOG_LOOK_S)
            if not self.broker.listeners:
                continue
            grown = await self.read(self.traces.sizes, self.conductor.running_attempts())
            for (run, step), size in grown.items():
                if size > sizes.get((run, step), 0):
                    data = {"run_id": run, "step": step, "size_bytes": size}
                    self.publish("log.appended", step, data)
            sizes = grown

    async def _follow_servers(self) -> None:
        """Follow what becomes of notebook servers as long as somebody listens."""
        while True:
            if self.broker.listeners:
                self.servers.follow()
            else:
                await self.servers.rest()
            await asyncio.sleep(_SERVERS_LOOK_S)

    async def _look_after_leases(self) -> None:
        """Take back what kernels held that are no more."""
        while True:
            await asyncio.sleep(_LEASE_LOOK_S)
            leases = self.conductor.leases.known
            gone = [lease for lease in leases if not identity_of(lease).is_alive]
            if gone and self.conductor.trouble is None:
                await self.release_leases([lease.id for lease in gone])

    async def _stop_when_idle(self) -> None:
        while True:
            await asyncio.sleep(_IDLE_LOOK_S)
            is_needed = (
                self.conductor.is_at_work
                or self.serving.list()
                or self.broker.listeners
                or self.timekeeper.is_needed
                or self.conductor.leases.known
            )
            if is_needed:
                self.note_request()
            elif time.monotonic() - self._last_request > self.config.idle_shutdown_s:
                _log.info("Nobody has asked for anything for long: stopping.")
                self._stop(None)

    async def _stop_when_homeless(self, place: str) -> None:
        """End with everything that was started once the state directory is gone."""
        while _place_now(self.home) == place:
            await asyncio.sleep(_HOME_LOOK_S)
        _log.critical("The state directory is gone: ending all that belongs to it.")
        for launcher in (self.launcher, *(launcher for launcher, _ in self._verifiers.values())):
            await launcher.end_all()
        await self.places.end_all()
        with contextlib.suppress(OSError, PlatformError):
            await self.serving.end_processes()
        message = f"The state directory {str(self.home.root)!r} was deleted or moved away."
        self._stop(Unavailable(message))

    async def _give_up_silent(self) -> None:
        """End tracked runs whose code has not been heard of for long."""
        while True:
            await asyncio.sleep(_SILENCE_LOOK_S)
            try:
                await self.between_turns(self.tracking.end_silent)
            except PlatformError:
                _log.exception("Could not look for tracked runs that were given up")

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _place_now(home: Home) -> str | None:
    try:
        return place_of(home.root, home.lock)
    except OSError:
        return None
