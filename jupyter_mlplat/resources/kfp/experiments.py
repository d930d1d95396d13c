"""Experiments."""

from jupyter_mlplat.resources.kfp.base import Message, Moment


class Experiment(Message):
    experiment_id: str = ""
    display_name: str = ""
    description: str | None = ""
    created_at: Moment | None = None
    namespace: str | None = ""
    storage_state: str | None = ""  # AVAILABLE, ARCHIVED
    last_run_created_at: Moment | None = None


class ListExperimentsResponse(Message):
    experiments: tuple[Experiment, ...] = ()
    total_size: int = 0
    next_page_token: str = ""
