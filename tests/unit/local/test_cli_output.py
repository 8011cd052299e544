"""What people see: nothing that came by mail drives their terminal."""

import pytest

from mailscribe_local.cli.output import one_line, safe, size


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


def test_one_line() -> None:
    assert one_line("a\n  b\tc", 10) == "a b c"
    assert one_line("abcdef", 4) == "abc…"
    assert one_line(None, 4) == ""


def test_sizes() -> None:
    assert [size(count) for count in (0, 1023, 1024, 1 << 20)] == ["0 B", "1023 B", "1.0 KB", "1.0 MB"]
