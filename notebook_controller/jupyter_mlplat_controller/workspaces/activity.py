"""When a Workspace is paused for want of activity, by the rules of its kind."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from jupyter_mlplat.formats.notebooks.workspaces import ActivityRule, PodOption


@dataclass(frozen=True, slots=True)
class PauseAfter:
    """A Workspace is paused when it was idle and running for at least so long."""

    idle_s: int
    running_s: int

    @property
    def cull_s(self) -> int:
        """After how much idleness its Notebook is stopped: never earlier than both allow."""
        return max(self.idle_s, self.running_s)

    def eligible_after_ms(self, last_activity_ms: int) -> int:
        """Return when it may be paused at the earliest; 0: nobody knows."""
        return last_activity_ms + self.idle_s * 1000 if last_activity_ms > 0 else 0


def pause_after(
    rules: Sequence[ActivityRule],
    namespace_labels: Mapping[str, str],
    option: PodOption,
) -> PauseAfter | None:
    """Find the first rule that fits and says something about pausing; None: never.

    A rule without a match fits everything; one that says `pauseWorkspace: false` exempts.
    """
    labels = {label.key: label.value for label in option.spawner.labels or ()}
    for rule in rules:
        if rule.effect.pause_workspace is None:
            continue
        match = rule.match
        if match is not None and not (
            (
                match.match_namespace is None
                or match.match_namespace.selector.matches(namespace_labels)
            )
            and (match.match_pod_config is None or match.match_pod_config.selector.matches(labels))
        ):
            continue
        if not rule.effect.pause_workspace:
            return None
        return PauseAfter(rule.config.seconds_since_active, rule.config.min_running_seconds or 0)
    return None
