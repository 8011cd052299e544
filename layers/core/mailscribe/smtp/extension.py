"""Service extensions (RFC 5321 §2.2): what EHLO announces, and the parameters each adds to MAIL and RCPT.

One row per extension. A later extension is a row here; the parser of parameters and the EHLO reply need no change.
A parameter that no row names is 555 5.5.4, one given twice or of a bad value 501 5.5.4.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from msgspec import Struct

from mailscribe.settings import Settings
from mailscribe.smtp.grammar import (
    BODY_VALUE,
    ENVID_VALUE,
    ESMTP_PARAMETER,
    NOTIFY_VALUE,
    ORCPT_VALUE,
    RET_VALUE,
    SIZE_VALUE,
    SUBMITTER_VALUE,
)
from mailscribe.smtp.reply import Refused, ReplyName
from mailscribe.smtp.sasl import MECHANISMS
from mailscribe.smtp.service import Service


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


class Standing(Struct, frozen=True, kw_only=True):
    """What the EHLO reply depends on: the listener, and how far the session has come."""

    settings: Settings
    service: Service = Service()
    secure: bool = False
    authenticated: bool = False
    discloses: bool = False
    """Whether VRFY and EXPN tell anything to anybody."""


def _always(_: Standing) -> bool:
    return True


def _never(_: Standing) -> bool:
    return False


def _classic(standing: Standing) -> bool:
    return standing.service.classic


def _discloses(standing: Standing) -> bool:
    return standing.discloses


def _offers_tls(standing: Standing) -> bool:
    return standing.service.starttls and not standing.secure


def _offers_auth(standing: Standing) -> bool:
    service = standing.service
    return service.auth and not standing.authenticated and (standing.secure or service.auth_in_clear)


@dataclass(frozen=True, slots=True)
class Extension:
    """A row: EHLO keyword, RFC, what follows the keyword in the EHLO reply, parameters, when it is announced."""

    keyword: str
    source: str
    argument: Callable[[Standing], str] = lambda _: ""
    parameters: tuple[Parameter, ...] = ()
    announced: Callable[[Standing], bool] = _always


_MAIL: Final = ParameterOf.MAIL
_RCPT: Final = ParameterOf.RCPT
EXTENSIONS: Final[tuple[Extension, ...]] = (
    Extension("PIPELINING", "RFC 2920"),
    Extension(
        "SIZE",
        "RFC 1870",
        lambda standing: str(standing.settings.max_message_size),
        (Parameter("SIZE", _MAIL, SIZE_VALUE),),
    ),
    Extension("8BITMIME", "RFC 6152", parameters=(Parameter("BODY", _MAIL, BODY_VALUE),)),
    Extension("SMTPUTF8", "RFC 6531", parameters=(Parameter("SMTPUTF8", _MAIL, None),)),
    Extension("ENHANCEDSTATUSCODES", "RFC 2034"),
    Extension("CHUNKING", "RFC 3030"),
    Extension("BINARYMIME", "RFC 3030"),
    Extension("STARTTLS", "RFC 3207", announced=_offers_tls),
    Extension(
        "AUTH",
        "RFC 4954",
        lambda _: " ".join(MECHANISMS),
        (Parameter("AUTH", _MAIL, SUBMITTER_VALUE),),
        _offers_auth,
    ),
    Extension(
        "LIMITS",
        "RFC 9422",
        lambda standing: f"RCPTMAX={standing.settings.max_recipients} MAILMAX={standing.settings.max_transactions}",
    ),
    Extension(
        "DSN",
        "RFC 3461",
        parameters=(
            Parameter("RET", _MAIL, RET_VALUE),
            Parameter("ENVID", _MAIL, ENVID_VALUE),
            Parameter("NOTIFY", _RCPT, NOTIFY_VALUE),
            Parameter("ORCPT", _RCPT, ORCPT_VALUE),
        ),
        announced=_never,  # its parameters are recorded, but nothing here sends a report
    ),
    Extension("VRFY", "RFC 5321 §3.5.2", announced=_discloses),
    Extension("EXPN", "RFC 5321 §3.5.2", announced=_discloses),
    Extension("SEND", "RFC 821 §3.4", announced=_classic),
    Extension("SOML", "RFC 821 §3.4", announced=_classic),
    Extension("SAML", "RFC 821 §3.4", announced=_classic),
    Extension("HELP", "RFC 5321 §4.1.1.8"),
)

PARAMETERS: Final[dict[ParameterOf, dict[str, Parameter]]] = {
    command: {p.keyword: p for extension in EXTENSIONS for p in extension.parameters if p.command is command}
    for command in ParameterOf
}


def announced(standing: Standing) -> tuple[str, ...]:
    """The lines of the EHLO reply after the first."""
    return tuple(
        f"{extension.keyword} {extension.argument(standing)}".rstrip()
        for extension in EXTENSIONS
        if extension.announced(standing)
    )


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
