"""What a token is: the one rule by which text is cut into searchable words, for the index and for a query alike.

A word is a run of letters, digits and marks (Unicode categories L, N, M); everything else separates, but for symbols
that are forms of letters of the scripts below. Before that, compatibility forms, case and accents fold (ß = ss, Å =
a, ﬁ = fi, full-width = ASCII) and invisible format characters vanish. Scripts written without spaces (Han, kana,
hangul, Thai, Lao, Khmer, Myanmar) are cut into single characters, so that any run of them is found as a phrase.
SQLite's stock `unicode61` (with categories L* M* N* Co) cuts the result at the same places: a test goes through every
code point.
Pure ASCII needs no work here: `unicode61` folds and cuts it in the same way.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable
from typing import Final

BREAK: Final = "\ue0fe"
"""A token of its own that no text can hold: it stands between two texts of one column, so that no phrase spans them."""

_ASCII_WORD: Final = re.compile(r"[0-9a-z]+")
_CACHED: Final = 16_384

_ACCENTS: Final = (
    (0x0300, 0x036F),  # Latin, Greek
    (0x0483, 0x0487),  # Cyrillic
    (0x0591, 0x05C7),  # Hebrew points
    (0x0610, 0x061A),  # Arabic
    (0x064B, 0x065F),
    (0x0670, 0x0670),
    (0x06D6, 0x06ED),
    (0x1AB0, 0x1AFF),
    (0x1DC0, 0x1DFF),
    (0x20D0, 0x20FF),
    (0xFE00, 0xFE0F),  # variation selectors
    (0xFE20, 0xFE2F),
    (0xE0100, 0xE01EF),
)
"""Blocks whose marks fold away; the marks of Indic scripts are vowels and stay."""

_UNSPACED: Final = (
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x1000, 0x109F),  # Myanmar
    (0x1100, 0x11FF),  # Hangul jamo
    (0x1780, 0x17FF),  # Khmer
    (0x2E80, 0x2FDF),  # radicals
    (0x3005, 0x30FF),  # hiragana, katakana
    (0x3100, 0x31FF),
    (0x3400, 0x4DBF),  # Han
    (0x4E00, 0x9FFF),
    (0xA960, 0xA97F),
    (0xAC00, 0xD7FF),  # Hangul syllables
    (0xF900, 0xFAFF),
    (0x1B000, 0x1B2FF),
    (0x20000, 0x3FFFF),
)

_MARKS: Final = frozenset(
    chr(code)
    for first, last in _ACCENTS
    for code in range(first, last + 1)
    if unicodedata.category(chr(code))[0] == "M"
)


class _Table(dict[int, str]):
    """Code point → what stands for it; filled as characters are met, up to a bound."""

    def __init__(self, stands_for: Callable[[str], str]) -> None:
        self._stands_for = stands_for

    def __missing__(self, code: int) -> str:
        result = self._stands_for(chr(code))
        if len(self) < _CACHED:
            self[code] = result
        return result


def _separated(character: str) -> str:
    category = unicodedata.category(character)
    if category[0] in "LMN" or (category == "So" and _stands_for_unspaced(character)):
        return character
    return "" if category == "Cf" else " "


def _stands_for_unspaced(symbol: str) -> bool:
    """Whether a symbol is another form of letters of a script without spaces, as radicals and squares are."""
    letters = unicodedata.normalize("NFKD", symbol)
    return all(_is_unspaced(letter) and unicodedata.category(letter)[0] in "LM" for letter in letters)


def _is_unspaced(character: str) -> bool:
    code = ord(character)
    return any(first <= code <= last for first, last in _UNSPACED)


def _apart(character: str) -> str:
    return f" {character} " if _is_unspaced(character) else _separated(character)


_STRIPPED: Final = _Table(lambda character: "" if character in _MARKS else character)
_SEPARATED: Final = _Table(_separated)
"""Applied before folding: № and ™ would become letters."""
_APART: Final = _Table(_apart)
"""Applied after folding: half-width kana have become whole."""


def fold(text: str) -> str:
    """`text` without differences of case, accent and compatibility form.

    >>> fold("Übergröße ﬁn Ⅳ")
    'ubergrosse fin iv'
    """
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return unicodedata.normalize("NFC", decomposed.translate(_STRIPPED))


def tokens(text: str) -> tuple[str, ...]:
    """The words of `text` in order; empty when it holds no letter or digit.

    >>> tokens("Foo-Bar: 東京!")
    ('foo', 'bar', '東', '京')
    """
    if text.isascii():
        return tuple(_ASCII_WORD.findall(text.lower()))
    return tuple(_cut(text).split())


def index_text(*texts: str) -> str:
    """`texts` as they go into a column of the index; a phrase never reaches from one into the next."""
    return f" {BREAK} ".join(map(_prepared, texts))


def join_texts(texts: Iterable[str], limit: int) -> str:
    """Like `index_text`, of as many leading characters of `texts` as `limit` lets in."""
    kept: list[str] = []
    for text in texts:
        if limit <= 0:
            break
        kept.append(text[:limit])
        limit -= len(text)
    return index_text(*kept)


def _prepared(text: str) -> str:
    return text if text.isascii() else _cut(text)


def _cut(text: str) -> str:
    return fold(text.translate(_SEPARATED)).translate(_APART)
