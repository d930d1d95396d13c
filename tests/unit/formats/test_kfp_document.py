"""KFP pipelines as documents: what is read, and what is refused at which place."""

import copy
import json
from typing import Any

import pytest

from jupyter_mlplat.errors import InvalidInput
from jupyter_mlplat.formats.kfp.document import from_ir, load
from jupyter_mlplat.formats.kfp.reading import MAX_DEPTH, read_documents
from jupyter_mlplat.formats.kfp.spec import ParameterType, Strategy, seconds

PIPELINE = """
# PIPELINE DEFINITION
components:
  comp-make:
    executorLabel: exec-make
    inputDefinitions:
      parameters:
        rows: {parameterType: NUMBER_INTEGER}
        note: {parameterType: STRING, isOptional: true, defaultValue: null}
    outputDefinitions:
      parameters: {Output: {parameterType: STRING}}
      artifacts: {data: {artifactType: {schemaTitle: system.Dataset, schemaVersion: 0.0.1}}}
  comp-train:
    executorLabel: exec-train
    inputDefinitions:
      parameters: {word: {parameterType: STRING}}
      artifacts: {data: {artifactType: {schemaTitle: system.Dataset}}}
deploymentSpec:
  executors:
    exec-make:
      container: {image: 'python:3.11', command: [make], args: ['{{$}}']}
    exec-train:
      container: {image: 'python:3.11', command: [train]}
pipelineInfo: {name: my-pipeline, description: Makes and trains.}
root:
  dag:
    tasks:
      make:
        cachingOptions: {enableCache: true}
        componentRef: {name: comp-make}
        inputs:
          parameters:
            rows: {componentInputParameter: rows}
        retryPolicy: {maxRetryCount: 2, backoffDuration: 1.5s}
        taskInfo: {name: make}
      train:
        componentRef: {name: comp-train}
        dependentTasks: [make]
        inputs:
          parameters:
            word: {taskOutputParameter: {producerTask: make, outputParameterKey: Output}}
          artifacts:
            data: {taskOutputArtifact: {producerTask: make, outputArtifactKey: data}}
        taskInfo: {name: train}
        triggerPolicy: {strategy: ALL_UPSTREAM_TASKS_COMPLETED}
  inputDefinitions:
    parameters:
      rows: {parameterType: NUMBER_INTEGER, defaultValue: 3.0, futureField: [1]}
schemaVersion: 2.1.0
sdkVersion: kfp-2.13.0
"""
PLATFORM = """
platforms:
  kubernetes:
    deploymentSpec:
      executors:
        exec-make: {secretAsEnv: [{secretName: s}]}
    pipelineConfig: {workspace: {size: 1Gi}}
"""


def plain() -> dict[str, Any]:
    [document] = read_documents(PIPELINE)
    assert isinstance(document, dict)
    return document


def changed(path: str, value: object) -> dict[str, Any]:
    """Return the pipeline with one place set, or deleted where `value` is ...."""
    document = copy.deepcopy(plain())
    *way, last = path.split("/")
    target = document
    for part in way:
        target = target.setdefault(part, {})
    if value is ...:
        del target[last]
    else:
        target[last] = value
    return document


def test_both_documents_are_read() -> None:
    document = load(PIPELINE + "---" + PLATFORM)

    make = document.dag.tasks["make"]
    component = document.component_of(make)
    executor = document.executor_of(component)
    assert document.name == "my-pipeline"
    assert document.config.workspace is not None
    assert document.config.workspace.size == "1Gi"
    assert document.settings_of(component) == {"secretAsEnv": [{"secretName": "s"}]}
    assert executor.container is not None
    assert executor.container.image == "python:3.11"
    assert make.retry_policy is not None
    assert seconds(make.retry_policy.backoff_duration) == 1.5
    train = document.dag.tasks["train"]
    assert train.needs == ("make",)
    assert train.trigger_policy.strategy is Strategy.COMPLETED
    assert set(document.raw) == {"pipeline_spec", "platform_spec"}
    assert from_ir(document.raw).spec == document.spec


def test_null_as_a_default_differs_from_none_given() -> None:
    parameters = load(PIPELINE).spec.components["comp-make"].input_definitions.parameters

    assert parameters["note"].has_default
    assert not parameters["note"].is_required
    assert not parameters["rows"].has_default
    assert parameters["rows"].is_required


def test_unknown_fields_are_kept() -> None:
    rows = load(PIPELINE).root.input_definitions.parameters["rows"]

    assert rows.to_ir() == {
        "parameterType": "NUMBER_INTEGER",
        "defaultValue": 3.0,
        "futureField": [1],
    }


def test_json_and_snake_case_and_numbers_of_enums_are_protobufs_json_too() -> None:
    as_text = json.dumps(plain()).replace(
        '"parameterType": "NUMBER_INTEGER"', '"parameter_type": 2'
    )

    document = load(as_text)

    assert document.root.input_definitions.parameters["rows"].kind is ParameterType.NUMBER_INTEGER
    assert document.spec == load(as_text.encode()).spec


def test_both_documents_may_be_json() -> None:
    [platform] = read_documents(PLATFORM)

    document = load(f"{json.dumps(plain())}\n---\n{json.dumps(platform)}")

    assert document.config.workspace is not None


def test_pipeline_job_brings_its_parameters() -> None:
    job = {"pipelineSpec": plain(), "runtimeConfig": {"parameterValues": {"rows": 7}}}

    document = load(json.dumps(job))

    assert document.name == "my-pipeline"
    assert document.given == {"rows": 7}


TASK = "root/dag/tasks/train"
FAULTS = [
    ("schemaVersion", "2.0.0", "schemaVersion"),
    ("schemaVersion", ..., "schemaVersion"),
    ("pipelineInfo/name", None, "pipelineInfo.name"),
    ("pipelineInfo/name", "___", "pipelineInfo.name"),
    ("pipelineInfo/name", 5, "pipelineInfo.name"),
    ("root", ..., "root"),
    ("root", {"executorLabel": "exec-make"}, "root.dag"),
    ("root/dag/tasks", {}, "root.dag.tasks"),
    ("root/dag/tasks", [], "root.dag.tasks"),
    ("root/executorLabel", "exec-make", "root"),
    ("components/comp-train", ..., "root.dag.tasks['train'].componentRef.name"),
    ("components/comp-train/executorLabel", ..., "components['comp-train']"),
    ("components/comp-train/executorLabel", "nope", "components['comp-train'].executorLabel"),
    ("deploymentSpec/executors/exec-make", {}, "deploymentSpec.executors['exec-make']"),
    (
        "deploymentSpec/executors/exec-make",
        {"customJob": {}},
        "deploymentSpec.executors['exec-make'].customJob",
    ),
    (
        "deploymentSpec/executors/exec-make/container/image",
        "",
        "deploymentSpec.executors['exec-make'].container.image",
    ),
    (
        "deploymentSpec/executors/exec-make/container/args",
        ["a", 5],
        "deploymentSpec.executors['exec-make'].container.args[1]",
    ),
    (f"{TASK}/componentRef", ..., "root.dag.tasks['train'].componentRef.name"),
    (f"{TASK}/dependentTasks", ["make", "x"], "root.dag.tasks['train'].dependentTasks[1]"),
    (
        f"{TASK}/inputs/parameters/word/taskOutputParameter/producerTask",
        "x",
        "root.dag.tasks['train'].inputs.parameters['word'].taskOutputParameter.producerTask",
    ),
    (
        f"{TASK}/inputs/parameters/word/taskOutputParameter/outputParameterKey",
        "x",
        "root.dag.tasks['train'].inputs.parameters['word'].taskOutputParameter.outputParameterKey",
    ),
    (
        f"{TASK}/inputs/artifacts/data/taskOutputArtifact/outputArtifactKey",
        "x",
        "root.dag.tasks['train'].inputs.artifacts['data'].taskOutputArtifact.outputArtifactKey",
    ),
    (
        f"{TASK}/inputs/artifacts/data",
        {"componentInputArtifact": "x"},
        "root.dag.tasks['train'].inputs.artifacts['data'].componentInputArtifact",
    ),
    (f"{TASK}/inputs/artifacts", {}, "root.dag.tasks['train'].inputs.artifacts['data']"),
    (f"{TASK}/inputs/parameters", {}, "root.dag.tasks['train'].inputs.parameters['word']"),
    (
        f"{TASK}/inputs/parameters/word",
        {"componentInputParameter": "x"},
        "root.dag.tasks['train'].inputs.parameters['word'].componentInputParameter",
    ),
    (
        f"{TASK}/inputs/parameters/word",
        {},
        "root.dag.tasks['train'].inputs.parameters['word']",
    ),
    (
        f"{TASK}/inputs/parameters/word",
        {"runtimeValue": {"runtimeParameter": "x"}},
        "root.dag.tasks['train'].inputs.parameters['word'].runtimeValue.runtimeParameter",
    ),
    (
        "root/dag/tasks/make/inputs/parameters/rows",
        {"runtimeValue": {"constant": "three"}},
        "root.dag.tasks['make'].inputs.parameters['rows'].runtimeValue.constant",
    ),
    (
        "root/inputDefinitions/parameters/rows/defaultValue",
        True,
        "root.inputDefinitions.parameters['rows'].defaultValue",
    ),
    (
        "root/inputDefinitions/parameters/rows/parameterType",
        "NUMBER",
        "root.inputDefinitions.parameters['rows'].parameterType",
    ),
    ("root/dag/tasks/make/dependentTasks", ["train"], "root.dag.tasks['make']"),
    (
        "root/dag/outputs/parameters/Output",
        {"valueFromParameter": {"producerSubtask": "x", "outputParameterKey": "Output"}},
        "root.dag.outputs.parameters['Output'].producerSubtask",
    ),
    (
        "root/dag/outputs/artifacts/model",
        {"artifactSelectors": [{"producerSubtask": "make", "outputArtifactKey": "model"}]},
        "root.dag.outputs.artifacts['model'].artifactSelectors[0].outputArtifactKey",
    ),
    (
        f"{TASK}/parameterIterator",
        {"items": {"raw": "{}"}, "itemInput": "word"},
        "root.dag.tasks['train'].parameterIterator.items.raw",
    ),
    (
        f"{TASK}/parameterIterator",
        {"items": {"inputParameter": "words"}, "itemInput": "word"},
        "root.dag.tasks['train'].parameterIterator.items.inputParameter",
    ),
    (
        f"{TASK}/parameterIterator",
        {"items": {"raw": "[1]"}, "itemInput": "nope"},
        "root.dag.tasks['train'].parameterIterator.itemInput",
    ),
    (
        f"{TASK}/retryPolicy",
        {"backoffDuration": "soon"},
        "root.dag.tasks['train'].retryPolicy.backoffDuration",
    ),
]


@pytest.mark.parametrize(("place", "value", "path"), FAULTS, ids=[f"{f[0]}={f[1]}" for f in FAULTS])
def test_a_fault_is_refused_with_its_path(place: str, value: object, path: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        load(json.dumps(changed(place, value)))

    assert refused.value.details["path"] == path
    assert f"{path}: " in refused.value.message


def test_a_component_that_contains_itself_is_refused() -> None:
    inner = {"dag": {"tasks": {"again": {"componentRef": {"name": "comp-loop"}}}}}
    document = changed("components/comp-loop", inner)
    document["root"]["dag"]["tasks"]["start"] = {"componentRef": {"name": "comp-loop"}}

    with pytest.raises(InvalidInput, match="contains itself: comp-loop → comp-loop"):
        load(json.dumps(document))


BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [" + ", ".join([f"*{before}"] * 10) + "]\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "found 0 and 0"),
        ("# nothing\n", "found 0 and 0"),
        ("- a\n- b\n", "found a list"),
        ("just words", "found a text"),
        (PIPELINE + "---" + PIPELINE, "found 2 and 0"),
        ("a: [1, 2\n", "no YAML"),
        ('{"a": 1,}}', "no JSON"),
        ('{"a": NaN}', "NaN"),
        ("a: .inf", "no number of JSON"),
        ("a: 1\na: 2", "'a' stands there twice"),
        ('{"a": 1, "a": 2}', "'a' stands there twice"),
        ("a: !!python/object/apply:os.system [echo]", "the tag"),
        ("a: *b", "no anchor before"),
        ("<<: {a: 1}", "merge keys"),
        ("? [a]\n: b", "a key must be a plain text"),
        (BOMB, "more than 250,000 values"),
        ('{"a": 1e999}', "1e999 is no number of JSON"),
        ('{"a": ' + "9" * 5000 + "}", "digits"),
        ("[" * 200 + "]" * 200, f"deeper than {MAX_DEPTH} levels"),
        ('{"a":' * 200 + "1" + "}" * 200, f"deeper than {MAX_DEPTH} levels"),
        ('{"a":' * 100_000 + "1" + "}" * 100_000, f"deeper than {MAX_DEPTH} levels"),
        (b"PK\x03\x04\xff\xfe", "no text in UTF-8"),
        ("apiVersion: argoproj.io/v1alpha1\nkind: Workflow\n", "kind 'Workflow'"),
        ("name: x\nimplementation: {container: {}}", "component in the old YAML form"),
    ],
)
def test_what_is_no_pipeline_is_refused(text: str | bytes, reason: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        load(text)

    assert reason in refused.value.message


def test_yaml_values_are_those_of_json() -> None:
    text = "{date: 2020-01-01, yes: 'yes', float: 1.5, hex: 0x1f, text: !!str 5, none: ~}"

    assert read_documents(text + "\n") == [
        {"date": "2020-01-01", "yes": "yes", "float": 1.5, "hex": 31, "text": "5", "none": None}
    ]


def test_aliases_repeat_what_they_name() -> None:
    assert read_documents("a: &x [1, {b: 2}]\nc: *x\n") == [
        {"a": [1, {"b": 2}], "c": [1, {"b": 2}]}
    ]
