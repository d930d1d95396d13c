"""What can be set for an engine: in `config.toml` of its state directory, or in the environment.

    [engine]
    cpu = 4                     # MLPLAT_CPU
    memory = "8Gi"              # MLPLAT_MEMORY
    gpus = 0                    # MLPLAT_GPUS
    idle_shutdown_hours = 8     # MLPLAT_IDLE_SHUTDOWN_HOURS
    worker_idle_minutes = 15    # MLPLAT_WORKER_IDLE_MINUTES
    body_limit = "64Mi"         # MLPLAT_BODY_LIMIT
    verify_timeout_minutes = 60 # MLPLAT_VERIFY_TIMEOUT_MINUTES
    webhook_allow = "10.0.0.0/8, hooks.local"  # MLPLAT_WEBHOOK_ALLOW: private addresses
    kfp_api = "on-demand"       # MLPLAT_KFP_API; or "off", or a port: then always served
    mlflow_api = "on-demand"    # MLPLAT_MLFLOW_API; the same for MLflow's
    tracked_silence_hours = 24  # MLPLAT_TRACKED_SILENCE_HOURS: then a tracked run is given up
    run_on = "this-machine"     # MLPLAT_RUN_ON: where work runs for which nobody says it

    [cluster.lab]               # a further place to run on; see ClusterConfig
    context = "lab"
    image = "registry.example.org/team/python:2026.11"
    volume = "anna-home"

The environment counts more than the file.
"""

import os
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any

from jupyter_mlplat.errors import InvalidInput
from jupyter_mlplat.kit.quantities import parse_bytes, parse_cpu

THIS_MACHINE = "this-machine"
"""The place that is always there: where the engine runs."""

_PLACE = re.compile(r"[a-z0-9]([a-z0-9._-]{0,61}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class ClusterConfig:
    """A place on a cluster: which, in what pods, and how work reaches them. Table `[cluster.NAME]`.

    Attributes:
        name: Of the place: what `run_on` says.
        image: What steps run in; needs Python and IPython.
        context: Of the kubeconfig. None: the cluster the engine runs in, else kubectl's own.
        kubeconfig: Where it is, if not where kubectl looks.
        namespace: Where Jobs are made. None: that of the context, or of the engine's pod.
        python: The interpreter in the image.
        exchange: `volume`: the state directory lies on a volume that pods mount at the same path.
            `http`: pods fetch what they need from the engine, and bring back what they made.
        volume: The claim that the state directory lies on.
        volume_path: Where that claim is mounted. None: at the state directory.
        browser_url: Below which a browser reaches the notebook servers of the cluster, such as
            `https://notebooks.example.org`.
        address: How pods reach the engine, for `http`: `http://engine.anna:8899`.
        listen: Where the engine listens for them.
        service_account: Of the pods. They get no token of it.
        gpu: What the cluster calls a GPU: `nvidia.com/gpu`, `amd.com/gpu`, `nvidia.com/mig-1g.5gb`.
        gpu_share: What it calls a share of one, if it has such a thing: `nvidia.com/gpu.shared`.
        node_selector: Labels of the nodes to run on.
        tolerations: Taints that are put up with, as Kubernetes spells them.
        pull_secrets: Secrets to pull the image with.
        priority_class: Of the pods.
        queue: Kueue's local queue.
        env: Variables of every step.
        user: Number of the user that pods run as. None: the engine's own, or 1000.
        keep_minutes: How long a Job that is over is kept, for whoever wants to look at it.
        pull_minutes: How long an image may take that cannot be pulled at first.
        wait_minutes: How long a pod may wait for a node. None: as long as it takes.
    """

    name: str
    image: str
    context: str | None = None
    kubeconfig: str | None = None
    namespace: str | None = None
    python: str = "python3"
    exchange: str = "volume"
    volume: str | None = None
    volume_path: str | None = None
    browser_url: str | None = None
    address: str | None = None
    listen: str = "0.0.0.0:8899"
    service_account: str | None = None
    gpu: str = "nvidia.com/gpu"
    gpu_share: str | None = None
    node_selector: Mapping[str, str] = field(default_factory=dict)
    tolerations: tuple[Mapping[str, Any], ...] = ()
    pull_secrets: tuple[str, ...] = ()
    priority_class: str | None = None
    queue: str | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    user: int | None = None
    keep_minutes: float = 10.0
    pull_minutes: float = 5.0
    wait_minutes: float | None = None


@dataclass(frozen=True, slots=True)
class EngineConfig:
    """Settings of one engine; None: what the machine has."""

    cpu: float | None = None
    memory_bytes: int | None = None
    gpus: int | None = None
    idle_shutdown_s: float = 8 * 3600.0
    worker_idle_s: float = 15 * 60.0
    body_limit_bytes: int = 64 * 2**20
    verify_timeout_s: float = 3600.0
    webhook_allow: tuple[str, ...] = ()
    kfp_port: int | None = 0  # 0: any, once somebody asks for it; None: never
    mlflow_port: int | None = 0
    tracked_silence_s: float = 24 * 3600.0
    runs_here: bool = True  # False: users' code never runs where the engine does
    files_root: Path | None = None  # what its users call "/"; None: this machine's own
    run_on: str = THIS_MACHINE
    clusters: tuple[ClusterConfig, ...] = ()


def _read_port(text: str) -> int | None:
    if text in ("on-demand", "off"):
        return 0 if text == "on-demand" else None
    if not text.isdigit() or not 1024 <= int(text) <= 65535:
        raise ValueError(f"needed 'on-demand', 'off' or a port from 1024 to 65535, found {text!r}")
    return int(text)


_READERS: Mapping[str, tuple[str, Callable[[str], Any]]] = {
    "cpu": ("cpu", parse_cpu),
    "memory": ("memory_bytes", parse_bytes),
    "gpus": ("gpus", int),
    "idle_shutdown_hours": ("idle_shutdown_s", lambda text: float(text) * 3600),
    "worker_idle_minutes": ("worker_idle_s", lambda text: float(text) * 60),
    "body_limit": ("body_limit_bytes", parse_bytes),
    "verify_timeout_minutes": ("verify_timeout_s", lambda text: float(text) * 60),
    "webhook_allow": ("webhook_allow", lambda text: tuple(text.replace(",", " ").split())),
    "kfp_api": ("kfp_port", _read_port),
    "mlflow_api": ("mlflow_port", _read_port),
    "tracked_silence_hours": ("tracked_silence_s", lambda text: float(text) * 3600),
    "run_on": ("run_on", str),
}


def read_config(path: Path, environment: Mapping[str, str] = os.environ) -> EngineConfig:
    """Read an engine's settings; no file means no settings.

    Raises:
        InvalidInput: The file is no TOML, or a setting is unknown or of the wrong form.
    """
    document = _read_document(path)
    table = document.get("engine", {})
    given = {
        name: (str(value), str(path))
        for name, value in (table if isinstance(table, dict) else {}).items()
    }
    for name in _READERS:
        if (value := environment.get(f"MLPLAT_{name.upper()}")) is not None:
            given[name] = (value, f"MLPLAT_{name.upper()}")
    found: dict[str, Any] = {"clusters": _read_clusters(document.get("cluster", {}), str(path))}
    for name, (value, place) in given.items():
        if name not in _READERS:
            raise InvalidInput(
                f"Cannot read {place}: {name!r} is no setting of the engine. "
                f"There are: {', '.join(_READERS)}."
            )
        setting, read = _READERS[name]
        try:
            found[setting] = read(value)
        except ValueError as error:
            raise InvalidInput(f"Cannot read {name!r} from {place}: {error}") from error
    config = EngineConfig(**found)
    places = [THIS_MACHINE, *(cluster.name for cluster in config.clusters)]
    if config.run_on not in places:
        raise InvalidInput(
            f"Cannot read 'run_on' from {path}: there is no place {config.run_on!r}. "
            f"There are: {', '.join(places)}. Describe it in a table [cluster.{config.run_on}]."
        )
    return config


def _read_clusters(tables: Any, path: str) -> tuple[ClusterConfig, ...]:
    if not isinstance(tables, dict):
        raise InvalidInput(f"Cannot read {path}: 'cluster' is no table. Write [cluster.NAME].")
    return tuple(_read_cluster(name, table, path) for name, table in tables.items())


def _read_cluster(name: str, table: Any, path: str) -> ClusterConfig:
    where = f"[cluster.{name}] of {path}"
    if not isinstance(table, dict):
        raise InvalidInput(f"Cannot read {where}: it is no table.")
    if not _PLACE.fullmatch(name) or name == THIS_MACHINE:
        raise InvalidInput(
            f"Cannot read {where}: a place is named by at most 63 small letters, digits, '-' and "
            f"'.', and not {THIS_MACHINE!r}."
        )
    known = {one.name: one for one in fields(ClusterConfig) if one.name != "name"}
    given: dict[str, Any] = {"name": name}
    for key, value in table.items():
        if key not in known:
            raise InvalidInput(
                f"Cannot read {where}: {key!r} is no setting of a cluster. "
                f"There are: {', '.join(known)}."
            )
        given[key] = _read_value(key, value, str(known[key].type), where)
    missing = [key for key, one in known.items() if key not in given and _is_needed(one)]
    if missing:
        raise InvalidInput(f"Cannot read {where}: {missing[0]!r} is missing.")
    cluster = ClusterConfig(**given)
    if cluster.exchange not in ("volume", "http"):
        raise InvalidInput(
            f"Cannot read {where}: 'exchange' is 'volume' or 'http', found {cluster.exchange!r}."
        )
    needed = "volume" if cluster.exchange == "volume" else "address"
    if getattr(cluster, needed) is None:
        raise InvalidInput(
            f"Cannot read {where}: {needed!r} is missing, which exchange = {cluster.exchange!r} "
            "needs."
        )
    return cluster


def _is_needed(one: Any) -> bool:
    return one.default is MISSING and one.default_factory is MISSING


def _read_value(key: str, value: Any, type_: str, where: str) -> Any:
    """Check a value of TOML against the type of its setting."""
    if type_.startswith("tuple"):
        inner: type = dict if "Mapping" in type_ else str
        is_right = isinstance(value, list) and all(isinstance(one, inner) for one in value)
        value = tuple(value) if is_right else value
    elif "Mapping" in type_:
        is_right = isinstance(value, dict)
        value = {name: str(one) for name, one in value.items()} if is_right else value
    elif "float" in type_ or "int" in type_:
        is_right = isinstance(value, int | float) and not isinstance(value, bool)
    else:
        is_right = isinstance(value, str) and value != ""
    if not is_right:
        raise InvalidInput(f"Cannot read {key!r} from {where}: found {value!r}.")
    return value


def _read_document(path: Path) -> Mapping[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise InvalidInput(f"Cannot read the settings in {str(path)!r}: {error}") from error
