"""What every `MetadataStore` must do. An adapter's tests inherit it and give it a `store`."""

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlplat.errors import Conflict, NotFound
from jupyter_mlplat.kit.digests import digest_text
from jupyter_mlplat.ports.metadata import (
    Change,
    Closure,
    MetadataStore,
    NewEvent,
    NewReport,
    PastTask,
    RunFilter,
    RunOrder,
    TrialOrder,
)
from jupyter_mlplat.resources.lineage import RegisteredModel
from jupyter_mlplat.resources.pipeline import Finding
from jupyter_mlplat.resources.run import CacheExplanation, Run, RunState, RunSummary, TaskState
from jupyter_mlplat.resources.schedule import FiringState
from jupyter_mlplat.resources.tuning import TrialReport, TrialState
from tests.contracts.documents import (
    NOON,
    a_cache_entry,
    a_chain,
    a_firing,
    a_metric,
    a_pipeline,
    a_run,
    a_schedule,
    a_task,
    a_trial,
    a_version,
    an_artifact,
    an_endpoint,
    an_execution,
    an_output,
    made,
    read,
)


def submit(store: MetadataStore, run: Run | None = None, key: str | None = None) -> Run:
    run = run or a_run()
    steps = [task.name for task in run.tasks]
    return store.create_run(run, a_pipeline(*steps), key, "digest of the request", [])[0]


def set_state(store: MetadataStore, run: Run, state: RunState, **given: object) -> Run:
    changed = run.model_copy(update={"state": state, **given})
    store.apply(Change(runs=[changed]))
    return changed


class RunContract:
    """Runs, tasks, outputs, metrics."""

    def test_a_new_run_gets_the_next_number_and_is_read_back_whole(
        self, store: MetadataStore
    ) -> None:
        submit(store)
        run = a_run(
            "load", "train", parameters={"alpha": 0.1}, tags={"a": "b"}, notebook="/n.ipynb"
        )

        created, is_new = store.create_run(run, a_pipeline("load", "train"), None, "d", [])

        assert is_new
        assert created == run.model_copy(update={"number": 2})
        assert store.get_run(run.id) == created

    def test_a_run_is_found_by_id_by_number_and_as_the_latest(self, store: MetadataStore) -> None:
        first, second = submit(store), submit(store)

        assert [store.get_run(name) for name in (first.id, "1", "2", "latest")] == [
            first,
            first,
            second,
            second,
        ]

    @pytest.mark.parametrize("name", ["latest", "0", "9" * 30, "run-0123456789", "", "²", "../x"])
    def test_a_run_that_is_not_there_is_named_in_the_error(
        self, store: MetadataStore, name: str
    ) -> None:
        with pytest.raises(NotFound, match="Cannot find run") as raised:
            store.get_run(name)

        assert repr(name) in raised.value.message

    def test_a_repeated_submission_returns_the_run_of_then(self, store: MetadataStore) -> None:
        first, _ = store.create_run(a_run(), a_pipeline(), "key", "same", [])

        again, is_new = store.create_run(
            a_run(), a_pipeline(), "key", "same", [NewEvent("run.created", "x", {})]
        )

        assert (again, is_new) == (first, False)
        assert [run.id for run in store.list_runs(limit=10)] == [first.id]
        assert store.events_after(0) == ()

    def test_a_key_used_for_another_request_is_a_conflict(self, store: MetadataStore) -> None:
        store.create_run(a_run(), a_pipeline(), "key", "one request", [])

        with pytest.raises(Conflict, match="idempotency key 'key': run 1"):
            store.create_run(a_run(), a_pipeline(), "key", "another", [])

    def test_many_submissions_with_one_key_at_once_make_one_run(self, store: MetadataStore) -> None:
        with ThreadPoolExecutor(8) as pool:
            runs = list(pool.map(lambda _: submit(store, key="key"), range(100)))

        assert {run.id for run in runs} == {store.get_run("1").id}
        assert sum(run.id == store.get_run("1").id for run in runs) == 100
        assert len(store.list_runs(limit=10)) == 1

    def test_run_numbers_are_dense_and_never_given_twice(self, store: MetadataStore) -> None:
        with ThreadPoolExecutor(8) as pool:
            runs = list(pool.map(lambda _: submit(store), range(20)))
        store.delete_run(store.get_run("20").id)

        assert sorted(run.number for run in runs) == list(range(1, 21))
        assert submit(store).number == 21

    def test_a_transition_writes_runs_and_tasks(self, store: MetadataStore) -> None:
        run = submit(store, a_run("load", "train"))
        running = run.model_copy(update={"state": RunState.RUNNING, "started_at": NOON})
        loading = a_task("load", TaskState.RUNNING, attempt=1, started_at=NOON)

        store.apply(Change(runs=[running], tasks=[(run.id, loading)]))

        assert store.get_run(run.id) == running.model_copy(
            update={"tasks": (loading, a_task("train"))}
        )

    def test_a_transition_is_all_or_nothing(self, store: MetadataStore) -> None:
        run = submit(store)
        stranger = a_run()

        with pytest.raises(NotFound):
            store.apply(
                Change(
                    runs=[run.model_copy(update={"state": RunState.RUNNING})],
                    tasks=[(stranger.id, a_task("load"))],
                    events=[NewEvent("run.updated", run.id, {})],
                )
            )

        assert store.get_run(run.id) == run
        assert store.last_event() == 0

    def test_a_link_to_an_unknown_artifact_is_refused(self, store: MetadataStore) -> None:
        execution, artifact = an_execution(), an_artifact()

        with pytest.raises(NotFound, match=f"Cannot find artifact '{artifact.id}'"):
            store.apply(Change(executions=[execution], lineage=[read(execution, artifact)]))

        with pytest.raises(NotFound, match=f"Cannot find execution '{execution.id}'"):
            store.get_execution(execution.id)

    def test_a_retry_with_changed_code_has_the_tasks_of_the_new_pipeline(
        self, store: MetadataStore
    ) -> None:
        run = submit(store, a_run("load", "train", "report"))
        loaded = a_task("load", TaskState.SUCCEEDED, attempt=1)
        store.apply(
            Change(
                tasks=[(run.id, loaded)],
                outputs=[(run.id, an_output("x", "load")), (run.id, an_output("y", "report"))],
            )
        )

        store.apply(Change(pipelines=[(run.id, a_pipeline("load", "clean", "train"))]))

        assert store.get_run(run.id).tasks == (loaded, a_task("clean"), a_task("train"))
        assert store.pipeline_of(run.id) == a_pipeline("load", "clean", "train")
        assert store.outputs_of(run.id) == (an_output("x", "load"),)

    def test_a_transition_adds_tasks_behind_the_others_and_drops_some(
        self, store: MetadataStore
    ) -> None:
        run = submit(store, a_run("loop"))
        inner = [
            a_task(f"loop.{index}", TaskState.SUCCEEDED, attempt=1, parent="loop")
            for index in range(3)
        ]
        store.apply(
            Change(
                tasks=[(run.id, task) for task in inner],
                outputs=[(run.id, an_output("x", "loop.0")), (run.id, an_output("x", "loop.2"))],
            )
        )
        assert store.get_run(run.id).tasks == (a_task("loop"), *inner)

        anew = a_task("loop.0", parent="loop")
        store.apply(
            Change(
                dropped=[(run.id, "loop.0"), (run.id, "loop.1")],
                tasks=[(run.id, anew)],
            )
        )

        assert store.get_run(run.id).tasks == (a_task("loop"), inner[2], anew)
        assert store.outputs_of(run.id) == (an_output("x", "loop.2"),)

    def test_a_summary_counts_only_what_runs_by_itself(self, store: MetadataStore) -> None:
        run = submit(store, a_run("load"))
        loop = a_task("loop", TaskState.FAILED, kind="loop")
        item = a_task("loop.0", TaskState.FAILED, parent="loop")
        store.apply(Change(tasks=[(run.id, loop), (run.id, item)]))

        row = store.summary_of(run.id)

        assert (row.tasks_total, row.tasks_done, row.failed_step) == (2, 1, "loop.0")

    def test_unfinished_runs_are_those_that_go_on_oldest_first(self, store: MetadataStore) -> None:
        runs = [submit(store) for _ in RunState]
        for run, state in zip(runs, RunState, strict=True):
            set_state(store, run, state)

        going_on = [state for state in RunState if not state.is_final]
        assert [run.state for run in store.unfinished_runs()] == going_on

    def test_outputs_come_in_the_order_of_steps_and_a_later_one_replaces(
        self, store: MetadataStore
    ) -> None:
        run = submit(store, a_run("zero", "alpha"))
        store.apply(
            Change(
                outputs=[
                    (run.id, an_output("model", "alpha")),
                    (run.id, an_output("frame", "zero")),
                ]
            )
        )

        store.apply(Change(outputs=[(run.id, an_output("model", "alpha", preview="second"))]))

        assert store.outputs_of(run.id) == (
            an_output("frame", "zero"),
            an_output("model", "alpha", preview="second"),
        )

    def test_every_logged_metric_is_kept_in_order(self, store: MetadataStore) -> None:
        run = submit(store)
        logged = [a_metric("loss", 2.0 - epoch, position=epoch) for epoch in range(3)]

        store.apply(Change(metrics=[(run.id, metric) for metric in logged]))

        assert store.metrics_of(run.id) == tuple(logged)

    def test_metrics_of_a_step_are_those_of_its_last_attempt(self, store: MetadataStore) -> None:
        run = submit(store)
        other = a_metric("loss", 7.0, step="other")
        store.apply(Change(metrics=[(run.id, a_metric("loss", 2.0)), (run.id, other)]))
        store.apply(Change(metrics=[(run.id, a_metric("note", 3.0))]))

        again = [a_metric("loss", 1.0 - epoch, position=epoch) for epoch in range(2)]
        store.apply(
            Change(
                fresh_metrics=[(run.id, again[0].step)],
                metrics=[(run.id, metric) for metric in again],
            )
        )

        assert store.metrics_of(run.id) == (other, *again)
        assert store.count_metrics(run.id, again[0].step) == 2
        assert store.summary_of(run.id).metrics == {"loss": 0.0}

    def test_curves_grow_and_are_copied_to_a_step_that_is_taken_from_the_cache(
        self, store: MetadataStore
    ) -> None:
        first, second = submit(store), submit(store)
        logged = [a_metric("loss", 2.0 - epoch, position=epoch) for epoch in range(3)]
        for metric in logged:
            store.apply(Change(metrics=[(first.id, metric)]))
        step = logged[0].step

        store.apply(Change(copied_metrics=[(second.id, step, first.id, step)]))

        assert store.metrics_of(second.id) == store.metrics_of(first.id) == tuple(logged)
        assert store.summary_of(second.id).metrics == {"loss": 0.0}
        count, rows = store.points_after(second.id, 0)
        assert (count, [row[3] for row in rows]) == (3, [2.0, 1.0, 0.0])
        assert store.points_after(second.id, rows[1][0])[1] == rows[2:]

    @pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan, 1e308])
    def test_metrics_beyond_ordinary_numbers_survive(
        self, store: MetadataStore, value: float
    ) -> None:
        run = submit(store)

        store.apply(Change(metrics=[(run.id, a_metric("loss", value))]))

        assert store.metrics_of(run.id)[0].value == pytest.approx(value, nan_ok=True)

    def test_a_deleted_run_leaves_nothing_of_its_own(self, store: MetadataStore) -> None:
        run = submit(store, key="key")
        store.apply(
            Change(
                outputs=[(run.id, an_output("x"))],
                metrics=[(run.id, a_metric("auc", 0.9))],
                cache=[a_cache_entry("k", run)],
            )
        )

        store.delete_run(run.id)

        for gone in (store.get_run, store.outputs_of, store.metrics_of, store.pipeline_of):
            with pytest.raises(NotFound):
                gone(run.id)
        assert store.find_cached("k") is None
        assert store.create_run(a_run(), a_pipeline(), "key", "another", [])[1]


class ListContract:
    """Lists of runs."""

    def test_a_summary_counts_tasks_and_has_the_last_value_of_each_metric(
        self, store: MetadataStore
    ) -> None:
        run = submit(store, a_run("load", "train", "test", "report"))
        store.apply(
            Change(
                runs=[run.model_copy(update={"state": RunState.FAILED, "duration_s": 2.5})],
                tasks=[
                    (run.id, a_task("load", TaskState.SUCCEEDED, cached=True)),
                    (run.id, a_task("train", TaskState.SUCCEEDED)),
                    (run.id, a_task("test", TaskState.FAILED)),
                ],
                metrics=[
                    (run.id, a_metric("auc", 0.5)),
                    (run.id, a_metric("loss", 1.0)),
                    (run.id, a_metric("auc", 0.9)),
                ],
            )
        )

        assert store.list_runs(limit=10) == (
            RunSummary(
                id=run.id,
                number=1,
                pipeline="churn",
                state=RunState.FAILED,
                created_at=NOON,
                duration_s=2.5,
                tasks_total=4,
                tasks_done=3,
                tasks_cached=1,
                failed_step="test",
                metrics={"auc": 0.9, "loss": 1.0},
            ),
        )

    def test_pages_run_from_the_newest_to_the_oldest(self, store: MetadataStore) -> None:
        for _ in range(5):
            submit(store)

        pages = [
            [run.number for run in store.list_runs(limit=2, before=before)]
            for before in (None, 4, 2, 1)
        ]

        assert pages == [[5, 4], [3, 2], [1], []]

    def test_filters_combine(self, store: MetadataStore) -> None:
        wanted = submit(store, a_run(pipeline="fraud", notebook="/home/me/Fraud 100%.ipynb"))
        submit(store, a_run(pipeline="fraud"))
        other = submit(store, a_run(notebook="/home/me/Fraud 100%.ipynb"))
        set_state(store, other, RunState.FAILED)

        found = {
            "text": RunFilter(text="fraud 100%"),
            "state": RunFilter([RunState.FAILED, RunState.CANCELED]),
            "notebook": RunFilter(notebook="/home/me/Fraud 100%.ipynb"),
            "all": RunFilter(
                text="FRAUD",
                states=[RunState.PENDING],
                notebook="/home/me/Fraud 100%.ipynb",
            ),
            "hostile": RunFilter(text="'; DROP TABLE run; --%_"),
        }
        listed = {name: store.list_runs(where, limit=9) for name, where in found.items()}

        assert {name: [run.id for run in runs] for name, runs in listed.items()} == {
            "text": [other.id, wanted.id],
            "state": [other.id],
            "notebook": [other.id, wanted.id],
            "all": [wanted.id],
            "hostile": [],
        }
        assert {name: store.count_runs(where) for name, where in found.items()} == {
            name: len(runs) for name, runs in listed.items()
        }

    def test_runs_are_found_by_tag_note_and_experiment(self, store: MetadataStore) -> None:
        first = submit(store, a_run(tags={"stage": "prod"}, experiment="autumn"))
        second = submit(store, a_run(tags={"stage": "Draft", "owner": "ÄNNE"}))
        noted = first.model_copy(update={"note": "Best SO FAR", "tags": {"stage": "old"}})

        store.apply(Change(runs=[noted]))

        def found(**given: Any) -> list[str]:
            return [run.id for run in store.list_runs(RunFilter(**given), limit=9)]

        assert found(tags={"stage": None}) == [second.id, first.id]
        assert found(tags={"stage": "Draft", "owner": None}) == [second.id]
        assert found(tags={"stage": "prod"}) == []
        assert found(experiment="autumn") == [first.id]
        assert found(text="so far") == found(text="stage=old") == [first.id]
        assert found(text="änne") == [second.id]
        assert store.summary_of(first.id).note == "Best SO FAR"
        store.delete_run(first.id)
        assert store.run_facets().tags == {"owner": ("ÄNNE",), "stage": ("Draft",)}

    @pytest.mark.parametrize(
        ("order", "expected"),
        [
            (RunOrder(), [4, 3, 2, 1]),
            (RunOrder(is_descending=False), [1, 2, 3, 4]),
            (RunOrder("duration"), [2, 1, 4, 3]),
            (RunOrder("duration", is_descending=False), [1, 2, 4, 3]),
            (RunOrder("pipeline", is_descending=False), [4, 2, 3, 1]),
            (RunOrder("metric", "auc"), [1, 3, 4, 2]),
            (RunOrder("metric", "auc", False), [3, 1, 4, 2]),
        ],
    )
    def test_runs_are_sorted_and_what_has_no_value_comes_last(
        self, store: MetadataStore, order: RunOrder, expected: list[int]
    ) -> None:
        names, seconds, aucs = "baba", [1.0, 9.0, None, None], [0.9, None, 0.2, None]
        for name, duration_s, auc in zip(names, seconds, aucs, strict=True):
            run = submit(store, a_run(pipeline=name, duration_s=duration_s))
            if auc is not None:
                store.apply(Change(metrics=[(run.id, a_metric("auc", auc))]))

        assert [run.number for run in store.list_runs(order=order, limit=9)] == expected
        assert [run.number for run in store.list_runs(order=order, limit=2, offset=1)] == (
            expected[1:3]
        )

    def test_facets_name_the_most_frequent_first(self, store: MetadataStore) -> None:
        for stage, experiment in (("b", "x"), ("a", "y"), ("b", "y")):
            run = submit(store, a_run(tags={"stage": stage}, experiment=experiment))
            store.apply(Change(metrics=[(run.id, a_metric("loss", 1.0))]))
        store.apply(Change(metrics=[(run.id, a_metric("auc", 1.0))]))

        facets = store.run_facets()

        assert facets.experiments == ("y", "x")
        assert facets.tags == {"stage": ("b", "a")}
        assert facets.metrics == ("loss", "auc")


class TrialContract:
    """Trials of steps that are tuned."""

    def test_a_trial_is_read_back_as_it_was_written_last(self, store: MetadataStore) -> None:
        run = submit(store)
        store.apply(Change(trials=[(run.id, "tune", a_trial(1, None, TrialState.RUNNING))]))

        store.apply(Change(trials=[(run.id, "tune", a_trial(1, 0.5))]))

        assert store.get_trial(run.id, "tune", 1) == a_trial(1, 0.5)
        assert store.count_trials(run.id, "tune") == {TrialState.SUCCEEDED: 1}

    def test_trials_come_in_the_order_asked_for_those_without_a_value_last(
        self, store: MetadataStore
    ) -> None:
        run = submit(store)
        values = [0.5, None, 0.9, 0.1]
        trials = [a_trial(number, value) for number, value in enumerate(values, 1)]
        store.apply(Change(trials=[(run.id, "tune", trial) for trial in trials]))

        def numbers(order: TrialOrder, **given: int) -> list[int]:
            return [trial.number for trial in store.trials_of(run.id, "tune", (), order, **given)]

        assert numbers(TrialOrder()) == [1, 2, 3, 4]
        assert numbers(TrialOrder("value", True)) == [3, 1, 4, 2]
        assert numbers(TrialOrder("value", False), limit=2, offset=1) == [1, 3]
        assert store.trials_of(run.id, "tune", [TrialState.FAILED]) == ()

    def test_a_report_of_a_known_mark_is_written_once(self, store: MetadataStore) -> None:
        run = submit(store)
        reports = [
            TrialReport(name="auc", value=value, position=at, reported_at=NOON)
            for at, value in enumerate((0.5, 0.7))
        ]
        new = [NewReport(run.id, "tune", 1, mark, one) for mark, one in enumerate(reports)]

        store.apply(Change(reports=new))
        store.apply(Change(reports=new[1:]))

        assert store.reports_of_trial(run.id, "tune", 1) == tuple(reports)
        assert store.reports_of_trial(run.id, "tune", 2) == ()
        assert store.reports_of_metric(run.id, "tune", "auc") == {1: reports}
        assert store.reports_of_metric(run.id, "tune", "loss") == {}

    def test_trials_go_with_their_run(self, store: MetadataStore) -> None:
        run = submit(store)
        store.apply(Change(trials=[(run.id, "tune", a_trial(1, 0.5))]))

        store.delete_run(run.id)

        assert store.trials_of(run.id, "tune") == ()
        with pytest.raises(NotFound):
            store.get_trial(run.id, "tune", 1)

    def test_runs_are_listed_by_kind(self, store: MetadataStore) -> None:
        submit(store)
        job = submit(store, a_run(kind="tune"))

        assert [row.id for row in store.list_runs(RunFilter(kinds=("tune",)), limit=9)] == [job.id]
        assert store.count_runs(RunFilter(kinds=("tune", "pipeline"))) == 2
        assert store.summary_of(job.id).kind == "tune"


class CacheContract:
    """The cache, and what is remembered of steps that succeeded."""

    def test_the_last_success_of_a_step_is_that_of_its_newest_run(
        self, store: MetadataStore
    ) -> None:
        ran = submit(store, a_run("load", "train", notebook="/n.ipynb"))
        cached = submit(store, a_run("load", "train", notebook="/n.ipynb"))
        submit(store, a_run("load", notebook="/n.ipynb"))
        submit(store, a_run("load", notebook="/other.ipynb"))
        loaded = a_task("load", TaskState.SUCCEEDED, duration_s=2.5)
        taken = a_task("load", TaskState.SUCCEEDED, cached=True, duration_s=0.0)
        failed = a_task("train", TaskState.FAILED)
        store.apply(Change(tasks=[(ran.id, loaded), (cached.id, taken), (ran.id, failed)]))

        found = store.last_successes("/n.ipynb")

        assert found == {"load": PastTask(cached.model_copy(update={"tasks": ()}), taken, 2.5)}
        assert store.last_successes("/n.ipynb", among=1) == {}

    def test_a_success_that_was_only_taken_over_is_none_of_its_run(
        self, store: MetadataStore
    ) -> None:
        ran, later = (submit(store, a_run(notebook="/n.ipynb")) for _ in range(2))
        bundle = "sha256:" + "1" * 64
        loaded = a_task("load", TaskState.SUCCEEDED, bundle=bundle)
        stale = CacheExplanation(hit=True, reason="as run 1 left it", stale=True)
        taken = loaded.model_copy(update={"cached": True, "cache": stale})
        store.apply(Change(tasks=[(ran.id, loaded), (later.id, taken)]))

        assert store.last_successes("/n.ipynb")["load"].task == loaded

    def test_an_entry_is_found_by_its_key(self, store: MetadataStore) -> None:
        entry = a_cache_entry("k", submit(store))

        store.apply(Change(cache=[entry]))

        assert store.find_cached("k") == entry
        assert store.find_cached("K") is None

    def test_entries_of_lost_steps_are_forgotten(self, store: MetadataStore) -> None:
        run, other = submit(store), submit(store)
        lost, kept = a_cache_entry("k1", run), a_cache_entry("k2", other)
        store.apply(Change(cache=[lost, kept], is_told=False))

        store.forget_cached(run.id, [lost.step])

        assert (store.find_cached("k1"), store.find_cached("k2")) == (None, kept)

    def test_the_last_entry_of_a_step_is_the_one_written_last(self, store: MetadataStore) -> None:
        run = submit(store)
        old, new = a_cache_entry("k1", run), a_cache_entry("k2", run)
        store.apply(Change(cache=[old, new]))

        store.apply(Change(cache=[replace(old, bundle=None)]))

        assert store.last_cached("churn", "load") == replace(old, bundle=None)
        assert store.last_cached("churn", "train") is None


class EventContract:
    """The stream of events."""

    def test_events_are_numbered_without_gaps_and_read_from_any_point(
        self, store: MetadataStore
    ) -> None:
        first = store.apply(Change(events=[NewEvent("a", "s", {"n": 1}), NewEvent("b", "s", {})]))
        second = store.apply(Change(events=[NewEvent("c", "s", {"deep": [{"x": None}]})]))

        assert [event.seq for event in (*first, *second)] == [1, 2, 3]
        assert tuple(store.events_after(0)) == (*first, *second)
        assert tuple(store.events_after(1, limit=1)) == (first[1],)
        assert tuple(store.events_after(3)) == ()
        assert store.last_event() == 3

    def test_concurrent_transitions_leave_no_gap(self, store: MetadataStore) -> None:
        with ThreadPoolExecutor(8) as pool:
            list(
                pool.map(
                    lambda n: store.apply(Change(events=[NewEvent("tick", str(n), {})])), range(50)
                )
            )

        assert [event.seq for event in store.events_after(0)] == list(range(1, 51))

    def test_pruning_keeps_the_newest_and_numbers_go_on(self, store: MetadataStore) -> None:
        for number in range(5):
            store.apply(Change(events=[NewEvent("tick", str(number), {})]))

        gone = store.prune_events(keep=0)
        (event,) = store.apply(Change(events=[NewEvent("tick", "after", {})]))

        assert gone == 4
        assert event.seq == 6
        assert [event.seq for event in store.events_after(0)] == [5, 6]


class LineageContract:
    """The graph."""

    def test_facts_are_read_back_whole(self, store: MetadataStore) -> None:
        run = submit(store)
        execution = an_execution(run_id=run.id, parameters={"alpha": 0.1}, started_at=NOON)
        artifact = an_artifact(metadata={"type": "int"}, size_bytes=3, codec="json")
        other = an_artifact(type="system.Model")

        store.apply(
            Change(
                executions=[execution],
                artifacts=[artifact, other],
                lineage=[made(execution, artifact), made(execution, other)],
            )
        )

        assert store.get_execution(execution.id) == execution
        assert store.get_artifact(artifact.id) == artifact
        assert store.artifacts_of_run(run.id) == (artifact, other)
        assert store.artifacts_of_run(run.id, "system.Model") == (other,)
        assert store.find_artifact(str(artifact.digest), "frame", "mlplat.Value") == artifact
        assert store.find_artifact(str(artifact.digest), "other", "mlplat.Value") is None

    def test_an_execution_recorded_again_is_replaced(self, store: MetadataStore) -> None:
        execution = an_execution(state="RUNNING")
        store.apply(Change(executions=[execution]))
        ended = execution.model_copy(update={"state": "COMPLETE", "finished_at": NOON})

        store.apply(Change(executions=[an_execution(), ended]))

        assert store.get_execution(execution.id) == ended

    def test_upstream_reaches_everything_a_value_was_made_from(self, store: MetadataStore) -> None:
        change, executions, artifacts = a_chain(50)
        store.apply(change)

        lineage = store.lineage(artifacts[-1].id, "upstream", depth=1000)

        assert lineage.executions == tuple(executions)
        assert lineage.artifacts == tuple(artifacts)
        assert {*map(repr, lineage.events)} == {*map(repr, change.lineage)}
        assert not lineage.truncated

    def test_downstream_reaches_everything_that_was_made_from_a_value(
        self, store: MetadataStore
    ) -> None:
        change, executions, artifacts = a_chain(5)
        store.apply(change)

        assert store.closure(artifacts[2].id, "downstream", depth=1000) == Closure(
            executions=tuple(execution.id for execution in executions[3:]),
            artifacts=tuple(artifact.id for artifact in artifacts[2:]),
        )

    @pytest.mark.parametrize(
        ("depth", "executions", "artifacts"), [(0, 0, 1), (1, 1, 2), (2, 2, 3), (9, 5, 5)]
    )
    def test_depth_counts_the_executions_on_the_way(
        self, store: MetadataStore, depth: int, executions: int, artifacts: int
    ) -> None:
        change, _, chain = a_chain(5)
        store.apply(change)

        found = store.closure(chain[-1].id, "upstream", depth)

        assert (len(found.executions), len(found.artifacts)) == (executions, artifacts)

    def test_both_directions_do_not_include_siblings(self, store: MetadataStore) -> None:
        source, left, right = an_artifact("source"), an_artifact("left"), an_artifact("right")
        make_left, make_right = an_execution("left"), an_execution("right")
        store.apply(
            Change(
                executions=[make_left, make_right],
                artifacts=[source, left, right],
                lineage=[
                    read(make_left, source),
                    read(make_right, source),
                    made(make_left, left),
                    made(make_right, right),
                ],
            )
        )

        found = store.closure(left.id, "both", 10)

        assert found == Closure(executions=(make_left.id,), artifacts=(source.id, left.id))

    def test_equal_content_that_makes_a_cycle_ends(self, store: MetadataStore) -> None:
        execution, artifact = an_execution(), an_artifact()
        store.apply(
            Change(
                executions=[execution],
                artifacts=[artifact],
                lineage=[read(execution, artifact), made(execution, artifact)],
            )
        )

        lineage = store.lineage(artifact.id, "both", 1000)

        assert (lineage.executions, lineage.artifacts) == ((execution,), (artifact,))
        assert len(lineage.events) == 2

    def test_a_run_stands_for_its_executions(self, store: MetadataStore) -> None:
        run = submit(store)
        change, executions, artifacts = a_chain(3, run_id=run.id)
        store.apply(change)

        assert store.closure(run.id, "upstream", 10) == Closure(
            executions=tuple(execution.id for execution in executions),
            artifacts=tuple(artifact.id for artifact in artifacts[:2]),
        )
        assert store.closure(submit(store).id, "both", 10) == Closure((), ())

    def test_an_execution_reaches_what_it_read_and_what_it_made(self, store: MetadataStore) -> None:
        change, executions, artifacts = a_chain(3)
        store.apply(change)

        assert store.closure(executions[1].id, "both", 1) == Closure(
            executions=(executions[1].id,),
            artifacts=(artifacts[0].id, artifacts[1].id),
        )

    def test_a_walk_that_meets_the_limit_says_so(self, store: MetadataStore) -> None:
        change, _, artifacts = a_chain(20)
        store.apply(change)

        found = store.closure(artifacts[-1].id, "upstream", 1000, limit=10)

        assert found.truncated
        assert 10 <= len(found.executions) + len(found.artifacts) <= 12

    def test_an_unknown_root_is_named_in_the_error(self, store: MetadataStore) -> None:
        with pytest.raises(NotFound, match="lineage of 'art-nothing'"):
            store.lineage("art-nothing", "upstream", 1)


class RegistryContract:
    """Models and endpoints."""

    def test_versions_count_up_and_the_first_creates_the_model(self, store: MetadataStore) -> None:
        first = store.add_model_version(a_version(an_artifact(), aliases=("champion",)), [])
        second = store.add_model_version(
            a_version(an_artifact(), aliases=("champion",), metrics={"auc": 0.9}),
            [NewEvent("model.updated", "churn-model", {})],
        )

        assert (first.version, second.version) == (1, 2)
        assert store.get_model("churn-model") == RegisteredModel(
            name="churn-model",
            created_at=NOON,
            aliases={"champion": 2},
            latest_version=2,
            versions=(first.model_copy(update={"aliases": ()}), second),
        )
        assert [event.kind for event in store.events_after(0)] == ["model.updated"]

    def test_models_are_listed_by_name(self, store: MetadataStore) -> None:
        for name in ("zebra", "ant"):
            store.add_model_version(a_version(an_artifact(), name), [])

        assert [model.name for model in store.list_models()] == ["ant", "zebra"]

    def test_an_alias_moves_and_is_removed(self, store: MetadataStore) -> None:
        for _ in range(2):
            store.add_model_version(a_version(an_artifact()), [])

        assert store.set_alias("churn-model", "champion", 1).aliases == {"champion": 1}
        moved = store.set_alias("churn-model", "champion", 2)
        assert [version.aliases for version in moved.versions] == [(), ("champion",)]
        assert store.set_alias("churn-model", "champion", None).aliases == {}

    def test_a_change_of_names_is_told_in_the_same_transaction(self, store: MetadataStore) -> None:
        told = [NewEvent("model.updated", "churn-model", {})]
        store.add_model_version(a_version(an_artifact()), told)
        store.set_alias("churn-model", "champion", 1, told)
        with pytest.raises(NotFound):
            store.set_alias("churn-model", "champion", 7, told)
        store.delete_model("churn-model", told)

        assert store.last_event() == 3

    def test_an_alias_needs_a_model_and_a_version(self, store: MetadataStore) -> None:
        with pytest.raises(NotFound, match="model 'churn-model'"):
            store.set_alias("churn-model", "champion", 1)
        store.add_model_version(a_version(an_artifact()), [])

        with pytest.raises(NotFound, match=r"at version 7 .*its versions are \[1\]"):
            store.set_alias("churn-model", "champion", 7)

    def test_a_deleted_model_is_gone_with_versions_and_aliases(self, store: MetadataStore) -> None:
        store.add_model_version(a_version(an_artifact(), aliases=("champion",)), [])

        store.delete_model("churn-model")

        for call in (store.get_model, store.delete_model):
            with pytest.raises(NotFound, match="model 'churn-model'"):
                call("churn-model")
        store.add_model_version(a_version(an_artifact()), [])
        assert store.get_model("churn-model").aliases == {}

    def test_the_history_says_who_moved_what_from_where_to_where(
        self, store: MetadataStore
    ) -> None:
        store.add_model_version(a_version(an_artifact(), aliases=("champion",)), [], "ana")
        store.add_model_version(a_version(an_artifact()), [], "ana")
        store.set_alias("churn-model", "champion", 2, by="ben")
        store.set_alias("churn-model", "champion", 2, by="nobody")  # is there already
        store.set_alias("churn-model", "gone", None, by="nobody")  # was never there
        store.describe_model("churn-model", "Who leaves.", by="cem")
        store.describe_model("churn-model", "Who leaves.", by="nobody")
        store.delete_model_version("churn-model", 2, by="ana")

        history = store.model_history("churn-model", 100)

        assert [
            (change.kind, change.alias, change.from_version, change.to_version, change.by)
            for change in reversed(history)
        ] == [
            ("registered", None, None, 1, "ana"),
            ("alias", "champion", None, 1, "ana"),
            ("registered", None, None, 2, "ana"),
            ("alias", "champion", 1, 2, "ben"),
            ("described", None, None, None, "cem"),
            ("alias", "champion", 2, None, "ana"),
            ("deleted", None, 2, None, "ana"),
        ]
        assert store.model_history("churn-model", 1) == history[:1]
        assert store.get_model("churn-model").description == "Who leaves."

    def test_the_number_of_a_deleted_version_is_not_given_again(self, store: MetadataStore) -> None:
        for _ in range(2):
            store.add_model_version(a_version(an_artifact()), [])

        left = store.delete_model_version("churn-model", 2)
        following = store.add_model_version(a_version(an_artifact()), [])

        assert [version.version for version in left.versions] == [1]
        assert following.version == 3
        with pytest.raises(NotFound, match=r"Cannot delete version 2 .* its versions are \[1, 3\]"):
            store.delete_model_version("churn-model", 2)

    def test_changes_of_a_model_that_is_not_there_are_refused(self, store: MetadataStore) -> None:
        for call in (
            lambda: store.describe_model("churn-model", "x"),
            lambda: store.delete_model_version("churn-model", 1),
            lambda: store.model_history("churn-model", 10),
        ):
            with pytest.raises(NotFound, match="model 'churn-model'"):
                call()

    def test_endpoints_are_saved_replaced_listed_and_deleted(self, store: MetadataStore) -> None:
        store.save_endpoint(an_endpoint("b"), {"pid": 1})
        store.save_endpoint(an_endpoint("a"), {})
        store.save_endpoint(an_endpoint("b", message="restarted"), {"pid": 2, "nested": [None]})

        assert store.get_endpoint("b") == (
            an_endpoint("b", message="restarted"),
            {"pid": 2, "nested": [None]},
        )
        assert [endpoint.name for endpoint, _ in store.list_endpoints()] == ["a", "b"]
        store.delete_endpoint("b")
        for call in (store.get_endpoint, store.delete_endpoint):
            with pytest.raises(NotFound, match="endpoint 'b'"):
                call("b")


class FindingContract:
    """What runs have shown of cells."""

    def test_a_finding_takes_the_place_of_the_one_of_the_same_source(
        self, store: MetadataStore
    ) -> None:
        one, two = digest_text("a"), digest_text("b")
        for finding in (
            Finding(source=one, changes=("x",)),
            Finding(source=two, reads=("z",)),
            Finding(source=one, changes=("x", "y")),
        ):
            store.keep_finding(finding)

        assert {finding.source: finding for finding in store.findings()} == {
            one: Finding(source=one, changes=("x", "y")),
            two: Finding(source=two, reads=("z",)),
        }


class GarbageContract:
    """What may be deleted."""

    def test_every_digest_that_something_mentions_is_referenced(self, store: MetadataStore) -> None:
        run = submit(store)
        artifact = an_artifact(metadata={"files": [digest_text("part of a model")]})
        bundle = digest_text("bundle of a task")
        store.apply(
            Change(
                artifacts=[artifact],
                tasks=[(run.id, a_task("load", bundle=bundle))],
                outputs=[(run.id, an_output("x"))],
                cache=[a_cache_entry("k", run)],
            )
        )
        store.save_endpoint(an_endpoint(), {"model": digest_text("served")})

        assert store.referenced_digests() >= {
            artifact.digest,
            digest_text("part of a model"),
            bundle,
            digest_text("x"),
            digest_text("bundle of k"),
            digest_text("served"),
        }

    def test_a_collected_run_takes_along_what_only_it_referred_to(
        self, store: MetadataStore
    ) -> None:
        runs = [submit(store, a_run(state=RunState.SUCCEEDED)) for _ in range(2)]
        shared, own = an_artifact("shared"), an_artifact("own")
        executions = [an_execution(run_id=run.id) for run in runs]
        store.apply(
            Change(
                executions=executions,
                artifacts=[shared, own],
                lineage=[
                    made(executions[0], shared),
                    made(executions[1], shared),
                    made(executions[0], own),
                ],
                cache=[a_cache_entry("k", runs[0])],
            )
        )

        collected = store.collect([runs[0].id], dry_run=False)

        assert (collected.runs, collected.executions, collected.artifacts) == ((runs[0].id,), 1, 1)
        assert shared.digest in collected.kept_digests
        assert not collected.kept_digests & {own.digest, digest_text("bundle of k")}
        assert store.get_artifact(shared.id) == shared
        for gone in (
            lambda: store.get_artifact(own.id),
            lambda: store.get_execution(executions[0].id),
            lambda: store.get_run(runs[0].id),
        ):
            with pytest.raises(NotFound):
                gone()

    def test_a_dry_run_tells_the_same_and_changes_nothing(self, store: MetadataStore) -> None:
        run = submit(store, a_run(state=RunState.SUCCEEDED))
        change, _, artifacts = a_chain(3, run_id=run.id)
        store.apply(change)

        dry = store.collect([run.id], dry_run=True)

        assert store.get_run(run.id) == run
        assert store.get_artifact(artifacts[0].id) == artifacts[0]
        assert store.collect([run.id], dry_run=False) == dry
        assert (dry.executions, dry.artifacts) == (3, 3)

    def test_runs_that_something_kept_refers_to_are_not_collected(
        self, store: MetadataStore
    ) -> None:
        origin, between, kept, of_model, going_on, useless = (
            submit(store, a_run(state=RunState.SUCCEEDED)) for _ in range(6)
        )
        set_state(store, going_on, RunState.RUNNING)
        for run, source in ((kept, between), (between, origin)):
            hit = CacheExplanation(hit=True, reason="same code", run_id=source.id)
            store.apply(
                Change(
                    tasks=[(run.id, a_task("load", TaskState.SUCCEEDED, cached=True, cache=hit))]
                )
            )
        store.add_model_version(a_version(an_artifact(), run_id=of_model.id), [])

        collected = store.collect(
            [run.id for run in (origin, between, of_model, going_on, useless)], dry_run=False
        )

        assert collected.runs == (useless.id,)

    def test_what_a_registered_model_was_made_from_stays_known(self, store: MetadataStore) -> None:
        run = submit(store, a_run(state=RunState.SUCCEEDED))
        change, executions, artifacts = a_chain(3, run_id=run.id)
        store.apply(change)
        store.add_model_version(a_version(artifacts[1]), [])

        store.collect([run.id], dry_run=False)

        assert store.closure(artifacts[1].id, "both", 10) == Closure(
            executions=(executions[0].id, executions[1].id),
            artifacts=(artifacts[0].id, artifacts[1].id),
        )


class ScheduleContract:
    """Schedules and their firings."""

    def test_a_schedule_is_found_by_name_and_by_id_with_its_state(
        self, store: MetadataStore
    ) -> None:
        schedule = a_schedule()
        store.create_schedule(schedule, {"seen": 1})

        assert store.get_schedule("nightly") == (schedule, {"seen": 1})
        assert store.get_schedule(schedule.id) == (schedule, {"seen": 1})
        assert list(store.list_schedules()) == [(schedule, {"seen": 1})]

    def test_a_name_is_given_once(self, store: MetadataStore) -> None:
        store.create_schedule(a_schedule(), {})

        with pytest.raises(Conflict, match="there is one of this name"):
            store.create_schedule(a_schedule(), {})

    def test_a_deleted_schedule_takes_its_firings_and_leaves_its_runs(
        self, store: MetadataStore
    ) -> None:
        schedule = a_schedule()
        store.create_schedule(schedule, {})
        store.record_firings(schedule.id, [a_firing(schedule)])
        run, _ = store.create_run(a_run(), a_pipeline(), None, "d", [], a_firing(schedule))

        store.delete_schedule(schedule.id)

        assert store.get_run(run.id) == run
        assert store.open_firings() == ()
        with pytest.raises(NotFound, match="Cannot find schedule 'nightly'"):
            store.get_schedule("nightly")

    def test_a_firing_comes_to_one_run_and_no_other(self, store: MetadataStore) -> None:
        schedule = a_schedule()
        store.create_schedule(schedule, {})
        store.record_firings(schedule.id, [a_firing(schedule)])
        begun = a_firing(schedule, state=FiringState.RUNNING)

        run, is_new = store.create_run(a_run(), a_pipeline(), None, "d", [], begun)
        again, is_new_again = store.create_run(a_run(), a_pipeline(), None, "d", [], begun)

        assert (is_new, is_new_again, again.id) == (True, False, run.id)
        assert store.firing_of_run(run.id) == begun.model_copy(
            update={"run_id": run.id, "run_number": run.number}
        )
        assert store.count_firings(schedule.id) == 1

    def test_what_became_of_a_planned_time_otherwise_comes_to_no_run(
        self, store: MetadataStore
    ) -> None:
        schedule = a_schedule()
        store.create_schedule(schedule, {})
        store.record_firings(schedule.id, [a_firing(schedule, state=FiringState.SKIPPED)])

        for key in ("noon", "never-planned"):
            with pytest.raises(Conflict, match="Cannot begin what schedule 'nightly'"):
                store.create_run(a_run(), a_pipeline(), None, "d", [], a_firing(schedule, key))
        assert store.list_runs(limit=1) == ()

    def test_firings_are_listed_newest_first_and_found_by_key(self, store: MetadataStore) -> None:
        schedule = a_schedule()
        store.create_schedule(schedule, {})
        states = (FiringState.SUCCEEDED, FiringState.SUCCEEDED, FiringState.FAILED)
        firings = [a_firing(schedule, f"{hour}", state=state) for hour, state in enumerate(states)]
        store.record_firings(
            schedule.id, firings, {"seen": 3}, [NewEvent("schedule.fired", "n", {})]
        )

        (number, newest), *_ = store.list_firings(schedule.id, limit=1)
        rest = [firing for _, firing in store.list_firings(schedule.id, limit=9, before=number)]
        assert [newest, *rest] == firings[::-1]
        assert list(store.find_firings(schedule.id, ["1", "7"])) == [firings[1]]
        assert store.last_success(schedule.id) == firings[1]
        assert store.get_schedule("nightly")[1] == {"seen": 3}
        assert store.events_after(0)[-1].kind == "schedule.fired"

    def test_firings_with_runs_are_found_from_either_end(self, store: MetadataStore) -> None:
        schedule = a_schedule()
        store.create_schedule(schedule, {})
        for key in ("1", "2", "3"):
            store.record_firings(schedule.id, [a_firing(schedule, key)])
            begun = a_firing(schedule, key, state=FiringState.RUNNING)
            store.create_run(a_run(), a_pipeline(), None, "d", [], begun)
        skipped = a_firing(schedule, "4", state=FiringState.SKIPPED)
        store.record_firings(schedule.id, [skipped])

        assert [firing.key for firing in store.firings_beyond(schedule.id, 1)] == ["2", "1"]
        assert [firing.key for firing in store.oldest_firings(schedule.id, 2)] == ["1", "2"]
        assert store.count_firings(schedule.id) == 3

    def test_a_firing_is_open_until_it_is_over_and_everybody_was_told(
        self, store: MetadataStore
    ) -> None:
        schedule = a_schedule()
        store.create_schedule(schedule, {})
        over = {"state": FiringState.FAILED}
        store.record_firings(
            schedule.id,
            [
                a_firing(schedule, "waits"),
                a_firing(schedule, "over", **over),
                a_firing(schedule, "untold", **over, notified={"0": ""}),
                a_firing(schedule, "told", **over, notified={"0": "sent"}),
            ],
        )

        assert [firing.key for firing in store.open_firings()] == ["waits", "untold"]

        store.prune_firings(schedule.id, 1)
        assert [firing.key for _, firing in store.list_firings(schedule.id, limit=9)] == [
            "told",
            "untold",
            "waits",
        ]


class UpkeepContract:
    """Opening, fencing, backing up."""

    def test_each_opening_takes_the_next_fencing_number(
        self, store: MetadataStore, other_store: MetadataStore
    ) -> None:
        assert [other_store.open(), other_store.open()] == [2, 3]

    def test_a_store_fenced_off_by_a_newer_engine_refuses_every_write(
        self, store: MetadataStore, other_store: MetadataStore
    ) -> None:
        run = submit(store)
        other_store.open()

        for write in (
            lambda: submit(store),
            lambda: store.apply(Change(runs=[run.model_copy(update={"state": RunState.RUNNING})])),
            lambda: store.delete_run(run.id),
            lambda: store.save_endpoint(an_endpoint(), {}),
            lambda: store.add_model_version(a_version(an_artifact()), []),
            lambda: store.collect([], dry_run=False),
            lambda: store.prune_events(1),
        ):
            with pytest.raises(
                Conflict, match="engine number 2 has taken it over, this is number 1"
            ):
                write()
        assert other_store.get_run(run.id) == run
        assert store.get_run(run.id) == run

    def test_a_backup_made_while_work_goes_on_opens_as_a_store(
        self, store: MetadataStore, tmp_path: Path
    ) -> None:
        run = submit(store)
        change, _, artifacts = a_chain(3, run_id=run.id)
        store.apply(change)
        before = store.lineage(artifacts[-1].id, "upstream", 10)

        store.backup(tmp_path / "copies" / "backup.db")
        store.delete_run(run.id)

        copy = self.open_copy(tmp_path / "copies" / "backup.db")
        assert copy.get_run("latest") == run
        assert copy.lineage(artifacts[-1].id, "upstream", 10) == before

    def open_copy(self, path: Path) -> MetadataStore:
        raise NotImplementedError


class MetadataStoreContract(
    RunContract,
    ListContract,
    TrialContract,
    CacheContract,
    EventContract,
    LineageContract,
    RegistryContract,
    FindingContract,
    GarbageContract,
    ScheduleContract,
    UpkeepContract,
):
    """All of it."""
