"""Clusters for tests: in memory always, a real one where there is one.

`cluster` runs a test over each kind; `memory_cluster` gives the one in memory with all its dials;
`api_server` is the bare server, without controllers.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from typing import Any

import pytest

from tests.cluster.cluster import Cluster
from tests.cluster.memory import MemoryCluster


@pytest.fixture
def memory_cluster() -> Iterator[MemoryCluster]:
    with MemoryCluster() as cluster:
        yield cluster


@pytest.fixture
def api_server() -> Iterator[MemoryCluster]:
    with MemoryCluster(actors=False, storage=False) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def real_control_plane() -> Iterator[Any]:
    """The real cluster of this session; skips, with the reason, where there is none."""
    if importlib.util.find_spec("tests.cluster.real") is None:
        pytest.skip("There is no starter of a real control plane.")
    from tests.cluster import real

    if reason := real.why_none():
        pytest.skip(reason)
    with real.real_cluster() as cluster:
        yield cluster


@pytest.fixture(params=["memory", pytest.param("real", marks=pytest.mark.cluster)])
def cluster(request: pytest.FixtureRequest) -> Cluster:
    """A cluster with controllers and a scheduler.

    Nodes and pods that run are the kubelet's: in memory only.
    """
    name = {"memory": "memory_cluster", "real": "real_control_plane"}[request.param]
    found: Cluster = request.getfixturevalue(name)
    return found
