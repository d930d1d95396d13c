"""Looking at lineage: bounded answers that keep their subject, ways between things, names."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jupyter_mlplat.errors import InvalidInput, NotFound
from jupyter_mlplat.ports.metadata import Change, Explored
from jupyter_mlplat.resources.lineage import Artifact, Beyond, CodeVersion, Execution
from jupyter_mlplat.resources.serving import Revision, RevisionState
from jupyter_mlplat.services.lineage import LineageService
from jupyter_mlplat.stores.metadata import SqlMetadataStore
from tests.contracts.documents import (
    NOON,
    a_chain,
    a_pipeline,
    a_run,
    a_version,
    an_artifact,
    an_endpoint,
    an_execution,
    made,
    read,
)

NODES = 8
Links = set[tuple[int, int, bool]]
DIGEST = "sha256:" + "0" * 64

links_of_a_graph = st.sets(
    st.tuples(st.integers(0, NODES - 1), st.integers(0, NODES - 1), st.booleans()), max_size=30
)


@pytest.fixture(scope="module")
def shared_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqlMetadataStore]:
    store = SqlMetadataStore(Path(tmp_path_factory.mktemp("home")) / "metadata.db")
    store.open()
    yield store
    store.close()


def record(store: SqlMetadataStore, links: Links) -> tuple[list[Execution], list[Artifact]]:
    executions = [an_execution(f"e{number}") for number in range(NODES)]
    artifacts = [an_artifact(f"a{number}") for number in range(NODES)]
    events = [
        (made if makes else read)(executions[e], artifacts[a]) for e, a, makes in sorted(links)
    ]
    store.apply(Change(executions=executions, artifacts=artifacts, lineage=events))
    return executions, artifacts


def ids_of(found: Explored) -> set[str]:
    return {e.id for e in found.executions} | {a.id for a in found.artifacts}


def reached(links: Links, start: tuple[str, int]) -> set[tuple[str, int]]:
    """Define what follows from a node: along reads into executions, along makes out of them."""
    found = {start}
    while True:
        more = {("e", e) for e, a, makes in links if not makes and ("a", a) in found}
        more |= {("a", a) for e, a, makes in links if makes and ("e", e) in found}
        if more <= found:
            return found
        found |= more


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    links=links_of_a_graph,
    roots=st.lists(st.integers(0, NODES - 1), min_size=1, max_size=3, unique=True),
    depth=st.integers(0, 5),
    limit=st.integers(1, 20),
    direction=st.sampled_from(["upstream", "downstream", "both"]),
)
def test_however_little_is_shown_the_subject_is(
    shared_store: SqlMetadataStore,
    links: Links,
    roots: list[int],
    depth: int,
    limit: int,
    direction: str,
) -> None:
    _, artifacts = record(shared_store, links)
    ids = [artifacts[root].id for root in roots]

    found = shared_store.explore(ids, direction, depth, limit=limit)  # type: ignore[arg-type]
    whole = shared_store.explore(ids, direction, depth, limit=1000)  # type: ignore[arg-type]

    shown = ids_of(found)
    within = ids_of(whole)
    assert found.roots == tuple(ids[:limit])
    assert set(found.roots) <= shown <= within
    assert len(shown) <= max(limit, 1)
    assert found.truncated == (shown != within)
    assert not whole.truncated
    assert all({e.execution_id, e.artifact_id} <= shown for e in found.events)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    links=links_of_a_graph,
    source=st.integers(0, NODES - 1),
    target=st.integers(0, NODES - 1),
)
def test_ways_between_are_what_follows_from_one_and_leads_to_the_other(
    shared_store: SqlMetadataStore, links: Links, source: int, target: int
) -> None:
    executions, artifacts = record(shared_store, links)
    ids = {("e", n): fact.id for n, fact in enumerate(executions)}
    ids |= {("a", n): fact.id for n, fact in enumerate(artifacts)}
    start, end = ("a", source), ("a", target)
    wanted = {node for node in reached(links, start) if end in reached(links, node)}

    found = shared_store.explore_between([ids[start]], [ids[end]], limit=1000)
    tight = shared_store.explore_between([ids[start]], [ids[end]], limit=1)

    assert ids_of(found) == {ids[node] for node in wanted | {start, end}}
    assert not found.truncated
    kept = ids_of(tight)
    assert {ids[start], ids[end]} <= kept
    assert bool(tight.events) == bool(found.events) or source == target


def test_what_is_not_shown_is_counted_at_the_node_where_it_goes_on(
    store: SqlMetadataStore,
) -> None:
    change, executions, artifacts = a_chain(4)
    store.apply(change)

    found = store.explore([artifacts[1].id], "both", 1, limit=10)

    assert [execution.id for execution in found.executions] == [e.id for e in executions[1:3]]
    assert found.beyond == {
        artifacts[0].id: Beyond(upstream=1),
        artifacts[2].id: Beyond(downstream=1),
    }


def test_steps_taken_from_the_cache_stand_back_behind_the_one_that_ran(
    store: SqlMetadataStore,
) -> None:
    value = an_artifact("value")
    ran = an_execution("load")
    cached = [an_execution("load", state="CACHED") for _ in range(3)]
    links = [made(execution, value) for execution in (ran, *cached)]
    store.apply(Change(executions=[ran, *cached], artifacts=[value], lineage=links))

    plain = store.explore([value.id], "upstream", 1, limit=10, with_cached=False)
    whole = store.explore([value.id], "upstream", 1, limit=10, with_cached=True)
    named = store.explore([cached[0].id], "both", 1, limit=10, with_cached=False)

    assert [execution.id for execution in plain.executions] == [ran.id]
    assert plain.beyond == {}
    assert len(whole.executions) == 4
    assert {execution.id for execution in named.executions} == {cached[0].id}


def test_the_newest_cached_step_stands_for_one_that_was_deleted(store: SqlMetadataStore) -> None:
    value = an_artifact("value")
    cached = [an_execution("load", state="CACHED") for _ in range(3)]
    store.apply(
        Change(executions=cached, artifacts=[value], lineage=[made(e, value) for e in cached])
    )

    found = store.explore([value.id], "upstream", 1, limit=10, with_cached=False)

    assert [execution.id for execution in found.executions] == [cached[-1].id]


def test_names_are_found_once_each_newest_first(store: SqlMetadataStore) -> None:
    values = [an_artifact(name) for name in ("frame", "100%", "frame", "clean_frame")]
    store.apply(Change(artifacts=values, executions=[an_execution("load_frame")]))

    found = store.find_lineage("frame", limit=10)

    assert [artifact.id for artifact in found.artifacts] == [values[3].id, values[2].id]
    assert [execution.name for execution in found.executions] == ["load_frame"]
    assert [a.name for a in store.find_lineage("0%", limit=10).artifacts] == ["100%"]
    assert store.find_lineage("_", limit=10).artifacts[0].name == "clean_frame"
    assert len(store.find_lineage("", limit=2).artifacts) == 2


@pytest.fixture
def lineage(store: SqlMetadataStore) -> LineageService:
    return LineageService(store)


def a_notebooks_runs(store: SqlMetadataStore) -> tuple[list[Execution], Artifact]:
    """Record two runs of a notebook with one cell, the second taken from the cache."""
    executions = []
    model = an_artifact("forest", type="system.Model")
    for state in ("COMPLETE", "CACHED"):
        run, _ = store.create_run(
            a_run("train", notebook="/work/a.ipynb"), a_pipeline("train"), None, "d", []
        )
        code = CodeVersion(cells={"cell-1": DIGEST})
        executions.append(an_execution("train", run_id=run.id, state=state, code=code))
        store.apply(
            Change(
                executions=executions[-1:],
                artifacts=[model],
                lineage=[made(executions[-1], model)],
            )
        )
    return executions, model


def test_a_cell_stands_for_what_truly_ran_in_the_last_runs(
    store: SqlMetadataStore, lineage: LineageService
) -> None:
    executions, model = a_notebooks_runs(store)

    found = lineage.explore("cell:cell-1", "downstream", 1, notebook="/work/a.ipynb")

    assert found.roots == (executions[0].id,)
    assert [artifact.id for artifact in found.artifacts] == [model.id]
    assert [run.number for run in found.runs] == [1]
    assert lineage.explore("step:train", notebook="/work/a.ipynb").roots == found.roots


def test_a_model_says_who_serves_it(store: SqlMetadataStore, lineage: LineageService) -> None:
    _, model = a_notebooks_runs(store)
    store.add_model_version(a_version(model, "tumour", aliases=("champion",)), [])
    revision = Revision(
        number=1, model="tumour", version=1, state=RevisionState.READY, created_at=NOON
    )
    store.save_endpoint(an_endpoint("clinic", revisions=(revision,)), {})

    for subject in ("model:tumour", "model:tumour/1", "model:tumour@champion", "value:forest"):
        found = lineage.explore(subject)
        assert found.roots == (model.id,)
        (use,) = found.models
        assert (use.model, use.version, use.aliases) == ("tumour", 1, ("champion",))
        assert use.endpoints == ("clinic",)


@pytest.mark.parametrize(
    ("subject", "error", "message"),
    [
        ("", InvalidInput, "needed an id, or one of model:"),
        ("../x", InvalidInput, "needed an id"),
        ("cell:a", InvalidInput, "say of which notebook"),
        ("model:none", NotFound, "Cannot find model 'none'"),
        ("value:none", NotFound, "Cannot find a value named 'none'"),
        ("step:none", NotFound, "Cannot find a step named 'none'"),
        ("run:7", NotFound, "Cannot find run"),
        ("art-0000000000", NotFound, "nothing that ran or was made"),
    ],
)
def test_a_subject_that_is_none_says_what_to_do(
    lineage: LineageService, subject: str, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        lineage.explore(subject)


def test_a_search_finds_models_runs_steps_and_values(
    store: SqlMetadataStore, lineage: LineageService
) -> None:
    executions, model = a_notebooks_runs(store)
    store.add_model_version(a_version(model, "forest-model"), [])

    def subjects(text: str) -> list[str]:
        return [found.subject for found in lineage.search(text)]

    assert subjects("forest") == ["model:forest-model/1", model.id]
    assert subjects("train") == [executions[1].id]
    assert subjects("#2") == [f"run:{executions[1].run_id}"]
    assert subjects(model.id) == [model.id]
    assert subjects("art-0000000000") == []
    assert {found.kind for found in lineage.search("")} == {"model", "run", "step", "artifact"}
    assert len(lineage.search("", limit=3)) == 3
