"""What is done to a session at each stage, beyond what the protocol asks: policy in production, faults in tests.

Rules are asked in order: those of named sets first, by name, then those of the file. A delay and a throttle go on to
the next rule, the first other one that matches has the last word. `times` counts matches: the rule is over after so
many. All values; the counts are kept here and outlive a reload of unchanged rules.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Final, Literal

from msgspec import Struct

from mailscribe.policy.pattern import AddressPattern, SourcePattern


class Stage(StrEnum):
    """When a rule is asked."""

    CONNECT = "connect"
    HELO = "helo"
    AUTH = "auth"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"
    EOD = "eod"


class Action(StrEnum):
    """What a rule does."""

    ACCEPT = "accept"
    DISCARD = "discard"
    REJECT = "reject"
    DEFER = "defer"
    DISCONNECT = "disconnect"
    DELAY = "delay"
    THROTTLE = "throttle"


class Facts(Struct, frozen=True):
    """What is known of a session at a stage. `recipients`: at rcpt the one being tried, later all that were taken."""

    source: str
    helo: str | None = None
    user: str | None = None
    sender: str | None = None
    recipients: tuple[str, ...] = ()


class Refusal(Struct, frozen=True):
    """The words of a reject or defer."""

    code: int
    enhanced: str
    text: str


REJECTED: Final = Refusal(550, "5.7.1", "Refused by a rule")
DEFERRED: Final = Refusal(451, "4.7.1", "Refused for now by a rule, try again later")


class Rule(Struct, frozen=True, kw_only=True):
    """One rule: when it is asked, what must be true, what it does. `amount`: ms of a delay, bytes/s of a throttle."""

    at: Stage
    action: Action
    recipient: AddressPattern | None = None
    sender: AddressPattern | None = None
    source: SourcePattern | None = None
    helo: str | None = None
    user: str | None = None
    refusal: Refusal | None = None
    amount: int = 0
    times: int | None = None
    expires: datetime | None = None

    def matches(self, facts: Facts) -> bool:
        """Whether it is meant for these facts; a condition on what is not known yet is not met."""
        return (
            (self.source is None or self.source.matches(facts.source))
            and (self.sender is None or (facts.sender is not None and self.sender.matches(facts.sender)))
            and (self.recipient is None or any(self.recipient.matches(each) for each in facts.recipients))
            and (self.helo is None or self.helo.lower() == (facts.helo or "").lower())
            and (self.user is None or self.user == facts.user)
        )


class RuleSet(Struct, frozen=True):
    """Rules under a name; the rules file is a set of its own."""

    name: str
    rules: tuple[Rule, ...]


class Verdict(Struct, frozen=True):
    """What is to be done; `rule` is "SET#index" of the rule that matched last."""

    action: Literal[Action.ACCEPT, Action.DISCARD, Action.REJECT, Action.DISCONNECT] | None = None
    code: int = 0
    enhanced: str = ""
    text: str = ""
    delay_ms: int = 0
    throttle: int = 0
    rule: str = ""


NOTHING: Final = Verdict()


class _Entry:
    """A rule in force, and how often it has matched."""

    __slots__ = ("label", "matched", "rule")

    def __init__(self, label: str, rule: Rule) -> None:
        self.label = label
        self.rule = rule
        self.matched = 0

    def is_over(self, now: datetime) -> bool:
        rule = self.rule
        return (rule.times is not None and self.matched >= rule.times) or (
            rule.expires is not None and now >= rule.expires
        )


class Rules:
    """The rules in force."""

    __slots__ = ("_entries", "_stages")

    def __init__(self, sets: Iterable[RuleSet] = ()) -> None:
        self._entries: dict[tuple[str, Rule, int], _Entry] = {}
        self._stages: dict[Stage, list[_Entry]] = {}
        self.replace(tuple(sets))

    def replace(self, sets: Sequence[RuleSet]) -> None:
        """Put these in the place of those in force; a rule that stays in its set goes on counting."""
        former, self._entries = self._entries, {}
        self._stages = {}
        for each in sets:
            alike: Counter[Rule] = Counter()
            for index, rule in enumerate(each.rules):
                key = each.name, rule, alike[rule]
                alike[rule] += 1
                entry = former.get(key) or _Entry("", rule)
                entry.label = f"{each.name}#{index}"
                self._entries[key] = entry
                self._stages.setdefault(rule.at, []).append(entry)

    def has(self, stage: Stage) -> bool:
        """Whether there is a rule of that stage."""
        return stage in self._stages

    def judge(self, stage: Stage, facts: Facts, now: datetime) -> Verdict:
        """What the rules of a stage say. Counts what matches."""
        verdict = NOTHING
        for entry in self._stages.get(stage, ()):
            if entry.is_over(now) or not entry.rule.matches(facts):
                continue
            entry.matched += 1
            verdict = _added(verdict, entry)
            if verdict.action is not None:
                break
        return verdict


def _added(verdict: Verdict, entry: _Entry) -> Verdict:
    rule, delay, throttle = entry.rule, verdict.delay_ms, verdict.throttle
    match rule.action:
        case Action.DELAY:
            return Verdict(delay_ms=delay + rule.amount, throttle=throttle, rule=entry.label)
        case Action.THROTTLE:
            return Verdict(delay_ms=delay, throttle=rule.amount, rule=entry.label)
        case Action.REJECT | Action.DEFER:
            words = rule.refusal or (REJECTED if rule.action is Action.REJECT else DEFERRED)
            return Verdict(Action.REJECT, words.code, words.enhanced, words.text, delay, throttle, entry.label)
        case Action.ACCEPT | Action.DISCARD | Action.DISCONNECT:
            return Verdict(rule.action, delay_ms=delay, throttle=throttle, rule=entry.label)
