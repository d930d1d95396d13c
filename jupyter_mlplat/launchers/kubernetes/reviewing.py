"""What people may do, as the cluster's own roles say: SubjectAccessReviews."""

from pathlib import Path
from typing import Any

from jupyter_mlplat.ports.reviewing import GROUP, Review

_TIMEOUT_S = 5.0


class ClusterReviewer:
    """Asks the API server: a `ports.reviewing.Reviewer`.

    In a pod it is asked as the pod's service account, elsewhere as the user's kubeconfig says. That
    account needs the right to create `subjectaccessreviews` and nothing else.
    """

    def __init__(self, kubeconfig: Path | None = None) -> None:
        self._kubeconfig = kubeconfig
        self._client: Any = None

    async def may(self, review: Review) -> bool:
        if self._client is None:
            self._client = await _client(self._kubeconfig)
        answer = await self._client.create_subject_access_review(
            document_of(review), _request_timeout=_TIMEOUT_S
        )
        return answer.status.allowed is True and answer.status.denied is not True

    async def close(self) -> None:
        if self._client is not None:
            await self._client.api_client.close()


async def _client(kubeconfig: Path | None) -> Any:
    from kubernetes.aio import client, config

    found: Any = config
    settings = client.Configuration()
    named = {} if kubeconfig is None else {"config_file": str(kubeconfig)}
    await found.load_config(client_configuration=settings, **named)
    return client.AuthorizationV1Api(client.ApiClient(settings))


def document_of(review: Review) -> dict[str, Any]:
    """Write a review as the cluster reads it."""
    return {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {
            "user": review.user,
            "groups": [*review.groups, "system:authenticated"],
            "resourceAttributes": {
                "group": GROUP,
                "resource": review.resource,
                "verb": review.verb,
                "namespace": review.namespace,
            },
        },
    }
