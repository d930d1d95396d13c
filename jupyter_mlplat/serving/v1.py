"""KServe's V1 protocol: `{"instances": […]}` in, `{"predictions": […]}` out."""

import orjson

from jupyter_mlplat.serving.exchange import Refusal
from jupyter_mlplat.serving.payloads import Outputs, Rows
from jupyter_mlplat.serving.tensors import for_json


def parse_json(body: bytes) -> dict[str, object]:
    """Read a JSON object.

    Raises:
        Refusal: 400; not JSON (NaN and Infinity are not), or not an object.
    """
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Refusal(400, f"Cannot read the body as JSON: {error}.") from error
    if not isinstance(document, dict):
        raise Refusal(
            400, f"Cannot read the body: found a JSON {type(document).__name__}, needed an object."
        )
    return document


def decode(body: bytes) -> Rows:
    """Read a predict request.

    Raises:
        Refusal: 400; says what was found and what the protocol wants.
    """
    document = parse_json(body)
    instances = document.get("instances")
    if not isinstance(instances, list):
        found = "no such field" if instances is None else f"a {type(instances).__name__}"
        raise Refusal(
            400, f"Cannot read the body: 'instances' must be a list of rows, found {found}."
        )
    if not instances:
        raise Refusal(400, "Cannot predict: 'instances' is empty. Send at least one row.")
    return Rows(instances)


def encode(outputs: Outputs) -> bytes:
    """Write the first output's rows; models with several outputs answer a record per row."""
    if len(outputs) == 1:
        (array,) = outputs.values()
        predictions = for_json(array)
    else:
        columns = {name: array.tolist() for name, array in outputs.items()}
        predictions = [
            dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)
        ]
    return orjson.dumps({"predictions": predictions}, option=orjson.OPT_SERIALIZE_NUMPY)
