"""What the controller asks of the API server, call by call: its ClusterRole holds just this.

A test compares the calls of the whole suite with this list, and the manifests are made from it.
"""

CALLS: frozenset[tuple[str, str, str]] = frozenset(
    (verb, group, resource)
    for group, resource, verbs in (
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
    for verb in verbs.split()
)
"""(verb, group, resource). Ingresses and HTTPRoutes: only where `route` says so; leases: only in
the controller's own namespace."""
