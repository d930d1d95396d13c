"""A task of a KFP pipeline from its component to its results: which way, in what environment."""

import asyncio
import json
import os
import stat
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlplat.engine.components import Components
from jupyter_mlplat.engine.pythons import ContainerTool
from jupyter_mlplat.errors import InvalidInput, Unsupported
from jupyter_mlplat.kit.home import Home
from jupyter_mlplat.launchers.local.launcher import LocalLauncher
from jupyter_mlplat.ports.launcher import AttemptRef, Ended
from jupyter_mlplat.resources.images import ImageRule
from jupyter_mlplat.resources.pipeline import Step
from jupyter_mlplat.resources.run import Run, RunState, Task, TaskState
from jupyter_mlplat.resources.workflow import Component, Values
from jupyter_mlplat.runtime import kfp_slice
from jupyter_mlplat.services.pipelines.admission import Inventory
from jupyter_mlplat.services.pipelines.messages import Failed, Succeeded
from jupyter_mlplat.services.pipelines.outcomes import outcome_of
from jupyter_mlplat.stores.images import LocalImageMap
from jupyter_mlplat.stores.secrets import LocalSecrets
from tests.unit.workflows.compiled import function, spec

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class Bench:
    """Carries tasks out, one at a time."""

    home: Home
    launcher: LocalLauncher
    tool: ContainerTool = field(default_factory=lambda: ContainerTool("no-such-tool"))
    ends: dict[AttemptRef, "asyncio.Future[Ended]"] = field(default_factory=dict)
    count: int = 0
    last: Ended | None = None

    def __post_init__(self) -> None:
        self.images = LocalImageMap(self.home.images)
        self.secrets = LocalSecrets(self.home.root)
        self.components = Components(
            self.home, self.images, self.secrets, self.tool, Inventory(cpu=2, memory_bytes=2**32)
        )
        self.launcher.bind(lambda ended: self.ends[ended.ref].set_result(ended), lambda _: None)

    async def run(
        self,
        executor: Mapping[str, Any],
        spec: Mapping[str, Any] | None = None,
        inputs: Values | None = None,
        platform: Mapping[str, Any] | None = None,
        literal: bool = False,
    ) -> Succeeded | Failed:
        self.count += 1
        name = f"task-{self.count}"
        step = Step(
            name=name,
            title=name,
            cells=(),
            component=Component(
                label="exec-it",
                executor=dict(executor),
                spec=dict(spec or {}),
                platform=dict(platform or {}),
                inputs=inputs or Values(),
                task=name,
            ),
        )
        run = Run(
            id="run-0123456789ab",
            number=7,
            pipeline="pipe",
            pipeline_digest="sha256:" + "0" * 64,
            state=RunState.RUNNING,
            created_at=NOW,
            literal=literal,
        )
        task = Task(name=name, state=TaskState.RUNNING, attempt=1)
        ref = AttemptRef(run.id, name, 1, self.home.attempt(run.id, name, 1))
        common = {
            "run": run.id,
            "step": name,
            "attempt": 1,
            "blobs": str(self.home.blobs),
            "doorbell": str(self.home.doorbell),
        }
        order, document = self.components.order(run, task, step, ref, common, {})
        ref.directory.mkdir(parents=True)
        (ref.directory / "step.json").write_text(json.dumps(document))
        self.ends[ref] = asyncio.get_running_loop().create_future()
        await self.launcher.start(order)
        self.last = await asyncio.wait_for(self.ends[ref], 120)
        outcome = outcome_of(self.last, ())
        assert isinstance(outcome, Succeeded | Failed)
        return outcome

    @property
    def slice(self) -> Path:
        return Path(kfp_slice.__file__).parent

    def log(self, name: str = "stdout.log") -> str:
        assert self.last is not None
        return (self.last.ref.directory / name).read_text()

    @property
    def notes(self) -> list[str]:
        assert self.last is not None
        assert self.last.result is not None
        notes: list[str] = self.last.result["notes"]
        return notes


@pytest.fixture
async def bench(short_dir: Path) -> AsyncIterator[Bench]:
    home = Home(short_dir / "home")
    launcher = LocalLauncher(home)
    bench = Bench(home, launcher)
    yield bench
    await launcher.end_all()
    await launcher.close()


def made(outcome: Succeeded | Failed) -> Values:
    assert isinstance(outcome, Succeeded), outcome
    assert outcome.results is not None
    return outcome.results


def container(image: str, *command: str, args: Sequence[str] = (), **more: Any) -> dict[str, Any]:
    return {"container": {"image": image, "command": [*command], "args": [*args], **more}}


async def test_tasks_hand_on_parameters_and_artifacts(bench: Bench) -> None:
    first = made(
        await bench.run(
            function(
                "def make(n: int, data: Output[Dataset]) -> float:\n"
                "    open(data.path, 'w').write('x' * n)\n"
                "    data.metadata['n'] = n\n"
                "    return 2.0\n"
            ),
            spec(
                parameters={"n": "NUMBER_INTEGER"},
                makes={"Output": "NUMBER_DOUBLE"},
                makes_artifacts={"data": "system.Dataset"},
            ),
            Values(parameters={"n": 3}),
        )
    )
    second = made(
        await bench.run(
            function(
                "def read(data: Input[Dataset], several: List[Dataset]) -> str:\n"
                "    paths = ' '.join(open(one.path).read() for one in several)\n"
                "    return open(data.path).read() + str(data.metadata) + paths\n"
            ),
            spec(
                artifacts={"data": "system.Dataset", "several": "system.Dataset"},
                makes={"Output": "STRING"},
            ),
            Values(
                artifacts={
                    "data": first.artifacts["data"],
                    "several": first.artifacts["data"] * 2,
                }
            ),
        )
    )

    assert first.parameters == {"Output": 2}
    assert first.artifacts["data"][0].name == first.artifacts["data"][0].artifact_id
    assert second.parameters == {"Output": "xxx{'n': 3}xxx xxx"}


async def test_command_of_an_unknown_image_is_refused_with_the_way_out(bench: Bench) -> None:
    with pytest.raises(Unsupported, match=r"jupyter mlplat images map 'alpine'"):
        await bench.run(container("alpine", "echo", "hello"))


async def test_python_image_runs_python_components_but_no_other_command(bench: Bench) -> None:
    with pytest.raises(Unsupported, match="neither podman nor docker"):
        await bench.run(container("python:3.11", "sh", "-c", "rm -rf /"))


async def test_image_map_lets_commands_run_with_files_and_the_runtime(
    bench: Bench, tmp_path: Path
) -> None:
    (tmp_path / "kfp_config.ini").write_text("[Components]\nadd = parts/add.py\n")
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "add.py").write_text(
        "from kfp import dsl\n@dsl.component(base_image='x', target_image='y')\n"
        "def add(a: int, b: int) -> int:\n    return a + b\n"
    )
    bench.images.write([ImageRule(pattern="team/*", files=str(tmp_path))])

    results = made(
        await bench.run(
            container(
                "team/train:1",
                *("python3", "-m", "kfp.dsl.executor_main"),
                args=["--executor_input", "{{$}}", "--function_to_execute", "add"],
            ),
            spec(
                parameters={"a": "NUMBER_INTEGER", "b": "NUMBER_INTEGER"},
                makes={"Output": "NUMBER_INTEGER"},
            ),
            Values(parameters={"a": 2, "b": 3}),
        )
    )

    assert results.parameters == {"Output": 5}
    assert bench.last is not None
    assert bench.last.executed_as == "process"


async def test_component_of_another_python_says_so(bench: Bench) -> None:
    await bench.run(function("def f():\n    pass\n", image="python:3.7"), spec())

    own = f"{sys.version_info[0]}.{sys.version_info[1]}"
    assert bench.notes == [f"asks for Python 3.7; runs with {own}"]


async def test_secrets_config_maps_and_fields_become_variables(bench: Bench) -> None:
    bench.secrets.put("db", "secret", {"password": "hunter22"})
    bench.secrets.put("settings", "config", {"mode": "dark"})
    platform = {
        "secretAsEnv": [
            {
                "secretNameParameter": {"runtimeValue": {"constant": "db"}},
                "keyToEnv": [{"secretKey": "password", "envVar": "PASSWORD"}],
            },
            {"secretName": "none", "optional": True, "keyToEnv": []},
        ],
        "config_map_as_env": [
            {
                "config_map_name": "settings",
                "key_to_env": [{"config_map_key": "mode", "env_var": "MODE"}],
            }
        ],
        "fieldPathAsEnv": [{"name": "POD", "fieldPath": "metadata.namespace"}],
        "tolerations": [{"key": "gpu"}],
    }

    results = made(
        await bench.run(
            function(
                "def f() -> str:\n    import os\n    print(os.environ['PASSWORD'])\n"
                "    return ' '.join([os.environ['MODE'], os.environ['POD'],"
                " str(len(os.environ['PASSWORD']))])\n"
            ),
            spec(makes={"Output": "STRING"}),
            platform=platform,
        )
    )

    assert results.parameters == {"Output": "dark default 8"}
    assert bench.log() == "***\n"
    assert bench.last is not None
    assert "hunter22" not in (bench.last.ref.directory / "step.json").read_text()
    file = bench.secrets.folder("db", "secret") / "password"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert any("tolerations" in note for note in bench.notes)


async def test_secret_that_is_not_there_is_named_with_the_way_out(bench: Bench) -> None:
    platform = {
        "secretAsEnv": [
            {"secretName": "db", "keyToEnv": [{"secretKey": "password", "envVar": "P"}]}
        ]
    }

    with pytest.raises(InvalidInput, match=r"jupyter mlplat secrets set db password=…"):
        await bench.run(function("def f():\n    pass\n"), spec(), platform=platform)


async def test_volume_is_made_mounted_and_deleted(bench: Bench) -> None:
    make = made(
        await bench.run(
            container("argostub/createpvc"),
            spec(parameters={"pvc_name_suffix": "STRING"}, makes={"name": "STRING"}),
            Values(parameters={"pvc_name_suffix": "-data"}),
        )
    )
    name = str(make.parameters["name"])
    platform = {"pvcMount": [{"constant": name, "mountPath": "/data/deep"}]}
    write = "def f():\n    open('/data/deep/x', 'w').write('kept')\n"
    read = "def f() -> str:\n    return open('/data/deep/x').read()\n"

    await bench.run(function(write), spec(), platform=platform)
    results = made(
        await bench.run(function(read), spec(makes={"Output": "STRING"}), platform=platform)
    )
    await bench.run(
        container("argostub/deletepvc"),
        spec(parameters={"pvc_name": "STRING"}),
        Values(parameters={"pvc_name": name}),
    )

    assert name == "pipe-7-data"
    assert results.parameters == {"Output": "kept"}
    assert not os.path.exists("/data/deep")
    assert not (bench.home.volumes / name).exists()


async def test_secret_is_mounted_for_reading(bench: Bench) -> None:
    bench.secrets.put("db", "secret", {"password": "hunter22"})
    platform = {"secretAsVolume": [{"secretName": "db", "mountPath": "/mnt/db-secret"}]}

    results = made(
        await bench.run(
            function(
                "def f() -> int:\n    word = open('/mnt/db-secret/password').read()\n"
                "    print(word)\n    return len(word)\n"
            ),
            spec(makes={"Output": "NUMBER_INTEGER"}),
            platform=platform,
        )
    )

    assert results.parameters == {"Output": 8}
    assert bench.log() == "***\n"
    assert not os.path.exists("/mnt/db-secret")


async def test_importer_hands_on_what_lies_there(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "iris.csv").write_text("a\n1\n")
    importer = {
        "importer": {
            "artifactUri": {"runtimeParameter": "uri"},
            "typeSchema": {"schemaTitle": "system.Dataset"},
            "metadata": {"from": "{{$.inputs.parameters['uri']}}"},
        }
    }
    imported = made(
        await bench.run(
            importer,
            spec(parameters={"uri": "STRING"}, makes_artifacts={"artifact": "system.Dataset"}),
            Values(parameters={"uri": str(tmp_path / "iris.csv")}),
        )
    )
    artifact = imported.artifacts["artifact"][0]

    results = made(
        await bench.run(
            function(
                "def f(d: Input[Dataset]) -> str:\n"
                "    return open(d.path).read() + d.path.rsplit('/')[-1]\n"
            ),
            spec(artifacts={"d": "system.Dataset"}, makes={"Output": "STRING"}),
            Values(artifacts={"d": (artifact,)}),
        )
    )

    assert artifact.metadata == {"from": str(tmp_path / "iris.csv")}
    assert results.parameters == {"Output": "a\n1\niris.csv"}


async def test_workspace_is_shared_by_the_tasks_of_a_run(bench: Bench) -> None:
    await bench.run(
        function("def f(w: str):\n    open(w + '/x', 'w').write('shared')\n"),
        spec(parameters={"w": "STRING"}),
        Values(parameters={"w": str(bench.home.workspace("run-0123456789ab"))}),
    )
    results = made(
        await bench.run(
            function("def f() -> str:\n    return open('/kfp-workspace/x').read()\n"),
            spec(makes={"Output": "STRING"}),
        )
    )

    assert results.parameters == {"Output": "shared"}


async def test_container_is_run_by_the_tool_that_is_there(bench: Bench, tmp_path: Path) -> None:
    tool = tmp_path / "podman"
    tool.write_text(
        f"#!{sys.executable}\nimport os, subprocess, sys\n"
        "if sys.argv[1] == 'info':\n    print('host: here')\n    sys.exit()\n"
        "words = sys.argv[2:]\n"
        "entry = words.index('--entrypoint')\n"
        "print(' '.join(words[:entry]), words[entry + 2], os.environ['COLOUR'])\n"
        "sys.stdout.flush()\n"
        "sys.exit(subprocess.call([words[entry + 1], *words[entry + 3:]]))\n"
    )
    tool.chmod(0o700)
    bench.tool._names = (str(tool),)

    results = made(
        await bench.run(
            container(
                "alpine",
                *("sh", "-c", "echo 5 > $0", "{{$.outputs.parameters['n'].output_file}}"),
                env=[{"name": "COLOUR", "value": "blue"}],
            ),
            spec(makes={"n": "NUMBER_INTEGER"}),
        )
    )

    assert results.parameters == {"n": 5}
    assert bench.last is not None
    assert bench.last.executed_as == "container"
    assert "--env COLOUR" in bench.log()
    assert "alpine blue" in bench.log()


async def test_resources_beyond_the_machine_are_noted(bench: Bench) -> None:
    executor = function("def f():\n    pass\n")
    executor["container"]["resources"] = {
        "resourceCpuLimit": "64",
        "accelerator": {"resourceType": "nvidia.com/gpu", "resourceCount": "2"},
    }

    await bench.run(executor, spec())

    assert bench.notes == [
        "asks for 64 CPUs; this machine has 2",
        "asks for 2 GPUs; this machine has none",
    ]


async def test_literal_command_runs_with_a_pip_of_its_own(bench: Bench) -> None:
    executor = function("def f() -> str:\n    import sys\n    return sys.prefix\n")
    script = executor["container"]["command"][2]
    script = script[: script.index("python3 -m pip")] + 'pip --version && "$0" "$@"'
    executor["container"]["command"][2] = script
    bench.images.write([ImageRule(pattern="python:*")])
    executor["container"]["env"] = [{"name": "PYTHONPATH", "value": str(bench.slice)}]

    results = made(await bench.run(executor, spec(makes={"Output": "STRING"}), literal=True))

    assert str(results.parameters["Output"]).endswith("/task-1/1/environment")
    assert bench.log().startswith("pip ")
    assert bench.last is not None
    assert bench.last.executed_as == "process"


@pytest.mark.parametrize("name", ["..", "../secrets/db", "DB", ""])
async def test_name_that_is_none_of_a_secret_reads_nothing(bench: Bench, name: str) -> None:
    bench.secrets.put("db", "secret", {"password": "hunter22"})
    platform = {"secretAsVolume": [{"secretName": name, "mountPath": "/mnt/x"}]}

    with pytest.raises(InvalidInput, match="not stored here"):
        await bench.run(function("def f():\n    pass\n"), spec(), platform=platform)


@pytest.mark.parametrize("name", ["..", "a/b", ".hidden", ""])
async def test_name_that_is_none_of_a_volume_is_refused(bench: Bench, name: str) -> None:
    platform = {"pvcMount": [{"constant": name, "mountPath": "/mnt/x"}]}

    with pytest.raises(InvalidInput, match="no name of a volume"):
        await bench.run(function("def f():\n    pass\n"), spec(), platform=platform)


async def test_image_that_is_an_option_is_refused(bench: Bench) -> None:
    with pytest.raises(InvalidInput, match="names no image"):
        await bench.run(container("--volume=/:/host", "sh"))
