"""Experiments as the API tells of them."""

from collections.abc import Sequence

from jupyter_mlplat.ports.selecting import Scalar
from jupyter_mlplat.resources.catalogue import Experiment
from jupyter_mlplat.resources.kfp import experiments as messages
from jupyter_mlplat.resources.kfp.base import EPOCH
from jupyter_mlplat.services.kfp_api.listing import Listable

AVAILABLE, ARCHIVED = "AVAILABLE", "ARCHIVED"


def archived_value(value: Scalar) -> Scalar:
    """Turn a storage state into whether something is put away, as the store compares it."""
    return int(str(value).upper().removeprefix("STORAGESTATE_") == ARCHIVED)


EXPERIMENTS = Listable(
    fields={
        "id": "id",
        "experiment_id": "id",
        "name": "title",
        "display_name": "title",
        "description": "description",
        "created_at": "created_at",
        "last_run_created_at": "last_run_at",
        "namespace": "namespace",
        "storage_state": "archived",
    },
    values={"archived": archived_value},
)


def experiment_message(experiment: Experiment) -> messages.Experiment:
    """Tell of one."""
    return messages.Experiment(
        experiment_id=experiment.id,
        display_name=experiment.title,
        description=experiment.description,
        created_at=experiment.created_at,
        storage_state=ARCHIVED if experiment.archived else AVAILABLE,
        last_run_created_at=experiment.last_run_at or EPOCH,
    )


def experiments_message(
    experiments: Sequence[Experiment], total: int, token: str
) -> messages.ListExperimentsResponse:
    """Tell of a page of them."""
    return messages.ListExperimentsResponse(
        experiments=tuple(map(experiment_message, experiments)),
        total_size=total,
        next_page_token=token,
    )
