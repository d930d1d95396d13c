"""One round about one server: what is seen in, a plan out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from jupyter_mlplat.errors import InvalidInput
from jupyter_mlplat.formats.kubernetes.conditions import condition
from jupyter_mlplat.formats.kubernetes.objects import object_of
from jupyter_mlplat.formats.notebooks import (
    IDLE_WARNING,
    OPTIONS,
    RESTART_NEEDED,
    SERVER_KIND,
    SERVER_READY,
    SPEC_REDUCED,
    STOP_REASON,
    STOPPED,
)
from jupyter_mlplat.formats.notebooks.documents import moment_of, read_notebook
from jupyter_mlplat.formats.notebooks.idling import IdleRule, idle_rule
from jupyter_mlplat.kit.digests import digest_json
from jupyter_mlplat.resources.servers import KindIdle, ServerKind, ServerReason
from jupyter_mlplat_controller.kinds import (
    CLAIM,
    NETWORK_POLICY,
    NOTEBOOK,
    SERVICE,
    STATEFUL_SET,
)
from jupyter_mlplat_controller.notebooks import objects
from jupyter_mlplat_controller.notebooks.choosing import Offer, Unfit, Wanted, choose
from jupyter_mlplat_controller.notebooks.culling import Activity, Decision, decide, tidy
from jupyter_mlplat_controller.notebooks.explaining import (
    GpuUse,
    Said,
    explain,
    gpus_of,
    of_quota,
)
from jupyter_mlplat_controller.notebooks.objects import TEMPLATE_DIGEST, WISH_DIGEST, Names
from jupyter_mlplat_controller.plans import (
    Create,
    Kind,
    Obj,
    Patch,
    Plan,
    Replace,
    Write,
    controllers_of,
    holds,
    is_owned,
    key_of,
    uid_of,
    version_of,
)
from jupyter_mlplat_controller.settings import Settings

ASK_ACTIVITY = "activity"
ASK_GPUS = "gpus"
_CLASH_S = 30.0  # what is not ours is not watched
_GPU_S = 30.0
_LONGEST = 1024
_STOPPED_BECAUSE = {
    ServerReason.CULLED: "It was idle and has been stopped. Its volumes are kept; start it to go "
    "on.",
    ServerReason.LIFETIME_OVER: "Its time was over and it has been stopped. Its volumes are kept; "
    "start it to go on.",
}


@dataclass(frozen=True, slots=True)
class Seen:
    """All that a round looks at."""

    notebook: Obj
    settings: Settings
    stateful_set: Obj | None = None
    service: Obj | None = None
    home: Obj | None = None
    policy: Obj | None = None
    route: Obj | None = None
    pod: Obj | None = None
    claims: Mapping[str, Obj] = field(default_factory=dict)
    events: tuple[Obj, ...] = ()
    offer: Offer = field(default_factory=Offer)
    activity: Activity | None = None
    gpus: Mapping[str, GpuUse] = field(default_factory=dict)
    refusal: str = ""


def reconcile(seen: Seen, now: datetime) -> Plan:
    """Say what is to be done about a Notebook; it is as right when said twice, or late."""
    if seen.notebook["metadata"].get("deletionTimestamp"):
        return Plan()  # what it owns goes with it; to make anything now would be to fight that
    return _Round(seen, now).plan()


class _Round:
    def __init__(self, seen: Seen, now: datetime) -> None:
        self.seen, self.now = seen, now
        self.names = Names.of(seen.notebook)
        self.notes: Mapping[str, str] = seen.notebook["metadata"].get("annotations") or {}
        self.is_stopped = STOPPED in self.notes
        self.is_ours = seen.stateful_set is not None and is_owned(seen.stateful_set, seen.notebook)
        self.pod = seen.pod if self._is_pod_ours() else None
        self.clash = ""
        self.wants_restart = False
        self.again: list[float] = []
        self.questions: set[str] = set()

    def plan(self) -> Plan:
        changes = tidy(self.notes)
        if changes:
            return Plan((self._annotate(changes),))
        wanted, unfit = self._wanted()
        if self.seen.refusal:  # what was planned is not done: say so, and only so
            refused = _refused(self.seen.refusal)
            return Plan(tuple(self._status(refused, wanted, Decision({}, ask=True), None)))
        writes = self._scale(0) if unfit else self._writes(wanted)
        said = self._said(unfit)
        decision = self._idle(said, wanted)
        if decision.changes:
            counts = ("culled",) if STOPPED in decision.changes else ()
            return Plan((*writes, self._annotate(decision.changes)), counts=counts)
        status = self._status(said, wanted, decision, unfit)
        made = any(isinstance(each, Create) and each.kind is STATEFUL_SET for each in writes)
        return Plan(
            (*writes, *status),
            again_s=min(self.again, default=None),
            questions=frozenset(self.questions),
            counts=("created",) if made else (),
            more=False,  # what others make of it is heard of
        )

    def _wanted(self) -> tuple[Wanted | None, Unfit | None]:
        try:
            notebook = read_notebook(object_of(dict(self.seen.notebook)))
            return choose(notebook, self.names.server, self.names.home, self.seen.offer), None
        except InvalidInput as error:
            return None, Unfit(ServerReason.SPEC_INVALID, error.message)
        except Unfit as error:
            return None, error

    # --- what is written -------------------------------------------------------------------------

    def _writes(self, wanted: Wanted | None) -> list[Write]:
        """Write what a server is made of: its home and its walls before its pod."""
        if wanted is None:
            return []
        seen, names, settings = self.seen, self.names, self.seen.settings
        writes: list[Write] = []
        if wanted.home is not None:
            writes += self._home(wanted)
        if settings.network_policy:
            policy = objects.network_policy(seen.notebook, names, wanted.port, settings)
            writes += self._owned(NETWORK_POLICY, policy, seen.policy)
        writes += self._stateful_set(wanted)
        service = objects.service(seen.notebook, names, wanted.port)
        writes += self._owned(SERVICE, service, seen.service)
        if (route := objects.route(seen.notebook, names, settings)) is not None:
            writes += self._owned(*route, seen.route)
        return [] if self.clash else writes

    def _owned(self, kind: Kind, body: dict[str, Any], found: Obj | None) -> list[Write]:
        if found is None:
            return [Create(kind, body)]
        if not is_owned(found, self.seen.notebook):
            self._clashes(kind, found)
            return []
        if found["metadata"].get("deletionTimestamp") or _is_as_wanted(body, found):
            return []
        return [Replace(kind, objects.over(found, body))]

    def _home(self, wanted: Wanted) -> list[Write]:
        """Make the home; what is there is taken if it was made for a server of this name."""
        found = self.seen.home
        body = objects.home(self.seen.notebook, self.names, wanted)
        if found is None:
            return [Create(CLAIM, body)]
        labels = found["metadata"].get("labels") or {}
        ours = body["metadata"]["labels"]
        if any(labels.get(name) != text for name, text in ours.items()) or (
            controllers_of(found) and not is_owned(found, self.seen.notebook)
        ):
            self._clashes(CLAIM, found)
        return []

    def _stateful_set(self, wanted: Wanted) -> list[Write]:
        seen, found = self.seen, self.seen.stateful_set
        replicas = 0 if self.is_stopped else 1
        body = objects.stateful_set(seen.notebook, self.names, wanted, replicas, self._wish())
        if found is None:
            return [Create(STATEFUL_SET, body)]
        if not self.is_ours:
            self._clashes(STATEFUL_SET, found)
            return []
        if found["metadata"].get("deletionTimestamp"):
            return []
        notes = found["metadata"].get("annotations") or {}
        is_changed = notes.get(TEMPLATE_DIGEST) != body["metadata"]["annotations"][TEMPLATE_DIGEST]
        if is_changed and self._is_in_use() and notes.get(WISH_DIGEST) in (None, self._wish()):
            self.wants_restart = True  # nobody asked for this now: a kernel may hold a day's work
            return self._scale(replicas)
        if not is_changed and _is_as_wanted(body, found):
            return []
        body["spec"].pop("podManagementPolicy")  # is for ever as it was made
        body["spec"].pop("selector")
        return [Replace(STATEFUL_SET, objects.over(found, body))]

    def _scale(self, replicas: int) -> list[Write]:
        """Stop a server that is to be stopped, whatever else is wrong with it."""
        found = self.seen.stateful_set
        if found is None or not self.is_ours or found["metadata"].get("deletionTimestamp"):
            return []
        if not self.is_stopped or (found.get("spec") or {}).get("replicas") == replicas:
            return []
        wanted = {"metadata": {}, "spec": {"replicas": replicas}}
        return [Replace(STATEFUL_SET, objects.over(found, wanted))]

    def _wish(self) -> str:
        """Digest what the user asked for, to tell it from what others changed."""
        spec = self.seen.notebook.get("spec")
        return digest_json([spec, self.notes.get(SERVER_KIND), self.notes.get(OPTIONS)])

    def _is_in_use(self) -> bool:
        return not self.is_stopped and self.pod is not None and _is_ready(self.pod)

    def _clashes(self, kind: Kind, found: Obj) -> None:
        controller = next(iter(controllers_of(found)), {})
        is_former = controller.get("kind") == "Notebook" and (
            controller.get("name") == self.names.notebook
        )
        self.clash = (
            f"A {kind.kind} of the former server {self.names.notebook!r} is still being deleted."
            if is_former
            else f"There is a {kind.kind} {key_of(found).name!r} here that was not made for this "
            "server, and is left alone. Give the server another name, or delete that."
        )
        self.again.append(_CLASH_S / 6 if is_former else _CLASH_S)

    def _annotate(self, changes: Mapping[str, str | None]) -> Patch:
        body = {"metadata": {"annotations": dict(changes)}}
        return self._patch(body)

    def _patch(self, body: dict[str, Any], subresource: str = "") -> Patch:
        notebook = self.seen.notebook
        return Patch(NOTEBOOK, key_of(notebook), version_of(notebook), body, subresource)

    # --- what is said ----------------------------------------------------------------------------

    def _said(self, unfit: Unfit | None) -> Said:
        if self.is_stopped:
            return self._said_of_stopped()
        if unfit is not None and not self._is_in_use():
            return Said(unfit.reason, unfit.message)
        if self.clash:
            return Said(ServerReason.NAME_TAKEN, self.clash)
        mounted = sorted(_claims_of(self.pod))
        claims = [self.seen.claims[name] for name in mounted if name in self.seen.claims]
        waits_for = gpus_of(self.pod)
        if waits_for:
            self.again.append(_GPU_S)
            self.questions.add(ASK_GPUS)
        return explain(self.pod, claims, self.seen.events, self.seen.gpus)

    def _said_of_stopped(self) -> Said:
        found = self.seen.stateful_set
        status = (found or {}).get("status") or {}
        if self.pod is not None or (self.is_ours and status.get("replicas")):
            return Said(ServerReason.STOPPING, "It is being stopped.")
        reason = self.notes.get(STOP_REASON)
        for known, message in _STOPPED_BECAUSE.items():
            if reason == known:
                return Said(known, message)
        return Said(ServerReason.STOPPED, "It is stopped. Its volumes are kept.")

    def _rule(self, kind: ServerKind | None) -> IdleRule:
        settings = self.seen.settings
        idle = (
            kind.idle
            if kind is not None
            else KindIdle(
                cull=settings.cull_after or None,
                warn=settings.warn_before,
                lifetime=settings.max_lifetime or None,
                longer=not settings.max_lifetime,
            )
        )
        return idle_rule(idle, self.notes)

    def _idle(self, said: Said, wanted: Wanted | None) -> Decision:
        """Look after a server that runs; one whose kind is gone is let be."""
        if not (said.ready and wanted and self.pod and self.seen.settings.culling):
            return Decision({})
        decision = decide(
            self.notes,
            self._rule(wanted.kind),
            self.seen.activity,
            min(_ready_at(self.pod) or self.now, self.now),
            self.now,
            self.seen.settings.check_every_s,
        )
        if decision.ask:
            self.questions.add(ASK_ACTIVITY)
        if decision.again_s is not None:
            self.again.append(decision.again_s)
        return decision

    def _status(
        self, said: Said, wanted: Wanted | None, decision: Decision, unfit: Unfit | None
    ) -> list[Write]:
        before = self.seen.notebook.get("status")
        before = before if isinstance(before, Mapping) else {}
        conditions = [
            *_of_pod(self.pod),
            condition(SERVER_READY, said.reason, said.message, self.now, said.ready),
        ]
        dropped = [wanted.dropped if wanted else "", *self._rule_faults(wanted)]
        if message := " ".join(part for part in dropped if part):
            conditions.append(condition(SPEC_REDUCED, "FieldsDropped", message, self.now))
        if unfit is not None and said.ready:
            message = f"It runs, but could not be started again: {unfit.message}"
            conditions.append(condition(RESTART_NEEDED, unfit.reason, message, self.now))
        if self.wants_restart:
            message = (
                "Its kind, presets or settings have changed since it was started. Stop it and "
                "start it to have them."
            )
            conditions.append(condition(RESTART_NEEDED, "SettingsChanged", message, self.now))
        if decision.ask:  # what was said last holds until it has answered
            conditions += [each for each in _of(before) if each.get("type") == IDLE_WARNING]
        elif decision.warning:
            conditions.append(condition(IDLE_WARNING, "Idle", decision.warning, self.now))
        elif decision.unknown:
            message = f"It does not say whether it is idle, so it goes on: {decision.unknown}"
            unknown = condition(IDLE_WARNING, "ActivityUnknown", message, self.now)
            conditions.append({**unknown, "status": "Unknown"})
        status = {
            "conditions": _keep_times(conditions, before),
            "readyReplicas": self._ready_replicas(),
            "containerState": _container_state(self.pod, self.names.notebook),
        }
        changes = difference(before, status)
        return [self._patch({"status": changes}, "status")] if changes else []

    def _rule_faults(self, wanted: Wanted | None) -> tuple[str, ...]:
        return self._rule(wanted.kind).faults if wanted is not None else ()

    def _ready_replicas(self) -> int:
        status = (self.seen.stateful_set or {}).get("status") or {}
        ready = status.get("readyReplicas") if self.is_ours else 0
        return ready if isinstance(ready, int) else 0

    def _is_pod_ours(self) -> bool:
        """A pod of the right name may be anyone's: it counts by its controller's uid."""
        pod, found = self.seen.pod, self.seen.stateful_set
        if pod is None or found is None or not self.is_ours:
            return False
        return any(each.get("uid") == uid_of(found) for each in controllers_of(pod))


def _refused(message: str) -> Said:
    if said := of_quota(message):
        return said
    return Said(
        ServerReason.POD_REFUSED,
        f"The cluster refuses what it is made of: {message.rstrip('. ')}. Change what you asked "
        "for, or tell your administrator.",
    )


def difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """Write the merge patch that gives one value the fields of the other."""
    changes: dict[str, Any] = {}
    for name, value in after.items():
        old = before.get(name)
        if old == value:
            continue
        if isinstance(value, Mapping) and isinstance(old, Mapping):
            changes[name] = {**dict.fromkeys(old.keys() - value.keys()), **difference(old, value)}
        else:
            changes[name] = value
    return changes


def _is_as_wanted(body: Obj, found: Obj) -> bool:
    metadata = body["metadata"]
    return all(
        holds(metadata.get(name, {}), found["metadata"].get(name) or {})
        for name in ("labels", "annotations")
    ) and holds(body["spec"], found.get("spec"))


def _of_pod(pod: Obj | None) -> list[dict[str, Any]]:
    """Copy the pod's conditions, as upstream does."""
    fields = ("type", "status", "reason", "message", "lastProbeTime", "lastTransitionTime")
    found = ((pod or {}).get("status") or {}).get("conditions") or []
    return [
        {name: each[name] for name in fields if each.get(name)}
        for each in found
        if isinstance(each, Mapping) and each.get("type")
    ]


def _of(status: Mapping[str, Any]) -> list[dict[str, Any]]:
    said = status.get("conditions")
    return (
        [dict(each) for each in said if isinstance(each, Mapping)] if isinstance(said, list) else []
    )


def _keep_times(
    conditions: list[dict[str, Any]], before: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Leave the time of a condition whose status has not changed."""
    known = {each.get("type"): each for each in _of(before)}
    kept = []
    for each in conditions:
        old = known.get(each["type"], {})
        time = old.get("lastTransitionTime") if old.get("status") == each["status"] else None
        message = str(each.get("message", ""))[:_LONGEST]
        kept.append(
            {
                **each,
                **({"message": message} if message else {}),
                **({"lastTransitionTime": time} if time else {}),
            }
        )
    return kept


def _container_state(pod: Obj | None, name: str) -> dict[str, Any]:
    """Return the state of the server's container: the one of its name, else the first."""
    containers = ((pod or {}).get("spec") or {}).get("containers") or []
    names = [each.get("name") for each in containers if isinstance(each, Mapping)]
    wanted = name if name in names else next(iter(names), None)
    for each in ((pod or {}).get("status") or {}).get("containerStatuses") or []:
        if isinstance(each, Mapping) and each.get("name") == wanted:
            return dict(each.get("state") or {})
    return {}


def _claims_of(pod: Obj | None) -> set[str]:
    volumes = ((pod or {}).get("spec") or {}).get("volumes") or []
    found = {(each.get("persistentVolumeClaim") or {}).get("claimName") for each in volumes}
    return {name for name in found if name}


def _is_ready(pod: Obj) -> bool:
    return any(
        each.get("type") == "Ready" and each.get("status") == "True"
        for each in (pod.get("status") or {}).get("conditions") or []
    )


def _ready_at(pod: Obj) -> datetime | None:
    for each in (pod.get("status") or {}).get("conditions") or []:
        if each.get("type") == "Ready" and each.get("status") == "True":
            return moment_of(str(each.get("lastTransitionTime", "")))
    return None
