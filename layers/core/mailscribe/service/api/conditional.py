"""Conditional and partial requests, RFC 9110 §13 and §14, for content with a strong entity tag.

Several ranges in one field and fields that do not parse are ignored, as §14.2 allows: the whole is given.
"""

import hashlib
import re
from collections.abc import Mapping
from typing import Final

from mailscribe.service.api.problems import BAD_RANGE, Refused

ETAG: Final = r'(?:W/)?"[\x21\x23-\x7e\x80-\uffff]*"'
IF_NONE_MATCH: Final = re.compile(rf"\s*(?:\*|{ETAG}(?:\s*,\s*{ETAG})*)\s*")
RANGE: Final = re.compile(r"\s*bytes\s*=\s*([0-9]*)-([0-9]*)\s*", re.IGNORECASE)
_DIGITS: Final = 18


def content_tag(content: bytes) -> str:
    """The entity tag of content that is made when it is asked for: its hash."""
    return f'"{hashlib.sha256(content).hexdigest()}"'


def is_unchanged(headers: Mapping[str, str], etag: str) -> bool:
    """Whether If-None-Match says that the caller has this version (weak comparison)."""
    field = headers.get("if-none-match")
    if field is None or IF_NONE_MATCH.fullmatch(field) is None:
        return False
    return field.strip() == "*" or etag in (tag.removeprefix("W/") for tag in re.findall(ETAG, field))


def requested_range(headers: Mapping[str, str], etag: str, size: int) -> tuple[int, int] | None:
    """The range [start, end) to give, None for the whole. Raises `Refused` (416) when there is nothing in it."""
    field = headers.get("range")
    if field is None or headers.get("if-range", etag).strip() != etag:
        return None
    found = RANGE.fullmatch(field)
    if found is None or not (found[1] or found[2]):
        return None
    first, last = _number(found[1]), _number(found[2])
    if first is None:
        start, end = max(0, size - (last or 0)), size
    elif last is not None and last < first:
        return None
    else:
        start, end = first, size if last is None else min(last + 1, size)
    if start >= end:
        raise Refused(BAD_RANGE, headers={"Content-Range": f"bytes */{size}"})
    return start, end


def _number(digits: str) -> int | None:
    if not digits:
        return None
    significant = digits.lstrip("0") or "0"
    return int(significant) if len(significant) <= _DIGITS else 10**_DIGITS
