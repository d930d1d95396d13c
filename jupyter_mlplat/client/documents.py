"""Documents as users meet them: the same fields, shown as cards, with a plain-text twin."""

import sys
from abc import abstractmethod
from importlib import import_module
from typing import Any, Self

from pydantic import BaseModel

from jupyter_mlplat.client.following import Following
from jupyter_mlplat.client.views import html, nouns, text
from jupyter_mlplat.client.views.view import View
from jupyter_mlplat.resources import engine, lineage, pipeline, registry


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


class ModelList(Shown, list[RegisteredModel]):
    """Registered models, as rows."""

    def view(self) -> View:
        return nouns.view_models(self)
