"""From a query text to tokens with their positions.

`(` `)` · `OR` `AND` `NOT` in capitals, standing alone · `-` directly before a term · terms: a bare word, `word*`,
`"a phrase"` (`\\"` and `\\\\` inside), each with `name:` before it or not. A bare word ends at white space, a
parenthesis or a quote; after `name:field=` a phrase may follow. Raises `QueryError` with the 0-based position for
what is no token.
"""

import re
from dataclasses import dataclass
from enum import Enum
from typing import Final

from mailscribe.errors import QueryError
from mailscribe.query.tree import OPERATOR, Phrase, Prefix, Text, Word

TERM_EXPECTED: Final = 'a word, word*, "a phrase", name:value or ('


class Mark(Enum):
    """Tokens that carry nothing but themselves."""

    OPEN = "("
    CLOSE = ")"
    OR = "OR"
    AND = "AND"
    NOT = "NOT"
    MINUS = "-"
    END = "the end"


@dataclass(frozen=True, slots=True)
class Term:
    """A leaf as typed: the operator's name in lower case, if any, and the text with its own position.

    `text` is None for an operator that nothing follows directly; `source` is then what might have been meant.
    """

    name: str | None
    text: Text | None
    at: int
    source: str


@dataclass(frozen=True, slots=True)
class Token:
    """A mark or a term, and where it begins."""

    position: int
    value: Mark | Term


_SPACE: Final = re.compile(r"\s*")
_BARE: Final = re.compile(r'[^\s()"]+')
_QUOTED: Final = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_ESCAPE: Final = re.compile(r'\\(["\\])')
_MARKS: Final = {mark.value: mark for mark in (Mark.OPEN, Mark.CLOSE, Mark.OR, Mark.AND, Mark.NOT)}


def lex(query: str) -> list[Token]:
    """The tokens of `query`, the last one `Mark.END`. Raises `QueryError`."""
    found: list[Token] = []
    position = _skip(query, 0)
    while position < len(query):
        token, position = _token(query, position)
        found.append(token)
        position = _skip(query, position)
    found.append(Token(len(query), Mark.END))
    return found


def shown(text: str, limit: int = 40) -> str:
    """A piece of the query as an error repeats it."""
    return text if len(text) <= limit else text[:limit] + "…"


def _token(query: str, position: int) -> tuple[Token, int]:
    character = query[position]
    if character in "()":
        return Token(position, _MARKS[character]), position + 1
    if character == '"':
        phrase, end = _quoted(query, position)
        return Token(position, Term(None, phrase, position, query[position:end])), end
    run = _run(query, position)
    if character == "-":
        return _minus(query, position)
    if run in _MARKS:
        return Token(position, _MARKS[run]), position + len(run)
    operator = OPERATOR.match(run)
    if operator is None:
        return Token(position, Term(None, _bare(run, position), position, run)), _bare_end(query, position + len(run))
    return _operator(query, position, operator[1])


def _minus(query: str, position: int) -> tuple[Token, int]:
    following = query[position + 1 : position + 2]
    if not following or following.isspace() or following == ")":
        raise QueryError(
            "A - stands directly before what it excludes, as in -word.",
            position=position + 1,
            expected=TERM_EXPECTED,
        )
    return Token(position, Mark.MINUS), position + 1


def _operator(query: str, position: int, name: str) -> tuple[Token, int]:
    at = position + len(name) + 1
    text: Text
    if query[at : at + 1] == '"':
        text, end = _quoted(query, at)
    else:
        run = _run(query, at)
        if not run:
            return _without_value(query, position, name)
        end = at + len(run)
        if run.endswith("=") and query[end : end + 1] == '"':
            phrase, end = _quoted(query, end)
            text = Phrase(run + phrase.text)
        else:
            text, end = _bare(run, at), _bare_end(query, end)
    return Token(position, Term(name.lower(), text, at, query[position:end])), end


def _without_value(query: str, position: int, name: str) -> tuple[Token, int]:
    """`Re: order`: the parser refuses it, with the word that follows in what it says."""
    at = position + len(name) + 1
    following = _skip(query, at)
    end = following + len(_run(query, following))
    return Token(position, Term(name.lower(), None, at, query[position:end].rstrip())), at


def _bare(run: str, position: int) -> Word | Prefix:
    star = run.find("*")
    if star < 0:
        return Word(run)
    if star == 0 or star < len(run) - 1:
        raise QueryError(
            "A * may only end a word, as in word*; anywhere else put the text in quotes.",
            position=position + star,
            expected="a letter or digit" if star == 0 else "the end of the word",
        )
    return Prefix(run[:-1])


def _bare_end(query: str, end: int) -> int:
    if query[end : end + 1] == '"':
        raise QueryError(
            'A quote inside a word: leave a space before it, or put all of it in quotes with \\" inside.',
            position=end,
            expected="a space",
        )
    return end


def _quoted(query: str, position: int) -> tuple[Phrase, int]:
    found = _QUOTED.match(query, position)
    if found is None:
        raise QueryError(
            f"The quote that opens at position {position} is never closed.", position=len(query), expected='"'
        )
    end = found.end()
    if _BARE.match(query, end) or query[end : end + 1] == '"':
        raise QueryError("A closing quote must be followed by a space.", position=end, expected="a space")
    return Phrase(_ESCAPE.sub(r"\1", found[1])), end


def _run(query: str, position: int) -> str:
    found = _BARE.match(query, position)
    return found[0] if found else ""


def _skip(query: str, position: int) -> int:
    found = _SPACE.match(query, position)
    return found.end() if found else position
