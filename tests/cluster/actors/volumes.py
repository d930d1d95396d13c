"""The binder of claims: with a StorageClass volumes are made, without one a claim waits and says
why."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from tests.cluster.actors.manager import Key, Recorder
from tests.cluster.actors.objects import Objects, clone, is_leaving, phase, put_status

Object = dict[str, Any]
CLAIMS, VOLUMES, CLASSES = (
    "persistentvolumeclaims",
    "persistentvolumes",
    "storageclasses.storage.k8s.io",
)
PROTECTION = "kubernetes.io/pvc-protection"


class Volumes:
    """Binds claims to volumes.

    Acts as the provisioner of every StorageClass, where `provisions`.
    """

    name = "persistentvolume-controller"
    plurals: ClassVar[set[str] | None] = {CLAIMS, VOLUMES, CLASSES, "pods"}

    def __init__(self, objects: Objects, provisions: bool = True) -> None:
        self.objects = objects
        self.provisions = provisions
        self.events = Recorder(objects, self.name)
        self._waiting: set[Key] = set()

    def keys(self, event: str, plural: str, document: Object) -> Iterable[Key]:
        meta = document["metadata"]
        if plural == CLAIMS:
            return [(meta["namespace"], meta["name"])]
        if plural in (VOLUMES, CLASSES):
            return [*self._waiting] if event != "DELETED" else []
        return [(meta["namespace"], claim) for claim in claims_of(document)]

    def reconcile(self, key: Key) -> float | None:
        namespace, name = key
        claim = self.objects.get(CLAIMS, namespace, name)
        if claim is None:
            self._waiting.discard(key)
            self._reclaim(namespace, name)
            return None
        if is_leaving(claim):
            self._unprotect(claim)
        elif (claim.get("status") or {}).get("phase") == "Pending":
            self._bind(claim, key)
        return None

    def _bind(self, claim: Object, key: Key) -> None:
        self._waiting.add(key)
        spec = claim["spec"]
        named = spec.get("storageClassName")
        volume = self._find(claim)
        if volume is None and not named:
            self.events.tell(
                claim,
                "FailedBinding",
                "no persistent volumes available for this claim and no storage class is set",
            )
            return
        if volume is None:
            found = self.objects.get(CLASSES, "", named)
            if found is None:
                told = f'storageclass.storage.k8s.io "{named}" not found'
                self.events.tell(claim, "ProvisioningFailed", told, "Warning")
                return
            if found.get("volumeBindingMode") == "WaitForFirstConsumer" and not self._consumer(
                claim
            ):
                told = "waiting for first consumer to be created before binding"
                self.events.tell(claim, "WaitForFirstConsumer", told)
                return
            if not self.provisions:
                told = (
                    "Waiting for a volume to be created either by the external "
                    f"provisioner {found['provisioner']!r} or manually by the system "
                    "administrator. "
                    "If volume creation is delayed, please verify that the provisioner is running "
                    "and correctly registered."
                )
                self.events.tell(claim, "ExternalProvisioning", told)
                return
            volume = self._provision(claim, found)
        self._tie(claim, volume)
        self._waiting.discard(key)

    def _find(self, claim: Object) -> Object | None:
        """Find a volume made by hand that fits."""
        spec, meta = claim["spec"], claim["metadata"]
        for volume in self.objects.list(VOLUMES):
            bound = volume["spec"].get("claimRef")
            if bound and (bound.get("namespace"), bound.get("name")) == (
                meta["namespace"],
                meta["name"],
            ):
                return volume
            if spec.get("volumeName") not in (None, volume["metadata"]["name"]) or bound:
                continue
            same = (volume["spec"].get("storageClassName") or "") == (
                spec.get("storageClassName") or ""
            )
            if same and set(spec["accessModes"]) <= set(volume["spec"].get("accessModes") or []):
                return volume
        return None

    def _consumer(self, claim: Object) -> bool:
        meta = claim["metadata"]
        return any(
            (meta["name"] in claims_of(pod) and pod["spec"].get("nodeName"))
            or meta["name"] in claims_of(pod)
            for pod in self.objects.list("pods", meta["namespace"])
        )

    def _provision(self, claim: Object, found: Object) -> Object:
        meta, spec = claim["metadata"], claim["spec"]
        name = f"pvc-{meta['uid']}"
        known = self.objects.get(VOLUMES, "", name)
        if known is not None:
            return known
        return self.objects.create(
            VOLUMES,
            "",
            {
                "apiVersion": "v1",
                "kind": "PersistentVolume",
                "metadata": {
                    "name": name,
                    "annotations": {"pv.kubernetes.io/provisioned-by": found["provisioner"]},
                },
                "spec": {
                    "capacity": {"storage": spec["resources"]["requests"]["storage"]},
                    "accessModes": spec["accessModes"],
                    "storageClassName": found["metadata"]["name"],
                    "persistentVolumeReclaimPolicy": found.get("reclaimPolicy", "Delete"),
                    "hostPath": {"path": f"/var/lib/volumes/{name}"},
                    "claimRef": {
                        "apiVersion": "v1",
                        "kind": "PersistentVolumeClaim",
                        "namespace": meta["namespace"],
                        "name": meta["name"],
                        "uid": meta["uid"],
                    },
                },
            },
        )

    def _tie(self, claim: Object, volume: Object) -> None:
        meta = claim["metadata"]
        bound = clone(volume)
        bound["spec"].setdefault(
            "claimRef",
            {
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "namespace": meta["namespace"],
                "name": meta["name"],
            },
        )
        bound["spec"]["claimRef"]["uid"] = meta["uid"]
        bound = self.objects.update(VOLUMES, bound)
        put_status(self.objects, VOLUMES, bound, {**(bound.get("status") or {}), "phase": "Bound"})
        patch = {
            "metadata": {
                "annotations": {
                    "pv.kubernetes.io/bind-completed": "yes",
                    "pv.kubernetes.io/bound-by-controller": "yes",
                }
            },
            "spec": {"volumeName": volume["metadata"]["name"]},
        }
        fresh = self.objects.patch(CLAIMS, meta["namespace"], meta["name"], patch)
        status = {
            "phase": "Bound",
            "accessModes": volume["spec"]["accessModes"],
            "capacity": volume["spec"]["capacity"],
        }
        put_status(self.objects, CLAIMS, fresh, status)

    def _unprotect(self, claim: Object) -> None:
        meta = claim["metadata"]
        used = any(
            meta["name"] in claims_of(pod) and phase(pod) not in ("Succeeded", "Failed")
            for pod in self.objects.list("pods", meta["namespace"])
        )
        if not used and PROTECTION in (meta.get("finalizers") or []):
            kept = [one for one in meta["finalizers"] if one != PROTECTION]
            self.objects.patch(
                CLAIMS, meta["namespace"], meta["name"], {"metadata": {"finalizers": kept or None}}
            )

    def _reclaim(self, namespace: str, name: str) -> None:
        for volume in self.objects.list(VOLUMES):
            bound = volume["spec"].get("claimRef") or {}
            if (bound.get("namespace"), bound.get("name")) != (namespace, name):
                continue
            if volume["spec"]["persistentVolumeReclaimPolicy"] == "Delete":
                self.objects.delete(VOLUMES, "", volume["metadata"]["name"])
            else:
                put_status(
                    self.objects,
                    VOLUMES,
                    volume,
                    {**(volume.get("status") or {}), "phase": "Released"},
                )


def claims_of(pod: Object) -> list[str]:
    return [
        str(volume["persistentVolumeClaim"]["claimName"])
        for volume in pod["spec"].get("volumes") or []
        if volume.get("persistentVolumeClaim")
    ]


class Quotas:
    """Writes into each ResourceQuota what of it is used (admission counts for itself)."""

    name = "resourcequota-controller"
    plurals: ClassVar[set[str] | None] = {
        "resourcequotas",
        "pods",
        CLAIMS,
        "services",
        "secrets",
        "configmaps",
        "jobs.batch",
        "statefulsets.apps",
    }

    def __init__(self, objects: Any) -> None:
        self.objects = objects
        self._with_quota: set[str] = set()

    def keys(self, event: str, plural: str, document: Object) -> Iterable[Key]:
        namespace = document["metadata"].get("namespace") or ""
        if plural == "resourcequotas":
            self._with_quota.add(namespace)
        return [(namespace,)] if namespace in self._with_quota else []

    def reconcile(self, key: Key) -> float | None:
        from tests.cluster.apiserver.quantities import show

        (namespace,) = key
        for quota in self.objects.list("resourcequotas", namespace):
            hard = quota["spec"].get("hard") or {}
            used = self.objects.api.admission.used(namespace, list(hard))
            status = {
                "hard": clone(hard),
                "used": {name: show(used[name], hard[name]) for name in hard},
            }
            put_status(self.objects, "resourcequotas", quota, status)
        return None
