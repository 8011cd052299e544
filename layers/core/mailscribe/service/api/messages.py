"""Routes of messages: list, wait, and one message as record, bytes, header fields, text and conversation."""

from typing import Any, Final

import msgspec
from msgspec import Raw

from mailscribe.errors import ParameterError
from mailscribe.message.quotes import without_quotes
from mailscribe.records import HeaderField, MessageRecord, MessageSummary, Value
from mailscribe.service.api.answer import JSON, RFC822, TEXT, Answer, json_answer
from mailscribe.service.api.conditional import content_tag, is_unchanged, requested_range
from mailscribe.service.api.conversations import ConversationTurns, answer_conversation
from mailscribe.service.api.header_forms import HEADER
from mailscribe.service.api.large import can_answer, fit, message_bytes, redirect_to_message
from mailscribe.service.api.listing import (
    COUNT_PARAMETERS,
    LIST_PARAMETERS,
    WAIT_PARAMETERS,
    MatchCount,
    answer_count,
    answer_page,
    answer_wait,
)
from mailscribe.service.api.parameters import PROPERTIES, QUOTES
from mailscribe.service.api.routes import Call, Form, Held, Route, Services

PROPERTY_NAMES: Final = MessageRecord.__struct_encode_fields__


class MessageList(Value, frozen=True, kw_only=True):
    """A page of messages, newest first; `next` is the cursor of the page after it."""

    messages: tuple[MessageSummary, ...]
    next: str | None


class FoundMessages(Value, frozen=True, kw_only=True):
    """The messages that ended a wait, in the order in which they became readable."""

    messages: tuple[MessageRecord, ...]


def list_messages(services: Services, call: Call) -> Answer:
    """A page of summaries."""
    return answer_page(services, call, "message", "messages")


def count_messages(services: Services, call: Call) -> Answer:
    """How many match."""
    return answer_count(services, call, "message")


def wait_messages(services: Services, call: Call) -> Answer | Held:
    """Full records as soon as enough match."""
    return answer_wait(services, call, "message", "messages", services.reading.messages)


def get_message(services: Services, call: Call) -> Answer:
    """The record, or some properties of it."""
    record = services.reading.message(call.id)
    answer = json_answer(record)
    names = call.arguments[PROPERTIES]
    if names is not None:
        answer = json_answer(_select(answer, names))
    if call.arguments[HEADER]:
        answer = json_answer(
            _properties(answer) | {each.given: each.value(record.headers) for each in call.arguments[HEADER]}
        )
    return fit(services, answer, record.id, "record.json")


def get_raw(services: Services, call: Call) -> Answer:
    """The client's bytes, whole or a range of them."""
    record = services.reading.message(call.id)
    etag = f'"{record.sha256}"'
    headers = {"ETag": etag, "Accept-Ranges": "bytes", "Cache-Control": "private, no-cache"}
    if is_unchanged(call.request.headers, etag):
        return Answer(304, headers=headers)
    wanted = requested_range(call.request.headers, etag, record.size) if call.request.method == "GET" else None
    start, end = wanted or (0, record.size)
    body = message_bytes(services, record, start, end)
    if body is None:
        return redirect_to_message(services, record)
    headers["Content-Disposition"] = f'attachment; filename="{record.id}.eml"'
    if wanted is not None:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{record.size}"
    return Answer(200 if wanted is None else 206, body, RFC822, headers)


def get_headers(services: Services, call: Call) -> Answer:
    """Header fields in their order."""
    record = services.reading.message(call.id)
    return fit(services, json_answer(record.headers), record.id, "headers.json")


def get_text(services: Services, call: Call) -> Answer:
    """The text to read, whole or a range of its octets."""
    record = services.reading.message(call.id)
    text = services.reading.text(record)
    body = (text if call.arguments[QUOTES] else without_quotes(text)).encode()
    etag = content_tag(body)
    headers = {"ETag": etag, "Accept-Ranges": "bytes", "Cache-Control": "private, no-cache"}
    if is_unchanged(call.request.headers, etag):
        return Answer(304, headers=headers)
    wanted = requested_range(call.request.headers, etag, len(body)) if call.request.method == "GET" else None
    start, end = wanted or (0, len(body))
    if wanted is None or not can_answer(services, end - start):
        return fit(services, Answer(200, body, TEXT, headers), record.id, "text.txt")
    headers["Content-Range"] = f"bytes {start}-{end - 1}/{len(body)}"
    return Answer(206, body[start:end], TEXT, headers, is_binary=True)


def get_transcript(services: Services, call: Call) -> Answer:
    """The turns that brought the message."""
    return answer_conversation(services, call, services.reading.transaction(call.id))


def _select(answer: Answer, names: tuple[str, ...]) -> dict[str, Raw]:
    unknown = [name for name in names if name not in PROPERTY_NAMES]
    if unknown:
        raise ParameterError(PROPERTIES.name, f"a record has no {unknown[0][:40]!r}")
    return {name: value for name, value in _properties(answer).items() if name == "id" or name in names}


def _properties(answer: Answer) -> dict[str, Any]:
    body = answer.body if isinstance(answer.body, bytes) else b"{}"
    properties: dict[str, Any] = msgspec.json.decode(body, type=dict[str, Raw])
    return properties


ROUTES: Final = (
    Route(
        path="/v1/messages",
        handler=list_messages,
        summary="Messages that match a query, newest first",
        parameters=LIST_PARAMETERS,
        forms=(Form(200, "A page", schema=MessageList),),
        problems=(400,),
    ),
    Route(
        path="/v1/messages/count",
        handler=count_messages,
        summary="How many messages match a query",
        parameters=COUNT_PARAMETERS,
        forms=(Form(200, "The number; a lower bound when it is not exact", schema=MatchCount),),
        problems=(400,),
    ),
    Route(
        path="/v1/messages/wait",
        handler=wait_messages,
        summary="Messages that match a query, as soon as there are enough",
        parameters=WAIT_PARAMETERS,
        forms=(
            Form(200, "Full records, in the order in which they became readable", schema=FoundMessages),
            Form(204, "Too few matched in time", ""),
        ),
        problems=(400, 429),
    ),
    Route(
        path="/v1/messages/{id}",
        handler=get_message,
        summary="The record of a message",
        parameters=(PROPERTIES, HEADER),
        forms=(Form(200, "RFC 8621 Email, plus what SMTP adds", schema=MessageRecord),),
        problems=(400, 404),
    ),
    Route(
        path="/v1/messages/{id}/raw",
        handler=get_raw,
        summary="The exact bytes that the client sent",
        forms=(
            Form(200, "The message; ETag is its SHA-256", RFC822),
            Form(206, "The range that was asked for", RFC822),
            Form(304, "If-None-Match names this message", ""),
            Form(307, "Too large to answer here: an address that is good for 60 seconds", ""),
        ),
        problems=(404, 416),
    ),
    Route(
        path="/v1/messages/{id}/headers",
        handler=get_headers,
        summary="Header fields in their order",
        forms=(Form(200, "Names as sent, values raw", schema=tuple[HeaderField, ...]),),
        problems=(404,),
    ),
    Route(
        path="/v1/messages/{id}/text",
        handler=get_text,
        summary="The text of a message",
        parameters=(QUOTES,),
        forms=(
            Form(200, "The text parts, or text made from HTML; ETag names it", TEXT),
            Form(206, "The range that was asked for", TEXT),
            Form(304, "If-None-Match names this text", ""),
            Form(307, "Too large to answer here: an address that is good for 60 seconds", ""),
        ),
        problems=(400, 404, 416),
    ),
    Route(
        path="/v1/messages/{id}/transcript",
        handler=get_transcript,
        summary="The turns of the SMTP transaction that brought the message",
        forms=(
            Form(200, "Turns; `open` while the session lasts", JSON, ConversationTurns),
            Form(200, "Classic form", TEXT),
            Form(200, "Stored events", "application/jsonl"),
            Form(307, "Too large to answer here: an address that is good for 60 seconds", ""),
        ),
        problems=(404, 406),
    ),
)
