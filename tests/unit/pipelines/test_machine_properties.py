"""Whatever happens in whatever order, a run ends once, in order, and starts nothing twice."""

from datetime import UTC, datetime, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jupyter_mlplat.kit.ids import new_id
from jupyter_mlplat.resources.pipeline import Retry
from jupyter_mlplat.resources.run import (
    CacheExplanation,
    Failure,
    Run,
    RunState,
    Task,
    TaskState,
)
from jupyter_mlplat.services.pipelines import machine
from jupyter_mlplat.services.pipelines import messages as msg
from jupyter_mlplat.services.pipelines.plan import Plan, StepPlan, make_plan

START = datetime(2026, 1, 1, tzinfo=UTC)
MISS = CacheExplanation(hit=False, reason="never run before")
HIT = CacheExplanation(hit=True, reason="same code, same inputs as run 1")


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    size = draw(st.integers(1, 7))
    steps = []
    for index in range(size):
        needs = draw(st.sets(st.integers(0, index - 1), max_size=3)) if index else set()
        steps.append(
            StepPlan(
                f"s{index}",
                tuple(f"s{need}" for need in sorted(needs)),
                Retry(limit=draw(st.integers(0, 2)), backoff_s=1.0),
                draw(st.sampled_from([None, 5.0])),
            )
        )
    return make_plan(steps)


class World:
    """Carries instructions out in random order, and checks every transition."""

    def __init__(self, plan: Plan, data: st.DataObject) -> None:
        self.data = data
        self.plan = plan
        self.now = START
        run = Run(
            id=new_id("run"),
            number=1,
            pipeline="p",
            pipeline_digest="sha256:" + "0" * 64,
            state=RunState.PENDING,
            created_at=START,
            tasks=tuple(Task(name=name, state=TaskState.PENDING) for name in plan.steps),
        )
        self.status = machine.RunStatus.of(plan, run)
        self.pending: list[msg.Instruction] = []
        self.running: set[tuple[str, int]] = set()  # what the world really runs
        self.started: list[tuple[str, int]] = []
        self.succeeded: dict[str, int] = {}
        self.holding: set[str] = set()  # steps with resources
        self.ends = 0

    def send(self, event: msg.RunEvent) -> None:
        before = self.status
        transition = machine.advance(before, event)
        self.status = transition.status
        self.check(before, transition)
        for instruction in transition.instructions:
            match instruction:
                case msg.Start(step, attempt):
                    assert before.run.state is not RunState.PAUSED, "a paused run started a step"
                    self.started.append((step, attempt))
                    self.running.add((step, attempt))
                case msg.Release(step):
                    self.holding.discard(step)
                    self.pending = [
                        other
                        for other in self.pending
                        if not (isinstance(other, msg.Enqueue) and other.step == step)
                    ]
                case msg.Adopt():
                    pass  # its end comes from self.running, or it never ran
                case _:
                    self.pending.append(instruction)

    def check(self, before: machine.RunStatus, transition: machine.Transition) -> None:
        after = transition.status
        assert after.open_tasks == sum(not task.state.is_final for task in after.tasks.values())
        assert after.run.state.is_final == (after.open_tasks == 0) or not before.tasks
        if after.run.state.is_final and not before.run.state.is_final:
            self.ends += 1
        for name, task in after.tasks.items():
            old = before.tasks[name]
            if old != task:
                assert name in transition.tasks
                assert not old.state.is_final
            assert task.attempt - old.attempt in (0, 1)
            if task.state in (TaskState.QUEUED, TaskState.RUNNING):
                for need in self.plan.steps[name].needs:
                    assert after.tasks[need].state is TaskState.SUCCEEDED
            if task.state is TaskState.SKIPPED:
                assert any(
                    after.tasks[need].state in (TaskState.FAILED, TaskState.SKIPPED)
                    for need in self.plan.steps[name].needs
                )

    def crash(self) -> None:
        """Lose everything but what is stored, and what runs in processes of its own."""
        document = Run.model_validate_json(self.status.document().model_dump_json())
        self.status = machine.RunStatus.of(self.plan, document)
        self.pending.clear()
        self.holding.clear()
        self.send(msg.Resumed(self.now))
        for task in self.status.tasks.values():
            if task.state is TaskState.RUNNING and (task.name, task.attempt) not in self.running:
                self.running.add((task.name, task.attempt))

    def choices(self) -> list[object]:
        return [*self.pending, *sorted(self.running)]

    def act(self, choice: object) -> None:
        self.now += timedelta(seconds=1)
        match choice:
            case (str(step), int(attempt)):
                self.running.discard((step, attempt))
                self.end(step, attempt)
            case msg.Consult(step):
                self.pending.remove(choice)
                answer = self.data.draw(st.sampled_from([HIT, MISS]))
                self.send(msg.CacheAnswered(self.now, step, answer))
            case msg.Enqueue(step):
                if self.data.draw(st.booleans()):
                    self.pending.remove(choice)
                    self.holding.add(step)
                    self.send(msg.Admitted(self.now, step))
                else:
                    self.send(msg.Waits(self.now, step, "1 CPU"))
            case msg.Wake(at, step, attempt, kind):
                self.pending.remove(choice)
                self.now = max(self.now, at)
                self.send(msg.TimerDue(self.now, step, attempt, kind))
            case msg.Stop():
                self.pending.remove(choice)

    def end(self, step: str, attempt: int) -> None:
        outcome = self.data.draw(
            st.sampled_from(
                [
                    msg.Succeeded(),
                    msg.Failed(Failure(code="cell-error", message="no")),
                    msg.NeverRan(),
                ]
            )
        )
        task = self.status.tasks[step]
        counts = task.state is TaskState.RUNNING and task.attempt == attempt
        self.send(msg.AttemptEnded(self.now, step, attempt, outcome))
        if counts and isinstance(outcome, msg.Succeeded):
            assert step not in self.succeeded, "a finished step ran again"
            self.succeeded[step] = attempt


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
@given(plan=plans(), data=st.data())
def test_every_history_ends_once_in_order_and_starts_nothing_twice(
    plan: Plan, data: st.DataObject
) -> None:
    world = World(plan, data)
    world.send(msg.Submitted(START))
    crashes = data.draw(st.integers(0, 3))
    can_cancel = data.draw(st.booleans())
    pauses = data.draw(st.integers(0, 3))

    for _ in range(400):
        choices = world.choices()
        is_paused = world.status.run.state is RunState.PAUSED
        if not choices and not is_paused:
            break
        extra: list[object] = []
        if is_paused:
            extra.append("resume")
        elif pauses:
            extra.append("pause")
        if crashes:
            extra.append("crash")
        if can_cancel:
            extra.append("cancel")
        choice = data.draw(st.sampled_from([*choices, *extra]))
        if choice == "crash":
            crashes -= 1
            world.crash()
        elif choice == "cancel":
            can_cancel = False
            world.send(msg.CancelAsked(world.now))
        elif choice == "pause":
            pauses -= 1
            world.send(msg.PauseAsked(world.now))
        elif choice == "resume":
            world.send(msg.ResumeAsked(world.now))
        else:
            world.act(choice)

    if not world.choices() and world.status.run.state is not RunState.PAUSED:
        assert world.status.run.state.is_final
        assert world.ends == 1
        assert world.holding == set()
    assert len(world.started) == len(set(world.started)), "an attempt was started twice"
    for name in plan.steps:
        attempts = [attempt for step, attempt in world.started if step == name]
        assert attempts == list(range(1, len(attempts) + 1)), "attempts have a gap"


@settings(max_examples=100, deadline=None, derandomize=True)
@given(plan=plans(), data=st.data())
def test_late_and_foreign_events_change_nothing_once_the_run_is_over(
    plan: Plan, data: st.DataObject
) -> None:
    world = World(plan, data)
    world.send(msg.Submitted(START))
    world.send(msg.CancelAsked(START))
    over = world.status
    step = data.draw(st.sampled_from(sorted(plan.steps)))

    for event in (
        msg.Submitted(START),
        msg.Resumed(START),
        msg.CacheAnswered(START, step, HIT),
        msg.AttemptEnded(START, step, 1, msg.Succeeded()),
        msg.TimerDue(START, step, 1, "retry"),
        msg.CancelAsked(START),
        msg.PauseAsked(START),
        msg.ResumeAsked(START),
    ):
        transition = machine.advance(over, event)
        assert transition.status == over
        assert transition.tasks == ()
        assert transition.instructions == ()
