"""What is known of a session: from a message's trace block (it is open) or from its own object (it is closed).

An open one whose object did not come in time is closed as `lost`; should the object come yet, it has the last word.

Each source holds the conversation up to some moment, so what two of them tell is joined: the later tale, every
message that either knows of and none takes back, and the end if one knows it. Joining is commutative, associative
and idempotent: in whatever order and however often sources arrive, the same record stands at the end. An object
that is damaged gives what can be read of it, ended as `lost`.
"""

import logging
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

import msgspec
from msgspec import UNSET, structs

from mailscribe.errors import CorruptObject
from mailscribe.ids import is_ulid, ulid_time
from mailscribe.query.document import session_document
from mailscribe.records import Client, Finding, IndexDocument, SessionRecord, Turn
from mailscribe.smtp import (
    NoteEvent,
    Trace,
    Transcript,
    TranscriptEvent,
    outcome_of,
    read_transcript,
    turns_and_findings,
)

DELIVERED: Final = "delivered"
HELLOS: Final = frozenset({"HELO", "EHLO"})
DAMAGED: Final = Finding(code="truncated", turn=0)
"""The finding of a session whose object could be read in part only."""
UNKNOWN_CLIENT: Final = Client(ip="", port=0)
"""The client of a session whose object does not even tell that."""
UNREADABLE: Final = (CorruptObject, ValueError, ArithmeticError, RecursionError)
"""What reading an object that is no transcript may raise."""

_log = logging.getLogger(__name__)


def open_session(trace: Trace) -> SessionRecord:
    """What a message's trace block tells: its session up to the message, which was accepted as far as is known."""
    told, seen = turns_and_findings(trace.transcript)
    messages = _messages(told, [trace.message_id])
    return SessionRecord(
        id=trace.session.id,
        state="open",
        opened_at=trace.opened,
        closed_at=None,
        listener=trace.listener,
        client=trace.client,
        helo=trace.helo,
        tls=trace.tls,
        auth=trace.auth,
        outcome=_outcome(outcome_of(trace.transcript, told), messages),
        end=None,
        messages=messages,
        findings=seen,
        turns=told,
    )


def closed_session(ulid: str, data: bytes) -> SessionRecord:
    """What a session's object tells. Never raises: of a damaged one, what can be read, ended as `lost`."""
    try:
        return _closed(ulid, read_transcript(data))
    except UNREADABLE:
        _log.exception("the object of session %s is damaged", ulid)
    transcript = readable(ulid, data)
    try:
        record = _closed(ulid, transcript)
    except UNREADABLE:
        record = _closed(ulid, replace(transcript, events=()))
    return structs.replace(record, findings=(DAMAGED, *(each for each in record.findings if each != DAMAGED)))


def readable(ulid: str, data: bytes) -> Transcript:
    """The lines that are events, without the others."""
    nothing = Transcript(ulid, UNKNOWN_CLIENT, "", "", ulid_time(ulid), (), None)
    lines = [line + b"\n" for line in data.split(b"\n")[:-1]]
    try:
        header = read_transcript(lines[0]) if lines else nothing
    except UNREADABLE:
        return nothing
    return replace(header, events=tuple(event for line in lines[1:] for event in _events(lines[0], line)))


def lost(record: SessionRecord) -> SessionRecord:
    """A session whose transcript will not come any more: all that is known of it, closed with the last command."""
    return structs.replace(record, state="closed", end="lost", closed_at=_last_known(record))


def join(one: SessionRecord, other: SessionRecord) -> SessionRecord:
    """What both tell of the same session."""
    told, ended = max(one, other, key=_lateness), max(one, other, key=_endedness)
    closed = ended.closed_at
    if closed is not None and ended.end == "lost":
        closed = max(closed, _last_known(told))
    messages = tuple(sorted({*one.messages, *other.messages} - taken_back(one) - taken_back(other)))
    return structs.replace(
        told,
        state=ended.state,
        closed_at=closed,
        end=ended.end,
        messages=messages,
        outcome=_outcome(told.outcome, messages),
    )


def taken_back(record: SessionRecord) -> frozenset[str]:
    """Messages whose content was not accepted though their objects may be stored: the answer was a 4xx, or none.

    A 5xx is said before anything is stored.
    """
    return frozenset(
        turn.content.message
        for turn in record.turns
        if turn.content is not UNSET
        and turn.content.message is not UNSET
        and is_ulid(turn.content.message)
        and not turn.content.accepted
        and (turn.reply is None or turn.reply.code < 500)
    )


def document(record: SessionRecord, commit: str) -> IndexDocument:
    """A session for the index; without its turns should they be more than the index can take."""
    try:
        found = session_document(record, commit)
        msgspec.json.encode(found)
    except Exception:  # noqa: BLE001 - a session that cannot be searched is better than one that is not there
        _log.exception("session %s cannot be indexed with its turns", record.id)
        return session_document(structs.replace(record, turns=(), findings=()), commit)
    return found


def _lateness(record: SessionRecord) -> tuple[bool, float, int, int]:
    """Order by how much of the conversation is told; a whole transcript is the last word."""
    whole = record.state == "closed" and record.end != "lost"
    last = record.turns[-1].at if record.turns else -1.0
    return whole, last, len(record.turns), sum(turn.reply is not None for turn in record.turns)


def _endedness(record: SessionRecord) -> tuple[bool, bool, float]:
    closed = record.closed_at
    return record.state == "closed", record.end != "lost", closed.timestamp() if closed else 0.0


def _last_known(record: SessionRecord) -> datetime:
    """When the last command that is known of was said, in the whole milliseconds of a transcript's closing line."""
    at = record.turns[-1].at if record.turns else 0
    return record.opened_at + timedelta(milliseconds=int(at))


def _closed(ulid: str, transcript: Transcript) -> SessionRecord:
    (told, seen), end = turns_and_findings(transcript), transcript.end
    last = transcript.events[-1].t if transcript.events else 0
    hello = next(
        (turn for turn in reversed(told) if turn.verb in HELLOS and turn.reply and turn.reply.code == 250), None
    )
    notes = [event.note for event in transcript.events if isinstance(event, NoteEvent)]
    return SessionRecord(
        id=ulid,
        state="closed",
        opened_at=transcript.opened,
        closed_at=transcript.opened + timedelta(microseconds=last) if end is None else end.closed,
        listener=transcript.listener,
        client=transcript.client,
        helo=None if hello is None else (hello.command or "").partition(" ")[2].strip(" "),
        tls=next((note.tls for note in reversed(notes) if note.tls is not UNSET), None),
        auth=next((note.auth for note in reversed(notes) if note.auth is not UNSET), None),
        outcome=outcome_of(transcript),
        end="lost" if end is None else end.end,
        messages=_messages(told),
        findings=seen,
        turns=told,
    )


def _events(header: bytes, line: bytes) -> tuple[TranscriptEvent, ...]:
    try:
        return read_transcript(header + line).events
    except UNREADABLE:
        return ()


def _messages(told: Iterable[Turn], more: Iterable[str] = ()) -> tuple[str, ...]:
    """Messages that were accepted in these turns, and more, in the order of their ids."""
    return tuple(sorted({turn.message for turn in told if turn.message is not UNSET} | set(more)))


def _outcome(told: Iterable[str], messages: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted({*told, DELIVERED} if messages else set(told)))
