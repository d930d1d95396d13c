"""What a Profile becomes."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_mlplat_controller.profiles.deciding import Outcome, Seen, decide
from jupyter_mlplat_controller.profiles.settings import ProfileSettings

SETTINGS = ProfileSettings()
Manifest = dict[str, Any]


def profile(name: str = "ann", **fields: Any) -> Manifest:
    """Return upstream's sample, as the API server has it."""
    annotations = fields.pop("annotations", {})
    return {
        "apiVersion": "kubeflow.org/v1",
        "kind": "Profile",
        "metadata": {"name": name, "uid": f"uid-{name}", "annotations": annotations},
        "spec": {"owner": {"kind": "User", "name": "ann@example.org"}, **fields},
    }


def namespace(owner: str | None = "ann@example.org", **metadata: Any) -> Manifest:
    annotations = {"owner": owner} if owner else {}
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": "ann", "annotations": annotations, **metadata},
    }


def objects(outcome: Outcome, kind: str) -> dict[str, Manifest]:
    return {one["metadata"]["name"]: one for one in outcome.apply if one["kind"] == kind}  # type: ignore[index,call-overload,misc]


def told(outcome: Outcome) -> dict[str, str]:
    conditions: Any = (outcome.status or {})["conditions"]
    return {one["type"]: one["message"] for one in conditions}


def test_profile_becomes_a_namespace_with_roles_limits_and_walls() -> None:
    outcome = decide(profile(), Seen(), SETTINGS)

    assert set(objects(outcome, "Namespace")) == {"ann"}
    assert set(objects(outcome, "ServiceAccount")) == {"default-editor", "default-viewer"}
    assert {
        name: (one["roleRef"]["name"], one["subjects"][0]["name"])
        for name, one in objects(outcome, "RoleBinding").items()
    } == {
        "namespaceAdmin": ("mlplat-profile-admin", "ann@example.org"),
        "default-editor": ("mlplat-profile-edit", "default-editor"),
        "default-viewer": ("mlplat-profile-view", "default-viewer"),
        "mlplat-engine": ("mlplat-engine", "mlplat-engine"),
    }
    assert "mlplat-default-deny" in objects(outcome, "NetworkPolicy")
    assert set(objects(outcome, "LimitRange")) == {"mlplat-limit-range"}
    assert told(outcome) == {"Successful": "Namespace 'ann' is there for User 'ann@example.org'."}


def test_namespace_is_owned_named_and_restricted() -> None:
    made = objects(decide(profile(), Seen(), SETTINGS), "Namespace")["ann"]["metadata"]

    assert made["annotations"] == {"owner": "ann@example.org"}
    assert made["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    assert made["labels"]["app.kubernetes.io/part-of"] == "kubeflow-profile"
    assert made["ownerReferences"][0]["uid"] == "uid-ann"


def test_walls_stand_before_anybody_may_come_in() -> None:
    kinds = [one["kind"] for one in decide(profile(), Seen(), SETTINGS).apply]

    assert kinds[:2] == ["Namespace", "NetworkPolicy"]
    assert kinds.index("RoleBinding") > max(
        at for at, kind in enumerate(kinds) if kind in ("NetworkPolicy", "LimitRange")
    )


def test_quota_is_passed_on_as_it_is_written() -> None:
    hard = {"cpu": "2", "requests.nvidia.com/gpu": "1", "persistentvolumeclaims": 1}

    outcome = decide(profile(resourceQuotaSpec={"hard": hard}), Seen(), SETTINGS)

    assert objects(outcome, "ResourceQuota")["kf-resource-quota"]["spec"] == {"hard": hard}


def test_second_look_changes_nothing() -> None:
    first = decide(profile(), Seen(), SETTINGS)
    seen = Seen(first.apply[0], first.apply[1:])

    assert decide(profile(), seen, SETTINGS) == first


def test_contributors_get_roles_and_lose_them() -> None:
    people = [{"name": "bob@example.org"}, {"name": "team", "kind": "Group", "role": "view"}]
    annotations = {"mlplat.jupyter.org/contributors": json.dumps(people)}
    outcome = decide(profile(annotations=annotations), Seen(), SETTINGS)
    bindings = {
        (one["subjects"][0]["kind"], one["subjects"][0]["name"]): one["roleRef"]["name"]
        for one in objects(outcome, "RoleBinding").values()
    }

    after = decide(profile(), Seen(outcome.apply[0], outcome.apply[1:]), SETTINGS)

    assert bindings["User", "bob@example.org"] == "mlplat-profile-edit"
    assert bindings["Group", "team"] == "mlplat-profile-view"
    assert {one["subjects"][0]["name"] for one in after.delete} == {"bob@example.org", "team"}  # type: ignore[index,call-overload]


def test_users_whose_names_look_alike_have_bindings_of_their_own() -> None:
    people = [{"name": "a.b@c"}, {"name": "a-b@c"}, {"name": "A.b@c"}]
    annotations = {"mlplat.jupyter.org/contributors": json.dumps(people)}

    outcome = decide(profile(annotations=annotations), Seen(), SETTINGS)

    assert len(objects(outcome, "RoleBinding")) == 4 + 3


@pytest.mark.parametrize(
    ("seen", "needed"),
    [
        (namespace(owner=None), "not owned by profile creator ann@example.org"),
        (namespace(owner="bob"), "It is owned by 'bob'"),
        (
            namespace(
                ownerReferences=[{"kind": "Profile", "name": "x", "uid": "u", "controller": True}]
            ),
            "belongs to Profile 'x' already",
        ),
    ],
    ids=["nobody's", "another owner's", "another Profile's"],
)
def test_namespace_of_somebody_else_is_never_taken_over(seen: Manifest, needed: str) -> None:
    outcome = decide(profile(), Seen(seen), SETTINGS)

    assert (outcome.apply, outcome.delete) == ((), ())
    assert needed in told(outcome)["Failed"]


def test_namespace_that_its_owner_had_before_is_used_and_not_made_ours_to_delete() -> None:
    labels = {"pod-security.kubernetes.io/enforce": "baseline"}

    outcome = decide(profile(), Seen(namespace(labels=labels)), SETTINGS)

    made = outcome.apply[0]["metadata"]
    assert isinstance(made, dict)
    assert "ownerReferences" not in made
    assert "pod-security.kubernetes.io/enforce" not in made["labels"]  # type: ignore[operator]


def test_namespace_that_is_going_is_waited_for() -> None:
    outcome = decide(profile(), Seen(namespace(deletionTimestamp="now")), SETTINGS)

    assert outcome.apply == ()
    assert outcome.again_s


@pytest.mark.parametrize(
    "name", ["kube-system", "default", "mlplat-system", "openshift-x", "a.b", "x" * 64]
)
def test_name_that_no_profile_may_have_is_refused(name: str) -> None:
    outcome = decide(profile(name), Seen(), SETTINGS)

    assert outcome.apply == ()
    assert set(told(outcome)) == {"Failed"}


def test_role_binding_of_somebody_else_is_not_replaced() -> None:
    theirs = {
        "kind": "RoleBinding",
        "metadata": {"name": "namespaceAdmin", "namespace": "ann"},
        "roleRef": {"kind": "ClusterRole", "name": "cluster-admin"},
    }

    outcome = decide(profile(), Seen(namespace(), (theirs,)), SETTINGS)

    assert (outcome.apply, outcome.delete) == ((), ())
    assert "namespaceAdmin" in told(outcome)["Failed"]


def test_own_role_binding_of_another_role_is_made_anew() -> None:
    first = decide(profile(), Seen(), SETTINGS)
    old = objects(first, "RoleBinding")["namespaceAdmin"]
    old = {**old, "roleRef": {**old["roleRef"], "name": "kubeflow-admin"}}

    outcome = decide(profile(), Seen(first.apply[0], (old,)), SETTINGS)

    assert outcome.delete == (old,)
    assert "namespaceAdmin" in objects(outcome, "RoleBinding")


def test_plugins_are_recorded_and_what_lies_in_the_cluster_is_done() -> None:
    plugins = [
        {"kind": "AwsIamForServiceAccount", "spec": {"awsIamRole": "arn:aws:iam::1:role/s3"}},
        {"kind": "Mystery", "spec": {}},
    ]

    outcome = decide(profile(plugins=plugins), Seen(), SETTINGS)

    editor = objects(outcome, "ServiceAccount")["default-editor"]["metadata"]
    assert editor["annotations"] == {"eks.amazonaws.com/role-arn": "arn:aws:iam::1:role/s3"}
    assert "Mystery: recorded, not applied" in told(outcome)["PluginsRecorded"]
    assert "let the role trust" in told(outcome)["PluginsRecorded"]


@pytest.mark.parametrize(
    ("annotations", "needed"),
    [
        ({"mlplat.jupyter.org/contributors": "nobody"}, "no JSON"),
        ({"mlplat.jupyter.org/contributors": '[{"role": "king"}]'}, "Contributor 1"),
        ({"mlplat.jupyter.org/egress": "everything"}, "found 'everything'"),
        ({"mlplat.jupyter.org/egress": "api-server"}, "Ask the administrator"),
        ({"mlplat.jupyter.org/limits": "[1]"}, "needed a JSON mapping"),
        ({"mlplat.jupyter.org/limits": '{"max": {"cpu": "lots"}}'}, "limits"),
    ],
)
def test_annotation_that_is_not_understood_is_told_and_all_else_goes_on(
    annotations: dict[str, str], needed: str
) -> None:
    outcome = decide(profile(annotations=annotations), Seen(), SETTINGS)

    assert len(outcome.apply) > 10
    assert needed in told(outcome)["Ignored"]


@pytest.mark.parametrize(
    ("spec", "needed"),
    [
        ({}, "spec.owner: is missing"),
        ({"owner": {"kind": "Robot", "name": "x"}}, "spec.owner.kind"),
        ({"owner": {"kind": "User", "name": ""}}, "spec.owner.name"),
        ({"owner": {"kind": "User", "name": "x"}, "quota": {}}, "there is no such field"),
    ],
)
def test_spec_that_is_wrong_is_told_by_its_place(spec: Manifest, needed: str) -> None:
    outcome = decide({**profile(), "spec": spec}, Seen(), SETTINGS)

    assert outcome.apply == ()
    assert needed in told(outcome)["Failed"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner),
    max_leaves=8,
)
HOSTILE = st.fixed_dictionaries(
    {},
    optional={
        "owner": JSON,
        "plugins": JSON,
        "resourceQuotaSpec": JSON,
        "anything": JSON,
    },
)
ANNOTATIONS = st.dictionaries(
    st.sampled_from(
        [f"mlplat.jupyter.org/{name}" for name in ("contributors", "limits", "egress")]
    ),
    st.text(max_size=30) | JSON.map(json.dumps),
)


@settings(max_examples=100, deadline=None)
@given(HOSTILE, ANNOTATIONS)
def test_whatever_is_written_there_is_a_condition(
    spec: Manifest, annotations: dict[str, str]
) -> None:
    made = profile(annotations=annotations)

    outcome = decide({**made, "spec": {**made["spec"], **spec}}, Seen(), SETTINGS)

    assert set(told(outcome)) & {"Successful", "Failed"}
    assert all(
        one.get("kind") == "Namespace" or one["metadata"]["namespace"] == "ann"  # type: ignore[index,call-overload]
        for one in outcome.apply
    )
