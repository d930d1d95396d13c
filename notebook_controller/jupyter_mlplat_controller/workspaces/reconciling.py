"""One round about one Workspace, and about one kind: what is seen in, a plan out."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from jupyter_mlplat.errors import InvalidInput
from jupyter_mlplat.formats.kubernetes.conditions import time_of
from jupyter_mlplat.formats.kubernetes.objects import naming, object_of
from jupyter_mlplat.formats.notebooks import CREATOR, STOP_REASON, STOPPED
from jupyter_mlplat.formats.notebooks.servers import server_of
from jupyter_mlplat.formats.notebooks.workspaces import (
    Activity,
    ContainerName,
    ImageOption,
    LastProbe,
    OptionCount,
    OptionCounts,
    OptionsStatus,
    PauseRule,
    PodOption,
    PodStatus,
    Rules,
    WorkspaceKindSpec,
    WorkspaceKindStatus,
    WorkspaceSpec,
    WorkspaceStatus,
    workspace_kind_spec,
    workspace_spec,
    workspace_status,
)
from jupyter_mlplat.resources.servers import Server, ServerReason, ServerState
from jupyter_mlplat_controller.kinds import NOTEBOOK, WORKSPACE, WORKSPACE_KIND
from jupyter_mlplat_controller.notebooks.reconciling import difference
from jupyter_mlplat_controller.plans import (
    Create,
    Obj,
    Patch,
    Plan,
    Replace,
    Write,
    is_owned,
    key_of,
    owner_of,
    version_of,
)
from jupyter_mlplat_controller.workspaces.activity import PauseAfter, pause_after
from jupyter_mlplat_controller.workspaces.options import Choice, NoOption, choose
from jupyter_mlplat_controller.workspaces.translating import (
    Untranslatable,
    notebook_name,
    notebook_of,
)

_RESTART_NEEDED = "RestartNeeded"
_UNSCHEDULABLE = {
    ServerReason.WAITING_FOR_GPU,
    ServerReason.WAITING_FOR_ROOM,
    ServerReason.WAITING_FOR_NODE,
}
_CLASH_S = 30.0


@dataclass(frozen=True, slots=True)
class Seen:
    """All that a round looks at.

    Attributes:
        workspace: The object.
        kind: The WorkspaceKind it names, if there is one.
        notebook: The one of the name that `notebook_name` gives, if there is one.
        pod: That Notebook's, if there is one.
        namespace_labels: Of the namespace it is in.
    """

    workspace: Obj
    kind: Obj | None = None
    notebook: Obj | None = None
    pod: Obj | None = None
    namespace_labels: Mapping[str, str] = field(default_factory=dict)


class _Wrong(Exception):
    """The Workspace cannot be; in upstream's words."""


def reconcile(seen: Seen, now: datetime) -> Plan:
    """Say what is to be done about a Workspace; it is as right when said twice, or late."""
    if seen.workspace["metadata"].get("deletionTimestamp"):
        return Plan()  # its Notebook goes with it
    before = seen.workspace.get("status") or {}
    try:
        round_ = _Round(seen, now)
    except (_Wrong, InvalidInput) as error:
        wrong = {"state": "Error", "stateMessage": str(error)}
        return Plan(_status(seen.workspace, before, {**before, **wrong}))
    return round_.plan()


def refused(workspace: Obj, message: str) -> Plan:
    """Say that the API server would not do what was wanted."""
    before = workspace.get("status") or {}
    words = f"Workspace failed to generate StatefulSet with error: {message}"
    return Plan(_status(workspace, before, {**before, "state": "Error", "stateMessage": words}))


def reconcile_kind(kind: Obj, workspaces: Iterable[Obj]) -> Plan:
    """Say how many Workspaces use a kind, and which of its options."""
    images: Counter[str] = Counter()
    pods: Counter[str] = Counter()
    count = 0
    try:
        spec = _kind_spec(kind)
    except InvalidInput:
        return Plan()  # its Workspaces say so
    for one in workspaces:
        chosen = _path(one, "spec", "podTemplate", "options")
        if _path(one, "spec").get("kind") != key_of(kind).name:
            continue
        count += 1
        images[str(chosen.get("imageConfig"))] += 1
        pods[str(chosen.get("podConfig"))] += 1
    options = spec.pod_template.options
    status = WorkspaceKindStatus(
        workspaces=count,
        podTemplateOptions=OptionCounts(  # type: ignore[call-arg]
            imageConfig=tuple(
                OptionCount(id=one.id, workspaces=images[one.id])
                for one in options.image_config.values
            ),
            podConfig=tuple(
                OptionCount(id=one.id, workspaces=pods[one.id]) for one in options.pod_config.values
            ),
        ),
        spawnerIcon={},
        spawnerLogo={},
    )
    before = kind.get("status") or {}
    after = status.model_dump(mode="json", by_alias=True, exclude_none=True)
    return Plan(_status(kind, before, after, of_kind=True))


class _Round:
    def __init__(self, seen: Seen, now: datetime) -> None:
        self.seen, self.now = seen, now
        document = object_of(dict(seen.workspace))
        with naming(document.what):
            self.spec: WorkspaceSpec = workspace_spec(document)
        self.before: WorkspaceStatus = workspace_status(document)
        if seen.kind is None:
            raise _Wrong(f"Workspace references unknown WorkspaceKind: {self.spec.kind}")
        self.kind = _kind_spec(seen.kind)
        options, chosen = self.kind.pod_template.options, self.spec.pod_template.options
        self.image: Choice[ImageOption] = _choice(
            "imageConfig", options.image_config.values, chosen.image_config
        )
        self.pod: Choice[PodOption] = _choice(
            "podConfig", options.pod_config.values, chosen.pod_config
        )
        self.pause = self._pause()
        self.name, self.namespace = document.name, document.namespace
        try:
            self.wanted = notebook_of(
                document.name,
                document.namespace,
                document.annotations.get(CREATOR, ""),
                self.spec,
                self.kind,
                self.image.current,
                self.pod.current,
                self.pause,
            )
        except Untranslatable as error:
            raise _Wrong(f"Workspace failed to generate StatefulSet with error: {error}") from error
        self.wanted["metadata"]["ownerReferences"] = [owner_of(seen.workspace, WORKSPACE)]
        if self.spec.paused:
            self.wanted["metadata"]["annotations"][STOPPED] = time_of(now)

    def plan(self) -> Plan:
        found = self.seen.notebook
        if found is None:
            status = self._said(None)
            return Plan((Create(NOTEBOOK, self.wanted), *status))
        if not is_owned(found, self.seen.workspace):
            message = (
                f"There is a Notebook {notebook_name(self.name)!r} here that was not made for this "
                "Workspace, and is left alone. Give the Workspace another name, or delete that."
            )
            before = self.seen.workspace.get("status") or {}
            after = {**before, "state": "Error", "stateMessage": message}
            return Plan(_status(self.seen.workspace, before, after), again_s=_CLASH_S)
        if found["metadata"].get("deletionTimestamp"):
            return Plan(self._said(None))
        # What was paused is on record before its Notebook is stopped: so a Notebook that is
        # stopped while nothing is on record was stopped by somebody else, and is to stay so.
        status = self._said(server_of(object_of(dict(found)), pod=self.seen.pod))
        return Plan((*self._over(found), *status, *self._pausing(found)))

    def _pause(self) -> PauseAfter | None:
        probe = self.kind.pod_template.activity_probe
        if probe is None or probe.jupyter is None:
            return None  # nobody can tell whether it is idle
        rules = self.kind.activity_rules or ()
        return pause_after(rules, self.seen.namespace_labels, self.pod.current)

    def _over(self, found: Obj) -> list[Write]:
        """Write what is wanted over the Notebook; other people's marks on it stay."""
        wanted, metadata = self.wanted["metadata"], found["metadata"]
        notes = {name: text for name, text in wanted["annotations"].items() if name != STOPPED}
        marks = {"labels": wanted["labels"], "annotations": notes}
        same = all(
            (metadata.get(what) or {}).get(name) == text
            for what, said in marks.items()
            for name, text in said.items()
        )
        if same and found.get("spec") == self.wanted["spec"]:
            return []
        body = {name: value for name, value in found.items() if name != "status"}
        body["metadata"] = {
            **metadata,
            **{what: {**(metadata.get(what) or {}), **said} for what, said in marks.items()},
        }
        body["spec"] = self.wanted["spec"]
        return [Replace(NOTEBOOK, body)]

    def _pausing(self, found: Obj) -> list[Write]:
        """Pause the Notebook with its Workspace, or the Workspace with its Notebook."""
        notes = found["metadata"].get("annotations") or {}
        is_stopped = STOPPED in notes
        if self.spec.paused == is_stopped or self._over(found):
            return []
        if self.spec.paused:
            return [self._annotate(found, {STOPPED: time_of(self.now)})]
        if self.before.pause_time:
            return [self._annotate(found, {STOPPED: None, STOP_REASON: None})]
        workspace = self.seen.workspace
        body = {"spec": {"paused": True}}
        return [Patch(WORKSPACE, key_of(workspace), version_of(workspace), body)]

    def _annotate(self, found: Obj, changes: Mapping[str, str | None]) -> Patch:
        body = {"metadata": {"annotations": dict(changes)}}
        return Patch(NOTEBOOK, key_of(found), version_of(found), body)

    def _said(self, server: Server | None) -> tuple[Write, ...]:
        workspace = self.seen.workspace
        state, message = _state(server, self.spec.paused)
        running = self.before.last_running_time
        if state == "Running" and (self.before.state != "Running" or not running):
            running = _ms(server.started_at if server else None) or _ms(self.now)
        is_restart_due = server is not None and any(
            one.type == _RESTART_NEEDED and one.status == "True" for one in server.conditions
        )
        pause_time = self.before.pause_time
        if self.spec.paused:
            stopped = server.stopped_at if server else None
            pause_time = pause_time or _ms(stopped) or _ms(self.now)
        elif server is None or server.stopped_at is None:
            pause_time = 0  # what is still stopped is yet to be started
        status = WorkspaceStatus(  # type: ignore[call-arg]
            activity=self._activity(server),
            lastRunningTime=running,
            pauseTime=pause_time,
            pendingRestart=self.image.is_pending or self.pod.is_pending or is_restart_due,
            podTemplateOptions=OptionsStatus(  # type: ignore[call-arg]
                imageConfig=self.image.status, podConfig=self.pod.status
            ),
            podTemplatePod=_pod_status(self.seen.pod),
            state=state,
            stateMessage=message,
        )
        after = status.model_dump(mode="json", by_alias=True, exclude_none=True)
        return _status(workspace, workspace.get("status") or {}, after)

    def _activity(self, server: Server | None) -> Activity:
        last = _ms(server.active_at) if server else 0
        checked = _ms(server.checked_at) if server else 0
        asked = self.kind.pod_template.activity_probe
        enters = asked is not None and asked.pod_exec is not None
        is_up = server is not None and server.state == ServerState.RUNNING
        if not (checked or is_up or enters):
            return self.before.activity  # of when it ran; it begins anew when it runs again
        probe, rules = None, None
        if checked:
            probe = LastProbe(  # type: ignore[call-arg]
                startTime=checked,
                endTime=checked,
                result="Success",
                message="Jupyter probe succeeded",
            )
        if enters:
            probe = LastProbe(  # type: ignore[call-arg]
                startTime=self.before.last_running_time,
                endTime=self.before.last_running_time,
                result="Failure",
                message="Pod exec probe failed: this controller enters no pod; ask Jupyter instead",
            )
        if self.pause is not None:
            after = self.pause.eligible_after_ms(last)
            rules = Rules(pauseWorkspace=PauseRule(eligibleAfter=after))  # type: ignore[call-arg]
        return Activity(lastActivity=last, lastUpdate=checked, lastProbe=probe, rules=rules)  # type: ignore[call-arg]


def _choice(what: str, options: Any, wanted: str) -> Choice[Any]:
    try:
        return choose(what, options, wanted)
    except NoOption as error:
        raise _Wrong(f"Workspace has invalid {what}: {error}") from error


def _state(server: Server | None, is_paused: bool) -> tuple[Any, str]:
    """Say how it is: upstream's state, and its words where they say all."""
    if server is None:
        return ("Paused", "Workspace is paused") if is_paused else ("Pending", _PENDING)
    match server.state:
        case ServerState.RUNNING:
            return "Running", "Workspace is running"
        case ServerState.STOPPED:
            return "Paused", "Workspace is paused"
        case ServerState.STOPPING:
            return "Terminating", "Workspace is terminating"
        case ServerState.FAILED:
            return "Error", f"Workspace Pod has warning event: {server.message}"
    if server.reason in _UNSCHEDULABLE:
        return "Error", f"Workspace Pod is unschedulable: {server.message}"
    return "Pending", f"{_PENDING}: {server.message}" if server.message else _PENDING


_PENDING = "Workspace is pending"


def _pod_status(pod: Obj | None) -> PodStatus:
    spec = _path(pod or {}, "spec")
    return PodStatus(  # type: ignore[call-arg]
        name=key_of(pod).name if pod else "",
        nodeName=str(spec.get("nodeName") or ""),
        serviceAccountName=str(spec.get("serviceAccountName") or "") or None,
        containers=_names(spec.get("containers")),
        initContainers=_names(spec.get("initContainers")),
    )


def _names(containers: Any) -> list[ContainerName] | None:
    found = [ContainerName(name=str(one.get("name"))) for one in containers or ()]
    return found or None


def _kind_spec(kind: Obj) -> WorkspaceKindSpec:
    document = object_of(dict(kind))
    with naming(document.what):
        return workspace_kind_spec(document)


def _status(
    body: Obj, before: Mapping[str, Any], after: Mapping[str, Any], of_kind: bool = False
) -> tuple[Write, ...]:
    if before == after:
        return ()
    changes = {**dict.fromkeys(before.keys() - after.keys()), **difference(before, after)}
    kind = WORKSPACE_KIND if of_kind else WORKSPACE
    return (Patch(kind, key_of(body), version_of(body), {"status": changes}, "status"),)


def _path(value: Any, *names: str) -> Mapping[str, Any]:
    for name in names:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value if isinstance(value, Mapping) else {}


def _ms(moment: datetime | None) -> int:
    return int(moment.astimezone(UTC).timestamp() * 1000) if moment is not None else 0
