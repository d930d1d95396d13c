"""The defaults of built-in kinds, as `SetDefaults_…` of Kubernetes sets them."""

from __future__ import annotations

from typing import Any

Object = dict[str, Any]


def fill(kind: str, document: Object) -> None:
    """Set, in place, what the real server sets where nothing was said."""
    if setter := SETTERS.get(kind):
        setter(document)


def set_default(part: Object, name: str, value: Any) -> None:
    if part.get(name) is None:
        part[name] = value


def pod_spec(spec: Object) -> None:
    set_default(spec, "dnsPolicy", "ClusterFirst")
    set_default(spec, "restartPolicy", "Always")
    set_default(spec, "securityContext", {})
    set_default(spec, "terminationGracePeriodSeconds", 30)
    set_default(spec, "schedulerName", "default-scheduler")
    if name := spec.get("serviceAccountName"):
        spec["serviceAccount"] = name
    for container in [*(spec.get("initContainers") or []), *(spec.get("containers") or [])]:
        _container(container)
    for volume in spec.get("volumes") or []:
        _volume(volume)


def _container(container: Object) -> None:
    tag = container.get("image", "").rpartition("/")[2]
    latest = "@" not in tag and (":" not in tag or tag.endswith(":latest"))
    set_default(container, "imagePullPolicy", "Always" if latest else "IfNotPresent")
    set_default(container, "terminationMessagePath", "/dev/termination-log")
    set_default(container, "terminationMessagePolicy", "File")
    set_default(container, "resources", {})
    for port in container.get("ports") or []:
        set_default(port, "protocol", "TCP")
    for name in ("livenessProbe", "readinessProbe", "startupProbe"):
        if probe := container.get(name):
            for field, value in (
                ("timeoutSeconds", 1),
                ("periodSeconds", 10),
                ("successThreshold", 1),
                ("failureThreshold", 3),
            ):
                set_default(probe, field, value)
            if get := probe.get("httpGet"):
                set_default(get, "path", "/")
                set_default(get, "scheme", "HTTP")
    for variable in container.get("env") or []:
        if reference := (variable.get("valueFrom") or {}).get("fieldRef"):
            set_default(reference, "apiVersion", "v1")
        resource = (variable.get("valueFrom") or {}).get("resourceFieldRef")
        if resource is not None:
            set_default(resource, "divisor", "0")


def _volume(volume: Object) -> None:
    if not set(volume) - {"name"}:
        volume["emptyDir"] = {}
    for source in ("secret", "configMap", "downwardAPI", "projected"):
        if volume.get(source) is not None:
            set_default(volume[source], "defaultMode", 420)
    if (path := volume.get("hostPath")) is not None:
        set_default(path, "type", "")
    for source in (volume.get("projected") or {}).get("sources") or []:
        if token := source.get("serviceAccountToken"):
            set_default(token, "expirationSeconds", 3600)
        for item in (source.get("downwardAPI") or {}).get("items") or []:
            if item.get("fieldRef"):
                set_default(item["fieldRef"], "apiVersion", "v1")
    for item in (volume.get("downwardAPI") or {}).get("items") or []:
        if item.get("fieldRef"):
            set_default(item["fieldRef"], "apiVersion", "v1")
    if template := (volume.get("ephemeral") or {}).get("volumeClaimTemplate"):
        set_default(template.setdefault("spec", {}), "volumeMode", "Filesystem")


def _pod(document: Object) -> None:
    spec = document.setdefault("spec", {})
    pod_spec(spec)
    set_default(spec, "enableServiceLinks", True)
    for container in [*(spec.get("initContainers") or []), *(spec.get("containers") or [])]:
        limits = container["resources"].get("limits")
        if limits:
            container["resources"]["requests"] = {
                **limits,
                **(container["resources"].get("requests") or {}),
            }


def _template(spec: Object) -> None:
    template = spec.get("template")
    if isinstance(template, dict):
        pod_spec(template.setdefault("spec", {}))


def _deployment(document: Object) -> None:
    spec = document.setdefault("spec", {})
    set_default(spec, "replicas", 1)
    set_default(spec, "revisionHistoryLimit", 10)
    set_default(spec, "progressDeadlineSeconds", 600)
    strategy = spec.setdefault("strategy", {})
    set_default(strategy, "type", "RollingUpdate")
    if strategy["type"] == "RollingUpdate":
        rolling = strategy.setdefault("rollingUpdate", {})
        set_default(rolling, "maxUnavailable", "25%")
        set_default(rolling, "maxSurge", "25%")
    _template(spec)


def _replica_set(document: Object) -> None:
    spec = document.setdefault("spec", {})
    set_default(spec, "replicas", 1)
    _template(spec)


def _stateful_set(document: Object) -> None:
    spec = document.setdefault("spec", {})
    set_default(spec, "podManagementPolicy", "OrderedReady")
    set_default(spec, "replicas", 1)
    set_default(spec, "revisionHistoryLimit", 10)
    strategy = spec.setdefault("updateStrategy", {})
    set_default(strategy, "type", "RollingUpdate")
    if strategy["type"] == "RollingUpdate":
        set_default(strategy.setdefault("rollingUpdate", {}), "partition", 0)
    retention = spec.setdefault("persistentVolumeClaimRetentionPolicy", {})
    set_default(retention, "whenDeleted", "Retain")
    set_default(retention, "whenScaled", "Retain")
    for claim in spec.get("volumeClaimTemplates") or []:
        claim.setdefault("apiVersion", "v1")
        claim.setdefault("kind", "PersistentVolumeClaim")
        _claim(claim)
    _template(spec)


def _job_spec(spec: Object) -> None:
    if spec.get("completions") is None and spec.get("parallelism") is None:
        spec["completions"] = 1
    set_default(spec, "parallelism", 1)
    set_default(spec, "backoffLimit", 6 if spec.get("backoffLimitPerIndex") is None else 2**31 - 1)
    set_default(spec, "completionMode", "NonIndexed")
    set_default(spec, "suspend", False)
    set_default(spec, "manualSelector", False)
    policy = "Failed" if spec.get("podFailurePolicy") else "TerminatingOrFailed"
    set_default(spec, "podReplacementPolicy", policy)
    for rule in (spec.get("podFailurePolicy") or {}).get("rules") or []:
        for pattern in rule.get("onPodConditions") or []:
            set_default(pattern, "status", "True")
    _template(spec)


def _job(document: Object) -> None:
    spec = document.setdefault("spec", {})
    _job_spec(spec)
    labels = ((spec.get("template") or {}).get("metadata") or {}).get("labels")
    if labels and not document["metadata"].get("labels"):
        document["metadata"]["labels"] = dict(labels)


def _cron_job(document: Object) -> None:
    spec = document.setdefault("spec", {})
    set_default(spec, "concurrencyPolicy", "Allow")
    set_default(spec, "suspend", False)
    set_default(spec, "successfulJobsHistoryLimit", 3)
    set_default(spec, "failedJobsHistoryLimit", 1)


def _claim(document: Object) -> None:
    set_default(document.setdefault("spec", {}), "volumeMode", "Filesystem")
    set_default(document.setdefault("status", {}), "phase", "Pending")


def _volume_object(document: Object) -> None:
    spec = document.setdefault("spec", {})
    set_default(spec, "persistentVolumeReclaimPolicy", "Retain")
    set_default(spec, "volumeMode", "Filesystem")
    set_default(document.setdefault("status", {}), "phase", "Pending")


def _service(document: Object) -> None:
    spec = document.setdefault("spec", {})
    set_default(spec, "sessionAffinity", "None")
    set_default(spec, "type", "ClusterIP")
    for port in spec.get("ports") or []:
        set_default(port, "protocol", "TCP")
        if port.get("targetPort") in (None, 0, ""):
            port["targetPort"] = port["port"]
    if spec["type"] in ("NodePort", "LoadBalancer"):
        set_default(spec, "externalTrafficPolicy", "Cluster")
    if spec["type"] == "LoadBalancer":
        set_default(spec, "allocateLoadBalancerNodePorts", True)
    if spec["type"] != "ExternalName":
        set_default(spec, "internalTrafficPolicy", "Cluster")
    document.setdefault("status", {}).setdefault("loadBalancer", {})


def _namespace(document: Object) -> None:
    meta = document["metadata"]
    if name := meta.get("name"):
        meta["labels"] = {**(meta.get("labels") or {}), "kubernetes.io/metadata.name": name}
    document.setdefault("spec", {})
    set_default(document.setdefault("status", {}), "phase", "Active")


def _secret(document: Object) -> None:
    import base64

    set_default(document, "type", "Opaque")
    plain = document.pop("stringData", None) or {}
    if plain:
        coded = {
            key: base64.b64encode(str(value).encode()).decode() for key, value in plain.items()
        }
        document["data"] = {**(document.get("data") or {}), **coded}


def _node(document: Object) -> None:
    status = document.setdefault("status", {})
    if status.get("capacity") and not status.get("allocatable"):
        status["allocatable"] = dict(status["capacity"])


def _network_policy(document: Object) -> None:
    spec = document.setdefault("spec", {})
    set_default(spec, "podSelector", {})
    types = ["Ingress"] + (["Egress"] if spec.get("egress") else [])
    if not spec.get("policyTypes"):
        spec["policyTypes"] = types
    for rule in [*(spec.get("ingress") or []), *(spec.get("egress") or [])]:
        for port in rule.get("ports") or []:
            set_default(port, "protocol", "TCP")


def _autoscaler(document: Object) -> None:
    spec = document.setdefault("spec", {})
    set_default(spec, "minReplicas", 1)
    if not spec.get("metrics"):
        target = {"type": "Utilization", "averageUtilization": 80}
        spec["metrics"] = [{"type": "Resource", "resource": {"name": "cpu", "target": target}}]


def _storage_class(document: Object) -> None:
    set_default(document, "reclaimPolicy", "Delete")
    set_default(document, "volumeBindingMode", "Immediate")


def _binding(document: Object) -> None:
    reference = document.get("roleRef") or {}
    set_default(reference, "apiGroup", "rbac.authorization.k8s.io")
    for subject in document.get("subjects") or []:
        if subject.get("kind") in ("User", "Group"):
            set_default(subject, "apiGroup", "rbac.authorization.k8s.io")


def _limit_range(document: Object) -> None:
    for item in (document.get("spec") or {}).get("limits") or []:
        if item.get("type") != "Container":
            continue
        item["default"] = {**(item.get("max") or {}), **(item.get("default") or {})}
        item["defaultRequest"] = {
            **(item.get("min") or {}),
            **item["default"],
            **(item.get("defaultRequest") or {}),
        }


def _definition(document: Object) -> None:
    spec = document.setdefault("spec", {})
    names = spec.setdefault("names", {})
    set_default(names, "singular", names.get("kind", "").lower())
    set_default(names, "listKind", f"{names.get('kind', '')}List")
    set_default(spec, "conversion", {"strategy": "None"})


SETTERS = {
    "Pod": _pod,
    "Deployment": _deployment,
    "ReplicaSet": _replica_set,
    "StatefulSet": _stateful_set,
    "DaemonSet": _replica_set,
    "Job": _job,
    "CronJob": _cron_job,
    "PersistentVolumeClaim": _claim,
    "PersistentVolume": _volume_object,
    "Service": _service,
    "Namespace": _namespace,
    "Secret": _secret,
    "Node": _node,
    "NetworkPolicy": _network_policy,
    "HorizontalPodAutoscaler": _autoscaler,
    "StorageClass": _storage_class,
    "RoleBinding": _binding,
    "ClusterRoleBinding": _binding,
    "LimitRange": _limit_range,
    "CustomResourceDefinition": _definition,
}
