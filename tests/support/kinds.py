"""Sessions of every kind, for tests that send them anything: settings, listener, users, policy; what holds for all."""

from dataclasses import replace
from functools import cache

from mailscribe.policy import Policy, Rules
from mailscribe.policy.directory import Directory
from mailscribe.policy.directory_file import read_directory
from mailscribe.policy.document import read_rules
from mailscribe.policy.rules import RuleSet
from mailscribe.settings import Settings
from mailscribe.smtp import Service, classic, findings, outcome_of, parse_trace, turns
from mailscribe.smtp.transcript import Transcript
from support.machine import FULL, LOCAL, PLAIN, STRICT, Driver

SERVICES = (
    PLAIN,
    FULL,
    Service(name="submission", starttls=True, auth=True, auth_required=True, tls_required=True, keep_refused=True),
)
SETTINGS = (
    LOCAL,
    STRICT,
    replace(STRICT, max_message_size=20, max_command_line=512, domains=("b",), max_refused_bytes=10),
    replace(
        LOCAL,
        max_header_fields=1,
        max_received=1,
        max_text_line=1000,
        max_errors=3,
        max_transcript_events=100,
        max_transactions=2,
        refuse_early_talkers=True,
    ),
)
RULES = """\
- {at: connect, delay: 20, times: 1}
- {at: mail, sender: "<>", delay: 700}
- {at: rcpt, recipient: "c@d", defer: true, times: 2}
- {at: rcpt, recipient: "*@b", throttle: 9, times: 1}
- {at: data, delay: 5}
- {at: eod, recipient: "a@b", discard: true, times: 1}
- {at: eod, recipient: "a@b", reject: true, times: 2}
- {at: eod, delay: 3}
- {at: helo, helo: a, disconnect: true}
"""
DIRECTORY = """\
domains: {b: , d: }
mailboxes: {a@b: Alice}
lists: {c@d: {name: Everybody, members: [a@b, "Xavier <x@y>"]}}
disclosure: all
"""
KINDS = [
    (settings, service, users, ruled)
    for settings in SETTINGS
    for service in SERVICES
    for users in ({"x": b"y"}, None)
    for ruled in (False, True)
    if users or service.auth
]
type Kind = tuple[Settings, Service, dict[str, bytes] | None, bool]


def driver_of(kind: Kind) -> Driver:
    """A driver of that kind."""
    settings, service, users, ruled = kind
    return Driver(settings, service=service, users=users, policy=policy(ruled))


def policy(ruled: bool) -> Policy | None:
    """One of its own for each session: rules count."""
    return Policy(_directory(), Rules([_rules()]), lambda email: email == "a@b") if ruled else None


@cache
def _directory() -> Directory:
    return read_directory(DIRECTORY, "d")


@cache
def _rules() -> RuleSet:
    return read_rules(RULES, "r")


def facts(driver: Driver) -> tuple[bytes, list[tuple[str, bytes, bytes, str]], bool]:
    messages = [(message.id, message.trace, message.content, message.fate) for message in driver.messages]
    return driver.stored, messages, driver.closed


def check_record(driver: Driver) -> None:
    """What was recorded can be read, and says of itself what the machine said."""
    transcript = driver.transcript
    told = turns(transcript)
    classic(transcript)
    for message in driver.messages:
        trace = parse_trace(message.trace)
        assert trace.session.transaction in {turn.transaction for turn in told} | {trace.session.transaction}
    if transcript.end is None or any(finding.code == "truncated" for finding in findings(transcript)):
        return
    opened = Transcript(
        transcript.id,
        transcript.client,
        transcript.listener,
        transcript.host,
        transcript.opened,
        transcript.events,
        None,
    )
    assert findings(opened) == transcript.end.findings
    assert outcome_of(opened) == transcript.end.outcome
    assert all(finding.turn < max(len(told), 1) for finding in findings(transcript))
