"""One call of the program: arguments in, exit code out."""

import contextlib
import os
import sys
from collections.abc import Sequence

from jupyter_mlplat.cli import arguments
from jupyter_mlplat.cli.arguments.jobs import split_command
from jupyter_mlplat.cli.terminal import Terminal
from jupyter_mlplat.errors import ExecutionFailed, PlatformError, Unavailable

EXIT_FAILED = 1
EXIT_WRONG_INPUT = 2
EXIT_INTERRUPTED = 130  # as a shell reports a program that SIGINT ended


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; return 0 done, 1 failed, 2 the input was wrong."""
    argv = sys.argv[1:] if argv is None else argv
    terminal = Terminal(is_json="--json" in split_command(argv)[0])
    try:
        code = _run(argv, terminal)
        sys.stdout.flush()
    except PlatformError as error:
        terminal.fail(error)
        return _exit_code(error)
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has seen enough; a second error at exit would help nobody.
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_FAILED
    return code


def _run(argv: Sequence[str], terminal: Terminal) -> int:
    words, after = split_command(argv)
    options = arguments.build_parser().parse_args(words)
    options.after = after
    from jupyter_mlplat.client.engine import EngineClient

    return int(options.command(EngineClient(options.home), options, terminal))


def _exit_code(error: PlatformError) -> int:
    is_ours = isinstance(error, ExecutionFailed | Unavailable) or type(error) is PlatformError
    return EXIT_FAILED if is_ours else EXIT_WRONG_INPUT
