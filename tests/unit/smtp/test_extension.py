"""EHLO's list and the parameters of MAIL and RCPT come from one table, and only that is taken."""

import pytest

from mailscribe.settings import Settings
from mailscribe.smtp.extension import EXTENSIONS, PARAMETERS, ParameterOf, announced, parse_parameters
from mailscribe.smtp.reply import Refused, ReplyName

MAIL = PARAMETERS[ParameterOf.MAIL]


def refusal(text: str) -> ReplyName:
    with pytest.raises(Refused) as raised:
        parse_parameters(text, MAIL)
    return raised.value.name


def test_the_list_of_ehlo() -> None:
    assert announced(Settings(max_message_size=1234)) == (
        "PIPELINING",
        "SIZE 1234",
        "8BITMIME",
        "ENHANCEDSTATUSCODES",
        "HELP",
    )


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
        (" SIZE=ä", ReplyName.PARAMETER_SYNTAX),
        (" <x>", ReplyName.PARAMETER_SYNTAX),
        (" RET=HDRS", ReplyName.PARAMETER_UNKNOWN),
        (" SMTPUTF8", ReplyName.PARAMETER_UNKNOWN),
        (" AUTH=<>", ReplyName.PARAMETER_UNKNOWN),
        (" SIZE=1 SIZE=1", ReplyName.PARAMETER_TWICE),
        (" BODY=7BIT body=8BITMIME", ReplyName.PARAMETER_TWICE),
        (" SIZE", ReplyName.PARAMETER_VALUE),
        (" SIZE=-1", ReplyName.PARAMETER_VALUE),
        (" SIZE=1k", ReplyName.PARAMETER_VALUE),
        (" SIZE=999999999999999999999", ReplyName.PARAMETER_VALUE),
        (" BODY", ReplyName.PARAMETER_VALUE),
        (" BODY=9BIT", ReplyName.PARAMETER_VALUE),
        (" BODY=BINARYMIME", ReplyName.PARAMETER_VALUE),
    ],
)
def test_refused_parameters(text: str, name: ReplyName) -> None:
    assert refusal(text) is name


def test_rcpt_has_none_yet() -> None:
    with pytest.raises(Refused) as raised:
        parse_parameters(" NOTIFY=NEVER", PARAMETERS[ParameterOf.RCPT])
    assert raised.value.name is ReplyName.PARAMETER_UNKNOWN
