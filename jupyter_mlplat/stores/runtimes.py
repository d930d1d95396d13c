"""The train runtimes that a platform team has added: `runtimes/*.yaml` of a state directory."""

from collections.abc import Mapping
from pathlib import Path

import yaml
from pydantic import ValidationError

from jupyter_mlplat.errors import InvalidInput, NotFound
from jupyter_mlplat.kit.files import make_private_directory, write_atomically
from jupyter_mlplat.resources.training import TrainRuntime


class LocalTrainRuntimes:
    """Reads a file again whenever it has changed. Safe from any thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[Path, tuple[int, TrainRuntime]] = {}

    def list(self) -> tuple[TrainRuntime, ...]:
        """Return the runtimes of the folder, by file name; none where there is no folder.

        Raises:
            InvalidInput: A file is no runtime.
        """
        return tuple(self._read(path) for path in self._paths())

    def put(self, runtime: TrainRuntime) -> bool:
        """Keep a runtime in the place of the one of its name; tell whether there was one."""
        make_private_directory(self._folder)
        path = self._folder / f"{runtime.name}.yaml"
        was_there = path.exists()
        fields = runtime.model_dump(mode="json", exclude={"is_built_in"}, exclude_defaults=True)
        write_atomically(path, yaml.safe_dump(fields, sort_keys=False).encode(), durable=True)
        return was_there

    def delete(self, name: str) -> None:
        """Forget a runtime that was added.

        Raises:
            NotFound: None of this name was.
        """
        known = {self._read(path).name: path for path in self._paths()}
        if name not in known:
            raise NotFound(f"There is no added runtime {name!r}. Those that are built in stay.")
        known[name].unlink(missing_ok=True)

    def _paths(self) -> tuple[Path, ...]:
        return tuple(sorted((*self._folder.glob("*.yaml"), *self._folder.glob("*.yml"))))

    def _read(self, path: Path) -> TrainRuntime:
        stamp = path.stat().st_mtime_ns
        known = self._known.get(path)
        if known is None or known[0] != stamp:
            known = self._known[path] = (stamp, _parse(path))
        return known[1]


def _parse(path: Path) -> TrainRuntime:
    try:
        said = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise InvalidInput(f"Cannot read the train runtime {str(path)!r}: {error}") from error
    fields = dict(said) if isinstance(said, Mapping) else {}
    fields = {"name": path.stem, "title": path.stem, **fields, "is_built_in": False}
    try:
        return TrainRuntime.model_validate(fields)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        place = ".".join(map(str, fault["loc"])) or "the file"
        raise InvalidInput(
            f"Cannot read the train runtime {str(path)!r}: {place}: {fault['msg']}."
        ) from error
