"""The HTTP API's description, made from the table of its routes: what isn't in the table isn't served."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from workflows.model.record import Record


@dataclass(frozen=True, slots=True)
class Route:
    """One call. ``handler`` names the method that answers; ``body`` is what it takes."""

    method: str
    path: str
    handler: str
    about: str
    body: type[Record] | None = None
    query: tuple[str, ...] = ()


def document(routes: Sequence[Route]) -> dict[str, Any]:
    """OpenAPI 3.1."""
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method] = _operation(route)
    error = {"type": "object", "required": ["error"], "properties": {"error": {"type": "string"}}}
    return {
        "openapi": "3.1.0",
        "info": {"title": "bringup", "version": "1", "description": "The site as it stands, and commands to it"},
        "security": [{"token": []}, {"session": []}],
        "paths": paths,
        "components": {
            "schemas": {"Error": error},
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "session": {"type": "apiKey", "in": "cookie", "name": "bringup_session"},
            },
        },
    }


def _operation(route: Route) -> dict[str, Any]:
    stream = "server-sent events" in route.about
    said = {"text/event-stream": {}} if stream else {"application/json": {"schema": {"type": "object"}}}
    refused = {
        "description": "Refused, with the reason",
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
    }
    operation: dict[str, Any] = {
        "operationId": route.handler,
        "summary": route.about,
        "parameters": [
            *(_parameter(name, "path") for name in re.findall(r"\{(\w+)\}", route.path)),
            *(_parameter(name, "query") for name in route.query),
        ],
        "responses": {
            "200": {"description": "Done", "content": said},
            **{code: refused for code in ("400", "401", "403", "413", "503")},
        },
    }
    if route.body is not None:
        schema = route.body.model_json_schema(ref_template="#/components/schemas/{model}")
        defined = schema.pop("$defs", {})
        schema = _inlined(schema, defined)
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    return operation


def _parameter(name: str, place: str) -> dict[str, Any]:
    return {"name": name, "in": place, "required": place == "path", "schema": {"type": "string"}}


def _inlined(schema: Any, defined: dict[str, Any]) -> Any:
    """The schema with its few references replaced by what they name."""
    if isinstance(schema, dict):
        if "$ref" in schema:
            return _inlined(defined[schema["$ref"].rpartition("/")[2]], defined)
        return {name: _inlined(value, defined) for name, value in schema.items()}
    if isinstance(schema, list):
        return [_inlined(value, defined) for value in schema]
    return schema
