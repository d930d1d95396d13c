"""The processes of a train job: forked here, told their places, watched, and ended together.

The step's process is their agent: it has prepared what they need, so a rank costs a fork. Rank 0 is
the step: its outputs, its notebook, its metrics and its logs are the step's. The first rank that
fails is the step's failure, and the end of the others. However the agent itself ends, its ranks
end with it, and what they have started ends with them.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import select
import shutil
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from . import initialising, kin
from .events import Events
from .failures import StepFailed
from .files import read_json
from .reseeding import reseed

GRACE_S = 5.0
"""Ranks that are told to end may take this long; then they are killed."""

LONGEST_GRACE_S = 60.0
"""Longer than whoever tells a whole step to end waits before killing it."""

ADDRESS = "127.0.0.1"
MEETING, NODE = "MLPLAT_MEETING", "JOB_COMPLETION_INDEX"
"""In pods of a cluster: where rank 0 listens, and the number of the pod's node."""

OTHERS_S = 20.0
"""Once its own ranks have ended, a node waits so long for what the others have to say."""

CORE_DEATH_LEAD_S = 0.5
"""A rank that is killed is taken to have failed so much earlier than its end is seen: its peers
notice their broken connections before its parent is told."""

TAIL_LINES = 40
_KILLED_FIRST = (signal.SIGKILL, signal.SIGSEGV, signal.SIGBUS, signal.SIGILL, signal.SIGFPE)
_MPI_RANK = ("OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK", "MV2_COMM_WORLD_RANK")
_MPI_SETTINGS = {
    # Open MPI would refuse a machine with fewer cores than ranks, and containers.
    "OMPI_MCA_rmaps_base_oversubscribe": "1",
    "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe",
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
}
_START = os.path.join(os.path.dirname(os.path.abspath(__file__)), "start.py")
_TORCH_LAUNCHERS = ("torchrun", "torch.distributed.run", "torch.distributed.launch")


@dataclass(frozen=True)
class Place:
    """One process among those of a job."""

    rank: int
    node: int
    local_rank: int
    nodes: int
    processes: int  # of each node
    gpus: tuple[str, ...] = ()

    @property
    def world_size(self) -> int:
        return self.nodes * self.processes

    def __str__(self) -> str:
        return f"rank {self.rank} of {self.world_size} (node {self.node})"


def places_of(train: Mapping[str, Any], devices: Sequence[str] = ()) -> list[Place]:
    """Return the places of a job: node by node, the devices of the step divided among the nodes."""
    nodes = int(train.get("nodes") or 1)
    if len(devices) % nodes == 0:  # neighbours stay together: they are linked best
        size = len(devices) // nodes
        shares = [tuple(devices[node * size : (node + 1) * size]) for node in range(nodes)]
    else:
        spread = [tuple(devices[node::nodes]) for node in range(nodes)]
        shares = [own or (devices[node % len(devices)],) for node, own in enumerate(spread)]
    processes = int(train.get("processes") or max(1, len(shares[0])))
    return [
        Place(node * processes + local, node, local, nodes, processes, shares[node])
        for node in range(nodes)
        for local in range(processes)
    ]


@dataclass(frozen=True)
class Meeting:
    """Where the ranks of a job find each other, and which of its nodes this is.

    `node` is None where all nodes are this machine.
    """

    address: str = ADDRESS
    port: int = 0
    node: int | None = None

    @classmethod
    def from_environment(cls) -> Meeting:
        """Read what a cluster tells each pod of a job."""
        host, _, port = os.environ.get(MEETING, "").rpartition(":")
        if not host:
            return cls()
        return cls(host, int(port), int(os.environ.get(NODE, "0")))


def variables(
    contract: str,
    place: Place,
    port: int,
    *,
    run: str = "",
    restarts: int = 0,
    address: str = ADDRESS,
) -> dict[str, str]:
    """Return what a rank finds in its environment: the contract of its runtime.

    Source:
        torchrun's "Environment Variables"; Trainer v2's plugins torch and jax.
    """
    found: dict[str, Any] = {
        "RANK": place.rank,
        "WORLD_SIZE": place.world_size,
        "LOCAL_RANK": place.local_rank,
        "LOCAL_WORLD_SIZE": place.processes,
        "NODE_RANK": place.node,
        "GROUP_RANK": place.node,
        "GROUP_WORLD_SIZE": place.nodes,
        "MASTER_ADDR": address,
        "MASTER_PORT": port,
    }
    if contract == "torch":
        found.update(
            PET_NNODES=place.nodes,
            PET_NPROC_PER_NODE=place.processes,
            PET_NODE_RANK=place.node,
            PET_MASTER_ADDR=address,
            PET_MASTER_PORT=port,
            ROLE_NAME="default",
            ROLE_RANK=place.rank,
            ROLE_WORLD_SIZE=place.world_size,
            TORCHELASTIC_RUN_ID=run or "none",
            TORCHELASTIC_RESTART_COUNT=restarts,
            TORCHELASTIC_MAX_RESTARTS=restarts,
            TORCHELASTIC_USE_AGENT_STORE=False,  # rank 0 holds the store
        )
        if sys.platform == "linux" and address == ADDRESS:
            found["GLOO_SOCKET_IFNAME"] = "lo"  # all ranks are here, whatever the host is called
    elif contract == "jax":
        found.update(
            JAX_COORDINATOR_ADDRESS=f"{address}:{port}",
            JAX_COORDINATOR_PORT=port,
            JAX_NUM_PROCESSES=place.world_size,
            JAX_PROCESS_ID=place.rank,
        )
    if place.gpus:
        found["CUDA_VISIBLE_DEVICES"] = ",".join(place.gpus)
    return {name: str(value) for name, value in found.items()}


def place_in_mpi(train: Mapping[str, Any]) -> Place:
    """Return the place that MPI has given this process.

    Raises:
        StepFailed: It does not say.
    """
    rank = next((os.environ[name] for name in _MPI_RANK if name in os.environ), None)
    if rank is None:
        raise StepFailed(
            "not-started",
            f"Cannot tell which rank this is: mpirun has set none of {', '.join(_MPI_RANK)}.",
        )
    return places_of(train)[int(rank)]


def mpi_words(train: Mapping[str, Any], command: Sequence[str], directory: str) -> list[str]:
    """Return the words that start a job's ranks by mpirun: its command, or an interpreter each.

    Raises:
        StepFailed: There is no mpirun.
    """
    mpirun = shutil.which("mpirun") or shutil.which("mpiexec")
    if mpirun is None:
        raise StepFailed(
            "not-started",
            "Cannot start the ranks by MPI: there is no mpirun on PATH. Install Open MPI or MPICH, "
            "or choose the runtime 'plain'.",
        )
    own = list(command) or [sys.executable, "-I", _START, "rank", directory]
    return [mpirun, "-np", str(len(places_of(train))), *own]


def threads_of(cores: float | None, ranks: int) -> int:
    """Return how many threads a rank computes with: its share of the cores, at least one."""
    if cores is None or cores < ranks:
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
    return max(1, int(cores // ranks))


def starts_ranks_itself(command: Sequence[str]) -> bool:
    """Tell whether a command is torchrun: it is started once for each node, and starts its ranks.

    Its options are read from PET_*, so it starts as many as the job has.
    """
    words = [os.path.basename(word) for word in command[:3]]
    return bool(words) and (words[0] in _TORCH_LAUNCHERS or words[-1] in _TORCH_LAUNCHERS)


def hold_port(wanted: str | None = None) -> socket.socket:
    """Find a free port for the ranks' meeting point, and hold it against others until they listen.

    The socket does not listen and may be bound a second time, by a server that reuses addresses as
    torch, gRPC and Python do; nobody else is given the port meanwhile.

    Raises:
        StepFailed: The port that was asked for is in use.
    """
    held = socket.socket()
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        held.bind((ADDRESS, int(wanted or 0)))
    except (OSError, OverflowError, ValueError) as error:
        held.close()
        in_use = isinstance(error, OSError) and error.errno == errno.EADDRINUSE
        why = "it is in use by another program" if in_use else str(error)
        raise StepFailed(
            "port-in-use",
            f"Cannot start the ranks at MASTER_PORT={wanted}: {why}. Leave MASTER_PORT out, then "
            "a free port is found.",
        ) from None
    return held


@dataclass
class _Rank:
    """A rank, as its agent knows it."""

    place: Place
    directory: str
    pid: int = 0
    state: str = "pending"
    exit: str | None = None
    status: int | None = None
    started_at: float | None = None
    finished_at: float | None = None
    was_told_to_end: bool = False
    result: dict[str, Any] = field(default_factory=dict)

    @property
    def failed_at(self) -> float:
        at = self.result.get("failed_at") or self.finished_at or 0.0
        status = self.status or 0
        is_cause = os.WIFSIGNALED(status) and os.WTERMSIG(status) in _KILLED_FIRST
        return float(at) - (CORE_DEATH_LEAD_S if is_cause else 0.0)

    def describe(self) -> dict[str, Any]:
        """Return the `rank` event that says where it stands."""
        place = self.place
        return {
            "rank": place.rank,
            "node": place.node,
            "local_rank": place.local_rank,
            "state": self.state,
            "pid": self.pid or None,
            "gpus": list(place.gpus),
            "exit": self.exit,
            "started_at": self.started_at,
            "finished_at": self.finished_at,
        }


class Agent:
    """Starts the ranks of a step and waits for their end.

    Args:
        order: The step's order; `train` says how many there are.
        directory: Of the attempt; each rank has a folder below it.
        events: Where the engine reads of them.
    """

    def __init__(self, order: Mapping[str, Any], directory: str, events: Events) -> None:
        self.order = order
        self.train: Mapping[str, Any] = order["train"]
        self.directory = directory
        self.events = events
        self.contract = str(self.train.get("contract") or "plain")
        devices = [one for one in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if one]
        self.meeting = Meeting.from_environment()
        self.ranks = [_Rank(place, self._folder(place)) for place in self._places(devices)]
        self.others: OtherNodes | None = None
        if self.meeting.node == 0 and int(self.train.get("nodes") or 1) > 1:
            self.others = OtherNodes(directory, int(self.train["nodes"]), events)
        self.failure: _Rank | None = None
        self._is_ending = False
        self._is_told_to_end = False
        self._kill_at: float | None = None

    def run(self, body: Callable[[Place, str], None]) -> dict[str, Any]:
        """Run a rank's body in each of them; return what rank 0 wrote into its `result.json`.

        `body` is given the place and the rank's folder, in a process of its own; where it is to be
        told apart from a crash it writes a `result.json` there.

        Raises:
            StepFailed: A rank failed, or the step was told to end.
        """
        kin.adopt_orphans()
        self._initialise()
        held = None
        port = self.meeting.port  # of a pod, which nobody else listens in
        if self.meeting.node is None:
            held = hold_port((self.order.get("env") or {}).get("MASTER_PORT"))
            port = held.getsockname()[1]
        try:
            with _Wakeups() as wakeups:
                try:
                    for rank in self.ranks:
                        self._fork(rank, port, body, wakeups)
                    self._watch(wakeups)
                finally:
                    self._kill()
                    _end_descendants()
        finally:
            if held is not None:
                held.close()
        self._hear_others()
        if self._is_told_to_end:
            raise StepFailed("killed", "The ranks were told to end before they had finished.")
        if self.contract == "mpi":
            self._read_mpi_ranks()
        if self.failure is not None:
            self._tell_tail(self.failure)
            raise RankFailed(self.failure.place, self._error_of(self.failure), self.failure.result)
        return self.ranks[0].result

    def _hear_others(self) -> None:
        """Fail with what failed first, wherever that was."""
        if self.others is None:
            return
        has_failed = self.failure is not None or self._is_told_to_end
        error = self.others.first_error(0.0 if has_failed else OTHERS_S)
        if error is None:
            return
        at = float(error.pop("failed_at", None) or 0.0)
        if self.failure is None or at < self.failure.failed_at:
            raise StepFailed(**error)

    def _read_mpi_ranks(self) -> None:
        """Take from the ranks' own words how they ended: mpirun knows of one status only."""
        (mpirun,) = self.ranks
        self.ranks = []
        for place in places_of(self.train):
            rank = _Rank(place, self._folder(place), status=mpirun.status, pid=mpirun.pid)
            rank.result = read_json(os.path.join(rank.directory, "result.json"))
            rank.started_at, rank.finished_at = mpirun.started_at, mpirun.finished_at
            rank.state = rank.result.get("state") or ("failed" if mpirun.status else "succeeded")
            rank.exit = _describe_status(mpirun.status or 0)
            self.ranks.append(rank)
            self.events.emit("rank", **rank.describe())
        failed = [rank for rank in self.ranks if rank.result.get("error")]
        if failed:
            self.failure = min(failed, key=lambda rank: rank.failed_at)
        elif self.failure is not None:
            self.failure = self.ranks[0]

    def _initialise(self) -> None:
        """Have the dataset and the model here before anybody looks for them."""
        for what in ("dataset", "model"):
            said = self.train.get(what)
            if said:
                target = os.path.join(os.path.dirname(self.directory), what)
                os.environ[f"MLPLAT_{what.upper()}"] = initialising.bring(what, said, target)

    def _places(self, devices: Sequence[str]) -> list[Place]:
        places = places_of(self.train, devices)
        command = (self.order.get("program") or {}).get("command") or ()
        if self.contract == "mpi":
            return places[:1]  # mpirun itself
        if starts_ranks_itself(command):
            places = [place for place in places if place.local_rank == 0]
        node = self.meeting.node
        return places if node is None else [place for place in places if place.node == node]

    def _folder(self, place: Place) -> str:
        return os.path.join(self.directory, "ranks", str(place.rank))

    # - starting -

    def _fork(
        self, rank: _Rank, port: int, body: Callable[[Place, str], None], wakeups: _Wakeups
    ) -> None:
        os.makedirs(rank.directory, mode=0o700, exist_ok=True)
        agent = os.getpid()
        try:
            pid = os.fork()
        except OSError as error:
            raise StepFailed(
                "not-started",
                f"Cannot start {rank.place}: {error.strerror}. Ask for fewer processes.",
            ) from error
        if pid == 0:
            status = 70
            try:
                wakeups.leave()
                kin.die_with(agent)
                self._settle_in(rank, port)
                body(rank.place, rank.directory)
                status = 0
            except SystemExit as exited:
                status = exited.code if isinstance(exited.code, int) else 1
            except BaseException:
                os.write(2, traceback.format_exc().encode("utf-8", "backslashreplace"))
            finally:
                os._exit(status)
        rank.pid, rank.state, rank.started_at = pid, "running", time.time()
        self.events.emit("rank", **rank.describe())

    def _settle_in(self, rank: _Rank, port: int) -> None:
        """Make this process the rank: its environment, its logs, its share of the cores."""
        if self.contract == "mpi":
            here = {"MASTER_ADDR": self.meeting.address, "MASTER_PORT": str(port)}
            os.environ.update({**here, **_MPI_SETTINGS})
            return
        place = rank.place
        restarts = int(self.order.get("attempt") or 1) - 1
        run = str(self.order.get("run") or "")
        own = variables(
            self.contract, place, port, run=run, restarts=restarts, address=self.meeting.address
        )
        given = self.order.get("env") or {}
        os.environ.update({name: value for name, value in own.items() if name not in given})
        os.environ.update({name: own[name] for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK")})
        if place.gpus:
            os.environ["CUDA_VISIBLE_DEVICES"] = own["CUDA_VISIBLE_DEVICES"]
        limits = self.order.get("limits") or {}
        threads = threads_of(limits.get("cpu"), place.world_size)  # alike, on one node or several
        if "OMP_NUM_THREADS" not in given:
            os.environ["OMP_NUM_THREADS"] = str(threads)
            _limit_threads(threads)
        track_apart(place, given)
        if place.rank:
            open_logs(rank.directory)
            if not any(one["name"] == "@rng" for one in self.order.get("inputs") or ()):
                reseed(with_torch=False)

    # - watching -

    def _watch(self, wakeups: _Wakeups) -> None:
        while any(rank.state == "running" for rank in self.ranks):
            kill_at = self._kill_at
            wait_s = None if kill_at is None else max(0.0, kill_at - time.monotonic())
            if self.others is not None:
                self.others.relay()
                wait_s = min(1.0, wait_s if wait_s is not None else 1.0)
            wakeups.wait(wait_s)
            for pid, status in _ended_children():
                rank = next((one for one in self.ranks if one.pid == pid), None)
                if rank is not None and rank.state == "running":
                    self._note_end(rank, status)
            if wakeups.is_told_to_end and not self._is_ending:
                self._is_told_to_end = self._is_ending = True  # the ranks have heard it as well
                self._kill_at = time.monotonic() + LONGEST_GRACE_S
            if self.failure is not None and not self._is_ending:
                self._is_ending = True
                self._kill_at = time.monotonic() + GRACE_S
                self._signal(signal.SIGTERM)
            if kill_at is not None and time.monotonic() >= kill_at:
                self._kill()
                self._kill_at = time.monotonic() + GRACE_S

    def _note_end(self, rank: _Rank, status: int) -> None:
        rank.status, rank.finished_at = status, time.time()
        rank.result = read_json(os.path.join(rank.directory, "result.json"))
        state = rank.result.get("state") or ("failed" if status else "succeeded")
        if state == "failed" or status:
            by_us = rank.was_told_to_end or self._is_told_to_end
            state = "stopped" if by_us and not rank.result.get("error") else "failed"
        rank.state, rank.exit = state, _describe_status(status)
        if state == "failed" and (self.failure is None or rank.failed_at < self.failure.failed_at):
            self.failure = rank
        self.events.emit("rank", **rank.describe())

    def _signal(self, number: signal.Signals) -> None:
        for rank in self.ranks:
            if rank.state == "running":
                rank.was_told_to_end = True
                with contextlib.suppress(ProcessLookupError):
                    os.kill(rank.pid, number)

    def _kill(self) -> None:
        self._signal(signal.SIGKILL)

    # - the end -

    def _error_of(self, rank: _Rank) -> dict[str, Any]:
        """Say what a rank failed of: what it says itself, else what the system says."""
        said = rank.result.get("error")
        who = f"R{str(rank.place)[1:]}"
        if isinstance(said, dict):
            return {**said, "message": f"{who}: {said.get('message')}"}
        status = rank.status or 0
        command = (self.order.get("program") or {}).get("command")
        if os.WIFSIGNALED(status):
            hint = ""
            if os.WTERMSIG(status) == signal.SIGKILL:
                hint = " Perhaps the system was out of memory."
            message = f"{who} was ended by {rank.exit}.{hint}"
            return {"code": "killed", "message": f"{message} Its last lines are in the step's log."}
        what = f"the command {command[0]!r}" if command else "a cell or a library"
        message = f"{who}: {what} ended the process with {rank.exit}. Its log says more."
        return {"code": "task-error" if command else "exited", "message": message}

    def _tell_tail(self, rank: _Rank) -> None:
        """Copy the last lines of a rank's logs into the step's, where one looks first."""
        if rank.place.rank == 0:
            return
        for fd, name in ((1, "stdout.log"), (2, "stderr.log")):
            tail = _tail(os.path.join(rank.directory, name))
            if tail:
                head = f"--- {rank.place}, last lines of {name}:\n".encode()
                os.write(fd, head + tail + (b"" if tail.endswith(b"\n") else b"\n"))


class OtherNodes:
    """The nodes beside the first one, by what their agents write on the volume that all share.

    Args:
        directory: Of the attempt; that of a node is `nodes/<number>` below it.
        nodes: How many there are, the first one included.
        events: Where the engine reads.
    """

    def __init__(self, directory: str, nodes: int, events: Events) -> None:
        self._folders = [os.path.join(directory, "nodes", str(node)) for node in range(1, nodes)]
        self._events = events
        self._read = dict.fromkeys(self._folders, 0)

    def relay(self) -> None:
        """Tell the engine how the ranks of other nodes stand."""
        for folder in self._folders:
            try:
                with open(os.path.join(folder, "events.jsonl"), "rb") as file:
                    file.seek(self._read[folder])
                    lines = file.read().splitlines(keepends=True)
            except OSError:
                continue
            for line in lines:
                if not line.endswith(b"\n"):
                    break
                self._read[folder] += len(line)
                with contextlib.suppress(ValueError, TypeError):
                    said = json.loads(line)
                    if said.pop("kind", None) == "rank":
                        said.pop("t", None)
                        self._events.emit("rank", **said)

    def first_error(self, wait_s: float) -> dict[str, Any] | None:
        """Wait for all to end; return the error of the one that failed first, with `failed_at`."""
        until = time.monotonic() + wait_s
        while True:
            self.relay()
            ends = [read_json(os.path.join(folder, "result.json")) for folder in self._folders]
            if all(ends) or time.monotonic() >= until:
                break
            time.sleep(0.2)
        failed = [end for end in ends if isinstance(end.get("error"), dict)]
        failed = [end for end in failed if end["error"].get("code") != "killed"] or failed
        if not failed:
            return None
        first = min(failed, key=lambda end: float(end.get("failed_at") or 0.0))
        return {**first["error"], "failed_at": first.get("failed_at")}


class RankFailed(StepFailed):
    """A rank has failed; carries what it wrote of itself as well."""

    def __init__(self, place: Place, error: Mapping[str, Any], result: dict[str, Any]) -> None:
        super().__init__(**error)
        self.place = place
        self.result = result


class _Wakeups:
    """Lets the agent sleep until a child ends or it is told to end itself."""

    def __init__(self) -> None:
        self.is_told_to_end = False
        self._heard, self._told = socket.socketpair()
        self._heard.setblocking(False)
        self._told.setblocking(False)
        self._before: dict[signal.Signals, Any] = {}
        self._fd = -1

    def __enter__(self) -> _Wakeups:
        self._fd = signal.set_wakeup_fd(self._told.fileno(), warn_on_full_buffer=False)
        for number, handler in (
            (signal.SIGCHLD, lambda *_: None),
            (signal.SIGTERM, self._hear),
        ):
            self._before[number] = signal.signal(number, handler)
        return self

    def __exit__(self, *_: object) -> None:
        self.leave()

    def leave(self) -> None:
        """Put everything back as it was: at the end, and in a rank."""
        for number, handler in self._before.items():
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)
        signal.set_wakeup_fd(self._fd)
        self._heard.close()
        self._told.close()

    def wait(self, timeout_s: float | None) -> None:
        ready, _, _ = select.select([self._heard], [], [], timeout_s)
        if ready:
            with contextlib.suppress(BlockingIOError):
                self._heard.recv(4096)

    def _hear(self, *_: Any) -> None:
        self.is_told_to_end = True


def _ended_children() -> Iterator[tuple[int, int]]:
    """Reap whoever has ended: ranks, and what they left to us."""
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        yield pid, status


def _end_descendants() -> None:
    """End everything that ranks have started and left, until nothing is left."""
    for _ in range(100):  # each round ends a generation
        for _pid, _status in _ended_children():
            pass
        left = kin.children_of(os.getpid())
        if not left:
            return
        for pid in left:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(-1, 0)


def _limit_threads(threads: int) -> None:
    """Let libraries that are loaded already compute with so many threads."""
    torch = sys.modules.get("torch")
    if torch is not None and hasattr(torch, "set_num_threads"):
        torch.set_num_threads(threads)
    pools = sys.modules.get("threadpoolctl")
    if pools is not None and hasattr(pools, "threadpool_limits"):
        pools.threadpool_limits(threads)


def open_logs(directory: str) -> None:
    """Let what this process prints go into a folder."""
    for fd, name in ((1, "stdout.log"), (2, "stderr.log")):
        path = os.path.join(directory, name)
        log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(log, fd)
        os.close(log)


def tell_place(place: Place, order: Mapping[str, Any]) -> None:
    """Put into the environment what any rank finds there."""
    port = int(os.environ.get("MASTER_PORT") or 0)
    os.environ.update(variables("mpi", place, port, run=str(order.get("run") or "")))
    track_apart(place, order.get("env") or {})


def track_apart(place: Place, given: Mapping[str, str]) -> None:
    """Let a rank track with MLflow into a run of its own below the job's, which is rank 0's.

    Else every value would be there once a rank, and every model.
    """
    ours = given.get("MLFLOW_TRACKING_URI", "")
    is_ours = "/in/" in ours and os.environ.get("MLFLOW_TRACKING_URI", "").startswith(ours)
    if place.rank == 0 or not is_ours:
        return
    os.environ.pop("MLFLOW_RUN_ID", None)
    tags = json.loads(os.environ.get("MLFLOW_RUN_CONTEXT") or "{}")
    os.environ["MLFLOW_RUN_CONTEXT"] = json.dumps({**tags, "mlflow.runName": f"rank {place.rank}"})


def _describe_status(status: int) -> str:
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        name = signal.Signals(number).name if number in set(signal.Signals) else "unknown"
        return f"signal {number}, {name}"
    return f"exit status {os.WEXITSTATUS(status)}"


def _tail(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - (16 << 10)))
            return b"".join(file.readlines()[-TAIL_LINES:])
    except OSError:
        return b""


__all__ = [
    "Agent",
    "Place",
    "RankFailed",
    "hold_port",
    "mpi_words",
    "open_logs",
    "place_in_mpi",
    "places_of",
    "starts_ranks_itself",
    "tell_place",
    "threads_of",
    "track_apart",
    "variables",
]
