"""Command in, reply out: the side of a session that needs neither content nor clock.

A handler per verb; order comes from the state table, syntax from the command parsers, words from the reply table.
`end_transaction` is the only place where a transaction ends, on every path. A refusal is an exception that is the
reply; refusals count against the error budget as the reply table says.
"""

import re
from collections.abc import Callable
from enum import StrEnum, auto
from functools import lru_cache
from typing import Final

from mailscribe.settings import Settings
from mailscribe.smtp.command import (
    KNOWN,
    VERBS,
    Verb,
    check_argument,
    parse_hello,
    parse_mail,
    parse_rcpt,
    split_command,
)
from mailscribe.smtp.extension import announced
from mailscribe.smtp.lines import Line, LineBuffer
from mailscribe.smtp.path import POSTMASTER, Path
from mailscribe.smtp.reply import REPLIES, Refused, ReplyName
from mailscribe.smtp.state import ORDER, State
from mailscribe.smtp.transaction import Transaction
from mailscribe.smtp.wire import Wire

_BAD_OCTET: Final = re.compile(rb"[\0\r\n]")
_BAD_OCTETS: Final = ((b"\0", "nul"), (b"\r", "bare-cr"), (b"\n", "bare-lf"))
TOLERATED: Final = 1000
"""Refusals by a rule, and commands that do nothing for mail, that count as errors only beyond this many."""


class Step(StrEnum):
    """What the session does after a command."""

    NEXT = auto()
    CONTENT = auto()
    QUIT = auto()
    POLICY = auto()


class Exchange:
    """Answers the commands of one session."""

    __slots__ = (
        "_errors",
        "_settings",
        "_tolerated",
        "_transactions",
        "_wire",
        "extended",
        "helo",
        "reason",
        "state",
        "transaction",
    )

    def __init__(self, settings: Settings, wire: Wire) -> None:
        self._settings = settings
        self._wire = wire
        self._errors = 0
        self._tolerated = 0
        self._transactions = 0
        self.state = State.OPEN
        self.transaction: Transaction | None = None
        self.helo: str | None = None
        self.reason = ""
        self.extended = False

    def answer(self, line: Line, *, behind: bool) -> Step:
        """Answer a command; `behind`: more input came before this reply."""
        verb, argument = self._record(line)
        try:
            self._check(line, verb, behind=behind)
            check_argument(verb, argument)
            return _HANDLERS[verb](self, verb, argument)
        except Refused as refused:
            return self._refuse(refused)

    def hear_out(self, lines: LineBuffer) -> None:
        """Record half a command whose end will not come; it is not answered."""
        line = lines.take_partial()
        if line is not None:
            self._record(line)
            self._note_bad_octets(line)

    def end_transaction(self) -> None:
        """Forget sender, recipients and content: the one end of every transaction."""
        self.transaction = None
        if self.state is not State.NO_SERVICE:
            self.state = State.OPEN if self.helo is None else State.READY

    def accepted(self) -> None:
        """A message was accepted: the error budget is whole again."""
        self._errors = self._tolerated = 0

    def _check(self, line: Line, verb: Verb, *, behind: bool) -> None:
        if line.too_long:
            raise Refused(ReplyName.LINE_FLOOD if line.endless else ReplyName.LINE_TOO_LONG)
        if self._note_bad_octets(line):
            raise Refused(ReplyName.BAD_CHARACTER)
        if verb is Verb.AUTH:
            self._wire.finding("auth-in-clear")
        if behind and (VERBS[verb].last or not self.extended):
            self._wire.finding("pipelined-early")
            if verb is Verb.DATA:
                raise Refused(ReplyName.EARLY_INPUT)
        refusal = ORDER[self.state][verb]
        if refusal is not None:
            raise Refused(refusal, verb=verb)
        if VERBS[verb].junk and self._is_over_budget(tolerated=True):
            raise Refused(ReplyName.TOO_MANY_ERRORS)

    def _record(self, line: Line) -> tuple[Verb, str]:
        verb, argument = split_command(line.data)
        missing = line.length - 2 - len(line.data) if line.too_long else 0
        self._wire.recorder.command(self._wire.now, line.data, verb, is_known=verb in KNOWN, missing=missing)
        return verb, argument

    def _note_bad_octets(self, line: Line) -> bool:
        if not _BAD_OCTET.search(line.data):
            return False
        for octet, finding in _BAD_OCTETS:
            if octet in line.data:
                self._wire.finding(finding)
        return True

    def _refuse(self, refused: Refused) -> Step:
        rule = REPLIES[refused.name]
        if not rule.closes and rule.code != 502 and self._is_over_budget(tolerated=not rule.error):
            refused = Refused(ReplyName.TOO_MANY_ERRORS)
        self._wire.reply(refused.name, **refused.fields)
        self.reason = REPLIES[refused.name].closes
        return Step.POLICY if self.reason else Step.NEXT

    def _is_over_budget(self, *, tolerated: bool) -> bool:
        if tolerated:
            self._tolerated += 1
            if self._tolerated <= TOLERATED:
                return False
        self._errors += 1
        return 0 < self._settings.max_errors < self._errors

    def _hello(self, verb: Verb, argument: str) -> Step:
        hello = parse_hello(argument)
        if not hello.qualified:
            self._wire.finding("helo-not-fqdn")
        self.helo, self.extended = hello.name, verb is Verb.EHLO
        self.end_transaction()
        more = announced(self._settings) if self.extended else ()
        self._wire.reply(ReplyName.HELLO, *more, client=hello.name)
        return Step.NEXT

    def _mail(self, _: Verb, argument: str) -> Step:
        mail = parse_mail(argument, extended=self.extended)
        self._note_brackets(mail.path)
        limit = self._settings.max_message_size
        if (mail.size or 0) > limit:
            raise Refused(ReplyName.MESSAGE_TOO_BIG, limit=str(limit))
        self._transactions += 1
        self.transaction = Transaction(self._transactions, mail)
        self.state = State.MAIL
        self._wire.reply(ReplyName.SENDER_OK, path=mail.path.email)
        return Step.NEXT

    def _rcpt(self, _: Verb, argument: str) -> Step:
        if self.state is State.MAIL:
            self.state = State.REFUSED
        rcpt = parse_rcpt(argument, extended=self.extended)
        self._note_brackets(rcpt.path)
        if not self._is_ours(rcpt.path):
            raise Refused(ReplyName.NOT_OUR_DOMAIN, path=rcpt.path.email)
        recipients = self.transaction.recipients if self.transaction else {}
        if rcpt.path.identity not in recipients and len(recipients) >= self._settings.max_recipients:
            raise Refused(ReplyName.TOO_MANY_RECIPIENTS)
        recipients.setdefault(rcpt.path.identity, rcpt)
        self.state = State.RCPT
        self._wire.reply(ReplyName.RECIPIENT_OK, path=rcpt.path.email)
        return Step.NEXT

    def _is_ours(self, path: Path) -> bool:
        domains = self._settings.domains
        return path.identity == (POSTMASTER, "") or "*" in domains or path.domain in _folded(domains)

    def _note_brackets(self, path: Path) -> None:
        if not path.bracketed:
            self._wire.finding("unbracketed-path")

    def _data(self, _verb: Verb, _argument: str) -> Step:
        return Step.CONTENT

    def _rset(self, _verb: Verb, _argument: str) -> Step:
        self.end_transaction()
        self._wire.reply(ReplyName.RESET_OK)
        return Step.NEXT

    def _noop(self, _verb: Verb, _argument: str) -> Step:
        self._wire.reply(ReplyName.NOOP_OK)
        return Step.NEXT

    def _help(self, _: Verb, argument: str) -> Step:
        first, *more = help_text(argument)
        self._wire.reply(ReplyName.HELP_TEXT, *more, text=first)
        return Step.NEXT

    def _verify(self, _verb: Verb, _argument: str) -> Step:
        self._wire.reply(ReplyName.CANNOT_VERIFY)
        return Step.NEXT

    def _quit(self, _verb: Verb, _argument: str) -> Step:
        self.end_transaction()
        self._wire.reply(ReplyName.CLOSING)
        return Step.QUIT

    def _foreign(self, _verb: Verb, _argument: str) -> Step:
        self._wire.finding("http-probe")
        raise Refused(ReplyName.NOT_SMTP)


@lru_cache(maxsize=8)
def _folded(domains: tuple[str, ...]) -> frozenset[str]:
    return frozenset(domain.lower() for domain in domains)


def help_text(topic: str) -> list[str]:
    """The lines of HELP, about one command if `topic` is one."""
    rules = {verb: rule for verb, rule in VERBS.items() if rule.help}
    verb = next((verb for verb in rules if verb == topic.strip().upper()), None)
    if verb is not None:
        return [rules[verb].help]
    commands = "Commands: " + " ".join(rules)
    return [commands, "HELP <command> says more"] if not topic else ["No help on that topic", commands]


_HANDLERS: Final[dict[Verb, Callable[[Exchange, Verb, str], Step]]] = {
    Verb.HELO: Exchange._hello,
    Verb.EHLO: Exchange._hello,
    Verb.MAIL: Exchange._mail,
    Verb.RCPT: Exchange._rcpt,
    Verb.DATA: Exchange._data,
    Verb.RSET: Exchange._rset,
    Verb.NOOP: Exchange._noop,
    Verb.QUIT: Exchange._quit,
    Verb.HELP: Exchange._help,
    Verb.VRFY: Exchange._verify,
    Verb.EXPN: Exchange._verify,
    Verb.FOREIGN: Exchange._foreign,
}
