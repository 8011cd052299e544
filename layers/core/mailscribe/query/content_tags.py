"""Tags of what a message is made of: its size, parts, file names and header fields.

Each is bounded by a name here, whatever the record holds. The words of a field's value stand next to one another
under the field's name, so that a phrase in one field is found and none across two.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from mailscribe.query.numbers import number_tags
from mailscribe.query.tags import tag, word_tags
from mailscribe.query.words import BREAK
from mailscribe.records import BodyPart, HeaderField, MessageRecord

INDEXED_PARTS: Final = 1000
"""Parts of one message whose types are tags, and attachments whose names are."""
INDEXED_NAME: Final = 255
"""Characters of a file name: the longest that file systems take."""
INDEXED_HEADERS: Final = 500
"""Header fields of one message that are found by their names."""
INDEXED_HEADER_NAME: Final = 100
"""Characters of a field's name; names are told apart by these."""
INDEXED_FIELD_WORDS: Final = 64
"""Words of one field's value that are found."""
INDEXED_HEADER_WORDS: Final = 1000
"""Words of all fields of one message."""

SIGNATURES: Final = frozenset(
    ("dkim-signature", "x-google-dkim-signature", "domainkey-signature", "arc-seal", "arc-message-signature")
)
"""Fields (RFC 6376, RFC 8617) that are found by their names alone: their words are base64, two of them as much index as
all else of a message (1,000 octets of 2,600, measured on 3,000 messages with one DKIM and one ARC signature each)."""

_WORD_LENGTH: Final = 64


def content_tags(record: MessageRecord, headers: Iterable[HeaderField]) -> Iterator[str]:
    """The tags of a message's content; `headers` are its fields as a person reads them."""
    yield from number_tags("size", record.size)
    if record.delivery is not None:
        yield tag("delivery", record.delivery)
    for part in record.attachments[:INDEXED_PARTS]:
        if part.name:
            yield from word_tags("filename", part.name[:INDEXED_NAME])
            yield BREAK
    parts = list(_parts(record.body_structure))
    types = dict.fromkeys(part.type for part in (*parts, *record.attachments[:INDEXED_PARTS]))
    yield from (tag("type", media_type) for media_type in types)
    if any(map(_is_inline, parts)):
        yield tag("has", "inline")
    if any(part.type == "text/html" for part in record.html_body):
        yield tag("has", "html")
    if record.defects:
        yield tag("is", "defective")
    yield from _header_tags(headers)


def field_name(name: str) -> str:
    """A field's name as tags spell it."""
    return name[:INDEXED_HEADER_NAME].lower()


def _parts(root: BodyPart) -> Iterator[BodyPart]:
    """The first parts of the structure, in no order."""
    waiting, count = [root], 0
    while waiting and count < INDEXED_PARTS:
        part = waiting.pop()
        count += 1
        yield part
        waiting += part.sub_parts or ()


def _is_inline(part: BodyPart) -> bool:
    """No text, and shown in its place: marked so, or named by a Content-ID and not marked as an attachment."""
    if part.type.startswith(("text/", "multipart/")):
        return False
    return part.disposition == "inline" or (part.cid is not None and part.disposition != "attachment")


def _header_tags(headers: Iterable[HeaderField]) -> Iterator[str]:
    left = INDEXED_HEADER_WORDS
    named: set[str] = set()
    for count, field in enumerate(headers):
        if count == INDEXED_HEADERS:
            return
        name = field_name(field.name)
        if name not in named:
            named.add(name)
            yield tag("header", name)
        if name in SIGNATURES:
            continue
        wanted = min(left, INDEXED_FIELD_WORDS)
        words = word_tags(f"header.{name}", field.value[: wanted * _WORD_LENGTH])[:wanted]
        left -= len(words)
        yield from words
        yield BREAK
