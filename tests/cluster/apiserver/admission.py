"""Admission: what is added to objects on their way in, and what is turned away (quota, limits, Pod
Security)."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from tests.cluster.apiserver import pod_security
from tests.cluster.apiserver.access import RBAC, Access
from tests.cluster.apiserver.failures import forbidden
from tests.cluster.apiserver.preparing import quality
from tests.cluster.apiserver.quantities import parse, show
from tests.cluster.apiserver.requests import Request
from tests.cluster.apiserver.store import Store

Object = dict[str, Any]
POD = ("", "pods")
ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
TEMPLATED = ("Deployment", "StatefulSet", "ReplicaSet", "DaemonSet", "Job")
COUNTED_QUOTAS = {
    "pods": POD,
    "services": ("", "services"),
    "secrets": ("", "secrets"),
    "configmaps": ("", "configmaps"),
    "persistentvolumeclaims": ("", "persistentvolumeclaims"),
    "resourcequotas": ("", "resourcequotas"),
}


@dataclass
class Admission:
    """The admission plugins of one server."""

    store: Store
    access: Access
    random: random.Random
    gives_service_accounts: bool = True  # pods run as one; off as in bare test servers
    needs_service_accounts: bool = False  # refuse pods whose service account is not there

    def mutate(self, request: Request, document: Object) -> None:
        kind = request.kind
        if kind.resource == POD:
            if self.gives_service_accounts:
                self._service_account(request, document)
            self._priority(document)
            self._tolerations(document["spec"])
            self._limit_defaults(request.namespace, document)
            document["status"]["qosClass"] = quality(document["spec"])
        elif (
            kind.resource == ("", "persistentvolumeclaims")
            and "storageClassName" not in document["spec"]
        ):
            for candidate in self.store.list(("storage.k8s.io", "storageclasses")):
                marks = candidate["metadata"].get("annotations") or {}
                if marks.get("storageclass.kubernetes.io/is-default-class") == "true":
                    document["spec"]["storageClassName"] = candidate["metadata"]["name"]

    def validate(self, request: Request, before: Object | None, document: Object) -> None:
        kind = request.kind
        if kind.group == RBAC:
            self._escalation(request, before, document)
        if kind.resource == POD and (before is None or not request.subresource):
            if before is None or before["spec"] != document["spec"]:
                self._pod_security(request, document)
            if before is None:
                self._limits(request, document)
        if before is None:
            self._quota(request, document)

    def pod_warnings(self, request: Request, document: Object) -> list[str]:
        """Say what Pod Security will hold against the pods of a template."""
        if request.kind.kind not in TEMPLATED:
            return []
        level = self._level(request.namespace, "warn") or "privileged"
        found = pod_security.violations(document["spec"]["template"].get("spec") or {}, level)
        if not found:
            return []
        return [f'would violate PodSecurity "{level}:latest": {", ".join(found)}']

    # -- pods

    def _service_account(self, request: Request, document: Object) -> None:
        spec = document["spec"]
        name = spec.get("serviceAccountName") or spec.get("serviceAccount") or "default"
        spec["serviceAccountName"] = spec["serviceAccount"] = name
        account = self.store.get(("", "serviceaccounts"), request.namespace, name)
        if account is None and self.needs_service_accounts:
            told = (
                f"error looking up service account {request.namespace}/{name}: "
                f'serviceaccount "{name}" not found'
            )
            raise forbidden(request.kind, document["metadata"]["name"], told)
        mounted = spec.get("automountServiceAccountToken")
        if mounted is None and account is not None:
            mounted = account.get("automountServiceAccountToken")
        if mounted is False or account is None:
            return
        volume = "kube-api-access-" + "".join(self.random.choices(ALPHABET, k=5))
        place = "/var/run/secrets/kubernetes.io/serviceaccount"
        needed = False
        for container in [*(spec.get("initContainers") or []), *spec["containers"]]:
            mounts = container.setdefault("volumeMounts", [])
            if all(mount["mountPath"] != place for mount in mounts):
                mounts.append({"name": volume, "readOnly": True, "mountPath": place})
                needed = True
        if needed:
            spec.setdefault("volumes", []).append({"name": volume, "projected": _token_volume()})

    def _priority(self, document: Object) -> None:
        spec = document["spec"]
        value = 0
        if name := spec.get("priorityClassName"):
            found = self.store.get(("scheduling.k8s.io", "priorityclasses"), "", name)
            value = int((found or {}).get("value", 0))
        spec.setdefault("priority", value)
        spec.setdefault("preemptionPolicy", "PreemptLowerPriority")

    @staticmethod
    def _tolerations(spec: Object) -> None:
        present = {item.get("key") for item in spec.get("tolerations") or []}
        for name in ("not-ready", "unreachable"):
            key = f"node.kubernetes.io/{name}"
            if key not in present:
                spec.setdefault("tolerations", []).append(
                    {
                        "key": key,
                        "operator": "Exists",
                        "effect": "NoExecute",
                        "tolerationSeconds": 300,
                    }
                )

    def _limit_defaults(self, namespace: str, document: Object) -> None:
        told: list[str] = []
        for item in self._limit_items(namespace, "Container"):
            for container in _containers(document["spec"]):
                resources = container.setdefault("resources", {})
                for field, source in (("requests", "defaultRequest"), ("limits", "default")):
                    present = resources.setdefault(field, {})
                    added = [name for name in sorted(item.get(source) or {}) if name not in present]
                    present |= {name: item[source][name] for name in added}
                    if added:
                        what = f"{', '.join(added)} {field.removesuffix('s')}"
                        told.append(f"{what} for container {container['name']}")
                    if not present:
                        del resources[field]
        if told:
            notes = document["metadata"].setdefault("annotations", {})
            notes["kubernetes.io/limit-ranger"] = f"LimitRanger plugin set: {'; '.join(told)}"

    def _limit_items(self, namespace: str, kind: str) -> Iterator[Object]:
        for limits in self.store.list(("", "limitranges"), namespace):
            for item in limits["spec"]["limits"]:
                if item["type"] == kind:
                    yield item

    def _limits(self, request: Request, document: Object) -> None:
        for item in self._limit_items(request.namespace, "Container"):
            for container in _containers(document["spec"]):
                limits = (container.get("resources") or {}).get("limits") or {}
                for name, most in (item.get("max") or {}).items():
                    amount, bound = parse(limits.get(name, "")), parse(most)
                    if (
                        name in limits
                        and amount is not None
                        and bound is not None
                        and amount > bound
                    ):
                        told = (
                            f"maximum {name} usage per Container is {most}, but limit "
                            f"is {limits[name]}"
                        )
                        raise forbidden(request.kind, document["metadata"]["name"], told)

    def _level(self, namespace: str, mode: str) -> str | None:
        found = self.store.get(("", "namespaces"), "", namespace) or {"metadata": {}}
        level = (found["metadata"].get("labels") or {}).get(f"pod-security.kubernetes.io/{mode}")
        return str(level) if level else None

    def _pod_security(self, request: Request, document: Object) -> None:
        level = self._level(request.namespace, "enforce")
        if level and (found := pod_security.violations(document["spec"], level)):
            told = f'violates PodSecurity "{level}:latest": {", ".join(found)}'
            raise forbidden(request.kind, document["metadata"]["name"], told)

    # -- quota

    def _quota(self, request: Request, document: Object) -> None:
        if not request.namespace:
            return
        asked = usage(request.kind.resource, document)
        for quota in self.store.list(("", "resourcequotas"), request.namespace):
            if (quota.get("spec") or {}).get("scopes") or (quota.get("spec") or {}).get(
                "scopeSelector"
            ):
                continue
            hard: Object = quota["spec"].get("hard") or {}
            self._must_specify(request, document, quota, hard)
            touched = [name for name in sorted(hard) if asked.get(name)]
            used = self.used(request.namespace, touched)
            over = [name for name in touched if used[name] + asked[name] > (parse(hard[name]) or 0)]
            if over:
                told = ", ".join(
                    f"{what}: " + ",".join(f"{name}={amounts(name)}" for name in over)
                    for what, amounts in (
                        ("requested", lambda name, hard=hard: show(asked[name], hard[name])),
                        ("used", lambda name, hard=hard, used=used: show(used[name], hard[name])),
                        ("limited", lambda name, hard=hard: hard[name]),
                    )
                )
                raise forbidden(
                    request.kind,
                    document["metadata"]["name"],
                    f"exceeded quota: {quota['metadata']['name']}, {told}",
                )

    @staticmethod
    def _must_specify(request: Request, document: Object, quota: Object, hard: Object) -> None:
        if request.kind.resource != POD:
            return
        lacking: dict[str, list[str]] = {}
        for name in hard:
            field, _, resource = (
                name.rpartition(".")
                if name.startswith(("limits.", "requests."))
                else ("requests", "", name)
            )
            if resource not in ("cpu", "memory"):
                continue
            for container in document["spec"]["containers"]:
                if resource not in ((container.get("resources") or {}).get(field) or {}):
                    lacking.setdefault(name, []).append(container["name"])
        if lacking:
            told = "; ".join(
                f"{name} for: {','.join(those)}" for name, those in sorted(lacking.items())
            )
            name = quota["metadata"]["name"]
            raise forbidden(
                request.kind,
                document["metadata"]["name"],
                f"failed quota: {name}: must specify {told}",
            )

    def used(self, namespace: str, names: list[str]) -> dict[str, Decimal]:
        """Add up what is used in a namespace of what a quota limits."""
        total = dict.fromkeys(names, Decimal(0))
        if not names:
            return total
        for resource in self.store.resources():
            for document in self.store.list(resource, namespace):
                for name, amount in usage(resource, document).items():
                    if name in total:
                        total[name] += amount
        return total

    # -- RBAC

    def _escalation(self, request: Request, before: Object | None, document: Object) -> None:
        from tests.cluster.apiserver.access import Attributes

        kind, user = request.kind, request.user
        namespace = request.namespace
        name = document["metadata"]["name"]
        if kind.plural in ("roles", "clusterroles"):
            rules, verb, resource, what = document.get("rules") or [], "escalate", kind.plural, name
            if before is not None and before.get("rules") == document.get("rules"):
                return
        else:
            reference = document["roleRef"]
            if before is not None and before.get("subjects") == document.get("subjects"):
                return
            rules = self.access.role_rules(reference, namespace)
            verb, what = "bind", reference["name"]
            resource = "clusterroles" if reference["kind"] == "ClusterRole" else "roles"
        if self.access.allowed(
            user, Attributes(verb, RBAC, resource, namespace=namespace, name=what)
        ):
            return
        if missing := self.access.missing(user, rules, namespace):
            groups = " ".join(f'"{group}"' for group in user.groups)
            listed = "\n".join(_rule(part) for part in missing)
            told = (
                f'user "{user.name}" (groups=[{groups}]) is attempting to grant RBAC '
                f"permissions not currently held:\n{listed}"
            )
            raise forbidden(kind, name, told)


def _rule(part: Object) -> str:
    def those(name: str) -> str:
        return ", ".join(f'"{value}"' for value in part[name])

    names = {
        "apiGroups": "APIGroups",
        "resources": "Resources",
        "resourceNames": "ResourceNames",
        "nonResourceURLs": "NonResourceURLs",
        "verbs": "Verbs",
    }
    return (
        "{"
        + ", ".join(f"{shown}:[{those(name)}]" for name, shown in names.items() if name in part)
        + "}"
    )


def _containers(spec: Object) -> list[Object]:
    return [*(spec.get("initContainers") or []), *(spec.get("containers") or [])]


def usage(resource: tuple[str, str], document: Object) -> dict[str, Decimal]:
    """Count one object as a ResourceQuota does."""
    group, plural = resource
    counted = {f"count/{plural}.{group}" if group else f"count/{plural}": Decimal(1)}
    if COUNTED_QUOTAS.get(plural) == resource:
        counted[plural] = Decimal(1)
    if resource == ("", "persistentvolumeclaims"):
        asked = ((document["spec"].get("resources") or {}).get("requests") or {}).get(
            "storage", "0"
        )
        counted["requests.storage"] = parse(asked) or Decimal(0)
    if resource != POD:
        return counted
    if (document.get("status") or {}).get("phase") in ("Succeeded", "Failed"):
        return {name: amount for name, amount in counted.items() if name.startswith("count/")}
    for field in ("requests", "limits"):
        for name, amount in pod_resources(document["spec"], field).items():
            counted[f"{field}.{name}"] = amount
            if field == "requests":
                counted[name] = amount
    return counted


def pod_resources(spec: Object, field: str) -> dict[str, Decimal]:
    """Add up what a pod asks for: its containers together, or its greediest init container."""
    total: dict[str, Decimal] = {}
    for container in spec.get("containers") or []:
        for name, value in ((container.get("resources") or {}).get(field) or {}).items():
            total[name] = total.get(name, Decimal(0)) + (parse(value) or 0)
    for container in spec.get("initContainers") or []:
        for name, value in ((container.get("resources") or {}).get(field) or {}).items():
            total[name] = max(total.get(name, Decimal(0)), parse(value) or Decimal(0))
    return total


def _token_volume() -> Object:
    return {
        "defaultMode": 420,
        "sources": [
            {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
            {
                "configMap": {
                    "name": "kube-root-ca.crt",
                    "items": [{"key": "ca.crt", "path": "ca.crt"}],
                }
            },
            {
                "downwardAPI": {
                    "items": [
                        {
                            "path": "namespace",
                            "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"},
                        }
                    ]
                }
            },
        ],
    }
