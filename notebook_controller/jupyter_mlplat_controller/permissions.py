"""What the controller asks of the API server, call by call: its ClusterRole holds just this.

A test compares the calls of the whole suite with this list, and the manifests are made from it.
"""

Calls = frozenset[tuple[str, str, str]]
"""(verb, group, resource)."""


def _calls(*rows: tuple[str, str, str]) -> Calls:
    return frozenset(
        (verb, group, resource) for group, resource, verbs in rows for verb in verbs.split()
    )


CALLS = _calls(
    ("kubeflow.org", "notebooks", "get list watch patch"),
    ("kubeflow.org", "notebooks/status", "patch"),
    ("kubeflow.org", "poddefaults", "list watch"),
    ("mlplat.jupyter.org", "serverkinds", "list watch"),
    ("apps", "statefulsets", "get list watch create update"),
    ("", "services", "get list watch create update"),
    ("", "persistentvolumeclaims", "get list watch create"),
    ("", "pods", "list watch"),
    ("", "nodes", "list"),
    ("", "events", "list watch"),
    ("networking.k8s.io", "networkpolicies", "get list watch create update"),
    ("networking.k8s.io", "ingresses", "get list watch create update"),
    ("gateway.networking.k8s.io", "httproutes", "get list watch create update"),
    ("coordination.k8s.io", "leases", "get create update"),
)
"""For notebooks. Ingresses and HTTPRoutes: only where `route` says so; leases: only in
the controller's own namespace."""

PROFILE_CALLS = _calls(
    ("kubeflow.org", "profiles", "get list watch"),
    ("kubeflow.org", "profiles/status", "patch"),
    ("", "namespaces", "get list watch create update"),
    ("networking.k8s.io", "networkpolicies", "delete"),
    ("", "serviceaccounts", "get list watch create update"),
    ("", "resourcequotas", "get list watch create update delete"),
    ("", "limitranges", "get list watch create update"),
    ("rbac.authorization.k8s.io", "rolebindings", "get list watch create update delete"),
)
"""For profiles, on top of `CALLS`."""

WORKSPACE_CALLS = _calls(
    ("kubeflow.org", "workspaces", "get list watch patch"),
    ("kubeflow.org", "workspaces/status", "patch"),
    ("kubeflow.org", "workspacekinds", "get list watch"),
    ("kubeflow.org", "workspacekinds/status", "patch"),
    ("kubeflow.org", "notebooks", "create update"),
    ("", "namespaces", "list watch"),
)
"""For workspaces, on top of `CALLS`."""
