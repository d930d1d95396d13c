"""The IPython shell that runs a step's cells: a notebook kernel without its sockets."""

from __future__ import annotations

import atexit
import hashlib
import importlib
import linecache
import os
import sys
import tempfile
import types
from typing import Any

import cloudpickle.cloudpickle as cloudpickle
from IPython.core.compilerop import CachingCompiler
from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.error import StdinNotImplementedError, UsageError
from IPython.core.interactiveshell import ExecutionResult, InteractiveShell
from IPython.core.magic import Magics, line_magic, magics_class
from traitlets import Any as AnyTrait
from traitlets import Type
from traitlets.config import Config

from .marks import MarkMagics, blank_mark
from .outputs import Recorder, StepStream, to_json_data


class CellCompiler(CachingCompiler):
    """Names cells by their content.

    So that the same function has the same code object wherever it was compiled.
    """

    def get_code_name(self, raw_code: str, code: str, number: int) -> str:
        """Return the file name that tracebacks and warnings show.

        Not the name of a file that exists.
        """
        digest = hashlib.sha256(raw_code.encode("utf-8", "backslashreplace")).hexdigest()
        return os.path.join(tempfile.gettempdir(), "mlplat_cells", f"{digest[:16]}.py")


class StepDisplayHook(DisplayHook):
    """Records the value of a cell's last expression as `execute_result`."""

    recorder: Recorder | None = None
    _output: dict[str, Any] | None = None

    def start_displayhook(self) -> None:
        super().start_displayhook()  # type: ignore[no-untyped-call]
        self._output = {"output_type": "execute_result", "data": {}, "metadata": {}}

    def write_output_prompt(self) -> None:
        if self._output is not None:
            self._output["execution_count"] = self.prompt_count

    def write_format_data(self, format_dict: Any, md_dict: Any = None) -> None:
        if self._output is not None:
            self._output["data"] = to_json_data(format_dict)
            self._output["metadata"] = to_json_data(md_dict or {})

    def finish_displayhook(self) -> None:
        output, self._output = self._output, None
        self._is_active = False
        if output is not None and output["data"] and self.recorder is not None:
            self.recorder.display(output, None, update=False)

    @property
    def is_formatting(self) -> bool:
        """Tell whether a value is being formatted right now."""
        return self._output is not None


class StepDisplayPublisher(DisplayPublisher):
    """Records what `display()` shows."""

    recorder: Recorder | None = None

    def publish(
        self,
        data: Any,
        metadata: Any = None,
        source: Any = None,
        *,
        transient: Any = None,
        update: bool = False,
        **kwargs: Any,
    ) -> None:
        self._validate_data(data, metadata)  # type: ignore[no-untyped-call]
        if self.recorder is None:
            return
        output = {
            "output_type": "display_data",
            "data": to_json_data(data),
            "metadata": to_json_data(metadata or {}),
        }
        self.recorder.display(output, (transient or {}).get("display_id"), update)

    def clear_output(self, wait: bool = False) -> None:
        if self.recorder is not None:
            self.recorder.clear(wait)


class ZMQInteractiveShell(InteractiveShell):
    """The shell of a step.

    It bears ipykernel's name because libraries ask for it to learn that a notebook shows them.

    (pandas, tqdm and rich look for `ZMQInteractiveShell` in the name of the shell's class, others
    for `IPKernelApp` in its configuration.)
    """

    displayhook_class = Type(StepDisplayHook)
    display_pub_class = Type(StepDisplayPublisher)
    compiler_class = Type(CellCompiler)
    data_pub_class = AnyTrait()
    exit_asked = False
    display_failed = False

    def init_environment(self) -> None:
        """Do as ipykernel does: tools below should neither page nor forget their colours."""
        os.environ.update(
            TERM="xterm-color",
            CLICOLOR="1",
            FORCE_COLOR="1",
            CLICOLOR_FORCE="1",
            PAGER="cat",
            GIT_PAGER="cat",
        )
        os.environ.setdefault("MPLBACKEND", "module://matplotlib_inline.backend_inline")

    def init_virtualenv(self) -> None:
        """Leave the path alone: the interpreter was chosen on purpose."""

    def init_hooks(self) -> None:
        """Show `?help` nowhere, as nbclient does with a kernel's pager."""
        super().init_hooks()  # type: ignore[no-untyped-call]
        set_hook: Any = self.set_hook
        set_hook("show_in_pager", lambda *_, **__: None, 99)

    def enable_gui(self, gui: Any = None) -> None:
        """Accept any event loop: nobody is there to click."""

    def ask_exit(self) -> None:
        """Remember that a cell called `exit()`."""
        self.exit_asked = True

    def _showtraceback(self, etype: Any, evalue: Any, stb: list[str]) -> None:
        hook: Any = self.displayhook
        publisher: Any = self.display_pub
        if hook.is_formatting:
            self.display_failed = True
        if publisher.recorder is not None:
            publisher.recorder.fail(etype.__name__, str(evalue), list(stb))

    def record(self, recorder: Recorder) -> None:
        """Send everything that cells show to a recorder from now on."""
        for part in (self.displayhook, self.display_pub):
            setattr(part, "recorder", recorder)  # noqa: B010  the traits name IPython's classes
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, StepStream):
                stream.recorder = recorder

    async def run(self, source: str) -> Any:
        """Run a cell as ipykernel does, inside a running event loop; return IPython's result."""
        self.display_failed = False
        failure = None
        try:
            transformed = self.transform_cell(source)  # type: ignore[no-untyped-call]
        except Exception:
            transformed, failure = source, sys.exc_info()
        if not self.should_run_async(
            source, transformed_cell=transformed, preprocessing_exc_tuple=failure
        ):
            return self.run_cell(source, store_history=True)  # type: ignore[no-untyped-call]
        result = None
        try:
            result = await self.run_cell_async(
                source,
                store_history=True,
                transformed_cell=transformed,
                preprocessing_exc_tuple=failure,
            )
        finally:
            self.events.trigger("post_execute")
            self.events.trigger("post_run_cell", result)
        return result


class MainModule(types.ModuleType):
    """`__main__`: knows classes that came with a value although no name is bound to them.

    The user's own `pickle.dumps(instance)` looks for the class here.
    """

    def __getattr__(self, name: str) -> Any:
        for cls in list(cloudpickle._DYNAMIC_CLASS_TRACKER_BY_ID.values()):
            if cls.__qualname__ == name and cls.__module__ == "__main__":
                return cls
        raise AttributeError(f"module '__main__' has no attribute {name!r}")

    def __reduce__(self) -> Any:
        return importlib.import_module, ("__main__",)


@magics_class
class KernelMagics(Magics):
    """Magics that ipykernel adds and that make sense without a client."""

    @line_magic
    def autosave(self, line: str) -> None:
        """Take the front end's interval, which nobody reads."""
        print(f"Autosaving every {int(line)} seconds" if int(line) else "Autosave disabled")

    @line_magic
    def clear(self, line: str) -> None:
        """Clear the terminal."""
        shell: Any = self.shell
        shell.system("clear")

    @line_magic
    def less(self, line: str) -> None:
        """Show a file in the pager, that is: nowhere."""
        if not line:
            raise UsageError("Missing filename.")

    more: Any = line_magic("more")(less)  # type: ignore[arg-type]

    @line_magic
    def mlplat(self, line: str) -> None:
        """Do nothing: a run starts no runs. `load_ext jupyter_mlplat` puts the real one here."""

    @line_magic
    def connect_info(self, line: str) -> None:
        """Say that there is nothing to connect to."""
        print("This notebook runs as a step of a pipeline: there is no kernel to connect to.")


def drop_marker(lines: list[str]) -> list[str]:
    """Take the line `%%mlplat step …` off a cell: it was for the compiler."""
    return ["\n", *lines[1:]] if lines and lines[0].startswith("%%mlplat") else lines


def no_input(prompt: object = "") -> str:
    """Refuse to wait for input that nobody will type."""
    raise StdinNotImplementedError(
        "raw_input was called, but this frontend does not support input requests."
    )


def no_password(prompt: str = "Password: ", stream: Any = None) -> str:
    """Refuse to wait for a password."""
    raise StdinNotImplementedError(
        "getpass was called, but this frontend does not support input requests."
    )


def make_shell() -> ZMQInteractiveShell:
    """Create the shell of this process, with `__main__` as its namespace.

    Configuration files are not read: what a step does must follow from the notebook. History is
    kept in memory.
    """
    import builtins
    import getpass

    sys.stdout, sys.stderr = StepStream("stdout"), StepStream("stderr")
    config = Config()
    config.HistoryManager.enabled = False
    config.IPKernelApp.mlplat = True
    shell = ZMQInteractiveShell.instance(config=config, user_module=MainModule("__main__"))
    shell.register_magics(KernelMagics, MarkMagics)
    shell.input_transformers_cleanup.append(blank_mark)
    builtins.input = no_input
    getpass.getpass = no_password
    sys.argv = [""]
    sys.displayhook = shell.displayhook
    atexit.unregister(
        shell.atexit_operations
    )  # tidies a namespace that ends with the process anyway
    return shell


def warm_up(shell: ZMQInteractiveShell) -> None:
    """Let the shell run a cell and forget it.

    So that no step pays for what only the first cell builds.
    """
    namespace, hidden = dict(shell.user_ns), dict(shell.user_ns_hidden)
    history: Any = shell.history_manager
    shell.run_cell(  # type: ignore[no-untyped-call]
        "warm = [1]\nwarm", store_history=True
    )
    shell.user_ns.clear()
    shell.user_ns.update(namespace)
    shell.user_ns_hidden.clear()
    shell.user_ns_hidden.update(hidden)
    shell.execution_count = 1
    history.input_hist_parsed[:] = history.input_hist_raw[:] = [""]
    history.output_hist.clear()
    history.output_hist_reprs.clear()
    history.outputs.clear()
    history._i00 = history._i = history._ii = history._iii = ""
    history.db_input_cache.clear()
    hook = shell.displayhook
    hook._, hook.__, hook.___ = "", "", ""
    make_result: Any = ExecutionResult
    shell.last_execution_result = make_result(None)  # `%xdel` looks for the value in it
    linecache.cache.clear()
    shell.compile._filename_map.clear()
