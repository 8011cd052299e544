"""Compare a parsed message with a golden file of another parser: the names of the aspects in which they differ.

Their golden numbers parts in the order of their octets, nests attached messages, and holds dates field by field.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from mailscribe.message import ParsedMessage, Part, decode_part, parse_attached, part_text
from mailscribe.message.address import parse_groups
from mailscribe.message.date import parse_date
from mailscribe.message.header import unfold, unstructured
from support.mail_view import walk

type Golden = dict[str, Any]

_RAW_FIELDS = {"return-path", "message-id", "content-id", "content-location", "references", "in-reply-to", "user-agent"}


def differences(data: bytes, golden: Golden, parsed: ParsedMessage) -> Iterator[str]:
    """Aspects in which `parsed`, or a message attached to it, differs."""
    parts = list(walk(parsed.body))
    yield from _fields(golden, parsed)
    if len(parts) != len(golden["parts"]):
        yield "parts"
        return
    for part, expected in zip(parts, golden["parts"], strict=True):
        yield from _part(data, part, expected)
    chosen = {"textBody": parsed.text_body, "htmlBody": parsed.html_body, "attachments": parsed.attachments}
    for name, key in (("textBody", "text_body"), ("htmlBody", "html_body"), ("attachments", "attachments")):
        if [parts.index(part) for part in chosen[name]] != golden[key]:
            yield name


def counts(golden: Golden, parsed: ParsedMessage) -> tuple[int, int, int]:
    """Parts in the golden, those in a message where we find as many, and those of the latter with the same offsets."""
    parts = list(walk(parsed.body))
    expected = golden["parts"]
    if len(parts) != len(expected):
        return len(expected), 0, 0
    same = sum(_offsets(part) == _golden_offsets(other) for part, other in zip(parts, expected, strict=True))
    return len(expected), len(expected), same


def _offsets(part: Part) -> tuple[int, int, int]:
    return part.header_start, part.body_start, part.body_end


def _golden_offsets(expected: Golden) -> tuple[int, int, int]:
    return expected["offset_header"], expected["offset_body"], expected["offset_end"]


def _part(data: bytes, part: Part, expected: Golden) -> Iterator[str]:
    if _offsets(part) != _golden_offsets(expected):
        yield "offsets"
    if part.is_encoding_problem != expected["is_encoding_problem"]:
        yield "problem"
    [(kind, value)] = expected["body"].items()
    if kind in {"Text", "Html"} and part_text(data, part).value != _lines(value):
        yield "text"
    if kind in {"Binary", "InlineBinary"} and decode_part(data, part) != bytes(value):
        yield "octets"
    if kind == "Message":
        is_encoded = part.encoding in {"base64", "quoted-printable"}
        yield from differences(decode_part(data, part) if is_encoded else data, value, parse_attached(data, part))


def _lines(text: str) -> str:
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def _fields(golden: Golden, parsed: ParsedMessage) -> Iterator[str]:
    expected = golden["parts"][0]["headers"]
    names = [field["name"] if isinstance(field["name"], str) else field["name"]["other"] for field in expected]
    if [_name(field.name) for field in parsed.headers] != list(map(_name, names)):
        yield "headers"
        return
    for field, other in zip(parsed.headers, expected, strict=True):
        if (field.start, field.end) != (other["offset_field"], other["offset_end"]):
            yield "fieldOffsets"
        if other["value"] != "Empty":
            [(kind, value)] = other["value"].items()
            yield from _value(field.name.lower(), field.value, kind, value)


def _name(name: str) -> str:
    return name.lower().replace("-", "_")


def _value(name: str, raw: str, kind: str, value: Any) -> Iterator[str]:
    if kind == "Text" and not name.startswith("x-") and name not in _RAW_FIELDS:
        # the golden keeps the folds of fields it does not know, and writes tokens in lower case
        if "".join(unstructured(raw).split()).lower() != "".join(value.split()).lower():
            yield "texts"
    elif kind == "Address":
        found = [(group.name, [(item.name, item.email) for item in group.addresses]) for group in parse_groups(raw)]
        if found != _groups(value):
            yield "addresses"
    elif kind == "DateTime" and parse_date(unfold(raw)) != _date(value):
        yield "dates"


def _groups(value: Golden) -> list[tuple[str | None, list[tuple[str | None, str | None]]]]:
    if "List" in value:
        return [(None, [(item["name"], item["address"]) for item in value["List"]])]
    return [
        (group["name"], [(item["name"], item["address"]) for item in group["addresses"]]) for group in value["Group"]
    ]


def _date(value: Golden) -> datetime:
    offset = timedelta(hours=value["tz_hour"], minutes=value["tz_minute"])
    zone = timezone(-offset if value["tz_before_gmt"] else offset) if offset else UTC
    day = (value["year"], value["month"], value["day"])
    return datetime(*day, value["hour"], value["minute"], value["second"], tzinfo=zone)
