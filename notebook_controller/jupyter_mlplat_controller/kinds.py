"""The kinds of objects the controller reads and writes."""

from jupyter_mlplat_controller.plans import Kind

NOTEBOOK = Kind("kubeflow.org", "v1", "Notebook", "notebooks")
POD_DEFAULT = Kind("kubeflow.org", "v1alpha1", "PodDefault", "poddefaults")
SERVER_KIND = Kind("mlplat.jupyter.org", "v1alpha1", "ServerKind", "serverkinds", namespaced=False)

STATEFUL_SET = Kind("apps", "v1", "StatefulSet", "statefulsets")
SERVICE = Kind("", "v1", "Service", "services")
CLAIM = Kind("", "v1", "PersistentVolumeClaim", "persistentvolumeclaims")
POD = Kind("", "v1", "Pod", "pods")
NODE = Kind("", "v1", "Node", "nodes", namespaced=False)
EVENT = Kind("", "v1", "Event", "events")
LEASE = Kind("coordination.k8s.io", "v1", "Lease", "leases")
NETWORK_POLICY = Kind("networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies")
INGRESS = Kind("networking.k8s.io", "v1", "Ingress", "ingresses")
HTTP_ROUTE = Kind("gateway.networking.k8s.io", "v1", "HTTPRoute", "httproutes")

PROFILE = Kind("kubeflow.org", "v1", "Profile", "profiles", namespaced=False)
NAMESPACE = Kind("", "v1", "Namespace", "namespaces", namespaced=False)
SERVICE_ACCOUNT = Kind("", "v1", "ServiceAccount", "serviceaccounts")
RESOURCE_QUOTA = Kind("", "v1", "ResourceQuota", "resourcequotas")
LIMIT_RANGE = Kind("", "v1", "LimitRange", "limitranges")
ROLE_BINDING = Kind("rbac.authorization.k8s.io", "v1", "RoleBinding", "rolebindings")

WORKSPACE = Kind("kubeflow.org", "v1beta1", "Workspace", "workspaces")
WORKSPACE_KIND = Kind(
    "kubeflow.org", "v1beta1", "WorkspaceKind", "workspacekinds", namespaced=False
)
