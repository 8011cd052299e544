"""Raw and readable header values."""

import pytest

from mailscribe.message.header import raw_text, unfold, unstructured


@pytest.mark.parametrize(
    ("octets", "expected"),
    [
        (b" a", " a"),
        (b" a\r\n\tb", " a\r\n\tb"),
        ("grün".encode(), "grün"),
        (b"gr\xfcn", "grün"),
        (b"\x80\x81", "€\x81"),
        (b"a\x00b", "ab"),
        (b"\xed\xa0\x80", "í\xa0€"),
    ],
)
def test_raw(octets: bytes, expected: str) -> None:
    assert raw_text(octets) == expected


def test_a_cut_character_is_left_out() -> None:
    assert raw_text("ü".encode()[:1], is_whole=False) == ""


@pytest.mark.parametrize(
    ("raw", "expected"),
    [(" a", "a"), ("\r\n a\r\n b ", "a b"), ("\n\ta", "a"), (" a\r\n\t b", "a\t b"), ("a\rb", "ab"), ("", "")],
)
def test_unfold(raw: str, expected: str) -> None:
    assert unfold(raw) == expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (" =?utf-8?q?a?=\r\n =?utf-8?q?b?= c", "ab c"),
        (" e\u0301", "é"),
        (" =?utf-8?q?e=CC=81?=", "é"),
    ],
)
def test_readable_text_is_decoded_and_composed(raw: str, expected: str) -> None:
    assert unstructured(raw) == expected
