"""Events to an EventBridge bus: source `mailscribe`, the whole event as detail, at least once.

PutEvents takes ten entries of 256 KB together; the entries of one call may fail singly. Any failure is
`StoreUnavailable`, and the caller publishes all of them again with the same ids. An event too large for the bus
goes without its summary (`detail` null): whoever reads it asks the API. Entries that exist only for the event
feed are not published.
"""

from collections.abc import Iterator, Sequence
from itertools import batched
from typing import TYPE_CHECKING, Final

import msgspec

from mailscribe.errors import StoreUnavailable
from mailscribe.records import Event
from mailscribe.store.aws.calls import aws_errors

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_events.type_defs import PutEventsRequestEntryTypeDef

SOURCE: Final = "mailscribe"
DETAIL_TYPES: Final = {
    "message.received": "Message Received",
    "session.closed": "Session Closed",
    "report.received": "Report Received",
}
"""Event type → detail-type; a type that is not here is never published."""

MAX_ENTRIES: Final = 10
"""PutEvents: entries in one call."""
MAX_ENTRY_BYTES: Final = 24_000
"""Detail of one event, so that ten fit into PutEvents' 256 KB."""


class EventBridgeEvents:
    """Publishes to `bus` (name or ARN)."""

    def __init__(self, client: "EventBridgeClient", bus: str) -> None:
        self._client = client
        self._bus = bus

    def publish(self, events: Sequence[Event]) -> None:
        """Return when the bus has taken every event. Raises `StoreUnavailable`: publish all of them again."""
        for batch in batched(self._entries(events), MAX_ENTRIES, strict=False):
            with aws_errors("publish events"):
                answer = self._client.put_events(Entries=list(batch))
            if answer["FailedEntryCount"]:
                codes = sorted({entry.get("ErrorCode", "") for entry in answer["Entries"]} - {""})
                raise StoreUnavailable(f"bus {self._bus}: {answer['FailedEntryCount']} events not taken: {codes}")

    def _entries(self, events: Sequence[Event]) -> "Iterator[PutEventsRequestEntryTypeDef]":
        for event in events:
            if event.type in DETAIL_TYPES:
                yield {
                    "Time": event.at,
                    "Source": SOURCE,
                    "DetailType": DETAIL_TYPES[event.type],
                    "Detail": _detail(event),
                    "EventBusName": self._bus,
                }


def _detail(event: Event) -> str:
    text = msgspec.json.encode(event)
    if len(text) > MAX_ENTRY_BYTES:
        text = msgspec.json.encode(msgspec.structs.replace(event, detail=msgspec.Raw(b"null")))
    return text.decode()
