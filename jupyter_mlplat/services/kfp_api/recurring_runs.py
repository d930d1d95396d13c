"""Recurring runs: our schedules as the API tells of them, and what its callers ask of them."""

from collections.abc import Callable, Mapping
from typing import Any

from jupyter_mlplat.errors import InvalidInput
from jupyter_mlplat.resources.base import JsonValue
from jupyter_mlplat.resources.kfp import recurring_runs as messages
from jupyter_mlplat.resources.kfp.runs import PipelineVersionReference, RuntimeConfig
from jupyter_mlplat.resources.run import SubmitRequest
from jupyter_mlplat.resources.schedule import (
    CronTrigger,
    IntervalTrigger,
    Keep,
    Schedule,
    ScheduleRequest,
)
from jupyter_mlplat.services.catalogue.experiments import name_of
from jupyter_mlplat.services.kfp_api.listing import Listable
from jupyter_mlplat.services.kfp_api.pipelines import spec_message

RECURRING_RUNS = Listable(
    fields={
        "id": "id",
        "recurring_run_id": "id",
        "name": "title",
        "display_name": "title",
        "description": "description",
        "created_at": "created_at",
        "updated_at": "updated_at",
    }
)

ENABLE, DISABLE, ENABLED, DISABLED = "ENABLE", "DISABLE", "ENABLED", "DISABLED"
_MODES = {"": True, "MODE_UNSPECIFIED": True, DISABLE: True, ENABLE: False}
"""Whether a schedule is paused, by the mode asked for."""
_MOST_AT_ONCE = 10  # as Kubeflow's server has it
_MOST_CAUGHT_UP = 1000


def schedule_of(
    asked: messages.RecurringRun, work: SubmitRequest, is_taken: Callable[[str], bool]
) -> ScheduleRequest:
    """Return the schedule that a caller asks for.

    Args:
        asked: What the caller has sent.
        work: What is to be submitted each time.
        is_taken: Whether there is a schedule of a name.

    Raises:
        InvalidInput: Its mode, concurrency or trigger cannot be used.
    """
    if asked.mode not in _MODES and asked.mode is not None:
        raise InvalidInput(f"Cannot use mode={asked.mode!r}: there are {ENABLE} and {DISABLE}.")
    if not 1 <= asked.max_concurrency <= _MOST_AT_ONCE:
        raise InvalidInput(
            f"Cannot use max_concurrency={asked.max_concurrency}: needed 1 to {_MOST_AT_ONCE}."
        )
    cron, period = _triggers(asked.trigger)
    times = cron or period
    trigger: CronTrigger | IntervalTrigger
    if cron is not None:
        trigger = CronTrigger(expression=cron.cron, reading="kfp")
    else:
        trigger = IntervalTrigger(every_s=period.interval_second if period else 0)
    return ScheduleRequest(
        name=_free_name(name_of(asked.display_name), is_taken),
        note=work.note[:2000],
        work=work,
        trigger=trigger,
        start=times.start_time if times else None,
        end=times.end_time if times else None,
        # Without catch-up only the newest of the times that went by counts.
        catch_up="last" if asked.no_catchup else "all",
        catch_up_limit=_MOST_CAUGHT_UP,
        overlap="skip" if asked.no_catchup else "queue",
        at_once=asked.max_concurrency,
        keep=Keep(runs=None),
        paused=_MODES[asked.mode or ""],
        kfp={"no_catchup": bool(asked.no_catchup)},
    )


def _triggers(
    trigger: messages.Trigger | None,
) -> tuple[messages.CronSchedule | None, messages.PeriodicSchedule | None]:
    cron = trigger.cron_schedule if trigger else None
    period = trigger.periodic_schedule if trigger else None
    if (cron is None) == (period is None):
        raise InvalidInput(
            "Cannot make this recurring run: needed a trigger with either a cron_schedule or a "
            "periodic_schedule."
        )
    if cron is not None and not cron.cron.strip():
        raise InvalidInput("Cannot make this recurring run: its cron_schedule has no cron.")
    if period is not None and period.interval_second < 1:
        raise InvalidInput(
            f"Cannot use interval_second={period.interval_second}: needed at least 1."
        )
    return cron, period


def _free_name(wanted: str, is_taken: Callable[[str], bool]) -> str:
    name, number = wanted, 1
    while is_taken(name):
        number += 1
        name = f"{wanted[: 62 - len(str(number))]}-{number}"
    return name


def recurring_run_message(schedule: Schedule, experiment_id: str) -> messages.RecurringRun:
    """Tell of a schedule.

    Args:
        schedule: Any of ours: one that is fired by something other than time has no trigger here.
        experiment_id: Of the experiment that its runs name; empty where that was deleted.
    """
    work, facts = schedule.work, schedule.work.kfp
    reference = None
    if facts is not None and facts.pipeline_id:
        reference = PipelineVersionReference(
            pipeline_id=facts.pipeline_id, pipeline_version_id=facts.version_id or ""
        )
    root = facts.pipeline_root if facts else ""
    ir: Mapping[str, JsonValue] | None = work.notebook
    return messages.RecurringRun(
        recurring_run_id=schedule.id,
        display_name=work.title or schedule.name,
        description=work.note or schedule.note,
        pipeline_version_reference=reference,
        pipeline_spec=spec_message(ir) if ir is not None and "pipeline_spec" in ir else None,
        runtime_config=RuntimeConfig(parameters=work.parameters, pipeline_root=root)
        if work.parameters or root
        else None,
        service_account=facts.service_account if facts else "",
        plugins_input=facts.plugins_input if facts else {},
        max_concurrency=schedule.at_once,
        trigger=_trigger_message(schedule),
        mode=DISABLE if schedule.paused else ENABLE,
        status=DISABLED if schedule.paused else ENABLED,
        created_at=schedule.created_at,
        updated_at=schedule.updated_at,
        no_catchup=schedule.catch_up != "all",
        experiment_id=experiment_id,
    )


def _trigger_message(schedule: Schedule) -> messages.Trigger | None:
    stretch: dict[str, Any] = {"start_time": schedule.start, "end_time": schedule.end}
    match schedule.trigger:
        case CronTrigger(expression=expression):
            cron = messages.CronSchedule(cron=expression, **stretch)
            return messages.Trigger(cron_schedule=cron)
        case IntervalTrigger(every_s=every_s):
            period = messages.PeriodicSchedule(interval_second=int(every_s), **stretch)
            return messages.Trigger(periodic_schedule=period)
        case _:
            return None
