"""One rank in a fresh interpreter: what mpirun starts for each process of a step with cells."""

from __future__ import annotations

import json
import os

from . import ranks, step
from .shell import make_shell


def run(directory: str) -> int:
    """Be the rank that MPI says; return the exit status."""
    with open(os.path.join(directory, "step.json"), "rb") as file:
        order = json.load(file)
    place = ranks.place_in_mpi(order["train"])
    folder = os.path.join(directory, "ranks", str(place.rank))
    os.makedirs(folder, mode=0o700, exist_ok=True)
    ranks.tell_place(place, order)
    attempt = step.Attempt(directory, make_shell())
    attempt.open_logs()
    return attempt.run_as_rank(place, folder)
