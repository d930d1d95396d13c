"""Putting the magics into IPython, and taking them out again; both as often as one likes."""

from typing import Any

from IPython.core.error import UsageError
from IPython.core.magic import Magics, line_cell_magic, magics_class

from jupyter_mlplat.client import tracking
from jupyter_mlplat.errors import PlatformError
from jupyter_mlplat.magics import arguments, completion, marker, observer


@magics_class
class PlatformMagics(Magics):
    """The line magic `%mlplat` and the cell magic `%%mlplat`."""

    @line_cell_magic
    def mlplat(self, line: str, cell: str | None = None) -> Any:
        """Run a command of the platform; `%mlplat -h` lists them."""
        try:
            words = arguments.split(line)
            if cell is not None and words[:1] in (["train"], ["tune"]):
                if tracking.is_inside_step():
                    return self._run_cell(cell)  # the step is the job
                from jupyter_mlplat.magics import jobs

                return jobs.run_cell(words, line, cell, self.shell)
            if cell is not None and words[:1] not in (["step"], ["skip"]):
                raise UsageError(
                    "%%mlplat marks a cell: begin with %%mlplat step or skip, train or tune. "
                    "Commands are line magics: %mlplat run."
                )
            if cell is not None:
                # The input transformer takes such cells; this one was run by another program.
                marker.check(words)
                return self._run_cell(cell)
            if tracking.is_inside_step():
                return None  # a run starts no runs, and nobody looks at a step
            options = arguments.parse(words)
            if options is None:
                return None  # help was asked for, and printed
            from jupyter_mlplat.magics import commands

            return commands.run(options, self.shell)
        except PlatformError as error:
            raise UsageError(error.message) from None

    def _run_cell(self, cell: str) -> None:
        shell: Any = self.shell
        shell.run_cell(cell).raise_error()


def load_ipython_extension(shell: Any) -> None:
    """Add `%mlplat` and `%%mlplat`, and watch what the cells do from now on."""
    _take_out_magics(shell)
    magics: Any = PlatformMagics(shell)
    magics.mlplat.__func__.__doc__ = arguments.build_parser().format_help()  # what %mlplat? shows
    shell.register_magics(magics)
    shell.input_transformers_cleanup.append(marker.transform)
    shell.Completer.custom_matchers.append(completion.match)
    if not tracking.is_inside_step():
        observer.start(shell)


def unload_ipython_extension(shell: Any) -> None:
    """Take out what `load_ipython_extension` added, and forget what was seen."""
    _take_out_magics(shell)
    observer.stop(shell)


def _take_out_magics(shell: Any) -> None:
    for kind in ("line", "cell"):
        shell.magics_manager.magics[kind].pop("mlplat", None)
    shell.magics_manager.registry.pop(PlatformMagics.__name__, None)
    for added, where in (
        (marker.transform, shell.input_transformers_cleanup),
        (completion.match, shell.Completer.custom_matchers),
    ):
        while added in where:
            where.remove(added)
