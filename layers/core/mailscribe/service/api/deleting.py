"""Routes that delete messages: one by its id, or all that a query matches.

Of many, exactly those are deleted that were counted; who says how many there are is told when there are others. Where
calls end after a time, one takes only so many (`delete_limit`). A call that was broken off is made again: what is
deleted by then is not there any more, and what was left of it goes.
"""

import re
from dataclasses import replace
from typing import Final, Literal

import msgspec
from msgspec import Raw

from mailscribe.errors import NotFound, ParameterError
from mailscribe.records import Value
from mailscribe.service.api.answer import Answer, json_answer
from mailscribe.service.api.listing import question_of
from mailscribe.service.api.parameters import TZ, Q
from mailscribe.service.api.problems import COUNT_DIFFERS, TOO_MANY, Refused
from mailscribe.service.api.request import Parameter
from mailscribe.service.api.routes import Call, Form, Route, Services
from mailscribe.service.search import Question

PAGE: Final = 1000
_COUNT: Final = re.compile(r"[0-9]{1,12}")


class Deleted(Value, frozen=True, kw_only=True):
    """How many messages there were that are gone now."""

    deleted: int


class _Id(msgspec.Struct):
    id: str


def read_confirm(text: str) -> int | Literal["all"]:
    """A number, or `all`."""
    if text == "all":
        return "all"
    if _COUNT.fullmatch(text) is None:
        raise ValueError("neither a number of messages nor all")
    return int(text)


CONFIRM: Final = Parameter[int | Literal["all"] | None](
    "confirm",
    read_confirm,
    None,
    {"type": "string", "pattern": "^([0-9]{1,12}|all)$"},
    "How many messages the query matches (409 when it is another number), or `all`.",
)


def delete_message(services: Services, call: Call) -> Answer:
    """One message. Raises `NotFound` when there is none; what may be left of one that was deleted goes all the same."""
    if not services.reading.was_there(call.id):
        raise NotFound
    removed = services.removal.remove([call.id], objects=True)
    if not removed:
        raise NotFound
    return json_answer(Deleted(deleted=removed))


def delete_messages(services: Services, call: Call) -> Answer:
    """All that match; none when their number is not the one that was confirmed."""
    confirmed = call.arguments[CONFIRM]
    if confirmed is None:
        raise ParameterError(CONFIRM.name, "say how many messages are to go, or all")
    limit = services.settings.delete_limit
    ulids = _matching(services, question_of(call, "message"), limit)
    if confirmed not in ("all", len(ulids)) and not (limit and len(ulids) > limit):
        detail = f"{len(ulids)} messages match, not {confirmed}; nothing was deleted."
        raise Refused(COUNT_DIFFERS, detail, members={"count": len(ulids)})
    if limit and len(ulids) > limit:
        raise Refused(TOO_MANY, f"More than {limit} messages match; nothing was deleted.", members={"limit": limit})
    return json_answer(Deleted(deleted=services.removal.remove(ulids, objects=True)))


def _matching(services: Services, question: Question, limit: int) -> list[str]:
    """The ids of all that match; of more than `limit`, where there is one, some that are more than it."""
    found: list[str] = []
    cursor = None
    while True:
        page = services.search.page(question, cursor=cursor, limit=PAGE)
        found += map(_id, page.summaries)
        cursor = page.next
        if cursor is None or (limit and len(found) > limit):
            return found


def _id(summary: Raw) -> str:
    return msgspec.json.decode(summary, type=_Id).id


_FORM: Final = Form(200, "How many are gone", schema=Deleted)
_ONE: Final = Route(
    method="DELETE",
    path="/v1/messages/{id}",
    handler=delete_message,
    summary="Delete a message: record, bytes, and whatever was made of them",
    forms=(_FORM,),
    problems=(404,),
    scope="delete",
)
ROUTES: Final = (
    _ONE,
    replace(
        _ONE,
        path="/v1/messages",
        handler=delete_messages,
        summary="Delete every message that matches a query; without one, every message",
        parameters=(Q, CONFIRM, TZ),
        problems=(400, 409, 422),
    ),
)
