"""Date and time (RFC 5322 §3.3 and §4.3) and what else stands in Date fields: asctime, ISO 8601, long names.

The weekday is not looked at, so a wrong one does no harm. Two-digit years are 1950..2049, three-digit ones count
from 1900. Named zones are those of RFC 5322; any other is +0000, as is -0000. What is no date gives None.
"""

import re
from datetime import UTC, datetime, timedelta, timezone
from functools import cache, lru_cache

from mailscribe.message.comment import without_comments

LONGEST = 256
"""characters of a date that are looked at"""
YEARS = range(1900, 9999)

type _Number = str | int

_MONTH_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTHS = {name: number for number, name in enumerate(_MONTH_NAMES, 1)}
_HOURS = {"EDT": -4, "EST": -5, "CDT": -5, "CST": -6, "MDT": -6, "MST": -7, "PDT": -7, "PST": -8}

_TIME = (
    r"(?P<hour>\d{1,2})[:.](?P<minute>\d{1,2})(?:[:.](?P<second>\d{1,2})(?:[.,]\d+)?)?"
    r"(?:\s*(?P<half>[AaPp])\.?[Mm]\.?(?![A-Za-z]))?"
)
_ZONE = r"(?P<zone>[+-]\d{1,2}:?\d{2}|[A-Za-z]{1,5}(?:\s?[+-]\d{1,2}:?\d{2})?)?"
_WEEKDAY = r"(?:[A-Za-z]{2,9}\.?(?:\s*,\s*|\s+))?"

# RFC 5322 §3.3: date-time = [ day-of-week "," ] day month year hour ":" minute [ ":" second ] zone
_MAIL = (
    rf"\s*,?\s*{_WEEKDAY}0?(?P<day>\d{{1,2}})(?:st|nd|rd|th)?[\s.-]*(?P<month>[A-Za-z]{{3,9}})[\s.,-]*(?P<year>\d{{2,4}})"
    rf"(?:[\s,]+(?:at\s+)?{_TIME}\s*{_ZONE})?"
)
# C asctime: "Tue May 21 11:37:24 [MST] 1998"
_ASCTIME = (
    rf"\s*{_WEEKDAY}(?P<month>[A-Za-z]{{3,9}})\.?\s+(?P<day>\d{{1,2}})\s+{_TIME}\s+(?:{_ZONE}\s+)?(?P<year>\d{{4}})"
)
_MONTH_FIRST = (
    rf"\s*{_WEEKDAY}(?P<month>[A-Za-z]{{3,9}})\.?\s+(?P<day>\d{{1,2}}),?\s+(?P<year>\d{{4}})"
    rf"(?:[\s,]+{_TIME}\s*{_ZONE})?"
)
_ISO = rf"\s*{_WEEKDAY}(?P<year>\d{{4}})[-/.](?P<month>\d{{1,2}})[-/.](?P<day>\d{{1,2}})(?:[T\s]\s*{_TIME}\s*{_ZONE})?"
_FORMS = (_MAIL, _ASCTIME, _MONTH_FIRST, _ISO)
# what nearly every date looks like, without anything optional but the weekday and a comment
_USUAL = re.compile(
    r"\s*+(?:[A-Z][a-z]{2}, )?+(\d{1,2}) ([A-Z][a-z]{2}) (\d{4}) (\d{2}):(\d{2}):(\d{2}) ([+-]\d{4}|GMT)(?:\s*+\Z| \()"
)
_OFFSET = re.compile(r"([+-])(\d{1,2}):?(\d{2})\Z")


def parse_date(text: str) -> datetime | None:
    """The time with its zone's offset, or None.

    >>> parse_date("Tue, 21 May 98 11:37:22 MST")
    datetime.datetime(1998, 5, 21, 11, 37, 22, tzinfo=datetime.timezone(datetime.timedelta(days=-1, seconds=61200)))
    """
    usual = _USUAL.match(text)
    if usual is not None:
        day, month, year, hour, minute, second, zone = usual.groups()
        return _date((year, _MONTHS.get(month.lower()), day), (hour, minute, second), zone)
    clean = without_comments(text[:LONGEST])
    for form in _FORMS:
        match = _compiled(form).match(clean)
        if match is not None:
            return _moment(match.groupdict())
    return None


@cache
def _compiled(form: str) -> re.Pattern[str]:
    """Most mail needs none of the forms, so each is compiled when it is first tried."""
    return re.compile(form)


def _moment(found: dict[str, str | None]) -> datetime | None:
    month = found["month"] or ""
    number = int(month) if month.isdecimal() else _MONTHS.get(month[:3].lower())
    date = (_year(found["year"] or ""), number, found["day"] or 0)
    return _date(date, (_hour(found), found["minute"] or 0, found["second"] or 0), found["zone"])


def _date(
    date: tuple[_Number, int | None, _Number], time: tuple[_Number, _Number, _Number], zone: str | None
) -> datetime | None:
    """Year, month and day, then hour, minute and second."""
    year, month, day = int(date[0]), date[1], int(date[2])
    if month is None or year not in YEARS:
        return None
    second = min(int(time[2]), 59)  # 60 is a leap second, which datetime has not
    try:
        return datetime(year, month, day, int(time[0]), int(time[1]), second, tzinfo=_zone(zone))
    except ValueError:
        return None


def _year(digits: str) -> int:
    """RFC 5322 §4.3: 00..49 is 2000 and on, other two digits and three digits count from 1900."""
    year = int(digits)
    if len(digits) == 2:
        return year + (2000 if year < 50 else 1900)
    return year + 1900 if len(digits) == 3 else year


def _hour(found: dict[str, str | None]) -> int:
    hour = int(found["hour"] or 0)
    half = (found.get("half") or "").lower()
    if half and 1 <= hour <= 12:
        return hour % 12 + (12 if half == "p" else 0)
    return hour


@lru_cache(maxsize=128)
def _zone(name: str | None) -> timezone:
    if not name:
        return UTC
    offset = _OFFSET.search(name)
    if offset is None:
        hours = _HOURS.get(name.upper(), 0)
        return timezone(timedelta(hours=hours)) if hours else UTC
    minutes = int(offset[2]) * 60 + int(offset[3])
    if not 0 < minutes < 24 * 60:
        return UTC
    return timezone(timedelta(minutes=-minutes if offset[1] == "-" else minutes))
