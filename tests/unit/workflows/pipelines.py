"""KFP pipelines in a few words, and a world that carries out what the machine says of them."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from jupyter_mlplat.formats.kfp.document import from_ir
from jupyter_mlplat.resources.run import CacheExplanation, Failure, Run, RunState, Task, TaskState
from jupyter_mlplat.resources.workflow import ArtifactValue, Values
from jupyter_mlplat.services.pipelines import messages as msg
from jupyter_mlplat.services.pipelines.admission import Inventory
from jupyter_mlplat.services.pipelines.machine import RunStatus, advance
from jupyter_mlplat.services.workflows.unfolding import Unfolding

START = datetime(2026, 1, 1, tzinfo=UTC)
MACHINE = Inventory(4, 2**33)
MISS = CacheExplanation(hit=False, reason="never succeeded before")
DIGEST = "sha256:" + "0" * 64

Json = dict[str, Any]


def leaf(
    inputs: Json | None = None, outputs: Json | None = None, artifacts: Json | None = None
) -> Json:
    """A component that runs. Inputs: name → type, `int?` where optional; outputs: name → type."""
    component: Json = {"executorLabel": "exec"}
    if inputs:
        component["inputDefinitions"] = inputs_of(inputs)
    if outputs:
        component["outputDefinitions"] = outputs_of(outputs)
    return component


_TYPES = {
    "int": "NUMBER_INTEGER",
    "float": "NUMBER_DOUBLE",
    "str": "STRING",
    "bool": "BOOLEAN",
    "list": "LIST",
    "struct": "STRUCT",
    "status": "TASK_FINAL_STATUS",
    "any": "STRING",
}
_MODEL = {"schemaTitle": "system.Model", "schemaVersion": "0.0.1"}


def inputs_of(inputs: Json) -> Json:
    parameters: Json = {}
    artifacts: Json = {}
    for name, kind in inputs.items():
        word, optional = str(kind).rstrip("?"), str(kind).endswith("?")
        word, _, default = word.partition("=")
        more: Json = {"isOptional": True} if optional or default else {}
        if word in ("model", "models"):
            artifacts[name] = {"artifactType": _MODEL, "isArtifactList": word == "models", **more}
        else:
            if default:
                more["defaultValue"] = int(default) if word == "int" else default
            parameters[name] = {"parameterType": _TYPES[word], **more}
    return {"parameters": parameters, "artifacts": artifacts}


def outputs_of(outputs: Json) -> Json:
    parameters: Json = {}
    artifacts: Json = {}
    for name, kind in outputs.items():
        if kind in ("model", "models"):
            artifacts[name] = {"artifactType": _MODEL, "isArtifactList": kind == "models"}
        else:
            parameters[name] = {"parameterType": _TYPES[kind]}
    return {"parameters": parameters, "artifacts": artifacts}


def task(component: str, after: str = "", **more: Any) -> Json:
    """A task of a component. Inputs: `x="in:name"`, `x="task.output"`, `x=constant`.

    `when` is its condition, `exit` makes it run whatever becomes of others, `each` loops over an
    input or a raw list, `most` at once, `tries` again.
    """
    spec: Json = {"componentRef": {"name": component}, "dependentTasks": after.split()}
    policy: Json = {}
    if when := more.pop("when", ""):
        policy["condition"] = when
    if more.pop("exit", False):
        policy["strategy"] = "ALL_UPSTREAM_TASKS_COMPLETED"
    if policy:
        spec["triggerPolicy"] = policy
    if tries := more.pop("tries", 0):
        spec["retryPolicy"] = {"maxRetryCount": tries, "backoffDuration": "1s"}
    if most := more.pop("most", 0):
        spec["iteratorPolicy"] = {"parallelismLimit": most}
    if each := more.pop("each", ""):
        item = more.pop("item", "item")
        items = {"raw": each} if each.startswith("[") else {"inputParameter": each}
        spec["parameterIterator"] = {"items": items, "itemInput": item}
    if each := more.pop("each_artifact", ""):
        item = more.pop("item", "item")
        spec["artifactIterator"] = {"items": {"inputArtifact": each}, "itemInput": item}
    models = set(more.pop("models", ()))
    parameters: Json = {}
    artifacts: Json = {}
    selectors = more.pop("select", {})
    for name, source in more.items():
        is_text = isinstance(source, str)
        if name in models and is_text:
            artifacts[name] = (
                {"componentInputArtifact": source[3:]}
                if source.startswith("in:")
                else {"taskOutputArtifact": _pair(source, "outputArtifactKey")}
            )
        elif is_text and source.startswith("in:"):
            parameters[name] = {"componentInputParameter": source[3:]}
        elif is_text and source.startswith("status:"):
            parameters[name] = {"taskFinalStatus": {"producerTask": source[7:]}}
        elif is_text and "." in source and not source.startswith("text:"):
            parameters[name] = {"taskOutputParameter": _pair(source, "outputParameterKey")}
        else:
            text = source[5:] if is_text and source.startswith("text:") else source
            parameters[name] = {"runtimeValue": {"constant": text}}
        if name in selectors:
            parameters[name]["parameterExpressionSelector"] = selectors[name]
    spec["inputs"] = {"parameters": parameters, "artifacts": artifacts}
    return spec


def _pair(source: str, key: str) -> Json:
    producer, output = source.split(".", 1)
    return {"producerTask": producer, key: output}


def dag(
    inputs: Json | None = None,
    outputs: Mapping[str, tuple[str, str]] | None = None,
    **tasks: Json,
) -> Json:
    """A component of tasks; `a_b` is task `a-b`. Outputs: name → (type, "task.output [or …]")."""
    component: Json = {
        "dag": {"tasks": {name.replace("_", "-"): one for name, one in tasks.items()}}
    }
    if inputs:
        component["inputDefinitions"] = inputs_of(inputs)
    if outputs:
        component["outputDefinitions"] = outputs_of({n: kind for n, (kind, _) in outputs.items()})
        parameters: Json = {}
        artifacts: Json = {}
        for name, (kind, source) in outputs.items():
            sources = [one.split(".", 1) for one in source.split(" or ")]
            if kind in ("model", "models"):
                artifacts[name] = {
                    "artifactSelectors": [
                        {"producerSubtask": t, "outputArtifactKey": k} for t, k in sources
                    ]
                }
                continue
            found = [{"producerSubtask": t, "outputParameterKey": k} for t, k in sources]
            parameters[name] = (
                {"valueFromParameter": found[0]}
                if len(found) == 1
                else {"valueFromOneof": {"parameterSelectors": found}}
            )
        component["dag"]["outputs"] = {"parameters": parameters, "artifacts": artifacts}
    return component


def ir_of(root: Json, command: tuple[str, ...] = ("true",), **components: Json) -> Json:
    """A pipeline; `a_b` is component `a-b`."""
    return {
        "pipeline_spec": {
            "pipelineInfo": {"name": "p"},
            "schemaVersion": "2.1.0",
            "sdkVersion": "kfp-2.17.0",
            "deploymentSpec": {
                "executors": {
                    "exec": {"container": {"image": "python:3.11", "command": [*command]}}
                }
            },
            "root": root,
            "components": {name.replace("_", "-"): one for name, one in components.items()},
        }
    }


def model(name: str) -> ArtifactValue:
    return ArtifactValue(name=name, type="system.Model", uri=f"file:///{name}")


Outcome = Values | Failure | None
Doing = Callable[[Task], Outcome]
FAILED = Failure(code="component-error", message="no")


def made(**parameters: Any) -> Values:
    models = {k: (v,) for k, v in parameters.items() if isinstance(v, ArtifactValue)}
    rest = {k: v for k, v in parameters.items() if k not in models}
    return Values(parameters=rest, artifacts=models)


class World:
    """Runs every leaf as soon as it may, one after another.

    Args:
        ir: The pipeline.
        doing: Says what a leaf makes, or why it fails; by path.
        parameters: Of the run.
    """

    def __init__(
        self,
        ir: Json,
        doing: Mapping[str, Outcome | Doing] | Doing | None = None,
        **parameters: Any,
    ) -> None:
        self.flow = Unfolding(from_ir(ir), "/runs", MACHINE)
        self.doing = doing or {}
        self.now = START
        self.ran: list[str] = []  # paths, in order
        self.most = 0  # at work at once
        self.todo: list[msg.Instruction] = []
        run = Run(
            id="run-0000000000",
            number=1,
            pipeline="p",
            pipeline_digest=DIGEST,
            state=RunState.PENDING,
            created_at=START,
            parameters=parameters,
            tasks=self.flow.first(parameters),
        )
        self.status = RunStatus.of(self.flow, run)

    def tell(self, event: msg.RunEvent) -> None:
        transition = advance(self.status, event)
        self.status = transition.status
        self.todo += transition.instructions

    def run(self, steps: int = 100_000) -> "World":
        """Go on until nothing is left to do."""
        if self.status.run.state is RunState.PENDING:
            self.tell(msg.Submitted(self.now))
        while self.todo and steps:
            steps -= 1
            self.act(self.todo.pop(0))
        return self

    def act(self, order: msg.Instruction) -> None:
        self.now += timedelta(seconds=1)
        match order:
            case msg.Consult(step):
                self.tell(msg.CacheAnswered(self.now, step, MISS))
            case msg.Enqueue(step):
                self.tell(msg.Admitted(self.now, step))
            case msg.Wake(at, step, attempt, kind):
                self.now = max(self.now, at)
                self.tell(msg.TimerDue(self.now, step, attempt, kind))
            case msg.Start(step, attempt):
                at_work = [t for t in self.leaves.values() if not t.state.is_final]
                self.most = max(self.most, sum(t.state is not TaskState.PENDING for t in at_work))
                self.end(step, attempt)

    def end(self, step: str, attempt: int) -> None:
        task = self.status.tasks[step]
        path = "/".join(task.path)
        self.ran.append(path)
        found = self.doing if callable(self.doing) else self.doing.get(path, Values())
        outcome = found(task) if callable(found) else found
        ended = (
            msg.Failed(outcome) if isinstance(outcome, Failure) else msg.Succeeded(results=outcome)
        )
        self.tell(msg.AttemptEnded(self.now, step, attempt, ended))

    def restart(self) -> None:
        """Keep nothing but what a store holds."""
        kept = Run.model_validate_json(self.status.document().model_dump_json())
        self.flow = Unfolding(self.flow.document, "/runs", MACHINE)
        self.status = RunStatus.of(self.flow, kept)
        self.todo.clear()
        self.tell(msg.Resumed(self.now))

    def restart_and_adopt(self) -> None:
        """Restart while attempts run; they end meanwhile."""
        self.restart()
        for order in [one for one in self.todo if isinstance(one, msg.Adopt)]:
            self.todo.remove(order)
            self.end(order.step, order.attempt)

    def cancel(self) -> None:
        self.tell(msg.CancelAsked(self.now))
        for one in list(self.leaves.values()):
            if one.state is TaskState.RUNNING:
                ended = msg.AttemptEnded(self.now, one.name, one.attempt, msg.Failed(FAILED))
                self.tell(ended)

    def retry(self, *redo: str) -> "World":
        self.ran.clear()
        fresh = self.flow.first(self.status.run.parameters)
        event = msg.RetryAsked(self.now, self.flow, DIGEST, frozenset(redo), fresh)
        self.tell(event)
        return self.run()

    @property
    def leaves(self) -> dict[str, Task]:
        return {"/".join(t.path): t for t in self.status.tasks.values() if t.kind == "step"}

    @property
    def states(self) -> dict[str, str]:
        return {"/".join(t.path): t.state.value for t in self.status.tasks.values()}

    def __getitem__(self, path: str) -> Task:
        return next(t for t in self.status.tasks.values() if "/".join(t.path) == path)

    def given(self, path: str) -> Json:
        return dict((self[path].inputs or Values()).parameters)

    @property
    def state(self) -> str:
        return self.status.run.state.value

    @property
    def results(self) -> Json:
        return dict((self.status.run.results or Values()).parameters)
