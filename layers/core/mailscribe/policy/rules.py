"""What is done to a session at each stage, beyond what the protocol asks: policy in production, faults in tests."""

from datetime import datetime
from enum import StrEnum
from typing import Final, Literal

from msgspec import Struct


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


class Rules:
    """The rules in force."""

    __slots__ = ()

    def has(self, stage: Stage) -> bool:  # noqa: ARG002 - no rules yet
        """Whether there is a rule of that stage."""
        return False

    def judge(self, stage: Stage, facts: Facts, now: datetime) -> Verdict:  # noqa: ARG002 - no rules yet
        """What the rules of a stage say."""
        return NOTHING
