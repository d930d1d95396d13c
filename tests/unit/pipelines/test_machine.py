"""Single stories of the machine, told event by event."""

from datetime import UTC, datetime, timedelta

from jupyter_mlplat.resources.pipeline import Retry
from jupyter_mlplat.resources.run import (
    CacheExplanation,
    Failure,
    Run,
    RunState,
    Task,
    TaskState,
)
from jupyter_mlplat.resources.training import Progress
from jupyter_mlplat.services.pipelines import messages as msg
from jupyter_mlplat.services.pipelines.machine import RunStatus, advance
from jupyter_mlplat.services.pipelines.plan import Plan, StepPlan, make_plan

NOW = datetime(2026, 1, 1, tzinfo=UTC)
MISS = CacheExplanation(hit=False, reason="never succeeded before")
NO = Failure(code="cell-error", message="no")


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


class Story:
    def __init__(self, plan: Plan) -> None:
        run = Run(
            id="run-0000000000",
            number=1,
            pipeline="p",
            pipeline_digest="sha256:" + "0" * 64,
            state=RunState.PENDING,
            created_at=NOW,
            tasks=tuple(Task(name=name, state=TaskState.PENDING) for name in plan.steps),
        )
        self.status = RunStatus.of(plan, run)
        self.tell(msg.Submitted(NOW))

    def tell(self, event: msg.RunEvent) -> tuple[msg.Instruction, ...]:
        transition = advance(self.status, event)
        self.status = transition.status
        return transition.instructions

    def start(self, step: str, seconds: float = 0) -> tuple[msg.Instruction, ...]:
        self.tell(msg.CacheAnswered(at(seconds), step, MISS))
        return self.tell(msg.Admitted(at(seconds), step))

    def end(
        self, step: str, outcome: msg.Succeeded | msg.Failed | msg.NeverRan, seconds: float = 1
    ) -> tuple[msg.Instruction, ...]:
        attempt = self.status.tasks[step].attempt
        return self.tell(msg.AttemptEnded(at(seconds), step, attempt, outcome))

    @property
    def states(self) -> str:
        return " ".join(task.state.value for task in self.status.tasks.values())


CHAIN = make_plan([StepPlan("a"), StepPlan("b", ("a",)), StepPlan("c", ("b",))])
FRESH = tuple(Task(name=name, state=TaskState.PENDING) for name in "abc")


def test_a_step_is_looked_up_as_soon_as_all_it_needs_has_succeeded() -> None:
    story = Story(CHAIN)
    story.start("a")

    told = story.end("a", msg.Succeeded("sha256:x"))

    assert told == (msg.Release("a"), msg.Consult("b"))
    assert story.states == "SUCCEEDED QUEUED PENDING"


def test_a_hit_counts_as_success_at_once() -> None:
    story = Story(CHAIN)
    hit = CacheExplanation(hit=True, reason="same code, same inputs as run 1")

    told = story.tell(msg.CacheAnswered(NOW, "a", hit, "sha256:x"))

    assert told == (msg.Consult("b"),)
    task = story.status.tasks["a"]
    assert (task.state, task.cached, task.bundle, task.attempt) == (
        TaskState.SUCCEEDED,
        True,
        "sha256:x",
        0,
    )


def test_back_off_grows_and_is_bounded() -> None:
    retry = Retry(limit=3, backoff_s=2, factor=3, max_backoff_s=10)
    story = Story(make_plan([StepPlan("a", retry=retry)]))
    story.start("a")
    waits = []
    for _ in range(3):
        told = story.end("a", msg.Failed(NO), 0)
        wake = next(item for item in told if isinstance(item, msg.Wake))
        waits.append((wake.at - NOW).total_seconds())
        assert story.tell(msg.TimerDue(NOW, "a", wake.attempt, "retry")) == (msg.Enqueue("a"),)
        story.tell(msg.Admitted(NOW, "a"))

    story.end("a", msg.Failed(NO))

    assert waits == [2, 6, 10]
    assert story.status.run.state is RunState.FAILED
    assert story.status.tasks["a"].attempt == 4


def test_an_attempt_that_never_ran_does_not_use_up_a_retry() -> None:
    story = Story(make_plan([StepPlan("a")]))
    story.start("a")

    told = story.end("a", msg.NeverRan())

    assert told == (msg.Release("a"), msg.Enqueue("a"))
    assert story.tell(msg.Admitted(NOW, "a")) == (msg.Start("a", 2),)
    story.end("a", msg.Failed(NO))
    assert story.states == "FAILED"


def test_what_fails_after_its_deadline_has_timed_out() -> None:
    story = Story(make_plan([StepPlan("a", timeout_s=5)]))
    assert story.start("a") == (msg.Start("a", 1), msg.Wake(at(5), "a", 1, "timeout"))

    assert story.tell(msg.TimerDue(at(5), "a", 1, "timeout")) == (msg.Stop("a", 1),)
    story.end("a", msg.Failed(Failure(code="killed", message="by signal 15")), 6)

    assert story.status.run.failure is not None
    assert story.status.run.failure.code == "timeout"


def test_time_out_of_a_job_counts_all_its_attempts_and_is_its_end() -> None:
    retry = Retry(limit=5, backoff_s=0)
    story = Story(make_plan([StepPlan("a", retry=retry, timeout_s=10, is_job=True)]))
    story.start("a")
    story.end("a", msg.Failed(NO), 7)
    story.tell(msg.TimerDue(at(20), "a", 1, "retry"))

    told = story.tell(msg.Admitted(at(20), "a"))  # it had waited meanwhile

    assert told == (msg.Start("a", 2), msg.Wake(at(23), "a", 2, "timeout"))
    story.tell(msg.TimerDue(at(23), "a", 2, "timeout"))
    story.end("a", msg.Failed(NO), 23)
    failure = story.status.run.failure
    assert story.states == "FAILED"
    assert failure is not None
    assert (failure.code, "all attempts together" in failure.message) == ("timeout", True)


def test_time_out_of_a_job_goes_on_after_a_pause_and_does_not_count_it() -> None:
    story = Story(make_plan([StepPlan("a", timeout_s=10, is_job=True)]))
    story.start("a")
    story.tell(msg.PauseAsked(at(4)))
    story.end("a", msg.Failed(NO), 4)
    story.tell(msg.ResumeAsked(at(1000)))

    told = story.tell(msg.Admitted(at(1000), "a"))

    assert told == (msg.Start("a", 2), msg.Wake(at(1006), "a", 2, "timeout"))


def test_time_out_of_a_step_is_for_each_attempt() -> None:
    story = Story(make_plan([StepPlan("a", retry=Retry(limit=1, backoff_s=0), timeout_s=10)]))
    story.start("a")
    story.end("a", msg.Failed(NO), 7)
    story.tell(msg.TimerDue(at(20), "a", 1, "retry"))

    assert story.tell(msg.Admitted(at(20), "a"))[1] == msg.Wake(at(30), "a", 2, "timeout")


def test_success_at_the_last_moment_is_success() -> None:
    story = Story(make_plan([StepPlan("a", timeout_s=5)]))
    story.start("a")
    story.tell(msg.TimerDue(at(5), "a", 1, "timeout"))

    story.end("a", msg.Succeeded(), 6)

    assert story.status.run.state is RunState.SUCCEEDED


def test_a_cancelled_run_ends_when_its_last_attempt_has() -> None:
    story = Story(CHAIN)
    story.start("a")

    assert story.tell(msg.CancelAsked(NOW)) == (msg.Stop("a", 1),)
    assert (story.status.run.state, story.states) == (
        RunState.CANCELING,
        "RUNNING CANCELED CANCELED",
    )
    story.end("a", msg.Failed(NO))

    assert (story.status.run.state, story.states) == (
        RunState.CANCELED,
        "CANCELED CANCELED CANCELED",
    )


def test_a_run_whose_last_step_wins_the_race_against_its_cancel_has_succeeded() -> None:
    story = Story(make_plan([StepPlan("a")]))
    story.start("a")
    story.tell(msg.CancelAsked(NOW))

    story.end("a", msg.Succeeded())

    assert story.status.run.state is RunState.SUCCEEDED


def test_a_retry_keeps_what_succeeded_and_numbers_attempts_on() -> None:
    story = Story(CHAIN)
    story.start("a")
    story.end("a", msg.Succeeded("sha256:x"))
    story.start("b")
    story.end("b", msg.Failed(NO))
    assert story.states == "SUCCEEDED FAILED SKIPPED"

    told = story.tell(msg.RetryAsked(at(9), CHAIN, "sha256:" + "1" * 64, frozenset(), FRESH))

    assert told == (msg.Consult("b"),)
    assert story.states == "SUCCEEDED QUEUED PENDING"
    assert story.start("b", 10) == (msg.Start("b", 2),)


def test_a_retry_from_a_step_runs_it_and_what_needs_it_again() -> None:
    story = Story(CHAIN)
    for step in ("a", "b", "c"):
        story.start(step)
        story.end(step, msg.Succeeded())

    event = msg.RetryAsked(at(9), CHAIN, "sha256:" + "1" * 64, frozenset({"b"}), FRESH)

    assert story.tell(event) == (msg.Consult("b"),)
    assert story.states == "SUCCEEDED QUEUED PENDING"
    assert story.status.run.state is RunState.RUNNING


def test_resuming_says_again_what_is_to_be_done() -> None:
    plan = make_plan(
        [StepPlan("a", timeout_s=60), StepPlan("b", retry=Retry(limit=1, backoff_s=5))]
    )
    story = Story(plan)
    story.start("a")
    story.start("b")
    story.end("b", msg.Failed(NO), 2)
    story.status = RunStatus.of(plan, story.status.document())

    told = story.tell(msg.Resumed(at(3)))

    assert told == (
        msg.Adopt("a", 1),
        msg.Wake(at(60), "a", 1, "timeout"),
        msg.Wake(at(7), "b", 1, "retry"),
    )


def test_a_lost_result_is_made_again_with_all_that_need_it() -> None:
    story = Story(CHAIN)
    for step in "ab":
        story.start(step)
        story.end(step, msg.Succeeded("sha256:x"))
    story.start("c")

    told = story.tell(msg.Lost(at(9), frozenset("b")))

    assert told == (msg.Release("c"), msg.Consult("b"))
    assert story.states == "SUCCEEDED QUEUED PENDING"
    assert story.status.open_tasks == 2
    assert story.start("b")[0] == msg.Start("b", 2)


def test_a_run_that_is_being_canceled_makes_nothing_again() -> None:
    story = Story(CHAIN)
    story.start("a")
    story.end("a", msg.Succeeded("sha256:x"))
    story.start("b")
    story.tell(msg.CancelAsked(at(2)))

    assert story.tell(msg.Lost(at(3), frozenset("a"))) == ()
    assert story.states == "SUCCEEDED RUNNING CANCELED"


def test_a_pause_stops_what_runs_and_counts_no_attempt_of_it() -> None:
    story = Story(make_plan([StepPlan("a", retry=Retry(limit=0)), StepPlan("b")]))
    story.start("a")

    told = story.tell(msg.PauseAsked(at(1)))

    assert told == (msg.Stop("a", 1), msg.Release("b"))
    assert story.status.run.state is RunState.PAUSED
    assert story.end("a", msg.Failed(NO), 2) == (msg.Release("a"),)
    assert story.states == "QUEUED QUEUED"
    assert story.status.tasks["a"].failure is None
    assert story.tell(msg.ResumeAsked(at(3))) == (msg.Enqueue("a"), msg.Consult("b"))
    story.tell(msg.Admitted(at(3), "a"))
    assert story.status.tasks["a"].attempt == 2
    story.end("a", msg.Failed(NO), 4)
    assert story.status.tasks["a"].state is TaskState.FAILED


def test_what_ends_well_while_its_run_is_paused_has_succeeded_and_the_next_step_waits() -> None:
    story = Story(CHAIN)
    story.start("a")
    story.tell(msg.PauseAsked(at(1)))

    told = story.end("a", msg.Succeeded(), 2)

    assert told == (msg.Release("a"),)
    assert story.states == "SUCCEEDED QUEUED PENDING"
    assert story.status.tasks["b"].waiting_for == "its run to be resumed"
    assert story.tell(msg.ResumeAsked(at(3))) == (msg.Consult("b"),)


def test_a_run_that_is_resumed_before_its_step_has_ended_starts_it_again() -> None:
    story = Story(make_plan([StepPlan("a")]))
    story.start("a")
    story.tell(msg.PauseAsked(at(1)))
    story.tell(msg.ResumeAsked(at(2)))

    told = story.end("a", msg.Failed(NO), 3)

    assert told == (msg.Release("a"), msg.Enqueue("a"))


def test_an_engine_that_takes_up_a_paused_run_stops_what_still_runs() -> None:
    story = Story(CHAIN)
    story.start("a")
    story.tell(msg.PauseAsked(at(1)))

    told = story.tell(msg.Resumed(at(2)))

    assert told == (msg.Adopt("a", 1), msg.Stop("a", 1))


def test_a_paused_run_can_be_cancelled() -> None:
    story = Story(CHAIN)
    story.tell(msg.PauseAsked(at(1)))

    story.tell(msg.CancelAsked(at(2)))

    assert story.states == "CANCELED CANCELED CANCELED"
    assert story.status.run.state is RunState.CANCELED
    assert story.status.run.paused_at is None


def test_a_run_that_begins_paused_begins_when_it_is_resumed() -> None:
    story = Story(CHAIN)
    run = story.status.run.model_copy(update={"state": RunState.PAUSED, "started_at": None})
    tasks = tuple(Task(name=name, state=TaskState.PENDING) for name in "abc")
    story.status = RunStatus.with_tasks(CHAIN, run, tasks)

    assert story.tell(msg.Resumed(at(1))) == ()
    assert story.tell(msg.ResumeAsked(at(2))) == (msg.Consult("a"),)
    assert story.status.run.started_at == at(2)


def test_what_a_running_attempt_reports_is_kept_until_the_next_one() -> None:
    story = Story(make_plan([StepPlan("a")]))
    story.start("a")

    story.tell(msg.Progressed(at(1), "a", 1, (), Progress(fraction=0.5, position=3)))

    assert story.status.tasks["a"].progress == Progress(fraction=0.5, position=3)
    story.end("a", msg.Succeeded())
    assert story.status.tasks["a"].progress == Progress(fraction=0.5, position=3)


class _Limited(Plan):
    deadline_s = 10.0  # type: ignore[assignment]


def test_a_run_that_passes_its_deadline_is_stopped_and_has_failed() -> None:
    story = Story(_Limited(CHAIN.steps))
    story.start("a")

    told = story.tell(msg.TimerDue(at(10), "", 0, "deadline"))
    story.end("a", msg.Failed(NO), 11)

    assert told == (msg.Stop("a", 1),)
    assert story.states == "CANCELED CANCELED CANCELED"
    assert story.status.run.state is RunState.FAILED
    assert story.status.run.failure is not None
    assert story.status.run.failure.code == "timeout"


def test_a_deadline_is_set_when_a_run_begins_and_again_when_it_is_retried() -> None:
    story = Story(_Limited(make_plan([StepPlan("a")]).steps))
    story.start("a")
    story.end("a", msg.Failed(NO), 5)
    fresh = (Task(name="a", state=TaskState.PENDING),)
    digest = story.status.run.pipeline_digest

    told = story.tell(msg.RetryAsked(at(8), story.status.flow, digest, frozenset(), fresh))

    assert told[0] == msg.Wake(at(18), "", 0, "deadline")
    assert story.tell(msg.TimerDue(at(10), "", 0, "deadline")) == ()  # the first try's
    assert story.status.run.state is RunState.RUNNING


def test_time_out_of_an_attempt_counts_from_when_its_pod_runs() -> None:
    story = Story(make_plan([StepPlan("a", timeout_s=10.0)]))
    story.start("a")

    story.tell(msg.Pends(at(1), "a", 1, "a GPU: 4 of 4 in use"))
    assert story.status.tasks["a"].waiting_for == "a GPU: 4 of 4 in use"
    assert story.tell(msg.TimerDue(at(10), "a", 1, "timeout")) == ()

    assert story.tell(msg.Pends(at(60), "a", 1, None)) == (msg.Wake(at(70), "a", 1, "timeout"),)
    assert story.status.tasks["a"].waiting_for is None
    assert story.tell(msg.TimerDue(at(10), "a", 1, "timeout")) == ()
    assert story.tell(msg.TimerDue(at(70), "a", 1, "timeout")) == (msg.Stop("a", 1),)


def test_attempt_that_ends_while_its_pod_waits_waits_no_longer() -> None:
    story = Story(make_plan([StepPlan("a")]))
    story.start("a")
    story.tell(msg.Pends(at(1), "a", 1, "an image"))

    story.end("a", msg.Failed(NO))

    assert story.status.tasks["a"].state is TaskState.FAILED
    assert story.status.tasks["a"].waiting_for is None
