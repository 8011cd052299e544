"""From a query text to a tree, by recursive descent: NOT binds before AND, AND before OR.

    query  = [or]
    or     = and *("OR" and)
    and    = not *(["AND"] not)
    not    = *("NOT" / "-") primary
    primary = "(" or ")" / term

Every refusal is a `QueryError` with the 0-based position in the text and what could have stood there. Limits:
`MAX_LENGTH` characters, `MAX_DEPTH` parentheses and NOTs within one another, `MAX_TERMS` terms.
"""

from datetime import UTC, datetime, tzinfo
from typing import Final

from mailscribe.errors import QueryError
from mailscribe.query.lexer import TERM_EXPECTED, Mark, Term, Token, lex, shown
from mailscribe.query.operators import TABLE
from mailscribe.query.tree import And, Node, Not, Or
from mailscribe.query.values import Context, Refused
from mailscribe.query.words import tokens
from mailscribe.records import Kind

MAX_LENGTH: Final = 4096
MAX_DEPTH: Final = 20
MAX_TERMS: Final = 128


def parse_query(text: str, kind: Kind, *, now: datetime, tz: tzinfo = UTC) -> Node | None:
    """The tree of a query; None for an empty one. Raises `QueryError`.

    `now` (aware) is what `newer:` and `older:` count from, `tz` what dates without an offset are meant in.
    """
    if len(text) > MAX_LENGTH:
        raise QueryError(
            f"The query is longer than {MAX_LENGTH} characters.", position=MAX_LENGTH, expected="the end of the query"
        )
    scalar = text.encode("utf-8", "replace").decode("utf-8")
    parser = _Parser(lex(scalar), kind, Context(now, tz))
    return parser.query()


class _Parser:
    def __init__(self, found: list[Token], kind: Kind, context: Context) -> None:
        self._tokens = found
        self._next = 0
        self._depth = 0
        self._terms = 0
        self._open: list[int] = []
        self._kind = kind
        self._context = context

    def query(self) -> Node | None:
        if self._peek().value is Mark.END:
            return None
        node = self._or()
        last = self._peek()
        if last.value is not Mark.END:
            raise QueryError(
                "A closing parenthesis without an opening one.",
                position=last.position,
                expected="a term, OR, or the end of the query",
            )
        return node

    def _or(self) -> Node:
        parts = [self._and()]
        while self._take(Mark.OR):
            parts.append(self._and())
        flat = tuple(inner for part in parts for inner in (part.parts if isinstance(part, Or) else (part,)))
        return flat[0] if len(flat) == 1 else Or(flat)

    def _and(self) -> Node:
        parts = [self._not()]
        while self._take(Mark.AND) or self._peek().value not in (Mark.OR, Mark.CLOSE, Mark.END):
            parts.append(self._not())
        flat = tuple(inner for part in parts for inner in (part.parts if isinstance(part, And) else (part,)))
        return flat[0] if len(flat) == 1 else And(flat)

    def _not(self) -> Node:
        if self._peek().value not in (Mark.NOT, Mark.MINUS):
            return self._primary()
        self._enter(self._advance())
        node = Not(self._not())
        self._depth -= 1
        return node

    def _primary(self) -> Node:
        token = self._advance()
        if isinstance(token.value, Term):
            return self._term(token, token.value)
        if token.value is not Mark.OPEN:
            raise _no_term(token)
        self._enter(token)
        self._open.append(token.position)
        node = self._or()
        opened = self._open.pop()
        if not self._take(Mark.CLOSE):
            raise QueryError(
                f"The parenthesis that opens at position {opened} is never closed.",
                position=self._peek().position,
                expected=")",
            )
        self._depth -= 1
        return node

    def _term(self, token: Token, term: Term) -> Node:
        self._terms += 1
        if self._terms > MAX_TERMS:
            raise QueryError(
                f"The query holds more than {MAX_TERMS} terms.",
                position=token.position,
                expected="the end of the query",
            )
        if term.name is not None:
            return self._operator(token, term, term.name)
        if term.text is None or not tokens(term.text.text):
            raise QueryError(
                f"There is nothing to look for in {shown(term.source)}: it holds no letter or digit.",
                position=token.position,
                expected=TERM_EXPECTED,
            )
        return term.text

    def _operator(self, token: Token, term: Term, name: str) -> Node:
        spec = TABLE[self._kind].get(name)
        if spec is None:
            raise QueryError(
                f"There is no operator {shown(name)}: for {self._kind}s. If this is text to look for, put it in quotes:"
                f" {_in_quotes(term.source)}.",
                position=token.position,
                expected=", ".join(f"{known}:" for known in TABLE[self._kind]),
            )
        if term.text is None:
            raise QueryError(
                f"No value follows {name}: directly. If this is text to look for, put it in quotes:"
                f" {_in_quotes(term.source)}.",
                position=term.at,
                expected=spec.value.expected,
            )
        try:
            return spec.value.read(name, term.text, self._context)
        except Refused as refused:
            raise QueryError(
                f"{shown(term.source)}: the value {refused}.", position=term.at, expected=spec.value.expected
            ) from None

    def _enter(self, token: Token) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise QueryError(
                f"More than {MAX_DEPTH} parentheses and NOTs stand within one another.",
                position=token.position,
                expected="a term",
            )

    def _peek(self) -> Token:
        return self._tokens[self._next]

    def _advance(self) -> Token:
        token = self._tokens[self._next]
        self._next = min(self._next + 1, len(self._tokens) - 1)
        return token

    def _take(self, mark: Mark) -> bool:
        if self._peek().value is not mark:
            return False
        self._advance()
        return True


def _no_term(token: Token) -> QueryError:
    found = token.value.value if isinstance(token.value, Mark) else ""
    return QueryError(f"A term is missing before {found}.", position=token.position, expected=TERM_EXPECTED)


def _in_quotes(source: str) -> str:
    return '"' + shown(source).replace("\\", "\\\\").replace('"', '\\"') + '"'
