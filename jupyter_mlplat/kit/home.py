"""The state directory: where it is and what lies where in it."""

import hashlib
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

SOCKET_PATH_LIMIT = 100  # bytes; Linux allows 107 and macOS 103 for a Unix socket


def default_home() -> Path:
    """Say which state directory is meant where none is named."""
    if named := os.environ.get("MLPLAT_HOME"):
        return Path(named).expanduser().absolute()
    data = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    return Path(data).expanduser().absolute() / "jupyter-mlplat"


@dataclass(frozen=True)
class Home:
    """Names every place in a state directory; creates nothing."""

    root: Path

    @property
    def lock(self) -> Path:
        return self.root / "engine.lock"

    @property
    def log(self) -> Path:
        return self.root / "engine.log"

    @property
    def settings(self) -> Path:
        return self.root / "config.toml"

    @property
    def audit(self) -> Path:
        """Who did what, of an engine that many share."""
        return self.root / "audit.log"

    @property
    def profiles(self) -> Path:
        """State directories of the profiles that share the engine, by name."""
        return self.root / "profiles"

    @property
    def database(self) -> Path:
        return self.root / "metadata.db"

    @property
    def reserve(self) -> Path:
        return self.root / "reserve"

    @property
    def flushed(self) -> Path:
        return self.root / "flushed"

    @property
    def kfp_api(self) -> Path:
        """Port and token of KFP's API, as long as it is to be served."""
        return self.root / "kfp-api.json"

    @property
    def mlflow_api(self) -> Path:
        """The same of MLflow's API."""
        return self.root / "mlflow-api.json"

    @property
    def blobs(self) -> Path:
        return self.root / "blobs"

    @property
    def runs(self) -> Path:
        return self.root / "runs"

    @property
    def endpoints(self) -> Path:
        return self.root / "endpoints"

    @property
    def environments(self) -> Path:
        """Environments that tasks of KFP pipelines asked for, one folder each."""
        return self.root / "environments"

    @property
    def images(self) -> Path:
        return self.root / "images.json"

    @property
    def leases(self) -> Path:
        return self.root / "leases.json"

    @property
    def volumes(self) -> Path:
        """Folders that stand for the volumes that tasks mount."""
        return self.root / "volumes"

    def workspace(self, run: str) -> Path:
        """Name the folder that the tasks of a run share; it goes when the run does."""
        return self.runs / run / ".workspace"

    @property
    def runtimes(self) -> Path:
        """Train runtimes that a platform team has added, one YAML file each."""
        return self.root / "runtimes"

    def checkpoints(self, run: str, step: str) -> Path:
        """Name the folder for checkpoints of a step: that of all its attempts."""
        return Path(f"{self.root}/runs/{run}/{step}/checkpoints")

    @cached_property
    def socket(self) -> Path:
        return self._socket_path("engine.sock")

    @cached_property
    def doorbell(self) -> Path:
        return self._socket_path("doorbell.sock")

    def attempt(self, run: str, step: str, attempt: int) -> Path:
        """Name the directory of one attempt."""
        return Path(f"{self.root}/runs/{run}/{step}/{attempt}")

    def _socket_path(self, name: str) -> Path:
        path = self.root / name
        if len(os.fsencode(path)) <= SOCKET_PATH_LIMIT:
            return path
        short = hashlib.sha256(os.fsencode(self.root)).hexdigest()[:16]
        suffix = "" if name == "engine.sock" else f"-{path.stem}"
        return self._runtime_directory() / f"{short}{suffix}.sock"

    @staticmethod
    def _runtime_directory() -> Path:
        if given := os.environ.get("XDG_RUNTIME_DIR"):
            return Path(given)
        return Path(f"/tmp/mlplat-{os.getuid()}")  # noqa: S108 - made 0700 and checked by the engine
