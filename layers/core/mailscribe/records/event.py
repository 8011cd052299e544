"""What happened: the entries of the event feed."""

from datetime import datetime
from typing import Literal

from msgspec import Raw

from mailscribe.records.value import Value


class Event(Value, frozen=True, kw_only=True):
    """What `/v1/events` and EventBridge carry: at least once, always the same `id`, after the record is readable.

    `detail` is the JSON of the list summary; `keys` are the object keys of what it speaks of. Two types are
    entries of the feed only, for readers that keep an index warm, and are never published: `session.opened`
    (an open session became known, or more of it) and `message.removed` (`detail` is `{"id": …}`).
    """

    v: Literal[1] = 1
    id: str
    type: Literal["message.received", "session.closed", "report.received", "session.opened", "message.removed"]
    at: datetime
    detail: Raw
    keys: tuple[str, ...]
