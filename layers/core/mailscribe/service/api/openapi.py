"""The OpenAPI 3.1 description, made from the route table and the record types, so that it cannot say another thing."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from mailscribe.service.api.problems import CONTENT_TYPE, PROBLEMS
from mailscribe.service.api.routes import PLACE, Form, Route

ANYWHERE: Final = (421, 500, 503)
WITH_TOKEN: Final = (401, 403)
BEARER: Final = "bearer"
_REFERENCES: Final = "#/components/schemas/{name}"

_NOUNS: Final = ("messages", "sessions", "events", "rules", "search")
_PLACES: Final = {
    "id": "A ULID.",
    "refused": "A ULID.",
    "partId": "A `partId` of the record's `bodyStructure`.",
    "name": "Letters, digits and dashes; 64 at most.",
}

type Document = dict[str, Any]


def describe(routes: Sequence[Route], version: str) -> Document:
    """The description of the routes that are documented."""
    shown = [route for route in routes if route.documented]
    schemas = _Schemas([*(form.schema for route in shown for form in route.forms), *(route.body for route in shown)])
    paths: Document = {}
    for route in shown:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "mailscribe",
            "version": version,
            "description": "Every message a queryable record, every SMTP conversation word for word.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{BEARER: []}],
        "paths": paths,
        "components": {
            "schemas": schemas.components | {"Problem": _PROBLEM},
            "securitySchemes": {BEARER: {"type": "http", "scheme": "bearer"}},
        },
    }


class _Schemas:
    def __init__(self, wanted: Iterable[object]) -> None:
        self._kinds = list(dict.fromkeys(kind for kind in wanted if kind is not None and not isinstance(kind, Mapping)))
        found, self.components = msgspec.json.schema_components(self._kinds, ref_template=_REFERENCES)
        self._found = list(found)

    def of(self, form: Form) -> Mapping[str, Any] | None:
        if form.schema is None or isinstance(form.schema, Mapping):
            return form.schema
        return self._found[self._kinds.index(form.schema)]


def _operation(route: Route, schemas: _Schemas) -> Document:
    operation: Document = {
        "summary": route.summary,
        "operationId": operation_id(route),
        "tags": [tag(route)],
        "parameters": _parameters(route),
        "responses": _responses(route, schemas),
    }
    if route.scope is None:
        operation["security"] = []
    if route.body is not None:
        schema = schemas.of(Form(0, "", schema=route.body))
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    return operation


def tag(route: Route) -> str:
    """The noun that a route is about."""
    parts = route.path.split("/")
    return parts[2] if len(parts) > 2 and parts[2] in _NOUNS else "system"


def operation_id(route: Route) -> str:
    """A name for the operation: its method and the words of its path.

    >>> operation_id(Route(path="/v1/messages/{id}/raw", handler=..., summary="", forms=()))
    'getMessagesIdRaw'
    """
    words = re.findall(r"[a-z]+", route.path.removeprefix("/v1"))
    return route.method.lower() + "".join(word.capitalize() for word in words)


def _parameters(route: Route) -> list[Document]:
    places = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}, "description": _PLACES[name]}
        for name in PLACE.findall(route.path)
    ]
    queries = [
        {"name": parameter.name, "in": "query", "schema": parameter.schema, "description": parameter.doc}
        for parameter in route.parameters
    ]
    return places + queries


def _responses(route: Route, schemas: _Schemas) -> Document:
    responses: Document = {}
    for form in route.forms:
        answer = responses.setdefault(str(form.status), {"description": form.doc})
        if form.content_type:
            media_type = form.content_type.partition(";")[0]
            schema = schemas.of(form)
            content = {} if schema is None else {"schema": schema}
            answer.setdefault("content", {})[media_type] = content
    for status in problem_statuses(route):
        titles = dict.fromkeys(problem.title for problem in PROBLEMS if problem.status == status)
        schema = {"$ref": "#/components/schemas/Problem"}
        responses[str(status)] = {"description": "; ".join(titles), "content": {CONTENT_TYPE: {"schema": schema}}}
    return responses


def problem_statuses(route: Route) -> list[int]:
    """The statuses of the problems that a route may answer with."""
    return sorted({*route.problems, *ANYWHERE, *(WITH_TOKEN if route.scope else ()), *((400,) if route.scope else ())})


_PROBLEM: Final = {
    "title": "Problem",
    "description": "RFC 9457 problem details.",
    "type": "object",
    "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string", "format": "uri-reference"},
        "position": {"type": "integer", "minimum": 0, "description": "Of a bad query: where reading stopped."},
        "expected": {"type": "string", "description": "Of a bad query: what could have stood there."},
        "parameter": {"type": "string", "description": "Of a bad parameter: its name."},
    },
    "required": ["type", "title", "status", "detail", "instance"],
}
