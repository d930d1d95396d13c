"""Documents as users meet them: the same fields, shown as cards, with a plain-text twin."""

import sys
import warnings
from abc import abstractmethod
from collections.abc import Iterable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, PrivateAttr

from jupyter_mlplat.client import gpus
from jupyter_mlplat.client.engine import EngineClient
from jupyter_mlplat.client.following import Following
from jupyter_mlplat.client.views import html, nouns, text
from jupyter_mlplat.client.views.view import View
from jupyter_mlplat.resources import clusters, engine, inventory, lineage, pipeline, registry
from jupyter_mlplat.resources.schedule import Firing, ScheduleStatus


class Shown:
    """Has a card for notebooks and the same as text for everything else.

    Where a kernel shows it and the engine it came from is known, the card is live.
    """

    _following: Following | None = None

    @abstractmethod
    def view(self) -> View:
        """Say what there is to show."""

    def following(self) -> Following | None:
        """Say how to see it again, if that is known."""
        return self._following

    def address(self) -> dict[str, str]:
        """Say what draws it where its kernel is gone: a run, or a step of one; empty: nothing."""
        return {}

    def followed(self, following: Following) -> Self:
        """Let it be seen again while it is on display."""
        self._following = following
        return self

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        if "ipykernel" not in sys.modules:
            return {}
        # By name: live views lie above the client, and only a kernel that shows one loads them.
        bundle: dict[str, Any] = import_module("jupyter_mlplat.widgets").find_bundle(self)
        return bundle

    def _repr_html_(self) -> str:
        return html.draw(self.view())

    def __repr__(self) -> str:
        return text.draw(self.view())


class _Document(Shown, BaseModel):
    @classmethod
    def of(cls, document: BaseModel, **more: Any) -> Self:
        """Take over the fields of a document that was validated already."""
        return cls.model_construct(**dict(document), **more)

    __repr__ = Shown.__repr__
    __str__ = Shown.__repr__


class Pipeline(_Document, pipeline.Pipeline):
    """A notebook as steps and edges."""

    _client: EngineClient | None = PrivateAttr(default=None)

    def compiled_by(self, client: EngineClient) -> Self:
        """Remember whom to ask for more."""
        self._client = client
        return self

    def to_kfp(
        self,
        path: str | Path | None = None,
        *,
        image: str | None = None,
        packages: Iterable[str] = (),
    ) -> str:
        """Write it as KFP YAML, which `kfp` and Kubeflow Pipelines run.

        What does not carry over is told as a warning, with the way out.

        Args:
            path: Where to; a file that is there is replaced.
            image: Container image of the steps; by default Python's own of their version.
            packages: Requirements to install beside, or instead of, those the notebook imports.

        Returns:
            The YAML.

        Raises:
            InvalidInput: A step cannot run outside of this machine, or at all.
        """
        written = (self._client or EngineClient()).export(self, image, packages)
        for problem in written.problems:
            warnings.warn(problem.message, stacklevel=2)
        if path is not None:
            Path(path).write_text(written.text, "utf-8")
        return written.text

    def view(self) -> View:
        return nouns.view_pipeline(self)


class VerifyReport(_Document, pipeline.VerifyReport):
    """How a notebook fared as steps."""

    def view(self) -> View:
        return nouns.view_verification(self)


class Lineage(_Document, lineage.Lineage):
    """What something was made from, or what was made from it."""

    def view(self) -> View:
        return nouns.view_lineage(self)


class ModelVersion(_Document, lineage.ModelVersion):
    """One version of a registered model."""

    def view(self) -> View:
        return nouns.view_version(self)


class RegisteredModel(_Document, lineage.RegisteredModel):
    """A registered model with its versions."""

    def view(self) -> View:
        return nouns.view_model(self)


class ModelHistory(_Document, registry.ModelHistory):
    """Who changed what about a model, as rows."""

    model: str = ""

    def view(self) -> View:
        return nouns.view_model_history(self.model, self.changes)


class EngineCard(_Document, engine.EngineStatus):
    """Who answers behind the socket."""

    def view(self) -> View:
        return nouns.view_engine(self)


class MachineCard(_Document, inventory.MachineInventory):
    """The machine: who holds what of it, who waits for what."""

    def view(self) -> View:
        return nouns.view_inventory(self)


class OfferCard(_Document, clusters.ServerOffer):
    """What may be chosen for a notebook server."""

    def view(self) -> View:
        return nouns.view_offer(self)


class LeaseCard(_Document, inventory.Lease):
    """What this kernel holds of the machine."""

    def view(self) -> View:
        notes = []
        if gpus.has_cuda():
            notes.append(
                "This kernel works with CUDA already and sees the devices it saw before. "
                "Restart it and lease before torch uses a GPU."
            )
        if self.gpu < 1:
            notes.append(
                "A share is a promise among holders: nothing but MPS keeps a process within it. "
                "With torch: torch.cuda.set_per_process_memory_fraction"
                f"({self.gpu:g}) before the first tensor."
            )
        return nouns.view_lease(self, notes)


class ModelList(Shown, list[RegisteredModel]):
    """Registered models, as rows."""

    def view(self) -> View:
        return nouns.view_models(self)


class ScheduleCard(Shown):
    """A schedule, and the last that became of it."""

    def __init__(self, status: ScheduleStatus, firings: Sequence[Firing] = ()) -> None:
        self.status = status
        self.firings = tuple(firings)

    def view(self) -> View:
        return nouns.view_schedule(self.status, self.firings)


class ScheduleCards(Shown, list[ScheduleStatus]):
    """Schedules, as rows."""

    def view(self) -> View:
        return nouns.view_schedules(self)


class FiringRows(Shown, list[Firing]):
    """What became of planned times, as rows."""

    def __init__(self, title: str, firings: Sequence[Firing]) -> None:
        super().__init__(firings)
        self._title = title

    def view(self) -> View:
        return nouns.view_firings(self._title, self)
