"""Experiments and stored pipelines over SQLite: the contract."""

from tests.contracts.catalogue import ExperimentContract, SelectingContract, StoredPipelineContract


class TestExperiments(ExperimentContract):
    """Over SQLite."""


class TestSelecting(SelectingContract):
    """Over SQLite."""


class TestStoredPipelines(StoredPipelineContract):
    """Over SQLite."""
