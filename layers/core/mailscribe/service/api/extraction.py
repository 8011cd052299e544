"""Routes of what is found in a message on request: links and one-time codes. Nothing of it is stored."""

from typing import Final, Literal

from msgspec import UNSET, UnsetType

from mailscribe.message.codes import find_codes
from mailscribe.records import Value
from mailscribe.service.api.answer import Answer, json_answer
from mailscribe.service.api.large import fit
from mailscribe.service.api.routes import Call, Form, Route, Services


class FoundLink(Value, frozen=True, kw_only=True):
    """A link of a message; `kind` tells how to leave a list from what the body links to."""

    href: str
    text: str
    rel: str | UnsetType = UNSET
    kind: Literal["body", "unsubscribe", "one-click"]


class FoundCode(Value, frozen=True, kw_only=True):
    """What looks like a one-time code, the line around it, and how sure that is: 0 to 1."""

    code: str
    context: str
    confidence: float


def get_links(services: Services, call: Call) -> Answer:
    """Links in their order."""
    record = services.reading.message(call.id)
    found = tuple(
        FoundLink(href=link.href, text=link.text, rel=link.rel or UNSET, kind=link.kind)
        for link in services.reading.links(record)
    )
    return fit(services, json_answer(found), record.id, "links.json")


def get_codes(services: Services, call: Call) -> Answer:
    """Codes, the surest first."""
    record = services.reading.message(call.id)
    found = tuple(
        FoundCode(code=each.code, context=each.context, confidence=each.confidence)
        for each in find_codes(record.subject or "", services.reading.text(record))
    )
    return fit(services, json_answer(found), record.id, "codes.json")


ROUTES: Final = (
    Route(
        path="/v1/messages/{id}/links",
        handler=get_links,
        summary="The links of a message, and how to leave its list",
        forms=(Form(200, "Each address once", schema=tuple[FoundLink, ...]),),
        problems=(404,),
    ),
    Route(
        path="/v1/messages/{id}/codes",
        handler=get_codes,
        summary="What looks like a one-time code in a message",
        forms=(Form(200, "The surest first", schema=tuple[FoundCode, ...]),),
        problems=(404,),
    ),
)
