"""Command lines out of a byte stream, whatever its segments (RFC 5321 §2.3.8: only CRLF ends a line).

A line longer than the limit is given out cut to it, once its end has come; one longer than `MAX_DISCARD` has no
end worth waiting for. What is given out depends on the bytes alone, never on how they were split.
"""

from typing import Final

from msgspec import Struct

MAX_DISCARD: Final = 65_536
"""Octets of one line, CRLF included, that are read at all."""


class Line(Struct, frozen=True, gc=False):
    """A command line without CRLF, cut to the limit; `length` is the true one, with CRLF."""

    data: bytes
    length: int
    too_long: bool = False
    endless: bool = False


class LineBuffer:
    """Holds what was received and not yet used."""

    __slots__ = ("_data", "_limit", "_position", "_scanned")

    def __init__(self, limit: int) -> None:
        """`limit`: octets of a line, CRLF included."""
        self._limit = limit
        self._data = b""
        self._position = 0
        self._scanned = 0

    def __len__(self) -> int:
        """Octets held."""
        return len(self._data) - self._position

    def feed(self, data: bytes) -> None:
        """Add what was received."""
        if self._position < len(self._data):
            self._data = self._data[self._position :] + data
            self._scanned -= self._position
        else:
            self._data, self._scanned = data, 0
        self._position = 0

    def take_all(self) -> bytes:
        """Everything held, as it is; nothing is left."""
        rest = self._data[self._position :]
        self._data, self._position, self._scanned = b"", 0, 0
        return rest

    def take(self, octets: int) -> bytes:
        """At most so many octets, as they are."""
        taken = self._data[self._position : self._position + octets]
        self._position += len(taken)
        self._scanned = self._position
        return taken

    def next_line(self) -> Line | None:
        """The next line, or None until its end has come."""
        if self._position == len(self._data):
            return None
        end = self._data.find(b"\r\n", max(self._scanned, self._position))
        if end < 0:
            return self._unfinished()
        length = end - self._position + 2
        kept = self._data[self._position : min(end, self._position + self._limit)]
        self._position = self._scanned = end + 2
        return Line(kept, length, length > self._limit, length > MAX_DISCARD)

    def take_partial(self) -> Line | None:
        """What is held of a line whose end will not come, or None; nothing is left."""
        rest = self.take_all()
        return Line(rest[: self._limit], len(rest) + 2, len(rest) > self._limit) if rest else None

    def _unfinished(self) -> Line | None:
        held = len(self)
        self._scanned = max(self._position, len(self._data) - 1)
        still_missing = 1 if self._data.endswith(b"\r") else 2
        if held + still_missing <= MAX_DISCARD:
            return None
        return Line(self._data[self._position : self._position + self._limit], held, too_long=True, endless=True)
