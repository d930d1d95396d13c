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

The environment counts more than the file.
"""

import os
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jupyter_mlplat.errors import InvalidInput
from jupyter_mlplat.kit.quantities import parse_bytes, parse_cpu


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
}


def read_config(path: Path, environment: Mapping[str, str] = os.environ) -> EngineConfig:
    """Read an engine's settings; no file means no settings.

    Raises:
        InvalidInput: The file is no TOML, or a setting is unknown or of the wrong form.
    """
    given = {name: (str(value), str(path)) for name, value in _read_table(path).items()}
    for name in _READERS:
        if (value := environment.get(f"MLPLAT_{name.upper()}")) is not None:
            given[name] = (value, f"MLPLAT_{name.upper()}")
    fields = {}
    for name, (value, place) in given.items():
        if name not in _READERS:
            raise InvalidInput(
                f"Cannot read {place}: {name!r} is no setting of the engine. "
                f"There are: {', '.join(_READERS)}."
            )
        field, read = _READERS[name]
        try:
            fields[field] = read(value)
        except ValueError as error:
            raise InvalidInput(f"Cannot read {name!r} from {place}: {error}") from error
    return EngineConfig(**fields)


def _read_table(path: Path) -> Mapping[str, Any]:
    try:
        table = tomllib.loads(path.read_text("utf-8")).get("engine", {})
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise InvalidInput(f"Cannot read the settings in {str(path)!r}: {error}") from error
    return table if isinstance(table, dict) else {}
