"""Each verb's arguments: what parses, to which value, and what is 501 with which reason."""

import pytest

from mailscribe.smtp.command import (
    Hello,
    Verb,
    check_argument,
    parse_hello,
    parse_mail,
    parse_rcpt,
    split_command,
)
from mailscribe.smtp.reply import Refused, ReplyName


@pytest.mark.parametrize(
    ("line", "verb", "argument"),
    [
        (b"NOOP", Verb.NOOP, ""),
        (b"noop", Verb.NOOP, ""),
        (b"NoOp  x y  ", Verb.NOOP, "x y"),
        (b"QUIT \t ", Verb.QUIT, ""),
        (b"MAIL FROM:<a@b.c>", Verb.MAIL, "FROM:<a@b.c>"),
        (b"mail\tfrom:<a@b.c>", Verb.MAIL, "from:<a@b.c>"),
        (b"EHLO \xc3\xa4", Verb.EHLO, "ä"),
        (b"EHLO \xff", Verb.EHLO, "\ufffd"),
        (b"", Verb.UNKNOWN, ""),
        (b" NOOP", Verb.UNKNOWN, ""),
        (b"NOOPS", Verb.UNKNOWN, ""),
        (b"MAILFROM:<a@b.c>", Verb.UNKNOWN, ""),
        (b"HELO: x", Verb.UNKNOWN, ""),
        (b"UNKNOWN", Verb.UNKNOWN, ""),
        (b"FOREIGN", Verb.UNKNOWN, ""),
        (b"\x16\x03\x01\x02", Verb.UNKNOWN, ""),
        (b"GET / HTTP/1.1", Verb.FOREIGN, ""),
        (b"post /x HTTP/1.0", Verb.FOREIGN, ""),
        (b"CONNECT mx:25 HTTP/1.1", Verb.FOREIGN, ""),
        (b"Host: example.org", Verb.FOREIGN, ""),
        (b"Subject: x", Verb.FOREIGN, ""),
        (b"From:", Verb.FOREIGN, ""),
        (b"Content-Length: 9", Verb.FOREIGN, ""),
    ],
)
def test_verb_and_argument(line: bytes, verb: Verb, argument: str) -> None:
    assert split_command(line) == (verb, argument)


@pytest.mark.parametrize("verb", [verb for verb in Verb if verb not in (Verb.UNKNOWN, Verb.FOREIGN)])
def test_every_verb_is_found_in_any_case(verb: Verb) -> None:
    assert split_command(verb.value.lower().encode())[0] is verb
    assert split_command(verb.value.title().encode() + b" x") == (verb, "x")


@pytest.mark.parametrize("verb", [Verb.DATA, Verb.RSET, Verb.QUIT])
def test_no_argument_allowed(verb: Verb) -> None:
    check_argument(verb, "")
    with pytest.raises(Refused) as raised:
        check_argument(verb, "x")
    assert raised.value.name is ReplyName.NO_ARGUMENT_ALLOWED


@pytest.mark.parametrize("verb", [Verb.VRFY, Verb.EXPN])
def test_argument_needed(verb: Verb) -> None:
    check_argument(verb, "x")
    with pytest.raises(Refused) as raised:
        check_argument(verb, "")
    assert raised.value.name is ReplyName.ARGUMENT_NEEDED


@pytest.mark.parametrize(
    ("name", "qualified"),
    [
        ("sun.tuc.test.org", True),
        ("sun.tuc.test.org.", True),
        ("[192.0.2.1]", True),
        ("[IPv6:2001:db8::1]", True),
        ("localhost", False),
        ("my_laptop", False),
        ("192.0.2.1", False),
        ("mx1.0net.test", True),
        ("a.1x", True),
        ("<x>", False),
        ("a..b", False),
        ("x" * 255, False),
    ],
)
def test_hello(name: str, qualified: bool) -> None:
    assert parse_hello(name) == Hello(name, qualified)


@pytest.mark.parametrize("name", ["", "a b", "a\tb", "x" * 256, "bücher.test", "\ufffd", "a\x00b", "a\x7fb"])
def test_bad_hello(name: str) -> None:
    with pytest.raises(Refused) as raised:
        parse_hello(name)
    assert raised.value.name is ReplyName.BAD_HELLO


def test_mail() -> None:
    mail = parse_mail("from: <a@b.c> SIZE=12 BODY=8bitmime", extended=True)
    assert (mail.path.email, mail.size, mail.is_eight_bit) == ("a@b.c", 12, True)
    mail = parse_mail("FROM:<>", extended=False)
    assert (mail.path.email, mail.size, mail.is_eight_bit) == ("", None, False)
    assert not parse_mail("FROM:<> BODY=7BIT", extended=True).is_eight_bit


def test_rcpt() -> None:
    assert parse_rcpt("to:\t<a@b.c>", extended=True).path.email == "a@b.c"


@pytest.mark.parametrize("argument", ["", "<a@b.c>", "FROM <a@b.c>", "FROM :<a@b.c>", "TO:<a@b.c>", "FROM:", "FROM: "])
def test_mail_syntax(argument: str) -> None:
    with pytest.raises(Refused) as raised:
        parse_mail(argument, extended=True)
    assert raised.value.name is ReplyName.MAIL_SYNTAX


@pytest.mark.parametrize("argument", ["", "<a@b.c>", "FROM:<a@b.c>", "TO:"])
def test_rcpt_syntax(argument: str) -> None:
    with pytest.raises(Refused) as raised:
        parse_rcpt(argument, extended=True)
    assert raised.value.name is ReplyName.RCPT_SYNTAX


def test_no_parameters_after_helo() -> None:
    with pytest.raises(Refused) as raised:
        parse_mail("FROM:<a@b.c> SIZE=1", extended=False)
    assert raised.value.name is ReplyName.PARAMETER_UNKNOWN
    assert parse_mail("FROM:<a@b.c> ", extended=False).parameters == {}
