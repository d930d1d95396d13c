"""Requests and answers as handlers of this API see and give them."""

from email import message_from_bytes

from starlette.responses import JSONResponse, Response

from jupyter_mlplat.engine.api.requests import Asked
from jupyter_mlplat.errors import InvalidInput
from jupyter_mlplat.resources.kfp.base import Message
from jupyter_mlplat.services.kfp_api.listing import Listable, Listing, listing_of


def answer(message: Message) -> Response:
    return JSONResponse(message.to_wire())


def nothing() -> Response:
    """Answer `google.protobuf.Empty`."""
    return JSONResponse({})


def listing(asked: Asked, listable: Listable) -> Listing:
    """Read what a caller asks of a list."""
    names = ("page_token", "page_size", "sort_by", "filter")
    return listing_of(listable, **{name: asked.text(name) for name in names})


async def uploaded(asked: Asked) -> tuple[str, bytes]:
    """Read the one file of a multipart form: its name and its content.

    Raises:
        InvalidInput: The body is no form with a part `uploadfile`.
    """
    head = b"Content-Type: " + asked.request.headers.get("content-type", "").encode("latin-1")
    form = message_from_bytes(head + b"\r\n\r\n")
    boundary = form.get_boundary()
    if form.get_content_type() != "multipart/form-data" or not boundary:
        raise InvalidInput(
            "Cannot take this upload: needed multipart/form-data with a file 'uploadfile'."
        )
    content = await asked.content()
    line = b"--" + boundary.encode("latin-1")
    for part in (b"\r\n" + content).split(b"\r\n" + line)[1:-1]:
        header, found, body = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        disposition = message_from_bytes(header + b"\r\n\r\n")
        name = disposition.get_param("name", header="content-disposition")
        if found and name == "uploadfile":
            return disposition.get_filename() or "pipeline.yaml", body
    raise InvalidInput("Cannot take this upload: it has no file 'uploadfile', or it was cut off.")
