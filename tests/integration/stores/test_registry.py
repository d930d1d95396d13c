"""The registry and lineage questions, over a real store."""

import pytest

from jupyter_mlplat.errors import Conflict, InvalidInput, NotFound
from jupyter_mlplat.ports.metadata import Change
from jupyter_mlplat.resources.lineage import (
    Artifact,
    Execution,
    ModelSignature,
    ModelVersion,
    TensorSpec,
)
from jupyter_mlplat.resources.registry import ModelImpact, RegisterRequest, ServedVersion
from jupyter_mlplat.resources.run import Run
from jupyter_mlplat.resources.serving import Revision, RevisionState, Traffic
from jupyter_mlplat.services.lineage import LineageService
from jupyter_mlplat.services.registry import Registry
from jupyter_mlplat.stores.metadata import SqlMetadataStore
from tests.contracts.documents import (
    NOON,
    a_pipeline,
    a_run,
    an_artifact,
    an_endpoint,
    an_execution,
    made,
    read,
)

SIGNATURE = {"inputs": [{"name": "input-0", "datatype": "FP64", "shape": [-1, 4]}], "outputs": []}


def log_model(
    store: SqlMetadataStore, name: str = "clf", run: Run | None = None, **metadata: object
) -> tuple[Run, Execution, Artifact]:
    """Record what a cell that called mlplat.log_model leaves."""
    run = run or store.create_run(a_run("train"), a_pipeline("train"), None, "d", [])[0]
    training = an_execution("train", run_id=run.id)
    facts = {
        "format": "sklearn",
        "signature": SIGNATURE,
        "metrics": {"auc": 0.9},
        "input_example": [[1.0, 2.0, 3.0, 4.0]],
    }
    model = an_artifact(name, type="system.Model", metadata=facts | metadata)
    store.apply(Change(executions=[training], artifacts=[model], lineage=[made(training, model)]))
    return run, training, model


@pytest.fixture
def registry(store: SqlMetadataStore) -> Registry:
    return Registry(store)


def test_a_version_takes_over_what_was_logged(store: SqlMetadataStore, registry: Registry) -> None:
    run, _, model = log_model(store)

    version = registry.register(
        RegisterRequest(model="churn", artifact_id=model.id, aliases=("champion",)), NOON
    )

    assert version == ModelVersion(
        model="churn",
        version=1,
        artifact_id=model.id,
        format="sklearn",
        signature=ModelSignature(
            inputs=(TensorSpec(name="input-0", datatype="FP64", shape=(-1, 4)),)
        ),
        metrics={"auc": 0.9},
        run_id=run.id,
        step="train",
        aliases=("champion",),
        input_example=[[1.0, 2.0, 3.0, 4.0]],
        created_at=NOON,
    )
    assert registry.get_version("churn", 1) == version
    assert [event.kind for event in store.events_after(0)] == ["model.updated"]


def test_a_model_is_registered_by_run_and_logged_name(
    store: SqlMetadataStore, registry: Registry
) -> None:
    run, _, _ = log_model(store, "clf")
    _, _, other = log_model(store, "other", run)

    version = registry.register(
        RegisterRequest(model="churn", run_id=run.id, logged_as="other"), NOON
    )

    assert version.artifact_id == other.id


def test_what_the_request_says_goes_before_what_was_logged(
    store: SqlMetadataStore, registry: Registry
) -> None:
    _, _, model = log_model(store)

    version = registry.register(
        RegisterRequest(
            model="churn",
            artifact_id=model.id,
            format="onnx",
            signature=ModelSignature(),
            input_example=[0],
            description="by hand",
        ),
        NOON,
    )

    assert (version.format, version.signature, version.input_example, version.description) == (
        "onnx",
        ModelSignature(),
        [0],
        "by hand",
    )


def test_references_resolve_to_the_latest_a_number_or_an_alias(
    store: SqlMetadataStore, registry: Registry
) -> None:
    for _ in range(3):
        _, _, model = log_model(store)
        registry.register(RegisterRequest(model="churn", artifact_id=model.id), NOON)
    registry.set_alias("churn", "champion", 2)

    found = [registry.resolve(text).version for text in ("churn", "churn/1", "churn@champion")]

    assert found == [3, 1, 2]


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("nothing", "Cannot find model 'nothing'"),
        ("churn/7", r"Cannot find version 7 of model 'churn': its versions are \[1\]"),
        (
            "churn@gone",
            r"Cannot find alias 'gone' of model 'churn': its aliases are \['champion'\]",
        ),
    ],
)
def test_what_does_not_resolve_says_what_there_is(
    store: SqlMetadataStore, registry: Registry, reference: str, message: str
) -> None:
    _, _, model = log_model(store)
    registry.register(
        RegisterRequest(model="churn", artifact_id=model.id, aliases=("champion",)), NOON
    )

    with pytest.raises(NotFound, match=message):
        registry.resolve(reference)


def test_only_models_are_registered(store: SqlMetadataStore, registry: Registry) -> None:
    frame = an_artifact("frame")
    store.apply(Change(artifacts=[frame]))

    with pytest.raises(InvalidInput, match=r"its type is 'mlplat.Value', needed is 'system.Model'"):
        registry.register(RegisterRequest(model="churn", artifact_id=frame.id), NOON)


def test_a_model_of_unknown_format_needs_one_named(
    store: SqlMetadataStore, registry: Registry
) -> None:
    _, _, model = log_model(store, format="weights")

    with pytest.raises(InvalidInput, match="its format is 'weights', known are"):
        registry.register(RegisterRequest(model="churn", artifact_id=model.id), NOON)


def test_a_signature_that_is_none_is_refused(store: SqlMetadataStore, registry: Registry) -> None:
    _, _, model = log_model(store, signature={"inputs": "all"})

    with pytest.raises(InvalidInput, match="its signature is not well formed"):
        registry.register(RegisterRequest(model="churn", artifact_id=model.id), NOON)


def test_a_run_without_that_model_says_which_it_logged(
    store: SqlMetadataStore, registry: Registry
) -> None:
    run, _, _ = log_model(store, "clf")
    log_model(store, "other", run)
    empty, _ = store.create_run(a_run(), a_pipeline(), None, "d", [])

    for request, error, message in (
        (RegisterRequest(model="m", run_id=run.id, logged_as="x"), NotFound, r"none as 'x', only"),
        (RegisterRequest(model="m", run_id=run.id), InvalidInput, r"\['clf', 'other'\]"),
        (RegisterRequest(model="m", run_id=empty.id), NotFound, "it logged none"),
        (RegisterRequest(model="m"), InvalidInput, "neither an artifact nor a run"),
    ):
        with pytest.raises(error, match=message):
            registry.register(request, NOON)


@pytest.mark.parametrize("alias", ["", "1", "Champion", "a b", "../x", "a" * 64])
def test_an_alias_that_could_be_taken_for_something_else_is_refused(
    registry: Registry, alias: str
) -> None:
    with pytest.raises(InvalidInput, match="as an alias"):
        registry.set_alias("churn", alias, 1)


def test_a_model_that_an_endpoint_serves_is_not_deleted(
    store: SqlMetadataStore, registry: Registry
) -> None:
    _, _, model = log_model(store)
    registry.register(RegisterRequest(model="churn", artifact_id=model.id), NOON)
    revision = Revision(
        number=1, model="churn", version=1, state=RevisionState.READY, created_at=NOON
    )
    store.save_endpoint(an_endpoint("shop", revisions=(revision,)), {})

    with pytest.raises(Conflict, match=r"endpoints \['shop'\] have it"):
        registry.delete("churn")
    store.delete_endpoint("shop")
    registry.delete("churn")

    assert registry.list_models() == ()


def serve(store: SqlMetadataStore, version: int, percent: int) -> None:
    """Leave an endpoint 'shop' with one revision of the model 'churn'."""
    revision = Revision(
        number=4, model="churn", version=version, state=RevisionState.READY, created_at=NOON
    )
    traffic = (Traffic(revision=4, percent=percent),)
    store.save_endpoint(an_endpoint("shop", revisions=(revision,), traffic=traffic), {})


def test_what_a_deletion_would_break_is_told_before(
    store: SqlMetadataStore, registry: Registry
) -> None:
    run, _, model = log_model(store)
    for aliases in (("champion",), ()):
        registry.register(
            RegisterRequest(model="churn", artifact_id=model.id, aliases=aliases), NOON
        )
    serve(store, version=1, percent=30)

    assert registry.impact("churn", 1) == ModelImpact(
        model="churn",
        version=1,
        versions=(1,),
        aliases={"champion": 1},
        served=(ServedVersion(endpoint="shop", revision=4, version=1, percent=30),),
        runs=(run.id,),
        refused="endpoints ['shop'] send it traffic",
        is_forced=True,
    )
    assert registry.impact("churn", 2) == ModelImpact(
        model="churn", version=2, versions=(2,), runs=(run.id,)
    )
    assert registry.impact("churn").versions == (1, 2)
    with pytest.raises(NotFound, match="version 7"):
        registry.impact("churn", 7)


def test_a_version_with_traffic_is_never_deleted_and_one_in_use_by_force(
    store: SqlMetadataStore, registry: Registry
) -> None:
    _, _, model = log_model(store)
    for _ in range(2):
        registry.register(
            RegisterRequest(model="churn", artifact_id=model.id, aliases=("champion",)), NOON
        )
    serve(store, version=2, percent=100)

    with pytest.raises(Conflict, match=r"endpoints \['shop'\] .* Move their traffic"):
        registry.delete_version("churn", 2, force=True)
    serve(store, version=2, percent=0)
    with pytest.raises(Conflict, match=r"aliases \['champion'\] point at it.* with 'force'"):
        registry.delete_version("churn", 2)
    left = registry.delete_version("churn", 2, "ana", force=True)
    unused = registry.delete_version("churn", 1)

    assert (left.aliases, [version.version for version in left.versions]) == ({}, [1])
    assert unused.versions == ()
    assert store.get_artifact(model.id) == model


def test_a_deleted_model_is_told_as_deleted(store: SqlMetadataStore, registry: Registry) -> None:
    _, _, model = log_model(store)
    registry.register(RegisterRequest(model="churn", artifact_id=model.id), NOON)
    registry.describe("churn", "Who leaves.")
    registry.set_alias("churn", "champion", 1)

    registry.delete("churn")

    assert [event.kind for event in store.events_after(0)] == [
        *("model.updated",) * 3,
        "model.deleted",
    ]


def test_a_registered_model_answers_which_data_and_code_made_it(
    store: SqlMetadataStore, registry: Registry
) -> None:
    run, training, model = log_model(store)
    loading, frame = an_execution("load", run_id=run.id), an_artifact("frame")
    store.apply(
        Change(
            executions=[loading],
            artifacts=[frame],
            lineage=[made(loading, frame), read(training, frame)],
        )
    )
    registry.register(RegisterRequest(model="churn", artifact_id=model.id), NOON)

    lineage = LineageService(store).lineage("models:churn:1")

    assert lineage == LineageService(store).lineage("models:churn")
    assert lineage.root == model.id
    assert {execution.name for execution in lineage.executions} == {"load", "train"}
    assert lineage.provenance is not None
    assert [data.made_by for data in lineage.provenance.data] == ["load"]
    assert LineageService(store).lineage(frame.id, "downstream").artifacts == (model, frame)


@pytest.mark.parametrize(
    ("root", "error"),
    [
        ("art-0000000000", NotFound),
        ("models:churn:1", NotFound),
        ("models:churn:../1", InvalidInput),
        ("models:", InvalidInput),
        ("../../etc/passwd", InvalidInput),
        ("' OR 1=1", InvalidInput),
        ("", InvalidInput),
    ],
)
def test_a_root_that_is_not_there_or_no_id_is_refused_by_name(
    store: SqlMetadataStore, root: str, error: type[Exception]
) -> None:
    with pytest.raises(error, match="Cannot"):
        LineageService(store).lineage(root)


def test_a_negative_depth_is_refused(store: SqlMetadataStore) -> None:
    with pytest.raises(InvalidInput, match="Cannot walk -1 steps"):
        LineageService(store).lineage("art-0000000000", depth=-1)
