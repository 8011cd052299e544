"""ParsedMessage → the fields of a record that its content gives (RFC 8621 §4.1, and `trace`, `defects`).

A one-to-one mapping: what a property means is the parser's, what it is called and where it is cut is ours.
Body values are cut so that a record stays small whatever the message; the whole text is read from the object.
"""

from collections.abc import Iterable
from typing import Final

from msgspec import UNSET, structs

from mailscribe.message import ParsedMessage, Part, part_text
from mailscribe.message.model import Address
from mailscribe.message.thread import thread_id
from mailscribe.records import (
    BodyPart,
    BodyValue,
    Defect,
    EmailAddress,
    HeaderField,
    MessageRecord,
    Received,
)

BODY_VALUE_LIMIT: Final = 65_536
"""Octets of UTF-8 of one body value; `isTruncated` beyond."""
BODY_VALUES_LIMIT: Final = 1_048_576
"""Octets of all body values of a message; later parts are cut to what is left."""


def filled(bare: MessageRecord, content: bytes, parsed: ParsedMessage) -> MessageRecord:
    """`bare` with all that the content says; its defects come first."""
    return structs.replace(
        bare,
        thread_id=thread_id(parsed.message_id, parsed.in_reply_to, parsed.references, bare.id),
        sent_at=parsed.sent_at,
        message_id=parsed.message_id,
        in_reply_to=parsed.in_reply_to,
        references=parsed.references,
        from_=_addresses(parsed.from_),
        sender=_addresses(parsed.sender),
        to=_addresses(parsed.to),
        cc=_addresses(parsed.cc),
        bcc=_addresses(parsed.bcc),
        reply_to=_addresses(parsed.reply_to),
        subject=parsed.subject,
        headers=tuple(HeaderField(name=field.name, value=field.value) for field in parsed.headers),
        body_structure=_part(bare.id, parsed.body),
        body_values=_values(content, (*parsed.text_body, *parsed.html_body)),
        text_body=_parts(bare.id, parsed.text_body),
        html_body=_parts(bare.id, parsed.html_body),
        attachments=_parts(bare.id, parsed.attachments),
        has_attachment=parsed.has_attachment,
        preview=parsed.preview,
        trace=_trace(parsed),
        defects=(*bare.defects, *_defects(parsed)),
    )


def _addresses(addresses: Iterable[Address] | None) -> tuple[EmailAddress, ...] | None:
    return None if addresses is None else tuple(EmailAddress(name=each.name, email=each.email) for each in addresses)


def _parts(ulid: str, parts: Iterable[Part]) -> tuple[BodyPart, ...]:
    return tuple(_part(ulid, part) for part in parts)


def _part(ulid: str, part: Part) -> BodyPart:
    return BodyPart(
        part_id=part.part_id,
        blob_id=None if part.part_id is None else f"{ulid}.{part.part_id}",
        size=part.size,
        name=part.name,
        type=part.type,
        charset=part.charset,
        disposition=part.disposition,
        cid=part.cid,
        language=part.language,
        location=part.location,
        sub_parts=None if part.sub_parts is None else _parts(ulid, part.sub_parts),
        encoding=part.encoding or UNSET,
        range=(part.body_start, part.body_end),
        sha256=part.sha256 or UNSET,
    )


def _values(content: bytes, parts: Iterable[Part]) -> dict[str, BodyValue]:
    values: dict[str, BodyValue] = {}
    left = BODY_VALUES_LIMIT
    for part in parts:
        if part.part_id is None or part.part_id in values or not part.type.startswith("text/"):
            continue
        text = part_text(content, part, min(left, BODY_VALUE_LIMIT))
        left -= len(text.value.encode())
        values[part.part_id] = BodyValue(
            value=text.value, is_encoding_problem=text.is_encoding_problem, is_truncated=text.is_truncated
        )
    return values


def _trace(parsed: ParsedMessage) -> tuple[Received, ...]:
    return tuple(
        Received(from_=each.from_, by=each.by, with_=each.with_, id=each.id, for_=each.for_, date=each.date)
        for each in parsed.trace
    )


def _defects(parsed: ParsedMessage) -> tuple[Defect, ...]:
    return tuple(
        Defect(
            code=str(each.code),
            part_id=UNSET if each.part_id is None else each.part_id,
            offset=UNSET if each.offset is None else each.offset,
        )
        for each in parsed.defects
    )
