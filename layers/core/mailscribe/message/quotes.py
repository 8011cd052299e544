"""What a reply says itself: its text without quoted lines, their attribution, what is forwarded below, and signature.

Never raises, and reads each line once. Where nothing would be left, everything is: a message is never made empty.
"""

import re
from typing import Final

ATTRIBUTION_LIMIT: Final = 400
"""Characters of an attribution line; a longer line is text."""

_QUOTE = re.compile(r"[ \t]{0,3}>")
_BEGINS = re.compile(r"(?:on|am|le|el|il|op|em|den|dne|w dniu)\s", re.IGNORECASE)
_SAYS = re.compile(
    r"\b(?:wrote|schrieb|a écrit|escribió|ha scritto|schreef|escreveu|skrev|napsal(?:\(a\))?|pisze)\b", re.IGNORECASE
)
_ORIGINAL = re.compile(
    r"-{2,20} ?(?:original message|ursprüngliche nachricht|message d'origine|mensaje original|messaggio originale"
    r"|oorspronkelijk bericht|forwarded message) ?-{2,20}",
    re.IGNORECASE,
)
_FROM = re.compile(r"\*?(?:from|von|de|da|van):\*?\s", re.IGNORECASE)
_SENT = re.compile(r"\*?(?:sent|date|gesendet|envoyé|enviado|inviato|verzonden)\s?:", re.IGNORECASE)


def without_quotes(text: str) -> str:
    """The text without what it quotes and without its signature.

    >>> without_quotes("Yes.\\n\\nOn Monday, Bob wrote:\\n> Really?\\n-- \\nMable")
    'Yes.'
    """
    lines = text.split("\n")
    kept: list[str] = []
    at = 0
    while at < len(lines):
        line = lines[at]
        if line.rstrip("\r") == "-- " or _is_end(lines, at):
            break
        if _QUOTE.match(line):
            at += 1
            continue
        taken = _attribution(lines, at)
        if taken:
            at += taken
            continue
        kept.append(line)
        at += 1
    own = "\n".join(kept).strip("\r\n")
    return own if own.strip() else text


def _is_end(lines: list[str], at: int) -> bool:
    """Whether an older message begins here, unmarked."""
    line = lines[at][:ATTRIBUTION_LIMIT].strip()
    if _ORIGINAL.fullmatch(line):
        return True
    following = (each[:ATTRIBUTION_LIMIT].strip() for each in lines[at + 1 : at + 3])
    return _FROM.match(line) is not None and any(_SENT.match(each) for each in following)


def _attribution(lines: list[str], at: int) -> int:
    """How many lines of attribution are here, before a quoted line: 0, 1 or, folded, 2."""
    first = lines[at].strip() if len(lines[at]) <= ATTRIBUTION_LIMIT else ""
    if not _BEGINS.match(first):
        return 0
    for count in (1, 2):
        joined = " ".join(each[:ATTRIBUTION_LIMIT].strip() for each in lines[at : at + count])
        if joined.endswith(":") and _SAYS.search(joined):
            following = (line for line in lines[at + count : at + count + 3] if line.strip())
            return count if _QUOTE.match(next(following, "")) else 0
    return 0
