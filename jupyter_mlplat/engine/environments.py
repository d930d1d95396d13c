"""What is installed beside an interpreter: read from the folders, not by running its packages."""

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from jupyter_mlplat.errors import InvalidInput
from jupyter_mlplat.kit.digests import digest_text

_PROBE = "import json, sys; print(json.dumps([sys.version.split()[0], sys.path]))"
_PROBE_TIMEOUT_S = 20.0  # a cold interpreter on a network disk may take seconds
_FOLDER = re.compile(r"^(?P<name>.+?)-(?P<version>\d[^-]*)(?:\.dist-info|-py[\d.]+\.egg-info)$")


@dataclass(frozen=True)
class Environment:
    """The packages one interpreter finds, with their versions, named as their folders are."""

    python: str
    version: str
    distributions: Mapping[str, str]
    folders: Mapping[str, Path]  # name → its metadata folder

    @cached_property
    def lock(self) -> str:
        """Name every package with its version, one a line, as `pip freeze` does."""
        lines = [f"{name}=={version}" for name, version in self.distributions.items()]
        return "\n".join([f"# Python {self.version}", *sorted(lines, key=str.lower)]) + "\n"

    @cached_property
    def lock_digest(self) -> str:
        return digest_text(self.lock)

    @cached_property
    def _by_module(self) -> Mapping[str, str]:
        """Map importable names to packages."""
        modules: dict[str, str] = {}
        for name in self.distributions:
            for module in _modules_of(self.folders[name], name):
                modules[module] = name
        return modules

    def distributions_of(self, modules: Iterable[str]) -> tuple[list[str], list[str]]:
        """Return the packages that modules come from, and the modules no package has."""
        tops = sorted({module.partition(".")[0] for module in modules})
        found = dict.fromkeys(self._by_module[top] for top in tops if top in self._by_module)
        return list(found), [top for top in tops if top not in self._by_module]

    def versions_of(self, modules: Iterable[str]) -> dict[str, str]:
        """Return the versions of the packages that modules come from, by top-level module."""
        tops = {module.partition(".")[0] for module in modules} - {"builtins"}
        packages = {top: self._by_module.get(top, "") for top in sorted(tops)}
        return {top: self.distributions.get(name, "none") for top, name in packages.items()}


def _modules_of(folder: Path, name: str) -> list[str]:
    try:
        return (folder / "top_level.txt").read_text("utf-8", "replace").split()
    except OSError:
        pass
    try:
        record = (folder / "RECORD").read_text("utf-8", "replace")
    except OSError:
        return [name.replace("-", "_")]
    firsts = {line.split(",", 1)[0].split("/", 1)[0] for line in record.splitlines()}
    return [first.split(".", 1)[0] for first in firsts if not first.endswith((".dist-info", ".."))]


class Environments:
    """Knows the environment of each interpreter, and notices when packages come or go.

    Installing or removing a package changes the time of the folder it lies in: a look at those
    times is all it takes to know that nothing has changed. Safe to use from any thread.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._search: dict[str, tuple[str, tuple[str, ...]]] = {
            sys.executable: (sys.version.split()[0], tuple(_folders_of(sys.path)))
        }
        self._known: dict[str, tuple[tuple[int, ...], Environment]] = {}

    def get(self, python: str) -> Environment:
        """Return the environment of an interpreter as it is now.

        Raises:
            InvalidInput: There is no interpreter that runs.
        """
        with self._lock:
            if python not in self._search:
                self._search[python] = _ask(python)
            version, folders = self._search[python]
            stamps = tuple(_stamp(folder) for folder in folders)
            known = self._known.get(python)
            if known is not None and known[0] == stamps:
                return known[1]
            environment = _scan(python, version, folders)
            self._known[python] = (stamps, environment)
            return environment


def _ask(python: str) -> tuple[str, tuple[str, ...]]:
    try:
        answer = subprocess.run(
            [python, "-c", _PROBE],
            capture_output=True,
            timeout=_PROBE_TIMEOUT_S,
            check=True,
            cwd="/",  # so that '' on its path is not the engine's folder
        )
        version, path = json.loads(answer.stdout)
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        raise InvalidInput(
            f"Cannot use the interpreter {python!r}: it does not run ({error}). "
            "Set the step's python to the path of a Python 3.9 or newer.",
            python=python,
        ) from error
    return str(version), tuple(_folders_of(path))


def _folders_of(path: Iterable[str]) -> list[str]:
    return [folder for folder in path if folder.endswith(("site-packages", "dist-packages"))]


def _stamp(folder: str) -> int:
    try:
        return os.stat(folder).st_mtime_ns
    except OSError:
        return 0


def _scan(python: str, version: str, folders: Iterable[str]) -> Environment:
    distributions: dict[str, str] = {}
    places: dict[str, Path] = {}
    for folder in folders:
        try:
            names = os.listdir(folder)
        except OSError:
            continue
        for entry in names:
            match = _FOLDER.match(entry)
            if match and match["name"] not in distributions:  # the first on the path is imported
                distributions[match["name"]] = match["version"]
                places[match["name"]] = Path(folder, entry)
    return Environment(python, version, distributions, places)
