"""The route of events: what became readable, in commit order, as a stream where the host can hold one, else as a poll.

A poll is answered as soon as there is something, and `next` is where to go on; so it is when there is still more to
look through than one call may. With `watch=` the address counts as watched (service/presence.py) while a stream or
a poll lasts.
"""

from typing import Final

from mailscribe.errors import ParameterError, QueryError
from mailscribe.query import And, Node, Operator, Word
from mailscribe.records import Event, Kind, Value
from mailscribe.service.api.answer import JSON, Answer, json_answer
from mailscribe.service.api.events_stream import EVENT_STREAM, HEARTBEAT, EventStream
from mailscribe.service.api.listing import commit_after, question_of, seconds_of
from mailscribe.service.api.negotiation import negotiate
from mailscribe.service.api.parameters import SINCE, TIMEOUT, TZ, Q, Since, read_since
from mailscribe.service.api.request import Parameter
from mailscribe.service.api.routes import Call, Form, Held, Live, Mode, Route, Services
from mailscribe.service.events import HOURS, Position
from mailscribe.service.events_reader import EventReader, Found, Wanted
from mailscribe.service.search import HOUR_MS, KINDS
from mailscribe.service.waits import wait_blocking
from mailscribe.smtp.path import forward_path
from mailscribe.smtp.reply import Refused

LAST_EVENT_ID: Final = "last-event-id"
_NO_MAILBOX: Final = "not a mailbox such as user@example.org"


class EventPage(Value, frozen=True, kw_only=True):
    """Events in commit order; `next` is `since` of the next call. With none of them, `next` may still be further."""

    events: tuple[Event, ...]
    next: str


def read_place(text: str) -> Since | Position:
    """What a wait takes, or the `next` of a page."""
    position = Position.from_text(text)
    return read_since(text) if position is None or position.last == text else position


def read_mailbox(text: str) -> str:
    """A mailbox with its domain.

    >>> read_mailbox("bob@test.org")
    'bob@test.org'
    """
    try:
        path, rest = forward_path(text)
    except Refused:
        raise ValueError(_NO_MAILBOX) from None
    if rest or path.bracketed or not path.domain:
        raise ValueError(_NO_MAILBOX)
    return path.email


FROM: Final = Parameter[Since | Position](
    SINCE.name,
    read_place,
    read_since("0s"),
    {"type": "string", "default": "0s"},
    "What became readable since then: `next`, the id of an event, or what a wait takes. Last-Event-ID goes before it.",
)
WATCH: Final = Parameter[str | None](
    "watch",
    read_mailbox,
    None,
    {"type": "string"},
    "A mailbox: only messages that were addressed to it, and while this lasts it counts as watched (SMTP's SEND).",
)


def follow_events(services: Services, call: Call) -> Answer | Held | Live:
    """A stream, or the first events after the place."""
    seconds, watch = seconds_of(services, call), call.arguments[WATCH]
    reader = EventReader(services.feed, services.search, _wanted(call), _place(services, call))
    if call.request.method == "HEAD":
        return _page(reader, Found())
    if call.mode is Mode.HOLD and _wants_stream(call):
        stream = EventStream(reader, services.presence, watch)
        return Live(
            poll=stream.poll,
            close=stream.close,
            heartbeat=HEARTBEAT,
            content_type=EVENT_STREAM,
            seconds=call.arguments[TIMEOUT],
        )
    if watch is not None:
        services.presence.promise(watch, 0 if call.mode is Mode.ONCE else seconds)
    found = reader.read()
    if found or not seconds or call.mode is Mode.ONCE:
        return _page(reader, found)
    if call.mode is Mode.HOLD:
        return Held(seconds, lambda: bool(reader.read()))
    with services.slots.hold(seconds):
        waited = wait_blocking(
            lambda: reader.read() or None, seconds=seconds, clock=services.monotonic, sleep=services.sleep
        )
    return _page(reader, waited or Found())


def _page(reader: EventReader, found: Found) -> Answer:
    return json_answer(EventPage(events=found.events, next=str(reader.position)))


def _wants_stream(call: Call) -> bool:
    return negotiate(call.request.headers.get("accept"), (JSON, EVENT_STREAM)) == EVENT_STREAM


def _wanted(call: Call) -> Wanted:
    """What to show of each kind. A query that only one kind understands is about that kind alone."""
    watch = call.arguments[WATCH]
    if watch is not None:
        node, addressed = question_of(call, "message").parse(), Operator("rcpt", Word(watch))
        return {"message": addressed if node is None else And((node, addressed))}
    found: dict[Kind, Node | None] = {}
    faults: list[QueryError] = []
    for kind in KINDS:
        try:
            found[kind] = question_of(call, kind).parse()
        except QueryError as error:
            faults.append(error)
    if not found:
        raise faults[0]
    return found


def _place(services: Services, call: Call) -> Position:
    """Where to begin; never long before everything that there is."""
    position = _named_place(services, call)
    if position.last < Position.at(call.now_ms - HOURS * HOUR_MS).last:
        oldest = services.search.oldest_ms()
        first = Position.at((call.now_ms if oldest is None else oldest) - HOUR_MS)
        return max(position, first, key=lambda place: place.last)
    return position


def _named_place(services: Services, call: Call) -> Position:
    last, since = call.request.headers.get(LAST_EVENT_ID), call.arguments[FROM]
    if last:
        position = Position.from_text(last)
        if position is None:
            raise ParameterError("Last-Event-ID", "not an `id` that a stream gave")
        return position
    if isinstance(since, Position):
        return since
    if since.ulid is not None:
        return Position(services.search.commit_of(since.ulid) or since.ulid)
    return Position(commit_after(services, call, since), None)


ROUTES: Final = (
    Route(
        path="/v1/events",
        handler=follow_events,
        summary="What became readable, in commit order, as it happens",
        parameters=(Q, FROM, WATCH, TIMEOUT, TZ),
        forms=(
            Form(200, "Events, none at the time-out, and where to go on", schema=EventPage),
            Form(200, "Server-Sent Events, where the host can stream and Accept asks for them", EVENT_STREAM),
        ),
        problems=(400, 429),
    ),
)
