"""What a session has said and been told: the side of it that needs neither content nor clock.

Order comes from the state table, syntax from the command parsers, words from the reply table. `end_transaction` is
the only place where a transaction ends, on every path. Refusals count against the error budget as the reply table
says. The handlers of commands (`answering`) work on this.
"""

import re
from enum import StrEnum, auto
from functools import lru_cache
from typing import Final

from mailscribe.policy import Policy, Stage
from mailscribe.records import Auth, Delivery, Tls
from mailscribe.settings import Settings
from mailscribe.smtp.command import (
    KNOWN,
    VERBS,
    Chunk,
    Mail,
    Verb,
    parse_chunk,
    split_command,
)
from mailscribe.smtp.judging import Judge
from mailscribe.smtp.lines import Line, LineBuffer
from mailscribe.smtp.path import Path
from mailscribe.smtp.reply import Refused, ReplyName
from mailscribe.smtp.sasl import MAX_LINE, Challenge, Credentials, SaslExchange
from mailscribe.smtp.service import Service
from mailscribe.smtp.state import ORDER, State
from mailscribe.smtp.transaction import Transaction
from mailscribe.smtp.transcript import Note
from mailscribe.smtp.wire import Wire

_BAD_OCTET: Final = re.compile(rb"[\0\r\n]")
_BAD_OCTETS: Final = ((b"\0", "nul"), (b"\r", "bare-cr"), (b"\n", "bare-lf"))
TOLERATED: Final = 1000
"""Refusals by a rule, and commands that do nothing for mail, that count as errors only beyond this many."""


class Step(StrEnum):
    """What the session does after a command."""

    NEXT = auto()
    GREET = auto()
    CONTENT = auto()
    CHUNK = auto()
    SKIP = auto()
    AUTH = auto()
    TLS = auto()
    QUIT = auto()
    POLICY = auto()
    DROP = auto()


class Exchange:
    """Answers the commands of one session."""

    __slots__ = (
        "_errors",
        "_sasl",
        "_tolerated",
        "auth",
        "chunk",
        "credentials",
        "extended",
        "helo",
        "judge",
        "off",
        "policy",
        "reason",
        "refused",
        "service",
        "settings",
        "state",
        "tls",
        "transaction",
        "transactions",
        "wire",
    )

    def __init__(self, settings: Settings, service: Service, policy: Policy, wire: Wire, judge: Judge) -> None:
        self.settings = settings
        self.service = service
        self.policy = policy
        self.wire = wire
        self._errors = 0
        self._tolerated = 0
        self.transactions = 0
        self._sasl: SaslExchange | None = None
        self.judge = judge
        self.off = off_verbs(service)
        self.state = State.OPEN
        self.transaction: Transaction | None = None
        self.helo: str | None = None
        self.extended = False
        self.tls: Tls | None = None
        self.auth: Auth | None = None
        self.credentials: Credentials | None = None
        """Of the AUTH that is being verified."""
        self.chunk = Chunk(0, last=False)
        """Of the BDAT that was said last."""
        self.refused: Refused | None = None
        """Why that chunk is thrown away."""
        self.reason = ""
        """Why the session ends by policy."""

    @property
    def current(self) -> Transaction:
        """The transaction that is going on."""
        if self.transaction is None:
            raise AssertionError("a command of a transaction outside of one")
        return self.transaction

    def begin_transaction(self, mail: Mail, limit: int, delivery: Delivery, *, discarded: bool) -> None:
        """A sender was taken."""
        self.transactions += 1
        self.transaction = Transaction(self.transactions, mail, limit, delivery, discarded=discarded)
        self.state = State.MAIL

    def begins_with_tls(self) -> bool:
        """Whether nothing can be said yet, for TLS comes first."""
        return self.service.implicit_tls and self.tls is None

    def offers_tls_in_vain(self) -> bool:
        """Whether the client begins to send mail in clear though it was told of STARTTLS."""
        return self.service.starttls and self.tls is None and self.extended and not self.transactions

    def is_watched(self, path: Path) -> bool:
        """Whether somebody watches for that recipient, by this name or one that it stands for."""
        everyone = (path.email, *[each.email for each in self.policy.directory.expand(*path.identity, path.email)])
        return any(self.policy.is_watched(email.lower()) for email in everyone)

    def hear_out(self, lines: LineBuffer) -> None:
        """Record half a command whose end will not come; it is not answered."""
        line = lines.take_partial()
        if line is None:
            return
        if self._sasl is not None:
            self.wire.recorder.continuation(self.wire.now, line.length - 2)
            return
        self.record(line)
        self._note_bad_octets(line)

    def end_transaction(self) -> None:
        """Forget sender, recipients and content: the one end of every transaction."""
        self.transaction = None
        if self.state is not State.NO_SERVICE:
            self.state = State.OPEN if self.helo is None else State.READY

    def accepted(self) -> None:
        """A message was accepted: the error budget is whole again."""
        self._errors = self._tolerated = 0

    def secured(self, tls: Tls) -> None:
        """TLS has begun: forget all that was said in clear (RFC 3207 §4.2)."""
        self.tls = tls
        self.helo, self.extended, self.auth = None, False, None
        self.end_transaction()
        self.wire.recorder.note(self.wire.now, Note(tls=tls))

    def authenticated(self, name: ReplyName) -> Step:
        """The answer to an AUTH whose credentials were verified: one of 235, 535, 454."""
        credentials, self.credentials = self.credentials, None
        if name is not ReplyName.AUTH_OK or credentials is None:
            return self.refuse(Refused(name))
        self.auth = Auth(mechanism=credentials.mechanism, user=credentials.user)
        self.wire.recorder.note(self.wire.now, Note(auth=self.auth))
        self.wire.reply(name)
        return Step.NEXT

    def judge_content(self, stage: Stage, transaction: Transaction) -> bool:
        """Put a message before the rules of DATA or of its end; True: drop the connection. Raises `Refused`."""
        if not self.judge.has(stage):
            return False
        dropped = self.judge(stage, self, recipients=transaction.addresses)
        transaction.discarded |= self.judge.take_discard()
        return dropped

    @property
    def is_identifying(self) -> bool:
        """Whether the next line is a response of AUTH."""
        return self._sasl is not None

    def respond(self, line: Line) -> Step:
        """A line of the client in an AUTH exchange."""
        self.wire.recorder.continuation(self.wire.now, line.length - 2)
        sasl, self._sasl = self._sasl, None
        if sasl is None:
            raise AssertionError("a response to no challenge")
        if line.length > MAX_LINE:
            return self.refuse(Refused(ReplyName.LINE_FLOOD if line.endless else ReplyName.AUTH_LINE_TOO_LONG))
        try:
            return self.identify(sasl, sasl.respond(line.data))
        except Refused as refused:
            return self.refuse(refused)

    def identify(self, sasl: SaslExchange, found: Challenge | Credentials) -> Step:
        """Ask for more, or have the credentials verified. Raises `Refused`."""
        if isinstance(found, Challenge):
            self._sasl = sasl
            self.wire.reply(ReplyName.AUTH_CHALLENGE, challenge=found.text)
            return Step.NEXT
        if self.judge.has(Stage.AUTH) and self.judge(Stage.AUTH, self, user=found.user):
            return Step.DROP
        self.credentials = found
        return Step.AUTH

    def skipped(self) -> Step:
        """A chunk that was refused has been read away: say why."""
        refused, self.refused = self.refused, None
        if refused is None:
            raise AssertionError("a chunk was skipped without a reason")
        if refused.rule.code != 503 and refused.name is not ReplyName.NO_VALID_RECIPIENTS:
            self.end_transaction()
        return self.refuse(refused)

    def check(self, line: Line, verb: Verb, *, behind: bool) -> None:
        """Raise `Refused` for what is wrong with a command whatever its argument; `behind`: more input came already."""
        self._check_octets(line, verb)
        rule = VERBS[verb]
        if verb is Verb.AUTH and self.tls is None:
            self.wire.finding("auth-in-clear")
        if behind and (rule.last or not self.extended):
            self._check_early(verb)
        if verb in self.off and self.state is not State.NO_SERVICE:
            raise Refused(ReplyName.COMMAND_OFF, verb=verb)
        refusal = ORDER[self.state][verb]
        if refusal is not None:
            raise Refused(refusal, verb=verb)
        if rule.junk and self._is_over_budget(tolerated=True):
            raise Refused(ReplyName.TOO_MANY_ERRORS)

    def _check_octets(self, line: Line, verb: Verb) -> None:
        if line.length > (MAX_LINE if verb is Verb.AUTH else self.settings.max_command_line):
            if line.endless:
                raise Refused(ReplyName.LINE_FLOOD)
            raise Refused(ReplyName.AUTH_LINE_TOO_LONG if verb is Verb.AUTH else ReplyName.LINE_TOO_LONG)
        if self._note_bad_octets(line):
            raise Refused(ReplyName.BAD_CHARACTER)

    def _check_early(self, verb: Verb) -> None:
        """More came behind a command that ends a pipelining group: it may be somebody else's (RFC 3207 §6)."""
        self.wire.finding("pipelined-early")
        if verb is Verb.DATA:
            raise Refused(ReplyName.EARLY_INPUT)
        if verb is Verb.STARTTLS and self.service.starttls:
            raise Refused(ReplyName.EARLY_TLS_INPUT)

    def record(self, line: Line) -> tuple[Verb, str]:
        """Put a command into the transcript; its verb and argument."""
        verb, argument = split_command(line.data)
        data, most = line.data, self.settings.max_command_line
        if len(data) > most:
            data = data[:most]
        missing = line.length - 2 - len(data) if line.length > most else 0
        self.wire.recorder.command(self.wire.now, data, verb, is_known=verb in KNOWN, missing=missing)
        return verb, argument

    def _note_bad_octets(self, line: Line) -> bool:
        if not _BAD_OCTET.search(line.data):
            return False
        for octet, finding in _BAD_OCTETS:
            if octet in line.data:
                self.wire.finding(finding)
        return True

    def refuse(self, refused: Refused) -> Step:
        """Say no; past the error budget, the last word."""
        rule = refused.rule
        if not rule.closes and rule.code != 502 and self._is_over_budget(tolerated=not rule.error):
            refused = Refused(ReplyName.TOO_MANY_ERRORS)
        self.wire.reply(refused.rule, *refused.more, **refused.fields)
        self.reason = refused.rule.closes
        return Step.POLICY if self.reason else Step.NEXT

    def skip(self, refused: Refused, argument: str) -> Step:
        """A refused BDAT: its octets come all the same."""
        if refused.rule.closes:
            return self.refuse(refused)
        try:
            self.chunk = parse_chunk(argument)
        except Refused as unknown:
            return self.refuse(unknown)
        if self.chunk.size > self.settings.max_message_size:
            return self.refuse(Refused(ReplyName.CONTENT_FLOOD))
        self.refused = refused
        return Step.SKIP

    def _is_over_budget(self, *, tolerated: bool) -> bool:
        if tolerated:
            self._tolerated += 1
            if self._tolerated <= TOLERATED:
                return False
        self._errors += 1
        return 0 < self.settings.max_errors < self._errors


@lru_cache(maxsize=64)
def off_verbs(service: Service) -> frozenset[Verb]:
    """The verbs that are known and not served by this listener."""
    return frozenset(
        verb for verb, rule in VERBS.items() if rule.off or (rule.needs and not getattr(service, rule.needs))
    )
