"""Read requests from standard input, line by line, and answer on standard output."""

import json
import os
import sys
from typing import Any

# Its arrays are small: threads cost more than they bring, and the cores are the trials'.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

from jupyter_mlplat.errors import InvalidInput, PlatformError  # noqa: E402
from jupyter_mlplat.tuner.conversation import Conversation  # noqa: E402


def main() -> int:
    """Answer until the other end closes."""
    # What a library prints must not get between the answers.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8", newline="\n")
    os.dup2(2, 1)
    conversation = Conversation()
    for line in sys.stdin.buffer:
        if not line.strip():
            continue
        try:
            answers.write(json.dumps(_answer(conversation, line), separators=(",", ":")))
            answers.write("\n")
            answers.flush()
        except BrokenPipeError:
            break
    return 0


def _answer(conversation: Conversation, line: bytes) -> dict[str, Any]:
    try:
        try:
            request = json.loads(line)
        except ValueError as error:
            raise InvalidInput(f"Cannot read a request: it is no JSON ({error}).") from error
        return conversation.answer(request)
    except PlatformError as error:
        return {"error": {"code": error.code, "message": error.message}}
    except Exception as error:  # the other end is told, whatever it was
        import traceback

        traceback.print_exc()
        what = f"{type(error).__name__}: {error}"
        return {"error": {"code": "internal", "message": f"The tuner failed: {what}. Bug."}}


if __name__ == "__main__":
    sys.exit(main())
