"""Cases that known servers got wrong: only CRLF . CRLF ends content, and nothing in it becomes a command."""

from dataclasses import replace

import pytest

from support.machine import LOCAL, STRICT, Driver, in_content, message_id, splits

EVIL = b"MAIL FROM:<evil@x.test>\r\nRCPT TO:<victim@test.org>\r\nDATA\r\nevil\r\n.\r\n"
END = b"\r\n.\r\n"

NEVER_THE_END = (
    b"\n.\n",
    b"\n.\r\n",
    b"\n.\r",
    b"\r.\r",
    b"\r.\r\n",
    b"\r.\n",
    b"\r\n.\n",
    b"\r\n.\r",
    b"\r\n\0.\r\n",
    b"\r\n.\0\r\n",
    b"\r\n.\r\r\n",
    b"\r\r\n.\r\r\n",
    b"\r\n.\r\0\n",
    b"\r\n. \r\n",
    b"\r\n .\r\n",
    b"\n\n.\n\n",
    b"\n\r.\n\r",
    b"\r\n.\n\r\n",
    b"\x85.\x85",
    b"\xe2\x80\xa8.\xe2\x80\xa8",
    b"\x0b.\x0b",
    b"\x0c.\x0c",
)

EXACT = (
    # sent after 354                           content
    (b".\r\n", b""),
    (b"\r\n.\r\n", b"\r\n"),
    (b"a\r\n.\r\n", b"a\r\n"),
    (b"a\r\r\n.\r\n", b"a\r\r\n"),
    (b"a\r\n.\rb\r\n.\r\n", b"a\r\n\rb\r\n"),
    (b"a\r\n.\r\r\nEVIL\r\n.\r\n", b"a\r\n\r\r\nEVIL\r\n"),
    (b"..\r\n.\r\n", b".\r\n"),
    (b"...\r\n.\r\n", b"..\r\n"),
    (b"a\r\n..\r\n.\r\n", b"a\r\n.\r\n"),
    (b"a\r\n..b\r\n.c\r\n.\r\n", b"a\r\n.b\r\nc\r\n"),
    (b"a\r\n....\r\n..\r\n.\r\n", b"a\r\n...\r\n.\r\n"),
    (b"a\r\n\r\n\r\n.\r\n", b"a\r\n\r\n\r\n"),
    (b"a.\r\n.\r\n", b"a.\r\n"),
    (b".a\r\n.\r\n", b"a\r\n"),
    (b"\n.\n\r\n.\r\n", b"\n.\n\r\n"),
    (b"a\n.\r\nb\r\n.\r\n", b"a\n.\r\nb\r\n"),
    (b"a\r\n.\nb\r\n.\r\n", b"a\r\n\nb\r\n"),
)


@pytest.mark.parametrize(("sent", "content"), EXACT)
def test_content_is_exact(sent: bytes, content: bytes) -> None:
    for segments in splits(sent):
        driver = in_content()
        assert driver.say_in(segments) == f"250 2.0.0 {message_id(1)} Message accepted for delivery\r\n".encode()
        assert driver.accepted == [content]


@pytest.mark.parametrize("fake", NEVER_THE_END)
def test_what_is_never_the_end(fake: bytes) -> None:
    sent = b"a" + fake + EVIL.replace(b"\r\n.\r\n", b"") + END
    for segments in splits(sent):
        driver = in_content()
        assert driver.say_in(segments) == f"250 2.0.0 {message_id(1)} Message accepted for delivery\r\n".encode()
        [content] = driver.accepted
        assert content == b"a" + fake.replace(b"\r\n.", b"\r\n") + EVIL.replace(b"\r\n.\r\n", b"") + b"\r\n"


@pytest.mark.parametrize("fake", [case for case in NEVER_THE_END if b"\n" in case.replace(b"\r\n", b"")])
def test_strict_refuses_a_bare_lf_at_the_true_end(fake: bytes) -> None:
    for segments in splits(b"a" + fake + b"MAIL FROM:<evil@x.test>" + END):
        driver = in_content(STRICT)
        assert driver.say_in(segments) == b"550 5.5.2 bare <LF> received: lines end with <CR><LF>\r\n"
        assert [message.fate for message in driver.messages] == ["aborted"]
        assert driver.say(b"RCPT TO:<x@test.org>\r\n").startswith(b"503 ")


def test_strict_refuses_a_bare_cr_at_the_true_end() -> None:
    for segments in splits(b"a\r\n.\r\r\nMAIL FROM:<evil@x.test>" + END):
        driver = in_content(STRICT)
        assert driver.say_in(segments) == b"550 5.5.2 bare <CR> received: lines end with <CR><LF>\r\n"
        assert driver.accepted == []


@pytest.mark.parametrize("fake", NEVER_THE_END)
def test_no_second_message_appears(fake: bytes) -> None:
    """The smuggled commands stand behind the fake end; behind the true end stands an honest NOOP."""
    sent = b"a" + fake + EVIL + b"NOOP\r\n"
    driver = in_content()
    replies = driver.say(sent).split(b"\r\n")[:-1]
    assert [reply[:3] for reply in replies] == [b"250", b"250"]
    assert len(driver.messages) == 1
    assert driver.messages[0].content.endswith(b"evil\r\n")


def test_commands_behind_the_true_end_are_a_new_transaction() -> None:
    """That is pipelining, not smuggling: the client ended its message."""
    driver = in_content()
    driver.say(b"a\r\n.\r\nMAIL FROM:<b@x.test>\r\nRCPT TO:<c@test.org>\r\nDATA\r\n")
    driver.say(b"b\r\n.\r\n")
    assert driver.accepted == [b"a\r\n", b"b\r\n"]


@pytest.mark.parametrize("size", [199, 200, 201])
def test_oversized_content_is_never_read_as_commands(size: int) -> None:
    settings = replace(LOCAL, max_message_size=100)
    body = (b"MAIL FROM:<e@x.test>\r\n" * 20)[: size - 2] + b"\r\n"
    for segments in splits(body + b".\r\n"):
        driver = in_content(settings)
        reply = driver.say_in(segments)
        if size <= 200:
            assert reply == b"552 5.3.4 Message exceeds the limit of 100 bytes\r\n"
            assert not driver.closed
        else:
            assert reply == b"421 4.7.0 test.org message without end, closing connection\r\n"
            assert driver.closed
        assert [message.fate for message in driver.messages] == ["aborted"]


def test_a_refused_end_of_data_ends_the_transaction() -> None:
    for settings, sent in ((STRICT, b"a\nb\r\n.\r\n"), (replace(LOCAL, max_message_size=3), b"abcd\r\n.\r\n")):
        driver: Driver = in_content(settings)
        assert driver.say(sent)[:1] == b"5"
        assert driver.say(b"DATA\r\n").startswith(b"503 5.5.1")
        assert driver.say(b"RCPT TO:<x@test.org>\r\n").startswith(b"503 5.5.1")
