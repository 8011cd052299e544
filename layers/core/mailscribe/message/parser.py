"""A whole message: octets in, `ParsedMessage` out. Never raises, for any octets, and never looks at the clock.

Properties come from the last field of their name (RFC 8621 §4.1.3); the parts from the first Content- fields.
Everything decoded on the way is decoded in pieces; the octets themselves are neither copied nor kept.
"""

from dataclasses import replace
from datetime import datetime

from mailscribe.message.address import parse_addresses
from mailscribe.message.body import select
from mailscribe.message.date import parse_date
from mailscribe.message.defects import DefectCode, DefectList
from mailscribe.message.header import raw_text, unfold, unstructured
from mailscribe.message.leaf import Finisher
from mailscribe.message.limits import LIMITS, Limits
from mailscribe.message.model import Address, Field, ParsedMessage, Part
from mailscribe.message.msgid import message_ids
from mailscribe.message.received import parse_received
from mailscribe.message.scan import RawField
from mailscribe.message.structure import build_tree
from mailscribe.message.text import decode_part, preview
from mailscribe.message.transfer import IDENTITIES, Range, Source, known_encoding


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
    if known_encoding(part.encoding) in {None, *IDENTITIES}:
        return _parse(Range(data, part.body_start, part.body_end), number, limits)
    content = decode_part(data, part)
    return _parse(Range(content, 0, len(content)), number, limits)


def _parse(source: Range, number: str, limits: Limits) -> ParsedMessage:
    defects = DefectList(limits.defects)
    source = _with_line_feeds(source, defects)
    raw_fields, nodes = build_tree(source, number, limits, defects)
    fields = tuple([_field(source.data, raw, limits, defects) for raw in raw_fields])
    values = _Values(fields, defects)
    chosen = select(nodes[0])
    finisher = Finisher(source.data, chosen, limits, defects)
    body = finisher.finish(nodes)
    text_body = finisher.chosen(chosen.text)
    return ParsedMessage(
        headers=fields,
        from_=values.addresses("from"),
        sender=values.addresses("sender"),
        to=values.addresses("to"),
        cc=values.addresses("cc"),
        bcc=values.addresses("bcc"),
        reply_to=values.addresses("reply-to"),
        subject=values.text("subject"),
        message_id=values.ids("message-id"),
        in_reply_to=values.ids("in-reply-to"),
        references=values.ids("references"),
        sent_at=values.date("date"),
        body=body,
        text_body=text_body,
        html_body=finisher.chosen(chosen.html),
        attachments=finisher.chosen(chosen.attachments),
        has_attachment=chosen.has_attachment,
        preview=preview(source.data, text_body, limits.preview),
        trace=tuple([parse_received(unfold(field.value)) for field in fields if field.name.lower() == "received"]),
        defects=defects.listed(),
    )


class _Values:
    """The properties that header fields give: None where there is no such field."""

    def __init__(self, fields: tuple[Field, ...], defects: DefectList) -> None:
        self._last = {field.name.lower(): field for field in fields}
        self._defects = defects

    def text(self, name: str) -> str | None:
        field = self._last.get(name)
        return None if field is None else unstructured(field.value)

    def addresses(self, name: str) -> tuple[Address, ...] | None:
        field = self._last.get(name)
        return None if field is None else parse_addresses(field.value)

    def ids(self, name: str) -> tuple[str, ...] | None:
        field = self._last.get(name)
        return None if field is None else message_ids(unfold(field.value)) or None

    def date(self, name: str) -> datetime | None:
        field = self._last.get(name)
        if field is None:
            return None
        date = parse_date(unfold(field.value))
        if date is None:
            self._defects.add(DefectCode.DATE_INVALID, offset=field.start)
        return date


def _with_line_feeds(source: Range, defects: DefectList) -> Range:
    """A message whose only line ends are CR, with LF in their places: every offset stays."""
    if source.data.find(b"\n", source.start, source.end) >= 0 or source.data.find(b"\r", source.start, source.end) < 0:
        return source
    defects.add(DefectCode.LINE_ENDS_CR)
    return replace(source, data=source.data[:].replace(b"\r", b"\n"))


def _field(data: Source, raw: RawField, limits: Limits, defects: DefectList) -> Field:
    octets = data[raw.value_start : raw.value_end]
    if len(octets) <= limits.field and octets.isascii() and b"\0" not in octets:
        return Field(raw.name.decode(), octets.decode(), raw.start, raw.end)
    return Field(raw.name.decode(), _unusual_value(octets, raw.start, limits, defects), raw.start, raw.end)


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
