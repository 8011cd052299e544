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
ORDER: Final[dict[State, dict[Verb, ReplyName | None]]] = {
    State.OPEN: _row(MAIL=_N.HELLO_FIRST, RCPT=_N.HELLO_FIRST, DATA=_N.HELLO_FIRST),
    State.READY: _row(RCPT=_N.MAIL_FIRST, DATA=_N.MAIL_FIRST),
    State.MAIL: _row(MAIL=_N.NESTED_MAIL, DATA=_N.RCPT_FIRST),
    State.REFUSED: _row(MAIL=_N.NESTED_MAIL, DATA=_N.NO_VALID_RECIPIENTS),
    State.RCPT: _row(MAIL=_N.NESTED_MAIL),
    State.NO_SERVICE: {verb: None if verb in (Verb.QUIT, Verb.FOREIGN) else _N.ONLY_QUIT for verb in Verb},
}
