"""A small pipeline as kfp compiles it."""

from typing import Any

import yaml

SOURCE = """

import kfp
from kfp import dsl
from kfp.dsl import *
from typing import *

def add(a: int, b: int) -> int:
    return a + b

"""


def a_spec(name: str = "adding", source: str = SOURCE) -> dict[str, Any]:
    """Compile `add(a, 1)` by hand."""
    return {
        "pipelineInfo": {"name": name},
        "schemaVersion": "2.1.0",
        "sdkVersion": "kfp-2.17.0",
        "root": {
            "inputDefinitions": {
                "parameters": {
                    "a": {"parameterType": "NUMBER_INTEGER", "defaultValue": 1, "isOptional": True}
                }
            },
            "dag": {
                "tasks": {
                    "add": {
                        "taskInfo": {"name": "add"},
                        "componentRef": {"name": "comp-add"},
                        "cachingOptions": {},
                        "inputs": {
                            "parameters": {
                                "a": {"componentInputParameter": "a"},
                                "b": {"runtimeValue": {"constant": 1}},
                            }
                        },
                    }
                }
            },
        },
        "components": {
            "comp-add": {
                "executorLabel": "exec-add",
                "inputDefinitions": {
                    "parameters": {
                        "a": {"parameterType": "NUMBER_INTEGER"},
                        "b": {"parameterType": "NUMBER_INTEGER"},
                    }
                },
                "outputDefinitions": {
                    "parameters": {"Output": {"parameterType": "NUMBER_INTEGER"}}
                },
            }
        },
        "deploymentSpec": {
            "executors": {
                "exec-add": {
                    "container": {
                        "image": "python:3.11",
                        "command": [
                            "sh",
                            "-ec",
                            'program_path=$(mktemp -d)\n\nprintf "%s" "$0" > '
                            '"$program_path/ephemeral_component.py"\n'
                            "_KFP_RUNTIME=true python3 -m kfp.dsl.executor_main "
                            '--component_module_path "$program_path/ephemeral_component.py" "$@"\n',
                            source,
                        ],
                        "args": [
                            "--executor_input",
                            "{{$}}",
                            "--function_to_execute",
                            "add",
                        ],
                    }
                }
            }
        },
    }


def as_yaml(spec: dict[str, Any]) -> bytes:
    text: str = yaml.safe_dump(spec)
    return text.encode()
