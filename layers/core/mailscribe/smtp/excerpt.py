"""The beginning and the end of a growing transcript, compressed, in bounded memory.

Every message's trace block carries the session's turns so far, so the lines are compressed once, in pieces, as
they come: each piece is a zlib stream (RFC 1950) of its own and their concatenation is the excerpt. What does not
fit is left out of the middle, with a mark in its place; the newest lines always have precedence.
"""

import zlib
from typing import Final

from mailscribe.errors import CorruptObject

MAX_EXCERPT: Final = 12_000
"""Octets compressed; in base64, folded, at most 16 KB."""
_PIECE: Final = 4096
_HEAD: Final = 4000
_SPARE: Final = 500
"""Octets kept for the mark and for what stands behind the lines."""
_LEVEL: Final = 6
_WINDOW_BITS: Final = 12
_MEMORY_LEVEL: Final = 4
"""A window of one piece: setting up zlib's largest costs ten times what compressing a piece does."""
_MAX_PLAIN: Final = 32 * 1024 * 1024
TRUNCATED: Final = b'{"t":0,"dir":"!","note":{"truncated":true}}\n'


class Excerpt:
    """Takes stored lines, gives the excerpt at any time."""

    __slots__ = ("_head", "_lost", "_open", "_size", "_tail")

    def __init__(self) -> None:
        self._open = bytearray()
        self._head: list[bytes] = []
        self._tail: list[bytes] = []
        self._size = 0
        self._lost = False

    def add(self, line: bytes) -> None:
        """Take a line, LF included."""
        self._open += line
        if len(self._open) >= _PIECE:
            self._seal()

    def compressed(self, more: bytes = b"") -> bytes:
        """The excerpt, `more` behind it: at most `MAX_EXCERPT` octets."""
        self._seal()
        mark = [_MARK] if self._lost else []
        last = [_compress(more)] if more else []
        return b"".join((*self._head, *mark, *self._tail, *last))

    def _seal(self) -> None:
        if not self._open:
            return
        piece = _compress(self._open)
        self._open.clear()
        self._size += len(piece)
        if not self._tail and not self._lost and self._size <= _HEAD:
            self._head.append(piece)
            return
        self._tail.append(piece)
        while self._size > MAX_EXCERPT - _SPARE and self._tail:
            self._size -= len(self._tail.pop(0))
            self._lost = True


def _compress(data: bytes | bytearray) -> bytes:
    stream = zlib.compressobj(_LEVEL, zlib.DEFLATED, _WINDOW_BITS, _MEMORY_LEVEL)
    return stream.compress(data) + stream.flush()


_MARK: Final = _compress(TRUNCATED)


def decompress(data: bytes) -> bytes:
    """The lines of an excerpt. Raises `CorruptObject`."""
    plain = bytearray()
    while data:
        stream = zlib.decompressobj()
        try:
            plain += stream.decompress(data, _MAX_PLAIN)
        except zlib.error as error:
            raise CorruptObject("transcript excerpt cannot be decompressed") from error
        if not stream.eof or len(plain) > _MAX_PLAIN:
            raise CorruptObject("transcript excerpt is torn or too large")
        data = stream.unused_data
    return bytes(plain)
