"""For any octets, in any split inside what a client may send unasked: same replies, same record, no exception."""

from hypothesis import given
from hypothesis import strategies as st

from mailscribe.smtp import read_transcript
from support.kinds import KINDS, Kind, check_record, driver_of, facts
from support.machine import Driver

WORDS = (
    b"HELO a",
    b"EHLO a.b",
    b"MAIL FROM:<a@b>",
    b"MAIL FROM:<> SIZE=9",
    b"RCPT TO:<a@b>",
    b"RCPT TO:a@b",
    b"DATA",
    b"RSET",
    b"NOOP",
    b"QUIT",
    b"VRFY x",
    b"AUTH PLAIN eA==",
    b"AUTH PLAIN AHgAeQ==",
    b"AUTH LOGIN",
    b"eA==",
    b"eQ==",
    b"*",
    b"STARTTLS",
    b"SEND FROM:<a@b>",
    b"SAML FROM:<a@b>",
    b"MAIL FROM:<\xc3\xa4@b> SMTPUTF8 BODY=BINARYMIME",
    b"RCPT TO:<\xc3\xa4@b>",
    b"BDAT 0",
    b"BDAT 7",
    b"BDAT 30 LAST",
    b"BDAT 0 LAST",
    b"BDAT x",
    b"TURN",
    b"HELP",
    b"GET / HTTP/1.1",
    b"X: y",
    b".",
    b"..",
    b"",
    b" ",
    b"Subject: x",
    b"Received: x",
    b"x" * 600,
    b"\0",
    b"\r",
    b"\n",
    b"\xff",
    b"a\nb",
    b".\n",
    b"\r.",
)
lines = st.one_of(
    st.sampled_from(WORDS), st.lists(st.sampled_from(b'helo:=-<>@. \r\n\t"\\')).map(bytes), st.binary(max_size=20)
)
scripts = st.lists(lines.map(lambda line: line + b"\r\n"), max_size=25)
kinds = st.sampled_from(KINDS)


def pair(kind: Kind) -> tuple[Driver, Driver]:
    """Two drivers of the same kind."""
    return driver_of(kind), driver_of(kind)


BEGIN = (b"EHLO a.b\r\n", b"MAIL FROM:<a@b>\r\n", b"RCPT TO:<a@b>\r\n", b"DATA\r\n")


def cut(data: st.DataObject, segment: bytes) -> list[bytes]:
    places = sorted(data.draw(st.sets(st.integers(1, max(1, len(segment) - 1)), max_size=4)))
    return [segment[a:b] for a, b in zip([0, *places], [*places, len(segment)], strict=True)]


@given(st.data(), kinds, scripts, st.booleans())
def test_splits_inside_lines(data: st.DataObject, kind: Kind, script: list[bytes], begun: bool) -> None:
    whole, split = pair(kind)
    assert whole.open() == split.open()
    for line in (*(BEGIN if begun else ()), *script):
        # the client waits after each CRLF, whatever the machine takes the octets for
        for part in line.removesuffix(b"\r\n").split(b"\r\n"):
            segment = part + b"\r\n"
            assert whole.say(segment) == split.say_in(cut(data, segment))
    assert whole.do(whole.session.eof) == split.do(split.session.eof)
    assert facts(whole) == facts(split)
    assert whole.closed
    check_record(whole)


group = st.lists(
    st.sampled_from(
        (b"RSET\r\n", b"MAIL FROM:<a@b.c>\r\n", b"RCPT TO:<a@b>\r\n", b"RCPT TO:<c@d>\r\n", b"RCPT TO:<>\r\n")
    ),
    max_size=6,
)
body = st.one_of(
    st.binary(max_size=60), st.lists(st.sampled_from((b".", b"\r", b"\n", b"a", b"\r\n.", b"\0"))).map(b"".join)
)


chunks = st.lists(st.tuples(body, st.booleans()), max_size=4)


@given(st.data(), kinds, st.lists(st.tuples(group, chunks), max_size=5))
def test_splits_anywhere_in_chunks(
    data: st.DataObject,
    kind: Kind,
    transactions: list[tuple[list[bytes], list[tuple[bytes, bool]]]],
) -> None:
    """Commands, BDAT and what it counts may all come in one segment: nothing waits for a reply."""
    whole, split = pair(kind)
    whole.open()
    split.open()
    assert whole.say(b"EHLO a.b\r\n") == split.say(b"EHLO a.b\r\n")
    segment = b""
    for commands, contents in transactions:
        segment += b"".join(commands)
        for content, last in contents:
            segment += b"BDAT %d%s\r\n%s" % (len(content), b" LAST" if last else b"", content)
    segment += b"QUIT\r\n"
    replies = whole.say(segment)
    assert replies == split.say_in(cut(data, segment))
    assert replies.count(b"\r\n") <= sum(len(commands) + len(each) for commands, each in transactions) + 1
    whole.do(whole.session.eof)
    split.do(split.session.eof)
    assert facts(whole) == facts(split)
    check_record(whole)


@given(st.data(), kinds, st.lists(st.tuples(group, body), max_size=5))
def test_splits_anywhere_in_what_may_be_pipelined(
    data: st.DataObject,
    kind: Kind,
    transactions: list[tuple[list[bytes], bytes]],
) -> None:
    """End of content, the next commands and DATA may come in one segment; after 354 the next."""
    whole, split = pair(kind)
    whole.open()
    split.open()
    assert whole.say(b"EHLO a.b\r\n") == split.say(b"EHLO a.b\r\n")
    pending = b""
    for commands, content in transactions:
        segment = pending + b"".join(commands) + b"DATA\r\n"
        reply = whole.say(segment)
        assert reply == split.say_in(cut(data, segment))
        is_open = reply.splitlines()[-1:] == [b'354 Enter mail, end with "." on a line by itself']
        pending = content + b"\r\n.\r\n" if is_open else b""
    segment = pending + b"QUIT\r\n"
    assert whole.say(segment) == split.say_in(cut(data, segment))
    whole.do(whole.session.eof)
    split.do(split.session.eof)
    assert facts(whole) == facts(split)
    check_record(whole)


@given(st.lists(st.binary(max_size=200), max_size=10), kinds, st.sampled_from(("eof", "tick", "shutdown")))
def test_any_octets_in_any_segments(segments: list[bytes], kind: Kind, end: str) -> None:
    for begin in ((), BEGIN):
        driver, _ = pair(kind)
        driver.open()
        driver.say_in(begin)
        driver.say_in(segments)
        driver.t = 10**10
        driver.do({"eof": driver.session.eof, "tick": driver.session.tick}.get(end, driver.session.shutdown))
        driver.do(driver.session.eof)
        assert driver.closed
        assert read_transcript(driver.stored).end is not None
        check_record(driver)
