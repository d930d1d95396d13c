"""Experiment tracking: the door that MLflow's clients come in by, and models they have logged."""

from typing import Literal

from jupyter_mlplat.resources.base import Identifier, Resource, Timestamp


class LoggedModel(Resource):
    """A model that code has logged through MLflow's API: a folder of files with an `MLmodel`.

    Once it is ready it is an artifact of its run as well, which can be registered.
    """

    id: Identifier
    name: str
    experiment: str
    run_id: Identifier | None = None
    model_type: str = ""
    status: Literal["pending", "ready", "failed"] = "pending"
    status_message: str = ""
    created_at: Timestamp
    updated_at: Timestamp
    artifact_id: Identifier | None = None
    by: str = ""
