"""Every query parameter of the API, once: how its text is read, its default, its JSON schema, its words in the docs.

Readers raise `ValueError` whose text is written for the caller. Relative times are kept relative: only the call
knows what time it is.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from mailscribe.ids import is_ulid
from mailscribe.service.api.request import Parameter

MAX_LIMIT: Final = 100
MAX_COUNT: Final = 100
MAX_SECONDS: Final = 25
DURATION: Final = re.compile(r"([0-9]{1,9})([smhd])")
DECIMAL: Final = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")
OFFSET: Final = re.compile(r"([+ -])([01][0-9]|2[0-3]):([0-5][0-9])")
_PLUS_LOST: Final = re.compile(r"(T.*) (\d\d:\d\d)")
_UNITS: Final = {"s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}


@dataclass(frozen=True, slots=True)
class Since:
    """A point from which on something counts: ms before now, a moment, or the id of a message or session."""

    ago_ms: int | None = None
    moment: datetime | None = None
    ulid: str | None = None


def read_text(text: str) -> str:
    """Any text without NUL."""
    if "\0" in text:
        raise ValueError("holds a NUL")
    return text


def read_limit(text: str) -> int:
    """1..100."""
    return _whole(text, 1, MAX_LIMIT)


def read_count(text: str) -> int:
    """1..100."""
    return _whole(text, 1, MAX_COUNT)


def read_seconds(text: str) -> float:
    """A number of seconds from 0 on, decimals allowed."""
    if DECIMAL.fullmatch(text) is None:
        raise ValueError("not a number of seconds")
    return float(text)


def read_zone(text: str) -> tzinfo:
    """An IANA name, `Z`, or an offset such as `+02:00` (whose plus sign may have become a space on the way)."""
    if text.upper() in ("Z", "UTC"):
        return UTC
    if offset := OFFSET.fullmatch(text):
        span = timedelta(hours=int(offset[2]), minutes=int(offset[3]))
        return timezone(-span if offset[1] == "-" else span)
    try:
        return ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("neither an IANA time zone nor an offset such as +02:00") from None


def read_since(text: str) -> Since:
    """A duration (`90s`, `15m`, `2h`, `7d`), an ISO 8601 date or date-time, or an id.

    >>> read_since("15m")
    Since(ago_ms=900000, moment=None, ulid=None)
    """
    if duration := DURATION.fullmatch(text):
        return Since(ago_ms=int(duration[1]) * _UNITS[duration[2]])
    if is_ulid(text):
        return Since(ulid=text)
    try:
        return Since(moment=datetime.fromisoformat(_PLUS_LOST.sub(r"\1+\2", text)))
    except ValueError:
        raise ValueError("neither a duration such as 15m, an ISO 8601 date or date-time, nor an id") from None


def read_properties(text: str) -> tuple[str, ...]:
    """Names between commas."""
    names = tuple(name.strip() for name in text.split(","))
    if not all(names):
        raise ValueError("a name is empty")
    return names


def read_switch(text: str) -> bool:
    """`on` or `off`."""
    if text not in ("on", "off"):
        raise ValueError("neither on nor off")
    return text == "on"


def read_remote(text: str) -> bool:
    """`allow` or `block`."""
    if text not in ("allow", "block"):
        raise ValueError("neither allow nor block")
    return text == "allow"


def _whole(text: str, least: int, most: int) -> int:
    if re.fullmatch(r"[0-9]{1,9}", text) is None or not least <= int(text) <= most:
        raise ValueError(f"not a whole number from {least} to {most}")
    return int(text)


def _schema(kind: str, **rest: object) -> Mapping[str, object]:
    return {"type": kind, **rest}


Q: Final = Parameter("q", read_text, "", _schema("string"), "A query; everything when it is empty.")
LIMIT: Final = Parameter(
    "limit",
    read_limit,
    25,
    _schema("integer", minimum=1, maximum=MAX_LIMIT, default=25),
    "How many at most.",
)
CURSOR: Final = Parameter[str | None](
    "cursor",
    lambda text: text or None,
    None,
    _schema("string"),
    "`next` of the page before; stable while mail arrives.",
)
TZ: Final = Parameter[tzinfo](
    "tz",
    read_zone,
    UTC,
    _schema("string", default="UTC"),
    "Time zone of dates in `q` and `since`: IANA name or offset.",
)
SINCE: Final = Parameter(
    "since",
    read_since,
    read_since("15m"),
    _schema("string", default="15m"),
    "What became readable since then counts: a duration (90s, 15m, 2h, 7d), an ISO 8601 date or date-time, or an id.",
)
COUNT: Final = Parameter(
    "count", read_count, 1, _schema("integer", minimum=1, maximum=MAX_COUNT, default=1), "How many must match."
)
TIMEOUT: Final = Parameter[float | None](
    "timeout",
    read_seconds,
    None,
    _schema("number", minimum=0, maximum=MAX_SECONDS, default=MAX_SECONDS),
    "Seconds to wait at most; 0 looks once.",
)
PROPERTIES: Final = Parameter[tuple[str, ...] | None](
    "properties",
    read_properties,
    None,
    _schema("string"),
    "Only these properties of the record, with commas between them; `id` is always given.",
)
QUOTES: Final = Parameter(
    "quotes",
    read_switch,
    True,
    _schema("string", enum=["on", "off"], default="on"),
    "`off`: without quoted text, its attribution and the signature.",
)
REMOTE: Final = Parameter(
    "remote",
    read_remote,
    False,
    _schema("string", enum=["block", "allow"], default="block"),
    "`allow`: with remote pictures, of https addresses; who serves them learns that the message was opened.",
)
