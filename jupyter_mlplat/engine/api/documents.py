"""Kubeflow's documents: applied, told with their status, deleted."""

from typing import TYPE_CHECKING

from starlette.responses import Response

from jupyter_mlplat.engine.api.requests import Asked, answer
from jupyter_mlplat.resources.documents import (
    AppliedDocuments,
    ApplyRequest,
    StatusDocument,
    StatusDocuments,
)

if TYPE_CHECKING:
    from jupyter_mlplat.engine.engine import Engine

_LARGEST_LIST = 1000


async def apply(engine: "Engine", asked: Asked) -> Response:
    applied = await engine.documents.apply(await asked.body(ApplyRequest))
    return answer(AppliedDocuments(documents=applied))


async def list_documents(engine: "Engine", asked: Asked) -> Response:
    limit = asked.number("limit", 100, low=1, high=_LARGEST_LIST) or 100
    found = await engine.read(engine.documents.list_all, asked["kind"], asked.text("of"), limit)
    return answer(StatusDocuments(documents=tuple(found)))


async def get_document(engine: "Engine", asked: Asked) -> Response:
    found = await engine.read(engine.documents.get, asked["kind"], asked["name"])
    return answer(StatusDocument(document=found))


async def delete_document(engine: "Engine", asked: Asked) -> Response:
    await engine.documents.delete(asked["kind"], asked["name"])
    return Response(status_code=204)


HANDLERS = {
    "documents.apply": apply,
    "documents.list": list_documents,
    "documents.get": get_document,
    "documents.delete": delete_document,
}
