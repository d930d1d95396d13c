"""Which data and code made a model."""

from jupyter_mlplat.kit.digests import digest_text
from jupyter_mlplat.kit.ids import new_id
from jupyter_mlplat.resources.lineage import (
    Artifact,
    CellVersion,
    CodeVersion,
    DataVersion,
    Execution,
    GitState,
    Lineage,
    LineageEvent,
    Provenance,
)
from jupyter_mlplat.services.lineage import provenance
from tests.contracts.documents import an_artifact, an_execution, made, read


def a_graph(
    root: str,
    executions: list[Execution],
    artifacts: list[Artifact],
    events: list[LineageEvent],
) -> Lineage:
    return Lineage(
        root=root,
        direction="upstream",
        depth=9,
        executions=tuple(executions),
        artifacts=tuple(artifacts),
        events=tuple(events),
    )


def code(cell: str, commit: str | None = "c0ffee", dirty: bool = False) -> CodeVersion:
    return CodeVersion(
        cells={cell: digest_text(cell)},
        git_commit=commit,
        git_dirty=dirty,
        environment=digest_text("lock"),
    )


def test_a_model_knows_its_cells_commit_parameters_environment_and_inputs() -> None:
    run = new_id("run")
    load = an_execution("load", run_id=run, code=code("c1"), parameters={"path": "x.csv"})
    train = an_execution("train", run_id=run, code=code("c2", dirty=True), parameters={"alpha": 1})
    source, frame, model = an_artifact("source"), an_artifact("frame"), an_artifact("model")

    found = provenance(
        a_graph(
            model.id,
            [load, train],
            [source, frame, model],
            [read(load, source), made(load, frame), read(train, frame), made(train, model)],
        )
    )

    assert found == Provenance(
        runs=(run,),
        cells=(
            CellVersion(step="load", cell="c1", digest=digest_text("c1")),
            CellVersion(step="train", cell="c2", digest=digest_text("c2")),
        ),
        git=(GitState(commit="c0ffee", dirty=False), GitState(commit="c0ffee", dirty=True)),
        environments=(digest_text("lock"),),
        parameters={"load": {"path": "x.csv"}, "train": {"alpha": 1}},
        data=(
            DataVersion(name="source", artifact_id=source.id, digest=source.digest),
            DataVersion(name="frame", artifact_id=frame.id, digest=frame.digest, made_by="load"),
        ),
    )


def test_of_several_makers_of_equal_content_the_one_in_the_same_run_counts() -> None:
    mine, yours = new_id("run"), new_id("run")
    my_load = an_execution("load", run_id=mine, code=code("c1"))
    your_load = an_execution("other-load", run_id=yours, code=code("c9"))
    train = an_execution("train", run_id=mine, code=code("c2"))
    frame, model = an_artifact("frame"), an_artifact("model")

    found = provenance(
        a_graph(
            model.id,
            [my_load, your_load, train],
            [frame, model],
            [made(my_load, frame), made(your_load, frame), read(train, frame), made(train, model)],
        )
    )

    assert found.runs == (mine,)
    assert [cell.step for cell in found.cells] == ["load", "train"]


def test_equal_content_that_makes_a_cycle_ends() -> None:
    execution, artifact = an_execution(), an_artifact()

    found = provenance(
        a_graph(
            artifact.id,
            [execution],
            [artifact],
            [read(execution, artifact), made(execution, artifact)],
        )
    )

    assert [data.made_by for data in found.data] == ["load"]


def test_what_nothing_made_has_no_provenance() -> None:
    artifact = an_artifact()

    assert provenance(a_graph(artifact.id, [], [artifact], [])) == Provenance()
