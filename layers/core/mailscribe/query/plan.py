"""From a tree to ONE SQL statement over the schema of the index, newest first.

The schema (the tail in memory and sealed segments have the same): `doc(n INTEGER PRIMARY KEY, id UNIQUE, commit_seq,
size, summary)` with n rising as id rises, and `fts` = FTS5(tags, subject, body) with rowid n. Walking fts by falling
rowid is walking it newest first, so nothing is ever sorted and a page reads no more than it shows.

Bounds on time may stand anywhere in the tree. They cut the time line into slices within which each is decided, so a
slice is one MATCH between two row numbers; slices are joined by UNION ALL, which SQLite merges lazily. All that a
user wrote reaches SQL as a bound parameter, and MATCH only as quoted tokens.
"""

from dataclasses import dataclass
from typing import Final

from mailscribe.query.expression import (
    EVERYTHING,
    NOTHING,
    Constant,
    Expression,
    Match,
    bounds,
    conjunction,
    disjunction,
    from_bound,
    match_text,
    negation,
)
from mailscribe.query.operators import plan_operator
from mailscribe.query.tags import word_tags
from mailscribe.query.tree import And, Node, Not, Operator, Or, Phrase, Prefix, Word
from mailscribe.query.words import tokens
from mailscribe.records import Kind


@dataclass(frozen=True, slots=True)
class Statement:
    """One SQL statement; its rows are (n, id, commit_seq, summary), newest first."""

    sql: str
    parameters: tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of ids [lowest, end) within which there may be matches; None: it has no end."""

    lowest: str
    end: str | None


@dataclass(frozen=True, slots=True)
class _Slice:
    """A stretch of ids [lowest, end) and what must hold there."""

    lowest: str
    end: str | None
    expression: Expression


_MATCHED: Final = (
    "SELECT fts.rowid AS n, doc.id, doc.commit_seq, doc.summary "
    "FROM fts CROSS JOIN doc ON doc.n = fts.rowid WHERE fts MATCH ?"
)
_ALL: Final = "SELECT doc.n AS n, doc.id, doc.commit_seq, doc.summary FROM doc WHERE 1"
_NONE: Final = "SELECT doc.n AS n, doc.id, doc.commit_seq, doc.summary FROM doc WHERE 0"
_FIRST: Final = "coalesce((SELECT n FROM doc WHERE id >= ? ORDER BY id LIMIT 1), 9223372036854775807)"
_FIRST_COMMITTED: Final = "coalesce((SELECT min(+n) FROM doc WHERE commit_seq > ?), 9223372036854775807)"
_NEWEST_FIRST: Final = " ORDER BY n DESC LIMIT ?"


def plan(
    node: Node | None, kind: Kind, *, before: str | None = None, after_commit: str | None = None, limit: int
) -> Statement:
    """The statement that answers `node` (None: every document).

    `before`: only ids less than this ULID. `after_commit`: only documents whose commit sequence is greater.
    Raises `ValueError` for a limit below 1 or an operator that the kind has not.
    """
    if limit < 1:
        raise ValueError("a limit below 1")
    expression = EVERYTHING if node is None else expression_of(node, kind)
    arms = [_arm(piece, after_commit) for piece in _slices(expression, before)]
    sql = " UNION ALL ".join(arm.sql for arm in arms) or _NONE
    parameters = tuple(parameter for arm in arms for parameter in arm.parameters)
    return Statement(sql + _NEWEST_FIRST, (*parameters, limit))


def spans(node: Node | None, kind: Kind, before: str | None = None) -> tuple[Span, ...]:
    """Outside of these ids nothing less than `before` can match: a source that holds none of them need not be asked."""
    expression = EVERYTHING if node is None else expression_of(node, kind)
    return tuple(Span(piece.lowest, piece.end) for piece in _slices(expression, before))


def expression_of(node: Node, kind: Kind) -> Expression:
    """A tree in terms of the index."""
    match node:
        case Word() | Phrase() | Prefix():
            return _free(node, kind)
        case Operator():
            return plan_operator(node, kind)
        case Not(part):
            return negation(expression_of(part, kind))
        case And(parts):
            return conjunction(expression_of(part, kind) for part in parts)
        case Or(parts):
            return disjunction(expression_of(part, kind) for part in parts)


def _free(node: Word | Phrase | Prefix, kind: Kind) -> Expression:
    """Words anywhere: in a session's lines; in a message's texts or its names."""
    prefix = isinstance(node, Prefix)
    texts = Match("subject body", tokens(node.text), prefix)
    return texts if kind == "session" else disjunction((texts, Match("tags", word_tags("word", node.text), prefix)))


def _slices(expression: Expression, before: str | None) -> list[_Slice]:
    """Newest first; neighbours that ask the same are one, those that ask for nothing are left out."""
    found: list[_Slice] = []
    end = before
    for lowest in sorted({"", *bounds(expression)}, reverse=True):
        if before is not None and lowest >= before:
            continue
        left = from_bound(expression, lowest)
        if found and found[-1].expression == left and found[-1].lowest == end:
            found[-1] = _Slice(lowest, found[-1].end, left)
        elif left != NOTHING:
            found.append(_Slice(lowest, end, left))
        end = lowest
    return found


def _arm(piece: _Slice, after_commit: str | None) -> Statement:
    sql, parameters = _ALL, list[str | int]()
    row = "doc.n"
    if not isinstance(piece.expression, Constant):
        sql, row = _MATCHED, "fts.rowid"
        parameters.append(match_text(piece.expression))
    if piece.lowest:
        sql += f" AND {row} >= {_FIRST}"
        parameters.append(piece.lowest)
    if piece.end is not None:
        sql += f" AND {row} < {_FIRST}"
        parameters.append(piece.end)
    if after_commit is not None:
        sql += f" AND doc.commit_seq > ? AND {row} >= {_FIRST_COMMITTED}"
        parameters += (after_commit, after_commit)
    return Statement(sql, tuple(parameters))
