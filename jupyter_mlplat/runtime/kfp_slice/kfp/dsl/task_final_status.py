"""How a task ended, as an exit task is told."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass
class PipelineTaskFinalStatus:
    """The state of a task or of a group of tasks that is over."""

    state: str
    pipeline_job_resource_name: str
    pipeline_task_name: str
    error_code: int | None
    error_message: str | None
