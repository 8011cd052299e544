"""The API as a function of a payload-2.0 event: host and token are checked before anything else is looked at.

Whatever a route raises becomes a problem document; nothing of an exception leaves but what the problem table lets
out. An answer's body may be an object for a host that understands it (`start`): a `Stream`, a `Held` wait, or a
`Live` answer, which ends when its token does.
"""

import base64
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Final

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.utilities.typing import LambdaContext

from mailscribe.errors import NotFound
from mailscribe.service.api.answer import Answer, Stream
from mailscribe.service.api.problems import (
    BAD_METHOD,
    FOREIGN_ORIGIN,
    TOO_LARGE,
    UNKNOWN_HOST,
    Refused,
    answer_error,
)
from mailscribe.service.api.request import Arguments, Payload, Request, read_request
from mailscribe.service.api.resolver import Resolver
from mailscribe.service.api.routes import Call, Held, Live, Mode, Route, Services
from mailscribe.service.tokens import Tokens, require

MAX_BODY: Final = 262_144
"""Bytes of a request's body."""
NO_CONTEXT: Final = LambdaContext()
EVERYWHERE: Final = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class Api:
    """Answers events. Safe to share between threads."""

    def __init__(self, services: Services, tokens: Tokens, routes: Sequence[Route]) -> None:
        self._services = services
        self._tokens = tokens
        self._routes = tuple(routes)
        self._open = frozenset(route.path for route in routes if route.scope is None)
        self._resolver = self._make_resolver()

    def __call__(self, event: Payload, _context: object = None) -> Payload:
        """The answer, complete: what a function's handler gives. A wait blocks."""
        return self._answer(event, Mode.BLOCK, self._services.clock_ms())

    def start(self, event: Payload) -> Payload:
        """The answer, whose body may be a `Stream`, a `Held` wait or `Live`: for a host that takes these."""
        return self._answer(event, Mode.HOLD, self._services.clock_ms())

    def _answer(self, event: Payload, mode: Mode, came_ms: int) -> Payload:
        request = read_request(event)
        self._resolver.context = {"request": request, "mode": mode, "now_ms": came_ms}
        payload: Payload = self._resolver.resolve(event, NO_CONTEXT)
        body = payload["body"]
        if isinstance(body, Held):
            payload["body"] = replace(body, finish=partial(self._answer, event, Mode.ONCE, came_ms))
        elif isinstance(body, Live):
            authorization = request.headers.get("authorization")
            payload["body"] = replace(body, poll=partial(self._poll, body.poll, authorization))
        elif request.method == "HEAD":
            _drop_body(payload)
        return payload

    def _poll(self, poll: Callable[[], bytes], authorization: str | None) -> bytes:
        self._tokens.verify(authorization)
        return poll()

    def _make_resolver(self) -> Resolver:
        resolver = Resolver()
        resolver.use([self._make_guard()])
        resolver.not_found(lambda _error: self._nothing_there())
        resolver.exception_handler(Exception)(lambda error: _response(answer_error(error, self._request().path)))
        for route in self._routes:
            resolver.route(route.rule, list(route.methods))(self._make_endpoint(route))
        for route in self._routes:  # builds every route's chain of middlewares, once and by one thread
            for method in route.methods:
                resolver.resolve(_bare_event(method, route.path), NO_CONTEXT)
        return resolver

    def _make_guard(self) -> Callable[..., Response[Any]]:
        def guard(app: Resolver, next_middleware: Callable[[Resolver], Response[Any]]) -> Response[Any]:
            if "request" not in app.context:
                return Response(UNKNOWN_HOST.status)
            request = self._request()
            self._check_host(request)
            self._check_change(request)
            if request.path not in self._open:
                app.context["token"] = self._tokens.verify(request.headers.get("authorization"))
            if not request.path.isprintable():
                raise NotFound
            return next_middleware(app)

        return guard

    def _make_endpoint(self, route: Route) -> Callable[..., Response[Any]]:
        def endpoint(**places: str) -> Response[Any]:
            context = self._resolver.context
            token = context.get("token")
            if route.scope is not None:
                require(token, route.scope)
            request = self._request()
            call = Call(
                request=request,
                arguments=Arguments(route.parameters, request.query_string),
                token=token,
                id=places.get("id", ""),
                places=places,
                mode=context["mode"],
                now_ms=context["now_ms"],
            )
            return _response(route.handler(self._services, call))

        return endpoint

    def _nothing_there(self) -> Response[Any]:
        request = self._request()
        allowed = [method for route in self._routes if route.matches(request.path) for method in route.methods]
        if allowed and request.method not in allowed:
            raise Refused(BAD_METHOD, headers={"Allow": ", ".join(dict.fromkeys(allowed))})
        raise NotFound

    @staticmethod
    def _check_change(request: Request) -> None:
        """What changes something is not taken from a page of another host or port, nor larger than it may be."""
        origin = request.headers.get("origin", "").partition("://")[2].lower()
        changes = request.method not in ("GET", "HEAD")
        if changes and request.headers.get("origin") and origin != request.headers.get("host", "").lower():
            raise Refused(FOREIGN_ORIGIN)
        if len(request.body) > MAX_BODY:
            raise Refused(TOO_LARGE)

    def _check_host(self, request: Request) -> None:
        hosts = self._services.settings.hosts
        host = host_name(request.headers.get("host", ""))
        if "*" not in hosts and (not host or host not in map(host_name, hosts)):
            raise Refused(UNKNOWN_HOST)

    def _request(self) -> Request:
        request: Request = self._resolver.context["request"]
        return request


def host_name(field: str) -> str:
    """The name or address in a Host field, in lower case, without port and brackets.

    >>> host_name("LOCALHOST:8025"), host_name("[::1]:8025"), host_name("::1")
    ('localhost', '::1', '::1')
    """
    text = field.strip().lower()
    if text.startswith("["):
        return text[1:].partition("]")[0]
    name, colon, port = text.rpartition(":")
    return name if colon and ":" not in name and port.isascii() and (port.isdigit() or not port) else text


def _response(answer: Answer | Held | Live) -> Response[Any]:
    if isinstance(answer, Held):
        return Response(200, body=answer)
    if isinstance(answer, Live):
        return Response(200, content_type=answer.content_type, body=answer, headers=dict(EVERYWHERE))
    body: str | bytes | Stream = answer.body
    if isinstance(body, bytes) and answer.is_text:
        body = body.decode()
    return Response(
        answer.status,
        content_type=answer.content_type or None,
        body=body or "",
        headers=EVERYWHERE | dict(answer.headers),
    )


def _drop_body(payload: Payload) -> None:
    body = payload["body"]
    if isinstance(body, Stream):
        length = body.length
    else:
        length = len(base64.b64decode(body) if payload["isBase64Encoded"] else body.encode())
    payload["headers"]["Content-Length"] = str(length)
    payload |= {"body": "", "isBase64Encoded": False}


def _bare_event(method: str, path: str) -> Payload:
    http = {"method": method, "path": path}
    return {"version": "2.0", "rawPath": path, "requestContext": {"http": http, "stage": "$default"}, "headers": {}}
