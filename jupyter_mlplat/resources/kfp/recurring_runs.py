"""Recurring runs: what we call schedules."""

from jupyter_mlplat.resources.base import JsonValue
from jupyter_mlplat.resources.kfp.base import Int64, Message, Moment, Status
from jupyter_mlplat.resources.kfp.runs import PipelineVersionReference, RuntimeConfig


class CronSchedule(Message):
    start_time: Moment | None = None
    end_time: Moment | None = None
    cron: str = ""


class PeriodicSchedule(Message):
    start_time: Moment | None = None
    end_time: Moment | None = None
    interval_second: Int64 = 0


class Trigger(Message):
    cron_schedule: CronSchedule | None = None
    periodic_schedule: PeriodicSchedule | None = None


class RecurringRun(Message):
    recurring_run_id: str = ""
    display_name: str = ""
    description: str | None = ""
    pipeline_version_id: str | None = ""  # deprecated; the reference counts
    pipeline_spec: dict[str, JsonValue] | None = None
    pipeline_version_reference: PipelineVersionReference | None = None
    runtime_config: RuntimeConfig | None = None
    service_account: str | None = ""
    max_concurrency: Int64 = 0
    trigger: Trigger | None = None
    mode: str | None = ""  # ENABLE, DISABLE
    created_at: Moment | None = None
    updated_at: Moment | None = None
    status: str | None = ""  # ENABLED, DISABLED
    error: Status | None = None
    no_catchup: bool | None = False
    namespace: str | None = ""
    experiment_id: str | None = ""
    plugins_input: dict[str, JsonValue] | None = {}


class ListRecurringRunsResponse(Message):
    recurring_runs: tuple[RecurringRun, ...] = ()
    total_size: int = 0
    next_page_token: str = ""

    def to_wire(self) -> dict[str, object]:
        """Write the one name that upstream's message has in camelCase."""
        wire = super().to_wire()
        if "recurring_runs" in wire:
            wire["recurringRuns"] = wire.pop("recurring_runs")
        return wire
