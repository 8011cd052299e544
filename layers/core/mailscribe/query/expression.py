"""A query in terms of the index: boolean over phrases of tokens and bounds on the id, and the MATCH text of it.

Constructors keep an expression simple (flat, no constants inside, no double negation), so what can hold for no
document is `NOTHING`. Every token in a MATCH text stands in double quotes under a column filter; tokens come from
words.py and tags.py only, which let neither quotes nor NUL through. FTS5 has no unary NOT: it is taken from the tag
that every document bears.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal, assert_never

from mailscribe.query.tags import EVERY

type Columns = Literal["tags", "subject", "body", "subject body"]


@dataclass(frozen=True, slots=True)
class Match:
    """The tokens next to one another in one of the columns; with `prefix` the last one only begins so."""

    columns: Columns
    tokens: tuple[str, ...]
    prefix: bool = False


@dataclass(frozen=True, slots=True)
class Since:
    """Documents whose id is not less than `bound` (a ULID, or one with characters added: just after it)."""

    bound: str


@dataclass(frozen=True, slots=True)
class Constant:
    """Every document, or none."""

    value: bool


@dataclass(frozen=True, slots=True)
class Negation:
    """Documents that `part` does not hold for."""

    part: "Expression"


@dataclass(frozen=True, slots=True)
class Conjunction:
    """All parts hold."""

    parts: tuple["Expression", ...]


@dataclass(frozen=True, slots=True)
class Disjunction:
    """Some part holds."""

    parts: tuple["Expression", ...]


type Expression = Match | Since | Constant | Negation | Conjunction | Disjunction

EVERYTHING: Final = Constant(value=True)
NOTHING: Final = Constant(value=False)


def exact(token: str) -> Expression:
    """Documents that bear a tag."""
    return Match("tags", (token,))


def negation(part: Expression) -> Expression:
    """Not `part`, simplified."""
    match part:
        case Negation(inner):
            return inner
        case Constant(value):
            return NOTHING if value else EVERYTHING
        case _:
            return Negation(part)


def conjunction(parts: Iterable[Expression]) -> Expression:
    """All of `parts`, simplified."""
    kept: dict[Expression, None] = {}
    for part in parts:
        if part == NOTHING:
            return NOTHING
        if part != EVERYTHING:
            kept.update(dict.fromkeys(part.parts if isinstance(part, Conjunction) else (part,)))
    return _joined(tuple(kept), EVERYTHING, Conjunction)


def disjunction(parts: Iterable[Expression]) -> Expression:
    """Any of `parts`, simplified."""
    kept: dict[Expression, None] = {}
    for part in parts:
        if part == EVERYTHING:
            return EVERYTHING
        if part != NOTHING:
            kept.update(dict.fromkeys(part.parts if isinstance(part, Disjunction) else (part,)))
    return _joined(tuple(kept), NOTHING, Disjunction)


def bounds(expression: Expression) -> set[str]:
    """The bounds of all `Since` in it."""
    match expression:
        case Since(bound):
            return {bound}
        case Negation(part):
            return bounds(part)
        case Conjunction(parts) | Disjunction(parts):
            return set().union(*map(bounds, parts))
        case Match() | Constant():
            return set()
        case _:
            assert_never(expression)


def from_bound(expression: Expression, lowest: str) -> Expression:
    """What is left of it for ids from `lowest` to the next bound: there every `Since` is decided."""
    match expression:
        case Since(bound):
            return EVERYTHING if bound <= lowest else NOTHING
        case Negation(part):
            return negation(from_bound(part, lowest))
        case Conjunction(parts):
            return conjunction(from_bound(part, lowest) for part in parts)
        case Disjunction(parts):
            return disjunction(from_bound(part, lowest) for part in parts)
        case Match() | Constant():
            return expression
        case _:
            assert_never(expression)


def match_text(expression: Expression) -> str:
    """The FTS5 MATCH text of an expression without bounds and constants (`ValueError` for one with)."""
    match expression:
        case Match(columns, tokens, prefix):
            return f'{{{columns}}} : "{" ".join(tokens)}"{" *" if prefix else ""}'
        case Negation(part):
            return f"{_EVERY} NOT {_operand(part)}"
        case Conjunction(parts):
            return _all_of(parts)
        case Disjunction(parts):
            return " OR ".join(map(_operand, parts))
        case Since() | Constant():
            raise ValueError("bounds and constants are no part of a MATCH text")
        case _:
            assert_never(expression)


_EVERY: Final = match_text(exact(EVERY))


def _all_of(parts: tuple[Expression, ...]) -> str:
    wanted = [_operand(part) for part in parts if not isinstance(part, Negation)]
    unwanted = [_operand(part.part) for part in parts if isinstance(part, Negation)]
    base = " AND ".join(wanted or [_EVERY])
    if not unwanted:
        return base
    left = base if len(wanted) <= 1 else f"({base})"
    right = unwanted[0] if len(unwanted) == 1 else f"({' OR '.join(unwanted)})"
    return f"{left} NOT {right}"


def _operand(expression: Expression) -> str:
    text = match_text(expression)
    return text if isinstance(expression, Match) else f"({text})"


def _joined(parts: tuple[Expression, ...], empty: Constant, join: type[Conjunction] | type[Disjunction]) -> Expression:
    if not parts:
        return empty
    return parts[0] if len(parts) == 1 else join(parts)
