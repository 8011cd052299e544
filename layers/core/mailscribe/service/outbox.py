"""Entries of the event feed, and their way out.

An entry is written in the transaction that makes its record readable and is published after it, before the
trigger is reported as done. So an event leaves at least once, always with the same id, never before its record
can be read. Feed-only types (`records.Event`) stay in the feed.
"""

from collections.abc import Sequence
from typing import Final

import msgspec
from msgspec import structs

from mailscribe.ids import ulid_time
from mailscribe.records import Event, IndexDocument, MessageSummary
from mailscribe.records.message import ReportSummary
from mailscribe.records.report import AnyReport
from mailscribe.service.ports import Events
from mailscribe.service.report import gist

PUBLISHED: Final = frozenset({"message.received", "session.closed", "report.received"})


def message_received(document: IndexDocument, key: str) -> Event:
    """A message became readable; `key` is its object's."""
    return Event(
        id=document.commit,
        type="message.received",
        at=ulid_time(document.commit),
        detail=document.summary,
        keys=(key,),
    )


def report_received(document: IndexDocument, report: AnyReport, key: str, commit: str) -> Event:
    """A message that is a report became readable: the same summary, and what the report says in short."""
    summary = msgspec.json.decode(document.summary, type=MessageSummary)
    detail = ReportSummary(**structs.asdict(summary), report=gist(report))
    return Event(
        id=commit,
        type="report.received",
        at=ulid_time(commit),
        detail=msgspec.Raw(msgspec.json.encode(detail)),
        keys=(key,),
    )


def session_closed(document: IndexDocument, *keys: str) -> Event:
    """A session ended; `keys`: its transcript's, none of one that was lost with its front end."""
    return Event(
        id=document.commit, type="session.closed", at=ulid_time(document.commit), detail=document.summary, keys=keys
    )


def session_opened(document: IndexDocument) -> Event:
    """More became known of a session, but not its end. Feed only."""
    return Event(
        id=document.commit, type="session.opened", at=ulid_time(document.commit), detail=document.summary, keys=()
    )


def message_removed(ulid: str, commit: str) -> Event:
    """A message is gone from every answer. Feed only."""
    detail = msgspec.Raw(msgspec.json.encode({"id": ulid}))
    return Event(id=commit, type="message.removed", at=ulid_time(commit), detail=detail, keys=())


def publish(events: Events | None, entries: Sequence[Event]) -> None:
    """Publish what is meant for others. Raises `StoreUnavailable`: the trigger has to come again."""
    outgoing = [entry for entry in entries if entry.type in PUBLISHED]
    if events is not None and outgoing:
        events.publish(outgoing)
