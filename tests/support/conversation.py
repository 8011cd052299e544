"""Objects as the front end makes them: a scripted client talks to the real session machine, in memory.

What comes out is the message objects and the session object of one session, byte for byte as they would be stored,
also when the server had to answer 451 to content that its store took all the same.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import chain

from mailscribe.errors import StoreUnavailable
from mailscribe.ids import make_ulid, ulid_ms
from mailscribe.policy import Directory, Policy, Rules, RuleSet
from mailscribe.policy.rule_form import rule_of
from mailscribe.settings import Settings
from mailscribe.smtp import (
    Closing,
    ContentAborted,
    ContentChunk,
    ContentEnded,
    ContentStarted,
    Peer,
    Service,
    Session,
)
from mailscribe.store.keys import message_key, refused_key, session_key

OPENED_MS = 1_700_000_000_000
LOCAL = Settings(domains=("*",), line_ends="store", hostname="test.org")
TRAP = "trap@test.org"
"""Content for this recipient is refused by a rule, and kept."""

_TRAPS = RuleSet("traps", (rule_of({"at": "eod", "recipient": TRAP, "reject": True}),))


@dataclass
class Conversation:
    """What one session left in the bucket. `messages` are ids in order; `refused` those answered 451 though stored.

    `kept` are the ids of content that a rule refused, which is no message: what is sent to `TRAP`.
    """

    session: str
    messages: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    contents: dict[str, bytes] = field(default_factory=dict)
    objects: dict[str, bytes] = field(default_factory=dict)

    @property
    def session_object(self) -> str:
        return session_key(self.session)

    @property
    def accepted(self) -> list[str]:
        return [ulid for ulid in self.messages if ulid not in self.refused]


def plain_message(number: int = 1, subject: str = "hello", body: str = "How are you?\r\n") -> bytes:
    """A small message with the fields that a record shows."""
    return (
        f"From: Mable <mable@sun.tuc.test.org>\r\nTo: Bob <bob@test.org>\r\nSubject: {subject} {number}\r\n"
        f"Message-ID: <{number}@sun.tuc.test.org>\r\nDate: Tue, 14 Nov 2023 22:13:20 +0000\r\n\r\n{body}"
    ).encode()


def converse(
    contents: Sequence[bytes] = (),
    *,
    number: int = 1,
    refused: frozenset[int] = frozenset(),
    recipients: Sequence[str] = ("bob@test.org",),
    quits: bool = True,
    extra: bytes = b"",
    ids: Sequence[str] = (),
) -> Conversation:
    """A session that sends `contents`; those at the indices in `refused` are answered 451 and are stored all the same.

    Without `quits` the connection is lost at the end. `extra` are command lines said after EHLO. `ids`: the session's,
    then the messages', where they matter.
    """
    talk = _Talk(number, ids)
    talk.say(b"EHLO sun.tuc.test.org\r\n")
    for line in extra.splitlines(keepends=True):
        talk.say(line)
    for index, content in enumerate(contents):
        talk.say(b"MAIL FROM:<mable@sun.tuc.test.org>\r\n")
        for recipient in recipients:
            talk.say(f"RCPT TO:<{recipient}>\r\n".encode())
        talk.fails = index in refused
        talk.say(b"DATA\r\n")
        talk.say(content.replace(b"\r\n.", b"\r\n..") + b".\r\n")
    return talk.end(quits=quits)


class _Talk:
    def __init__(self, number: int, ids: Sequence[str]) -> None:
        opened_ms = OPENED_MS + number * 60_000
        self._ids = chain(ids, (make_ulid(opened_ms + index, number) for index in range(10_000)))
        self._made = Conversation(next(self._ids))
        self._stored = bytearray()
        self._transcript = bytearray()
        self._t = 0
        self.fails = False
        peer = Peer("192.0.2.17", 40_000 + number)
        opened = datetime.fromtimestamp(opened_ms / 1000, UTC)
        self._session = Session(
            LOCAL,
            peer,
            session_id=self._made.session,
            opened=opened,
            new_id=lambda: next(self._ids),
            service=Service(keep_refused=True),
            policy=Policy(Directory.of_domains(LOCAL.domains), Rules([_TRAPS])),
        )
        self._session.open(self._now())
        self._settle()

    def say(self, data: bytes) -> None:
        self._session.receive(data, self._now())
        self._settle()

    def end(self, *, quits: bool) -> Conversation:
        if quits:
            self.say(b"QUIT\r\n")
        else:
            self._session.eof(self._now())
            self._settle()
        self._made.objects[session_key(self._made.session)] = bytes(self._transcript)
        return self._made

    def _now(self) -> int:
        self._t += 1_000
        return self._t

    def _settle(self) -> None:
        for _ in self._events():
            self._session.output()
        self._session.output()
        self._transcript += self._session.transcript()

    def _events(self) -> Iterator[None]:
        while (event := self._session.next_event()) is not None:
            match event:
                case ContentStarted():
                    self._stored = bytearray(event.trace)
                    self._offset = len(event.trace)
                    self._session.content_admitted(self._now())
                case ContentChunk():
                    self._stored += event.data
                case ContentEnded(ulid, refused=True):
                    self._keep_apart(ulid)
                case ContentEnded():
                    self._keep(event.message_id)
                case ContentAborted():
                    self._stored.clear()
                case Closing():
                    return
            yield

    def _keep(self, ulid: str) -> None:
        self._made.messages.append(ulid)
        self._made.contents[ulid] = bytes(self._stored[self._offset :])
        self._made.objects[message_key(ulid)] = bytes(self._stored)
        if self.fails:
            self._made.refused.append(ulid)
            self._session.content_failed(StoreUnavailable("the acknowledgement was lost"), self._now())
        else:
            self._session.content_stored(self._now())

    def _keep_apart(self, ulid: str) -> None:
        self._made.kept.append(ulid)
        self._made.contents[ulid] = bytes(self._stored[self._offset :])
        self._made.objects[refused_key(ulid)] = bytes(self._stored)
        self._session.content_stored(self._now())


def accepted_ms(ulid: str) -> int:
    """When the store had a message: a little after its id was made."""
    return ulid_ms(ulid) + 25
