"""What the result of a task of a KFP pipeline depends on, and when it is not looked up at all."""

from typing import Any

import pytest

from jupyter_mlplat.resources.pipeline import Step
from jupyter_mlplat.resources.run import Run, RunState
from jupyter_mlplat.resources.workflow import ArtifactValue, Component, Values
from jupyter_mlplat.services.pipelines.caching import (
    changes_between,
    component_parts,
    reason_not_to_cache,
)

DIGEST = "sha256:" + "1" * 64


def component(**changes: Any) -> Component:
    fields: dict[str, Any] = {
        "label": "exec-it",
        "executor": {
            "container": {
                "image": "python:3.11",
                "command": ["a"],
                "args": ["b"],
                "env": [{"name": "MODE", "value": "dark"}],
                "resources": {"resourceCpuLimit": "1"},
            }
        },
        "spec": {"outputDefinitions": {}},
        "inputs": Values(
            parameters={"n": 1},
            artifacts={
                "d": (ArtifactValue(name="x", type="system.Dataset", uri="/a", digest=DIGEST),)
            },
        ),
    }
    return Component(**{**fields, **changes})


def parts(one: Component, run: str = "run-1", **packages: str) -> dict[str, str]:
    return component_parts(one, run=run, environment="env", packages=packages, secrets={})


def with_container(**changes: Any) -> Component:
    container = component().executor["container"]
    assert isinstance(container, dict)
    return component(executor={"container": {**container, **changes}})


@pytest.mark.parametrize(
    ("changed", "labels"),
    [
        (with_container(image="python:3.12"), ["image"]),
        (with_container(env=[{"name": "MODE", "value": "light"}]), ["variable MODE"]),
        (with_container(args=["c"]), ["args"]),
        (component(inputs=Values(parameters={"n": 2})), ["parameter n", "input d"]),
        (component(spec={"inputDefinitions": {}}), ["component"]),
    ],
    ids=["image", "variable", "arguments", "inputs", "interface"],
)
def test_what_changes_is_named(changed: Component, labels: list[str]) -> None:
    assert list(changes_between(parts(component()), parts(changed))) == labels


def test_name_and_place_of_an_artifact_and_resources_do_not_count() -> None:
    moved = ArtifactValue(name="y", type="system.Dataset", uri="/b", digest=DIGEST)
    inputs = Values(parameters={"n": 1}, artifacts={"d": (moved,)})
    container = component().executor["container"]
    assert isinstance(container, dict)
    bigger = {"container": {**container, "resources": {"resourceCpuLimit": "4"}}}

    assert parts(component(inputs=inputs, executor=bigger), run="run-2") == parts(component())


def test_command_that_names_its_run_is_found_again_in_that_run_only() -> None:
    one = with_container(args=["{{$.pipeline_job_uuid}}"])

    assert parts(one, "run-1") != parts(one, "run-2")


def test_version_of_what_is_imported_counts() -> None:
    changes = changes_between(parts(component(), pandas="2.1"), parts(component(), pandas="2.2"))

    assert changes == {"package pandas": "package pandas 2.1 became 2.2"}


def test_key_of_the_author_stands_for_everything() -> None:
    one, other = component(cache_key="mine"), component(cache_key="mine", inputs=Values())

    assert parts(one) == parts(other)


@pytest.mark.parametrize(
    ("one", "reason"),
    [
        (component(), None),
        (component(platform={"pvcMount": [{"constant": "v", "mountPath": "/d"}]}), "volume"),
        (with_container(image="argostub/createpvc"), "volume"),
        (component(executor={"importer": {"artifactUri": {"constant": "/a/b"}}}), "path"),
        (component(executor={"importer": {"artifactUri": {"constant": "https://a/b"}}}), None),
        (
            component(
                executor={"importer": {"artifactUri": {"constant": "https://a"}, "reimport": True}}
            ),
            "anew",
        ),
    ],
    ids=["plain", "mounts", "makes a volume", "imports a path", "imports a page", "reimports"],
)
def test_tasks_that_no_key_can_hold_run_each_time(one: Component, reason: str | None) -> None:
    run = Run(
        id="run-0123456789ab",
        number=1,
        pipeline="p",
        pipeline_digest=DIGEST,
        state=RunState.RUNNING,
        created_at="2026-01-01T00:00:00Z",
    )
    step = Step(name="s", title="s", cells=(), component=one)

    said = reason_not_to_cache(run, step, None)  # type: ignore[arg-type]

    assert (said is None) if reason is None else (said is not None and reason in said)
