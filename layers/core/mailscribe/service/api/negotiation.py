"""Which of the forms on offer the caller's Accept field asks for: RFC 9110 §12.5.1.

The most specific range decides over a form; among forms of equal weight the first on offer wins. A member that
does not parse is passed over.
"""

import re
from typing import Final

from mailscribe.service.api.problems import NOT_ACCEPTABLE, Refused

TOKEN: Final = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"  # noqa: S105 - RFC 9110 §5.6.2 token
MEDIA_RANGE: Final = re.compile(rf"\s*({TOKEN})/({TOKEN})\s*((?:;[^;]*)*)")
WEIGHT: Final = re.compile(r"\s*q\s*=\s*(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)\s*", re.IGNORECASE)


def negotiate(accept: str | None, offers: tuple[str, ...]) -> str:
    """The form of `offers` to give. Raises `Refused` (406) when none is accepted."""
    if accept is None or not accept.strip():
        return offers[0]
    ranges = [parsed for member in accept.split(",") if (parsed := _parse(member)) is not None]
    best, weight = max(((offer, _weight(offer, ranges)) for offer in offers), key=lambda pair: pair[1])
    if weight <= 0:
        detail = f"This can be given as {', '.join(offers)}."
        raise Refused(NOT_ACCEPTABLE, detail, {"Vary": "Accept"})
    return best


def _parse(member: str) -> tuple[str, str, float] | None:
    found = MEDIA_RANGE.fullmatch(member)
    if found is None:
        return None
    weight = 1.0
    for parameter in found[3].split(";"):
        if given := WEIGHT.fullmatch(parameter):
            weight = float(given[1])
    return found[1].lower(), found[2].lower(), weight


def _weight(offer: str, ranges: list[tuple[str, str, float]]) -> float:
    kind, _, name = offer.partition("/")
    for wanted in ((kind, name), (kind, "*"), ("*", "*")):
        weights = [weight for first, second, weight in ranges if (first, second) == wanted]
        if weights:
            return max(weights)
    return 0.0
