"""Fuzz target: any octets, in any segments, to a session of any kind, with a driver that answers anything.

Input: an octet for the kind, one for the driver's answers, then the stream. In it 0xFF and one of 0xF0 to 0xF5 are no
octets of the client: the segment ends, time passes, the client leaves, the server stops, admission and store change,
TLS fails from now on.
"""

import re
from collections.abc import Iterator
from itertools import pairwise

from mailscribe.errors import StoreFull, StoreUnavailable
from mailscribe.smtp import AuthRequested, LineEvent
from mailscribe.smtp.lines import MAX_DISCARD
from mailscribe.smtp.replay import plan
from support.dialogs import DIALOGS, octets, read, spoken, steps
from support.kinds import KINDS, check_record, driver_of, facts
from support.machine import SECOND, Driver
from support.replaying import contents_of, replay

CUT, WAIT, LEAVE, STOP, STORE, TLS_FAILS = (b"\xff" + bytes([octet]) for octet in range(0xF0, 0xF6))
_EVENTS = re.compile(rb"(\xff[\xf0-\xf5])")
_REPLIES = re.compile(rb"(?:(?:([2-5][0-9]{2})-[^\r\n]*\r\n(?=\1))*[2-5][0-9]{2} [^\r\n]*\r\n)*")
_AUTH = re.compile(rb"(?i)\s*AUTH(?:\s|\Z)")
_MASKED_AUTH = re.compile(
    rb"(?i)\s*AUTH(?:\s+(?:PLAIN|LOGIN|CRAM-MD5|DIGEST-MD5|SCRAM-SHA-(?:1|256|512)(?:-PLUS)?|NTLM|GSSAPI|EXTERNAL"
    rb"|ANONYMOUS|XOAUTH2?|OAUTHBEARER|OAUTH10A|SECURID|OTP|KERBEROS_V4))?(?:\s+\[masked [0-9]+\])?"
)
_MASK = re.compile(rb"\[masked [0-9]+\]")
_FAILURES = (None, StoreUnavailable("down"), StoreFull("full"))
STEP = 1_000
MAX_REPLY = 512
"""Octets of a reply line (RFC 5321 §4.5.3.1.5)."""


def run(data: bytes) -> None:
    """Play it whole, in pieces, and again from its own record. Raises for anything that must not be."""
    if len(data) < 2:
        return
    whole, replies = play(data, whole=True)
    assert not [each for each in replies if not _REPLIES.fullmatch(each)]
    assert all(len(line) <= MAX_REPLY for each in replies for line in each.splitlines(keepends=True))
    assert whole.closed
    check_record(whole)
    check_secrets(whole, data)
    calm, calm_replies = play(data, whole=True, waits=True)
    split, split_replies = play(data, whole=False, waits=True)
    assert facts(calm) == facts(split)
    assert b"".join(calm_replies) == b"".join(split_replies)
    plan(whole.transcript)
    replay(whole.transcript, contents_of(whole), driver_of(KINDS[data[0] % len(KINDS)]))


def play(data: bytes, *, whole: bool, waits: bool = False) -> tuple[Driver, list[bytes]]:
    """Drive a session. `waits`: the client waits for replies after each CRLF; `whole`: each segment comes in one."""
    driver = driver_of(KINDS[data[0] % len(KINDS)])
    answer(driver, data[1])
    replies = [driver.open()] if not data[1] & 0x80 else []
    cr = False
    for number, part in enumerate(_EVENTS.split(data[2:])):
        driver.t += STEP
        if number % 2:
            replies.append(happen(driver, part))
        elif part:
            sent = [send(driver, segment, whole=whole) for segment in segments(part, waits=waits, cr=cr)]
            replies += sent
            cr = part.endswith(b"\r")
        if driver.session.is_before_greeting:
            replies.append(driver.open())
    replies.append(driver.do(driver.session.open))
    replies.append(driver.do(driver.session.eof))
    return driver, replies


def send(driver: Driver, segment: bytes, *, whole: bool) -> bytes:
    """One segment, or its octets one by one at the same moment; the replies."""
    driver.t += STEP
    pieces = [segment] if whole else [segment[index : index + 1] for index in range(len(segment))]
    replies = driver.say_in(pieces)
    assert driver.session.held <= MAX_DISCARD + len(segment)
    return replies


def segments(part: bytes, *, waits: bool, cr: bool) -> Iterator[bytes]:
    """What is sent in one go; `cr`: the part before it ended with CR."""
    if not waits:
        yield part
        return
    ends = [0, *(found.end() for found in re.finditer(rb"\r\n" if not cr else rb"\A\n|\r\n", part)), len(part)]
    yield from (part[start:end] for start, end in pairwise(ends) if start < end)


def answer(driver: Driver, choice: int) -> None:
    """What the driver answers from now on."""
    driver.admit = not choice & 1
    driver.failure = _FAILURES[(choice >> 1) % len(_FAILURES)]


def happen(driver: Driver, event: bytes) -> bytes:
    """Something that is no octet of the client; the replies."""
    if event == WAIT:
        driver.t += 400 * SECOND
        return driver.do(driver.session.tick)
    if event == LEAVE:
        return driver.do(driver.session.eof)
    if event == STOP:
        return driver.do(driver.session.shutdown)
    if event == STORE:
        answer(driver, int(not driver.admit) + 2 * _FAILURES.index(driver.failure) + 1)
    if event == TLS_FAILS:
        driver.tls = "no"
    return b""


def check_secrets(driver: Driver, data: bytes) -> None:
    """No argument of AUTH, no response to a challenge, no secret that was verified is in the record."""
    challenged = False
    for event in driver.transcript.events:
        if isinstance(event, LineEvent):
            if event.side == "C" and challenged:
                assert _MASK.fullmatch(event.data), event.data
            elif event.side == "C" and _AUTH.match(event.data):
                assert _MASKED_AUTH.fullmatch(event.data), event.data
            challenged = event.side == "S" and event.data.startswith(b"334")
    for secret in (event.secret for event in driver.events if isinstance(event, AuthRequested)):
        if len(secret) > 3 and secret not in data:  # else it was said in other places, too
            assert secret not in driver.stored
            assert all(secret not in message.trace for message in driver.messages)


def seeds() -> Iterator[bytes]:
    """The golden dialogs, and a few for each kind."""
    for path in DIALOGS:
        stream = b"".join(_spoken(kind, texts) for kind, texts in steps(spoken(read(path))))
        yield bytes([0, 0]) + stream
        yield bytes([len(KINDS) - 1, 0]) + stream
    mail = b"MAIL FROM:<a@b>\r\n" + CUT + b"RCPT TO:<a@b>\r\n" + CUT + b"DATA\r\n" + CUT + b"x\r\n.\r\n"
    for number in range(len(KINDS)):
        bad = mail.removesuffix(b".\r\n") + b"bare\n\r\n.\r\n"
        yield bytes([number, 0]) + b"EHLO a.b\r\n" + CUT + bad + STORE + mail + STORE + mail + b"QUIT\r\n"
        login = b"AUTH LOGIN\r\n" + CUT + b"eA==\r\n" + CUT + b"eQ==\r\n"
        yield bytes([number, 0]) + b"EHLO a.b\r\nSTARTTLS\r\n" + CUT + b"EHLO a.b\r\n" + CUT + login + mail


def _spoken(kind: str, texts: list[str]) -> bytes:
    if kind == "C":
        return b"".join(octets(text[3:]) + (b"\r\n" if text[0] == "C" else b"") for text in texts) + CUT
    if kind == "X":
        return {"eof": LEAVE, "shutdown": STOP}.get(texts[0], WAIT if texts[0].startswith("wait") else b"")
    return b""
