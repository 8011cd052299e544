"""The user agent's composing: what is given goes out as it is, what is typed becomes a message, nobody is dropped."""

import getpass
import socket
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest

import mailscribe.message
from mailscribe.errors import ConfigError
from mailscribe_local.cli.compose import Draft, Parts, ask, default_sender, from_file, from_parts, mailboxes


def test_a_message_that_has_everything_goes_out_byte_for_byte() -> None:
    content = b"Date: now\r\nmessage-ID: <a@b>\r\nFrom: A <a@example.com>\r\nTo: b@example.org\r\n\r\nhi \x00\xff\t\r\n"
    assert from_file(content, None, ()) == Draft(content, "a@example.com", ("b@example.org",))


def test_date_and_message_id_are_put_before_when_missing() -> None:
    draft = from_file(b"From: a@example.com\nTo: b@example.org,\n c@example.org\nCc: d@example.org\n\nhi", None, ())
    names = [line.split(b":")[0] for line in draft.content.split(b"\r\n")[:3]]
    assert names == [b"Date", b"Message-ID", b"From"]
    assert b"@example.com>\r\n" in draft.content.split(b"From:")[0]
    assert draft.recipients == ("b@example.org", "c@example.org", "d@example.org")


def test_line_ends_become_crlf_and_the_last_line_is_ended() -> None:
    draft = from_file(b"From: a@example.com\rTo: b@example.org\n\r\none\rtwo\n\nfour", None, ())
    assert draft.content.endswith(b"To: b@example.org\r\n\r\none\r\ntwo\r\n\r\nfour\r\n")
    assert draft.content.count(b"\n") == draft.content.count(b"\r\n") == draft.content.count(b"\r")


def test_recipients_given_win_over_the_header_fields_and_those_stay() -> None:
    content = (
        b"Date: now\r\nMessage-ID: <a@b>\r\nFrom: a@example.com\r\nTo: b@example.org\r\nBcc: c@example.org\r\n\r\n"
    )
    assert from_file(content, "", ["X <x@example.net>"]) == Draft(content, "", ("x@example.net",))


def test_bcc_is_sent_to_and_stays_here() -> None:
    content = b"To: b@example.org\nBCC: c@example.org,\n d@example.org\nSubject: s\nBcc: e@example.org\n\nBcc: text\n"
    draft = from_file(content, "a@example.com", ())
    assert draft.recipients == ("b@example.org", "c@example.org", "d@example.org", "e@example.org")
    assert draft.content.endswith(b"\r\nTo: b@example.org\r\nSubject: s\r\n\r\nBcc: text\r\n")


@pytest.mark.parametrize("text", [b"just words\n", b"\nSubject: of the text\n\nmore\n", b"", b"\n"])
def test_a_text_without_header_fields_becomes_a_body(text: bytes) -> None:
    draft = from_file(text, "a@example.com", ["b@example.org"])
    header, _, body = draft.content.partition(b"\r\n\r\n")
    assert [line.split(b":")[0] for line in header.split(b"\r\n")] == [b"Date", b"Message-ID"]
    assert body == (text.replace(b"\n", b"\r\n") or b"\r\n")


@pytest.mark.parametrize(
    ("fields", "sender"),
    [
        (b"From: A <a@example.com>, b@example.com\nSender: s@example.com\n", "s@example.com"),
        (b"From: A <a@example.com>, b@example.com\n", "a@example.com"),
        (b"", "me@host.example.com"),
    ],
)
def test_who_sends_a_file(fields: bytes, sender: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(getpass, "getuser", lambda: "me")
    monkeypatch.setattr(socket, "gethostname", lambda: "host.example.com")
    assert from_file(fields + b"To: x@example.org\n\n", None, ()).sender == sender


def _nobody() -> str:
    raise OSError("no such user")


@pytest.mark.parametrize(
    ("user", "host", "sender"),
    [
        (lambda: "me", "host.example.com", "me@host.example.com"),
        (lambda: "me", "laptop", "me@localhost.localdomain"),
        (lambda: "a user", "ünï.example", "nobody@localhost.localdomain"),
        (_nobody, "laptop", "nobody@localhost.localdomain"),
    ],
)
def test_who_sends_when_nobody_says(
    user: Callable[[], str], host: str, sender: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(getpass, "getuser", user)
    monkeypatch.setattr(socket, "gethostname", lambda: host)
    assert default_sender() == sender


def test_nobody_to_send_to() -> None:
    for content in (b"From: a@example.com\n\nhi\n", b"To: undisclosed-recipients:;\n\nhi\n"):
        with pytest.raises(ConfigError, match="nobody to send to"):
            from_file(content, None, ())
    with pytest.raises(ConfigError, match="nobody to send to"):
        from_parts(Parts(None, ()))


def test_who_has_no_address_is_not_passed_over() -> None:
    with pytest.raises(ConfigError, match="without an address"):
        from_file(b"To: b@example.org, John Doe\n\nhi\n", None, ())


@pytest.mark.parametrize("value", ["", " ", "John Doe", "a@b@c", "a@b\nc", "ok@example.org, <>, \x1b", "a b@c\r\nDATA"])
def test_what_is_no_address_is_said(value: str) -> None:
    with pytest.raises(ConfigError, match=r"(?s)--to .*: not an address"):
        mailboxes("--to", ["first@example.org", value])


@pytest.mark.parametrize(
    "value", ["root", "a..b@example.org", '"john doe"@example.org', "ü@example.org", "a@[127.0.0.1]"]
)
def test_what_a_server_may_judge_is_sent(value: str) -> None:
    assert [address.email for address in mailboxes("--to", [value])] == [value]


def test_a_new_message_with_names_and_an_attachment(tmp_path: Path) -> None:
    picture = tmp_path / "grüße.png"
    picture.write_bytes(b"\x89PNG")
    to = ('"Doe, John" <john@example.org>, bob@example.org', "bob@example.org")
    draft = from_parts(Parts("Jürgen <j@example.com>", to, "Grüße\nInjected: no", "Hällo", (picture,)))
    parsed = mailscribe.message.parse(draft.content)
    assert (draft.sender, draft.recipients) == ("j@example.com", ("john@example.org", "bob@example.org"))
    assert parsed.from_ == (mailscribe.message.Address("Jürgen", "j@example.com"),)
    assert parsed.to is not None
    assert parsed.to[0] == mailscribe.message.Address("Doe, John", "john@example.org")
    assert parsed.subject == "Grüße Injected: no"
    assert [part.name for part in parsed.attachments] == ["grüße.png"]
    assert parsed.message_id is not None
    assert parsed.message_id[0].endswith("@example.com")
    assert parsed.sent_at is not None
    assert draft.content.isascii()
    assert not parsed.defects


def test_addresses_beyond_ascii_stay_what_they_are() -> None:
    draft = from_parts(Parts("ü@example.com", ("jürgen@exämple.org",), "s", "b"))
    assert draft.recipients == ("jürgen@exämple.org",)
    assert "To: jürgen@exämple.org\r\n".encode() in draft.content


def test_the_null_sender_has_an_author_all_the_same() -> None:
    draft = from_parts(Parts("", ("a@example.org",)))
    assert draft.sender == ""
    assert b"\r\nFrom: postmaster@" in b"\r\n" + draft.content


def test_any_body_arrives_as_it_was() -> None:
    for body in ("x" * 5000 + "\n", ".\n..\nFrom here\n", "ü\x00\x7f\n"):
        draft = from_parts(Parts("a@example.com", ("b@example.org",), "s", body))
        parsed = mailscribe.message.parse(draft.content)
        assert mailscribe.message.plain_text(draft.content, parsed) == body
        assert max(map(len, draft.content.split(b"\r\n"))) <= 998


def test_the_date_is_a_date_of_here() -> None:
    draft = from_parts(Parts("a@example.com", ("b@example.org",)))
    date = next(line for line in draft.content.decode().split("\r\n") if line.startswith("Date: "))
    assert parsedate_to_datetime(date.removeprefix("Date: ")).tzinfo is not None


def test_an_attachment_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--attach"):
        from_parts(Parts("a@example.com", ("b@example.org",), attachments=(tmp_path / "none",)))


class _Person:
    """Types the lines, then leaves."""

    def __init__(self, *lines: str) -> None:
        self._lines = iter(lines)
        self.asked: list[str] = []

    def __call__(self, prompt: str) -> str:
        self.asked.append(prompt)
        try:
            return next(self._lines)
        except StopIteration:
            raise EOFError from None


def test_a_person_is_asked_for_what_is_missing_and_a_lone_dot_ends_the_body() -> None:
    person = _Person("mable@test.org", "testing", "8, 9, 10.", "..", ".", "not read")
    assert ask((), None, person) == (("mable@test.org",), "testing", "8, 9, 10.\n..\n")
    assert person.asked == ["To: ", "Subject: ", "", "", ""]


def test_nothing_that_was_given_is_asked_and_the_end_of_input_ends_the_body() -> None:
    person = _Person("text")
    assert ask(("a@example.org",), "", person) == (("a@example.org",), "", "text\n")
    assert person.asked == ["", ""]


@pytest.mark.parametrize("typed", [(), ("a@example.org",)])
def test_who_leaves_before_the_body_sends_nothing(typed: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError, match="nothing sent"):
        ask((), None, _Person(*typed))


def test_a_wrong_address_is_said_before_more_is_typed() -> None:
    person = _Person("nobody at all", "subject")
    with pytest.raises(ConfigError, match="not an address"):
        ask((), None, person)
    assert person.asked == ["To: "]
