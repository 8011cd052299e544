"""What holds for every message, whatever its octets: nothing raises, no octet is lost, all can be stored."""

from datetime import UTC, datetime

import msgspec

from mailscribe.message import ParsedMessage, Part, decode_part, parse, parse_attached, part_text, plain_text
from mailscribe.message.codes import find_codes
from mailscribe.message.links import message_links
from mailscribe.message.quotes import without_quotes
from mailscribe.records import MessageRecord
from mailscribe.service.project import Source, project
from support.mail_view import gaps, view, walk

LINKS = 65_536
"""Octets of text that links are looked for in."""
ULID = "01HF8KQ2ZV0000000000000000"
_SOURCE = Source(ULID, "inbound/x.eml", datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC), traced=False)


def check_mail(data: bytes) -> None:
    """All of it: the message, the messages attached to it, what is read out of its text, and its record."""
    parsed = parse(data)
    check(data, parsed)
    for part in walk(parsed.body):
        if part.sub_parts is None and part.type in {"message/rfc822", "message/global"}:
            attached = parse_attached(data, part)
            repr(attached).encode()
    message_links(data, parsed, LINKS)
    text = plain_text(data, parsed)
    find_codes(parsed.subject or "", text)
    without_quotes(text)
    check_record(data, parsed)


def check(data: bytes, parsed: ParsedMessage) -> None:
    """The message itself."""
    view(data, parsed)
    repr(parsed).encode()
    plain_text(data, parsed).encode()
    check_tiling(data, parsed)
    leaves = [part for part in walk(parsed.body) if part.sub_parts is None]
    ids = [part.part_id for part in leaves]
    assert None not in ids
    assert len(set(ids)) == len(ids)
    chosen = {*parsed.text_body, *parsed.html_body, *parsed.attachments}
    assert chosen >= set(leaves)
    files = [part for part in parsed.attachments if part not in leaves]
    check_files(files, leaves)
    for part in (*leaves, *files):
        assert len(decode_part(data, part)) == part.size
        assert (part.sha256 is not None) == (part in parsed.attachments)
        part_text(data, part).value.encode()


def check_tiling(data: bytes, parsed: ParsedMessage) -> None:
    """Headers, bodies of leaves and gaps, one behind the other, are the message; fields lie in order in its header."""
    pieces = list(gaps(parsed.body))
    for part in walk(parsed.body):
        pieces.append((part.header_start, part.body_start))
        if part.sub_parts is None:
            pieces.append((part.body_start, part.body_end))
    at = 0
    for start, end in sorted(pieces):
        assert at == start <= end
        at = end
    assert at == len(data)
    at = 0
    for field in parsed.headers:
        assert at <= field.start < field.end <= parsed.body.body_start
        at = field.end


def check_files(files: list[Part], leaves: list[Part]) -> None:
    """Files in texts: each within one text part, one behind the other, with ids under that part's."""
    at: dict[str, int] = {}
    for file in files:
        number, _, _ = (file.part_id or "").rpartition(".")
        text = next(part for part in leaves if part.part_id == number)
        assert max(text.body_start, at.get(number, 0)) <= file.body_start < file.body_end <= text.body_end
        at[number] = file.body_end
    assert len({part.part_id for part in (*files, *leaves)}) == len(files) + len(leaves)


def check_record(data: bytes, parsed: ParsedMessage) -> None:
    """What is stored says what the parser said, and comes back as it went."""
    record = project(_SOURCE, data).record
    assert [defect.code for defect in record.defects] == [str(defect.code) for defect in parsed.defects]
    assert msgspec.json.decode(msgspec.json.encode(record), type=MessageRecord) == record
