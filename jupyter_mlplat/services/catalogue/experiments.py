"""Experiments: people give titles, runs name them by what follows from a title."""

import re
from collections.abc import Callable
from datetime import datetime

from jupyter_mlplat.errors import NotFound
from jupyter_mlplat.kit.ids import new_id
from jupyter_mlplat.ports.metadata import MetadataStore
from jupyter_mlplat.resources.catalogue import Experiment, ExperimentRequest

_LONGEST_NAME = 63


class Experiments:
    """Makes experiments; the store does the rest.

    Args:
        store: Where they are kept.
        now: The clock.
    """

    def __init__(self, store: MetadataStore, now: Callable[[], datetime]) -> None:
        self._store = store
        self._now = now

    def create(self, request: ExperimentRequest) -> Experiment:
        """Make an experiment.

        Raises:
            Conflict: There is one of this title, whatever the case of its letters.
        """
        return self._store.create_experiment(
            Experiment(
                id=new_id("experiment"),
                name=self._free_name(name_of(request.title)),
                title=request.title,
                description=request.description,
                created_at=self._now(),
            )
        )

    def find(self, experiment: str) -> Experiment | None:
        """Find one by id or name."""
        try:
            return self._store.get_experiment(experiment)
        except NotFound:
            return None

    def _free_name(self, wanted: str) -> str:
        """Return the name, or the name with the first number behind it that nobody has."""
        name, number = wanted, 1
        while (found := self.find(name)) is not None and found.title != wanted:
            number += 1
            name = f"{wanted[: _LONGEST_NAME - len(str(number)) - 1]}-{number}"
        return name


def name_of(title: str) -> str:
    """Turn what people call something into a name.

    >>> name_of("Churn, first try!")
    'churn-first-try'
    """
    words = re.sub(r"[^a-z0-9._-]+", "-", title.lower())
    return words[:_LONGEST_NAME].strip("-._") or "experiment"
