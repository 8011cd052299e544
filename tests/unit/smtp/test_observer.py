"""The observer is told of every reply, finding and message, once, and of nothing else."""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailscribe.errors import StoreFull, StoreUnavailable
from mailscribe.policy import Directory, Policy, Rules, RuleSet
from mailscribe.policy.rule_form import rule_of
from mailscribe.smtp import turns
from mailscribe.smtp.event import MessageEnd
from support.machine import FULL, GOOD, LOCAL, STRICT, Driver

ENVELOPE = b"MAIL FROM:<a@test.org>\r\nRCPT TO:<b@test.org>\r\n"
DATA = b"DATA\r\n" + GOOD + b".\r\n"


@dataclass
class Told:
    """What an observer was told."""

    replies: list[tuple[str | None, int, int | None]] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)
    messages: list[MessageEnd] = field(default_factory=list)

    def replied(self, verb: str | None, code: int, latency_us: int | None) -> None:
        self.replies.append((verb, code, latency_us))

    def finding(self, code: str) -> None:
        self.findings.append(code)

    def message(self, end: MessageEnd) -> None:
        self.messages.append(end)


def begun(told: Told, **changes: object) -> Driver:
    driver = Driver(observer=told, **changes)  # type: ignore[arg-type]
    driver.open()
    driver.say(b"EHLO c.test\r\n")
    return driver


def told_of(talk: bytes, end: Callable[[Driver], object] | None = None, **changes: object) -> Told:
    told = Told()
    driver = begun(told, **changes)
    driver.say_in(re.split(rb"(?<=DATA\r\n)", talk))
    if end is not None:
        end(driver)
    return told


def policy(action: str, stage: str = "eod") -> Policy:
    rules = Rules([RuleSet("set", (rule_of({"at": stage, action: True}),))])
    return Policy(Directory.of_domains(("*",)), rules)


def hang_up(driver: Driver) -> None:
    driver.do(driver.session.eof)


def test_replies_with_their_verb_code_and_time() -> None:
    told = Told()
    driver = begun(told, pauses=True)
    driver.t = 1_000
    driver.say(ENVELOPE)
    driver.say(b"FOO bar\r\nDATA\r\n")
    driver.t = 2_500
    driver.do(driver.session.content_admitted)
    driver.t = 4_000
    driver.say(GOOD + b".\r\n")
    driver.t = 9_000
    driver.do(driver.session.content_stored)
    assert told.replies == [
        (None, 220, None),
        ("EHLO", 250, 0),
        ("MAIL", 250, 0),
        ("RCPT", 250, 0),
        ("UNKNOWN", 500, 0),
        ("DATA", 354, 1_500),
        ("EOD", 250, 5_000),
    ]


ENDS: list[tuple[str, Callable[[], Told], list[MessageEnd]]] = [
    ("accepted", lambda: told_of(ENVELOPE + DATA), ["accepted"]),
    ("two", lambda: told_of((ENVELOPE + DATA) * 2), ["accepted", "accepted"]),
    ("chunks", lambda: told_of(ENVELOPE + b"BDAT 2\r\nabBDAT 2\r\n\r\nBDAT 0 LAST\r\n"), ["accepted"]),
    ("no content", lambda: told_of(ENVELOPE + b"RSET\r\nDATA\r\nQUIT\r\n"), []),
    ("no room", lambda: told_of(ENVELOPE + b"DATA\r\n", admit=False), []),
    ("bare line end", lambda: told_of(ENVELOPE + b"DATA\r\na\nb\r\n.\r\n", settings=STRICT), ["refused"]),
    ("kept", lambda: told_of(ENVELOPE + b"DATA\r\na\nb\r\n.\r\n", settings=STRICT, service=FULL), ["refused"]),
    (
        "not kept",
        lambda: told_of(
            ENVELOPE + b"DATA\r\na\nb\r\n.\r\n", settings=STRICT, service=FULL, failure=StoreUnavailable("no")
        ),
        ["refused"],
    ),
    ("rejected by a rule", lambda: told_of(ENVELOPE + DATA, policy=policy("reject")), ["refused"]),
    ("discarded by a rule", lambda: told_of(ENVELOPE + DATA, policy=policy("discard")), ["discarded"]),
    ("store down", lambda: told_of(ENVELOPE + DATA, failure=StoreUnavailable("no")), ["failed"]),
    ("store full", lambda: told_of(ENVELOPE + DATA, failure=StoreFull("no")), ["failed"]),
    ("hung up", lambda: told_of(ENVELOPE + b"DATA\r\nhal", hang_up), ["torn"]),
    ("chunks, then hung up", lambda: told_of(ENVELOPE + b"BDAT 2\r\nab", hang_up), ["torn"]),
    ("chunks, then reset", lambda: told_of(ENVELOPE + b"BDAT 2\r\nabRSET\r\n"), ["torn"]),
]


@pytest.mark.parametrize(("told", "ends"), [case[1:] for case in ENDS], ids=[case[0] for case in ENDS])
def test_what_came_of_messages(told: Callable[[], Told], ends: list[MessageEnd]) -> None:
    assert told().messages == ends


@given(
    st.lists(st.sampled_from([ENVELOPE, DATA, b"BDAT 1\r\nx", b"BDAT 0 LAST\r\n", b"RSET\r\n", b"X\r\n"]), max_size=9)
)
def test_it_is_told_what_the_record_says(talk: list[bytes]) -> None:
    told = Told()
    driver = begun(told, settings=LOCAL)
    driver.say_in(re.split(rb"(?<=DATA\r\n)", b"".join(talk)))
    hang_up(driver)
    transcript = driver.transcript
    assert transcript.end is not None
    assert told.findings == [finding.code for finding in transcript.end.findings]
    replies = [turn.reply.code for turn in turns(transcript) if turn.reply is not None]
    assert [code for _, code, _ in told.replies] == replies
    assert Counter(told.messages)["accepted"] == sum(message.fate == "stored" for message in driver.messages)
    assert len(told.messages) == len(driver.messages)
