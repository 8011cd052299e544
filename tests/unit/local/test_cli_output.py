"""What people see: nothing that came by mail drives their terminal."""

import doctest
import json

import pytest

from mailscribe_local.cli import arguments, compose, output
from mailscribe_local.cli.output import one_line, safe, say, size, write_json, write_text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain\tand\nlines", "plain\tand\nlines"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("a\rb\x00\x7f\x9b", "a\\rb\\x00\\x7f\\x9b"),
        ("evil\u202etxt.exe", "evil\\u202etxt.exe"),
        ("grüße 日本 👩‍👧", "grüße 日本 👩‍👧"),
    ],
)
def test_control_characters_are_shown(text: str, shown: str) -> None:
    assert safe(text) == shown


def test_text_that_no_encoding_has_is_shown_too() -> None:
    assert safe("a\udc80b") == "a\\udc80b"


def test_json_is_escaped_where_a_terminal_would_obey(capsys: pytest.CaptureFixture[str]) -> None:
    write_json({"subject": "\x1b[31m\x9b\u202e\x7fgrüße"})
    written = capsys.readouterr().out
    assert written == '{"subject": "\\u001b[31m\\u009b\\u202e\\u007fgrüße"}\n'
    assert json.loads(written) == {"subject": "\x1b[31m\x9b\u202e\x7fgrüße"}


def test_text_ends_with_one_line_end(capsys: pytest.CaptureFixture[str]) -> None:
    for text in ("a\r\nb", "a\nb\n", ""):
        write_text(text)
    assert capsys.readouterr().out == "a\nb\n" * 2


def test_notes_are_safe_and_go_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    say("550 \x1b[2J")
    assert capsys.readouterr() == ("", "550 \\x1b[2J\n")


def test_one_line() -> None:
    assert one_line("a\n  b\tc\x1b") == "a b c\\x1b"
    assert one_line(None) == ""


def test_sizes() -> None:
    assert [size(count) for count in (0, 1023, 1024, 1 << 20)] == ["0 B", "1023 B", "1.0 KB", "1.0 MB"]


def test_the_examples_in_docstrings() -> None:
    for module in (output, arguments, compose):
        assert doctest.testmod(module).failed == 0
