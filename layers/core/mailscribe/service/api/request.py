"""A request as routes see it: method, path, header fields, and query parameters read by a route's own table.

Made from a payload-2.0 event. A parameter that the route does not name, one given twice and one that its table
cannot read are `ParameterError`s; nothing is ignored.
"""

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl

from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEventV2

from mailscribe.errors import ParameterError

MAX_PARAMETERS: Final = 50

type Payload = dict[str, Any]
"""An event or an answer in API Gateway's payload format 2.0."""


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked. Names of header fields are in lower case."""

    method: str
    path: str
    query_string: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Parameter[T]:
    """A query parameter: its name, how its text is read (`ValueError` when it cannot be), and how it is documented."""

    name: str
    read: Callable[[str], T]
    default: T
    schema: Mapping[str, object]
    doc: str


class Arguments:
    """The values of a route's query parameters."""

    def __init__(self, parameters: Sequence[Parameter[Any]], query_string: str) -> None:
        """Raises `ParameterError`."""
        given = _pairs(query_string)
        known = {parameter.name: parameter for parameter in parameters}
        for name in given:
            if name not in known:
                raise ParameterError(_shown(name), f"unknown; known here: {', '.join(known) or 'none'}")
        self._values = {
            parameter.name: _read(parameter, given[parameter.name])
            for parameter in parameters
            if parameter.name in given
        }

    def __getitem__[T](self, parameter: Parameter[T]) -> T:
        value: T = self._values.get(parameter.name, parameter.default)
        return value


def read_request(event: Payload) -> Request:
    """The request of an event. Raises `KeyError` for something that is no payload-2.0 event."""
    proxy = APIGatewayProxyEventV2(event)
    headers = {str(name).lower(): str(value) for name, value in (event.get("headers") or {}).items()}
    path = proxy.path.encode("utf-8", "replace").decode()
    return Request(proxy.http_method.upper(), path, str(event.get("rawQueryString") or ""), headers, _body(event))


def _body(event: Payload) -> bytes:
    text = str(event.get("body") or "")
    return base64.b64decode(text) if event.get("isBase64Encoded") else text.encode()


def _pairs(query_string: str) -> dict[str, str]:
    try:
        pairs = parse_qsl(
            query_string, keep_blank_values=True, encoding="utf-8", errors="strict", max_num_fields=MAX_PARAMETERS
        )
    except UnicodeDecodeError:
        raise ParameterError("query", "percent-encoded bytes that are not UTF-8") from None
    except ValueError:
        raise ParameterError("query", f"more than {MAX_PARAMETERS} parameters") from None
    found: dict[str, str] = {}
    for name, value in pairs:
        if name in found:
            raise ParameterError(_shown(name), "given more than once")
        found[name] = value
    return found


def _read[T](parameter: Parameter[T], text: str) -> T:
    try:
        return parameter.read(text)
    except ValueError as error:
        raise ParameterError(parameter.name, str(error)) from None


def _shown(name: str) -> str:
    printable = "".join(character if character.isprintable() else "?" for character in name)
    return printable if len(printable) <= 40 else f"{printable[:40]}…"
