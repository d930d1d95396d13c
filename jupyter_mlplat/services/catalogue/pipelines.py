"""Stored pipelines: kept under names, each in any number of versions that never change."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from jupyter_mlplat.errors import Conflict, InvalidInput, NotFound
from jupyter_mlplat.formats.kfp.document import Document
from jupyter_mlplat.kit.digests import digest_json
from jupyter_mlplat.kit.ids import new_id
from jupyter_mlplat.ports.metadata import MetadataStore
from jupyter_mlplat.resources.catalogue import PipelineVersion, StoredPipeline
from jupyter_mlplat.resources.run import SubmitRequest

_LONGEST_NAME = 200
_MOST_TAGS, _LONGEST_TAG = 20, 63  # as Kubeflow's server has them


@dataclass(frozen=True, slots=True)
class Label:
    """What people say of a pipeline or a version."""

    name: str
    title: str = ""
    description: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    code_source_url: str = ""


class StoredPipelines:
    """Makes pipelines and versions of what it has found to be valid; the store does the rest.

    Args:
        store: Where they are kept.
        now: The clock.
    """

    def __init__(self, store: MetadataStore, now: Callable[[], datetime]) -> None:
        self._store = store
        self._now = now

    def create(
        self, label: Label, document: Document | None = None, version: Label | None = None
    ) -> StoredPipeline:
        """Make a pipeline; with a document, with its first version, called as it if not otherwise.

        Raises:
            InvalidInput: A name or tag cannot be used.
            Conflict: There is a pipeline of this name.
        """
        name = _checked_name("pipeline", label.name)
        pipeline = StoredPipeline(
            id=new_id("pipeline"),
            name=name,
            title=label.title or name,
            description=label.description,
            tags=_checked_tags(label.tags),
            created_at=self._now(),
        )
        first = None
        if document is not None:
            first = self._version(pipeline.id, version or label, document)
        return self._store.create_pipeline(pipeline, first)

    def add_version(self, pipeline: str, label: Label, document: Document) -> PipelineVersion:
        """Make another version.

        Raises:
            InvalidInput: A name or tag cannot be used.
            NotFound: There is no such pipeline.
            Conflict: The pipeline has a version of this name.
        """
        found = self._store.get_pipeline(pipeline)
        return self._store.add_pipeline_version(self._version(found.id, label, document))

    def version_of(self, pipeline: str, version: str | None) -> PipelineVersion:
        """Return a version of a pipeline, its newest if none is named.

        Raises:
            NotFound: There is no such pipeline or version.
            InvalidInput: The version is another pipeline's.
        """
        if version:
            found = self._store.get_pipeline_version(version)
            if pipeline and found.pipeline_id != pipeline:
                raise InvalidInput(
                    f"Cannot use pipeline version {version!r}: it belongs to pipeline "
                    f"{found.pipeline_id!r}, not to {pipeline!r}."
                )
            return found
        newest = self._store.latest_pipeline_version(self._store.get_pipeline(pipeline).id)
        if newest is None:
            raise NotFound(
                f"Cannot use pipeline {pipeline!r}: it has no version. Upload one.", id=pipeline
            )
        return newest

    def filled_in(self, request: SubmitRequest) -> SubmitRequest:
        """Return a submission with the stored version it names, if that is what it names.

        Raises:
            NotFound: There is no such pipeline or version.
            InvalidInput: The version is another pipeline's.
        """
        facts = request.kfp
        has_content = request.path is not None or request.notebook is not None
        if has_content or facts is None or facts.pipeline_id is None:
            return request
        try:
            version = self.version_of(facts.pipeline_id, facts.version_id)
        except NotFound as error:
            what = f"version {facts.version_id!r} of it" if facts.version_id else "any version"
            raise NotFound(
                f"Cannot run pipeline {facts.pipeline_id!r}: {what} is not there, or no longer. "
                "It may have been deleted. A recurring run goes on with the version it was made "
                "with: make it anew with one that is there.",
                pipeline=facts.pipeline_id,
                version=facts.version_id,
            ) from error
        meant = facts.model_copy(update={"version_id": version.id})
        return request.model_copy(update={"notebook": version.ir, "kfp": meant})

    def delete(self, pipeline: str, *, with_versions: bool) -> None:
        """Forget a pipeline.

        Raises:
            NotFound: There is no such pipeline.
            Conflict: It has versions, and they were not to go with it.
        """
        found = self._store.get_pipeline(pipeline)
        newest = None if with_versions else self._store.latest_pipeline_version(found.id)
        if newest is not None:
            raise Conflict(
                f"Cannot delete pipeline {found.title!r}: it has versions, such as {newest.id!r}. "
                "Delete them first, or send cascade=true."
            )
        self._store.delete_pipeline(found.id)

    def _version(self, pipeline: str, label: Label, document: Document) -> PipelineVersion:
        name = _checked_name("pipeline version", label.name or document.name)
        ir = dict(document.raw)
        return PipelineVersion(
            id=new_id("version"),
            pipeline_id=pipeline,
            name=name,
            title=label.title or name,
            description=label.description,
            tags=_checked_tags(label.tags),
            code_source_url=label.code_source_url,
            created_at=self._now(),
            digest=digest_json(ir),
            ir=ir,
        )


def _checked_name(kind: str, name: str) -> str:
    name = name.strip()
    if not name or len(name) > _LONGEST_NAME or not name.isprintable():
        raise InvalidInput(
            f"Cannot use {name[:_LONGEST_NAME]!r} as the name of a {kind}: needed 1 to "
            f"{_LONGEST_NAME} characters on one line."
        )
    return name


def _checked_tags(tags: Mapping[str, str]) -> dict[str, str]:
    if len(tags) > _MOST_TAGS:
        raise InvalidInput(f"Cannot use {len(tags)} tags: {_MOST_TAGS} are the most.")
    for key, value in tags.items():
        if not key or len(key) > _LONGEST_TAG or "." in key or len(value) > _LONGEST_TAG:
            raise InvalidInput(
                f"Cannot use the tag {key!r}={value!r}: names and values have up to "
                f"{_LONGEST_TAG} characters, names at least one and no dot."
            )
    return dict(tags)
