"""Service extensions (RFC 5321 §2.2): what EHLO announces, and the parameters each adds to MAIL and RCPT.

One row per extension. A later extension is a row here; the parser of parameters and the EHLO reply need no change.
A parameter that no row names is 555 5.5.4, one given twice or of a bad value 501 5.5.4.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from mailscribe.settings import Settings
from mailscribe.smtp.grammar import BODY_VALUE, ESMTP_PARAMETER, SIZE_VALUE
from mailscribe.smtp.reply import Refused, ReplyName


class ParameterOf(Enum):
    """The command that a parameter belongs to."""

    MAIL = auto()
    RCPT = auto()


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter: its keyword, its command, and what its value must match (None: it takes no value)."""

    keyword: str
    command: ParameterOf
    value: re.Pattern[str] | None


@dataclass(frozen=True, slots=True)
class Extension:
    """A row: EHLO keyword, RFC, what follows the keyword in the EHLO reply, parameters."""

    keyword: str
    source: str
    argument: Callable[[Settings], str] = lambda _: ""
    parameters: tuple[Parameter, ...] = ()


EXTENSIONS: Final[tuple[Extension, ...]] = (
    Extension("PIPELINING", "RFC 2920"),
    Extension(
        "SIZE",
        "RFC 1870",
        lambda settings: str(settings.max_message_size),
        (Parameter("SIZE", ParameterOf.MAIL, SIZE_VALUE),),
    ),
    Extension("8BITMIME", "RFC 6152", parameters=(Parameter("BODY", ParameterOf.MAIL, BODY_VALUE),)),
    Extension("ENHANCEDSTATUSCODES", "RFC 2034"),
    Extension("HELP", "RFC 5321 §4.1.1.8"),
)

PARAMETERS: Final[dict[ParameterOf, dict[str, Parameter]]] = {
    command: {p.keyword: p for extension in EXTENSIONS for p in extension.parameters if p.command is command}
    for command in ParameterOf
}


def announced(settings: Settings) -> tuple[str, ...]:
    """The lines of the EHLO reply after the first."""
    return tuple(f"{extension.keyword} {extension.argument(settings)}".rstrip() for extension in EXTENSIONS)


def parse_parameters(text: str, allowed: Mapping[str, Parameter]) -> dict[str, str | None]:
    """The parameters behind a path: keyword in upper case → value as sent. Raises `Refused`.

    >>> parse_parameters(" size=9", PARAMETERS[ParameterOf.MAIL])
    {'SIZE': '9'}
    """
    if not text:
        return {}
    if text[0] not in " \t":
        raise Refused(ReplyName.PARAMETER_SYNTAX)
    found: dict[str, str | None] = {}
    for word in text.split():
        match = ESMTP_PARAMETER.fullmatch(word)
        if match is None:
            raise Refused(ReplyName.PARAMETER_SYNTAX)
        keyword, value = match["keyword"].upper(), match["value"]
        if keyword not in allowed:
            raise Refused(ReplyName.PARAMETER_UNKNOWN)
        if keyword in found:
            raise Refused(ReplyName.PARAMETER_TWICE, keyword=keyword)
        _check_value(allowed[keyword], value)
        found[keyword] = value
    return found


def _check_value(parameter: Parameter, value: str | None) -> None:
    pattern = parameter.value
    good = value is None if pattern is None else value is not None and pattern.fullmatch(value) is not None
    if not good:
        raise Refused(ReplyName.PARAMETER_VALUE, keyword=parameter.keyword)
