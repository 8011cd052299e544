"""Routes of sessions: list, wait, and one session as record and as conversation."""

import hashlib
from typing import Final

from msgspec import UNSET

from mailscribe.errors import NotFound
from mailscribe.records import SessionRecord, SessionSummary, Value
from mailscribe.service.api.answer import JSON, JSON_LINES, RFC822, TEXT, Answer, json_answer
from mailscribe.service.api.conditional import is_unchanged
from mailscribe.service.api.conversations import ConversationTurns, answer_conversation
from mailscribe.service.api.large import fit
from mailscribe.service.api.listing import (
    COUNT_PARAMETERS,
    LIST_PARAMETERS,
    WAIT_PARAMETERS,
    MatchCount,
    answer_count,
    answer_page,
    answer_wait,
)
from mailscribe.service.api.routes import Call, Form, Held, Route, Services
from mailscribe.smtp import open_trace
from mailscribe.store.keys import refused_key


class SessionList(Value, frozen=True, kw_only=True):
    """A page of sessions, newest first; `next` is the cursor of the page after it."""

    sessions: tuple[SessionSummary, ...]
    next: str | None


class FoundSessions(Value, frozen=True, kw_only=True):
    """The sessions that ended a wait, in the order in which they became readable."""

    sessions: tuple[SessionRecord, ...]


def list_sessions(services: Services, call: Call) -> Answer:
    """A page of summaries."""
    return answer_page(services, call, "session", "sessions")


def count_sessions(services: Services, call: Call) -> Answer:
    """How many match."""
    return answer_count(services, call, "session")


def wait_sessions(services: Services, call: Call) -> Answer | Held:
    """Whole sessions as soon as enough match."""
    return answer_wait(services, call, "session", "sessions", services.reading.sessions)


def get_session(services: Services, call: Call) -> Answer:
    """The record with its turns."""
    record = services.reading.session(call.id)
    return fit(services, json_answer(record), record.id, "record.json")


def get_transcript(services: Services, call: Call) -> Answer:
    """The whole conversation."""
    return answer_conversation(services, call, services.reading.conversation(call.id))


def get_refused(services: Services, call: Call) -> Answer:
    """What a client sent that was refused and kept; it goes when its days are over."""
    session, ulid = services.reading.session(call.id), call.places["refused"]
    if not any(turn.content is not UNSET and turn.content.refused == ulid for turn in session.turns):
        raise NotFound
    data = services.objects.get(refused_key(ulid))
    content = data[open_trace(data).length :]
    etag = f'"{hashlib.sha256(content).hexdigest()}"'
    headers = {"ETag": etag, "Cache-Control": "private, no-cache"}
    if is_unchanged(call.request.headers, etag):
        return Answer(304, headers=headers)
    headers["Content-Disposition"] = f'attachment; filename="{ulid}.eml"'
    return Answer(200, content, RFC822, headers)  # no redirect: a copy would outlive what it is of


ROUTES: Final = (
    Route(
        path="/v1/sessions",
        handler=list_sessions,
        summary="Sessions that match a query, newest first",
        parameters=LIST_PARAMETERS,
        forms=(Form(200, "A page", schema=SessionList),),
        problems=(400,),
    ),
    Route(
        path="/v1/sessions/count",
        handler=count_sessions,
        summary="How many sessions match a query",
        parameters=COUNT_PARAMETERS,
        forms=(Form(200, "The number; a lower bound when it is not exact", schema=MatchCount),),
        problems=(400,),
    ),
    Route(
        path="/v1/sessions/wait",
        handler=wait_sessions,
        summary="Sessions that match a query, as soon as there are enough",
        parameters=WAIT_PARAMETERS,
        forms=(
            Form(200, "Whole sessions, in the order in which they became readable", schema=FoundSessions),
            Form(204, "Too few matched in time", ""),
        ),
        problems=(400, 429),
    ),
    Route(
        path="/v1/sessions/{id}",
        handler=get_session,
        summary="A session with its turns",
        forms=(Form(200, "The session; `state` is open while it lasts", schema=SessionRecord),),
        problems=(404,),
    ),
    Route(
        path="/v1/sessions/{id}/transcript",
        handler=get_transcript,
        summary="A session word for word",
        forms=(
            Form(200, "Turns; `open` while the session lasts", JSON, ConversationTurns),
            Form(200, "Classic form", TEXT),
            Form(200, "Stored events", JSON_LINES),
            Form(307, "Too large to answer here: an address that is good for 60 seconds", ""),
        ),
        problems=(404, 406),
    ),
    Route(
        path="/v1/sessions/{id}/refused/{refused}",
        handler=get_refused,
        summary="Content that was refused, as it was sent",
        forms=(
            Form(200, "The client's bytes; ETag is their SHA-256", RFC822),
            Form(304, "If-None-Match names this content", ""),
        ),
        problems=(404,),
    ),
)
