"""The user agent's composing."""

from collections.abc import Iterator
from pathlib import Path

import pytest

import mailscribe.message
from mailscribe.errors import ConfigError
from mailscribe_local.cli.compose import Draft, ask, from_file, from_parts


def test_a_message_that_has_everything_goes_out_byte_for_byte() -> None:
    content = b"Date: now\r\nmessage-ID: <a@b>\r\nFrom: A <a@example.com>\r\nTo: b@example.org\r\n\r\nhi\r\n"
    assert from_file(content, None, ()) == Draft(content, "a@example.com", ("b@example.org",))


def test_date_and_message_id_are_put_before_when_missing_and_lines_get_crlf() -> None:
    draft = from_file(b"From: a@example.com\nTo: b@example.org,\n c@example.org\nBcc: d@example.org\n\nhi", None, ())
    names = [line.split(b":")[0] for line in draft.content.split(b"\r\n")[:3]]
    assert names == [b"Date", b"Message-ID", b"From"]
    assert draft.content.endswith(b"\r\n\r\nhi\r\n")
    assert draft.content.count(b"\n") == draft.content.count(b"\r\n")
    assert draft.recipients == ("b@example.org", "c@example.org", "d@example.org")


def test_recipients_given_win_over_the_header_fields() -> None:
    draft = from_file(b"From: a@example.com\nTo: b@example.org\n\nhi\n", "", ["x@example.net"])
    assert (draft.sender, draft.recipients) == ("", ("x@example.net",))


def test_a_text_without_header_fields_becomes_a_body() -> None:
    draft = from_file(b"just words\n", "a@example.com", ["b@example.org"])
    assert draft.content.endswith(b"\r\n\r\njust words\r\n")


def test_nobody_to_send_to() -> None:
    with pytest.raises(ConfigError, match="nobody to send to"):
        from_file(b"From: a@example.com\n\nhi\n", None, ())
    with pytest.raises(ConfigError, match="nobody to send to"):
        from_parts(None, (), "s", "b", ())


def test_a_new_message_with_an_attachment(tmp_path: Path) -> None:
    picture = tmp_path / "grüße.png"
    picture.write_bytes(b"\x89PNG")
    draft = from_parts("ä@example.com", ["b@example.org"], "Grüße\nInjected: no", "Hällo", [picture])
    parsed = mailscribe.message.parse(draft.content)
    assert parsed.subject == "Grüße Injected: no"
    assert [part.name for part in parsed.attachments] == ["grüße.png"]
    assert parsed.message_id


def test_an_attachment_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--attach"):
        from_parts("a@example.com", ["b@example.org"], "", "", [tmp_path / "none"])


def _typed(*lines: str) -> Iterator[str]:
    yield from lines


def test_a_person_is_asked_for_what_is_missing_and_a_lone_dot_ends_the_body() -> None:
    lines, prompts = _typed("mable@test.org", "testing", "8, 9, 10.", "..", ".", "not read"), []

    def prompt(text: str) -> str:
        prompts.append(text)
        return next(lines)

    assert ask((), None, prompt) == (("mable@test.org",), "testing", "8, 9, 10.\n..\n")
    assert prompts[:2] == ["To: ", "Subject: "]


def test_the_end_of_input_ends_the_body_too() -> None:
    lines = _typed("text")

    def prompt(_: str) -> str:
        try:
            return next(lines)
        except StopIteration:
            raise EOFError from None

    assert ask(("a@example.org",), "s", prompt) == (("a@example.org",), "s", "text\n")
