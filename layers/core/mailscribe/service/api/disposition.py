"""Content-Disposition of what strangers named (RFC 6266, RFC 8187): a name that is only ever a name.

No path separators, quotes, control or invisible characters, and none that a file system treats specially or takes for
one; not hidden, no device, not long. What is not ASCII is in `filename*`, with an ASCII fallback before it.
"""

import re
import unicodedata
from typing import Final, Literal
from urllib.parse import quote

LONGEST: Final = 150
"""Characters of a name."""
OCTETS: Final = 240
"""Octets of a name in UTF-8; most file systems hold 255, and a reader may put a number to it."""
_ENDING: Final = 20
"""Characters of a longer name that are kept from its end, where its extension is."""
_SPECIAL: Final = frozenset("/\\\"'`:*?<>|%;")
_DEVICE: Final = re.compile(r"(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(?:\..*)?", re.IGNORECASE)
"""Names that are devices on some systems, with any extension."""
_ATTR_CHAR: Final = "!#$&+-.^_`|~"


def disposition(kind: Literal["inline", "attachment"], name: str) -> str:
    """The field's value for a name that `safe_name` gave.

    >>> print(disposition("attachment", "naïve.txt"))
    attachment; filename="na_ve.txt"; filename*=UTF-8''na%C3%AFve.txt
    """
    plain = ascii_name(name)
    extended = "" if plain == name else f"; filename*=UTF-8''{quote(name, safe=_ATTR_CHAR)}"
    return f'{kind}; filename="{plain}"{extended}'


def ascii_name(name: str) -> str:
    """The name with `_` for what is not ASCII."""
    return "".join(each if each.isascii() else "_" for each in name)


def safe_name(name: str | None, fallback: str) -> str:
    """A name that can be given to a file system, `fallback` when nothing is left.

    >>> safe_name("../../etc/passwd", "1"), safe_name("..", "1"), safe_name(None, "1")
    ('_.._etc_passwd', '1', '1')
    """
    given = name or ""
    if len(given) > LONGEST:
        given = given[: LONGEST - _ENDING] + given[-_ENDING:]
    kept = "".join("_" if _is_bad(each) else each for each in given)
    named = _short(kept).strip(" ").lstrip(". ").rstrip(". ")
    return f"_{named}" if _DEVICE.fullmatch(named) else named or fallback


def _short(name: str) -> str:
    """The name in at most `OCTETS`, cut in its middle, never within a character."""
    ending = name[-_ENDING:]
    room = OCTETS - len(ending.encode())
    beginning = name[: -len(ending)].encode() if ending else b""
    return beginning[:room].decode(errors="ignore") + ending


def _is_bad(each: str) -> bool:
    """Whether it, or what a file system may take for the same, is more than a letter of a name."""
    category = unicodedata.category(each)
    spellings = each + unicodedata.normalize("NFKC", each)
    return category[0] == "C" or category in ("Zl", "Zp") or not _SPECIAL.isdisjoint(spellings)
