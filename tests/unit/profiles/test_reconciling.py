"""What is written about a Profile."""

from typing import Any

from jupyter_mlplat_controller.plans import Create, Delete, Patch, Plan, Replace
from jupyter_mlplat_controller.profiles.deciding import Seen
from jupyter_mlplat_controller.profiles.reconciling import reconcile
from jupyter_mlplat_controller.profiles.settings import ProfileSettings
from tests.unit.profiles.test_deciding import Manifest, profile

SETTINGS = ProfileSettings()


def stored(plan: Plan) -> tuple[Manifest, Seen]:
    """Return the cluster as it is when a first plan is carried out."""
    made: list[Manifest] = []
    before = profile()
    for at, write in enumerate(plan.writes):
        if isinstance(write, Create):
            body: Any = dict(write.body)
            metadata = {**body["metadata"], "uid": f"uid-{at}", "resourceVersion": str(at)}
            made.append({**body, "metadata": metadata})
        elif isinstance(write, Patch):
            before = {**before, **write.body}
    return before, Seen(made[0], tuple(made[1:]))


def test_first_round_creates_and_second_does_nothing() -> None:
    first = reconcile(profile(), Seen(), SETTINGS)
    before, seen = stored(first)

    again = reconcile(before, seen, SETTINGS)

    assert {type(write) for write in first.writes} == {Create, Patch}
    assert again.writes == ()


def test_amounts_that_the_api_server_writes_otherwise_are_no_change() -> None:
    quota = {"hard": {"cpu": "2000m"}}
    before, seen = stored(reconcile(profile(resourceQuotaSpec=quota), Seen(), SETTINGS))
    objects = tuple(
        {**one, "spec": {"hard": {"cpu": "2"}}} if one["kind"] == "ResourceQuota" else one
        for one in seen.objects
    )
    before = {**profile(resourceQuotaSpec=quota), "status": before["status"]}

    assert reconcile(before, Seen(seen.namespace, objects), SETTINGS).writes == ()


def test_wall_with_a_hole_is_built_anew() -> None:
    before, seen = stored(reconcile(profile(), Seen(), SETTINGS))
    hole = {"podSelector": {}, "policyTypes": ["Ingress", "Egress"], "egress": [{}]}
    objects = tuple(
        {**one, "spec": hole} if one["metadata"]["name"] == "mlplat-default-deny" else one  # type: ignore[index,call-overload]
        for one in seen.objects
    )

    (write,) = reconcile(before, Seen(seen.namespace, objects), SETTINGS).writes

    assert isinstance(write, Replace)
    assert write.body["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    assert write.body["metadata"]["resourceVersion"]


def test_what_is_no_longer_asked_for_is_deleted_if_it_is_the_one_that_was_made() -> None:
    quota = {"hard": {"cpu": "2"}}
    before, seen = stored(reconcile(profile(resourceQuotaSpec=quota), Seen(), SETTINGS))

    writes = reconcile({**profile(), "status": before["status"]}, seen, SETTINGS).writes

    (write,) = writes
    assert isinstance(write, Delete)
    assert write.key.name == "kf-resource-quota"
    assert write.uid


def test_account_that_was_there_before_is_used_as_it_is() -> None:
    theirs = {
        "kind": "ServiceAccount",
        "metadata": {"name": "default-editor", "namespace": "ann", "uid": "x"},
    }

    plan = reconcile(profile(), Seen(None, (theirs,)), SETTINGS)

    names = [str(w.body["metadata"]["name"]) for w in plan.writes if isinstance(w, Create)]
    assert names.count("default-editor") == 1  # the role binding


def test_profile_that_is_being_deleted_is_left_to_go() -> None:
    gone = profile()
    gone["metadata"]["deletionTimestamp"] = "now"

    assert reconcile(gone, Seen(), SETTINGS) == Plan()
