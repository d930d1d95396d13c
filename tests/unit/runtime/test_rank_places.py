"""What each process of a train job is told of its place."""

import json
import os
import socket

import pytest

from jupyter_mlplat.runtime import ranks
from jupyter_mlplat.runtime.failures import StepFailed


def test_ranks_are_numbered_node_by_node() -> None:
    places = ranks.places_of({"nodes": 2, "processes": 2})

    assert [(one.rank, one.node, one.local_rank) for one in places] == [
        (0, 0, 0),
        (1, 0, 1),
        (2, 1, 0),
        (3, 1, 1),
    ]
    assert {one.world_size for one in places} == {4}


@pytest.mark.parametrize(
    ("train", "devices", "shares"),
    [
        ({"nodes": 2, "processes": 1}, "0123", [("0", "1"), ("2", "3")]),
        ({"nodes": 2, "processes": 1}, "3", [("3",), ("3",)]),
        ({"nodes": 2, "processes": 1}, "012", [("0", "2"), ("1",)]),
        ({"nodes": 1}, "01", [("0", "1"), ("0", "1")]),
        ({"nodes": 1}, "", [()]),
    ],
    ids=["halves", "shared", "uneven", "one-process-each", "none"],
)
def test_devices_are_divided_among_nodes(
    train: dict[str, int], devices: str, shares: list[tuple[str, ...]]
) -> None:
    assert [one.gpus for one in ranks.places_of(train, tuple(devices))] == shares


def test_torch_ranks_find_what_torchrun_gives() -> None:
    place = ranks.places_of({"nodes": 2, "processes": 2})[3]

    found = ranks.variables("torch", place, 29501, run="run-1", restarts=2)

    assert {name: found[name] for name in found if name != "GLOO_SOCKET_IFNAME"} == {
        "RANK": "3",
        "WORLD_SIZE": "4",
        "LOCAL_RANK": "1",
        "LOCAL_WORLD_SIZE": "2",
        "NODE_RANK": "1",
        "GROUP_RANK": "1",
        "GROUP_WORLD_SIZE": "2",
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": "29501",
        "PET_NNODES": "2",
        "PET_NPROC_PER_NODE": "2",
        "PET_NODE_RANK": "1",
        "PET_MASTER_ADDR": "127.0.0.1",
        "PET_MASTER_PORT": "29501",
        "ROLE_NAME": "default",
        "ROLE_RANK": "3",
        "ROLE_WORLD_SIZE": "4",
        "TORCHELASTIC_RUN_ID": "run-1",
        "TORCHELASTIC_RESTART_COUNT": "2",
        "TORCHELASTIC_MAX_RESTARTS": "2",
        "TORCHELASTIC_USE_AGENT_STORE": "False",
    }


def test_jax_ranks_find_their_coordinator() -> None:
    place = ranks.places_of({"nodes": 2, "processes": 1})[1]

    found = ranks.variables("jax", place, 1234)

    assert found["JAX_COORDINATOR_ADDRESS"] == "127.0.0.1:1234"
    assert (found["JAX_NUM_PROCESSES"], found["JAX_PROCESS_ID"]) == ("2", "1")
    assert "PET_NNODES" not in found


@pytest.mark.parametrize(
    ("cores", "count", "threads"), [(8.0, 2, 4), (3.0, 2, 1), (4.0, 4, 1)], ids=str
)
def test_each_rank_computes_with_its_share_of_the_cores(
    cores: float, count: int, threads: int
) -> None:
    assert ranks.threads_of(cores, count) == threads


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (("torchrun", "train.py"), True),
        (("/opt/env/bin/torchrun", "train.py"), True),
        (("python", "-m", "torch.distributed.run", "train.py"), True),
        (("python", "train.py"), False),
        ((), False),
    ],
)
def test_torchrun_starts_its_ranks_itself(command: tuple[str, ...], expected: bool) -> None:
    assert ranks.starts_ranks_itself(command) is expected


def test_a_held_port_is_given_to_nobody_but_a_server_that_reuses_addresses() -> None:
    with ranks.hold_port() as held:
        port = held.getsockname()[1]

        with socket.socket() as other, pytest.raises(OSError, match="in use"):
            other.bind(("127.0.0.1", port))
        with socket.create_server(("127.0.0.1", port)) as server:
            assert server.getsockname()[1] == port


def test_a_port_in_use_is_refused_by_name() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])

        with pytest.raises(StepFailed, match=f"MASTER_PORT={port}: it is in use") as failed:
            ranks.hold_port(port)

    assert failed.value.error["code"] == "port-in-use"


def test_only_the_first_rank_tracks_into_the_run_of_the_job(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ours = {"MLFLOW_TRACKING_URI": "http://127.0.0.1:1/in/run-1/train/1", "MLFLOW_RUN_ID": "run-1"}
    for name, value in ours.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("MLFLOW_RUN_CONTEXT", '{"team": "a"}')
    first, second = ranks.places_of({"nodes": 1, "processes": 2})

    ranks.track_apart(first, ours)
    assert os.environ["MLFLOW_RUN_ID"] == "run-1"
    ranks.track_apart(second, {})  # a server of the user's own
    assert os.environ["MLFLOW_RUN_ID"] == "run-1"
    ranks.track_apart(second, ours)

    assert "MLFLOW_RUN_ID" not in os.environ
    assert json.loads(os.environ["MLFLOW_RUN_CONTEXT"]) == {
        "team": "a",
        "mlflow.runName": "rank 1",
    }
