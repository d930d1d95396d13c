"""Which interpreter or kernel a step runs in."""

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jupyter_mlplat.errors import InvalidInput
from jupyter_mlplat.resources.pipeline import Pipeline, Step


@dataclass(frozen=True, slots=True)
class Interpreter:
    """`kernel` is set where papermill has to run the step in that kernel; `python` is ours then."""

    python: str
    kernel: str | None = None


class Interpreters:
    """Finds interpreters by way of kernel specs; remembers nothing, so new kernels are seen.

    Confined, it offers the engine's own and no other: to look into one means to run it.
    """

    def __init__(self, is_confined: bool = False) -> None:
        self._is_confined = is_confined

    def of_step(self, step: Step, pipeline: Pipeline) -> Interpreter:
        """Say where a step runs: as its settings say, else in the notebook's kernel.

        A notebook written on another machine often names a kernel that is not here; as long as its
        language is Python it runs in the engine's own interpreter.

        Raises:
            InvalidInput: The kernel that was set, or the notebook's own, is not installed.
        """
        if self._is_confined:
            return Interpreter(sys.executable)
        if step.settings.kernel is not None:
            specs = _kernel_specs()
            if step.settings.kernel not in specs:
                raise InvalidInput(
                    f"Cannot run step {step.name!r}: kernel {step.settings.kernel!r} is not "
                    f"installed. There are: {', '.join(sorted(specs)) or 'none'}. "
                    "Install it, or set another one.",
                    step=step.name,
                )
            return Interpreter(sys.executable, step.settings.kernel)
        if step.settings.python is not None:
            return Interpreter(_absolute(step.settings.python))
        return self._of_notebook(step, pipeline)

    def python_of(self, kernel: str) -> str | None:
        """Return the interpreter of an installed Python kernel; None for other languages."""
        spec = _kernel_specs().get(kernel)
        if spec is None or str(spec.get("language", "")).lower() != "python":
            return None
        return _python_of(spec)

    def kernel_of(self, pipeline: Pipeline) -> str:
        """Name the kernel a whole notebook runs in: its own, else the Python that is here.

        Raises:
            InvalidInput: There is none of its language.
        """
        specs = _kernel_specs()
        if self._is_confined:
            return "python3"
        if pipeline.kernel.lower() in specs:
            return pipeline.kernel.lower()
        if pipeline.language.lower() == "python":
            own = ("python3", *specs)
            found = (name for name in own if specs.get(name, {}).get("language") == "python")
            if (name := next(found, None)) is not None:
                return name
        raise InvalidInput(
            f"Cannot run {pipeline.name!r}: its kernel {pipeline.kernel!r} is not installed. There "
            f"are: {', '.join(sorted(specs)) or 'none'}. Install it, or choose another one."
        )

    def _of_notebook(self, step: Step, pipeline: Pipeline) -> Interpreter:
        spec = _kernel_specs().get(pipeline.kernel)
        language = str(spec.get("language", "")) if spec else pipeline.language
        if language.lower() == "python":
            return Interpreter(_python_of(spec) if spec else sys.executable)
        if spec is None:
            raise InvalidInput(
                f"Cannot run step {step.name!r}: the notebook is written in {pipeline.language} "
                f"for the kernel {pipeline.kernel!r}, which is not installed. Install it.",
                step=step.name,
            )
        return Interpreter(sys.executable, pipeline.kernel)


def _python_of(spec: dict[str, Any]) -> str:
    """Return the interpreter of a kernel spec; `python` alone means the one that reads the spec."""
    argv = spec.get("argv") or [""]
    is_ipykernel = "ipykernel_launcher" in argv or "ipykernel" in argv
    if is_ipykernel and os.path.isabs(argv[0]) and os.access(argv[0], os.X_OK):
        return str(argv[0])
    return sys.executable


def _absolute(python: str) -> str:
    return str(Path(python).expanduser().absolute())


def _kernel_specs() -> dict[str, dict[str, Any]]:
    """Read every kernel spec there is; of equal names the first on Jupyter's path counts."""
    specs: dict[str, dict[str, Any]] = {}
    for root in _kernel_roots():
        for path in sorted(root.glob("*/kernel.json")):
            try:
                spec = json.loads(path.read_bytes())
            except (OSError, ValueError):
                continue
            if isinstance(spec, dict):
                specs.setdefault(path.parent.name.lower(), spec)
    return specs


def _kernel_roots() -> list[Path]:
    """List where Jupyter looks, in its order (jupyter_core.paths, without importing it)."""
    given = [Path(entry) for entry in os.environ.get("JUPYTER_PATH", "").split(os.pathsep) if entry]
    data = os.environ.get("JUPYTER_DATA_DIR")
    user = Path(data) if data else Path("~/.local/share/jupyter").expanduser()
    shared = [Path("/usr/local/share/jupyter"), Path("/usr/share/jupyter")]
    return [root / "kernels" for root in (*given, Path(sys.prefix, "share/jupyter"), user, *shared)]
