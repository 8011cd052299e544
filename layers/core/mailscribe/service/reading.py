"""One message or session by its id: record, bytes, text, conversation.

An id that is malformed, unknown, expired or deleted is `NotFound`, all alike. A message's bytes are the client's,
never those of the trace block in front. The conversation of a session that has not ended is known as far as the
trace block of its latest message tells it; that of a message then comes from the message's own. So it is with a
session that was lost with its transcript, which is then given the end that it lacks.
"""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from mailscribe.errors import NotFound, ObjectNotFound
from mailscribe.ids import is_ulid
from mailscribe.message import ParsedMessage, parse, plain_text
from mailscribe.message.links import Link, message_links
from mailscribe.records import MessageRecord, SessionRecord, Turn
from mailscribe.service.original import joined
from mailscribe.service.sessions import UNREADABLE, readable
from mailscribe.settings import Settings
from mailscribe.smtp import Transcript, classic, close_lost, parse_trace, read_transcript, turns
from mailscribe.smtp.turn import transaction_events
from mailscribe.store.items import unpack
from mailscribe.store.keys import RecordKeys, session_key
from mailscribe.store.ports import Objects, Records

TEXT_LIMIT: Final = 16 * 1024 * 1024
"""Characters of a message's text."""
UNPARSED: Final = frozenset({"parse-abandoned", "parse-failed"})
"""Defects of messages whose content must not be parsed here either: it ended the process that tried."""

NO_CONTENT: Final = parse(b"")


@dataclass(frozen=True, slots=True)
class Conversation:
    """What was said in a session, or in one transaction of it; `open` while more may follow."""

    stored: bytes
    transcript: Transcript
    told: tuple[Turn, ...]
    open: bool
    transaction: int | None = None

    @property
    def session(self) -> str:
        """The session's id."""
        return self.transcript.id

    def turns(self) -> tuple[Turn, ...]:
        """Commands with their replies."""
        if self.transaction is None:
            return self.told
        return tuple(turn for turn in self.told if turn.transaction == self.transaction)

    def classic(self) -> str:
        """The classic form."""
        return classic(self.transcript, self.transaction)

    def events(self) -> bytes:
        """The events as stored, JSON Lines, behind the line that tells of the session."""
        if self.transaction is None:
            return self.stored
        wanted = {id(event) for event in transaction_events(self.transcript, self.transaction)}
        lines = self.stored.splitlines(keepends=True)
        told = zip(self.transcript.events, lines[1:], strict=False)
        return lines[0] + b"".join(line for event, line in told if id(event) in wanted)


class Reading:
    """Reads single messages and sessions. Safe to share between threads."""

    def __init__(self, records: Records, objects: Objects, settings: Settings) -> None:
        self._records = records
        self._objects = objects
        self._keys = RecordKeys(settings.shards)

    def message(self, ulid: str) -> MessageRecord:
        """A message's record. Raises `NotFound`, `StoreError`."""
        for record in self.messages([ulid]):
            return record
        raise NotFound

    def messages(self, ulids: Sequence[str]) -> list[MessageRecord]:
        """The records of those messages that there are, in the order given."""
        keys = [self._keys.message(ulid) for ulid in ulids if is_ulid(ulid)]
        tombstones = [self._keys.tombstone(key.sk) for key in keys]
        items = {item.key: item for item in self._records.get_many([*keys, *tombstones])}
        there = [items[key] for key, stone in zip(keys, tombstones, strict=True) if key in items and stone not in items]
        found = (unpack(item, MessageRecord, self._objects) for item in there)
        return [joined(record, self._records, self._keys) for record in found]

    def is_deleted(self, ulid: str) -> bool:
        """Whether a message of that id was deleted."""
        return bool(self._records.get_many([self._keys.tombstone(ulid)]))

    def was_there(self, ulid: str) -> bool:
        """Whether there is a message of that id, or was one that was deleted."""
        return is_ulid(ulid) and bool(self._records.get_many([self._keys.message(ulid), self._keys.tombstone(ulid)]))

    def raw(self, record: MessageRecord, start: int = 0, end: int | None = None) -> bytes:
        """The client's bytes [start, end), cut to the message's size."""
        offset, last = record.raw.offset, record.size if end is None else min(end, record.size)
        return self._objects.get(record.raw.key, offset + start, offset + last) if start < last else b""

    def chunks(self, record: MessageRecord, start: int, end: int, size: int) -> Iterator[bytes]:
        """The client's bytes [start, end), `size` at a time."""
        for position in range(start, end, size):
            yield self.raw(record, position, min(position + size, end))

    def content(self, record: MessageRecord) -> tuple[bytes, ParsedMessage]:
        """The client's bytes, parsed; as if there were none when the content must not be parsed."""
        if any(defect.code in UNPARSED for defect in record.defects):
            return b"", NO_CONTENT
        data = self.raw(record)
        return data, parse(data)

    def text(self, record: MessageRecord) -> str:
        """The text to read: the text parts, else text made from HTML. Nothing when the content was never parsed."""
        return plain_text(*self.content(record), TEXT_LIMIT)

    def links(self, record: MessageRecord) -> tuple[Link, ...]:
        """Links: of List-Unsubscribe, then of the HTML, then of the text. None when the content was never parsed."""
        return message_links(*self.content(record), TEXT_LIMIT)

    def session(self, ulid: str) -> SessionRecord:
        """A session's record. Raises `NotFound`, `StoreError`."""
        for record in self.sessions([ulid]):
            return record
        raise NotFound

    def sessions(self, ulids: Sequence[str]) -> list[SessionRecord]:
        """The records of those sessions that there are, in the order given."""
        keys = [self._keys.session(ulid) for ulid in ulids if is_ulid(ulid)]
        return [unpack(item, SessionRecord, self._objects) for item in self._records.get_many(keys)]

    def conversation(self, ulid: str) -> Conversation:
        """What was said in a session, so far if it is open. Raises `NotFound`, `StoreError`."""
        session = self.session(ulid)
        if session.state == "closed":
            with contextlib.suppress(ObjectNotFound):
                return self._closed(session)
        for message in reversed(self.messages(session.messages)):
            try:
                return self._so_far(message, session)
            except ObjectNotFound:
                continue  # its delete is on its way
        raise NotFound

    def transaction(self, ulid: str) -> Conversation:
        """What was said in the transaction that brought a message. Raises `NotFound`, `StoreError`."""
        message = self.message(ulid)
        if message.session is None:
            raise NotFound
        sessions = self.sessions([message.session.id])
        return replace(self._around(message, *sessions), transaction=message.session.transaction)

    def _around(self, message: MessageRecord, session: SessionRecord | None = None) -> Conversation:
        if session is not None and session.state == "closed":
            with contextlib.suppress(ObjectNotFound):
                return self._closed(session)
        return self._so_far(message, session)

    def _closed(self, session: SessionRecord) -> Conversation:
        stored = self._objects.get(session_key(session.id))
        try:
            transcript = read_transcript(stored)
        except UNREADABLE:
            transcript = readable(session.id, stored)
        return Conversation(stored, transcript, session.turns, open=False)

    def _so_far(self, message: MessageRecord, session: SessionRecord | None) -> Conversation:
        """What the message's trace block tells."""
        stored = parse_trace(self._objects.get(message.raw.key, 0, message.raw.offset)).stored
        is_open = session is None or session.state == "open"
        if not is_open:
            stored = close_lost(stored)
        transcript = read_transcript(stored)
        return Conversation(stored, transcript, turns(transcript), is_open)
