"""The one table of replies: codes, enhanced codes and texts fit together."""

import re

import pytest

from mailscribe.smtp.reply import REPLIES, ReplyName, render

WITHOUT_ENHANCED = {
    ReplyName.GREETING,
    ReplyName.NO_SERVICE,
    ReplyName.HELLO,
    ReplyName.BAD_HELLO,
    ReplyName.START_CONTENT,
    ReplyName.AUTH_CHALLENGE,
}
WORST = {
    "host": "h" * 255,
    "path": "p" * 254,
    "client": "c" * 200,
    "id": "i" * 26,
    "keyword": "SIZE",
    "verb": "STARTTLS",
    "limit": "9" * 20,
    "text": "t" * 200,
    "mailbox": "m" * 400,
    "octets": "9" * 20,
    "challenge": "c" * 400,
}


def test_every_reply_is_in_the_table() -> None:
    assert set(REPLIES) == set(ReplyName)


@pytest.mark.parametrize("name", ReplyName)
def test_enhanced_code_fits(name: ReplyName) -> None:
    rule = REPLIES[name]
    assert 200 <= rule.code <= 599
    assert (rule.enhanced is None) == (name in WITHOUT_ENHANCED)
    if rule.enhanced is not None:
        assert re.fullmatch(r"[245]\.[0-7]\.[0-9]{1,3}", rule.enhanced)
        assert rule.enhanced[0] == str(rule.code)[0]
    assert 300 <= rule.code <= 399 or rule.enhanced is not None or name in WITHOUT_ENHANCED


@pytest.mark.parametrize("name", ReplyName)
def test_text_is_a_reply_line(name: ReplyName) -> None:
    [line] = render(name, **WORST)
    assert line.isascii()
    assert line.isprintable()
    assert len(line) + 2 <= 512 or name is ReplyName.HELLO


@pytest.mark.parametrize("name", ReplyName)
def test_only_refusals_count_as_errors(name: ReplyName) -> None:
    rule = REPLIES[name]
    assert not (rule.error and rule.closes)
    assert not rule.error or rule.code >= 500


def test_each_line_of_a_multi_line_reply_has_both_codes() -> None:
    assert render(ReplyName.HELP_TEXT, "two", "three", text="one") == [
        "214-2.0.0 one",
        "214-2.0.0 two",
        "214 2.0.0 three",
    ]
    assert render(ReplyName.HELLO, "SIZE 9", host="a", client="b") == [
        "250-a Hello b, pleased to meet you",
        "250 SIZE 9",
    ]


@pytest.mark.parametrize(
    ("name", "code", "enhanced"),
    [
        ("UNKNOWN_COMMAND", 500, "5.5.2"),
        ("LINE_TOO_LONG", 500, "5.5.2"),
        ("BAD_CHARACTER", 500, "5.5.2"),
        ("COMMAND_OFF", 502, "5.5.1"),
        ("HELLO_FIRST", 503, "5.5.1"),
        ("NESTED_MAIL", 503, "5.5.1"),
        ("NO_VALID_RECIPIENTS", 554, "5.5.1"),
        ("EARLY_INPUT", 554, "5.5.0"),
        ("NOT_SMTP", 221, "2.7.0"),
        ("PARAMETER_UNKNOWN", 555, "5.5.4"),
        ("PARAMETER_TWICE", 501, "5.5.4"),
        ("NON_ASCII_ADDRESS", 553, "5.6.7"),
        ("NOT_OUR_DOMAIN", 550, "5.7.1"),
        ("TOO_MANY_RECIPIENTS", 452, "4.5.3"),
        ("MESSAGE_TOO_BIG", 552, "5.3.4"),
        ("HEADER_FLOOD", 554, "5.6.0"),
        ("MAIL_LOOP", 554, "5.4.6"),
        ("BARE_LF", 550, "5.5.2"),
        ("STORE_FAILED", 451, "4.3.0"),
        ("STORE_FULL", 452, "4.3.1"),
        ("TIMED_OUT", 421, "4.4.2"),
        ("SHUTTING_DOWN", 421, "4.3.2"),
        ("TOO_MANY_ERRORS", 421, "4.7.0"),
        ("CANNOT_VERIFY", 252, "2.5.2"),
    ],
)
def test_codes_that_clients_rely_on(name: str, code: int, enhanced: str) -> None:
    rule = REPLIES[ReplyName[name]]
    assert (rule.code, rule.enhanced) == (code, enhanced)
