"""The part of the engine's API that is about schedules."""

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from jupyter_mlplat.client.link import EngineLink

if TYPE_CHECKING:
    from jupyter_mlplat.resources.schedule import Firing, FiringList, ScheduleStatus


class ScheduleLink(EngineLink):
    """What schedules can be asked, as methods; `request` is a `ScheduleRequest` as JSON."""

    def list_schedules(self) -> list["ScheduleStatus"]:
        """Return every schedule, by name."""
        from jupyter_mlplat.resources.schedule import ScheduleList

        return list(ScheduleList.model_validate_json(self.fetch("schedules.list")).schedules)

    def get_schedule(self, schedule: str) -> "ScheduleStatus":
        """Return a schedule with its next planned times."""
        return self._schedule("schedules.get", schedule)

    def create_schedule(self, request: Mapping[str, Any]) -> "ScheduleStatus":
        """Make a schedule."""
        return self._schedule("schedules.create", None, dict(request))

    def preview_schedule(self, request: Mapping[str, Any]) -> "ScheduleStatus":
        """Say what a schedule would do; nothing is created."""
        return self._schedule("schedules.preview", None, dict(request))

    def update_schedule(self, schedule: str, patch: Mapping[str, Any]) -> "ScheduleStatus":
        """Change a schedule; what is not given stays."""
        return self._schedule("schedules.update", schedule, dict(patch))

    def pause_schedule(self, schedule: str) -> "ScheduleStatus":
        """Let it fire no longer; what runs goes on."""
        return self._schedule("schedules.pause", schedule, {})

    def resume_schedule(self, schedule: str) -> "ScheduleStatus":
        """Let it fire again; what was planned meanwhile is treated as its policy says."""
        return self._schedule("schedules.resume", schedule, {})

    def run_schedule(self, schedule: str, idempotency_key: str | None = None) -> list["Firing"]:
        """Fire at once; a call that broke off is repeated with the same key: one firing."""
        headers = {"Idempotency-Key": idempotency_key or uuid.uuid4().hex}
        content = self.fetch("schedules.run", {"schedule": schedule}, body={}, headers=headers)
        return list(_firings(content).firings)

    def backfill_schedule(
        self,
        schedule: str,
        start: datetime,
        end: datetime,
        *,
        limit: int = 100,
        dry_run: bool = False,
    ) -> list["Firing"]:
        """Fire the planned times of a stretch of the past that nothing came of."""
        body = {
            "start": start.isoformat(),
            "end": end.isoformat(),
            "limit": limit,
            "dry_run": dry_run,
        }
        content = self.fetch("schedules.backfill", {"schedule": schedule}, body=body)
        return list(_firings(content).firings)

    def delete_schedule(self, schedule: str) -> None:
        """Forget a schedule with its history; its runs stay."""
        self.fetch("schedules.delete", {"schedule": schedule})

    def list_firings(
        self, schedule: str, limit: int = 20, before: str | None = None
    ) -> "FiringList":
        """Return what became of planned times, the newest first."""
        query = {"limit": limit, "before": before}
        return _firings(self.fetch("schedules.firings", {"schedule": schedule}, query))

    def _schedule(
        self, route: str, schedule: str | None, body: object | None = None
    ) -> "ScheduleStatus":
        from jupyter_mlplat.resources.schedule import ScheduleStatus

        segments = {} if schedule is None else {"schedule": schedule}
        return ScheduleStatus.model_validate_json(self.fetch(route, segments, body=body))


def _firings(content: bytes) -> "FiringList":
    from jupyter_mlplat.resources.schedule import FiringList

    return FiringList.model_validate_json(content)
