"""What every `MetadataStore` must do with experiments and stored pipelines."""

from datetime import timedelta

import pytest

from jupyter_mlplat.errors import Conflict, InvalidInput, NotFound
from jupyter_mlplat.kit.digests import digest_text
from jupyter_mlplat.kit.ids import new_id
from jupyter_mlplat.ports.metadata import Change, MetadataStore, RunFilter
from jupyter_mlplat.ports.selecting import Predicate, Selection
from jupyter_mlplat.resources.catalogue import Experiment, PipelineVersion, StoredPipeline
from jupyter_mlplat.resources.run import Run
from tests.contracts.documents import NOON, a_pipeline, a_run


def an_experiment(title: str = "Churn", minutes: int = 0) -> Experiment:
    return Experiment(
        id=new_id("experiment"),
        name=title.lower(),
        title=title,
        created_at=NOON + timedelta(minutes=minutes),
    )


def a_stored_pipeline(name: str = "train", minutes: int = 0) -> StoredPipeline:
    moment = NOON + timedelta(minutes=minutes)
    return StoredPipeline(id=new_id("pipeline"), name=name, title=name.title(), created_at=moment)


def a_pipeline_version(
    pipeline: StoredPipeline, name: str = "v1", minutes: int = 0
) -> PipelineVersion:
    return PipelineVersion(
        id=new_id("version"),
        pipeline_id=pipeline.id,
        name=name,
        title=name,
        created_at=NOON + timedelta(minutes=minutes),
        digest=digest_text(name),
        ir={"pipeline_spec": {"root": {}}},
    )


def submit(store: MetadataStore, **given: object) -> Run:
    return store.create_run(a_run(**given), a_pipeline(), None, "d", [])[0]


class ExperimentContract:
    """Experiments."""

    def test_the_default_experiment_is_there_from_the_start(self, store: MetadataStore) -> None:
        assert [one.title for one in store.select_experiments(Selection()).records] == ["Default"]
        assert store.get_experiment("default").last_run_at is None

    def test_an_experiment_is_found_by_id_and_by_name(self, store: MetadataStore) -> None:
        created = store.create_experiment(an_experiment())

        assert store.get_experiment(created.id) == store.get_experiment("churn") == created
        with pytest.raises(NotFound, match="Cannot find experiment 'other'"):
            store.get_experiment("other")

    def test_a_title_is_taken_whatever_the_case_of_its_letters(self, store: MetadataStore) -> None:
        created = store.create_experiment(an_experiment("Churn"))
        other = an_experiment("CHURN").model_copy(update={"name": "churn-2"})

        with pytest.raises(Conflict, match="there is one of this name") as caught:
            store.create_experiment(other)

        assert caught.value.details == {"exists": created.id}

    def test_a_run_makes_the_experiment_it_names(self, store: MetadataStore) -> None:
        run = submit(store, experiment="fresh")

        assert store.get_experiment("fresh").last_run_at == run.created_at
        assert store.get_experiment("fresh").created_at == run.created_at

    def test_a_run_that_is_moved_makes_the_experiment_too(self, store: MetadataStore) -> None:
        run = submit(store)

        store.apply(Change(runs=[run.model_copy(update={"experiment": "moved"})]))

        assert store.get_experiment("moved").last_run_at == run.created_at

    def test_to_archive_an_experiment_is_to_archive_its_runs(self, store: MetadataStore) -> None:
        inside, outside = submit(store, experiment="old"), submit(store)

        assert store.archive_experiment("old", is_archived=True).archived
        assert not store.archive_experiment("old", is_archived=False).archived

        assert store.get_run(inside.id).archived
        assert not store.get_run(outside.id).archived
        assert [row.id for row in store.list_runs(RunFilter(archived=True), limit=9)] == [inside.id]
        assert store.count_runs(RunFilter(archived=False)) == 1

    def test_the_runs_of_a_deleted_experiment_stay(self, store: MetadataStore) -> None:
        run = submit(store, experiment="old")

        store.delete_experiment(store.get_experiment("old").id)

        assert store.get_run(run.id).experiment == "old"
        with pytest.raises(NotFound):
            store.get_experiment("old")
        with pytest.raises(NotFound):
            store.delete_experiment("old")


class SelectingContract:
    """Pages of records by what is asked of their fields."""

    def test_pages_go_on_where_the_last_one_ended(self, store: MetadataStore) -> None:
        titles = [f"E{number}" for number in range(5)]
        for minutes, title in enumerate(titles):
            store.create_experiment(an_experiment(title, minutes))
        only = [Predicate("title", "contains", "e"), Predicate("title", "!=", "DEFAULT")]

        for is_descending in (False, True):
            found: list[str] = []
            following = None
            for size in (2, 2, 1):
                asked = Selection(only, "created_at", is_descending, following, limit=2)
                page = store.select_experiments(asked)
                following = page.next
                assert (len(page.records), page.total) == (size, 5)
                found += [one.title for one in page.records]
            assert following is None
            assert found == (titles[::-1] if is_descending else titles)

    def test_equal_values_are_told_apart_by_id(self, store: MetadataStore) -> None:
        runs = [submit(store, title="same") for _ in range(3)]

        first = store.select_runs(Selection(by="title", limit=2))
        second = store.select_runs(Selection(by="title", limit=2, after=first.next))

        ids = [run.id for run in (*first.records, *second.records)]
        assert ids == sorted(run.id for run in runs)

    @pytest.mark.parametrize(
        ("predicate", "expected"),
        [
            (Predicate("title", "=", "alpha"), {"Alpha"}),
            (Predicate("title", "!=", "alpha"), {"beta", "churn"}),
            (Predicate("title", "in", ["ALPHA", "beta", "none"]), {"Alpha", "beta"}),
            (Predicate("title", "contains", "ET"), {"beta"}),
            (Predicate("title", "contains", "%"), set()),
            (Predicate("created_at", ">", int(NOON.timestamp())), {"beta", "churn"}),
            (Predicate("created_at", "<=", int(NOON.timestamp())), {"Alpha"}),
            (Predicate("archived", "=", 1), {"churn"}),
            (Predicate("note", "=", "first"), {"Alpha"}),
            (Predicate("experiment", "=", "x"), {"beta"}),
            (Predicate("state", "in", ["PENDING"]), {"Alpha", "beta", "churn"}),
            (Predicate("finished_at", ">", 0), set()),
        ],
        ids=lambda value: f"{value.field} {value.operator}" if hasattr(value, "field") else "",
    )
    def test_runs_are_selected_by_their_fields(
        self, store: MetadataStore, predicate: Predicate, expected: set[str]
    ) -> None:
        later = NOON + timedelta(hours=1)
        submit(store, title="Alpha", note="first")
        submit(store, title="beta", experiment="x", created_at=later)
        submit(store, created_at=later, archived=True)

        found = store.select_runs(Selection([predicate]))

        assert {run.title or run.pipeline for run in found.records} == expected
        assert found.total == len(expected)

    def test_runs_of_an_experiment_are_found_by_its_id(self, store: MetadataStore) -> None:
        inside, _ = submit(store, experiment="x"), submit(store)
        experiment = store.get_experiment("x").id

        found = store.select_runs(Selection([Predicate("experiment_id", "=", experiment)]))

        assert [run.id for run in found.records] == [inside.id]

    def test_an_unknown_field_is_refused(self, store: MetadataStore) -> None:
        with pytest.raises(InvalidInput, match="Cannot filter or sort by 'colour'"):
            store.select_runs(Selection(by="colour"))

    def test_the_ir_of_runs_that_have_one_is_found(self, store: MetadataStore) -> None:
        plain = submit(store)
        pipeline = a_pipeline().model_copy(update={"ir": {"pipeline_spec": {"root": {}}}})
        compiled, _ = store.create_run(a_run(), pipeline, None, "d", [])

        assert store.ir_of([plain.id, compiled.id]) == {compiled.id: pipeline.ir}


class StoredPipelineContract:
    """Stored pipelines and their versions."""

    def test_a_pipeline_is_stored_with_its_first_version(self, store: MetadataStore) -> None:
        pipeline = a_stored_pipeline()
        version = a_pipeline_version(pipeline)

        store.create_pipeline(pipeline, version)

        assert store.get_pipeline(pipeline.id) == store.get_pipeline("train") == pipeline
        assert store.get_pipeline_version(version.id) == version
        assert store.latest_pipeline_version(pipeline.id) == version

    def test_a_name_is_given_once(self, store: MetadataStore) -> None:
        pipeline = store.create_pipeline(a_stored_pipeline())
        version = store.add_pipeline_version(a_pipeline_version(pipeline))

        with pytest.raises(Conflict, match="Cannot create pipeline 'train'") as caught:
            store.create_pipeline(a_stored_pipeline(), a_pipeline_version(pipeline, "v2"))
        with pytest.raises(Conflict, match="Cannot create pipeline version 'v1'"):
            store.add_pipeline_version(a_pipeline_version(pipeline))

        assert caught.value.details == {"exists": pipeline.id}
        assert store.select_pipeline_versions(Selection()).records == [version]

    def test_the_latest_version_is_the_newest(self, store: MetadataStore) -> None:
        pipeline = store.create_pipeline(a_stored_pipeline())
        assert store.latest_pipeline_version(pipeline.id) is None

        newest = store.add_pipeline_version(a_pipeline_version(pipeline, "b", minutes=2))
        store.add_pipeline_version(a_pipeline_version(pipeline, "a", minutes=1))

        assert store.latest_pipeline_version(pipeline.id) == newest

    def test_versions_are_selected_by_their_pipeline(self, store: MetadataStore) -> None:
        one = store.create_pipeline(a_stored_pipeline("one"))
        two = store.create_pipeline(a_stored_pipeline("two", minutes=1))
        version = store.add_pipeline_version(a_pipeline_version(one))
        store.add_pipeline_version(a_pipeline_version(two))

        found = store.select_pipeline_versions(Selection([Predicate("pipeline_id", "=", one.id)]))

        assert found.records == [version]
        assert store.select_pipelines(Selection(by="name")).records == [one, two]

    def test_what_people_say_of_them_can_be_changed(self, store: MetadataStore) -> None:
        pipeline = store.create_pipeline(a_stored_pipeline())
        version = store.add_pipeline_version(a_pipeline_version(pipeline))

        store.update_pipeline(pipeline.model_copy(update={"title": "New", "tags": {"a": "b"}}))
        store.update_pipeline_version(version.model_copy(update={"description": "Better"}))

        assert store.get_pipeline(pipeline.id).tags == {"a": "b"}
        assert store.get_pipeline_version(version.id).description == "Better"
        assert store.get_pipeline_version(version.id).ir == version.ir

    def test_a_deleted_pipeline_takes_its_versions_along(self, store: MetadataStore) -> None:
        pipeline = a_stored_pipeline()
        version = a_pipeline_version(pipeline)
        store.create_pipeline(pipeline, version)

        store.delete_pipeline(pipeline.id)

        with pytest.raises(NotFound):
            store.get_pipeline_version(version.id)
        with pytest.raises(NotFound):
            store.add_pipeline_version(version)

    def test_a_version_can_be_deleted(self, store: MetadataStore) -> None:
        pipeline = store.create_pipeline(a_stored_pipeline())
        version = store.add_pipeline_version(a_pipeline_version(pipeline))

        store.delete_pipeline_version(version.id)

        assert store.select_pipeline_versions(Selection()).total == 0
        with pytest.raises(NotFound):
            store.delete_pipeline_version(version.id)
