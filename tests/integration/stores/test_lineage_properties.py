"""Walks over any graph agree with a definition that a person can check."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jupyter_mlplat.ports.metadata import Change, Closure
from jupyter_mlplat.services.gc.marking import digests_in
from jupyter_mlplat.stores.metadata import SqlMetadataStore
from tests.contracts.documents import an_artifact, an_execution, made, read

NODES = 8
Links = set[tuple[int, int, bool]]
"""(execution, artifact, whether the execution made it); cycles and several makers are allowed."""

links_of_a_graph = st.sets(
    st.tuples(st.integers(0, NODES - 1), st.integers(0, NODES - 1), st.booleans()), max_size=30
)


@pytest.fixture(scope="module")
def shared_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqlMetadataStore]:
    store = SqlMetadataStore(Path(tmp_path_factory.mktemp("home")) / "metadata.db")
    store.open()
    yield store
    store.close()


def reached(links: Links, artifact: int, depth: int, upstream: bool) -> tuple[set[int], set[int]]:
    """Define the closure: what an artifact was made from, or into, over `depth` executions."""
    executions: set[int] = set()
    artifacts = {artifact}
    for _ in range(depth):
        executions |= {e for e, a, makes in links if a in artifacts and makes == upstream}
        artifacts |= {a for e, a, makes in links if e in executions and makes != upstream}
    return executions, artifacts


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    links=links_of_a_graph,
    root=st.integers(0, NODES - 1),
    depth=st.integers(0, 5),
    direction=st.sampled_from(["upstream", "downstream", "both"]),
)
def test_a_walk_reaches_exactly_what_the_definition_says(
    shared_store: SqlMetadataStore, links: Links, root: int, depth: int, direction: str
) -> None:
    executions = [an_execution(f"e{number}") for number in range(NODES)]
    artifacts = [an_artifact(f"a{number}") for number in range(NODES)]
    events = [
        (made if makes else read)(executions[e], artifacts[a]) for e, a, makes in sorted(links)
    ]
    shared_store.apply(Change(executions=executions, artifacts=artifacts, lineage=events))

    lineage = shared_store.lineage(artifacts[root].id, direction, depth)  # type: ignore[arg-type]

    sides = [reached(links, root, depth, side) for side in (True, False)]
    wanted = {"upstream": sides[:1], "downstream": sides[1:], "both": sides}[direction]
    e_wanted = set().union(*(side[0] for side in wanted))
    a_wanted = set().union(*(side[1] for side in wanted))
    assert lineage.executions == tuple(executions[number] for number in sorted(e_wanted))
    assert lineage.artifacts == tuple(artifacts[number] for number in sorted(a_wanted))
    assert {event.model_dump_json() for event in lineage.events} == {
        event.model_dump_json()
        for event, (e, a, _) in zip(events, sorted(links), strict=True)
        if e in e_wanted and a in a_wanted
    }
    assert shared_store.closure(artifacts[root].id, direction, depth) == Closure(  # type: ignore[arg-type]
        executions=tuple(execution.id for execution in lineage.executions),
        artifacts=tuple(artifact.id for artifact in lineage.artifacts),
    )


@given(
    text=st.lists(
        st.one_of(
            st.binary(max_size=20),
            st.binary(min_size=32, max_size=32).map(lambda raw: f"sha256:{raw.hex()}".encode()),
        ),
        max_size=8,
    ),
    cuts=st.lists(st.integers(1, 100), min_size=1, max_size=20),
)
def test_digests_are_found_however_a_document_is_cut(text: list[bytes], cuts: list[int]) -> None:
    document, chunks, place = b"|".join(text), [], 0
    while place < len(document):
        size = cuts[len(chunks) % len(cuts)]
        chunks.append(document[place : place + size])
        place += size

    assert digests_in(chunks) == digests_in([document])
