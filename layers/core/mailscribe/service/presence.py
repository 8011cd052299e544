"""Who watches an address right now: an object per address that says until when, for front ends to read.

It is what SEND, SOML and SAML ask (RFC 821 §3.4): whether somebody sits at the terminal. A stream keeps its address
watched by writing the object anew; the last one to leave removes it, and the object of a process that died is out of
date by itself. A single poll writes it once, to last for the poll and the time that the next one may take to come.
An address is compared in lower case, as a whole.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import msgspec

from mailscribe.ids import now_ms
from mailscribe.records import Value
from mailscribe.store.keys import presence_key
from mailscribe.store.ports import Objects

LIFE_MS: Final = 25_000
"""How long an object is good for after it was written."""
REFRESH_MS: Final = 10_000
"""Age at which it is written anew while a stream lasts."""


class Watched(Value, frozen=True, kw_only=True):
    """What the object says: the address in lower case, and until when somebody watches it."""

    address: str
    expires: datetime


def is_live(data: bytes, now: datetime) -> bool:
    """Whether the object with these bytes says that somebody watches at `now`; one that cannot be read does not."""
    try:
        return msgspec.json.decode(data, type=Watched).expires > now
    except (msgspec.MsgspecError, ValueError, TypeError):
        return False


@dataclass(slots=True)
class _Entry:
    """What this process has to do with an address: its streams, when it wrote last, what it has promised to polls."""

    streams: int = 0
    written_ms: int | None = None
    promised_ms: int = 0


class Presence:
    """Marks addresses as watched. Safe to share between threads; every call may raise `StoreUnavailable`."""

    def __init__(self, objects: Objects, clock_ms: Callable[[], int] = now_ms) -> None:
        self._objects = objects
        self._clock_ms = clock_ms
        self._entries: dict[str, _Entry] = {}
        self._lock = threading.Lock()

    def enter(self, address: str) -> None:
        """A stream begins; on return the address is watched. What raises did not begin."""
        with self._lock:
            entry = self._entry(address)
            self._write(address, entry)
            entry.streams += 1

    def keep(self, address: str) -> None:
        """A stream goes on: write the object anew if it is time. To be called every few seconds."""
        with self._lock:
            entry = self._entry(address)
            if entry.written_ms is None or not 0 <= self._clock_ms() - entry.written_ms < REFRESH_MS:
                self._write(address, entry)

    def leave(self, address: str) -> None:
        """A stream ended; the last one of an address takes the object away, unless a poll was promised more."""
        with self._lock:
            entry = self._entry(address)
            entry.streams -= 1
            if entry.streams == 0 and entry.promised_ms <= self._clock_ms():
                del self._entries[address.lower()]
                self._objects.delete(presence_key(address))

    def promise(self, address: str, seconds: float) -> None:
        """A poll of so many seconds begins; the address is watched for these and a little longer."""
        with self._lock:
            now = self._clock_ms()
            over = [key for key, entry in self._entries.items() if not entry.streams and entry.promised_ms <= now]
            for key in over:
                del self._entries[key]
            entry = self._entry(address)
            entry.promised_ms = max(entry.promised_ms, now + int(seconds * 1000) + LIFE_MS)
            self._write(address, entry)

    def _entry(self, address: str) -> _Entry:
        return self._entries.setdefault(address.lower(), _Entry())

    def _write(self, address: str, entry: _Entry) -> None:
        now = self._clock_ms()
        until = datetime.fromtimestamp(max(now + LIFE_MS, entry.promised_ms) / 1000, UTC)
        document = msgspec.json.encode(Watched(address=address.lower(), expires=until))
        self._objects.put(presence_key(address), [document], content_type="application/json")
        entry.written_ms = now
