"""The query as a tree: what a text of the grammar means, before any thought of how it is answered.

Values only. `to_text` writes a tree back as a query of the same meaning: `parse(to_text(tree))` is `tree` for every
tree that a parse made. And and Or hold at least two parts; an And directly in an And (and an Or in an Or) is
written flat.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, assert_never


@dataclass(frozen=True, slots=True)
class Word:
    """A bare word, as typed. Punctuation in it makes it a phrase when it is answered."""

    text: str


@dataclass(frozen=True, slots=True)
class Phrase:
    """What stood in quotes: its words next to one another, in order."""

    text: str


@dataclass(frozen=True, slots=True)
class Prefix:
    """`text*`: words that begin so."""

    text: str


@dataclass(frozen=True, slots=True)
class Moment:
    """A point in time: milliseconds since 1970, UTC."""

    ms: int


type Text = Word | Phrase | Prefix
type OperatorValue = Text | Moment


@dataclass(frozen=True, slots=True)
class Operator:
    """`name:value`, the name in lower case and known, the value already checked by the operator table."""

    name: str
    value: OperatorValue


@dataclass(frozen=True, slots=True)
class Not:
    """Everything but `part`."""

    part: "Node"


@dataclass(frozen=True, slots=True)
class And:
    """All of the parts."""

    parts: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Or:
    """Any of the parts."""

    parts: tuple["Node", ...]


type Node = Word | Phrase | Prefix | Operator | Not | And | Or

KEYWORDS: Final = frozenset({"AND", "OR", "NOT"})
OPERATOR: Final = re.compile(r"([^\W_][\w-]*):")
"""How an operator begins; `http://x` and `12:30` look so too, which is why the error suggests quotes."""
_VALUE: Final = re.compile(r'[^\s()"*]+')
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def to_text(node: Node) -> str:
    """A query text that parses to `node` again, whatever time zone it is parsed in.

    >>> to_text(And((Word("paid"), Not(Operator("from", Word("bob"))))))
    'paid -from:bob'
    """
    match node:
        case Word() | Phrase() | Prefix():
            return _term(node)
        case Operator(name, value):
            return f"{name}:{_iso(value.ms) if isinstance(value, Moment) else _value(value)}"
        case Not(part):
            return f"-{_within(part)}"
        case And(parts):
            return " ".join(_within(part) for part in parts)
        case Or(parts):
            return " OR ".join(to_text(part) if isinstance(part, And) else _within(part) for part in parts)
        case _:
            assert_never(node)


def _within(node: Node) -> str:
    return f"({to_text(node)})" if isinstance(node, And | Or) else to_text(node)


def _term(text: Text) -> str:
    bare = text.text not in KEYWORDS and not text.text.startswith("-") and OPERATOR.match(text.text) is None
    if isinstance(text, Prefix) or bare:
        return _value(text)
    return _quoted(text.text)


def _value(text: Text) -> str:
    match text:
        case Prefix(value):
            return f"{value}*"
        case Word(value) if _VALUE.fullmatch(value):
            return value
        case Word(value) | Phrase(value):
            return _quoted(value)
        case _:
            assert_never(text)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _iso(ms: int) -> str:
    return (_EPOCH + timedelta(milliseconds=ms)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
