"""What a leaf task is started with: words, environment, `ExecutorInput`."""

import json
from typing import Any

import pytest

from jupyter_mlplat.errors import InvalidInput
from jupyter_mlplat.resources.base import JsonValue
from jupyter_mlplat.resources.pipeline import Resources, Step
from jupyter_mlplat.resources.workflow import ArtifactValue, Component, Values
from jupyter_mlplat.services.workflows.calling import (
    Context,
    call_of,
    image_of,
    import_of,
    resources_of,
    task_config,
)
from jupyter_mlplat.services.workflows.placeholders import (
    Facts,
    Scope,
    has_placeholder,
    resolve,
)

FACTS = Facts(
    job_name="my run",
    job_resource_name="train-x7k2p",
    job_id="run-1",
    root="/root",
    created_at="2026-01-02T03:04:05Z",
    task_name="train",
    task_id="run-1/train",
    workspace="/ws",
)
MODEL = ArtifactValue(
    name="m1", type="system.Model", uri="gs://bucket/model", metadata={"framework": "x", "n": 2.0}
)
SPEC: dict[str, JsonValue] = {
    "inputDefinitions": {
        "parameters": {
            "rows": {"parameterType": "NUMBER_INTEGER"},
            "rate": {"parameterType": "NUMBER_DOUBLE", "defaultValue": 2.0},
            "maybe": {"parameterType": "STRING", "isOptional": True},
        },
        "artifacts": {
            "model": {"artifactType": {"schemaTitle": "system.Model"}},
            "extra": {"artifactType": {"schemaTitle": "system.Dataset"}, "isOptional": True},
        },
    },
    "outputDefinitions": {
        "parameters": {"score": {"parameterType": "NUMBER_DOUBLE"}},
        "artifacts": {
            "data": {"artifactType": {"schemaTitle": "system.Dataset"}, "metadata": {"a": 1.0}}
        },
    },
}


def component(spec: dict[str, JsonValue] | None = None, **container: Any) -> Component:
    return Component(
        label="exec-train",
        executor={"container": {"image": "python:3.11", **container}},
        spec=SPEC if spec is None else spec,
        inputs=Values(parameters={"rows": 3}, artifacts={"model": (MODEL,)}),
        task="train",
    )


def called(*words: str, inputs: tuple[str, ...] = (), **more: Any) -> tuple[str, ...]:
    step = Step(name="train", title="t", cells=(), component=component(command=list(words), **more))
    return call_of(step, Context(FACTS, "/out", {"model": inputs} if inputs else {})).command


@pytest.mark.parametrize(
    ("word", "resolved"),
    [
        ("plain {{text}} {$}", "plain {{text}} {$}"),
        ("{{$.inputs.parameters['rows']}}", "3"),
        ("a{{$.inputs.parameters['rows']}}b{{$.inputs.parameters['rate']}}", "a3b2"),
        ('{{$.inputs.parameters["rows"]}}', "3"),
        ("{{$.inputs.artifacts['model'].uri}}", "gs://bucket/model"),
        ("{{$.inputs.artifacts['model'].path}}", "/gcs/bucket/model"),
        ("{{$.inputs.artifacts['model'].name}}", "m1"),
        ("{{$.inputs.artifacts['model'].metadata}}", '{"framework":"x","n":2}'),
        ("{{$.inputs.artifacts['model'].metadata['n']}}", "2"),
        ("{{$.inputs.artifacts['model'].metadata['none']}}", ""),
        ("{{$.inputs.artifacts['model'].properties['framework']}}", "x"),
        ("{{$.inputs.artifacts['model'].artifacts[0].uri}}", "gs://bucket/model"),
        (
            "{{$.outputs.artifacts['data']}}",
            '[{"name":"data","type":{"schemaTitle":"system.Dataset"},"uri":"/out/data",'
            '"metadata":{"a":1}}]',
        ),
        ("{{$.outputs.parameters['score'].output_file}}", "/out/parameters/score"),
        ("{{$.outputs.artifacts['data'].path}}", "/out/data"),
        ("{{$.outputs.artifacts['data'].uri}}", "/out/data"),
        ("{{$.outputs.artifacts['data'].metadata['a']}}", "1"),
        ("{{$.outputs.output_file}}", "/out/executor_output.json"),
        ("{{$.outputMetadataUri}}", "/out/executor_output.json"),
        ("{{$.pipeline_job_name}}", "my run"),
        ("{{$.pipeline_job_resource_name}}", "train-x7k2p"),
        ("{{$.pipeline_job_uuid}}", "run-1"),
        ("{{$.pipeline_task_name}}", "train"),
        ("{{$.pipeline_task_uuid}}", "run-1/train"),
        ("{{$.pipeline_root}}/tmp", "/root/tmp"),
        ("{{$.pipeline_job_create_time_utc}}", "2026-01-02T03:04:05Z"),
        ("{{$.pipeline_job_schedule_time_utc}}", "2026-01-02T03:04:05Z"),
        ("{{$.workspace_path}}/a", "/ws/a"),
        ("/kfp-workspace/a", "/ws/a"),
        ("{{$.pipeline_google_cloud_project_id}}", "{{$.pipeline_google_cloud_project_id}}"),
        ("{{$.inputs.parameters['other']}}", "{{$.inputs.parameters['other']}}"),
        ("{{$.inputs}}x", None),
    ],
)
def test_a_placeholder_in_a_word(word: str, resolved: str | None) -> None:
    [found] = called(word)

    if resolved is not None:
        assert found == resolved
    else:
        assert json.loads(found.removesuffix("x"))["parameterValues"] == {"rows": 3, "rate": 2}


def test_what_a_placeholder_came_to_is_not_looked_through_again() -> None:
    step = Step(
        name="train",
        title="t",
        cells=(),
        component=component(command=["{{$.inputs.parameters['maybe']}}"]).model_copy(
            update={"inputs": Values(parameters={"maybe": "{{$.pipeline_job_name}}"})}
        ),
    )

    assert call_of(step, Context(FACTS, "/out")).command == ("{{$.pipeline_job_name}}",)


def test_the_whole_executor_input() -> None:
    [found, escaped] = called("{{$}}", "{{$.json_escape[1]}}", inputs=("/in/model",))

    assert json.loads(found) == {
        "inputs": {
            "parameterValues": {"rows": 3, "rate": 2},
            "artifacts": {
                "model": {
                    "artifacts": [
                        {
                            "name": "m1",
                            "type": {"schemaTitle": "system.Model", "schemaVersion": "0.0.1"},
                            "uri": "/in/model",
                            "metadata": {"framework": "x", "n": 2},
                        }
                    ]
                }
            },
        },
        "outputs": {
            "parameters": {"score": {"outputFile": "/out/parameters/score"}},
            "artifacts": {
                "data": {
                    "artifacts": [
                        {
                            "name": "data",
                            "type": {"schemaTitle": "system.Dataset"},
                            "uri": "/out/data",
                            "metadata": {"a": 1},
                        }
                    ]
                }
            },
            "outputFile": "/out/executor_output.json",
        },
    }
    assert escaped == json.dumps(found)[1:-1]


def if_present(name: str, then: object, *otherwise: object) -> str:
    struct: dict[str, object] = {"InputName": name, "Then": then}
    return json.dumps({"IfPresent": struct | ({"Else": otherwise[0]} if otherwise else {})})


@pytest.mark.parametrize(
    ("words", "resolved"),
    [
        ((if_present("rows", ["--rows", "{{$.inputs.parameters['rows']}}"]),), ("--rows", "3")),
        ((if_present("rows", "{{$.inputs.parameters['rows']}}", "none"),), ("3",)),
        ((if_present("maybe", ["--maybe", "{{$.inputs.parameters['maybe']}}"]), "x"), ("x",)),
        ((if_present("maybe", ["a"], ["b", "c"]),), ("b", "c")),
        ((if_present("model", "yes", "no"), if_present("extra", "yes", "no")), ("yes", "no")),
        # a default was not passed
        ((if_present("rate", "yes", "no"),), ("no",)),
        ((if_present("maybe", "a", {"IfPresent": {"InputName": "rows", "Then": "b"}}),), ("b",)),
        ((json.dumps({"Concat": ["x=", "{{$.inputs.parameters['rows']}}", ";"]}),), ("x=3;",)),
        (
            (json.dumps({"Concat": ["a", {"IfPresent": {"InputName": "maybe", "Then": "b"}}]}),),
            ("a",),
        ),
        (
            (if_present("rows", {"Concat": ["a", {"Concat": ["b", "c"]}]}),),
            ("abc",),
        ),
        # no structures of ours
        (('{"Concat": [', '{"Concat": [], "x": 1}'), ('{"Concat": [', '{"Concat": [], "x": 1}')),
    ],
)
def test_a_structure_comes_to_words(words: tuple[str, ...], resolved: tuple[str, ...]) -> None:
    assert called(*words) == resolved


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("{{$.inputs.parameters['maybe']}}", "input 'maybe', which is not set"),
        ("{{$.inputs.artifacts['extra'].path}}", "input 'extra', which is not set"),
        ('{"Concat": [5]}', "5 is neither a text nor a Concat"),
        ('{"Concat": "a"}', "needed a list in Concat"),
        ('{"IfPresent": {"Then": "a"}}', "needed InputName and Then"),
        ('{"Concat": [{"IfPresent": {"InputName": "rows", "Then": ["a", "b"]}}]}', "several words"),
    ],
)
def test_a_command_that_cannot_be_made_is_refused(word: str, reason: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        called(word)

    assert reason in refused.value.message


def test_no_workspace_is_an_error_only_where_it_is_asked_for() -> None:
    facts = Facts("a", "b", "c")

    assert resolve("{{$.pipeline_job_name}}", Scope(facts)) == "a"
    with pytest.raises(InvalidInput, match="the pipeline has no workspace"):
        resolve("{{$.workspace_path}}", Scope(facts))


def test_variables_are_expanded_as_kubernetes_does() -> None:
    env = [
        {"name": "A", "value": "1"},
        {"name": "B", "value": "$(A)-$(NONE)-$$(A)-{{$.inputs.parameters['rows']}}"},
    ]
    step = Step(
        name="train",
        title="t",
        cells=(),
        component=component(command=["sh", "$(B) $(command -v x) $(ls)"], env=env),
    )

    call = call_of(step, Context(FACTS, "/out"))

    assert call.env == {"A": "1", "B": "1-$(NONE)-$(A)-3"}
    assert call.command == ("sh", "1-$(NONE)-$(A)-3 $(command -v x) $(ls)")


def test_constants_are_resolved_at_every_depth() -> None:
    scope = Scope.of_parameters(FACTS, {"pipelinechannel--x": 2.0})
    value: JsonValue = {
        "{{$.pipeline_job_name}}": ["n={{$.inputs.parameters['pipelinechannel--x']}}"]
    }

    assert has_placeholder(value)
    assert not has_placeholder(["{{x}}", {"a": 1}])
    assert resolve(value, scope) == {"my run": ["n=2"]}


def test_image_and_resources_may_come_from_inputs() -> None:
    taken = component(
        image="{{$.inputs.parameters['maybe']}}",
        resources={
            "resourceCpuLimit": "500m",
            "resourceMemoryLimit": "{{$.inputs.parameters['rows']}}Gi",
            "accelerator": {
                "resourceType": "nvidia.com/gpu",
                "resourceCount": "{{$.inputs.parameters['rate']}}",
            },
        },
    ).model_copy(update={"inputs": Values(parameters={"rows": 3, "maybe": "img:1"})})

    assert image_of(taken) == "img:1"
    assert resources_of(taken) == Resources(cpu=0.5, memory_bytes=3 * 2**30, gpu=2)
    assert resources_of(component()) == Resources()
    old = component(resources={"cpuLimit": 2.0, "memoryLimit": 1.5, "accelerator": {"count": "1"}})
    assert resources_of(old) == Resources(cpu=2, memory_bytes=1_500_000_000, gpu=1)
    with pytest.raises(InvalidInput, match="'much' is no number of cores"):
        resources_of(component(resources={"resourceCpuLimit": "much"}))


def test_what_is_passed_on_is_not_applied_unless_it_says_so() -> None:
    spec: dict[str, JsonValue] = {
        "inputDefinitions": {"parameters": {"config": {"parameterType": "TASK_CONFIG"}}},
        "taskConfigPassthroughs": [
            {"field": "ENV"},
            {"field": "RESOURCES", "applyToTask": True},
            {"field": "KUBERNETES_NODE_SELECTOR"},
        ],
    }
    passing = component(
        spec=spec,
        command=["{{$}}"],
        env=[{"name": "A", "value": "1"}],
        resources={"resourceCpuLimit": "2"},
    ).model_copy(update={"platform": {"nodeSelector": {"labels": {"disk": "ssd"}}}})
    step = Step(name="train", title="t", cells=(), component=passing)

    call = call_of(step, Context(FACTS, "/out"))

    assert call.env == {}
    assert resources_of(passing).cpu == 2
    assert json.loads(call.command[0])["inputs"]["parameterValues"]["config"] == {
        "env": [{"name": "A", "value": "1"}],
        "resources": {"limits": {"cpu": "2"}},
        "nodeSelector": {"disk": "ssd"},
        "affinity": None,
        "tolerations": None,
        "volumes": None,
        "volumeMounts": None,
    }
    assert task_config(component())["env"] is None


def test_an_import_takes_its_uri_from_an_input_and_resolves_its_metadata() -> None:
    importing = Component(
        label="exec-importer",
        executor={
            "importer": {
                "artifactUri": {"runtimeParameter": "uri"},
                "typeSchema": {"schemaTitle": "system.Dataset"},
                "metadata": {
                    "prefix-{{$.inputs.parameters['metadata']}}": [
                        "{{$.inputs.parameters['metadata']}}"
                    ]
                },
                "downloadToWorkspace": True,
            }
        },
        spec={
            "inputDefinitions": {
                "parameters": {
                    "uri": {"parameterType": "STRING"},
                    "metadata": {"parameterType": "STRING"},
                }
            },
            "outputDefinitions": {"artifacts": {"artifact": {}}},
        },
        inputs=Values(parameters={"uri": "file:///a", "metadata": "x"}),
        task="importer",
    )

    found = import_of(Step(name="i", title="i", cells=(), component=importing), FACTS)

    assert (found.output, found.uri, found.type) == ("artifact", "file:///a", "system.Dataset")
    assert found.metadata == {"prefix-x": ["x"]}
    assert found.into_workspace
    assert not found.reimport
