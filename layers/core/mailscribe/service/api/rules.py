"""Routes of rules: the sets that front ends ask at every stage of a session; docs/policy.md says what a rule may be."""

from typing import Any, Final

import msgspec

from mailscribe.records import Value
from mailscribe.service.api.answer import Answer, json_answer, no_content
from mailscribe.service.api.problems import BAD_BODY, Refused
from mailscribe.service.api.routes import Call, Form, Route, Services

DEFAULT: Final = "default"


class RuleSetView(Value, frozen=True, kw_only=True):
    """A set: its name, and its rules in order."""

    name: str
    rules: tuple[dict[str, Any], ...]


class RuleSetList(Value, frozen=True, kw_only=True):
    """All sets, in the order in which they are asked."""

    sets: tuple[RuleSetView, ...]


class RuleSetBody(Value, frozen=True, kw_only=True):
    """What a set is to be; `ttl` in seconds ends each rule that has no `expires` of its own."""

    rules: tuple[dict[str, Any], ...]
    ttl: int | None = None


def list_rules(services: Services, call: Call) -> Answer:  # noqa: ARG001 - a handler's signature
    """Every set."""
    return json_answer({"sets": services.rules.all()})


def get_rules(services: Services, call: Call) -> Answer:
    """One set."""
    return json_answer(services.rules.get(call.places["name"]))


def put_rules(services: Services, call: Call) -> Answer:
    """Replace a set: the one that is named, or `default`."""
    try:
        document = msgspec.json.decode(call.request.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Refused(BAD_BODY, "The body is no JSON.") from None
    return json_answer(services.rules.put(call.places.get("name", DEFAULT), document))


def delete_rules(services: Services, call: Call) -> Answer:
    """Take a set away, or all of them."""
    name = call.places.get("name")
    if name is None:
        services.rules.delete_all()
    else:
        services.rules.delete(name)
    return no_content()


def _route(method: str, path: str, handler: Any, summary: str, *forms: Form) -> Route:  # noqa: ANN401 - a Handler
    is_put = method == "PUT"
    return Route(
        method=method,
        path=path,
        handler=handler,
        summary=summary,
        forms=forms,
        scope="admin",
        problems=(404, 413, 422) if is_put else (404,),
        body=RuleSetBody if is_put else None,
    )


_SET: Final = Form(200, "The set", schema=RuleSetView)
_GONE: Final = Form(204, "Gone", "")
ROUTES: Final = (
    _route("GET", "/v1/rules", list_rules, "Every set of rules", Form(200, "The sets", schema=RuleSetList)),
    _route("PUT", "/v1/rules", put_rules, "Replace the set `default`", _SET),
    _route("DELETE", "/v1/rules", delete_rules, "Take every set away", _GONE),
    _route("GET", "/v1/rules/{name}", get_rules, "A set of rules", _SET),
    _route("PUT", "/v1/rules/{name}", put_rules, "Replace a set of rules", _SET),
    _route("DELETE", "/v1/rules/{name}", delete_rules, "Take a set away", _GONE),
)
