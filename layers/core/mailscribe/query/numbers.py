"""Numbers as exact tags, so that a comparison is a few terms of the index and stands anywhere in a tree.

A document bears for each bit that is set in its number one tag: the number's digits down to that bit. A number is
above a bound exactly if, at some bit that the bound has not set, it has, and all digits before agree: at most `BITS`
terms, each walked newest first like any other. A document of which the number is not known bears none of them, nor
the tag that says it is known, and no comparison holds for it.
"""

from collections.abc import Iterator
from typing import Final, Literal

from mailscribe.query.expression import NOTHING, Expression, conjunction, disjunction, exact, negation
from mailscribe.query.tags import tag

type Sign = Literal[">", ">=", "<", "<=", "="]

BITS: Final = 32
TOP: Final = (1 << BITS) - 1
"""What is larger counts as this: four gigabytes, or 49 days of milliseconds."""


def number_tags(name: str, number: int) -> Iterator[str]:
    """The tags by which `number` (0 or more) is compared."""
    yield tag(name, "known")
    number = min(number, TOP)
    yield from (_digits(name, bit, number) for bit in range(BITS) if number >> bit & 1)


def compared(name: str, sign: Sign, bound: int) -> Expression:
    """Documents whose number stands so to `bound` (0 or more)."""
    match sign:
        case ">":
            return _above(name, bound)
        case ">=":
            return _above(name, bound - 1)
        case "<":
            return conjunction((_above(name, -1), negation(_above(name, bound - 1))))
        case "<=":
            return conjunction((_above(name, -1), negation(_above(name, bound))))
        case "=":
            return conjunction((_above(name, bound - 1), negation(_above(name, bound))))


def _above(name: str, bound: int) -> Expression:
    if bound < 0:
        return exact(tag(name, "known"))
    if bound >= TOP:
        return NOTHING
    return disjunction(exact(_digits(name, bit, bound | 1 << bit)) for bit in range(BITS) if not bound >> bit & 1)


def _digits(name: str, bit: int, number: int) -> str:
    return tag(name, f"{bit}/{number >> bit:x}")
