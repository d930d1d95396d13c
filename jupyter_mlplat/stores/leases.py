"""The leases of live kernels, in one JSON file: an engine that starts takes them up again."""

from collections.abc import Iterable
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from jupyter_mlplat.kit.files import make_private_directory, write_atomically
from jupyter_mlplat.resources.inventory import Lease

_LEASES = TypeAdapter(tuple[Lease, ...])


class LocalLeases:
    """Reads and writes the file; the engine of the state directory is the only one who does."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> tuple[Lease, ...]:
        """Return the leases as they were last written; none of a file that cannot be read.

        What it held is then free: a kernel that lives on keeps its device and is not counted.
        """
        try:
            return _LEASES.validate_json(self._path.read_bytes())
        except (OSError, ValidationError):
            return ()

    def write(self, leases: Iterable[Lease]) -> None:
        """Replace all leases."""
        make_private_directory(self._path.parent)
        write_atomically(self._path, _LEASES.dump_json(tuple(leases)), durable=True)
