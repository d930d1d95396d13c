"""What pods of a profile reach, and who reaches them (K3)."""

import pytest

from jupyter_mlplat_controller.manifests.workloads import work
from jupyter_mlplat_controller.profiles.settings import ProfileSettings
from jupyter_mlplat_controller.profiles.walls import walls
from tests.unit.profiles.network import Address, End, Pod, may_connect

SETTINGS = ProfileSettings(api_server=("10.96.0.1/32",))
NOTEBOOK = {"app.kubernetes.io/component": "notebook"}
STEP = {"app.kubernetes.io/component": "step"}
OURS = {"app.kubernetes.io/managed-by": "jupyter-mlplat"}

ANN = Pod("ann", NOTEBOOK)
ANN_STEP = Pod("ann", STEP)
BOB = Pod("bob", NOTEBOOK)
DNS = Pod("kube-system", {"k8s-app": "kube-dns"})
OTHER_SYSTEM = Pod("kube-system", {"k8s-app": "metrics-server"})
ENGINE = Pod("mlplat-system", OURS | {"app.kubernetes.io/component": "engine"})
CONTROLLER = Pod("mlplat-system", OURS | {"app.kubernetes.io/component": "controller"})
FORGED = Pod("evil", OURS | {"app.kubernetes.io/component": "engine"})
GATEWAY = Pod("ingress", {}, {"mlplat.jupyter.org/gateway": "true"})
METADATA = Address("169.254.169.254")
API_SERVER = Address("10.96.0.1")
NODE = Address("192.168.1.10")
INTERNET = Address("151.101.1.6")
INTERNET_V6 = Address("2a04:4e42::223")
METADATA_V6 = Address("fd00:ec2::254")

PLAIN = [*walls("ann", (), SETTINGS), *walls("bob", (), SETTINGS)]
OPEN = [*walls("ann", ("internet", "api-server"), SETTINGS), *walls("bob", (), SETTINGS)]


@pytest.mark.parametrize(
    ("source", "target", "port"),
    [
        pytest.param(ANN, BOB, 8888, id="another profile's notebook"),
        pytest.param(ANN_STEP, BOB, 8888, id="another profile's notebook, from a step"),
        pytest.param(ANN, METADATA, 80, id="the cloud's metadata"),
        pytest.param(ANN, METADATA, 53, id="the cloud's metadata, as if it were DNS"),
        pytest.param(ANN, API_SERVER, 443, id="the API server"),
        pytest.param(ANN, NODE, 10250, id="a kubelet"),
        pytest.param(ANN, INTERNET, 443, id="the internet"),
        pytest.param(ANN, OTHER_SYSTEM, 443, id="a pod of the cluster"),
        pytest.param(ANN, CONTROLLER, 8081, id="the controller"),
        pytest.param(ANN, ENGINE, 22, id="another port of the engine"),
        pytest.param(ANN, FORGED, 8787, id="who calls itself an engine"),
        pytest.param(FORGED, ANN, 8888, id="from who calls itself an engine"),
        pytest.param(GATEWAY, ANN_STEP, 8888, id="a step, from the gateway"),
        pytest.param(NODE, ANN, 8888, id="from a node"),
    ],
)
def test_wall_stands(source: End, target: End, port: int) -> None:
    assert not may_connect(source, target, port, PLAIN)


@pytest.mark.parametrize(
    ("source", "target", "port", "protocol"),
    [
        pytest.param(ANN, DNS, 53, "UDP", id="names"),
        pytest.param(ANN, DNS, 53, "TCP", id="names over TCP"),
        pytest.param(ANN, Address("169.254.20.10"), 53, "UDP", id="names from the node's cache"),
        pytest.param(ANN, ENGINE, 8787, "TCP", id="the engine"),
        pytest.param(ANN_STEP, ENGINE, 8899, "TCP", id="the engine, from a step"),
        pytest.param(ANN, ANN_STEP, 29500, "TCP", id="its own profile"),
        pytest.param(ENGINE, ANN, 8888, "TCP", id="from the engine"),
        pytest.param(CONTROLLER, ANN, 8888, "TCP", id="from the controller, to see whether idle"),
        pytest.param(GATEWAY, ANN, 8888, "TCP", id="from the gateway"),
    ],
)
def test_what_a_notebook_needs_is_let_through(
    source: End, target: End, port: int, protocol: str
) -> None:
    assert may_connect(source, target, port, PLAIN, protocol)


@pytest.mark.parametrize("target", [INTERNET, INTERNET_V6, API_SERVER])
def test_profile_that_asks_reaches_the_internet_and_the_api_server(target: Address) -> None:
    assert may_connect(ANN, target, 443, OPEN)


@pytest.mark.parametrize("target", [METADATA, METADATA_V6, NODE, BOB, Address("10.1.7.7")])
def test_internet_is_neither_metadata_nor_nodes_nor_pods(target: End) -> None:
    assert not may_connect(ANN, target, 80, OPEN)


def test_notebooks_of_a_shared_namespace_do_not_reach_one_another() -> None:
    policies = [one for one in work() if one["kind"] == "NetworkPolicy"]
    mine, theirs, step = (Pod("mlplat", NOTEBOOK), Pod("mlplat", NOTEBOOK), Pod("mlplat", STEP))

    assert not may_connect(mine, theirs, 8888, policies)
    assert not may_connect(step, theirs, 8888, policies)
    assert may_connect(step, step, 29500, policies)
    assert may_connect(ENGINE, mine, 8888, policies)
