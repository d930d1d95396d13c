# ruff: noqa: E501  commands are quoted as they are
"""What KFP's compiler makes of a function: for tests of what understands it."""

from typing import Any

PIP = """
if ! [ -x "$(command -v pip)" ]; then
    python3 -m ensurepip || python3 -m ensurepip --user || apt-get install python3-pip
fi

PIP_DISABLE_PIP_VERSION_CHECK=1 {installs} && "$0" "$@"
"""
INSTALL = "python3 -m pip install --quiet --no-warn-script-location "
KFP = INSTALL + "'kfp==2.14.6' '--no-deps' 'typing-extensions>=3.7.4,<5; python_version<\"3.9\"'"
PROGRAM = """program_path=$(mktemp -d)

printf "%s" "$0" > "$program_path/ephemeral_component.py"
_KFP_RUNTIME=true python3 -m kfp.dsl.executor_main                         --component_module_path                         "$program_path/ephemeral_component.py"                         "$@"
"""
HEADER = "\nimport kfp\nfrom kfp import dsl\nfrom kfp.dsl import *\nfrom typing import *\n\n"


def function(source: str, *packages: str, image: str = "python:3.11") -> dict[str, Any]:
    """Return the executor of a Python component."""
    name = source.split("def ", 1)[1].split("(")[0]
    installs = KFP
    if packages:
        installs = INSTALL + " ".join(map(repr, packages)) + "  &&  " + KFP
    script = PIP.replace("{installs}", installs)
    return {
        "container": {
            "image": image,
            "command": ["sh", "-c", script, "sh", "-ec", PROGRAM, HEADER + source],
            "args": ["--executor_input", "{{$}}", "--function_to_execute", name],
        }
    }


def spec(
    parameters: dict[str, str] | None = None,
    artifacts: dict[str, str] | None = None,
    makes: dict[str, str] | None = None,
    makes_artifacts: dict[str, str] | None = None,
) -> dict[str, Any]:
    """Return a component's interface: types by name."""
    return {
        "inputDefinitions": _definitions(parameters, artifacts),
        "outputDefinitions": _definitions(makes, makes_artifacts),
    }


def _definitions(
    parameters: dict[str, str] | None, artifacts: dict[str, str] | None
) -> dict[str, Any]:
    return {
        "parameters": {name: {"parameterType": kind} for name, kind in (parameters or {}).items()},
        "artifacts": {
            name: {"artifactType": {"schemaTitle": title, "schemaVersion": "0.0.1"}}
            for name, title in (artifacts or {}).items()
        },
    }
