"""Replaying a stored session: what is sent when, what is never sent, and that nothing of it is lost or made up."""

import doctest
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailscribe.records import Content
from mailscribe.settings import Settings
from mailscribe.smtp import ContentEvent, Service, Transcript, playing
from mailscribe.smtp import replay as replay_module
from mailscribe.smtp.playing import Fate, Player, filler, stuffed
from mailscribe.smtp.replay import Login, plan, server_name, tls_at_opening
from support.grammar import Say, dialogs, say_all
from support.machine import FULL, LOCAL, STRICT, TLS, Driver
from support.replaying import contents_of, conversation, envelopes, replay, script

EHLO = b"EHLO c.test\r\n"
MAIL = b"MAIL FROM:<a@b.test>\r\n"
RCPT = b"RCPT TO:<c@test.org>\r\n"


def recorded(*segments: bytes, service: Service = FULL) -> Transcript:
    """The transcript of a session in which these were said, a millisecond apart."""
    return spoken(*segments, service=service).transcript


def spoken(*segments: bytes, service: Service = FULL) -> Driver:
    driver = Driver(service=service)
    driver.open()
    for segment in segments:
        driver.t += 1_000
        driver.say(segment)
    if not driver.closed:
        driver.do(driver.session.eof)
    return driver


def nothing(_: Content) -> None:
    """No content is kept."""


def sent(transcript: Transcript, *replies: bytes, login: Login | None = None) -> list[bytes]:
    """What is sent before the first of the replies, and after each."""
    player = Player(plan(transcript, login), nothing)
    sends = [player.output()]
    for reply in replies:
        player.receive(reply)
        sends.append(player.output())
    return sends


@pytest.mark.parametrize("module", [replay_module, playing], ids=lambda module: module.__name__)
def test_doctests(module: object) -> None:
    assert doctest.testmod(module).failed == 0  # type: ignore[arg-type]


def test_groups_go_out_as_they_came() -> None:
    group = recorded(EHLO, MAIL + RCPT + b"DATA\r\n", b".\r\nRSET\r\nQUIT\r\n")
    assert sent(group, b"220 a\r\n", b"250 b\r\n", b"250 c\r\n250 d\r\n", b"354 e\r\n", b"250 f\r\n") == [
        b"",
        EHLO,
        MAIL + RCPT + b"DATA\r\n",
        b"",
        b".\r\nRSET\r\nQUIT\r\n",
        b"",
    ]
    single = recorded(EHLO, MAIL, RCPT)
    assert sent(single, b"220 a\r\n", b"250-b\r\n", b"250 b\r\n", b"550 c\r\n") == [b"", EHLO, b"", MAIL, RCPT]


def test_who_talked_before_the_greeting_does_so_again() -> None:
    driver = Driver()
    driver.say(EHLO)
    driver.open()
    driver.do(driver.session.eof)
    assert sent(driver.transcript, b"220 a\r\n", b"250 b\r\n") == [EHLO, b"", b""]


def test_half_a_line_stays_half() -> None:
    assert sent(recorded(EHLO, b"NOO"), b"220 a\r\n", b"250 b\r\n") == [b"", EHLO, b"NOO"]


def test_content_goes_only_where_it_is_asked_for() -> None:
    transcript = recorded(EHLO, MAIL, RCPT, b"DATA\r\n", b"QUIT\r\n.\r\n", b"NOOP\r\n")
    begin = (b"220 a\r\n", b"250 b\r\n", b"250 c\r\n", b"250 d\r\n")
    assert sent(transcript, *begin, b"354 e\r\n")[-1] == b"xxxx\r\n.\r\n"
    assert sent(transcript, *begin, b"451 e\r\n")[-1] == b"NOOP\r\n"
    assert sent(transcript, *begin, b"250 e\r\n")[-1] == b"NOOP\r\n"


def test_a_server_that_waits_for_what_does_not_come_is_left_alone() -> None:
    refused = recorded(EHLO, MAIL, b"DATA\r\n", b"NOOP\r\n")
    for reply in (b"354 go on\r\n", b"334 \r\n"):
        player = Player(plan(refused), nothing)
        player.receive(b"220 a\r\n250 b\r\n250 c\r\n")
        player.output()
        player.receive(reply)
        assert player.is_over
        assert player.output() == b""
        *_, data, noop = player.played()
        assert (data.fate, data.same_code) == (Fate.ANSWERED, False)
        assert (noop.fate, noop.same_code) == (Fate.NOT_REACHED, False)


def test_chunks_keep_their_sizes_whatever_the_server_says() -> None:
    driver = spoken(EHLO, MAIL, RCPT, b"BDAT 3\r\nabc", b"BDAT 2\r\nde", b"BDAT 0 LAST\r\n")
    player = Player(plan(driver.transcript), contents_of(driver))
    for _ in range(7):
        player.receive(b"500 no\r\n")
    assert player.output().endswith(b"BDAT 3\r\nabcBDAT 2\r\ndeBDAT 0 LAST\r\n")


def test_chunks_of_a_message_that_never_was_have_a_stand_in() -> None:
    driver = spoken(EHLO, MAIL, RCPT, b"BDAT 3\r\nabc", b"RSET\r\n", MAIL, RCPT, b"BDAT 4 LAST\r\ndefg")
    player = Player(plan(driver.transcript), contents_of(driver))
    for _ in range(8):
        player.receive(b"250 ok\r\n")
    out = player.output()
    assert b"BDAT 3\r\nx\r\nRSET" in out
    assert out.endswith(b"BDAT 4 LAST\r\ndefg")


SECRET = b"AG1hYmxlAHNlY3JldA=="
AGAIN = Login("bob", "hunter2")


@pytest.mark.parametrize(
    ("said", "without", "again"),
    [
        ((b"AUTH PLAIN " + SECRET,), [b"NOOP\r\n"], [b"AUTH PLAIN AGJvYgBodW50ZXIy\r\n", b"NOOP\r\n"]),
        ((b"auth\tplain  " + SECRET,), [b"NOOP\r\n"], [b"auth plain AGJvYgBodW50ZXIy\r\n", b"NOOP\r\n"]),
        (
            (b"AUTH LOGIN", b"bWFibGU=", b"c2VjcmV0"),
            [b"NOOP\r\n"],
            [b"AUTH LOGIN\r\n", b"Ym9i\r\n", b"aHVudGVyMg==\r\n", b"NOOP\r\n"],
        ),
        (
            (b"AUTH LOGIN bWFibGU=", b"c2VjcmV0"),
            [b"NOOP\r\n"],
            [b"AUTH LOGIN Ym9i\r\n", b"aHVudGVyMg==\r\n", b"NOOP\r\n"],
        ),
        ((b"AUTH PLAIN", SECRET), [b"NOOP\r\n"], [b"AUTH PLAIN\r\n", b"AGJvYgBodW50ZXIy\r\n", b"NOOP\r\n"]),
        ((b"AUTH PLAIN", b"*"), [b"AUTH PLAIN\r\n", b"*\r\n"], [b"AUTH PLAIN\r\n", b"*\r\n", b"NOOP\r\n"]),
        ((b"AUTH CRAM-MD5 " + SECRET,), [b"NOOP\r\n"], [b"NOOP\r\n"]),
        ((b"AUTH XYZZY", b"c2VjcmV0"), [b"NOOP\r\n"], [b"NOOP\r\n"]),
        ((b"AUTH CRAM-MD5", b"c2VjcmV0"), [b"AUTH CRAM-MD5\r\n"], [b"AUTH CRAM-MD5\r\n", b"NOOP\r\n"]),
    ],
)
def test_secrets_are_left_out_or_others_take_their_place(
    said: tuple[bytes, ...], without: list[bytes], again: list[bytes]
) -> None:
    transcript = recorded(EHLO, *(line + b"\r\n" for line in said), b"NOOP\r\n")
    replies = [*[b"334 \r\n"] * (len(again) - 2), b"235 ok\r\n"][: len(again) - 1]
    assert sent(transcript, b"220 a\r\n", b"250 b\r\n")[2:] == without[:1]
    assert sent(transcript, b"220 a\r\n", b"250 b\r\n", *replies, login=AGAIN)[2:] == again
    steps = plan(transcript, AGAIN)
    for each in steps:
        for token in (b"hunter2", b"aHVudGVyMg", b"AGJvYgBodW50"):
            assert token.decode() not in repr(each) + repr(each.shown)
    assert "hunter2" not in repr(AGAIN)
    assert {step.note for step in plan(transcript) if step.skipped} <= {
        "left out: the secret is masked; --user does it with another",
        "left out: masked in the record",
    }


def test_tls_where_it_was() -> None:
    transcript = recorded(EHLO, b"STARTTLS\r\n", EHLO)
    assert server_name(transcript) == TLS.sni
    assert tls_at_opening(transcript) is None
    player = Player(plan(transcript), nothing)
    player.receive(b"220 a\r\n250 b\r\n220 go\r\ninjected\r\n")
    assert player.wants_tls
    assert [each.step.verb for each in player.played()] == [None, "EHLO"]
    player.output()
    player.secured(TLS)
    assert player.output() == EHLO
    (starttls,) = player.played()
    assert starttls.after == ("--- TLSv1.3 TLS_AES_256_GCM_SHA384",)
    assert starttls.step.after == starttls.after
    assert [step.octets for step in plan(transcript, tls=False)] == [b"", EHLO, b"", EHLO]


def test_tls_that_fails_is_the_end() -> None:
    player = Player(plan(recorded(EHLO, b"STARTTLS\r\n", EHLO)), nothing)
    player.receive(b"220 a\r\n250 b\r\n220 go\r\n")
    player.lost("TLS handshake failed")
    *_, starttls, hello = player.played()
    assert starttls.after == ("--- closed: TLS handshake failed",)
    assert hello.fate is Fate.NOT_REACHED
    assert player.is_over


def test_tls_that_comes_while_the_client_went_on_is_the_end() -> None:
    off = recorded(EHLO, b"STARTTLS\r\nNOOP\r\n", service=Service())
    player = Player(plan(off), nothing)
    player.receive(b"220 a\r\n250 b\r\n220 go\r\n")
    assert player.is_over
    assert not player.wants_tls
    assert player.played()[-1].fate is Fate.UNANSWERED


def test_what_a_lost_connection_leaves() -> None:
    player = Player(plan(recorded(EHLO, MAIL + RCPT, b"QUIT\r\n")), nothing)
    player.receive(b"220 a\r\n250 b\r\n250-c\r\n")
    player.lost("connection lost")
    player.lost("connection lost")
    assert [(each.fate, each.reply, each.after) for each in player.played()[2:]] == [
        (Fate.UNANSWERED, ("250-c",), ("--- connection lost",)),
        (Fate.UNANSWERED, (), ()),
        (Fate.NOT_REACHED, (), ()),
    ]


def test_a_server_that_speaks_something_else_or_without_end() -> None:
    for said, fate in ((b"HTTP/1.1 400 Bad\r\n", Fate.ANSWERED), (b"2" * 65_537, Fate.UNANSWERED)):
        player = Player(plan(recorded(EHLO)), nothing)
        player.receive(said)
        assert player.is_over
        assert player.played()[0].fate is fate


def test_a_reply_that_nobody_asked_for_is_not_awaited() -> None:
    driver = Driver()
    driver.open()
    driver.t += 1_000
    driver.say(EHLO)
    driver.do(driver.session.shutdown)
    player = Player(plan(driver.transcript), nothing)
    player.receive(b"220 a\r\n250 b\r\n")
    assert player.is_over
    assert [each.fate for each in player.played()] == [Fate.ANSWERED, Fate.ANSWERED, Fate.SKIPPED]


@given(st.integers(0, 10_000))
def test_a_stand_in_is_as_long_and_ends_its_lines(size: int) -> None:
    content = filler(size)
    assert len(content) == size
    assert size < 2 or content.endswith(b"\r\n")
    assert max(map(len, content.split(b"\n"))) <= 78
    assert stuffed(content) == content


KINDS = ((LOCAL, FULL), (STRICT, FULL), (replace(STRICT, max_message_size=40, domains=("b.test",)), FULL))


@given(st.sampled_from(KINDS), dialogs(chunks=True, utf8=True), st.data())
def test_a_session_again_is_the_same_session(
    kind: tuple[Settings, Service], dialog: list[Say], data: st.DataObject
) -> None:
    settings, service = kind
    first, second = Driver(settings, service=service), Driver(settings, service=service)
    first.open()
    say_all(first, dialog, joined=lambda: data.draw(st.booleans()))
    first.do(first.session.eof)
    played = replay(first.transcript, contents_of(first), second)
    assert conversation(second) == script(first)
    assert [each for each in played if not each.same_code] == []
    assert envelopes(second) == envelopes(first)
    assert hashes(second.transcript) == hashes(first.transcript)


def hashes(transcript: Transcript) -> list[tuple[int, str]]:
    """Of the content that was accepted."""
    contents = [event.content for event in transcript.events if isinstance(event, ContentEvent)]
    return [(content.bytes, content.sha256) for content in contents if content.message]
