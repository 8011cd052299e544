"""A stream of events as Server-Sent Events, piece by piece as its host asks for them.

An event's `id` field is its id. A block of an `id` alone moves the place from which a reader that lost the stream
goes on, so that it goes on there even when it had no event yet. Before its first word the address is watched.
Host and reader come and go in different threads: each call is on its own, and none does anything after `close`.
"""

import threading
from typing import Final

import msgspec

from mailscribe.records import Event
from mailscribe.service.events_reader import EventReader
from mailscribe.service.presence import Presence

EVENT_STREAM: Final = "text/event-stream"
HEARTBEAT: Final = b":\n\n"
RETRY_MS: Final = 1000
"""After which a reader that lost its stream comes again."""


class EventStream:
    """One reader's stream; `watch` is the address that is watched while it lasts."""

    def __init__(self, reader: EventReader, presence: Presence, watch: str | None) -> None:
        self._reader = reader
        self._presence = presence
        self._watch = watch
        self._lock = threading.Lock()
        self._begun = False
        self._watching = False
        self._closed = False

    def poll(self) -> bytes:
        """What is to be sent next, nothing when there is nothing new. Raises `StoreUnavailable`: try again."""
        with self._lock:
            if self._closed:
                return b""
            self._keep_watched()
            found = self._reader.read()
            place = str(self._reader.position)
            pieces = [] if self._begun else [b"retry: %d\n\n" % RETRY_MS]
            pieces += map(_encoded, found.events)
            if not self._begun or found.more or (found.events and found.events[-1].id != place):
                pieces.append(b"id: %b\n\n" % place.encode())
            self._begun = True
            return b"".join(pieces)

    def close(self) -> None:
        """Nobody reads it any more. Raises `StoreUnavailable`: the address is watched a little longer."""
        with self._lock:
            was_watching = self._watching
            self._closed, self._watching = True, False
            if self._watch is not None and was_watching:
                self._presence.leave(self._watch)

    def _keep_watched(self) -> None:
        if self._watch is None:
            return
        if self._watching:
            self._presence.keep(self._watch)
        else:
            self._presence.enter(self._watch)
            self._watching = True


def _encoded(event: Event) -> bytes:
    return b"id: %b\nevent: %b\ndata: %b\n\n" % (event.id.encode(), event.type.encode(), msgspec.json.encode(event))
