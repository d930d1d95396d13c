"""Places: where work can run, the engine's own machine and clusters of its settings."""

from typing import Literal

from pydantic import Field

from jupyter_mlplat.config import THIS_MACHINE
from jupyter_mlplat.resources.base import Resource


class Place(Resource):
    """One place, and whether it answers."""

    name: str = Field(description=f"What `run_on` says: `{THIS_MACHINE}`, or `[cluster.NAME]`.")
    kind: Literal["machine", "cluster"]
    is_default: bool = Field(default=False, description="Where work runs for which nobody says it.")
    answers: bool = True
    problem: str = Field(default="", description="Why it does not answer; for people.")
    version: str = Field(default="", description="Of the cluster.")
    namespace: str = Field(default="", description="Where Jobs are made.")
    image: str = Field(default="", description="What steps run in.")
    exchange: str = Field(default="", description="How work reaches its pods: `volume` or `http`.")


class PlaceList(Resource):
    """All places, that of the engine first."""

    places: tuple[Place, ...]
