"""Views of parsed messages for tests: the parts as a list, the tiling of octets, and a JSON form for goldens."""

from collections.abc import Iterator

from mailscribe.message import Address, ParsedMessage, Part, decode_part, part_text, plain_text
from mailscribe.message.header import unfold

type Json = bool | int | str | list["Json"] | dict[str, "Json"] | None


def walk(part: Part) -> Iterator[Part]:
    """The part and all under it, in the order of their octets."""
    waiting = [part]
    while waiting:
        found = waiting.pop()
        yield found
        waiting.extend(reversed(found.sub_parts or ()))


def gaps(part: Part) -> Iterator[tuple[int, int]]:
    """Octets of multipart bodies that are in no child; raises unless all ranges lie in order inside one another."""
    for parent in walk(part):
        assert parent.header_start <= parent.body_start <= parent.body_end
        if parent.sub_parts is None:
            continue
        at = parent.body_start
        for child in parent.sub_parts:
            assert at <= child.header_start
            yield at, child.header_start
            at = child.body_end
        assert at <= parent.body_end
        yield at, parent.body_end


def view(data: bytes, parsed: ParsedMessage) -> dict[str, Json]:
    """What a golden file holds: everything that does not depend on the kind of line end."""
    found: dict[str, Json] = {
        "headers": [[field.name, unfold(field.value)] for field in parsed.headers],
        "subject": parsed.subject,
        "sentAt": parsed.sent_at.isoformat() if parsed.sent_at else None,
        "textBody": [part.part_id for part in parsed.text_body],
        "htmlBody": [part.part_id for part in parsed.html_body],
        "attachments": [part.part_id for part in parsed.attachments],
        "hasAttachment": parsed.has_attachment,
        "preview": parsed.preview,
        "text": plain_text(data, parsed),
        "defects": [[defect.code.value, defect.part_id] for defect in parsed.defects],
        "body": _part(data, parsed.body),
    }
    lists = {
        "from": parsed.from_,
        "sender": parsed.sender,
        "to": parsed.to,
        "cc": parsed.cc,
        "bcc": parsed.bcc,
        "replyTo": parsed.reply_to,
    }
    ids = {"messageId": parsed.message_id, "inReplyTo": parsed.in_reply_to, "references": parsed.references}
    found |= {name: _addresses(value) for name, value in lists.items() if value is not None}
    found |= {name: list(value) for name, value in ids.items() if value is not None}
    if files := [part for part in parsed.attachments if part not in list(walk(parsed.body))]:
        found["files"] = [_part(data, part) for part in files]
    if parsed.trace:
        found["trace"] = [
            {
                "from": hop.from_,
                "by": hop.by,
                "with": hop.with_,
                "id": hop.id,
                "for": hop.for_,
                "date": hop.date.isoformat() if hop.date else None,
            }
            for hop in parsed.trace
        ]
    return found


def _addresses(addresses: tuple[Address, ...]) -> Json:
    return [[address.name, address.email] for address in addresses]


def _part(data: bytes, part: Part) -> Json:
    found: dict[str, Json] = {"partId": part.part_id, "type": part.type}
    optional: dict[str, Json] = {
        "name": part.name,
        "charset": part.charset,
        "disposition": part.disposition,
        "cid": part.cid,
        "language": list(part.language) if part.language else None,
        "location": part.location,
        "encoding": part.encoding,
        "isEncodingProblem": part.is_encoding_problem or None,
        "flowed": part.flowed or None,
        "delsp": part.delsp or None,
    }
    found |= {name: value for name, value in optional.items() if value is not None}
    if part.sub_parts is not None:
        found["subParts"] = [_part(data, child) for child in part.sub_parts]
    elif part.charset is not None:
        found["text"] = part_text(data, part).value
    else:
        found["octets"] = decode_part(data, part).decode("latin-1").replace("\r\n", "\n")
    return found
