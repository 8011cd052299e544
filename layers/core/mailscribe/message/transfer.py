"""Undo a Content-Transfer-Encoding (RFC 2045 §6), as leniently as any mail reader.

Everything decodes to something: octets outside the alphabet are skipped, missing padding is supplied, padding
inside ends one piece and another follows, `=` that introduces nothing stands for itself, an unknown encoding is
identity. What was wrong is told by `is_damaged`. Decoding goes in pieces, so a part of any size needs little
memory.
"""

import re
from binascii import Error as BinasciiError
from binascii import a2b_qp, a2b_uu
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from mmap import mmap
from typing import NamedTuple

from pybase64 import b64decode

type Source = bytes | mmap


class Range(NamedTuple):
    """The octets `[start, end)` of a source."""

    data: Source
    start: int
    end: int


PIECE = 1 << 18
"""octets of encoded data that are decoded at a time"""

IDENTITIES = frozenset({"7bit", "8bit", "binary"})
NO_CODING = frozenset({None, *IDENTITIES})
"""what is read as it stands: what `known_encoding` says of an identity, and of an encoding that nobody knows"""
_ALIASES = {
    "": "7bit",
    "none": "7bit",
    "7bits": "7bit",
    "8bits": "8bit",
    "quotedprintable": "quoted-printable",
    "qp": "quoted-printable",
    "b64": "base64",
    "uuencode": "x-uuencode",
    "xuuencode": "x-uuencode",
    "xuue": "x-uuencode",
    "uue": "x-uuencode",
    "yenc": "x-yenc",
    "xyenc": "x-yenc",
}
_PUNCTUATION = str.maketrans("", "", " -_")
_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
_WHITE = b"\n\r \t"
_NOT_BASE64 = bytes(set(range(256)) - set(_BASE64))
_PADDING = re.compile(rb"=[=\s]*+")
_SOFT_BREAK = re.compile(rb"=(?:[ \t]++(?=\r?\n)|\r(?!\n))")
_TRAILING_WHITE = re.compile(rb"\n(?:(?<=[ \t]\n)|(?<=[ \t]\r\n))")
_BAD_ESCAPE = re.compile(rb"=(?![0-9A-Fa-f]{2}|\r?\n|\Z)")
_YENC = bytes((octet - 42) & 0xFF for octet in range(256))


def known_encoding(encoding: str | None) -> str | None:
    """The encoding that a declared one means, or None if nobody knows it.

    >>> known_encoding(None), known_encoding("8-bit"), known_encoding("x-foo")
    ('7bit', '8bit', None)
    """
    if encoding in _DECODERS or encoding in IDENTITIES:
        return encoding
    name = (encoding or "").translate(_PUNCTUATION)
    name = _ALIASES.get(name, name)
    return name if name in IDENTITIES or name in _DECODERS else None


class Decoder:
    """One part's octets, decoded in pieces; once they were iterated, `is_damaged` is known."""

    __slots__ = ("_data", "_encoding", "_end", "_piece", "_start", "is_damaged")

    def __init__(self, source: Range, encoding: str | None, piece: int = PIECE) -> None:
        self._data = source.data
        self._start = source.start
        self._end = source.end
        self._encoding = known_encoding(encoding) or "binary"
        self._piece = piece
        self.is_damaged = False

    def __iter__(self) -> Iterator[bytes]:
        decode = _DECODERS.get(self._encoding)
        return self.pieces() if decode is None else decode(self)

    def pieces(self) -> Iterator[bytes]:
        """The encoded octets in pieces that end with a line or, in very long lines, never inside an escape."""
        start = self._start
        while self._end - start > self._piece:
            end = piece_end(self._data, start, start + self._piece)
            yield self._data[start:end]
            start = end
        yield self._data[start : self._end]


def piece_end(data: Source, start: int, most: int) -> int:
    """Where the piece ends that begins at `start`, at `most` or before: behind a line, never inside an escape."""
    end = data.rfind(b"\n", start, most) + 1
    if end:
        return end
    escape = data.rfind(b"=", max(start, most - 2), most)
    return most if escape <= start else escape


def decode_base64(data: bytes) -> tuple[bytes, bool]:
    """Decode whatever of `data` is base64; the flag tells whether something had to be skipped or supplied.

    >>> decode_base64(b"TWFpbA=="), decode_base64(b"TWFpbA"), decode_base64(b"TQ==TQ==")
    ((b'Mail', False), (b'Mail', True), (b'MM', True))
    """
    decoder = Decoder(Range(data, 0, len(data)), "base64")
    return b"".join(decoder), decoder.is_damaged


def _base64(decoder: Decoder) -> Iterator[bytes]:
    """Up to the first padding whatever is base64; behind it (joined texts, or a footer) only lines of nothing else."""
    held = b""
    pieces = decoder.pieces()
    for piece in pieces:
        at = piece.find(b"=")
        padding = _PADDING.match(piece, at) if at >= 0 else None
        pads = padding[0].count(b"=") if padding else 0
        text = piece[: padding.start()] if padding else piece
        usual = None if held else _usual_base64(text, pads)
        if usual is not None:
            yield usual
        else:
            letters = held + _letters(decoder, text)
            decoder.is_damaged |= padding is not None and pads != -len(letters) % 4
            whole = len(letters) if padding else len(letters) - len(letters) % 4
            held = letters[whole:]
            yield _quanta(letters[:whole])
        if padding is not None:
            yield from _behind_padding(decoder, chain((piece[padding.end() :],), pieces))
            return
    decoder.is_damaged |= held != b""
    yield _quanta(held)


def _usual_base64(text: bytes, pads: int) -> bytes | None:
    """Whole quanta with nothing but line ends between, else None: a shortcut that must not differ.

    The decoder skips what is no letter, so that nothing was skipped if it gives as many octets as there are letters.
    """
    letters = _letters_of_even_lines(text)
    if letters is None or pads > 2 or (letters + pads) % 4:
        return None
    try:
        octets = b64decode(text + b"=" * pads)
    except BinasciiError:
        return None
    return octets if len(octets) == (letters + pads) // 4 * 3 - pads else None


def _letters_of_even_lines(text: bytes) -> int | None:
    """Octets without line ends, where all lines but the last are of one length and end alike, else None."""
    width = text.find(b"\n") + 1
    if not width:
        return len(text)
    end = b"\r\n" if text.endswith(b"\r\n", 0, width) else b"\n"
    lines = len(text) // width
    if any(text[width - at :: width] != end[len(end) - at :][:1] * lines for at in range(1, len(end) + 1)):
        return None
    last = len(text) % width
    return len(text) - lines * len(end) - (len(end) if last and text.endswith(end) else 0)


def _behind_padding(decoder: Decoder, pieces: Iterable[bytes]) -> Iterator[bytes]:
    held: list[bytes] = []
    for piece in pieces:
        decoder.is_damaged |= piece.strip() != b""
        lines = (line for line in map(bytes.strip, piece.splitlines()) if not line.translate(None, _BASE64))
        first, *others = b"".join(lines).split(b"=")
        held.append(first)
        if others:
            *closed, last = b"".join(held), *others
            yield b"".join(_quanta(text) for text in closed if len(text) % 4 != 1)
            held = [last]
    last = b"".join(held)
    if len(last) % 4 == 0:
        yield _quanta(last)


def _letters(decoder: Decoder, piece: bytes) -> bytes:
    """The piece without what is not of the alphabet; anything but white space is damage."""
    letters = piece.translate(None, _NOT_BASE64)
    others = len(piece) - len(letters)
    for white in _WHITE:
        if others:
            others -= piece.count(white)
    decoder.is_damaged |= others != 0
    return letters


def _quanta(letters: bytes) -> bytes:
    """Decode letters of the alphabet that stand without padding; a lone last one carries no octet."""
    if len(letters) % 4 == 1:
        letters = letters[:-1]
    return b64decode(letters + b"=" * (-len(letters) % 4), validate=True)


def _quoted_printable(decoder: Decoder) -> Iterator[bytes]:
    for piece in decoder.pieces():
        text = _SOFT_BREAK.sub(_line_break, piece)
        if _TRAILING_WHITE.search(text):
            *lines, last = text.split(b"\n")
            text = b"\n".join([*map(_without_trailing_white, lines), last])
        decoder.is_damaged |= _BAD_ESCAPE.search(text) is not None
        yield a2b_qp(text)


def _line_break(match: re.Match[bytes]) -> bytes:
    """A soft line break that white space follows, or one that a bare CR makes."""
    return b"=\n" if match[0] == b"=\r" else b"="


def _without_trailing_white(line: bytes) -> bytes:
    """RFC 2045 §6.7 (3): white space at the end of a line was added on the way."""
    return line[:-1].rstrip(b" \t") + b"\r" if line.endswith(b"\r") else line.rstrip(b" \t")


def _uuencode(decoder: Decoder) -> Iterator[bytes]:
    is_inside = False
    for piece in decoder.pieces():
        for line in piece.splitlines():
            if not is_inside:
                is_inside = line.startswith(b"begin ")
            elif line.rstrip() == b"end":
                return
            elif line:
                yield _uu_line(decoder, line)
    decoder.is_damaged = True


def _uu_line(decoder: Decoder, line: bytes) -> bytes:
    try:
        return a2b_uu(line)
    except BinasciiError:
        decoder.is_damaged = True
    octets = (line[0] - 32) & 63
    try:
        return a2b_uu(line[: (octets * 4 + 5) // 3])
    except BinasciiError:
        return b""


def _yenc(decoder: Decoder) -> Iterator[bytes]:
    is_inside = False
    for piece in decoder.pieces():
        for line in piece.splitlines():
            if line.startswith(b"=y"):
                is_inside = line.startswith((b"=ybegin ", b"=ypart "))
                if line.startswith(b"=yend"):
                    return
            elif is_inside:
                yield _yenc_line(line)
    decoder.is_damaged = True


def _yenc_line(line: bytes) -> bytes:
    plain, *escaped = line.split(b"=")
    pieces = [plain.translate(_YENC)]
    for part in escaped:
        pieces.append(bytes([(part[0] - 106) & 0xFF]) if part else b"")
        pieces.append(part[1:].translate(_YENC))
    return b"".join(pieces)


_DECODERS: dict[str | None, Callable[[Decoder], Iterator[bytes]]] = {
    "base64": _base64,
    "quoted-printable": _quoted_printable,
    "x-uuencode": _uuencode,
    "x-yenc": _yenc,
}
