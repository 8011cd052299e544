"""Dialogs that a client may hold with an SMTP server, as a Hypothesis strategy: legal commands, in order or not.

A dialog is a list of what is said, one command with its content each. Whoever plays it sends content only after a 354,
and a command behind another without waiting only where RFC 2920 allows it.
"""

from collections.abc import Callable
from dataclasses import dataclass

from hypothesis import strategies as st

from mailscribe.smtp.command import VERBS
from mailscribe.smtp.playing import stuffed
from mailscribe.smtp.turn import verb_of
from support.machine import Driver


@dataclass(frozen=True, slots=True)
class Say:
    """A command line; what DATA is to bring, or the octets of a BDAT."""

    line: bytes
    content: bytes = b""

    @property
    def verb(self) -> str:
        return verb_of(self.line)

    @property
    def octets(self) -> bytes:
        """What goes out at once."""
        return self.line + b"\r\n" + (self.content if self.verb == "BDAT" else b"")

    @property
    def text(self) -> bytes:
        """What goes out after 354."""
        return stuffed(self.content) + b".\r\n"

    @property
    def may_go_on(self) -> bool:
        """Whether more may follow without waiting (RFC 2920 §3.1, 3030 §4.2)."""
        return not any(rule.last for verb, rule in VERBS.items() if verb == self.verb)


hellos = st.sampled_from((b"EHLO c.test", b"EHLO c.test", b"EHLO [192.0.2.7]", b"HELO c.test", b"helo C.TEST"))
names = st.sampled_from((b"a", b"mable", b"o'hara+x", b'"a b"', b"A.B", b"x" * 64))
domains = st.sampled_from((b"b.test", b"c.test", b"sun.tuc.test.org", b"[192.0.2.1]"))
paths = st.tuples(names, domains).map(b"@".join)
blanks = st.sampled_from((b"MAIL FROM:<%b>", b"Mail From:<%b>", b"mail from:<%b>"))
sizes = st.sampled_from((b"", b" SIZE=12", b" size=1000"))
bodies = st.sampled_from((b"", b" BODY=8BITMIME", b" body=7bit"))
lines = st.lists(
    st.sampled_from((b".", b"..", b"", b"a", b". x", b"Subject: x", b"x" * 90, b"QUIT", b"\tb")), max_size=6
)
texts = lines.map(lambda each: b"".join(line + b"\r\n" for line in each))
headed = texts.map(lambda text: b"Date: now\r\nMessage-ID: <1@c.test>\r\n\r\n" + text)
contents = st.one_of(texts, headed)
harmless = st.sampled_from((b"NOOP", b"NOOP x", b"RSET", b"VRFY mable", b"HELP", b"help mail")).map(Say)
wrong = st.sampled_from(
    (
        b"DATA",
        b"RCPT TO:<a@b.test>",
        b"MAIL FROM:<a@b.test>",
        b"XYZZY",
        b"MAIL",
        b"MAIL TO:<a@b.test>",
        b"RCPT FROM:<a@b.test>",
        b"RSET x",
        b"DATA x",
        b"HELO",
        b"EHLO c.test",
        b"VRFY",
        b"EXPN staff",
        b"",
    )
).map(lambda line: Say(line, b"x\r\n" if line == b"DATA" else b""))


def mails(utf8: bool) -> st.SearchStrategy[Say]:
    """MAIL with what it may carry."""
    senders = st.one_of(paths, st.just(b""))
    plain = st.builds(lambda form, path, size, body: Say(form % path + size + body), blanks, senders, sizes, bodies)
    return st.one_of(plain, st.just(Say("MAIL FROM:<jürgen@b.test> SMTPUTF8".encode()))) if utf8 else plain


recipients = st.one_of(paths, st.sampled_from((b"Postmaster", b"postmaster@b.test")))
rcpts = st.lists(recipients.map(lambda path: Say(b"RCPT TO:<%b>" % path)), min_size=1, max_size=3)
binary = st.binary(max_size=20)


@st.composite
def chunked(draw: st.DrawFn) -> list[Say]:
    """A message by BDAT."""
    pieces = draw(st.lists(st.one_of(texts, binary), min_size=1, max_size=3))
    marks = [b""] * (len(pieces) - 1) + [b" LAST"]
    return [Say(b"BDAT %d%b" % (len(piece), mark), piece) for piece, mark in zip(pieces, marks, strict=True)]


@st.composite
def transactions(draw: st.DrawFn, *, chunks: bool, utf8: bool) -> list[Say]:
    """MAIL, recipients, content or not; things that do no harm in between, and now and then one out of order."""
    said = [draw(mails(utf8)), *draw(rcpts)]
    by_data = contents.map(lambda text: [Say(b"DATA", text)])
    said += draw(st.one_of(by_data, chunked()) if chunks else by_data)
    for _ in range(draw(st.integers(0, 2))):
        said.insert(draw(st.integers(0, len(said))), draw(st.one_of(harmless, wrong)))
    return said


@st.composite
def dialogs(draw: st.DrawFn, *, chunks: bool = False, utf8: bool = False) -> list[Say]:
    """A session: mostly begun by HELO or EHLO, mostly ended by QUIT."""
    said = [draw(hellos.map(Say) if draw(st.integers(0, 9)) else st.one_of(harmless, wrong))]
    for transaction in draw(st.lists(transactions(chunks=chunks, utf8=utf8), max_size=3)):
        said += transaction
    return [*said, Say(b"QUIT")] if draw(st.integers(0, 9)) else said


def say_all(driver: Driver, dialog: list[Say], joined: Callable[[], bool]) -> None:
    """Play a dialog against the machine; `joined` says whether to go on without waiting where that is allowed."""
    held = b""
    for number, said in enumerate(dialog):
        if driver.closed:
            return
        held += said.octets
        if number + 1 < len(dialog) and said.may_go_on and joined():
            continue
        driver.t += 1_000
        replies, held = driver.say(held), b""
        if said.verb == "DATA" and replies.rpartition(b"\r\n")[0].rpartition(b"\n")[2].startswith(b"354"):
            held = said.text
    driver.t += 1_000
    driver.say(held)
