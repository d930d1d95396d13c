"""What lies next to the notebook: its local modules. Read by the caller; here it is a value."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class FolderView:
    """The Python files that the notebook can import by name.

    Attributes:
        files: Source text by path relative to the notebook, with `/`: `helpers.py`,
            `package/__init__.py`, `package/part.py`.
    """

    files: Mapping[str, str] = field(default_factory=dict)

    @property
    def sources(self) -> dict[str, str]:
        """Source text by dotted module name."""
        return {module_name(path): source for path, source in self.files.items()}

    def path_of(self, module: str) -> str | None:
        """Return the file of a module, or None if it is not a local one."""
        for path in self.files:
            if module_name(path) == module:
                return path
        return None


def module_name(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
