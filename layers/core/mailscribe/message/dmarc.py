"""Which part of a message is a DMARC aggregate report (RFC 7489 §7.2.1.1), and what it says.

A part says that it is one by its file name, or the message by its subject; then what cannot be read is a defect. Any
other XML or archive is one if it begins so, and else left alone unread. Types are not trusted: octets decide.
"""

import re
from typing import Final

from mailscribe.message.aggregate import Aggregate, read_aggregate
from mailscribe.message.archive import (
    ARCHIVE_OCTETS,
    EXPANDED_OCTETS,
    Refused,
    is_archive,
    unpacked,
    unpacked_beginning,
)
from mailscribe.message.defects import Defect, DefectCode
from mailscribe.message.model import ParsedMessage, Part
from mailscribe.message.text import beginning
from mailscribe.message.transfer import Source

_CANDIDATES: Final = 4
"""parts of a message that are looked at"""
_BEGINNING: Final = 4096
"""octets in which a report that does not say so shows itself"""
_TYPES: Final = frozenset(
    {
        *(f"application/{name}" for name in ("zip", "x-zip", "x-zip-compressed", "gzip", "x-gzip", "gzip-compressed")),
        *("application/xml", "text/xml"),
    }
)
_SUFFIXES: Final = (".xml", ".gz", ".gzip", ".zip")
# RFC 7489 §7.2.1.1: filename = receiver "!" policy-domain "!" begin-timestamp "!" end-timestamp [ "!" unique-id ] "."
_NAME: Final = re.compile(r"![0-9]{6,12}![0-9]{6,12}(?![0-9])", re.ASCII)
# dmarc-subject = %x52.65.70.6f.72.74 1*FWS %x44.6f.6d.61.69.6e.3a …
_SUBJECT: Final = re.compile(r"\s*report\s+domain:", re.IGNORECASE)
_ROOT: Final = re.compile(rb"<(?:[A-Za-z0-9_.-]{1,64}:)?feedback[\s>]", re.IGNORECASE)


def find_aggregate(data: Source, parsed: ParsedMessage, leaves: list[Part]) -> Aggregate | Defect | None:
    """The report, the defect of one that cannot be read, None where there is none."""
    is_said = _SUBJECT.match(parsed.subject or "") is not None
    candidates = [part for part in leaves if part.type in _TYPES or (part.name or "").lower().endswith(_SUFFIXES)]
    defect: Defect | None = None
    for part in candidates[:_CANDIDATES]:
        found = _read(data, part, is_said=is_said or _NAME.search(part.name or "") is not None)
        if isinstance(found, Aggregate):
            return found
        defect = defect or found
    return defect


def _read(data: Source, part: Part, *, is_said: bool) -> Aggregate | Defect | None:
    if part.size > EXPANDED_OCTETS:
        return Defect(DefectCode.REPORT_TOO_LARGE, part.part_id, part.body_start) if is_said else None
    octets, _ = beginning(data, part, _BEGINNING)
    is_packed = is_archive(octets)
    if is_packed and part.size > ARCHIVE_OCTETS:
        return Defect(DefectCode.REPORT_TOO_LARGE, part.part_id, part.body_start) if is_said else None
    if not is_packed and not is_said and _ROOT.search(octets) is None:
        return None
    octets, _ = beginning(data, part, EXPANDED_OCTETS)
    if is_packed and not is_said and _ROOT.search(unpacked_beginning(octets, b".xml", _BEGINNING)) is None:
        return None
    try:
        report = read_aggregate(unpacked(octets, b".xml"))
    except Refused as refused:
        code = DefectCode.REPORT_TOO_LARGE if refused.is_large else DefectCode.REPORT_INVALID
        return Defect(code, part.part_id, part.body_start)
    return report or Defect(DefectCode.REPORT_INVALID, part.part_id, part.body_start)
