"""The decoded content of parts: octets, text, and the one plain text that index, preview and `/text` show.

Limits count octets of UTF-8, as maxBodyValueBytes of RFC 8621 §4.2 does, and never cut a character.
"""

import re
from collections.abc import Iterable

from mailscribe.message.charset import decode
from mailscribe.message.flowed import unflow
from mailscribe.message.limits import LIMITS
from mailscribe.message.model import ParsedMessage, Part, Text
from mailscribe.message.transfer import NO_CODING, Decoder, Range, Source, known_encoding

_LONE_CR = re.compile(r"\r(?!\n)")
_ROOM = 4
"""octets of encoded text (or of HTML) that are read for one octet of text that is wanted"""
_PAGE = 1 << 16
"""octets of HTML that are read at least: a page begins with its style sheet"""


def decode_part(data: Source, part: Part) -> bytes:
    """The part's content with its transfer encoding undone; of a multipart, its raw body."""
    return b"".join(_decoder(data, part))


def part_text(data: Source, part: Part, limit: int | None = None) -> Text:
    """The part's content as text (RFC 8621 §4.1.4 EmailBodyValue), line ends as LF; at most `limit` octets of UTF-8."""
    octets, is_whole = beginning(data, part, None if limit is None else limit * _ROOM + _ROOM)
    decoded = decode(octets, part.charset, is_whole=is_whole)
    text = decoded.text.removeprefix("\ufeff")
    if "\r" in text:
        text = _LONE_CR.sub("\n", text).replace("\r", "")
    cut = text if limit is None else _cut(text, limit)
    is_problem = decoded.is_problem or known_encoding(part.encoding) is None
    return Text(cut, is_problem, not is_whole or len(cut) < len(text))


def plain_text(data: Source, parsed: ParsedMessage, limit: int = LIMITS.text) -> str:
    """What a person reads: the text parts, from HTML where there is no other text; at most `limit` octets of UTF-8."""
    return _joined(data, parsed.text_body, limit)


def preview(data: Source, parts: Iterable[Part], limit: int) -> str:
    """The beginning of the text in at most `limit` characters, white space collapsed (RFC 8621 §4.1.4)."""
    text = _joined(data, parts, limit * _ROOM)
    collapsed = " ".join(text[: limit + limit // 2].split())
    if len(collapsed) < limit:
        collapsed = " ".join(text.split())
    return collapsed[:limit].rstrip()


def _joined(data: Source, parts: Iterable[Part], limit: int) -> str:
    pieces: list[str] = []
    left = limit
    for part in parts:
        if left <= 0:
            break
        if part.type.startswith("text/"):
            piece = _cut(readable(data, part, left), left)
            left -= (len(piece) if piece.isascii() else len(piece.encode())) + 1
            pieces.append(piece)
    return "\n".join(pieces)


def readable(data: Source, part: Part, limit: int) -> str:
    """What a person reads of a text part, from at most `limit` octets of it and more of HTML."""
    if part.type == "text/html":
        from mailscribe.message.html_text import html_to_text  # noqa: PLC0415 (patterns that mail without HTML needs not)

        return html_to_text(part_text(data, part, max(limit * _ROOM, _PAGE)).value)
    text = part_text(data, part, limit).value
    return unflow(text, delsp=part.delsp) if part.flowed else text


def _decoder(data: Source, part: Part) -> Decoder:
    return Decoder(Range(data, part.body_start, part.body_end), part.encoding)


def beginning(data: Source, part: Part, limit: int | None) -> tuple[bytes, bool]:
    """At most `limit` decoded octets, and whether that is all of them."""
    if limit is None:
        return decode_part(data, part), True
    if known_encoding(part.encoding) in NO_CODING:
        end = min(part.body_end, part.body_start + limit)
        return data[part.body_start : end], end == part.body_end
    pieces: list[bytes] = []
    size = 0
    for piece in _decoder(data, part):
        pieces.append(piece)
        size += len(piece)
        if size > limit:
            return b"".join(pieces)[:limit], False
    return b"".join(pieces), True


def _cut(text: str, limit: int) -> str:
    if text.isascii():
        return text[:limit]
    if len(text) * 4 <= limit:
        return text
    octets = text.encode()
    return text if len(octets) <= limit else octets[:limit].decode(errors="ignore")
