"""What a reader gets of a message: line by line, from Python's own parser and from ours.

A line of theirs may stand in a header field of ours and the other way round; white space at its ends does not count.
"""

from collections.abc import Iterator
from email import message_from_bytes
from email.errors import MessageDefect
from email.parser import BytesParser
from email.policy import default

from mailscribe.message import ParsedMessage, decode_part, parse, parse_attached
from support.mail_view import walk

RAISED = (LookupError, ValueError, AttributeError, TypeError)
"""What Python's parser raises on received mail."""


def lost(data: bytes) -> list[bytes]:
    """Lines that Python's parser (compat32) lets a reader see and ours does not. Raises one of `RAISED` as it does."""
    ours = set(_ours(data, parse(data)))
    return [line for line in _theirs(data) if line not in ours]


def noted(data: bytes) -> set[str]:
    """The names of the defects that Python's parsers note, in the structure, in the content and in header fields."""
    found: list[MessageDefect] = []
    for part in message_from_bytes(data).walk():
        if not part.is_multipart():
            part.get_payload(decode=True)
        found += part.defects
    for field in BytesParser(policy=default).parsebytes(data, headersonly=True).values():
        found += field.defects
    return {type(defect).__name__ for defect in found}


def _lines(octets: bytes) -> Iterator[bytes]:
    return filter(None, map(bytes.strip, octets.splitlines()))


def _theirs(data: bytes) -> Iterator[bytes]:
    for part in message_from_bytes(data).walk():
        if not part.is_multipart():
            content = part.get_payload(decode=True)
            assert isinstance(content, bytes)
            yield from _lines(content)


def _ours(data: bytes, parsed: ParsedMessage) -> Iterator[bytes]:
    for field in parsed.headers:
        yield from _lines(data[field.start : field.end])
    for part in walk(parsed.body):
        if part.sub_parts is None:
            content = decode_part(data, part)
            yield from _lines(content)
            if part.type in {"message/rfc822", "message/global"}:
                is_plain = content == data[part.body_start : part.body_end]
                yield from _ours(data if is_plain else content, parse_attached(data, part))
