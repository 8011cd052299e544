"""Message identifiers."""

import pytest

from mailscribe.message.msgid import content_id, message_ids


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<a@b>", ("a@b",)),
        ("<a@b> <c@d>", ("a@b", "c@d")),
        ("<a@b>,<c@d>", ("a@b", "c@d")),
        ("<a@b><c@d>", ("a@b", "c@d")),
        ("<a@b", ("a@b",)),
        ("< a @ b >", ("a@b",)),
        ("(comment) <a@b>", ("a@b",)),
        ("Your message of Monday <a@b>", ("a@b",)),
        ("<6210181836.AA00502@sun.tuc.test.org.>", ("6210181836.AA00502@sun.tuc.test.org.",)),
        ("a@b", ("a@b",)),
        ("a@b, c@d", ("a@b", "c@d")),
        ("<no-at-sign>", ("no-at-sign",)),
        ("Your message of Monday", ()),
        ("<>", ()),
        ("@", ()),
        ("", ()),
    ],
)
def test_message_ids(text: str, expected: tuple[str, ...]) -> None:
    assert message_ids(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("<a@b>", "a@b"), ("a@b", "a@b"), ("part1", "part1"), ("<part1", "part1"), ("<>", None), ("", None)],
)
def test_content_id(text: str, expected: str | None) -> None:
    assert content_id(text) == expected
