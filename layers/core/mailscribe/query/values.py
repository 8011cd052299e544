"""The kinds of value that operators take: how each is checked and made canonical when a query is read.

A reader gets the value as typed and returns the node it means; `Refused` says what is wrong with the value, the
parser adds where. Dates are ISO 8601; without an offset they are meant in the query's time zone.
"""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Final

from mailscribe.ids import is_ulid
from mailscribe.query.content_tags import SIGNATURES, field_name
from mailscribe.query.numbers import Sign
from mailscribe.query.tags import plain_address
from mailscribe.query.tree import And, Moment, Node, Operator, Phrase, Prefix, Text, Word
from mailscribe.query.words import tokens


class Refused(Exception):
    """A value that the operator cannot take; the text is for the caller."""


@dataclass(frozen=True, slots=True)
class Context:
    """What relative and zoneless times are meant by."""

    now: datetime
    tz: tzinfo


type Read = Callable[[str, Text, Context], Node]


@dataclass(frozen=True, slots=True)
class ValueType:
    """A kind of value: what an error says is expected, and the reader (operator name, text, context) → node.

    `choices` are all there are, of a closed set.
    """

    expected: str
    read: Read
    choices: tuple[str, ...] = ()


_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_DATE_TIME: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?([Zz]|[+-]\d\d:?\d\d)?", re.ASCII)
_AGE: Final = re.compile(r"(\d{1,6})([smhdw])", re.ASCII | re.IGNORECASE)
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_CODE: Final = re.compile(r"[2-5](\d\d|\dx|xx)", re.ASCII | re.IGNORECASE)
_VERB: Final = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,31}", re.ASCII)
_TYPE: Final = re.compile(r"[\w!#$&^.+-]+/[\w!#$&^.+-]+", re.ASCII)
"""RFC 6838 §4.2, a type and subtype; with a * after it the subtype may be missing."""
_TYPES: Final = re.compile(r"[\w!#$&^.+-]+/[\w!#$&^.+-]*", re.ASCII)
_FIELD_NAME: Final = re.compile(r"[!-9;<>-~]+", re.ASCII)
"""RFC 5322 §3.6.8 ftext, but for the `=` that ends the name here."""
_SIZE: Final = re.compile(r"(\d{1,12}(?:\.\d{1,3})?)([kmg]?)b?", re.ASCII | re.IGNORECASE)
_SIGNS: Final[tuple[Sign, ...]] = (">=", "<=", ">", "<", "=")
_COUNT: Final = re.compile(r"([<>]=?|=?)(\d{1,12})", re.ASCII)
_DURATION: Final = re.compile(r"([<>]=?|=?)(\d{1,12}(?:\.\d{1,3})?)(ms|[smhd]?)", re.ASCII | re.IGNORECASE)
_MILLISECONDS: Final = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LAST: Final = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // timedelta(milliseconds=1)


def _words(name: str, text: Text, _: Context) -> Node:
    if not tokens(text.text):
        raise Refused("holds no letter or digit")
    return Operator(name, text)


def _address(name: str, text: Text, _: Context) -> Node:
    bare = text.text
    if bare.endswith(">") and "<" in bare:
        bare = bare[bare.rindex("<") + 1 : -1]
    local, at, domain = bare.rpartition("@")
    incomplete = at and not domain and not (local and isinstance(text, Prefix))
    if incomplete or not any(map(str.isalnum, bare)):
        raise Refused("is no address, local part, domain or name")
    return Operator(name, type(text)(bare))


def _path(name: str, text: Text, context: Context) -> Node:
    if text.text == "<>" and not isinstance(text, Prefix):
        return Operator(name, Word("<>"))
    return _address(name, text, context)


def _host(name: str, text: Text, _: Context) -> Node:
    if not any(map(str.isalnum, text.text)):
        raise Refused("is no host name")
    return Operator(name, text)


def _message_id(name: str, text: Text, _: Context) -> Node:
    bare = _exact(text).strip().removeprefix("<").removesuffix(">")
    if not bare:
        raise Refused("is no Message-ID")
    return Operator(name, _as_text(bare))


def _ulid(name: str, text: Text, _: Context) -> Node:
    upper = _exact(text).upper()
    if not is_ulid(upper):
        raise Refused("is no id")
    return Operator(name, Word(upper))


def _network(name: str, text: Text, _: Context) -> Node:
    try:
        return Operator(name, Word(str(network(_exact(text)))))
    except ValueError:
        raise Refused("is no IP address or network") from None


def _code(name: str, text: Text, _: Context) -> Node:
    if not _CODE.fullmatch(_exact(text)):
        raise Refused("is no reply code")
    return Operator(name, Word(text.text.lower()))


def _verb(name: str, text: Text, _: Context) -> Node:
    if not _VERB.fullmatch(_exact(text)):
        raise Refused("is no verb")
    return Operator(name, Word(text.text.upper()))


def _moment(name: str, text: Text, context: Context) -> Node:
    return Operator(name, Moment(_instant(_date_time(_exact(text)), context.tz)))


def _day(_: str, text: Text, context: Context) -> Node:
    if not _DATE.fullmatch(_exact(text)):
        raise Refused("is no date")
    start = _date_time(text.text)
    try:
        end = start + timedelta(days=1)
    except OverflowError:
        raise Refused("lies outside the calendar") from None
    bounds = (Operator(name, Moment(_instant(at, context.tz))) for name, at in (("after", start), ("before", end)))
    return And(tuple(bounds))


def _since(bound: str) -> Read:
    def read(_: str, text: Text, context: Context) -> Node:
        found = _AGE.fullmatch(_exact(text))
        if found is None:
            raise Refused("is no age")
        try:
            at = context.now - timedelta(**{_UNITS[found[2].lower()]: int(found[1])})
        except OverflowError:
            raise Refused("lies outside the calendar") from None
        return Operator(bound, Moment(_instant(at, context.tz)))

    return read


def choice(*values: str) -> ValueType:
    """One of a closed set of words."""

    def read(name: str, text: Text, _: Context) -> Node:
        if _exact(text).lower() not in values:
            raise Refused("is no such value")
        return Operator(name, Word(text.text.lower()))

    return ValueType(" or ".join(values), read, values)


def _media_type(name: str, text: Text, _: Context) -> Node:
    if not (_TYPES if isinstance(text, Prefix) else _TYPE).fullmatch(text.text):
        raise Refused("is no media type")
    return Operator(name, type(text)(text.text.lower()))


def _header(name: str, text: Text, _: Context) -> Node:
    field, equals, words = text.text.partition("=")
    if not _FIELD_NAME.fullmatch(field):
        raise Refused("names no header field")
    if equals and not tokens(words):
        raise Refused("holds no letter or digit after =")
    if equals and field_name(field) in SIGNATURES:
        raise Refused("looks into a signature, of which no words are indexed")
    return Operator(name, text)


def _size(name: str, text: Text, _: Context) -> Node:
    found = _SIZE.fullmatch(_exact(text))
    if found is None:
        raise Refused("is no size")
    octets = Decimal(found[1]) * 1024 ** " kmg".index(found[2].lower() or " ")
    return Operator(name, Word(str(math.floor(octets) if name == "larger" else math.ceil(octets))))


def _count(name: str, text: Text, _: Context) -> Node:
    found = _COUNT.fullmatch(_exact(text))
    if found is None:
        raise Refused("is no number")
    return Operator(name, Word(f"{found[1].removeprefix('=')}{int(found[2])}"))


def _duration(name: str, text: Text, _: Context) -> Node:
    found = _DURATION.fullmatch(_exact(text))
    if found is None:
        raise Refused("is no length of time")
    milliseconds = Decimal(found[2]) * _MILLISECONDS[found[3].lower() or "s"]
    if milliseconds != int(milliseconds):
        raise Refused("is no whole number of milliseconds")
    return Operator(name, Word(f"{found[1].removeprefix('=')}{int(milliseconds)}ms"))


def comparison(text: str) -> tuple[Sign, int]:
    """A canonical number or length of time as its sign and number; without a sign it is `=`."""
    bare = text.removesuffix("ms")
    sign = next((sign for sign in _SIGNS if bare.startswith(sign)), None)
    return sign or "=", int(bare.removeprefix(sign or ""))


def _shaped(expected: str, shape: str, refusal: str) -> ValueType:
    """Exactly what the regular expression matches, whatever its case."""
    pattern = re.compile(shape, re.ASCII | re.IGNORECASE)

    def read(name: str, text: Text, _: Context) -> Node:
        if not pattern.fullmatch(_exact(text)):
            raise Refused(refusal)
        return Operator(name, text)

    return ValueType(expected, read)


def network(text: str) -> IPv4Network | IPv6Network:
    """An address or a network as a network; `::ffff:192.0.2.1` is the IPv4 address. Raises `ValueError`."""
    found = ip_network(text, strict=False)
    plain = plain_address(found.network_address)
    if plain.version != found.version and found.prefixlen >= 96:
        return ip_network((plain, found.prefixlen - 96), strict=False)
    return found


WORDS: Final = ValueType('a word, word* or "a phrase"', _words)
ADDRESS: Final = ValueType("user@example.com, a local part, @example.com, example.com or a name", _address)
PATH: Final = ValueType("user@example.com, a local part, @example.com, example.com or <>", _path)
HOST: Final = ValueType("a host name, a domain or an address literal", _host)
MESSAGE_ID: Final = ValueType("a Message-ID, with or without < >", _message_id)
ULID: Final = ValueType("an id of 26 letters and digits", _ulid)
NETWORK: Final = ValueType("an IPv4 or IPv6 address or network, as 192.0.2.0/24", _network)
CODE: Final = ValueType("a reply code, as 550, 55x or 5xx", _code)
MEDIA_TYPE: Final = ValueType("a media type, as image/png or image/*", _media_type)
HEADER: Final = ValueType("a field's name, or a name, = and words, as List-Id=news", _header)
SIZE: Final = ValueType("a size, as 800, 20k or 1.5m", _size)
COUNT: Final = ValueType("a number, with > >= < <= before it or not, as >1", _count)
DURATION: Final = ValueType("a length of time, with > >= < <= before it or not, as >10s or <=1.5m", _duration)
VERB: Final = ValueType("an SMTP verb, as RCPT", _verb)
OUTCOME: Final = choice("delivered", "rejected", "tls-failed", "auth-failed")
SHA256: Final = _shaped("64 hexadecimal digits", r"[0-9a-f]{64}", "is no SHA-256")
THREAD: Final = _shaped("t and 31 hexadecimal digits", r"t[0-9a-f]{31}", "is no thread")
TLS: Final = _shaped("a version, as TLSv1.3, or none", r"none|(?:TLS|SSL)v\d(?:\.\d)?", "is no version of TLS")
USER: Final = _shaped("the name of a user", r"(?s:.+)", "is no user")
TURN: Final = _shaped(
    "a verb and a reply code, as RCPT/550 or RCPT/5xx",
    r"[a-z][a-z0-9-]{0,31}/[2-5](?:\d\d|\dx|xx)",
    "is no verb and code",
)
STATUS: Final = _shaped("a status code, as 5.1.1", r"[245]\.\d{1,3}\.\d{1,3}", "is no status code")
FINDING: Final = _shaped("a finding, as bare-lf", r"[a-z0-9]+(?:-[a-z0-9]+)*", "is no finding")
MOMENT: Final = ValueType("a date or date-time, as 2026-01-31 or 2026-01-31T09:30", _moment)
DAY: Final = ValueType("a date, as 2026-01-31", _day)
NEWER: Final = ValueType("an age, as 30m, 2h, 7d", _since("after"))
OLDER: Final = ValueType("an age, as 30m, 2h, 7d", _since("before"))


def _exact(text: Text) -> str:
    if isinstance(text, Prefix):
        raise Refused("cannot end with *")
    return text.text


def _as_text(text: str) -> Word | Phrase:
    return Word(text) if re.fullmatch(r'[^\s()"*]+', text) else Phrase(text)


def _date_time(text: str) -> datetime:
    if not (_DATE.fullmatch(text) or _DATE_TIME.fullmatch(text)):
        raise Refused("is no date")
    try:
        return datetime.fromisoformat(text.upper())
    except ValueError:
        raise Refused("is no date of the calendar") from None


def _instant(at: datetime, tz: tzinfo) -> int:
    try:
        utc = (at if at.tzinfo else at.replace(tzinfo=tz)).astimezone(UTC)
    except OverflowError:
        raise Refused("lies outside the calendar") from None
    return min(math.ceil((utc - _EPOCH) / timedelta(milliseconds=1)), _LAST)
