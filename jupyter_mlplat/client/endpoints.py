"""An endpoint in one's hands: ask it, split its traffic, roll it back."""

from collections.abc import Mapping
from typing import Any

from jupyter_mlplat.client.documents import Shown
from jupyter_mlplat.client.engine import EngineClient
from jupyter_mlplat.client.following import Following
from jupyter_mlplat.client.views import nouns
from jupyter_mlplat.client.views.view import View
from jupyter_mlplat.resources import serving as documents


class Endpoint(Shown):
    """A served model."""

    def __init__(self, client: EngineClient, document: documents.Endpoint) -> None:
        self._client = client
        self._document = document

    @property
    def document(self) -> documents.Endpoint:
        """Everything the engine says of it."""
        return self._document

    @property
    def name(self) -> str:
        return self._document.name

    @property
    def url(self) -> str:
        """Base URL of its data plane on this machine."""
        return self._document.url

    @property
    def state(self) -> documents.EndpointState:
        return self._document.state

    @property
    def traffic(self) -> dict[int, int]:
        """Percent of each revision that has any."""
        return {share.revision: share.percent for share in self._document.traffic}

    def refresh(self) -> "Endpoint":
        """Ask the engine how it is now."""
        self._document = self._client.get_endpoint(self.name)
        return self

    def predict(self, inputs: Any) -> Any:
        """Return the model's outputs for rows: lists, records, an array or a data frame."""
        return self._client.predict(self.name, to_rows(inputs))["outputs"]

    def set_traffic(self, traffic: Mapping[int, int]) -> "Endpoint":
        """Split traffic: revision to percent, summing to 100."""
        self._document = self._client.set_traffic(self.name, traffic)
        return self

    def roll_back(self) -> "Endpoint":
        """Go back to the split of traffic before."""
        self._document = self._client.roll_back(self.name)
        return self

    def promote(self) -> "Endpoint":
        """Give all traffic to the newest revision."""
        self._document = self._client.promote(self.name)
        return self

    def stop(self) -> "Endpoint":
        """Stop its processes."""
        self._document = self._client.stop_endpoint(self.name)
        return self

    def start(self) -> "Endpoint":
        """Start its processes again."""
        self._document = self._client.start_endpoint(self.name)
        return self

    def delete(self) -> None:
        """Stop it and forget it."""
        self._client.delete_endpoint(self.name)

    def logs(self, revision: int | None = None) -> str:
        """Return what its servers wrote."""
        return self._client.read_endpoint_log(self.name, revision).decode(errors="replace")

    def view(self) -> View:
        return nouns.view_endpoint(self._document)

    def following(self) -> Following:
        return Following(
            self._client,
            look=lambda: Endpoint(self._client, self._client.get_endpoint(self.name)),
            concerns=lambda e: e.kind.startswith("endpoint.") and e.subject == self.name,
        )


class EndpointList(Shown, list[Endpoint]):
    """Endpoints, as rows."""

    def view(self) -> View:
        return nouns.view_endpoints([endpoint.document for endpoint in self])


def to_rows(inputs: Any) -> Any:
    """Turn what people have at hand into JSON values; frames become records."""
    if hasattr(inputs, "to_dict") and hasattr(inputs, "columns"):
        return inputs.to_dict(orient="records")
    return inputs.tolist() if hasattr(inputs, "tolist") else inputs
