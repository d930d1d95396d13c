"""Artifacts and their content."""

from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import quote

from starlette.responses import Response, StreamingResponse

from jupyter_mlplat.engine.api.requests import Asked, answer
from jupyter_mlplat.engine.folders import archive_of
from jupyter_mlplat.errors import NotFound

if TYPE_CHECKING:
    from jupyter_mlplat.engine.engine import Engine


async def get_artifact(engine: "Engine", asked: Asked) -> Response:
    return answer(await engine.read(engine.store.get_artifact, asked["artifact"]))


async def get_content(engine: "Engine", asked: Asked) -> Response:
    artifact = await engine.read(engine.store.get_artifact, asked["artifact"])
    if artifact.digest is None:
        raise NotFound(f"Artifact {artifact.id!r} has no content of its own; it is a reference.")
    name = asked.text("as") or artifact.name
    content: Iterable[bytes]
    if artifact.codec == "folder":
        archive = await engine.read(archive_of, engine.blobs, artifact.digest, name)
        content, size, name = archive, archive.size_bytes, f"{name}.tar"
    else:
        content = engine.blobs.iterate(artifact.digest)
        size = await engine.read(engine.blobs.get_size, artifact.digest)
    headers = {
        # Content is whatever a user's code made: never shown as part of our origin.
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}",
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "Content-Length": str(size),
    }
    return StreamingResponse(content, media_type="application/octet-stream", headers=headers)


HANDLERS = {"artifacts.get": get_artifact, "artifacts.content": get_content}
