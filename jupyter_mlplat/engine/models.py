"""Registered models as the files that a model server loads."""

from dataclasses import dataclass

from jupyter_mlplat.errors import NotFound
from jupyter_mlplat.ports.metadata import MetadataStore
from jupyter_mlplat.ports.serving import ServableModel
from jupyter_mlplat.services.registry.service import Registry
from jupyter_mlplat.stores.blobs import LocalBlobStore


@dataclass(frozen=True, slots=True)
class RegisteredModels:
    """The `ModelSource` port over the registry and the blobs."""

    registry: Registry
    store: MetadataStore
    blobs: LocalBlobStore

    def resolve(self, reference: str) -> ServableModel:
        version = self.registry.resolve(reference)
        artifact = self.store.get_artifact(version.artifact_id)
        if artifact.digest is None or not self.blobs.has(artifact.digest):
            raise NotFound(
                f"Cannot serve model {reference!r}: the content of version {version.version} is "
                "no longer stored. Run the notebook again and register what it logs."
            )
        return ServableModel(version, self.blobs.path(artifact.digest), artifact.digest)
