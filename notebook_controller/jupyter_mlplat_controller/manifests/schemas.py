"""Structural schemas of Kubernetes from pydantic's models."""

from typing import Any, cast

from pydantic import BaseModel

from jupyter_mlplat.formats.kubernetes.objects import words

Schema = dict[str, Any]

ANYTHING: Schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
_KEPT = words(
    "type description enum format pattern minLength maxLength minimum maximum minItems maxItems "
    "minProperties maxProperties"
)


def structural(model: type[BaseModel]) -> Schema:
    """Return the schema of a model as a CRD may have it.

    References are written out, and what structural schemas do not know is left away: titles,
    defaults (the reader fills them in), `additionalProperties: false` (the API server prunes).
    """
    schema = model.model_json_schema(by_alias=True, mode="validation")
    return _convert(schema, schema.get("$defs", {}))


def _convert(schema: Schema, definitions: Schema) -> Schema:
    if "$ref" in schema:
        target = definitions[schema["$ref"].rpartition("/")[2]]
        return _convert({**target, **{k: v for k, v in schema.items() if k != "$ref"}}, definitions)
    if "anyOf" in schema:
        return _any_of(schema, definitions)
    if "const" in schema:
        kind = {str: "string", bool: "boolean", int: "integer"}[type(schema["const"])]
        return {"type": kind, "enum": [schema["const"]]}
    found = {name: value for name, value in schema.items() if name in _KEPT}
    for name, bound in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if name in schema:  # OpenAPI 3.0 spells these as flags
            found |= {bound: schema[name], name: True}
    if schema.get("type") == "array":
        found["items"] = _convert(schema.get("items") or _first(schema), definitions)
    elif "properties" in schema:
        found["properties"] = {
            name: _convert(value, definitions) for name, value in schema["properties"].items()
        }
        if schema.get("required"):
            found["required"] = list(schema["required"])
    elif schema.get("type") == "object":
        found |= _mapping(schema, definitions)
    elif not found.get("type") and "enum" not in found:
        return {"x-kubernetes-preserve-unknown-fields": True}
    return found


def _any_of(schema: Schema, definitions: Schema) -> Schema:
    options = [_convert(one, definitions) for one in schema["anyOf"] if one.get("type") != "null"]
    about = {"description": schema["description"]} if "description" in schema else {}
    if len(options) == 1:
        is_nullable = len(options) < len(schema["anyOf"])
        return options[0] | about | ({"nullable": True} if is_nullable else {})
    if {one.get("type") for one in options} == {"integer", "string"}:
        text = next(one for one in options if one.get("type") == "string")
        pattern = {"pattern": text["pattern"]} if "pattern" in text else {}
        return {"x-kubernetes-int-or-string": True, **pattern, **about}
    if {one.get("type") for one in options} == {"string"}:
        return {"type": "string", "anyOf": [_bounds(one) for one in options], **about}
    return {"x-kubernetes-preserve-unknown-fields": True, **about}


def _bounds(schema: Schema) -> Schema:
    return {name: value for name, value in schema.items() if name not in ("type", "description")}


def _mapping(schema: Schema, definitions: Schema) -> Schema:
    values = schema.get("additionalProperties")
    if not isinstance(values, dict):
        return ANYTHING
    converted = _convert(values, definitions)
    if "type" not in converted and "x-kubernetes-int-or-string" not in converted:
        return ANYTHING
    return {"type": "object", "additionalProperties": converted}


def _first(schema: Schema) -> Schema:
    return cast(Schema, schema["prefixItems"][0])
