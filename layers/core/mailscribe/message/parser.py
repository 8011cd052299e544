"""A whole message: octets in, `ParsedMessage` out. Never raises, for any octets, and never looks at the clock.

Properties come from the last field of their name (RFC 8621 §4.1.3); the parts from the first Content- fields.
Everything decoded on the way is decoded in pieces; the octets themselves are neither copied nor kept.
"""

from datetime import datetime

from mailscribe.message.address import parse_addresses
from mailscribe.message.body import select
from mailscribe.message.date import parse_date
from mailscribe.message.defects import DefectCode, DefectList
from mailscribe.message.header import raw_text, unfold, unstructured
from mailscribe.message.inline import inline_files
from mailscribe.message.leaf import Finisher
from mailscribe.message.limits import LIMITS, Limits
from mailscribe.message.model import Address, Field, ParsedMessage, Part, Received
from mailscribe.message.msgid import message_ids
from mailscribe.message.received import parse_received
from mailscribe.message.scan import RawField
from mailscribe.message.structure import build_tree
from mailscribe.message.text import decode_part, preview
from mailscribe.message.transfer import NO_CODING, Range, Source, known_encoding


def parse(data: Source, limits: Limits = LIMITS) -> ParsedMessage:
    """Parse a message, beginning with its first header field.

    >>> parse(b"Subject: testing\\n\\n8, 9, 10.\\n").preview
    '8, 9, 10.'
    """
    return _parse(Range(data, 0, len(data)), "", limits)


def parse_attached(data: Source, part: Part, limits: Limits = LIMITS) -> ParsedMessage:
    """Parse the message in a message/rfc822 or message/global part; its parts are numbered under the part's.

    Offsets count from the beginning of `data`, or of `decode_part(data, part)` where a transfer encoding is undone.
    """
    number = part.part_id or ""
    if known_encoding(part.encoding) in NO_CODING:
        return _parse(Range(data, part.body_start, part.body_end), number, limits)
    content = decode_part(data, part)
    return _parse(Range(content, 0, len(content)), number, limits)


def _parse(source: Range, number: str, limits: Limits) -> ParsedMessage:
    defects = DefectList(limits.defects)
    source = _with_line_feeds(source, defects)
    raw_fields, nodes = build_tree(source, number, limits, defects)
    fields = _fields(source.data, raw_fields, limits, defects)
    values = _Values(raw_fields, fields, defects)
    chosen = select(nodes[0])
    files = inline_files(source.data, chosen.text, limits.parts - len(nodes), defects)
    if files:
        nodes += files
        chosen.attach(files)
    finisher = Finisher(source.data, chosen, limits, defects)
    body = finisher.finish(nodes)
    text_body = finisher.chosen(chosen.text)
    return ParsedMessage(
        headers=fields,
        from_=values.addresses(b"from"),
        sender=values.addresses(b"sender"),
        to=values.addresses(b"to"),
        cc=values.addresses(b"cc"),
        bcc=values.addresses(b"bcc"),
        reply_to=values.addresses(b"reply-to"),
        subject=values.text(b"subject"),
        message_id=values.ids(b"message-id"),
        in_reply_to=values.ids(b"in-reply-to"),
        references=values.ids(b"references"),
        sent_at=values.date(b"date"),
        body=body,
        text_body=text_body,
        html_body=finisher.chosen(chosen.html),
        attachments=finisher.chosen(chosen.attachments),
        has_attachment=chosen.has_attachment,
        preview=preview(source.data, text_body, limits.preview),
        trace=values.trace(),
        defects=defects.listed(),
    )


class _Values:
    """The properties that header fields give: None where there is no such field."""

    def __init__(self, raw_fields: list[RawField], fields: tuple[Field, ...], defects: DefectList) -> None:
        self._fields = list(zip([raw.key for raw in raw_fields], fields, strict=True))
        self._last = dict(self._fields)
        self._defects = defects

    def text(self, name: bytes) -> str | None:
        field = self._last.get(name)
        return None if field is None else unstructured(field.value)

    def addresses(self, name: bytes) -> tuple[Address, ...] | None:
        field = self._last.get(name)
        return None if field is None else parse_addresses(field.value)

    def ids(self, name: bytes) -> tuple[str, ...] | None:
        field = self._last.get(name)
        return None if field is None else message_ids(unfold(field.value)) or None

    def date(self, name: bytes) -> datetime | None:
        field = self._last.get(name)
        if field is None:
            return None
        date = parse_date(unfold(field.value))
        if date is None:
            self._defects.add(DefectCode.DATE_INVALID, offset=field.start)
        return date

    def trace(self) -> tuple[Received, ...]:
        return tuple([parse_received(unfold(field.value)) for name, field in self._fields if name == b"received"])


def _with_line_feeds(source: Range, defects: DefectList) -> Range:
    """A message whose only line ends are CR, with LF in their places: every offset stays."""
    if source.data.find(b"\n", source.start, source.end) >= 0 or source.data.find(b"\r", source.start, source.end) < 0:
        return source
    defects.add(DefectCode.LINE_ENDS_CR)
    return Range(source.data[:].replace(b"\r", b"\n"), source.start, source.end)


def _fields(data: Source, raw_fields: list[RawField], limits: Limits, defects: DefectList) -> tuple[Field, ...]:
    """The fields as text; a header of plain ASCII is decoded at once, which gives the same."""
    first = raw_fields[0].start if raw_fields else 0
    header = data[first : raw_fields[-1].end] if raw_fields else b""
    if len(header) > limits.field or not header.isascii() or b"\0" in header:
        return tuple([_field(data, raw, limits, defects) for raw in raw_fields])
    text = header.decode()
    return tuple(
        [
            Field(text[start - first : start - first + len(key)], text[begin - first : end - first], start, next_)
            for key, start, begin, end, next_ in raw_fields
        ]
    )


def _field(data: Source, raw: RawField, limits: Limits, defects: DefectList) -> Field:
    name = data[raw.start : raw.start + len(raw.key)].decode()
    octets = data[raw.value_start : raw.value_end]
    if len(octets) <= limits.field and octets.isascii() and b"\0" not in octets:
        return Field(name, octets.decode(), raw.start, raw.end)
    return Field(name, _unusual_value(octets, raw.start, limits, defects), raw.start, raw.end)


def _unusual_value(octets: bytes, offset: int, limits: Limits, defects: DefectList) -> str:
    """The text of a value that is too long or not plain ASCII."""
    is_whole = len(octets) <= limits.field
    octets = octets[: limits.field]
    value = raw_text(octets, is_whole=is_whole)
    if not is_whole:
        defects.add(DefectCode.HEADER_FIELD_TOO_LONG, offset=offset)
    if b"\0" in octets:
        defects.add(DefectCode.HEADER_NUL, offset=offset)
    if is_whole and not value.isascii() and len(value) == len(octets):
        # one character per octet: they were no UTF-8
        defects.add(DefectCode.HEADER_CHARSET_GUESSED, offset=offset)
    return value
