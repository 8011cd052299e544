"""One-time codes of a message: what a person would copy from it to sign in.

A guess with a confidence, never a proof. Never raises; each line is read once and a bounded stretch around each
candidate, of which at most `CANDIDATES_LIMIT` are judged.
"""

import re
from dataclasses import dataclass
from itertools import islice
from typing import Final

CANDIDATES_LIMIT: Final = 10_000
"""Groups that are judged."""
CODES_LIMIT: Final = 20
"""Codes of a message."""
CONTEXT_LIMIT: Final = 160
"""Characters of the line around a code."""
BEFORE: Final = 80
"""Characters on each side in which a word counts."""

_CODE = re.compile(
    r"(?<![\w.,:/@#&=?%+$€£-])"
    r"(?:[A-Z]-[0-9]{4,8}|[0-9]{3}[- ][0-9]{3}|[A-Z0-9]{4}-[A-Z0-9]{4}|[0-9]{4,8}|[A-Z0-9]{6,8})"
    r"(?![\w@/%€£$-]|[.,:][0-9]| ?(?:EUR|USD|€|\$|%)| [0-9])"
)
_NEAR = re.compile(
    r"\b(?:code|c[oó]digo|codice|kode|kod|otp|pin|passcode|one-time|verif\w{0,12}|best[äa]tigung\w{0,6}"
    r"|sicherheitscode|einmal\w{0,10}|verifizier\w{0,8}|pass ?word|tan|2fa|confirm\w{0,8})\b"
    r"|код|пароль|验证码|驗證碼|認証|コード|인증|رمز",
    re.IGNORECASE,
)
_AGAINST = re.compile(
    r"\b(?:order|invoice|rechnung\w{0,8}|bestell\w{0,8}|zip|postal|plz|postcode|tel|phone|fax|mobile|call"
    r"|account number|customer|ticket|case|tracking|total|price|amount|since|copyright|street|suite)\b|©|№",
    re.IGNORECASE,
)
_YEAR = re.compile(r"(?:19|20)[0-9]{2}")
_DATE = re.compile(r"(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])")


@dataclass(frozen=True, slots=True)
class Code:
    """A code, the line it stands in, and how sure it is: 0 to 1."""

    code: str
    context: str
    confidence: float


def find_codes(subject: str, text: str) -> tuple[Code, ...]:
    """Codes of subject and text, the surest first, each once.

    >>> find_codes("", "Your code is 123-456.")
    (Code(code='123-456', context='Your code is 123-456.', confidence=0.9),)
    """
    best: dict[str, Code] = {}
    left = CANDIDATES_LIMIT
    before = ""
    for line in (subject, *text.split("\n")):
        if left <= 0:
            break
        for match in islice(_CODE.finditer(line), left):
            left -= 1
            confidence = _confidence(line, match, before)
            code = match[0]
            if confidence > 0 and (code not in best or confidence > best[code].confidence):
                best[code] = Code(code, _context(line, match), confidence)
        if line.strip():
            before = line[-BEFORE:]
    return tuple(sorted(best.values(), key=lambda code: -code.confidence)[:CODES_LIMIT])


def _confidence(line: str, match: re.Match[str], before: str) -> float:
    code = match[0]
    if not any(each.isdigit() for each in code):
        return 0
    start, end = max(0, match.start() - BEFORE), match.end() + BEFORE
    around = line[start : match.start()] + " " + line[match.end() : end]
    is_alone = not around.strip()
    is_near = _NEAR.search(around) is not None
    if is_alone:
        score = 0.95 if _NEAR.search(before) else 0.5
    else:
        score = 0.9 if is_near else 0.6 if _NEAR.search(before) else 0.2
    if _AGAINST.search(line[start : match.start()]) and not is_alone:
        score -= 0.5
    if _YEAR.fullmatch(code) or _DATE.fullmatch(code):
        score -= 0.4
    return round(score, 2) if score >= 0.2 and not (score == 0.2 and not code.isdigit()) else 0


def _context(line: str, match: re.Match[str]) -> str:
    start = max(0, match.start() - CONTEXT_LIMIT // 2)
    return " ".join(line[start : start + CONTEXT_LIMIT].split())
