# ruff: noqa: E501  components are quoted as they are
"""Tasks of KFP pipelines, run by the launcher: Python components, commands, imports."""

import asyncio
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlplat.ports.launcher import AttemptRef, Ended, StartOrder
from tests.integration.runtime.conftest import Bench

HEADER = "\nimport kfp\nfrom kfp import dsl\nfrom kfp.dsl import *\nfrom typing import *\n\n"


@dataclass
class Tasks:
    """Runs tasks one after the other."""

    bench: Bench
    count: int = 0
    log: dict[str, str] = field(default_factory=dict)

    def order(self, **parts: Any) -> AttemptRef:
        self.count += 1
        name = f"task-{self.count}"
        directory = self.bench.home.attempt("run-1", name, 1)
        directory.mkdir(parents=True)
        outputs = {
            "file": str(directory / "outputs" / "executor_output.json"),
            "parameters": {
                key: {"path": str(directory / "outputs" / key), "type": kind}
                for key, kind in parts.pop("parameters", {}).items()
            },
            "artifacts": {
                key: {
                    "path": str(directory / "outputs" / key),
                    "uri": str(directory / "outputs" / key),
                    "type": kind,
                }
                for key, kind in parts.pop("artifacts", {}).items()
            },
        }
        given = parts.pop("given", {})
        inputs = []
        taken: dict[str, Any] = {}
        for key, artifact in parts.pop("takes", {}).items():
            path = str(directory / "inputs" / key / os.path.basename(artifact["uri"]))
            inputs.append({**artifact, "path": path})
            taken[key] = {
                "artifacts": [
                    {
                        "name": artifact["name"],
                        "uri": path,
                        "metadata": artifact["metadata"],
                        "type": {"schemaTitle": artifact["type"]},
                    }
                ]
            }
        order = {
            "version": 1,
            "kind": "component",
            "run": "run-1",
            "step": name,
            "attempt": 1,
            "task": name,
            "blobs": str(self.bench.home.blobs),
            "doorbell": str(self.bench.home.doorbell),
            "cwd": str(directory / "work"),
            "how": "function",
            "inputs": inputs,
            "outputs": outputs,
            "executor_input": {
                "inputs": {"parameterValues": given, "artifacts": taken},
                "outputs": {
                    "parameters": {
                        key: {"outputFile": one["path"]}
                        for key, one in outputs["parameters"].items()
                    },
                    "artifacts": {
                        key: {
                            "artifacts": [
                                {
                                    "name": key,
                                    "uri": one["uri"],
                                    "type": {"schemaTitle": one["type"]},
                                }
                            ]
                        }
                        for key, one in outputs["artifacts"].items()
                    },
                    "outputFile": outputs["file"],
                },
            },
            **parts,
        }
        (directory / "step.json").write_text(json.dumps(order))
        ref = AttemptRef("run-1", name, 1, directory)
        self.bench.ends[ref] = asyncio.get_running_loop().create_future()
        return ref

    async def run(
        self,
        source: str = "",
        *,
        env: dict[str, str] | None = None,
        python: str = sys.executable,
        **parts: Any,
    ) -> Ended:
        if source:
            name = source.split("def ", 1)[1].split("(")[0]
            parts["function"] = {"name": name, "source": HEADER + source, "arguments": []}
        ref = self.order(**parts)
        order = StartOrder(ref, python, (), None, None, env or {}, kind="component")
        await self.bench.launcher.start(order)
        return await self.bench.end(ref)


def results(ended: Ended) -> Any:
    assert ended.result is not None, ended
    assert ended.result["state"] == "succeeded", ended.result["error"]
    return ended.result["results"]


def text(ended: Ended, name: str = "stdout.log") -> str:
    return (ended.ref.directory / name).read_text()


@pytest.fixture
def tasks(bench: Bench) -> Tasks:
    return Tasks(bench)


async def test_parameters_go_in_and_come_out(tasks: Tasks) -> None:
    ended = await tasks.run(
        """
def add(a: int, b: List[float], c: dict = {}, d: Optional[str] = 'x', e: bool = True) -> NamedTuple(
    'outputs', [('sum', float), ('words', List[str]), ('kept', dict), ('flag', bool)]):
    print(a, b, c, d, e)
    outputs = NamedTuple('outputs', [('sum', float), ('words', list), ('kept', dict), ('flag', bool)])
    return outputs(a + sum(b), [d], c, e)
""",
        given={"a": 1, "b": [0.5, 2], "c": {"k": [1, None]}},
        parameters={"sum": "NUMBER_DOUBLE", "words": "LIST", "kept": "STRUCT", "flag": "BOOLEAN"},
    )

    assert results(ended)["parameters"] == {
        "sum": 3.5,
        "words": ["x"],
        "kept": {"k": [1, None]},
        "flag": True,
    }
    assert text(ended) == "1 [0.5, 2] {'k': [1, None]} x True\n"
    assert ended.executed_as == "warm-process"


async def test_parameters_written_to_paths_are_read_by_type(tasks: Tasks) -> None:
    ended = await tasks.run(
        """
def write(i: OutputPath(int), f: OutputPath(float), b: OutputPath(bool), s: OutputPath(str),
          l: OutputPath(list)):
    for path, word in ((i, '3'), (f, '2'), (b, 'True'), (s, '07'), (l, '[1, {"a": 2}]')):
        with open(path, 'w') as file:
            file.write(word)
""",
        parameters={
            "i": "NUMBER_INTEGER",
            "f": "NUMBER_DOUBLE",
            "b": "BOOLEAN",
            "s": "STRING",
            "l": "LIST",
        },
    )

    assert results(ended)["parameters"] == {
        "i": 3,
        "f": 2,
        "b": True,
        "s": "07",
        "l": [1, {"a": 2}],
    }


async def test_artifacts_pass_from_task_to_task_with_their_metadata(tasks: Tasks) -> None:
    first = await tasks.run(
        """
def make(data: Output[Dataset], folder: dsl.Output[dsl.Model], scores: Output[Metrics]):
    import os
    with open(data.path, 'w') as file:
        file.write('rows')
    data.metadata['rows'] = 1
    os.makedirs(folder.path + '/deep/empty')
    with open(folder.path + '/deep/weights.bin', 'wb') as file:
        file.write(b'0' * 3_000_000)
    folder.framework = 'none'
    scores.log_metric('accuracy', 0.5)
""",
        artifacts={"data": "system.Dataset", "folder": "system.Model", "scores": "system.Metrics"},
    )
    made = results(first)["artifacts"]

    second = await tasks.run(
        """
def read(data: Input[Dataset], folder: Input[Model], path: InputPath('Dataset')) -> str:
    import os
    with open(data.path) as file, open(folder.path + '/deep/weights.bin', 'rb') as weights:
        size = len(weights.read())
        return f"{file.read()} {data.metadata} {size} {folder.framework} {os.listdir(folder.path + '/deep')}" + open(path).read()
""",
        takes={"data": made["data"][0], "folder": made["folder"][0], "path": made["data"][0]},
        parameters={"Output": "STRING"},
    )

    assert first.result is not None
    assert first.result["metrics"] == {"accuracy": 0.5}
    assert made["scores"][0]["digest"] is None
    assert made["folder"][0]["is_folder"]
    assert made["folder"][0]["size_bytes"] == 3_000_000
    output = results(second)["parameters"]["Output"]
    assert output.startswith("rows {'rows': 1} 3000000 none [")
    assert output.endswith("]rows")


async def test_pythonic_artifacts_uris_and_custom_paths(tasks: Tasks, tmp_path: Path) -> None:
    ended = await tasks.run(
        f"""
def make(custom: Output[Dataset]) -> NamedTuple('o', [('text', Dataset), ('mine', Model)]):
    custom.set_path({str(tmp_path / "far")!r})
    with open(custom.path, 'w') as file:
        file.write('far')
    mine = dsl.Model(uri=dsl.get_uri('mine.pkl'), metadata={{'k': 1}})
    with open(mine.path, 'w') as file:
        file.write('model')
    return ('plain text', mine)
""",
        artifacts={"custom": "system.Dataset", "text": "system.Dataset", "mine": "system.Model"},
    )

    made = {name: one[0] for name, one in results(ended)["artifacts"].items()}
    blobs = tasks.bench.home.blobs

    def content(name: str) -> str:
        digest = made[name]["digest"].partition(":")[2]
        return (blobs / digest[:2] / digest[2:]).read_text()

    assert [content(name) for name in ("custom", "text", "mine")] == ["far", "plain text", "model"]
    assert made["mine"]["uri"].endswith("/outputs/mine.pkl")
    assert made["mine"]["metadata"] == {"k": 1}
    assert made["custom"]["custom_path"] == str(tmp_path / "far")


async def test_failure_names_the_line_of_the_component(tasks: Tasks) -> None:
    ended = await tasks.run("def fail(a: int):\n    b = 0\n    return a / b\n", given={"a": 1})

    assert ended.result is not None
    error = ended.result["error"]
    assert error["name"] == "ZeroDivisionError"
    assert error["message"] == "Task 'task-1', line 9: ZeroDivisionError: division by zero"
    assert error["traceback"][1].endswith("in fail")
    assert "return a / b" in text(ended, "stderr.log")


async def test_output_that_is_not_made_is_named(tasks: Tasks) -> None:
    ended = await tasks.run(
        "def f() -> int:\n    return None\n", parameters={"Output": "NUMBER_INTEGER"}
    )

    assert ended.result is not None
    assert "'Output'" in ended.result["error"]["message"]


async def test_final_status_is_an_object(tasks: Tasks) -> None:
    ended = await tasks.run(
        "def f(status: PipelineTaskFinalStatus) -> str:\n"
        "    return f'{status.state} {status.pipeline_task_name} {status.error_message}'\n",
        given={
            "status": {
                "state": "FAILED",
                "pipelineTaskName": "t",
                "error": {"code": 9, "message": "no"},
            }
        },
        parameters={"Output": "STRING"},
    )

    assert results(ended)["parameters"]["Output"] == "FAILED t no"


async def test_classification_metrics(tasks: Tasks) -> None:
    ended = await tasks.run(
        """
def f(m: Output[ClassificationMetrics], s: Output[SlicedClassificationMetrics]):
    m.log_confusion_matrix(['a', 'b'], [[1, 2], [3, 4]])
    m.log_roc_curve([0.0, 1.0], [0.0, 1.0], [0.9, 0.1])
    s.load_confusion_matrix('x', ['a'], [[1]])
""",
        artifacts={"m": "system.ClassificationMetrics", "s": "system.SlicedClassificationMetrics"},
    )

    metadata = results(ended)["artifacts"]["m"][0]["metadata"]
    assert metadata["confusionMatrix"]["rows"] == [{"row": [1, 2]}, {"row": [3, 4]}]
    assert metadata["confidenceMetrics"][1] == {
        "confidenceThreshold": 0.1,
        "recall": 1.0,
        "falsePositiveRate": 1.0,
    }


async def test_threads_are_waited_for_and_exit_is_success(tasks: Tasks) -> None:
    ended = await tasks.run(
        """
def f(d: Output[Dataset]):
    import threading, time, sys
    def write():
        time.sleep(0.2)
        open(d.path, 'w').write('late')
    threading.Thread(target=write).start()
    sys.exit(0)
""",
        artifacts={"d": "system.Dataset"},
    )

    assert results(ended)["artifacts"]["d"][0]["size_bytes"] == 4


async def test_secrets_are_masked_also_in_what_subprocesses_write(tasks: Tasks) -> None:
    ended = await tasks.run(
        """
def f() -> str:
    import os, subprocess, sys
    print('the word is', os.environ['WORD'], flush=True)
    subprocess.run(['sh', '-c', 'echo "$WORD"; echo "$WORD" >&2'], check=True)
    sys.stdout.write(os.environ['WORD'][:3]); sys.stdout.flush()
    return os.environ['WORD'][::-1]
""",
        env={"WORD": "hunter22"},
        secrets=["WORD"],
        parameters={"Output": "STRING"},
    )

    assert results(ended)["parameters"]["Output"] == "22retnuh"
    assert text(ended) == "the word is ***\n***\nhun"
    assert text(ended, "stderr.log") == "***\n"


async def test_command_runs_with_its_python_and_the_slice(tasks: Tasks) -> None:
    ref = tasks.order(
        how="command",
        command={
            "argv": [
                "sh",
                "-c",
                'python3 -c "from kfp import dsl; print(dsl.Dataset)"; echo 5 > $0',
                str(tasks.bench.home.attempt("run-1", "task-1", 1) / "outputs" / "n"),
            ],
            "python": sys.executable,
            "python_path": [],
        },
        parameters={"n": "NUMBER_INTEGER"},
    )
    order = StartOrder(
        ref, sys.executable, (), None, None, {}, kind="component", executed_as="process"
    )
    slice_directory = next(tasks.bench.home.root.glob("runtime-*"), None)
    await tasks.bench.launcher.start(order)
    ended = await tasks.bench.end(ref)

    del slice_directory
    assert results(ended)["parameters"] == {"n": 5}
    assert ended.executed_as == "process"


async def test_programs_that_a_component_starts_find_its_kfp(tasks: Tasks) -> None:
    ended = await tasks.run(
        """
def f() -> str:
    import subprocess, sys
    code = 'from kfp import dsl; print(dsl.Model.schema_title)'
    return subprocess.run([sys.executable, '-c', code], capture_output=True, text=True).stdout
""",
        parameters={"Output": "STRING"},
    )

    assert results(ended)["parameters"]["Output"] == "system.Model\n"


async def test_command_that_fails_says_its_status(tasks: Tasks) -> None:
    ended = await tasks.run(how="command", command={"argv": ["sh", "-c", "echo no >&2; exit 3"]})

    assert ended.result is not None
    assert ended.result["error"]["code"] == "task-error"
    assert "status 3" in ended.result["error"]["message"]
    assert text(ended, "stderr.log").startswith("no\n")


async def test_import_of_a_file_and_by_name(tasks: Tasks, tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_text("a,b\n")
    wanted = {
        "output": "artifact",
        "name": "artifact",
        "type": "system.Dataset",
        "metadata": {"k": "v"},
        "beside": str(tmp_path / "beside"),
    }

    here = await tasks.run(
        how="import", **{"import": {**wanted, "uri": str(tmp_path / "data.csv")}}
    )
    away = await tasks.run(how="import", **{"import": {**wanted, "uri": "gs://bucket/x"}})
    into = await tasks.run(
        how="import",
        **{
            "import": {
                **wanted,
                "uri": (tmp_path / "data.csv").as_uri(),
                "into": str(tmp_path / "workspace"),
            }
        },
    )
    lost = await tasks.run(
        how="import",
        **{
            "import": {**wanted, "uri": str(tmp_path / "none"), "into": str(tmp_path / "workspace")}
        },
    )

    assert results(here)["artifacts"]["artifact"][0]["size_bytes"] == 4
    assert results(here)["artifacts"]["artifact"][0]["metadata"] == {"k": "v"}
    assert results(away)["artifacts"]["artifact"][0]["digest"] is None
    assert (tmp_path / "workspace" / "data.csv").read_text() == "a,b\n"
    assert results(into)["artifacts"]["artifact"][0]["custom_path"].endswith("workspace/data.csv")
    assert lost.result is not None
    assert "none" in lost.result["error"]["message"]


async def test_environment_is_built_once_and_entered(tasks: Tasks, tmp_path: Path) -> None:
    package = tmp_path / "hello"
    package.mkdir()
    (package / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n'
        '[project]\nname = "hello-mlplat"\nversion = "1"\n[tool.setuptools]\npy-modules = ["hello_mlplat"]\n'
    )
    (package / "hello_mlplat.py").write_text("word = 'hello'\n")
    folder = tmp_path / "environments" / "one"
    wanted = {
        "folder": str(folder),
        "python": sys.executable,
        "requirements": [str(package)],
        "options": [],
    }
    source = (
        "def f() -> str:\n    import hello_mlplat, sys\n    return hello_mlplat.word + sys.prefix\n"
    )

    first, second = await asyncio.gather(
        *(tasks.run(source, environment=wanted, parameters={"Output": "STRING"}) for _ in range(2))
    )
    third = await tasks.run(
        source, python=str(folder / "bin" / "python"), parameters={"Output": "STRING"}
    )

    for ended in (first, second, third):
        assert results(ended)["parameters"]["Output"] == f"hello{folder}"
    built = ["Building" in text(ended, "stderr.log") for ended in (first, second)]
    assert sorted(built) == [False, True]
    assert third.executed_as == "warm-process"


async def test_environment_that_cannot_be_built_is_refused_with_its_requirement(
    tasks: Tasks, tmp_path: Path
) -> None:
    wanted = {
        "folder": str(tmp_path / "environments" / "bad"),
        "python": sys.executable,
        "requirements": [str(tmp_path / "no-such-package")],
        "options": [],
    }

    ended = await tasks.run("def f():\n    pass\n", environment=wanted)

    assert ended.result is not None
    assert ended.result["error"]["code"] == "environment-failed"
    assert "no-such-package" in ended.result["error"]["message"]
    assert not (tmp_path / "environments" / "bad").exists()


async def test_trivial_task_takes_milliseconds(tasks: Tasks) -> None:
    await tasks.run("def f():\n    pass\n")
    took = []
    for _ in range(5):
        began = time.perf_counter()
        results(
            await tasks.run(
                "def f() -> int:\n    return 1\n", parameters={"Output": "NUMBER_INTEGER"}
            )
        )
        took.append(time.perf_counter() - began)

    assert min(took) < 0.2, took
    print(took)


@pytest.mark.parametrize("version", ["3.9", "3.13"])
def test_component_runs_in_a_bare_interpreter_of_another_version(
    version: str, tmp_path: Path
) -> None:
    found = sorted(Path("~/.pyenv/versions").expanduser().glob(f"{version}.*/bin/python"))
    if not found:
        pytest.skip(f"there is no Python {version} here")
    from jupyter_mlplat.launchers.local.slice import materialise, start_script

    attempt = tmp_path / "attempt"
    attempt.mkdir()
    output = attempt / "outputs" / "Output"
    source = "def f(a: int) -> int:\n    return a + 1\n"
    order = {
        "run": "run",
        "step": "step",
        "attempt": 1,
        "task": "f",
        "blobs": str(tmp_path / "blobs"),
        "cwd": str(attempt / "work"),
        "how": "function",
        "inputs": [],
        "function": {"name": "f", "source": HEADER + source, "arguments": []},
        "outputs": {
            "file": str(attempt / "outputs" / "o.json"),
            "artifacts": {},
            "parameters": {"Output": {"path": str(output), "type": "NUMBER_INTEGER"}},
        },
        "executor_input": {
            "inputs": {"parameterValues": {"a": 1}},
            "outputs": {"outputFile": str(attempt / "outputs" / "o.json")},
        },
    }
    (attempt / "step.json").write_text(json.dumps(order))

    script = start_script(materialise(tmp_path))
    subprocess.run([found[-1], "-I", script, "component", attempt], check=True)

    result = json.loads((attempt / "result.json").read_text())
    assert result["results"] == {"parameters": {"Output": 2}, "artifacts": {}}


def merged(ended: Ended) -> str:
    """Put the two logs together in the order that was noted, as a reader does."""
    rests = {name: text(ended, f"{name}.log") for name in ("stdout", "stderr")}
    taken = dict.fromkeys(rests, 0)
    told = ""
    for line in text(ended, "order.log").splitlines():
        name, end = line.split()
        told += rests[name][taken[name] : int(end)]
        taken[name] = int(end)
    return told + "".join(rest[taken[name] :] for name, rest in rests.items())


@pytest.mark.parametrize(
    ("secrets", "pause_s"),
    [([], 0), (["WORD"], 0.2)],  # what masks secrets sees what was written at once as a whole
    ids=["plain", "masked"],
)
async def test_logs_of_a_component_are_told_in_written_order(
    tasks: Tasks, secrets: list[str], pause_s: float
) -> None:
    ended = await tasks.run(
        """
def f():
    import os, subprocess, sys, time
    pause_s = float(os.environ['PAUSE_S'])
    print('one', flush=True)
    time.sleep(pause_s)
    print('two', file=sys.stderr, flush=True)
    time.sleep(pause_s)
    print('three', flush=True)
    time.sleep(pause_s)
    subprocess.run(['sh', '-c', 'echo four >&2'], check=True)
    time.sleep(pause_s)
    print('five')
""",
        env={"WORD": "hunter22", "PAUSE_S": str(pause_s)},
        secrets=secrets,
    )

    assert results(ended) is not None
    told = ["one", "two", "three", "four", "five"]
    assert [word for word in merged(ended).split() if word in told] == told


async def test_logs_of_a_command_are_told_in_written_order(tasks: Tasks) -> None:
    script = "echo one; sleep 0.3; echo two >&2; sleep 0.3; echo three; sleep 0.3; echo four >&2"
    ended = await tasks.run(how="command", command={"argv": ["sh", "-c", script]})

    assert results(ended) is not None
    assert merged(ended) == "one\ntwo\nthree\nfour\n"
