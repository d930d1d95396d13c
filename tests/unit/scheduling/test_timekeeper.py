"""The timekeeper with clocks that jump and engines that die: no planned time fires twice."""

import asyncio
import random
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlplat.engine.notifying import Notifier
from jupyter_mlplat.engine.timekeeper import Timekeeper
from jupyter_mlplat.errors import InvalidInput, NotFound, Unavailable
from jupyter_mlplat.kit.clock import after
from jupyter_mlplat.ports.metadata import Change
from jupyter_mlplat.resources.engine import Event
from jupyter_mlplat.resources.pipeline import Parameter, Retry
from jupyter_mlplat.resources.run import Failure, Run, RunState, SubmitRequest
from jupyter_mlplat.resources.schedule import (
    BackfillRequest,
    CronTrigger,
    Firing,
    FiringState,
    IntervalTrigger,
    PipelineTrigger,
    SchedulePatch,
    ScheduleRequest,
)
from jupyter_mlplat.services.scheduling import planning
from jupyter_mlplat.stores.metadata import SqlMetadataStore
from tests.contracts.documents import a_pipeline, a_run

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


class Died(BaseException):
    """The engine was killed."""


class Works:
    """Runs that end when they are told to; the store is real."""

    def __init__(self, store: SqlMetadataStore) -> None:
        self.store = store
        self.begun: list[tuple[str, int]] = []
        self.given: list[dict[str, Any]] = []
        self.die_at = 0  # before this call; 0: never
        self.calls = 0
        self.is_full = False
        self.main: object = None  # the task that may die
        self.dropped: list[str] = []

    def _reach(self) -> None:
        if asyncio.current_task() is not self.main:
            return
        self.calls += 1
        if self.calls == self.die_at:
            raise Died

    async def check(self, request: SubmitRequest) -> None:
        if request.path == "/gone.ipynb":
            raise NotFound("there is no such file")

    async def parameters_of(self, request: SubmitRequest) -> Sequence[Parameter]:
        await self.check(request)
        return [
            Parameter(name="n", type="int", expression="1"),
            Parameter(name="day", type="str", expression="''"),
        ]

    async def begin(self, request: SubmitRequest, firing: Firing) -> Run:
        self._reach()
        if self.is_full:
            raise Unavailable("the disk is full")
        run, is_new = self.store.create_run(a_run(), a_pipeline(), None, "d", [], firing)
        if is_new:
            self.begun.append((firing.key, firing.row))
            self.given.append(request.parameters)
        self._reach()
        return run

    async def cancel(self, run_id: str) -> None:
        self.end(run_id, RunState.CANCELED)

    async def retry(self, run_id: str) -> None:
        self.end(run_id, RunState.RUNNING)

    async def drop(self, run_ids: Collection[str]) -> Collection[str]:
        self.dropped += run_ids
        return run_ids

    async def read(self, function: Any, *args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    async def write(self, function: Any, *args: Any, **kwargs: Any) -> Any:
        self._reach()
        answer = function(*args, **kwargs)
        self._reach()
        return answer

    def end(self, run_id: str, state: RunState) -> None:
        failure = Failure(code="cell-error", message="KeyError: 'x'")
        told = {"state": state, "failure": failure if state is RunState.FAILED else None}
        self.store.apply(Change(runs=[self.store.get_run(run_id).model_copy(update=told)]))


class World:
    """A timekeeper, its store, its clock, and what can happen to them."""

    def __init__(self, root: Path) -> None:
        self.store = SqlMetadataStore(root / "metadata.db")
        self.store.open()
        self.work = Works(self.store)
        self.now = NOON
        self.uptime = 0.0
        self.keeper = self._keeper()

    def _keeper(self) -> Timekeeper:
        return Timekeeper(self.store, self.work, Notifier(), lambda: self.now, lambda: self.uptime)

    async def restart(self) -> None:
        await self.keeper.close()
        self.keeper = self._keeper()
        await self.keeper.open()
        await self.keeper.turn()

    async def pass_time(self, seconds: float) -> None:
        self.now, self.uptime = after(self.now, seconds), self.uptime + seconds
        await self.keeper.turn()

    async def end(self, state: RunState = RunState.SUCCEEDED, **data: Any) -> None:
        """Let all that runs end."""
        for firing in self.store.open_firings():
            if firing.run_id and firing.state is FiringState.RUNNING:
                self.work.end(firing.run_id, state)
                told = {"state": state, **data}
                self.keeper.hear(
                    [
                        Event(
                            seq=1,
                            kind="run.updated",
                            subject=firing.run_id,
                            data=told,
                            time=self.now,
                        )
                    ]
                )
        await self.keeper.turn()

    def firings(self) -> list[Firing]:
        (schedule, _), *_ = self.store.list_schedules()
        return [firing for _, firing in self.store.list_firings(schedule.id, limit=1000)][::-1]

    def states(self) -> list[tuple[str, str]]:
        return [(f"{firing.planned_at:%H:%M}", firing.state.value) for firing in self.firings()]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    yield world
    world.store.close()


def every_minute(**given: Any) -> ScheduleRequest:
    facts = {
        "name": "minutely",
        "work": SubmitRequest(path="/book.ipynb"),
        "trigger": CronTrigger(expression="* * * * *"),
    }
    return ScheduleRequest(**facts | given)


def given(**parameters: Any) -> dict[str, Any]:
    return {"work": SubmitRequest(path="/book.ipynb", parameters=parameters)}


async def test_a_new_schedule_owes_nothing_from_before_it_was_made(world: World) -> None:
    await world.keeper.turn()
    world.now, world.uptime = after(NOON, 3600), 3600.0  # nothing was due, so nobody looked

    await world.keeper.create(every_minute(trigger=CronTrigger(expression="30 12 * * *")), "me")
    await world.pass_time(60)

    assert world.work.begun == []


async def test_a_planned_time_fires_once(world: World) -> None:
    await world.keeper.create(every_minute(), "ada")

    for _ in range(8):
        await world.pass_time(15)
        await world.end()

    assert world.states() == [("12:01", "SUCCEEDED"), ("12:02", "SUCCEEDED")]


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("skip", [("12:05", "MISSED"), ("12:06", "RUNNING")]),
        ("last", [("12:05", "MISSED"), ("12:06", "RUNNING")]),
        (
            "all",
            [
                ("12:02", "MISSED"),
                ("12:03", "RUNNING"),
                ("12:04", "QUEUED"),
                ("12:05", "QUEUED"),
                ("12:06", "QUEUED"),
            ],
        ),
    ],
)
async def test_what_was_missed_is_made_up_as_the_policy_says(
    world: World, policy: str, expected: list[tuple[str, str]]
) -> None:
    await world.keeper.create(
        every_minute(catch_up=policy, catch_up_limit=3, overlap="queue"), "ada"
    )

    await world.pass_time(6 * 60 + 5)

    assert world.states() == expected


async def test_the_last_that_was_missed_is_made_up_where_nothing_is_due(world: World) -> None:
    request = every_minute(trigger=CronTrigger(expression="0 * * * *"))
    await world.keeper.create(request, "ada")

    await world.pass_time(3.5 * 3600)

    assert world.states() == [("14:00", "MISSED"), ("15:00", "RUNNING")]
    assert world.firings()[0].count == 2
    assert world.firings()[1].cause == "catch-up"


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("skip", [("12:01", "RUNNING"), ("12:02", "SKIPPED")]),
        ("queue", [("12:01", "RUNNING"), ("12:02", "QUEUED")]),
        ("cancel", [("12:01", "RUNNING"), ("12:02", "RUNNING")]),
    ],
)
async def test_a_run_that_still_goes_is_met_as_the_policy_says(
    world: World, policy: str, expected: list[tuple[str, str]]
) -> None:
    await world.keeper.create(every_minute(overlap=policy), "ada")

    await world.pass_time(61)
    await world.pass_time(60)

    assert world.states() == expected
    if policy == "cancel":
        first = world.firings()[0]
        assert world.store.get_run(first.run_id or "").state is RunState.CANCELED


async def test_so_many_may_go_at_once(world: World) -> None:
    await world.keeper.create(every_minute(at_once=2), "ada")

    for _ in range(3):
        await world.pass_time(60)

    assert [state for _, state in world.states()] == ["RUNNING", "RUNNING", "SKIPPED"]


async def test_what_waits_begins_when_the_one_before_is_over(world: World) -> None:
    await world.keeper.create(every_minute(overlap="queue"), "ada")
    await world.pass_time(61)
    await world.pass_time(60)

    await world.end()

    assert [state for _, state in world.states()] == ["SUCCEEDED", "RUNNING"]


async def test_a_table_is_one_run_for_each_row_with_its_templates(world: World) -> None:
    work = SubmitRequest(
        path="/book.ipynb", parameters={"day": "{{ fire_time - 1d:%Y-%m-%d }}", "n": 0}
    )
    await world.keeper.create(every_minute(work=work, table=({"n": 1}, {"n": "{{ row }}"})), "ada")

    await world.pass_time(61)

    assert world.work.given == [{"day": "2026-11-19", "n": 1}, {"day": "2026-11-19", "n": 1}]


async def test_a_failed_run_is_tried_again_and_then_given_up(world: World) -> None:
    await world.keeper.create(every_minute(retry=Retry(limit=1, backoff_s=10)), "ada")
    await world.pass_time(61)

    await world.end(RunState.FAILED)
    assert world.firings()[0].state is FiringState.WAITING
    await world.pass_time(11)
    assert world.firings()[0].state is FiringState.RUNNING
    await world.end(RunState.FAILED)

    assert world.firings()[0].state is FiringState.FAILED
    assert world.firings()[0].message == "KeyError: 'x'"
    assert world.firings()[0].tries == 2


async def test_a_run_that_takes_too_long_is_ended_by_a_clock_nobody_sets(world: World) -> None:
    await world.keeper.create(
        every_minute(timeout_s=90, trigger=CronTrigger(expression="0 * * * *")), "ada"
    )
    world.now = after(NOON, 3600)
    await world.keeper.turn()

    world.now = after(NOON, 7000)  # the clock is set forward: the run has not grown older
    await world.keeper.turn()
    assert world.firings()[0].state is FiringState.RUNNING
    world.uptime += 91
    await world.keeper.turn()
    await world.end(RunState.CANCELED)

    (first, *_) = world.firings()
    assert first.timed_out
    assert first.state is FiringState.FAILED
    assert "limit of 90 s" in first.message


async def test_jitter_puts_a_time_off_by_as_much_however_often_it_is_asked(world: World) -> None:
    hourly = CronTrigger(expression="0 * * * *")
    status = await world.keeper.create(every_minute(trigger=hourly, jitter_s=600), "ada")
    delay_s = 0
    world.now = NOON + timedelta(hours=1)
    while not world.firings():
        await world.restart()
        await world.pass_time(10)
        delay_s += 10

    assert 0 < delay_s <= 620
    assert world.firings()[0].planned_at == NOON + timedelta(hours=1)
    assert status.next[0] == NOON + timedelta(hours=1)


async def test_a_paused_schedule_fires_nothing_but_by_hand(world: World) -> None:
    await world.keeper.create(every_minute(), "ada")
    await world.keeper.pause("minutely", paused=True)
    await world.pass_time(300)
    assert world.firings() == []
    assert (await world.keeper.status("minutely")).next == ()

    (one,) = await world.keeper.run_now("minutely", "key")
    (again,) = await world.keeper.run_now("minutely", "key")

    assert one.run_id == again.run_id is not None
    assert len(world.work.begun) == 1


async def test_back_filling_fires_what_nothing_came_of(world: World) -> None:
    await world.keeper.create(every_minute(catch_up="skip"), "ada")
    await world.pass_time(61)
    await world.end()
    past = BackfillRequest(start=NOON - timedelta(minutes=2), end=NOON + timedelta(minutes=1))

    planned = await world.keeper.backfill("minutely", past.model_copy(update={"dry_run": True}))
    await world.keeper.backfill("minutely", past)
    for _ in range(4):
        await world.end()

    assert [f"{firing.planned_at:%H:%M}" for firing in planned] == ["11:58", "11:59", "12:00"]
    assert Counter(state for _, state in world.states()) == {"SUCCEEDED": 4}
    with pytest.raises(InvalidInput, match="a stretch of the past"):
        await world.keeper.backfill(
            "minutely", BackfillRequest(start=NOON, end=NOON + timedelta(days=1))
        )


async def test_another_pipelines_success_fires_once(world: World) -> None:
    await world.keeper.create(every_minute(trigger=PipelineTrigger(pipeline="etl")), "ada")
    success = {"state": "SUCCEEDED", "pipeline": "etl", "number": 7}
    event = Event(seq=5, kind="run.updated", subject="run-7", data=success, time=NOON)

    world.keeper.hear([event, event])
    await world.keeper.turn()
    await world.keeper.turn()

    (firing,) = world.firings()
    assert (firing.cause, firing.event) == ("event", {"run": "run-7", "number": 7})


async def test_only_the_newest_runs_are_kept(world: World) -> None:
    await world.keeper.create(every_minute(keep={"runs": 2}), "ada")

    for _ in range(4):
        await world.pass_time(60)
        await world.end()

    assert len(world.work.dropped) == 2
    assert [bool(firing.run_id) for firing in world.firings()] == [False, False, True, True]


async def test_a_full_disk_puts_a_firing_off_and_loses_none(world: World) -> None:
    await world.keeper.create(every_minute(), "ada")
    world.work.is_full = True
    await world.pass_time(61)
    assert world.states() == [("12:01", "QUEUED")]

    world.work.is_full = False
    await world.pass_time(6)

    assert world.states() == [("12:01", "RUNNING")]


async def test_what_cannot_be_begun_is_said(world: World) -> None:
    await world.keeper.create(every_minute(), "ada")
    (live,) = world.keeper._live.values()
    work = live.schedule.work.model_copy(update={"path": "/gone.ipynb"})
    live.schedule = live.schedule.model_copy(update={"work": work})

    await world.pass_time(61)

    (firing,) = world.firings()
    assert (firing.state, firing.message) == (FiringState.FAILED, "there is no such file")


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"trigger": CronTrigger(expression="0 30 9 * 1")}, "read with the minute first"),
        ({"trigger": CronTrigger(expression="@daily", time_zone="Mars/Base")}, "no time zone"),
        ({"work": SubmitRequest(path="/gone.ipynb")}, "no such file"),
        ({"work": SubmitRequest()}, "names no file"),
        (
            {"work": SubmitRequest(path="/b.ipynb", parameters={"n": "{{ open('x') }}"})},
            "not understood",
        ),
        (
            {"work": SubmitRequest(path="/b.ipynb", parameters={"n": "{{ fire_time }}"})},
            "takes int",
        ),
        ({"end": NOON - timedelta(days=1)}, "nothing is planned"),
        ({"notify": ({"url": "http://[::1]/"},)}, "private address"),
        ({"notify": ({"url": "file:///etc/passwd"},)}, "https://example.org/hook"),
    ],
)
async def test_a_wrong_schedule_is_refused_and_nothing_is_created(
    world: World, wrong: dict[str, Any], told: str
) -> None:
    with pytest.raises((InvalidInput, NotFound), match=told):
        await world.keeper.create(every_minute(**wrong), "ada")

    assert world.store.list_schedules() == ()


@pytest.mark.parametrize("hours", [1, -2], ids=["later", "set back"])
async def test_a_new_schedule_owes_nothing_of_the_time_before_it(world: World, hours: int) -> None:
    await world.keeper.turn()
    world.now, world.uptime = after(NOON, hours * 3600), 3600

    await world.keeper.create(every_minute(), "ada")
    await world.keeper.turn()
    await world.pass_time(61)

    assert [firing.planned_at for firing in world.firings()] == [after(world.now, -1)]


async def test_a_change_of_the_trigger_owes_nothing_of_the_old_one(world: World) -> None:
    await world.keeper.create(every_minute(), "ada")
    world.now = after(NOON, 600)

    status = await world.keeper.update(
        "minutely", SchedulePatch(trigger=IntervalTrigger(every_s=3600))
    )
    await world.keeper.turn()

    assert world.firings() == []
    assert status.next[0] == NOON + timedelta(hours=1)


async def test_a_change_after_an_idle_stretch_fires_no_old_times(world: World) -> None:
    await world.keeper.create(every_minute(trigger=PipelineTrigger(pipeline="other")), "ada")
    await world.keeper.turn()  # nothing is planned, so this is the last look for long
    world.now, world.uptime = after(NOON, -600), 3600  # an hour goes by, the clock is set back

    await world.keeper.update(
        "minutely", SchedulePatch(trigger=CronTrigger(expression="* * * * *"))
    )
    await world.keeper.turn()

    assert world.firings() == []


async def test_a_schedule_that_had_ended_owes_nothing_of_the_time_between(world: World) -> None:
    await world.keeper.create(every_minute(end=after(NOON, 90)), "ada")
    await world.pass_time(61)
    await world.end()
    await world.pass_time(3600)

    await world.keeper.update("minutely", SchedulePatch(end=after(NOON, 86_400)))
    await world.keeper.turn()
    await world.pass_time(60)

    assert world.states() == [("12:01", "SUCCEEDED"), ("13:02", "RUNNING")]


@pytest.mark.parametrize("seed", range(10))
async def test_clock_jumps_and_deaths_fire_nothing_twice_and_lose_nothing(
    world: World, seed: int
) -> None:
    """A hundred jumps and deaths over all seeds; what was not fired is explained."""
    chance = random.Random(seed)
    policy = chance.choice(["skip", "last", "all"])
    trigger = chance.choice(
        [
            CronTrigger(expression="*/2 * * * *"),
            IntervalTrigger(every_s=70),
            CronTrigger(expression="*/20 * * * * *"),
        ]
    )
    table = chance.choice([(), ({"n": 1}, {"n": 2}, {"n": 3})])
    await world.keeper.create(
        every_minute(
            trigger=trigger,
            table=table,
            catch_up=policy,
            catch_up_limit=12,
            overlap="queue",
            at_once=3,
        ),
        "ada",
    )
    world.work.main = asyncio.current_task()
    (schedule, _), *_ = world.store.list_schedules()
    lived: list[tuple[datetime, datetime]] = []  # stretches that passed while the engine looked

    for _ in range(12):
        for _ in range(chance.randrange(1, 30)):
            step = chance.choice([0.5, 2, 2, 5, 20])
            lived.append((world.now, after(world.now, step)))
            if chance.random() < 0.1:
                world.work.die_at = world.work.calls + chance.randrange(1, 6)
            try:
                await world.pass_time(step)
                if chance.random() < 0.5:
                    await world.end()
            except Died:
                await world.restart()
            world.work.die_at = 0
        jump = chance.choice([-86_400, -3600, -61, -3, 7, 95, 3600, 200_000])
        if chance.random() < 0.3:
            await world.restart()
        world.now = after(world.now, jump)
    for _ in range(300):
        world.work.die_at = 0
        await world.keeper.turn()
        await world.end()
        if not world.store.open_firings():
            break
    await world.restart()

    assert max(Counter(world.work.begun).values()) == 1
    rows = len(table) or 1
    complete = Counter(key for key, _ in world.work.begun)
    assert set(complete.values()) <= {rows}, "a planned time was begun in part"
    missed = [firing for firing in world.firings() if firing.state is FiringState.MISSED]
    accounted = set(complete) | {f.key for f in world.firings()}
    for begin, end in lived:
        just_after = begin + timedelta(microseconds=1)
        for time in planning.planned_within(schedule, schedule.created_at, just_after, end):
            is_missed = any(
                datetime.fromisoformat(one.key.split()[1]) <= time <= one.planned_at
                for one in missed
            )
            assert is_missed or planning.key_of(time) in accounted, f"{time} is lost"
