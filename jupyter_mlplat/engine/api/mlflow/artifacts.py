"""Files that code logs: content among the blobs, under names of the run's or the model's own."""

import os
import tempfile
from typing import IO

from starlette.responses import FileResponse, JSONResponse, Response

from jupyter_mlplat.engine.api.mlflow.calls import Call
from jupyter_mlplat.errors import Forbidden, InvalidInput, NotFound
from jupyter_mlplat.kit.clock import utc_now
from jupyter_mlplat.kit.ids import new_id
from jupyter_mlplat.ports.tracking import StoredFile
from jupyter_mlplat.resources.lineage import Artifact
from jupyter_mlplat.services.mlflow_api.messages import Message, file_messages
from jupyter_mlplat.services.mlflow_api.paths import Place, checked_path, place_of, root_of

_PIECE_BYTES = 2**20
ARTIFACT_TYPE = "system.Artifact"


async def list_of_run(call: Call) -> Message:
    """List what lies in a folder of a run; paths begin at its root."""
    run = await call.run()
    path = checked_path(call.given.find("path") or "")
    files = await call.engine.read(call.engine.store.files_of, run.id, path)
    return {
        "root_uri": root_of("runs", run.id),
        "files": file_messages(files, path, whole=True),
    }


async def list_files(call: Call) -> Message:
    """List what lies in a folder; paths are names in it."""
    path = call.given.find("path") or ""
    if not checked_path(path):
        return {"files": []}  # whose root: not known
    place = place_of(path)
    files = await call.engine.read(call.engine.store.files_of, place.owner, place.path)
    return {"files": file_messages(files, place.path, whole=False)}


async def download(call: Call) -> Response:
    place = _place(call)
    file = await call.engine.read(call.engine.store.find_file, place.owner, place.path)
    if file is None or not await call.engine.read(call.engine.blobs.has, file.digest):
        raise NotFound(f"No such artifact: {place.path!r}")
    return FileResponse(
        call.engine.blobs.path(file.digest),
        media_type="application/octet-stream",
        filename=os.path.basename(file.path),
    )


async def upload(call: Call) -> Response:
    """Take a file, however large: it never lies in memory as a whole."""
    place = _place(call)
    if not place.path:
        raise InvalidInput(f"Invalid path {place.root!r}: it names no file.")
    run = None
    if place.kind == "runs":
        run = await call.find_run(place.owner)
    else:
        model = await call.engine.read(call.engine.store.get_logged_model, place.owner)
        if model.status == "ready":
            raise Forbidden(f"Cannot change logged model {model.id!r}: it is finished.")
    stored = await _receive(call, place)
    await call.engine.read(call.engine.store.put_file, place.owner, stored)
    if run is not None:
        await call.link(run, "output", await call.engine.read(_artifact, call, stored))
    return JSONResponse({})


async def delete(call: Call) -> Response:
    place = _place(call)
    if place.kind == "models":
        raise Forbidden("Cannot delete files of a logged model. Delete the model as a whole.")
    await call.find_run(place.owner)
    gone = await call.engine.read(call.engine.store.delete_files, place.owner, place.path)
    if not gone:
        raise NotFound(f"No such artifact: {place.path!r}")
    return JSONResponse({})


def _place(call: Call) -> Place:
    return place_of(call.segments["path"])


async def _receive(call: Call, place: Place) -> StoredFile:
    engine = call.engine
    with tempfile.TemporaryFile(dir=engine.home.root) as file:
        waiting = bytearray()
        async for chunk in call.request.stream():
            waiting += chunk
            if len(waiting) >= _PIECE_BYTES:
                await engine.read(file.write, bytes(waiting))
                waiting.clear()
        digest, size = await engine.read(_store, call, file, bytes(waiting))
    return StoredFile(place.path, digest, size)


def _store(call: Call, file: IO[bytes], rest: bytes) -> tuple[str, int]:
    file.write(rest)
    file.seek(0)
    return call.engine.blobs.put_stream(iter(lambda: file.read(_PIECE_BYTES), b""))


def _artifact(call: Call, file: StoredFile) -> Artifact:
    """Return what stands for a file in the lineage: equal content of one name is one."""
    known = call.engine.store.find_artifact(file.digest, file.path, ARTIFACT_TYPE)
    return known or Artifact(
        id=new_id("art"),
        type=ARTIFACT_TYPE,
        name=file.path,
        digest=file.digest,
        size_bytes=file.size_bytes,
        codec="file",
        metadata={"filename": os.path.basename(file.path)},
        created_at=utc_now(),
    )


HANDLERS = {
    "artifacts.list_of_run": list_of_run,
    "artifacts.list": list_files,
    "artifacts.download": download,
    "artifacts.upload": upload,
    "artifacts.delete": delete,
}
