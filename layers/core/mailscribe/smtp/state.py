"""The order of commands: state × verb → go ahead, or the reply that refuses (RFC 5321 §4.1.4).

The table is total; a refused command leaves the state as it was. NOOP, HELP, VRFY, EXPN, RSET and QUIT work in
every state but after a 554 greeting, where only QUIT does (§3.1).
"""

from enum import StrEnum, auto
from typing import Final

from mailscribe.smtp.command import VERBS, Verb
from mailscribe.smtp.reply import ReplyName


class State(StrEnum):
    """Where the session stands between two commands."""

    OPEN = auto()
    """Greeted, no HELO or EHLO yet."""
    READY = auto()
    """HELO or EHLO said, no transaction."""
    MAIL = auto()
    """Transaction open, no RCPT tried."""
    REFUSED = auto()
    """Transaction open, every RCPT so far refused."""
    RCPT = auto()
    """Transaction open, at least one recipient."""
    CHUNKS = auto()
    """Content is coming in chunks: BDAT was said, and LAST was not."""
    NO_SERVICE = auto()
    """Greeted with 554."""


def _row(**refusals: ReplyName) -> dict[Verb, ReplyName | None]:
    row: dict[Verb, ReplyName | None] = {
        verb: ReplyName.COMMAND_OFF if rule.off else None for verb, rule in VERBS.items()
    }
    row[Verb.UNKNOWN] = ReplyName.UNKNOWN_COMMAND
    row.update({Verb[name]: reply for name, reply in refusals.items()})
    return row


_N = ReplyName
_OPENERS: Final = ("MAIL", "SEND", "SOML", "SAML")


def _openers(refusal: ReplyName) -> dict[str, ReplyName]:
    return dict.fromkeys(_OPENERS, refusal)


ORDER: Final[dict[State, dict[Verb, ReplyName | None]]] = {
    State.OPEN: _row(
        **_openers(_N.HELLO_FIRST),
        RCPT=_N.HELLO_FIRST,
        DATA=_N.HELLO_FIRST,
        BDAT=_N.HELLO_FIRST,
        AUTH=_N.HELLO_FIRST,
        STARTTLS=_N.HELLO_FIRST,
    ),
    State.READY: _row(RCPT=_N.MAIL_FIRST, DATA=_N.MAIL_FIRST, BDAT=_N.MAIL_FIRST),
    State.MAIL: _row(**_openers(_N.NESTED_MAIL), DATA=_N.RCPT_FIRST, BDAT=_N.RCPT_FIRST, AUTH=_N.AUTH_IN_TRANSACTION),
    State.REFUSED: _row(
        **_openers(_N.NESTED_MAIL),
        DATA=_N.NO_VALID_RECIPIENTS,
        BDAT=_N.NO_VALID_RECIPIENTS,
        AUTH=_N.AUTH_IN_TRANSACTION,
    ),
    State.RCPT: _row(**_openers(_N.NESTED_MAIL), AUTH=_N.AUTH_IN_TRANSACTION),
    State.CHUNKS: _row(
        **_openers(_N.CHUNKS_GO_ON), RCPT=_N.CHUNKS_GO_ON, DATA=_N.CHUNKS_GO_ON, AUTH=_N.AUTH_IN_TRANSACTION
    ),
    State.NO_SERVICE: {verb: None if verb in (Verb.QUIT, Verb.FOREIGN) else _N.ONLY_QUIT for verb in Verb},
}
