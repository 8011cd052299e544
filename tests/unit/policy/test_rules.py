"""Rules: which match, what they say together, how they are written and what is refused."""

import json
import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mailscribe.errors import ConfigError
from mailscribe.policy import NOTHING, Action, Facts, Rules, RuleSet, Stage, Verdict
from mailscribe.policy.document import read_rules
from mailscribe.policy.pattern import AddressPattern, SourcePattern
from mailscribe.policy.rule_form import FormError, form_of, read_set, rule_of, write_set
from support.yaml_text import broken

NOW = datetime(2026, 1, 1, tzinfo=UTC)
FACTS = Facts(
    source="192.0.2.7",
    helo="c.test",
    user="mable",
    sender="mable@sun.test",
    recipients=("bob@example.org", "carol@example.com"),
)


def rules(*forms: object, name: str = "t") -> Rules:
    return Rules([RuleSet(name, tuple(rule_of(form) for form in forms))])


@pytest.mark.parametrize(
    ("pattern", "email", "matches"),
    [
        ("*", "a@b.test", True),
        ("*", "", True),
        ("<>", "", True),
        ("<>", "a@b.test", False),
        ("*@b.test", "a@B.TEST", True),
        ("*@b.test", "a@c.b.test", False),
        ("*@b.test", "", False),
        ("A@b.test", "a@b.test", True),
        ("a@b.test", "aa@b.test", False),
        ("ö@b.test", "Ö@b.test", True),
        ("ö@b.test", "o\u0308@b.test", True),
        ("a@b.test", '"a"@b.test', True),
        ("a@b.test", '"\\a"@b.test', True),
        ('"a"@b.test', "a@b.test", True),
        ("a@b.test", '"a@b.test"@c.test', False),
        ("*@bücher.test", "a@xn--bcher-kva.test", True),
        ("*@xn--bcher-kva.test", "a@Bücher.test", True),
    ],
)
def test_address_patterns(pattern: str, email: str, matches: bool) -> None:
    assert AddressPattern.parse(pattern).matches(email) is matches


@pytest.mark.parametrize("text", ["", "a", "@b", "a@", "a@b@c", "a b@c", "**@b.test", "*@*", "<a@b>", "a@*.test"])
def test_no_patterns(text: str) -> None:
    with pytest.raises(ConfigError):
        AddressPattern.parse(text)


@pytest.mark.parametrize(
    ("pattern", "ip", "matches"),
    [
        ("192.0.2.7", "192.0.2.7", True),
        ("192.0.2.0/24", "192.0.2.200", True),
        ("192.0.2.9/24", "192.0.2.200", True),
        ("192.0.2.0/24", "192.0.3.1", False),
        ("192.0.2.0/24", "::ffff:192.0.2.1", True),
        ("2001:db8::/32", "2001:db8::1", True),
        ("2001:db8::/32", "192.0.2.1", False),
        ("0.0.0.0/0", "::1", False),
        ("::ffff:192.0.2.0/120", "192.0.2.1", True),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.1", True),
        ("::ffff:192.0.2.1", "192.0.2.2", False),
        ("::/0", "nonsense", False),
    ],
)
def test_source_patterns(pattern: str, ip: str, matches: bool) -> None:
    assert SourcePattern.parse(pattern).matches(ip) is matches


@pytest.mark.parametrize(
    ("form", "matches"),
    [
        ({"recipient": "bob@example.org"}, True),
        ({"recipient": "*@example.com", "sender": "*@sun.test", "source": "192.0.2.0/24"}, True),
        ({"recipient": "*@example.com", "sender": "<>"}, False),
        ({"helo": "C.test", "user": "mable"}, True),
        ({"user": "Mable"}, False),
        ({"source": "192.0.3.0/24"}, False),
        ({}, True),
    ],
)
def test_all_conditions_must_hold(form: dict[str, str], matches: bool) -> None:
    verdict = rules({"at": "data", "discard": True, **form}).judge(Stage.DATA, FACTS, NOW)
    assert (verdict.action is Action.DISCARD) is matches


def test_nothing_is_known_too_early() -> None:
    made = rules({"at": "mail", "sender": "*", "discard": True})
    assert made.judge(Stage.MAIL, Facts(source="::1"), NOW) is NOTHING


def test_delay_and_throttle_go_on_and_the_first_other_one_ends() -> None:
    made = rules(
        {"at": "rcpt", "delay": 100},
        {"at": "rcpt", "throttle": 500},
        {"at": "rcpt", "delay": 50},
        {"at": "rcpt", "recipient": "nobody@example.org", "accept": True},
        {"at": "rcpt", "reject": {"code": 452, "text": "Full"}},
        {"at": "rcpt", "disconnect": True},
    )
    verdict = made.judge(Stage.RCPT, FACTS, NOW)
    assert (verdict.delay_ms, verdict.throttle, verdict.action) == (150, 500, Action.REJECT)
    assert (verdict.code, verdict.enhanced, verdict.text, verdict.rule) == (452, "4.7.1", "Full", "t#4")
    assert not made.has(Stage.MAIL)
    assert made.judge(Stage.MAIL, FACTS, NOW) is NOTHING


def test_times_and_expiry() -> None:
    made = rules(
        {"at": "eod", "defer": True, "times": 2},
        {"at": "eod", "discard": True, "expires": (NOW + timedelta(seconds=1)).isoformat()},
    )
    found = [made.judge(Stage.EOD, FACTS, NOW).action for _ in range(3)]
    assert found == [Action.REJECT, Action.REJECT, Action.DISCARD]
    assert made.judge(Stage.EOD, FACTS, NOW + timedelta(seconds=1)) is NOTHING


def test_counts_outlive_a_reload_of_the_same_rules() -> None:
    first, other = rule_of({"at": "eod", "defer": True, "times": 1}), rule_of({"at": "mail", "accept": True})
    made = Rules([RuleSet("a", (first,)), RuleSet("b", (first,))])
    made.judge(Stage.EOD, FACTS, NOW)
    made.replace([RuleSet("a", (other, first)), RuleSet("b", (first,))])
    assert made.judge(Stage.EOD, FACTS, NOW).rule == "b#0"
    assert made.judge(Stage.EOD, FACTS, NOW) is NOTHING
    made.replace([])
    made.replace([RuleSet("a", (first,))])
    assert made.judge(Stage.EOD, FACTS, NOW).rule == "a#0"


def test_equal_rules_of_a_set_count_each_for_itself() -> None:
    once = rule_of({"at": "eod", "delay": 5, "times": 1})
    made = Rules([RuleSet("a", (once, once))])
    made.replace([RuleSet("a", (once, once))])
    assert made.judge(Stage.EOD, FACTS, NOW).delay_ms == 10
    made.replace([RuleSet("a", (once, once, once))])
    assert made.judge(Stage.EOD, FACTS, NOW) == Verdict(delay_ms=5, rule="a#2")


@pytest.mark.parametrize(
    ("form", "key"),
    [
        ("x", "rule"),
        ({}, "at"),
        ({"at": "dinner", "accept": True}, "at"),
        ({"at": "mail"}, "action"),
        ({"at": "mail", "accept": True, "discard": True}, "action"),
        ({"at": "mail", "accept": False}, "accept"),
        ({"at": "mail", "accept": True, "colour": "red"}, "colour"),
        ({"at": "mail", "recipient": "*", "accept": True}, "recipient"),
        ({"at": "connect", "sender": "*", "accept": True}, "sender"),
        ({"at": "connect", "helo": "x", "accept": True}, "helo"),
        ({"at": "helo", "user": "x", "accept": True}, "user"),
        ({"at": "mail", "sender": "x", "accept": True}, "sender"),
        ({"at": "mail", "sender": 5, "accept": True}, "sender"),
        ({"at": "mail", "source": "10.0.0.0/99", "accept": True}, "source"),
        ({"at": "mail", "reject": 550}, "reject"),
        ({"at": "mail", "reject": {"code": 250}}, "reject"),
        ({"at": "mail", "reject": {"code": True}}, "reject"),
        ({"at": "mail", "reject": {"code": 550, "enhanced": "4.0.0"}}, "reject"),
        ({"at": "mail", "reject": {"text": "a\r\nb"}}, "reject"),
        ({"at": "mail", "reject": {"text": "ä"}}, "reject"),
        ({"at": "mail", "reject": {"texts": "a"}}, "reject"),
        ({"at": "mail", "defer": {"code": 550}}, "defer"),
        ({"at": "mail", "delay": 0}, "delay"),
        ({"at": "mail", "delay": 1.5}, "delay"),
        ({"at": "mail", "delay": 10**9}, "delay"),
        ({"at": "data", "throttle": 0}, "throttle"),
        ({"at": "mail", "accept": True, "times": 0}, "times"),
        ({"at": "mail", "accept": True, "expires": "tomorrow"}, "expires"),
        ({"at": "mail", "accept": True, "expires": 7}, "expires"),
        ({"at": "mail", "accept": True, "expires": "2026-12-31"}, "expires"),
    ],
)
def test_what_is_no_rule(form: object, key: str) -> None:
    with pytest.raises(FormError) as raised:
        rule_of(form)
    assert raised.value.key == key


FILE = """\
# greylisting, once
- at: rcpt
  recipient: "*@example.org"
  defer: {code: 450, enhanced: 4.2.0, text: "Come back later"}
  times: 1
- {at: connect, source: 203.0.113.0/24, disconnect: true}
- {at: eod, sender: "<>", discard: true, expires: 2026-12-31T23:59:00Z}
"""


def test_a_file_of_rules() -> None:
    found = read_rules(FILE, "rules.yaml")
    assert [rule.action for rule in found.rules] == [Action.DEFER, Action.DISCONNECT, Action.DISCARD]
    assert found.rules[2].expires == datetime(2026, 12, 31, 23, 59, tzinfo=UTC)
    assert read_rules("", "f").rules == ()
    assert read_rules("[]", "f").rules == ()


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("a: b\n", 1, "a list"),
        ("- {at: mail, accept: true}\n- at: mail\n  acept: true\n", 3, "acept"),
        ("- at: mail\n  accept: true\n  times: never\n", 3, "times"),
        ("- at: mail\n", 1, "exactly one"),
        ("- at: mail\n  at: rcpt\n", 2, "twice"),
        ("- at: mail\n  accept: true\n  expires: 2026-99-99\n", 3, ""),
        ("- &x {at: mail}\n", 1, "anchors"),
        ("- at: mail\n  reject: {code: 550,\n    code: 551}\n", 3, "twice"),
        ("- at: mail\n  reject: {<<: {code: 551}}\n", 2, "<<"),
        ("- at: mail\n  reject: {? [code]\n   : 551}\n", 2, "plain text"),
        ("- at: mail\n  accept: !!bool x\n", 2, "tags"),
        ("- at: mail\n  expires: !!timestamp x\n", 2, "tags"),
        ("- at: mail\n  delay: 0x10\n", 2, "milliseconds"),
        ("- at: mail\n  delay: 1:30\n", 2, "milliseconds"),
        ("- at: mail\n  delay: 1e3\n", 2, "milliseconds"),
        ("- at: mail\n  accept: true\n  expires: 2026-12-31\n", 3, "date and time"),
        ("- at: mail\n  accept: true\n  user: 4711\n", 3, "no text"),
    ],
)
@pytest.mark.usefixtures("loader")
def test_what_is_wrong_in_a_file_is_told_with_its_line(text: str, line: int, reason: str) -> None:
    with pytest.raises(ConfigError) as raised:
        read_rules(text, "rules.yaml")
    assert str(raised.value).startswith(f"rules.yaml:{line}: ")
    assert reason in str(raised.value)


@pytest.mark.parametrize(
    "data", [b"", b"{", b"[]", b"{}", b"\xff", b'{"rules":7}', b'{"rules":[7]}', b'{"rules":[{}]}', b"[" * 99_999]
)
def test_what_is_no_set(data: bytes) -> None:
    with pytest.raises(FormError):
        read_set(data)


forms = st.fixed_dictionaries(
    {"at": st.sampled_from(["data", "eod"])},
    optional={
        "recipient": st.sampled_from(["*", "*@x.test", "a@x.test"]),
        "sender": st.sampled_from(["<>", "*"]),
        "source": st.sampled_from(["::1", "10.0.0.0/8"]),
        "helo": st.just("c.test"),
        "user": st.just("mable"),
        "times": st.integers(1, 9),
        "expires": st.datetimes(timezones=st.just(UTC)).map(lambda moment: moment.isoformat()),
    },
)
actions = st.sampled_from(
    [
        {"accept": True},
        {"discard": True},
        {"disconnect": True},
        {"reject": True},
        {"defer": {"code": 450, "text": "x"}},
        {"reject": {"code": 554}},
        {"delay": 5},
        {"throttle": 7},
    ]
)


@given(forms, actions)
def test_a_rule_is_given_back_as_it_was_said(form: dict[str, object], action: dict[str, object]) -> None:
    rule = rule_of(form | action)
    assert rule_of(json.loads(json.dumps(form_of(rule)))) == rule
    assert read_set(write_set([rule, rule])) == (rule, rule)


@pytest.mark.usefixtures("loader")
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=100) | broken(FILE))
def test_any_text_is_rules_or_an_error_with_its_line(text: str) -> None:
    try:
        found = read_rules(text, "f")
    except ConfigError as error:
        assert re.match("f:[1-9][0-9]*: .", str(error))  # noqa: PT017 - either is right
    else:
        assert tuple(rule_of(form_of(rule)) for rule in found.rules) == found.rules
