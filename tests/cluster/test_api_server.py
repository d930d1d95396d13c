"""The API server in memory keeps the promises that our code relies on."""

from __future__ import annotations

import json
import threading
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

import pytest

from tests.cluster.memory import MemoryCluster

Object = dict[str, Any]
CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"
WIDGETS = "/apis/test.org/v1/namespaces/default/widgets"
WIDGET_DEFINITION: Object = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "widgets.test.org"},
    "spec": {
        "group": "test.org",
        "scope": "Namespaced",
        "names": {"plural": "widgets", "kind": "Widget"},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "subresources": {"status": {}},
                "schema": {
                    "openAPIV3Schema": {
                        "type": "object",
                        "properties": {
                            "spec": {
                                "type": "object",
                                "required": ["size"],
                                "properties": {
                                    "size": {"type": "integer", "minimum": 1},
                                    "colour": {"type": "string", "default": "red"},
                                    "parts": {
                                        "type": "array",
                                        "x-kubernetes-list-type": "map",
                                        "x-kubernetes-list-map-keys": ["name"],
                                        "items": {
                                            "type": "object",
                                            "required": ["name"],
                                            "properties": {
                                                "name": {"type": "string"},
                                                "count": {"type": "integer"},
                                            },
                                        },
                                    },
                                },
                            },
                            "status": {
                                "type": "object",
                                "x-kubernetes-preserve-unknown-fields": True,
                            },
                        },
                    }
                },
            }
        ],
    },
}


class Asker:
    """Sends requests as one user and returns code and document."""

    def __init__(self, url: str, token: str) -> None:
        self.url, self.bearer = url, token

    def __call__(
        self, method: str, path: str, body: Any = None, media: str = "application/json"
    ) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {self.bearer}", "Content-Type": media}
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    def merge(self, path: str, patch: Any) -> tuple[int, Any]:
        return self("PATCH", path, patch, "application/merge-patch+json")

    def apply(self, path: str, body: Any, manager: str, *, force: bool = False) -> tuple[int, Any]:
        query = f"?fieldManager={manager}" + ("&force=true" if force else "")
        return self("PATCH", path + query, body, "application/apply-patch+yaml")


@pytest.fixture
def ask(api_server: MemoryCluster) -> Asker:
    return Asker(api_server.url, api_server.token())


def config_map(name: str = "a", **data: str) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name},
        "data": data or {"x": "1"},
    }


def widget(name: str = "w", **spec: Any) -> Object:
    return {
        "apiVersion": "test.org/v1",
        "kind": "Widget",
        "metadata": {"name": name},
        "spec": {"size": 1, **spec},
    }


def test_an_update_of_an_old_version_is_a_conflict(ask: Asker) -> None:
    _, made = ask("POST", CONFIG_MAPS, config_map())
    ask.merge(f"{CONFIG_MAPS}/a", {"data": {"x": "2"}})

    code, answer = ask("PUT", f"{CONFIG_MAPS}/a", made)

    assert (code, answer["reason"]) == (409, "Conflict")
    assert "the object has been modified" in answer["message"]


def test_a_write_that_changes_nothing_makes_no_version(ask: Asker) -> None:
    _, made = ask("POST", CONFIG_MAPS, config_map())

    code, same = ask.merge(f"{CONFIG_MAPS}/a", {"data": {"x": "1"}})

    assert (code, same["metadata"]["resourceVersion"]) == (200, made["metadata"]["resourceVersion"])


def test_a_dry_run_leaves_nothing_behind(ask: Asker) -> None:
    code, made = ask("POST", f"{CONFIG_MAPS}?dryRun=All", config_map())

    assert (code, made["metadata"]["name"]) == (201, "a")
    assert ask("GET", f"{CONFIG_MAPS}/a")[0] == 404


def test_lists_come_in_pages_of_one_moment(ask: Asker) -> None:
    for number in range(5):
        ask("POST", CONFIG_MAPS, config_map(f"a-{number}"))
    _, first = ask("GET", f"{CONFIG_MAPS}?limit=2")
    ask("DELETE", f"{CONFIG_MAPS}/a-3")

    _, second = ask("GET", f"{CONFIG_MAPS}?limit=9&continue={first['metadata']['continue']}")

    names = [item["metadata"]["name"] for item in first["items"] + second["items"]]
    assert names == [f"a-{number}" for number in range(5)]
    assert first["metadata"]["remainingItemCount"] == 3


def test_a_page_of_a_forgotten_list_has_expired(api_server: MemoryCluster, ask: Asker) -> None:
    for number in range(3):
        ask("POST", CONFIG_MAPS, config_map(f"a-{number}"))
    _, first = ask("GET", f"{CONFIG_MAPS}?limit=1")
    ask("DELETE", f"{CONFIG_MAPS}/a-0")
    api_server.store.compact()

    code, answer = ask("GET", f"{CONFIG_MAPS}?limit=1&continue={first['metadata']['continue']}")

    assert (code, answer["reason"]) == (410, "Expired")


@pytest.mark.parametrize(
    ("selector", "names"),
    [
        ("tier=a", ["one"]),
        ("tier!=a", ["three", "two"]),
        ("tier in (a,b)", ["one", "two"]),
        ("tier notin (a)", ["three", "two"]),
        ("tier", ["one", "two"]),
        ("!tier", ["three"]),
        ("tier,size=1", ["two"]),
    ],
)
def test_label_selectors_select(ask: Asker, selector: str, names: list[str]) -> None:
    for name, labels in (
        ("one", {"tier": "a"}),
        ("two", {"tier": "b", "size": "1"}),
        ("three", {}),
    ):
        document = config_map(name)
        document["metadata"]["labels"] = labels
        ask("POST", CONFIG_MAPS, document)

    _, found = ask("GET", f"{CONFIG_MAPS}?labelSelector={urllib.parse.quote(selector)}")

    assert [item["metadata"]["name"] for item in found["items"]] == names


def test_an_unknown_field_cannot_be_selected_by(ask: Asker) -> None:
    code, answer = ask("GET", "/api/v1/pods?fieldSelector=spec.colour=red")

    assert code == 400
    assert "field label not supported: spec.colour" in answer["message"]


def test_a_definition_brings_a_kind_with_defaults_and_checks(ask: Asker) -> None:
    ask("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", WIDGET_DEFINITION)

    code, made = ask("POST", WIDGETS, widget(unknown=1))
    refused, answer = ask("POST", WIDGETS, widget("v", size=0))

    assert (code, made["spec"]) == (201, {"size": 1, "colour": "red"})
    assert refused == 422
    assert answer["message"] == (
        'Widget.test.org "v" is invalid: spec.size: Invalid value: 0: '
        "spec.size in body should be greater than or equal to 1"
    )


def test_status_and_spec_are_written_apart(ask: Asker) -> None:
    ask("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", WIDGET_DEFINITION)
    ask("POST", WIDGETS, {**widget(), "status": {"phase": "Sneaked"}})

    _, plain = ask.merge(f"{WIDGETS}/w", {"spec": {"size": 2}, "status": {"phase": "Sneaked"}})
    _, status = ask.merge(f"{WIDGETS}/w/status", {"spec": {"size": 9}, "status": {"phase": "Good"}})

    assert (plain["metadata"]["generation"], "status" in plain) == (2, False)
    assert (status["spec"]["size"], status["status"]) == (2, {"phase": "Good"})
    assert status["metadata"]["generation"] == 2


def test_appliers_share_an_object_and_conflict_over_a_field(ask: Asker) -> None:
    ask("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", WIDGET_DEFINITION)
    path = f"{WIDGETS}/w"
    mine = widget(colour="blue", parts=[{"name": "a", "count": 1}])
    code, _ = ask.apply(path, mine, "one")
    theirs = {**widget(), "spec": {"parts": [{"name": "b", "count": 2}]}}
    _, both = ask.apply(path, theirs, "two")
    refused, answer = ask.apply(path, {**widget(), "spec": {"colour": "green"}}, "two")
    _, forced = ask.apply(path, {**widget(), "spec": {"colour": "green"}}, "two", force=True)
    _, less = ask.apply(path, {**widget(), "spec": {"size": 1}}, "one")

    assert code == 201
    assert [part["name"] for part in both["spec"]["parts"]] == ["a", "b"]
    assert refused == 409
    assert answer["message"] == 'Apply failed with 1 conflict: conflict with "one": .spec.colour'
    assert [part["name"] for part in forced["spec"]["parts"]] == ["a"]
    assert less["spec"] == {"size": 1, "colour": "green"}


def test_an_object_with_finalizers_goes_when_the_last_is_taken(ask: Asker) -> None:
    document = config_map()
    document["metadata"]["finalizers"] = ["test.org/hold"]
    ask("POST", CONFIG_MAPS, document)

    _, marked = ask("DELETE", f"{CONFIG_MAPS}/a")
    held = ask("GET", f"{CONFIG_MAPS}/a")[0]
    ask.merge(f"{CONFIG_MAPS}/a", {"metadata": {"finalizers": None}})

    assert "deletionTimestamp" in marked["metadata"]
    assert (held, ask("GET", f"{CONFIG_MAPS}/a")[0]) == (200, 404)


def test_strategic_merge_knows_containers_by_name(ask: Asker) -> None:
    pods = "/api/v1/namespaces/default/pods"
    containers = [{"name": "a", "image": "x:1"}, {"name": "b", "image": "y:1"}]
    pod = {"metadata": {"name": "p"}, "spec": {"containers": containers}}
    ask("POST", pods, pod)

    patch = {"spec": {"containers": [{"name": "b", "image": "y:2"}]}}
    _, patched = ask("PATCH", f"{pods}/p", patch, "application/strategic-merge-patch+json")

    images = [container["image"] for container in patched["spec"]["containers"]]
    assert images == ["x:1", "y:2"]


def test_json_patch_tests_before_it_writes(ask: Asker) -> None:
    ask("POST", CONFIG_MAPS, config_map())
    wrong = [{"op": "test", "path": "/data/x", "value": "9"}, {"op": "remove", "path": "/data/x"}]
    right = [
        {"op": "test", "path": "/data/x", "value": "1"},
        {"op": "add", "path": "/data/y", "value": "2"},
    ]

    refused, _ = ask("PATCH", f"{CONFIG_MAPS}/a", wrong, "application/json-patch+json")
    _, done = ask("PATCH", f"{CONFIG_MAPS}/a", right, "application/json-patch+json")

    assert (refused, done["data"]) == (422, {"x": "1", "y": "2"})


def read_watch(ask: Asker, path: str, count: int) -> list[Object]:
    headers = {"Authorization": f"Bearer {ask.bearer}"}
    request = urllib.request.Request(ask.url + path, headers=headers)
    with urllib.request.urlopen(request, timeout=10) as stream:
        lines = [stream.readline() for _ in range(count)]
    return [json.loads(line) for line in lines if line]


def told(events: list[Object]) -> list[tuple[str, str]]:
    return [(event["type"], event["object"]["metadata"].get("name", "")) for event in events]


def test_a_watch_replays_history_and_goes_on(ask: Asker) -> None:
    _, first = ask("POST", CONFIG_MAPS, config_map("a"))
    ask("POST", CONFIG_MAPS, config_map("b"))
    version = first["metadata"]["resourceVersion"]
    later = threading.Timer(0.05, lambda: ask("DELETE", f"{CONFIG_MAPS}/a"))
    later.start()

    seen = read_watch(ask, f"{CONFIG_MAPS}?watch=1&resourceVersion={version}", 2)

    assert told(seen) == [("ADDED", "b"), ("DELETED", "a")]


def test_an_object_that_leaves_the_selection_is_seen_as_deleted(ask: Asker) -> None:
    document = config_map()
    document["metadata"]["labels"] = {"in": "yes"}
    _, made = ask("POST", CONFIG_MAPS, document)
    ask.merge(f"{CONFIG_MAPS}/a", {"metadata": {"labels": {"in": "no"}}})
    ask.merge(f"{CONFIG_MAPS}/a", {"metadata": {"labels": {"in": "yes"}}})

    version = made["metadata"]["resourceVersion"]
    path = f"{CONFIG_MAPS}?watch=1&resourceVersion={version}&labelSelector=in%3Dyes"

    assert told(read_watch(ask, path, 2)) == [("DELETED", "a"), ("ADDED", "a")]


def test_a_watch_from_a_forgotten_version_says_gone(api_server: MemoryCluster, ask: Asker) -> None:
    _, made = ask("POST", CONFIG_MAPS, config_map())
    ask("DELETE", f"{CONFIG_MAPS}/a")
    api_server.store.compact()

    version = made["metadata"]["resourceVersion"]
    (event,) = read_watch(ask, f"{CONFIG_MAPS}?watch=1&resourceVersion={version}", 1)

    assert (event["type"], event["object"]["code"]) == ("ERROR", 410)


def test_bookmarks_mark_the_end_of_what_was_there(ask: Asker) -> None:
    ask("POST", CONFIG_MAPS, config_map())
    query = "watch=1&sendInitialEvents=true&allowWatchBookmarks=true"

    seen = read_watch(ask, f"{CONFIG_MAPS}?{query}&resourceVersionMatch=NotOlderThan", 2)

    assert told(seen) == [("ADDED", "a"), ("BOOKMARK", "")]
    assert seen[1]["object"]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}


def test_a_user_may_what_a_role_says_and_no_more(api_server: MemoryCluster, ask: Asker) -> None:
    rbac = "/apis/rbac.authorization.k8s.io/v1/namespaces/default"
    rules = [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "list"]}]
    ask("POST", f"{rbac}/roles", {"metadata": {"name": "reader"}, "rules": rules})
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reader"}
    subjects = [{"kind": "User", "name": "jane"}]
    binding = {"metadata": {"name": "jane"}, "roleRef": reference, "subjects": subjects}
    ask("POST", f"{rbac}/rolebindings", binding)
    jane = Asker(api_server.url, api_server.token("jane"))
    verb: Mapping[str, str] = {"verb": "list", "resource": "configmaps", "namespace": "default"}
    review = {"spec": {"user": "jane", "resourceAttributes": verb}}

    allowed, _ = jane("GET", CONFIG_MAPS)
    refused, answer = jane("POST", CONFIG_MAPS, config_map())
    _, reviewed = ask("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", review)

    assert (allowed, refused) == (200, 403)
    assert answer["message"] == (
        'configmaps is forbidden: User "jane" cannot create resource "configmaps" '
        'in API group "" in the namespace "default"'
    )
    assert reviewed["status"]["allowed"] is True
    assert [(call.verb, call.code) for call in api_server.calls if call.user == "jane"] == [
        ("list", 200),
        ("create", 403),
    ]


def test_nobody_grants_what_they_do_not_hold(api_server: MemoryCluster, ask: Asker) -> None:
    rbac = "/apis/rbac.authorization.k8s.io/v1"
    rules = [{"apiGroups": ["rbac.authorization.k8s.io"], "resources": ["*"], "verbs": ["*"]}]
    rules[0]["verbs"] = ["create", "get"]
    ask("POST", f"{rbac}/clusterroles", {"metadata": {"name": "maker"}, "rules": rules})
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "maker"}
    subjects = [{"kind": "User", "name": "jane"}]
    binding = {"metadata": {"name": "jane"}, "roleRef": reference, "subjects": subjects}
    ask("POST", f"{rbac}/clusterrolebindings", binding)
    jane = Asker(api_server.url, api_server.token("jane"))
    more = [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}]

    code, answer = jane(
        "POST", f"{rbac}/clusterroles", {"metadata": {"name": "more"}, "rules": more}
    )

    assert code == 403
    assert "is attempting to grant RBAC permissions not currently held" in answer["message"]


def test_the_restricted_level_turns_a_careless_pod_away(ask: Asker) -> None:
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    ask("POST", "/api/v1/namespaces", {"metadata": {"name": "safe", "labels": labels}})
    pod = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "x"}]}}

    code, answer = ask("POST", "/api/v1/namespaces/safe/pods", pod)

    assert code == 403
    assert answer["message"] == (
        'pods "p" is forbidden: violates PodSecurity "restricted:latest": '
        'allowPrivilegeEscalation != false (container "c" must set '
        "securityContext.allowPrivilegeEscalation=false), unrestricted capabilities "
        '(container "c" must set securityContext.capabilities.drop=["ALL"]), runAsNonRoot != true '
        '(pod or container "c" must set securityContext.runAsNonRoot=true), seccompProfile (pod or '
        'container "c" must set securityContext.seccompProfile.type to "RuntimeDefault" or '
        '"Localhost")'
    )


def test_a_quota_counts_gpus(ask: Asker) -> None:
    quota = {"metadata": {"name": "gpus"}, "spec": {"hard": {"requests.nvidia.com/gpu": "1"}}}
    ask("POST", "/api/v1/namespaces/default/resourcequotas", quota)
    resources = {"limits": {"nvidia.com/gpu": 2}}
    container = {"name": "c", "image": "x", "resources": resources}
    pod = {"metadata": {"name": "p"}, "spec": {"containers": [container]}}

    code, answer = ask("POST", "/api/v1/namespaces/default/pods", pod)

    assert code == 403
    assert answer["message"] == (
        'pods "p" is forbidden: exceeded quota: gpus, requested: requests.nvidia.com/gpu=2, '
        "used: requests.nvidia.com/gpu=0, limited: requests.nvidia.com/gpu=1"
    )
