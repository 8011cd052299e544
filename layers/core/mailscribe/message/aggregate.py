"""DMARC aggregate reports (RFC 7489 appendix C, RFC 9990): XML → values, by the names of elements and their parents.

Never raises; linear; capped in octets, depth, rows and characters that are kept. Declarations of entities are refused,
so nothing expands and nothing is fetched. Prefixes and namespaces of names do not count, unknown elements are passed
over, and what follows the end of the report is no matter. What a report does not say, or says as no number, is None.
"""

import re
from datetime import UTC, datetime
from typing import Final, NamedTuple
from xml.parsers import expat

AGGREGATE_ROWS: Final = 1000
"""rows that are kept; all are counted"""
AGGREGATE_TEXT: Final = 262_144
"""characters of rows that are kept; rows beyond are counted"""
AGGREGATE_VALUE: Final = 256
"""characters of a value that are kept"""
AGGREGATE_DEPTH: Final = 32
"""elements inside elements; the format has six"""
ROW_RESULTS: Final = 16
"""reasons, results of DKIM and results of SPF of one row that are kept, of each kind"""

_FIELDS: Final = 64
"""names of values that are kept of a record, of a result and of the rest of a report; the format has thirty"""
_ENCODINGS: Final = frozenset({"utf-8", "utf8", "us-ascii", "ascii", "utf-16", "iso-8859-1", "windows-1252"})
_NUMBER: Final = re.compile(r"([0-9]{1,15})(?:\.[0-9]{1,9})?", re.ASCII)
_LAST_SECOND: Final = 253_402_300_799

type _Fields = dict[str, str]


class Reason(NamedTuple):
    """Why a policy was overridden."""

    type: str | None
    comment: str | None


class DkimResult(NamedTuple):
    """What came of one signature."""

    domain: str | None
    selector: str | None
    result: str | None


class SpfResult(NamedTuple):
    """What came of SPF for one name; `scope` is helo or mfrom."""

    domain: str | None
    scope: str | None
    result: str | None


class Row(NamedTuple):
    """How many messages of one source fared alike; `dkim` and `spf` are DMARC's, aligned, those in the tuples raw."""

    source_ip: str | None
    messages: int | None
    disposition: str | None
    dkim: str | None
    spf: str | None
    header_from: str | None
    envelope_from: str | None
    envelope_to: str | None
    reasons: tuple[Reason, ...]
    dkim_results: tuple[DkimResult, ...]
    spf_results: tuple[SpfResult, ...]


class PublishedPolicy(NamedTuple):
    """The policy that the reporter found in the DNS."""

    domain: str | None
    adkim: str | None
    aspf: str | None
    p: str | None
    sp: str | None
    np: str | None
    pct: int | None
    fo: str | None
    testing: str | None


class Aggregate(NamedTuple):
    """One report. `rows_total` counts all rows, those too that are not kept; `messages_total` is the sum of counts."""

    org: str | None
    org_email: str | None
    report_id: str | None
    begin: datetime | None
    end: datetime | None
    policy: PublishedPolicy
    rows: tuple[Row, ...]
    rows_total: int
    messages_total: int


def read_aggregate(octets: bytes) -> Aggregate | None:
    """The report in the octets of an XML document, None where they are none."""
    reader = _Reader()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.XmlDeclHandler = _refuse_encoding
    parser.EntityDeclHandler = _refuse_entity
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    try:
        parser.Parse(octets.lstrip(b" \t\r\n"), True)
    except (expat.ExpatError, ValueError, LookupError):
        if not reader.is_ended:
            return None
    return reader.aggregate() if reader.is_ended else None


class _RefusedDocument(ValueError):
    """A document that is not read to its end."""


def _refuse_encoding(_version: str, encoding: str | None, _standalone: int) -> None:
    if encoding is not None and encoding.lower() not in _ENCODINGS:
        raise _RefusedDocument(encoding)


def _refuse_entity(*declared: object) -> None:
    raise _RefusedDocument(declared[0])


class _Reader:
    """The state of one reading: the open elements, the text of the innermost, and what is known by now."""

    def __init__(self) -> None:
        self.is_ended = False
        self._open: list[str] = []
        self._text = ""
        self._report: dict[tuple[str, str], str] = {}
        self._row: dict[tuple[str, str], str] = {}
        self._results: dict[str, list[_Fields]] = {}
        self._fields: _Fields = {}
        self._rows: list[Row] = []
        self._rows_total = 0
        self._messages_total = 0
        self._characters = 0

    def start(self, name: str, _attributes: object) -> None:
        """An element begins."""
        if len(self._open) == AGGREGATE_DEPTH or self.is_ended:
            raise _RefusedDocument
        name = name.rpartition(":")[2].lower()
        if not self._open and name != "feedback":
            raise _RefusedDocument(name)
        if name == "record":
            self._row, self._results = {}, {}
        if (self._parent(), name) in _REPEATED:
            self._fields = {}
        self._open.append(name)
        self._text = ""

    def text(self, text: str) -> None:
        """Characters come."""
        if len(self._text) < AGGREGATE_VALUE:
            self._text += text[: AGGREGATE_VALUE - len(self._text)]

    def end(self, _name: str) -> None:
        """The innermost element ends."""
        name = self._open.pop()
        parent = self._parent()
        text, self._text = self._text.strip(), ""
        if (parent, name) in _REPEATED:
            results = self._results.setdefault(name, [])
            if len(results) < ROW_RESULTS and self._fields:
                results.append(self._fields)
            self._fields = {}
        elif (self._parent(1), parent) in _REPEATED:
            self._put(self._fields, name, text)
        elif name == "record":
            self._end_row()
        elif not self._open:
            self.is_ended = True
        else:
            self._put(self._row if "record" in self._open else self._report, (parent, name), text)

    def _put[K](self, fields: dict[K, str], key: K, text: str) -> None:
        """Keep a value, the first of its name, of a few names."""
        if text and len(fields) < _FIELDS:
            fields.setdefault(key, text)

    def _parent(self, up: int = 0) -> str:
        return self._open[-1 - up] if len(self._open) > up else ""

    def _end_row(self) -> None:
        row = self._made()
        self._row, self._results = {}, {}
        self._rows_total += 1
        self._messages_total += row.messages or 0
        if len(self._rows) < AGGREGATE_ROWS and self._characters < AGGREGATE_TEXT:
            self._characters += _length(row)
            self._rows.append(row)

    def _made(self) -> Row:
        get, results = self._row.get, self._results
        return Row(
            source_ip=get(("row", "source_ip")),
            messages=_number(get(("row", "count"))),
            disposition=get(("policy_evaluated", "disposition")),
            dkim=get(("policy_evaluated", "dkim")),
            spf=get(("policy_evaluated", "spf")),
            header_from=get(("identifiers", "header_from")),
            envelope_from=get(("identifiers", "envelope_from")),
            envelope_to=get(("identifiers", "envelope_to")),
            reasons=tuple(Reason(each.get("type"), each.get("comment")) for each in results.get("reason", ())),
            dkim_results=tuple(
                DkimResult(each.get("domain"), each.get("selector"), each.get("result"))
                for each in results.get("dkim", ())
            ),
            spf_results=tuple(
                SpfResult(each.get("domain"), each.get("scope"), each.get("result")) for each in results.get("spf", ())
            ),
        )

    def aggregate(self) -> Aggregate:
        """All of it."""
        get = self._report.get
        return Aggregate(
            org=get(("report_metadata", "org_name")),
            org_email=get(("report_metadata", "email")),
            report_id=get(("report_metadata", "report_id")),
            begin=_moment(get(("date_range", "begin"))),
            end=_moment(get(("date_range", "end"))),
            policy=self._policy(),
            rows=tuple(self._rows),
            rows_total=self._rows_total,
            messages_total=self._messages_total,
        )

    def _policy(self) -> PublishedPolicy:
        found = {name: self._report.get(("policy_published", name)) for name in _POLICY}
        return PublishedPolicy(**found, pct=_number(self._report.get(("policy_published", "pct"))))


_POLICY: Final = tuple(name for name in PublishedPolicy._fields if name != "pct")
_REPEATED: Final = frozenset({("policy_evaluated", "reason"), ("auth_results", "dkim"), ("auth_results", "spf")})


def _length(row: Row) -> int:
    results = (*row.reasons, *row.dkim_results, *row.spf_results)
    return sum(len(value) for part in (row, *results) for value in part if isinstance(value, str))


def _number(text: str | None) -> int | None:
    found = _NUMBER.fullmatch(text or "")
    return int(found[1]) if found else None


def _moment(text: str | None) -> datetime | None:
    """Seconds since 1970."""
    seconds = _number(text)
    return None if seconds is None or seconds > _LAST_SECOND else datetime.fromtimestamp(seconds, UTC)
