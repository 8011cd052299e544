"""EHLO's list and the parameters of MAIL and RCPT come from one table, and only that is taken."""

import msgspec
import pytest

from mailscribe.settings import Settings
from mailscribe.smtp.extension import EXTENSIONS, PARAMETERS, ParameterOf, Standing, announced, parse_parameters
from mailscribe.smtp.reply import Refused, ReplyName
from mailscribe.smtp.service import Service

MAIL = PARAMETERS[ParameterOf.MAIL]


def refusal(text: str) -> ReplyName:
    with pytest.raises(Refused) as raised:
        parse_parameters(text, MAIL)
    assert raised.value.name is not None
    return raised.value.name


def test_the_list_of_ehlo() -> None:
    assert announced(Standing(settings=Settings(max_message_size=1234))) == (
        "PIPELINING",
        "SIZE 1234",
        "8BITMIME",
        "SMTPUTF8",
        "ENHANCEDSTATUSCODES",
        "CHUNKING",
        "BINARYMIME",
        "LIMITS RCPTMAX=1000 MAILMAX=1000",
        "HELP",
    )


def keywords(**facts: bool) -> set[str]:
    services = {name: value for name, value in facts.items() if name in Service.__struct_fields__}
    standing = {name: value for name, value in facts.items() if name not in services}
    lines = announced(Standing(settings=Settings(), service=msgspec.convert(services, Service), **standing))
    return {line.partition(" ")[0] for line in lines}


@pytest.mark.parametrize(
    ("keyword", "offered", "withheld"),
    [
        ("STARTTLS", {"starttls": True}, [{}, {"starttls": True, "secure": True}]),
        (
            "AUTH",
            {"auth": True, "secure": True},
            [{}, {"auth": True}, {"auth": True, "secure": True, "authenticated": True}],
        ),
        ("AUTH", {"auth": True, "auth_in_clear": True}, [{"auth_in_clear": True}]),
        ("EXPN", {"discloses": True}, [{}]),
        ("VRFY", {"discloses": True}, [{}]),
        ("SEND", {"classic": True}, [{}]),
        ("SOML", {"classic": True}, [{}]),
        ("SAML", {"classic": True}, [{}]),
    ],
)
def test_what_depends(keyword: str, offered: dict[str, bool], withheld: list[dict[str, bool]]) -> None:
    assert keyword in keywords(**offered)
    for facts in withheld:
        assert keyword not in keywords(**facts)


def test_delivery_reports_are_never_announced() -> None:
    everything = dict.fromkeys((*Service.__struct_fields__[1:], "discloses"), True)
    assert "DSN" not in keywords(**everything)


def test_the_table_is_consistent() -> None:
    keywords = [extension.keyword for extension in EXTENSIONS]
    parameters = [(p.command, p.keyword) for extension in EXTENSIONS for p in extension.parameters]
    assert len(set(keywords)) == len(keywords)
    assert len(set(parameters)) == len(parameters)
    assert {(command, name) for command, row in PARAMETERS.items() for name in row} == set(parameters)
    assert all(extension.source.startswith("RFC ") for extension in EXTENSIONS)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", {}),
        (" ", {}),
        (" SIZE=0", {"SIZE": "0"}),
        (" size=123  body=8bitmime ", {"SIZE": "123", "BODY": "8bitmime"}),
        (" BODY=7BIT\tSIZE=99999999999999999999", {"BODY": "7BIT", "SIZE": "9" * 20}),
    ],
)
def test_parameters(text: str, expected: dict[str, str | None]) -> None:
    assert parse_parameters(text, MAIL) == expected


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("SIZE=1", ReplyName.PARAMETER_SYNTAX),
        (" =1", ReplyName.PARAMETER_SYNTAX),
        (" SIZE=", ReplyName.PARAMETER_SYNTAX),
        (" SIZE=1=2", ReplyName.PARAMETER_SYNTAX),
        (" -X=1", ReplyName.PARAMETER_SYNTAX),
        (" X_Y=1", ReplyName.PARAMETER_SYNTAX),
        (" SIZE=1\x07", ReplyName.PARAMETER_SYNTAX),
        (" SIZE=ä", ReplyName.PARAMETER_VALUE),
        (" SIZE=\ufffd", ReplyName.PARAMETER_SYNTAX),
        (" <x>", ReplyName.PARAMETER_SYNTAX),
        (" NOTIFY=NEVER", ReplyName.PARAMETER_UNKNOWN),
        (" MT-PRIORITY=3", ReplyName.PARAMETER_UNKNOWN),
        (" SIZE=1 SIZE=1", ReplyName.PARAMETER_TWICE),
        (" BODY=7BIT body=8BITMIME", ReplyName.PARAMETER_TWICE),
        (" SIZE", ReplyName.PARAMETER_VALUE),
        (" SIZE=-1", ReplyName.PARAMETER_VALUE),
        (" SIZE=1k", ReplyName.PARAMETER_VALUE),
        (" SIZE=999999999999999999999", ReplyName.PARAMETER_VALUE),
        (" BODY", ReplyName.PARAMETER_VALUE),
        (" BODY=9BIT", ReplyName.PARAMETER_VALUE),
    ],
)
def test_refused_parameters(text: str, name: ReplyName) -> None:
    assert refusal(text) is name


RCPT = PARAMETERS[ParameterOf.RCPT]


@pytest.mark.parametrize(
    "text",
    [
        " NOTIFY=NEVER",
        " NOTIFY=success,FAILURE,Delay",
        " ORCPT=rfc822;bob@example.org",
        " ORCPT=rfc822;bob+2Bbox@example.org",
        " ORCPT=utf-8;b\\x{F6}b@example.org",
        " ORCPT=utf-8;böb@example.org",
        " NOTIFY=DELAY ORCPT=x400;a",
    ],
)
def test_parameters_of_rcpt(text: str) -> None:
    assert parse_parameters(text, RCPT)


@pytest.mark.parametrize(
    "text",
    [
        " NOTIFY",
        " NOTIFY=",
        " NOTIFY=NEVER,SUCCESS",
        " NOTIFY=SOMETIMES",
        " NOTIFY=SUCCESS,",
        " NOTIFY=SUCCESS,DELAY,FAILURE,SUCCESS",
        " ORCPT=bob@example.org",
        " ORCPT=rfc822;b+0D+0Ab",
        " ORCPT=rfc822;b+0",
        " ORCPT=rfc822;böb",
        " ORCPT=;bob",
        " NOTIFY=NEVER NOTIFY=NEVER",
        " SIZE=1",
    ],
)
def test_refused_parameters_of_rcpt(text: str) -> None:
    with pytest.raises(Refused) as raised:
        parse_parameters(text, RCPT)
    assert raised.value.rule.code in (501, 555)


@pytest.mark.parametrize(
    ("text", "good"),
    [
        (" ENVID=abc+2Bd", True),
        (" ENVID=" + "x" * 100, True),
        (" ENVID=" + "x" * 101, False),
        (" ENVID=" + "+41" * 100, True),
        (" ENVID=a+0D+0ABcc:x", False),
        (" ENVID=a+7F", False),
        (" ENVID=a+4", False),
        (" ENVID=a+4g", False),
        (" RET=FULL", True),
        (" RET=hdrs", True),
        (" RET=ALL", False),
        (" AUTH=<>", True),
        (" AUTH=bob+40example.org", True),
        (" AUTH=a+00", False),
        (" SMTPUTF8", True),
        (" SMTPUTF8=1", False),
        (" BODY=BINARYMIME", True),
        (" BODY=binarymime", True),
    ],
)
def test_parameters_of_delivery_reports_and_the_rest(text: str, good: bool) -> None:
    if good:
        assert parse_parameters(text, MAIL)
    else:
        assert refusal(text) in (ReplyName.PARAMETER_VALUE, ReplyName.PARAMETER_SYNTAX)
