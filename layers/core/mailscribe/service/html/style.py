"""A style attribute (CSS Style Attributes §3) with only the declarations that are on the list.

A value is words, numbers, colours and quoted names; what has anything else in it, an escape, a function or a nested
block, is left out with its property. Each character is looked at a fixed number of times.
"""

import re
from collections.abc import Callable
from typing import Final
from urllib.parse import quote

from mailscribe.service.html.policy import PICTURED, PROPERTIES

_COMMENT: Final = re.compile(r"/\*.*?(?:\*/|\Z)", re.DOTALL)
_DECLARATION: Final = re.compile(r"(?:[^;\"'()]++|\"[^\"]*+\"|'[^']*+'|\([^()]*+\)|[\"'()])++")
_VALUE: Final = re.compile(
    r"(?:(?:rgb|hsl)a?\([\w\s.,%/+-]*+\)|[\w-]++(?!\()|[\s.,#%!+/]++|\"[^\"\\<>{}]*+\"|'[^'\\<>{}]*+')*+", re.IGNORECASE
)
_PICTURE: Final = re.compile(r"\burl\(\s*+(?:\"([^\"]*+)\"|'([^']*+)'|([^\"'()\s]*+))\s*+\)", re.IGNORECASE)
_URL_SAFE: Final = ":/?#[]@!$&*+,;=%~"


def safe_style(text: str, picture: Callable[[str], str | None]) -> str:
    """The declarations that may stay; `picture` gives the address that stands for one in `url()`, None for none.

    >>> safe_style("color: red; position: fixed; background: url(http://a.test/b) #fff", lambda url: None)
    'color:red;background:#fff'
    """
    kept: list[str] = []
    for match in _DECLARATION.finditer(_COMMENT.sub(" ", text)):
        name, _, value = match[0].partition(":")
        name = name.strip().lower()
        if name in PROPERTIES and (value := _value(name, value, picture)):
            kept.append(f"{name}:{value}")
    return ";".join(kept)


def _value(name: str, value: str, picture: Callable[[str], str | None]) -> str:
    if _VALUE.fullmatch(value):
        return value.strip()
    if name not in PICTURED or _VALUE.fullmatch(_PICTURE.sub(" ", value)) is None:
        return ""

    def replaced(match: re.Match[str]) -> str:
        url = picture(match[1] or match[2] or match[3] or "")
        return "" if url is None else f'url("{quote(url, safe=_URL_SAFE)}")'

    return _PICTURE.sub(replaced, value).strip()
