"""Notebooks and PodDefaults of Kubeflow, and our server kinds, as documents.

Values in, values out: what a server asks for and how it is, read from its Notebook. What a cluster
is to make of it lies in the controller.

Source:
    kubeflow/notebooks 177b098 (branch notebooks-v1), components/notebook-controller/api;
    kubeflow/kubeflow v1.10, components/admission-webhook/pkg/apis/settings/v1alpha1.
"""

GROUP = "kubeflow.org"
VERSIONS = ("v1", "v1beta1", "v1alpha1")
OUR_GROUP = "mlplat.jupyter.org"

STOPPED = "kubeflow-resource-stopped"
LAST_ACTIVITY = "notebooks.kubeflow.org/last-activity"
LAST_CHECK = "notebooks.kubeflow.org/last_activity_check_timestamp"
SERVER_TYPE = "notebooks.kubeflow.org/server-type"
CREATOR = "notebooks.kubeflow.org/creator"

SERVER_KIND = f"{OUR_GROUP}/server-kind"
OPTIONS = f"{OUR_GROUP}/options"
CULL_AFTER = f"{OUR_GROUP}/cull-after"
MAX_LIFETIME = f"{OUR_GROUP}/max-lifetime"
WARNED_AT = f"{OUR_GROUP}/warned-at"
WAKE_REQUESTED = f"{OUR_GROUP}/wake-requested"
STOP_REASON = f"{OUR_GROUP}/stop-reason"
STARTED_AT = f"{OUR_GROUP}/started-at"
RUNNING_WORK = f"{OUR_GROUP}/running-work"
"""Set by an engine that runs work for the server: until when it counts as busy, as a time."""

SERVER_READY = "ServerReady"
SPEC_REDUCED = "SpecReduced"
IDLE_WARNING = "IdleWarning"
RESTART_NEEDED = "RestartNeeded"
"""Types of our conditions; they follow those copied from the pod."""
