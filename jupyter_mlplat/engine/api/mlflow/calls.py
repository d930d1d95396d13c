"""One call of this API as its handlers see it, and what most of them need of it."""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Literal, TypeVar

from starlette.requests import Request

from jupyter_mlplat.engine.telling import StepPlace, StepTeller
from jupyter_mlplat.errors import InvalidInput, NotFound
from jupyter_mlplat.ports.tracking import Point
from jupyter_mlplat.resources.catalogue import DEFAULT_EXPERIMENT, Experiment
from jupyter_mlplat.resources.lineage import Artifact
from jupyter_mlplat.resources.run import Run
from jupyter_mlplat.services.mlflow_api.given import Given
from jupyter_mlplat.services.mlflow_api.messages import DEFAULT_ID, Told, experiment_id

if TYPE_CHECKING:
    from jupyter_mlplat.engine.engine import Engine

T = TypeVar("T")

_HEAR_EVERY_S = 60.0
_HEARD = 1000  # runs


@dataclass(slots=True)
class Memory:
    """What is remembered between calls; nothing is lost with it."""

    chosen: dict[StepPlace, str] = field(default_factory=dict)
    """The experiment that a step has asked for by name: `mlflow.set_experiment`. The client takes
    its run for one of this experiment, and refuses it else."""
    heard: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Call:
    """A call, with who makes it: a step, or code outside of any."""

    engine: "Engine"
    request: Request
    segments: Mapping[str, str]
    given: Given
    place: StepPlace | None
    memory: Memory
    user: str

    # - runs -

    async def run(self, *names: str) -> Run:
        """Return the run that is meant, by its id."""
        return await self.find_run(self.given.text(*(names or ("run_id", "run_uuid"))))

    async def find_run(self, run_id: str) -> Run:
        if not run_id.startswith("run-"):
            raise NotFound(f"Run with id={run_id} not found")
        return await self.engine.read(self.engine.store.get_run, run_id)

    async def heard_run(self) -> Run:
        """Return the run that is told of something; one that was given up goes on."""
        run = await self.run()
        if run.kind != "tracked":
            return run
        tracking, now = self.engine.tracking, time.monotonic()
        if tracking.is_silent(run):
            return await self.between_turns(tracking.revive, run)
        if now - self.memory.heard.get(run.id, -_HEAR_EVERY_S) >= _HEAR_EVERY_S:
            if len(self.memory.heard) > _HEARD:
                self.memory.heard.clear()
            self.memory.heard[run.id] = now
            await self.engine.read(tracking.hear, run)
        return run

    def teller(self, run: Run) -> StepTeller | None:
        """Return what a run is told through: its step's own file, if one of its steps speaks."""
        place = self.place
        if place is None or place.run != run.id:
            return None
        running = self.engine.conductor.running_attempts()
        if (place.run, place.step, place.attempt) not in running:
            return None
        return StepTeller(self.engine.home, place)

    async def log(self, run: Run, points: Sequence[Point]) -> None:
        if (teller := self.teller(run)) is not None:
            await self.engine.read(teller.log, points)
        else:
            await self.engine.write(self.engine.tracking.log, run, points)

    async def link(self, run: Run, kind: Literal["input", "output"], artifact: Artifact) -> None:
        """Hang an artifact on a run, for the lineage."""
        if (teller := self.teller(run)) is None:
            await self.engine.write(self.engine.tracking.link, run, kind, artifact)
            return
        await self.engine.read(self.engine.keep_artifact, artifact)
        await self.engine.read(teller.link, kind, artifact)

    async def between_turns(self, function: Callable[..., T], *arguments: object) -> T:
        """Change the document of a run."""
        return await self.engine.between_turns(partial(function, *arguments))

    async def told(self, runs: Sequence[Run]) -> Sequence[Told]:
        """Return what code has told of runs, in their order."""
        await self._catch_up(runs)
        return await self.engine.read(self._told, runs)

    async def _catch_up(self, runs: Sequence[Run]) -> None:
        """Take in what steps have told and nobody has looked at yet."""
        ids = {run.id for run in runs if not run.state.is_final and run.kind != "tracked"}
        if ids:
            await self.engine.look_at(ids)

    def _told(self, runs: Sequence[Run]) -> Sequence[Told]:
        store, ids = self.engine.store, [run.id for run in runs]
        points = store.latest_points(ids)
        params, tags = store.facts_of(ids, "param"), store.facts_of(ids, "tag")
        inputs, outputs = store.facts_of(ids, "input"), store.facts_of(ids, "output")
        return [
            Told(
                experiment_id=self.experiment_id_of(run),
                points=points[run.id],
                params=params[run.id],
                tags=tags[run.id],
                inputs=tuple(inputs[run.id].values()),
                outputs=outputs[run.id],
            )
            for run in runs
        ]

    # - experiments -

    def experiment_id_of(self, run: Run) -> str:
        place = self.place
        if place is not None and place.run == run.id and place in self.memory.chosen:
            return self.memory.chosen[place]
        found = self.engine.experiments.find(run.experiment)
        return DEFAULT_ID if found is None else experiment_id(found)

    def experiment(self, id_: str) -> Experiment:
        """Return an experiment by the id that clients know; to be called beside the event loop."""
        found = self.engine.experiments.find(DEFAULT_EXPERIMENT if id_ == DEFAULT_ID else id_)
        if found is None or id_ not in (experiment_id(found), found.id):
            raise NotFound(f"No Experiment with id={id_} exists")
        return found

    def experiment_names(self, ids: Collection[str]) -> list[str]:
        return [self.experiment(id_).name for id_ in ids]

    # - pages -

    def offset(self) -> int:
        """Read the page that is asked for: tokens are numbers here."""
        token = self.given.find("page_token") or "0"
        if not token.isdigit() or len(token) > 15:
            raise InvalidInput(f"Invalid page token: {token[:80]!r}. Use one that was given.")
        return int(token)


def page(name: str, items: Sequence[object], offset: int, limit: int) -> dict[str, object]:
    """Return one page of a list."""
    answer: dict[str, object] = {name: list(items[offset : offset + limit])}
    if len(items) > offset + limit:
        answer["next_page_token"] = str(offset + limit)
    return answer
