"""Rules at work: what the session knows is put before them, and what they say is done.

At each stage from connect to the end of data. A delay holds the replies back, a throttle is told to the driver, a
discard is remembered, a refusal is raised with the rule's own words; what matched is noted in the transcript.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

from mailscribe.policy import Action, Directory, Facts, Policy, Stage, Verdict
from mailscribe.smtp.event import Event, Throttled
from mailscribe.smtp.reply import Refused, ReplyRule
from mailscribe.smtp.transcript import Note, RuleHit
from mailscribe.smtp.wire import Wire

if TYPE_CHECKING:
    from mailscribe.smtp.exchange import Exchange

_EARLY = frozenset((Stage.CONNECT, Stage.HELO, Stage.AUTH))
"""A discard at one of these is for the whole session."""


class Judge:
    """The rules, for one session."""

    __slots__ = ("_discards", "_emit", "_opened", "_policy", "_source", "_wire", "discards_all")

    def __init__(
        self, policy: Policy, wire: Wire, emit: Callable[[Event], None], *, source: str, opened: datetime
    ) -> None:
        self._policy = policy
        self._wire = wire
        self._emit = emit
        self._source = source
        self._opened = opened
        self._discards = False
        self.discards_all = False

    def has(self, stage: Stage) -> bool:
        """Whether there is anything to ask."""
        return self._policy.rules.has(stage)

    def __call__(
        self,
        stage: Stage,
        exchange: "Exchange",
        *,
        helo: str | None = None,
        user: str | None = None,
        sender: str | None = None,
        recipients: tuple[str, ...] = (),
    ) -> bool:
        """Ask and do; True: the connection is to be dropped. Raises `Refused` when a rule refuses."""
        transaction, auth = exchange.transaction, exchange.auth
        if sender is None and transaction is not None:
            sender = transaction.mail.path.email
        facts = Facts(
            source=self._source,
            helo=helo or exchange.helo,
            user=user or (auth.user if auth else None),
            sender=sender,
            recipients=recipients,
        )
        now = self._opened + timedelta(microseconds=self._wire.now)
        return self._do(stage, self._policy.rules.judge(stage, facts, now))

    def take_discard(self) -> bool:
        """Whether a rule of this stage said to discard; asked once."""
        found, self._discards = self._discards, False
        return found

    def _do(self, stage: Stage, verdict: Verdict) -> bool:
        if verdict.rule:
            hit = RuleHit(rule=verdict.rule, action=_name(verdict))
            self._wire.recorder.note(self._wire.now, Note(rule=hit))
        if verdict.throttle:
            self._emit(Throttled(verdict.throttle))
        if verdict.delay_ms:
            self._wire.hold(verdict.delay_ms / 1000)
        if verdict.action is Action.REJECT:
            closes = "a rule" if verdict.code == 421 else ""
            raise Refused(ReplyRule(verdict.code, verdict.enhanced or None, "{text}", closes=closes), text=verdict.text)
        if verdict.action is Action.DISCARD:
            self._discards = stage not in _EARLY
            self.discards_all = self.discards_all or stage in _EARLY
        return verdict.action is Action.DISCONNECT


@lru_cache(maxsize=16)
def policy_of(domains: tuple[str, ...]) -> Policy:
    """The policy of a server that has none: its domains, and no rules."""
    return Policy(Directory.of_domains(domains))


def _name(verdict: Verdict) -> str:
    if verdict.action is not None:
        return verdict.action.value
    return Action.DELAY.value if verdict.delay_ms else Action.THROTTLE.value
