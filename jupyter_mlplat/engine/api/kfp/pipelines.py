"""Pipelines and their versions."""

import json
from typing import TYPE_CHECKING

from starlette.responses import Response

from jupyter_mlplat.engine.api.kfp.answers import answer, listing, nothing, uploaded
from jupyter_mlplat.engine.api.requests import Asked
from jupyter_mlplat.errors import InvalidInput, NotFound, Unsupported
from jupyter_mlplat.formats.kfp.document import Document, from_ir, load
from jupyter_mlplat.ports.selecting import Predicate
from jupyter_mlplat.resources.catalogue import PipelineVersion
from jupyter_mlplat.resources.kfp import pipelines as messages
from jupyter_mlplat.services.catalogue.pipelines import Label
from jupyter_mlplat.services.kfp_api.packages import read_package
from jupyter_mlplat.services.kfp_api.pipelines import (
    PIPELINES,
    VERSIONS,
    pipeline_message,
    version_message,
)

if TYPE_CHECKING:
    from jupyter_mlplat.engine.engine import Engine


async def list_pipelines(engine: "Engine", asked: Asked) -> Response:
    listed = listing(asked, PIPELINES)
    found = await engine.read(engine.store.select_pipelines, listed.selection)
    return answer(
        messages.ListPipelinesResponse(
            pipelines=tuple(map(pipeline_message, found.records)),
            total_size=found.total,
            next_page_token=listed.token_after(found),
        )
    )


async def create(engine: "Engine", asked: Asked) -> Response:
    label = _pipeline_label(await asked.body(messages.Pipeline))
    return answer(pipeline_message(await engine.write(engine.pipelines.create, label)))


async def create_both(engine: "Engine", asked: Asked) -> Response:
    request = await asked.body(messages.CreatePipelineAndVersionRequest)
    if request.pipeline is None or request.pipeline_version is None:
        raise InvalidInput("Cannot create this: needed a pipeline and a pipeline_version.")
    label = _pipeline_label(request.pipeline)
    version = request.pipeline_version
    if not (version.name or version.display_name):
        version = version.model_copy(update={"name": label.name})
    document = await engine.read(_document_of, version)
    made = engine.pipelines.create
    pipeline = await engine.write(made, label, document, _version_label(version))
    return answer(pipeline_message(pipeline))


async def upload(engine: "Engine", asked: Asked) -> Response:
    name, content = await uploaded(asked)
    label = _upload_label(asked, name)
    document = await engine.read(_read_file, name, content)
    return answer(pipeline_message(await engine.write(engine.pipelines.create, label, document)))


async def upload_version(engine: "Engine", asked: Asked) -> Response:
    name, content = await uploaded(asked)
    pipeline = asked.text("pipelineid")
    if not pipeline:
        raise InvalidInput("Cannot take this version: the query has no 'pipelineid'.")
    label = _upload_label(asked, name)
    document = await engine.read(_read_file, name, content)
    version = await engine.write(engine.pipelines.add_version, pipeline, label, document)
    return answer(version_message(version))


async def get(engine: "Engine", asked: Asked) -> Response:
    found = await engine.read(engine.store.get_pipeline, asked["pipeline"])
    return answer(pipeline_message(found))


async def get_by_name(engine: "Engine", asked: Asked) -> Response:
    found = await engine.read(engine.store.get_pipeline, asked["name"])
    return answer(pipeline_message(found))


async def update(engine: "Engine", asked: Asked) -> Response:
    given = await asked.body(messages.Pipeline)
    found = await engine.read(engine.store.get_pipeline, asked["pipeline"])
    changed = found.model_copy(update=_changes(given))
    return answer(pipeline_message(await engine.write(engine.store.update_pipeline, changed)))


async def delete(engine: "Engine", asked: Asked) -> Response:
    forget = engine.pipelines.delete
    await engine.write(forget, asked["pipeline"], with_versions=asked.flag("cascade"))
    return nothing()


async def list_versions(engine: "Engine", asked: Asked) -> Response:
    listed = listing(asked, VERSIONS)
    pipeline = await engine.read(engine.store.get_pipeline, asked["pipeline"])
    found = await engine.read(
        engine.store.select_pipeline_versions,
        listed.selection.only(Predicate("pipeline_id", "=", pipeline.id)),
    )
    return answer(
        messages.ListPipelineVersionsResponse(
            pipeline_versions=tuple(map(version_message, found.records)),
            total_size=found.total,
            next_page_token=listed.token_after(found),
        )
    )


async def create_version(engine: "Engine", asked: Asked) -> Response:
    given = await asked.body(messages.PipelineVersion)
    document = await engine.read(_document_of, given)
    add, pipeline = engine.pipelines.add_version, asked["pipeline"]
    return answer(
        version_message(await engine.write(add, pipeline, _version_label(given), document))
    )


async def get_version(engine: "Engine", asked: Asked) -> Response:
    return answer(version_message(await _version(engine, asked)))


async def update_version(engine: "Engine", asked: Asked) -> Response:
    given = await asked.body(messages.PipelineVersion)
    changed = (await _version(engine, asked)).model_copy(update=_changes(given))
    update = engine.store.update_pipeline_version
    return answer(version_message(await engine.write(update, changed)))


async def delete_version(engine: "Engine", asked: Asked) -> Response:
    found = await _version(engine, asked)
    await engine.write(engine.store.delete_pipeline_version, found.id)
    return nothing()


async def _version(engine: "Engine", asked: Asked) -> PipelineVersion:
    found = await engine.read(engine.store.get_pipeline_version, asked["version"])
    if found.pipeline_id != asked["pipeline"]:
        raise NotFound(
            f"Cannot find pipeline version {asked['version']!r}: pipeline {asked['pipeline']!r} "
            "has none of this id."
        )
    return found


def _read_file(name: str, content: bytes) -> Document:
    return load(read_package(name, content))


def _document_of(version: messages.PipelineVersion) -> Document:
    if version.pipeline_spec is not None:
        return from_ir(version.pipeline_spec)
    if version.package_url is not None and version.package_url.pipeline_url:
        raise Unsupported(
            f"Cannot fetch {version.package_url.pipeline_url!r}: this engine opens no addresses "
            "for its callers. Download the pipeline and upload the file."
        )
    raise InvalidInput("Cannot create a pipeline version without a pipeline. Upload the file.")


def _pipeline_label(message: messages.Pipeline) -> Label:
    return Label(
        name=message.name or message.display_name,
        title=message.display_name,
        description=message.description or "",
        tags=message.tags,
    )


def _version_label(message: messages.PipelineVersion) -> Label:
    return Label(
        name=message.name or message.display_name,
        title=message.display_name,
        description=message.description or "",
        tags=message.tags,
        code_source_url=message.code_source_url,
    )


def _upload_label(asked: Asked, file: str) -> Label:
    title = asked.text("display_name")
    return Label(
        name=asked.text("name") or title or file,
        title=title,
        description=asked.text("description"),
        tags=_tags(asked.text("tags")),
        code_source_url=asked.text("code_source_url"),
    )


def _tags(text: str) -> dict[str, str]:
    try:
        tags = json.loads(text or "{}")
    except ValueError:
        tags = None
    if not isinstance(tags, dict) or not all(isinstance(value, str) for value in tags.values()):
        raise InvalidInput(f"Cannot use tags={text!r}: needed a JSON object of texts.")
    return tags


def _changes(given: messages.Pipeline | messages.PipelineVersion) -> dict[str, object]:
    """Return what was sent of what may change."""
    ours = {"display_name": "title", "description": "description", "tags": "tags"}
    return {
        name: getattr(given, field) or ({} if field == "tags" else "")
        for field, name in ours.items()
        if field in given.model_fields_set and (field != "display_name" or given.display_name)
    }


HANDLERS = {
    "pipelines.list": list_pipelines,
    "pipelines.create": create,
    "pipelines.create_both": create_both,
    "pipelines.upload": upload,
    "pipelines.upload_version": upload_version,
    "pipelines.get": get,
    "pipelines.get_by_name": get_by_name,
    "pipelines.update": update,
    "pipelines.delete": delete,
    "versions.list": list_versions,
    "versions.create": create_version,
    "versions.get": get_version,
    "versions.update": update_version,
    "versions.delete": delete_version,
}
