"""The beginning and the end of a growing transcript, compressed, in bounded memory.

Every message's trace block carries the session's turns so far. The lines are compressed once, in pieces, each a zlib
stream (RFC 1950) of its own, and their concatenation is the excerpt; the piece that still grows is in it as it is: to
compress it for each message would be a fifth of a small message's cost. What does not fit is left out of the middle,
with a mark in its place; the newest lines always have precedence. Where pieces end depends on the lines alone.
"""

import struct
import zlib
from binascii import b2a_base64
from typing import Final

from mailscribe.errors import CorruptObject

MAX_EXCERPT: Final = 8000
"""Octets, some 50 messages of a session; in base64, folded, at most 11 KB."""
_FIRST: Final = 2048
_PIECE: Final = 4096
"""Octets of lines in the first piece and in each other: to compress a piece costs much the same, whatever is in it."""
_HEAD: Final = 2000
_LEVEL: Final = 3
_WINDOW_BITS: Final = 12
_MEMORY_LEVEL: Final = 5
_ROW: Final = 675
"""Octets whose base64 is one row of a folded field: 900 characters."""
_FOLD: Final = b"\r\n "
_ZLIB: Final = b"\x78\x01"
"""A zlib stream's first octets (RFC 1950 §2.2)."""
_NO_DATA: Final = 1
"""The checksum of nothing."""
_MOST_STORED: Final = 65_535
"""Octets of a stored block."""
_BLOCK: Final = struct.Struct("<?HH").pack
_OVERHEAD: Final = 600
"""Of a stored stream at most: a hundred blocks of a piece, its first octets and its checksum."""
_MAX_PLAIN: Final = 32 * 1024 * 1024
TRUNCATED: Final = b'{"t":0,"dir":"!","note":{"truncated":true}}\n'


class Excerpt:
    """Takes stored lines, gives the excerpt at any time."""

    __slots__ = ("_adler", "_head", "_lost", "_open", "_rows", "_size", "_tail", "_told")

    def __init__(self) -> None:
        self._open = bytearray()
        self._head = b""
        self._tail: tuple[bytes, ...] = ()
        self._size = 0
        self._lost = False
        self._rows: Rows | None = None
        """What was told already, in base64; None when it has to be made anew."""
        self._told = 0
        """Octets of the open piece that are in the rows."""
        self._adler = _NO_DATA

    def add(self, lines: bytes) -> None:
        """Take whole lines, LF included."""
        self._open += lines
        while len(self._open) >= (most := _PIECE if self._size or self._lost else _FIRST):
            self._seal(self._open.index(b"\n", most - 1) + 1)

    def folded(self, more: bytes = b"") -> bytes:
        """The excerpt, `more` behind it, as the value of a header field: base64 in rows.

        At most `MAX_EXCERPT` octets before that, if `more` is no longer than a line.
        """
        self._shorten(MAX_EXCERPT - len(_MARK) - len(self._open) - len(more) - _OVERHEAD)
        if self._rows is None:
            self._rows, self._told, self._adler = Rows(), 0, _NO_DATA
            self._rows.add(b"".join((self._head, *((_MARK,) if self._lost else ()), *self._tail, _ZLIB)))
        new = bytes(self._open[self._told :])
        if new:
            self._told = len(self._open)
            self._adler = zlib.adler32(new, self._adler)
            self._rows.add(_stored(new))
        return self._rows.with_last(_stored(more, last=True) + zlib.adler32(more, self._adler).to_bytes(4))

    def _seal(self, length: int) -> None:
        """So many octets of the open piece are one that is full."""
        piece = _stream(self._open[:length])
        del self._open[:length]
        self._rows = None
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
            self._lost, self._rows = True, None


class Rows:
    """Base64 in rows that fill while octets come."""

    __slots__ = ("_filled", "_rest")

    def __init__(self) -> None:
        self._filled = b""
        self._rest = b""

    def add(self, data: bytes) -> None:
        """Take octets."""
        data = self._rest + data
        whole = len(data) // _ROW * _ROW
        if whole:
            self._filled += _in_rows(data[:whole]) + _FOLD
        self._rest = data[whole:]

    def with_last(self, data: bytes) -> bytes:
        """All rows, as they are when these octets are the last; which are not kept."""
        return self._filled + _in_rows(self._rest + data)


def folded(excerpt: bytes) -> bytes:
    """An excerpt as the value of a header field."""
    return _in_rows(excerpt)


def _in_rows(data: bytes) -> bytes:
    return _FOLD.join([b2a_base64(data[at : at + _ROW], newline=False) for at in range(0, len(data), _ROW)])


def _stream(data: bytes | bytearray) -> bytes:
    stream = zlib.compressobj(_LEVEL, zlib.DEFLATED, _WINDOW_BITS, _MEMORY_LEVEL)
    return stream.compress(data) + stream.flush()


def _stored(data: bytes, *, last: bool = False) -> bytes:
    """Stored blocks (RFC 1951 §3.2.4): zlib itself takes four times as long to make one."""
    blocks = b""
    while len(data) > _MOST_STORED:
        blocks += _block(data[:_MOST_STORED])
        data = data[_MOST_STORED:]
    return blocks + _block(data, last=last)


def _block(data: bytes, *, last: bool = False) -> bytes:
    length = len(data)
    return _BLOCK(last, length, length ^ _MOST_STORED) + data


_MARK: Final = _stream(TRUNCATED)


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
