"""One-time codes: what is one, what is none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailscribe.message.codes import CODES_LIMIT, find_codes

CODES: list[tuple[str, str]] = [
    ("Your verification code is 123456.", "123456"),
    ("Use 123-456 as your passcode", "123-456"),
    ("G-123456 is your Google verification code.", "G-123456"),
    ("Enter this code:\n\nABCD-1234\n", "ABCD-1234"),
    ("Ihr Bestätigungscode: 4711", "4711"),
    ("Su código es 884422", "884422"),
    ("Ваш код: 90210", "90210"),
    ("您的验证码是 556677", "556677"),
]
NONE = [
    "Copyright 2024",
    "It costs 1234.50",
    "Order 12345678",
    "on 2024-05-06",
    "call +1 555 123 4567",
    "http://a.test/123456",
    "price $4999",
    "no code here",
]


@pytest.mark.parametrize(("text", "code"), CODES)
def test_a_code_is_found(text: str, code: str) -> None:
    found = find_codes("", text)[0]
    assert found.code == code
    assert found.confidence >= 0.5
    assert code in found.context


@pytest.mark.parametrize("text", NONE)
def test_no_code(text: str) -> None:
    assert find_codes("", text) == ()


def test_the_surest_is_first_and_the_subject_counts() -> None:
    found = find_codes("Your code: 778899", "Room 4321 is free")
    assert [each.code for each in found] == ["778899", "4321"]


def test_hostile_input_gives_little() -> None:
    assert len(find_codes("", "123456 code " * 20_000)) <= CODES_LIMIT


@given(st.text(alphabet="code 0123456789AB-.\n"), st.text(alphabet="pin 0123\n"))
def test_anything_is_read(text: str, subject: str) -> None:
    found = find_codes(subject, text)
    assert all(0 < each.confidence <= 1 for each in found)
    assert [each.confidence for each in found] == sorted((each.confidence for each in found), reverse=True)
