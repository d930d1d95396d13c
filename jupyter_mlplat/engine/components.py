"""How a task of a KFP pipeline is carried out here: in which Python, in a container, or not at all.

Makes `step.json` of kind `component` and the order to start it; `runtime.component` obeys.
"""

import json
import os
import socket
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from jupyter_mlplat.engine.pythons import ContainerTool, own_version, python_of_version
from jupyter_mlplat.engine.volumes import make_source, volume_folder
from jupyter_mlplat.errors import InvalidInput, Unsupported
from jupyter_mlplat.formats.kfp.spec import ComponentSpec
from jupyter_mlplat.kit.digests import digest_json
from jupyter_mlplat.kit.home import Home
from jupyter_mlplat.ports.launcher import AttemptRef, StartOrder
from jupyter_mlplat.resources.images import ImageRule
from jupyter_mlplat.resources.pipeline import Resources, Step
from jupyter_mlplat.resources.run import Run, Task
from jupyter_mlplat.resources.workflow import ArtifactValue, Component, ExecutedAs, Values
from jupyter_mlplat.services.pipelines.admission import Inventory
from jupyter_mlplat.services.pipelines.devices import Device
from jupyter_mlplat.services.pipelines.sharing import variables_of
from jupyter_mlplat.services.workflows import images, platform
from jupyter_mlplat.services.workflows.calling import (
    WORKSPACE_MOUNT,
    Call,
    Context,
    call_of,
    component_of,
    image_of,
    import_of,
    resources_of,
)
from jupyter_mlplat.services.workflows.demands import fitted, notes_on_platform
from jupyter_mlplat.services.workflows.lightweight import (
    Packages,
    PythonComponent,
    imports_of,
    python_component,
    without_installation,
)
from jupyter_mlplat.services.workflows.placeholders import Facts
from jupyter_mlplat.services.workflows.unfolding import facts_of
from jupyter_mlplat.stores.images import LocalImageMap
from jupyter_mlplat.stores.secrets import LocalSecrets

_NO_PACKAGES = Packages()
_VOLUME_NOTE = "the volume is a folder here: its size, class and access modes are ignored"


@dataclass(frozen=True, slots=True)
class Way:
    """How a task is carried out."""

    how: str  # as the runtime calls it
    executed_as: ExecutedAs | None = None
    python: str = sys.executable
    rule: ImageRule | None = None
    function: PythonComponent | None = None
    packages: Packages = _NO_PACKAGES
    command: Sequence[str] = ()
    notes: tuple[str, ...] = ()
    literal: bool = False

    @property
    def reads_by_uri(self) -> bool:
        """Whether an executor that is not ours derives an artifact's path from its URI."""
        return self.how == "command" and (
            self.packages.wants_real_kfp or self.literal or self.executed_as == "container"
        )

    @property
    def environment(self) -> str | None:
        """Name the environment of the packages that are asked for; None where none are."""
        if self.literal or not self.packages.requirements:
            return None
        parts = [self.python, sorted(self.packages.requirements), self.packages.options]
        return digest_json(parts).removeprefix("sha256:")[:24]


@dataclass
class _Given:
    """Variables and mounts of a task, and which variables are secret."""

    env: dict[str, str] = field(default_factory=dict)
    secrets: list[str] = field(default_factory=list)
    mounts: list[dict[str, Any]] = field(default_factory=list)
    masked: list[str] = field(default_factory=list)  # folders whose files are secret
    notes: list[str] = field(default_factory=list)


class Components:
    """Knows the image map, the secrets and the environments. Belongs to the conductor's thread."""

    def __init__(
        self,
        home: Home,
        image_map: LocalImageMap,
        secrets: LocalSecrets,
        tool: ContainerTool,
        inventory: Inventory,
    ) -> None:
        self._home = home
        self._images = image_map
        self._secrets = secrets
        self._tool = tool
        self._inventory = inventory

    # - what the conductor has to know before it starts one -

    def python_of(self, step: Step, literal: bool) -> str:
        """Return the interpreter that a task runs with: that of its environment once it is built.

        Raises:
            InvalidInput: Its command cannot be resolved.
            Unsupported: Nothing here can run its image.
        """
        way = self._way(step, _raw_call(step), literal)
        folder = self._environment_folder(way)
        return str(folder / "bin/python") if folder and _is_built(folder) else way.python

    def demand_of(self, component: Component) -> Resources:
        """Return what a task waits for: no more than the machine has.

        What cannot be read is told when the task is to start.
        """
        try:
            return fitted(resources_of(component), self._inventory)[0]
        except InvalidInput:
            return Resources()

    def secret_stamps(self, component: Component) -> dict[str, str]:
        """Return when the secrets that a task is given were written last, by name."""
        sources = [(one.kind, one.name) for one in platform.variables_of(component.platform)] + [
            (one.kind, one.name)
            for one in platform.mounts_of(component.platform)
            if one.kind in ("secret", "config")
        ]
        return {
            f"{kind} {name}": str(self._secrets.changed_at(name, kind))
            for kind, name in sources
            if kind in ("secret", "config")
        }

    def environment_of(self, step: Step, literal: bool) -> tuple[str, tuple[str, ...]]:
        """Return what decides which packages a task finds, for its cache key.

        Returns:
            The name of its environment, or its interpreter's path; and the modules it imports of an
            interpreter that others may install into as well.
        """
        way = self._way(step, _raw_call(step), literal)
        if way.literal:
            return "literal", ()
        if way.environment is not None:
            return way.environment, ()
        imported = imports_of(way.function.source) if way.function is not None else ()
        return way.python, imported

    # - starting -

    def order(
        self,
        run: Run,
        task: Task,
        step: Step,
        ref: AttemptRef,
        common: Mapping[str, Any],
        tracking: Mapping[str, str],
    ) -> tuple[StartOrder, dict[str, Any]]:
        """Return the order to start a task, and what goes into its `step.json`.

        Args:
            run: The run it belongs to.
            task: Its task.
            step: With its component, inputs resolved.
            ref: The attempt.
            common: What the `step.json` of every attempt holds.
            tracking: Variables by which it tracks into its run.

        Raises:
            InvalidInput: Something it asks for cannot be read or is not there.
            Unsupported: Nothing here can run its image.
        """
        workspace = self._home.workspace(run.id)
        way = self._way(step, _raw_call(step), run.literal)
        component, inputs = _laid(
            component_of(step), ref.directory, workspace, by_uri=way.reads_by_uri
        )
        step = step.model_copy(update={"component": component})
        facts = facts_of(run, task, component.task, str(self._home.runs))
        call: Call | None = None
        document: dict[str, Any]
        if way.how == "import":
            document = {"import": _import(step, facts, ref.directory, workspace)}
        else:
            if way.executed_as == "container":
                facts = replace(facts, workspace=WORKSPACE_MOUNT)
            call = call_of(step, Context(facts, str(ref.directory / "outputs")))
            way, document = self._carried_out(step, call, ref, run)
        demand, short_of = fitted(resources_of(component), self._inventory)
        given = self._given(component, run, task)
        notes = [*way.notes, *given.notes, *notes_on_platform(component), *_not_here(component)]
        notes += short_of
        executor_input = call.executor_input if call else {}
        env = {**given.env, **(call.env if call else {})}
        if way.executed_as != "container":  # there, nobody listens at this machine's address
            env = {**tracking, **env}
        devices = [self._inventory.device(number) for number in task.gpus]
        env = {**env, **variables_of(devices, demand.gpu)}
        if way.executed_as == "container" and not all(device.id for device in devices):
            env.pop("CUDA_VISIBLE_DEVICES", None)  # inside, devices are numbered anew
        folder = self._environment_folder(way)
        is_built = folder is not None and _is_built(folder)
        if way.literal and way.executed_as != "container":
            document["environment"] = {
                "folder": str(ref.directory / "environment"),
                "python": way.python,
                "requirements": [],
                "options": [],
                "system": True,
            }
        elif folder is not None and not is_built:
            document["environment"] = {
                "folder": str(folder),
                "python": way.python,
                "requirements": list(way.packages.requirements),
                "options": list(way.packages.options),
            }
        python = str(folder / "bin/python") if folder is not None and is_built else way.python
        if way.how == "command":
            document["command"]["python"] = python
        has_workspace = _has_workspace(component, workspace)
        if has_workspace:
            workspace.mkdir(mode=0o700, parents=True, exist_ok=True)
        if way.executed_as != "container":
            document["mounts"] = given.mounts
        else:
            shared = {"source": str(workspace), "path": WORKSPACE_MOUNT}
            mounts = [*given.mounts, *([shared] if has_workspace else [])]
            _mount_into_container(document["command"]["argv"], mounts)
            _limit_container(document["command"]["argv"], demand, devices)
        secret_env = {name: env[name] for name in given.secrets if name in env}
        document = {
            **common,
            "kind": "component",
            "task": component.path or component.task or step.name,
            "how": way.how,
            "cwd": str(ref.directory / "work"),
            "inputs": inputs,
            "outputs": _outputs(component, executor_input, ref.directory),
            "executor_input": executor_input,
            "env": {name: value for name, value in env.items() if name not in secret_env},
            "secrets": list(secret_env),
            "masked": given.masked,
            "notes": notes,
            "limits": {"memory_bytes": demand.memory_bytes, "cpu": demand.cpu},
            **document,
        }
        _share_variables(document, env)
        order = StartOrder(
            ref=ref,
            python=python if way.how == "function" else sys.executable,
            preload=imports_of(way.function.source)
            if way.function is not None and way.how == "function" and "environment" not in document
            else (),
            kernel=None,
            memory_bytes=demand.memory_bytes,
            env=env,
            kind="component",
            executed_as="process" if folder and not is_built else way.executed_as,
        )
        return order, document

    def _carried_out(
        self, step: Step, call: Call, ref: AttemptRef, run: Run
    ) -> tuple[Way, dict[str, Any]]:
        way = self._way(step, call, run.literal)
        function = way.function
        if way.how == "function" and function is not None:
            source = {
                "name": function.function,
                "source": function.source,
                "arguments": list(function.arguments),
            }
            return way, {"function": source}
        if way.how == "folder":
            return way, {"folder": self._volume(step, call, run)}
        command: dict[str, Any] = {"argv": list(way.command), "with_slice": way.packages.has_kfp}
        if way.executed_as == "container":
            command = {"argv": self._container_command(way, call, ref, run)}
        elif way.rule is not None and way.rule.files:
            command["cwd"] = way.rule.files
            command["with_slice"] = not way.packages.wants_real_kfp
        return way, {"command": command}

    # - which way -

    def _way(self, step: Step, call: Call, literal: bool) -> Way:
        component = component_of(step)
        if component.executor.get("importer") is not None:
            return Way("import", "engine")
        if call.image == platform.CREATE_VOLUME:
            return Way("folder", "engine", notes=(_VOLUME_NOTE,))
        if call.image == platform.DELETE_VOLUME:
            return Way("folder", "engine")
        rule = images.rule_for(call.image, self._images.rules())
        function = python_component(call.command, call.args)
        if rule is None or (function is None and not rule.commands):
            return self._in_container(step, call, None if literal else function)
        python, notes = _python(rule, call.image)
        if literal and call.command:
            words = (*call.command, *call.args)
            return Way("command", "process", python, rule, command=words, notes=notes, literal=True)
        if function is not None and not function.packages.wants_real_kfp:
            return Way("function", None, python, rule, function, function.packages, notes=notes)
        packages, command = without_installation(call.command)
        if not call.command:
            raise Unsupported(
                f"Cannot run task {component.task!r} on this machine: it starts what image "
                f"{call.image!r} starts by itself, and no command is named. Install podman or "
                "docker to run the image."
            )
        words = (*command, *call.args)
        return Way("command", "process", python, rule, None, packages, words, notes)

    def _in_container(self, step: Step, call: Call, function: PythonComponent | None) -> Way:
        if not call.image or call.image.startswith("-"):
            raise InvalidInput(
                f"Cannot run task {component_of(step).task!r}: {call.image!r} names no image."
            )
        tool = self._tool.find()
        if tool is not None:
            packages = function.packages if function is not None else _NO_PACKAGES
            needs_no_pip = packages.has_kfp and not packages.requirements
            kept = function if needs_no_pip else None
            return Way("command", "container", function=kept, command=(tool,))
        raise Unsupported(
            f"Cannot run task {component_of(step).task!r}: it needs the container image "
            f"{call.image!r}, and this machine has neither podman nor docker at work. Start one, "
            "or say what stands for the image here: "
            f"jupyter mlplat images map {call.image!r} --python engine"
        )

    def _environment_folder(self, way: Way) -> Path | None:
        name = way.environment
        return None if name is None else self._home.environments / name

    # - what it is given -

    def _given(self, component: Component, run: Run, task: Task) -> _Given:
        given = _Given()
        for one in platform.variables_of(component.platform):
            self._take_variables(given, component, one)
        for variable, path in platform.fields_of(component.platform):
            given.env[variable] = _pod_field(path, run, task, component)
        for mount in platform.mounts_of(component.platform):
            self._take_mount(given, component, mount)
        return given

    def _take_variables(
        self, given: _Given, component: Component, one: platform.FromSecret
    ) -> None:
        values = self._secrets.find(one.name, one.kind)
        word = "secret" if one.kind == "secret" else "config map"
        if values is None:
            if one.optional:
                given.notes.append(f"{word} {one.name!r} is not there; its variables are not set")
                return
            raise _missing(component, one.kind, one.name, [key for key, _ in one.variables])
        for key, variable in one.variables:
            if key in values:
                given.env[variable] = values[key]
                if one.kind == "secret":
                    given.secrets.append(variable)
            elif not one.optional:
                raise _missing(component, one.kind, one.name, [key])

    def _take_mount(self, given: _Given, component: Component, mount: platform.Mount) -> None:
        if mount.kind == "empty":
            given.mounts.append({"source": None, "path": mount.path})
            return
        if mount.kind == "volume":
            task = f"task {component.task!r}"
            source = make_source(self._home, mount.name, mount.sub_path, task)
            given.mounts.append({"source": source, "path": mount.path})
            return
        if self._secrets.find(mount.name, mount.kind) is None:
            if not mount.optional:
                raise _missing(component, mount.kind, mount.name, ["KEY"])
            given.mounts.append({"source": None, "path": mount.path})
            return
        source = str(self._secrets.folder(mount.name, mount.kind))
        shown: dict[str, Any] = {"source": source, "path": mount.path, "read_only": True}
        given.mounts.append(shown)
        if mount.kind == "secret":
            given.masked.append(source)

    def _volume_folder(self, name: str, component: Component) -> Path:
        return volume_folder(self._home, name, f"task {component.task!r}")

    def _volume(self, step: Step, call: Call, run: Run) -> dict[str, Any]:
        """Return what to do with the folder that stands for a volume."""
        inputs: Mapping[str, Any] = call.executor_input["inputs"]  # type: ignore[assignment]
        values: Mapping[str, Any] = inputs.get("parameterValues", {})
        component = component_of(step)
        if call.image == platform.DELETE_VOLUME:
            name = str(values.get("pvc_name", ""))
            return {
                "action": "delete",
                "name": name,
                "path": str(self._volume_folder(name, component)),
            }
        name = str(values.get("pvc_name") or "")
        if not name:
            suffix = str(values.get("pvc_name_suffix") or "").lstrip("-")
            name = f"{run.pipeline}-{run.number}-{suffix or step.name}"
        folder = self._volume_folder(name, component)
        return {
            "action": "create",
            "name": name,
            "path": str(folder),
            "outputs": {"name": name},
        }

    # - containers -

    def _container_command(self, way: Way, call: Call, ref: AttemptRef, run: Run) -> list[str]:
        """Return the command line that runs a task's image with its paths as they are here."""
        tool = way.command[0]
        directory = str(ref.directory)
        name = f"mlplat-{run.id}-{ref.step}-{ref.attempt}".replace("_", "-")
        argv = [tool, "run", "--rm", "--init", "--name", name]
        argv += ["--volume", f"{directory}:{directory}"]
        if os.path.basename(tool) == "docker" and os.getuid() != 0:
            argv += ["--user", f"{os.getuid()}:{os.getgid()}"]
        command = list(call.command)
        if way.function is not None:  # its kfp is ours: no pip has to run
            command = without_installation(call.command)[1]
            argv += ["--volume", "{slice}", "--env", "PYTHONPATH=/kfp-slice"]
        argv += ["{options}"]
        if command:
            argv += ["--entrypoint", command[0]]
        return [*argv, call.image, *command[1:], *call.args]


# - parts of the document -


def _not_here(component: Component) -> list[str]:
    """Say which inputs have no files on this machine."""
    return [
        f"input {name!r} lies in the container image {artifact.uri!r}: its files are not here"
        for name, artifacts in component.inputs.artifacts.items()
        for artifact in artifacts
        if urlsplit(artifact.uri).scheme == "oci" and artifact.digest is None
    ]


def _laid(
    component: Component, directory: Path, workspace: Path, *, by_uri: bool
) -> tuple[Component, list[dict[str, Any]]]:
    """Say where each input artifact will lie for this attempt, and what to fetch to there.

    Its URI stays that of the task that made it, unless the path is looked for `by_uri`.
    """
    wanted: list[dict[str, Any]] = []
    artifacts: dict[str, tuple[ArtifactValue, ...]] = {}
    for name, values in component.inputs.artifacts.items():
        place = directory / "inputs" / quote(name, safe=" -_.~")
        several = len(values) > 1
        artifacts[name] = tuple(
            _lay(value, place / str(number) if several else place, workspace, wanted, by_uri)
            for number, value in enumerate(values)
        )
    inputs = Values(parameters=component.inputs.parameters, artifacts=artifacts)
    return component.model_copy(update={"inputs": inputs}), wanted


def _lay(
    value: ArtifactValue,
    place: Path,
    workspace: Path,
    wanted: list[dict[str, Any]],
    by_uri: bool,
) -> ArtifactValue:
    if value.digest is None:
        return value
    custom = value.custom_path
    if custom and custom.startswith(f"{workspace}/") and os.path.exists(custom):
        return value
    remote = urlsplit(value.uri).scheme not in ("", "file")
    name = os.path.basename(unquote(custom or urlsplit(value.uri).path).rstrip("/"))
    path = str(place / (name or "artifact"))
    wanted.append({"digest": value.digest, "is_folder": value.is_folder, "path": path})
    if by_uri and not remote:
        return value.model_copy(update={"uri": path, "custom_path": None})
    return value.model_copy(update={"custom_path": path})


def _outputs(
    component: Component, executor_input: Mapping[str, Any], directory: Path
) -> dict[str, Any]:
    definitions = ComponentSpec.model_validate(component.spec).output_definitions
    outputs: Mapping[str, Any] = executor_input.get("outputs") or {}
    if not outputs:
        file = str(directory / "outputs" / "executor_output.json")
        return {"file": file, "parameters": {}, "artifacts": {}}
    return {
        "file": outputs["outputFile"],
        "parameters": {
            name: {
                "path": outputs["parameters"][name]["outputFile"],
                "type": definition.kind.value,
            }
            for name, definition in definitions.parameters.items()
        },
        "artifacts": {
            name: {
                "path": outputs["artifacts"][name]["artifacts"][0]["uri"],
                "uri": outputs["artifacts"][name]["artifacts"][0]["uri"],
                "type": definition.artifact_type.title,
                "metadata": definition.metadata,
            }
            for name, definition in definitions.artifacts.items()
        },
    }


def _import(step: Step, facts: Facts, directory: Path, workspace: Path) -> dict[str, Any]:
    wanted = import_of(step, facts)
    document: dict[str, Any] = {
        "output": wanted.output,
        "name": wanted.output,
        "uri": wanted.uri,
        "type": wanted.type,
        "metadata": wanted.metadata,
        "beside": str(directory / "outputs" / "fetched"),
    }
    if wanted.into_workspace:
        document["into"] = str(workspace / ".artifacts" / step.name)
    return document


def _raw_call(step: Step) -> Call:
    """Return a container's command before anything in it is resolved."""
    component = component_of(step)
    container: Mapping[str, Any] = component.executor.get("container") or {}  # type: ignore[assignment]
    words = [tuple(map(str, container.get(name) or ())) for name in ("command", "args")]
    return Call(image_of(component), words[0], words[1], {}, {})


def _python(rule: ImageRule, image: str) -> tuple[str, tuple[str, ...]]:
    """Return the interpreter that stands for an image's Python, and in what it falls short."""
    if rule.python != "engine":
        return os.path.abspath(os.path.expanduser(rule.python)), ()
    version = images.python_version(image)
    if version is None or version == own_version():
        return sys.executable, ()
    found = python_of_version(version)
    if found is not None:
        return found, ()
    return sys.executable, (f"asks for Python {version}; runs with {own_version()}",)


def _is_built(folder: Path) -> bool:
    return os.path.exists(f"{folder}/ready.json")


def _has_workspace(component: Component, workspace: Path) -> bool:
    said = json.dumps([component.executor, component.inputs.parameters])
    return any(word in said for word in ("workspace_path", WORKSPACE_MOUNT, str(workspace)))


def _pod_field(path: str, run: Run, task: Task, component: Component) -> str:
    """Return what a field of the task's pod would be, as far as one machine has it."""
    host = socket.gethostname()
    fields = {
        "metadata.name": f"{run.pipeline}-{run.id}-{task.name}",
        "metadata.namespace": "default",
        "metadata.uid": f"{run.id}-{task.name}",
        "spec.nodeName": host,
        "spec.serviceAccountName": "default",
        "status.podIP": "127.0.0.1",
        "status.hostIP": "127.0.0.1",
    }
    return fields.get(path) or platform.pod_metadata(component.platform).get(path, "")


def _missing(component: Component, kind: str, name: str, keys: Sequence[str]) -> InvalidInput:
    word, option = ("secret", "") if kind == "secret" else ("config map", " --config")
    pairs = " ".join(f"{key}=…" for key in keys)
    return InvalidInput(
        f"Cannot run task {component.task!r}: it reads {word} {name!r}"
        + (f", key {', '.join(map(repr, keys))}" if keys != ["KEY"] else "")
        + f", which is not stored here. Store it: jupyter mlplat secrets set {name}{option} {pairs}"
    )


def _limit_container(argv: list[str], demand: Resources, devices: Sequence[Device]) -> None:
    place = argv.index("{options}")
    options = ["--memory", str(demand.memory_bytes)] if demand.memory_bytes else []
    names = [device.address for device in devices]
    if names and os.path.basename(argv[0]) == "docker":
        options += ["--gpus", f'"device={",".join(names)}"']  # quoted: docker reads it as CSV
    else:
        options += [word for name in names for word in ("--device", f"nvidia.com/gpu={name}")]
    argv[place:place] = options


def _mount_into_container(argv: list[str], mounts: Sequence[Mapping[str, Any]]) -> None:
    place = argv.index("{options}")
    options: list[str] = []
    for mount in mounts:
        if mount["source"] is None:
            options += ["--tmpfs", mount["path"]]
        else:
            suffix = ":ro" if mount.get("read_only") else ""
            options += ["--volume", f"{mount['source']}:{mount['path']}{suffix}"]
    argv[place:place] = options


def _share_variables(document: dict[str, Any], env: Mapping[str, str]) -> None:
    """Hand a container its variables by name: their values are in its tool's own environment."""
    argv = (document.get("command") or {}).get("argv")
    if not argv or "{options}" not in argv:
        return
    place = argv.index("{options}")
    argv[place : place + 1] = [word for name in env for word in ("--env", name)]
