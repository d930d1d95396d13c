"""Named points at which the engine can be told to die, for the test that kills it at each of them.

`MLPLAT_CRASH_AT=commit.task-ended.before:3` kills the process (SIGKILL) when it comes to that point
for the third time. Unset, as it is outside that test, a point costs one comparison.
"""

import os
import signal

COMMITS = (
    "run-submitted",
    "run-resumed",
    "cache-answered",
    "task-admitted",
    "task-waits",
    "task-progressed",
    "attempt-ended",
    "timer-due",
    "cancel-asked",
    "pause-asked",
    "resume-asked",
    "retry-asked",
    "run-ended",
)
"""What a commit may contain; one commit often contains several."""
DEEDS = ("create", "flush", "step-file", "start", "adopt", "stop", "wake", "publish", "reply")
SIDES = ("before", "after")

POINTS: tuple[str, ...] = (
    *(f"commit.{kind}.{side}" for kind in COMMITS for side in SIDES),
    *(f"{deed}.{side}" for deed in DEEDS for side in SIDES),
)


class CrashPoints:
    """Counts how often points are passed, and dies at the one that is set."""

    def __init__(self, setting: str = "") -> None:
        name, _, count = setting.partition(":")
        if name and name not in POINTS:
            raise ValueError(f"{name!r} is not a crash point. There are: {', '.join(POINTS)}.")
        self._name = name
        self._left = int(count or 1)

    @classmethod
    def from_environment(cls) -> "CrashPoints":
        return cls(os.environ.get("MLPLAT_CRASH_AT", ""))

    @property
    def is_armed(self) -> bool:
        return bool(self._name)

    def reach(self, name: str) -> None:
        """Die here if this is the point, and its turn."""
        if name != self._name:
            return
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
