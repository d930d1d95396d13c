"""What people may do, as the cluster's own roles say: SubjectAccessReviews."""

from typing import Any

from jupyter_mlplat.ports.reviewing import GROUP, Review

_TIMEOUT_S = 5.0


class ClusterReviewer:
    """Asks the API server: a `ports.reviewing.Reviewer`.

    In a pod it is asked as the pod's service account, elsewhere as the user's kubeconfig says. That
    account needs the right to create `subjectaccessreviews` and nothing else.
    """

    def __init__(self) -> None:
        self._client: Any = None

    async def may(self, review: Review) -> bool:
        from kubernetes.aio import client, config

        if self._client is None:
            await config.load_config()
            self._client = client.ApiClient()
        answer = await client.AuthorizationV1Api(self._client).create_subject_access_review(
            document_of(review), _request_timeout=_TIMEOUT_S
        )
        return answer.status.allowed is True and answer.status.denied is not True

    async def close(self) -> None:
        if self._client is not None:
            await self._client.close()


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
