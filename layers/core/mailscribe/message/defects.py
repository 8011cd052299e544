"""The table of everything that can be wrong with a message, and the list that a parse fills.

A defect never stops a parse and never hides bytes. Codes are part of the public record: they are only added.
"""

from enum import StrEnum
from typing import NamedTuple


class DefectCode(StrEnum):
    """A defect's public code; `EXPLANATIONS` says what each means."""

    HEADER_TOO_LARGE = "header-too-large"
    HEADER_TOO_MANY_FIELDS = "header-too-many-fields"
    HEADER_FIELD_TOO_LONG = "header-field-too-long"
    HEADER_LINE_INVALID = "header-line-invalid"
    HEADER_NOT_TERMINATED = "header-not-terminated"
    HEADER_MBOX_LINE = "header-mbox-line"
    HEADER_NUL = "header-nul"
    HEADER_CHARSET_GUESSED = "header-charset-guessed"
    LINE_ENDS_CR = "line-ends-cr"
    DATE_INVALID = "date-invalid"
    CONTENT_TYPE_INVALID = "content-type-invalid"
    CONTENT_FIELD_REPEATED = "content-field-repeated"
    MULTIPART_NO_BOUNDARY = "multipart-no-boundary"
    MULTIPART_NO_DELIMITER = "multipart-no-delimiter"
    MULTIPART_NOT_CLOSED = "multipart-not-closed"
    MULTIPART_BOUNDARY_PREFIX = "multipart-boundary-prefix"
    MULTIPART_ENCODED = "multipart-encoded"
    NESTING_TOO_DEEP = "nesting-too-deep"
    TOO_MANY_PARTS = "too-many-parts"
    ENCODING_UNKNOWN = "encoding-unknown"
    ENCODING_INVALID = "encoding-invalid"
    CHARSET_UNKNOWN = "charset-unknown"
    CHARSET_INVALID = "charset-invalid"
    REPORT_TOO_LARGE = "report-too-large"
    REPORT_INVALID = "report-invalid"
    PARSE_ABANDONED = "parse-abandoned"


EXPLANATIONS: dict[DefectCode, str] = {
    DefectCode.HEADER_TOO_LARGE: "the header block exceeds its limit; later fields are not listed",
    DefectCode.HEADER_TOO_MANY_FIELDS: "the header block has more fields than its limit; later ones are not listed",
    DefectCode.HEADER_FIELD_TOO_LONG: "a field's value exceeds its limit and is cut",
    DefectCode.HEADER_LINE_INVALID: "a line among the header fields is none; it is skipped",
    DefectCode.HEADER_NOT_TERMINATED: "no empty line ends the header; the body begins at the first other line",
    DefectCode.HEADER_MBOX_LINE: "an mbox separator or byte order mark stands before the first field; it is skipped",
    DefectCode.HEADER_NUL: "a field contains NUL octets; they are left out",
    DefectCode.HEADER_CHARSET_GUESSED: "a field contains octets that are no UTF-8; they are read as windows-1252",
    DefectCode.LINE_ENDS_CR: "no line ends in LF; CR alone is taken as the line end",
    DefectCode.DATE_INVALID: "the Date field cannot be read",
    DefectCode.CONTENT_TYPE_INVALID: "the Content-Type cannot be read; text/plain is assumed",
    DefectCode.CONTENT_FIELD_REPEATED: "a Content- field stands twice in a part; the first one counts",
    DefectCode.MULTIPART_NO_BOUNDARY: "a multipart has no boundary parameter; its raw text is shown",
    DefectCode.MULTIPART_NO_DELIMITER: "the boundary of a multipart does not occur in it; its raw text is shown",
    DefectCode.MULTIPART_NOT_CLOSED: "the closing delimiter of a multipart is missing",
    DefectCode.MULTIPART_BOUNDARY_PREFIX: "delimiter lines only begin with the boundary; they are accepted",
    DefectCode.MULTIPART_ENCODED: "a multipart declares a transfer encoding; it is ignored",
    DefectCode.NESTING_TOO_DEEP: "multiparts are nested deeper than the limit; the innermost is shown as raw text",
    DefectCode.TOO_MANY_PARTS: "there are more parts than the limit; later ones are not listed",
    DefectCode.ENCODING_UNKNOWN: "the transfer encoding is unknown; the octets are taken as they are",
    DefectCode.ENCODING_INVALID: "the transfer encoding is damaged; what can be decoded is",
    DefectCode.CHARSET_UNKNOWN: "the charset is unknown; the text is read as UTF-8 or windows-1252",
    DefectCode.CHARSET_INVALID: "the text is not in its declared charset; what can be decoded is",
    DefectCode.REPORT_TOO_LARGE: "an aggregate report exceeds a limit, packed or unpacked; it is not read",
    DefectCode.REPORT_INVALID: "an aggregate report cannot be unpacked or is no XML that may be read",
    DefectCode.PARSE_ABANDONED: "the content was not parsed: attempts to do so did not come to an end",
}


class Defect(NamedTuple):
    """Something wrong: what, in which part (a multipart's is its section number), from which offset on.

    `part_id` is None for the message as a whole.
    """

    code: DefectCode
    part_id: str | None = None
    offset: int | None = None


class DefectList:
    """The defects of one message: each code once per part, at most `limit` of them."""

    __slots__ = ("_found", "_limit")

    def __init__(self, limit: int) -> None:
        self._found: dict[tuple[DefectCode, str | None], Defect] = {}
        self._limit = limit

    def add(self, code: DefectCode, part_id: str | None = None, offset: int | None = None) -> None:
        """Note a defect, unless that part has it already."""
        if len(self._found) < self._limit:
            self._found.setdefault((code, part_id), Defect(code, part_id, offset))

    def listed(self) -> tuple[Defect, ...]:
        """All that were noted, in the order of their offsets."""
        return tuple(sorted(self._found.values(), key=lambda defect: defect.offset or 0))
