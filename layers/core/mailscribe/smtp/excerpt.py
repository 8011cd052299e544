"""The beginning and the end of a growing transcript, compressed, in bounded memory.

Every message's trace block carries the session's turns so far. The lines are compressed once, in pieces, each a zlib
stream (RFC 1950) of its own, and their concatenation is the excerpt; the piece that still grows is in it as it is: to
compress it for each message would be a fifth of a small message's cost. What does not fit is left out of the middle,
with a mark in its place; the newest lines always have precedence.
"""

import zlib
from typing import Final

from mailscribe.errors import CorruptObject

MAX_EXCERPT: Final = 8000
"""Octets, some 30 messages of a session; in base64, folded, at most 11 KB."""
_PIECE: Final = 2048
_HEAD: Final = 2000
_PLAIN: Final = 0
_LEVEL: Final = 3
_WINDOW_BITS: Final = 12
_MEMORY_LEVEL: Final = 5
"""A window of one piece: setting up zlib's largest costs ten times what compressing a piece does."""
_MAX_PLAIN: Final = 32 * 1024 * 1024
TRUNCATED: Final = b'{"t":0,"dir":"!","note":{"truncated":true}}\n'


class Excerpt:
    """Takes stored lines, gives the excerpt at any time."""

    __slots__ = ("_head", "_lost", "_open", "_size", "_tail")

    def __init__(self) -> None:
        self._open = bytearray()
        self._head = b""
        self._tail: tuple[bytes, ...] = ()
        self._size = 0
        self._lost = False

    def add(self, line: bytes) -> None:
        """Take a line, LF included."""
        self._open += line
        if len(self._open) >= _PIECE:
            self._seal()

    def compressed(self, more: bytes = b"") -> bytes:
        """The excerpt, `more` behind it: at most `MAX_EXCERPT` octets, if `more` is no longer than a line."""
        last = _stream(self._open + more, _PLAIN) if self._open or more else b""
        self._shorten(MAX_EXCERPT - len(_MARK) - len(last))
        mark = (_MARK,) if self._lost else ()
        return b"".join((self._head, *mark, *self._tail, last))

    def _seal(self) -> None:
        """The open piece is full."""
        piece = _stream(self._open, _LEVEL)
        self._open.clear()
        self._size += len(piece)
        if not self._tail and not self._lost and self._size <= _HEAD:
            self._head += piece
            return
        self._tail += (piece,)
        self._shorten(MAX_EXCERPT)

    def _shorten(self, most: int) -> None:
        """Leave out of the middle what is over `most` octets."""
        while self._size > most and self._tail:
            self._size -= len(self._tail[0])
            self._tail = self._tail[1:]
            self._lost = True


def _stream(data: bytes | bytearray, level: int) -> bytes:
    stream = zlib.compressobj(level, zlib.DEFLATED, _WINDOW_BITS, _MEMORY_LEVEL)
    return stream.compress(data) + stream.flush()


_MARK: Final = _stream(TRUNCATED, _LEVEL)


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
