"""What upstream demands of its pipelines, and what it gives them.

Source, all in kubeflow/pipelines:
    backend/test/end2end/pipeline_e2e_test.go: which folder must succeed, which must fail, the
    secrets its runs find, and that a file named `…_GH-<issue>` is skipped for a known issue;
    backend/test/testutil/pipeline_run_utils.go: `GetPipelineRunTimeInputs`, required inputs filled
    by type;
    sdk/python/test/local_execution/local_execution_test.py: arguments and exact outputs.
"""

import random
import string
import tempfile
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from jupyter_mlplat.formats.kfp.document import Document
from jupyter_mlplat.formats.kfp.spec import ParameterType
from jupyter_mlplat.resources.base import JsonValue

SUCCEEDED, FAILED, REFUSED = "succeeded", "failed", "refused"

SECRETS = {
    "test-secret-1": {"username": "user1"},
    "test-secret-2": {"password": "psw1"},
    "test-secret-3": {"password": "psw2"},
}
"""What upstream's tests put into the namespace before a pipeline runs."""

_MUST_SUCCEED = frozenset(
    {"critical", "essential", "parallel_and_nested", "integration", "gpu-scheduling"}
)


@dataclass(frozen=True, slots=True)
class Example:
    """A row of upstream's table in `local_execution_test.py`."""

    arguments: Mapping[str, JsonValue] = field(default_factory=dict)
    outputs: tuple[JsonValue, ...] = ()
    """The output it must have: one of these; empty where none is stated for the pipeline."""
    state: str = SUCCEEDED
    writes: Mapping[str, str] = field(default_factory=dict)
    """By argument: what must stand in the file it names when the pipeline is over."""


def _scratch(name: str) -> str:
    return str(Path(tempfile.gettempdir()) / f"kfp-{name}-{uuid.uuid4().hex}")


def examples() -> dict[str, Example]:
    """Return upstream's table by file, relative to `valid/`; files it names are new each time."""
    loops: list[JsonValue] = ["item1", "item2", "item3"]
    nested: JsonValue = [{"A_a": "1", "B_b": "2"}, {"A_a": "10", "B_b": "20"}]
    return {
        "critical/add_numbers": Example({"a": 5, "b": 5}, (10,)),
        "critical/notebook_component_simple": Example({"text": "hello"}),
        "essential/concat_message": Example(
            {"message1": "Hello ", "message2": "World!"}, ("Hello World!",)
        ),
        "identity": Example({"value": "test_value"}, ("test_value",)),
        "essential/lightweight_python_functions_with_outputs": Example(
            {
                "first_message": "Hello",
                "second_message": " World",
                "first_number": 10,
                "second_number": 20,
            }
        ),
        "essential/dict_input": Example({"struct": {"test_key": "test_value"}}),
        "nested_return": Example(outputs=(nested,)),
        "parallel_and_nested/pipeline_with_loops": Example({"loop_parameter": loops}),
        "pipeline_with_parallelfor_pipeline_param": Example(
            {"prefix": "test-prefix", "loop_parameter": ["a", "b"]}
        ),
        "essential/component_with_env_variable": Example(
            {"var_name": "KFP_TEST_ENV_VAR"}, ("env_var_value",)
        ),
        "local_execution/pipeline_with_collected_artifacts": Example(outputs=("0,1,2",)),
        "local_execution/local_execution_pipeline_with_retry": Example(
            {"counter_path": _scratch("retry")}, ("attempt=2",)
        ),
        "local_execution/local_execution_pipeline_with_exit_handler": Example({"message": "hi"}),
        "local_execution/local_execution_pipeline_with_oneof": Example(
            {"pick_a": True}, ("selected:A",)
        ),
        "local_execution/local_execution_pipeline_with_k8s_only_methods": Example(
            {"message": "hello"}, ("hello",)
        ),
        "local_execution/pipeline_with_caching": Example({"x": 1}, (2,)),
        # "The overall DAG reports failure", and what follows the failure runs all the same.
        "local_execution/local_execution_pipeline_with_ignore_upstream_failure": Example(
            {"marker_path": _scratch("marker")},
            state=FAILED,
            writes={"marker_path": "cleanup_ran"},
        ),
        "sequential_v1": Example({"param1": "First", "param2": "Second"}),
        "arguments_parameters": Example({"param1": "arg1", "param2": "arg2"}),
        "pipeline_with_parallelfor_parallelism": Example({"loop_parameter": loops}),
    }


@dataclass(frozen=True, slots=True)
class Demand:
    """What upstream demands of one file; `state` is None where it only compiles it."""

    group: str
    state: str | None
    example: Example
    known_issue: str | None = None


def demand_of(file: Path, folder: Path, table: Mapping[str, Example]) -> Demand:
    """Return what upstream demands of a file."""
    parts = file.relative_to(folder).with_suffix("").parts
    within = parts[parts.index("valid") + 1 :] if "valid" in parts else parts
    group = within[-2] if len(within) > 1 else "valid" if "valid" in parts else ""
    stated = table.get("/".join(within))
    issue = parts[-1].lower().partition("_gh-")[2] or None
    state: str | None = None
    if "invalid" in parts:
        group, state = "invalid", REFUSED
    elif group == "failing":
        state = FAILED
    elif stated is not None:
        state = stated.state
    elif group in _MUST_SUCCEED:
        state = SUCCEEDED
    return Demand(group or "other", None if issue else state, stated or Example(), issue)


def inputs_of(document: Document, example: Example) -> dict[str, JsonValue]:
    """Fill required inputs by type, as upstream does; its table's arguments go before."""
    chance = random.Random(document.name)
    word = "".join(chance.choices(string.ascii_lowercase, k=20))
    by_type: dict[ParameterType, JsonValue] = {
        ParameterType.NUMBER_INTEGER: chance.randrange(1000),
        ParameterType.STRING: word,
        ParameterType.STRUCT: {"A": str(chance.random()), "B": str(chance.random())},
        ParameterType.LIST: [word],
        ParameterType.BOOLEAN: True,
        ParameterType.NUMBER_DOUBLE: chance.random(),
    }
    known = document.root.input_definitions.parameters
    found: dict[str, JsonValue] = {
        name: by_type.get(definition.kind, word)
        for name, definition in known.items()
        if definition.is_required
    }
    return found | {n: v for n, v in example.arguments.items() if n in known}


def needs_artifact(document: Document) -> str | None:
    """Return the input artifact that a run would have to be given; no run can be."""
    for name, artifact in document.root.input_definitions.artifacts.items():
        if not artifact.is_optional:
            return name
    return None


def missed(example: Example, state: str, demanded: str, output: JsonValue) -> str | None:
    """Return what differs from upstream's demand; None where nothing does."""
    if state != demanded:
        return f"{demanded} is demanded"
    if example.outputs and output not in example.outputs:
        return f"the output is {output!r}; demanded is {' or '.join(map(repr, example.outputs))}"
    for argument, content in example.writes.items():
        path = Path(str(example.arguments[argument]))
        written = path.read_text() if path.exists() else None
        if written != content:
            return f"{argument} holds {written!r}; demanded is {content!r}"
    return None
