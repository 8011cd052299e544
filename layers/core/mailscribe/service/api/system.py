"""Routes that tell of the service itself. They are open: none tells anything of what is stored."""

from typing import Final, Literal

from mailscribe.records import Value
from mailscribe.service.api.answer import HTML, JSON, Answer, json_answer
from mailscribe.service.api.routes import Call, Form, Route, Services


class Health(Value, frozen=True, kw_only=True):
    """That the service answers."""

    status: Literal["ok"] = "ok"


def get_health(_services: Services, _call: Call) -> Answer:
    """That the service answers."""
    return json_answer(Health())


def get_openapi(services: Services, _call: Call) -> Answer:
    """The OpenAPI document."""
    return services.pages["openapi"]()


def get_docs(services: Services, _call: Call) -> Answer:
    """The documents to read."""
    return services.pages["docs"]()


def get_home(services: Services, _call: Call) -> Answer:
    """The list page, which asks for a token by itself."""
    return services.pages["home"]()


ROUTES: Final = (
    Route(
        path="/v1/health",
        handler=get_health,
        summary="Whether the service answers",
        forms=(Form(200, "It does", schema=Health),),
        scope=None,
    ),
    Route(
        path="/v1/openapi.json",
        handler=get_openapi,
        summary="This description",
        forms=(Form(200, "OpenAPI 3.1", JSON, {"type": "object"}),),
        scope=None,
    ),
    Route(
        path="/v1/docs",
        handler=get_docs,
        summary="This description, to read",
        forms=(Form(200, "One page that loads nothing", HTML),),
        scope=None,
    ),
    Route(
        path="/",
        handler=get_home,
        summary="A plain list of messages, which asks for a token",
        forms=(Form(200, "One page that fetches from this service only", HTML),),
        scope=None,
        documented=False,
    ),
)
