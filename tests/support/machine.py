"""A driver for the SMTP session machine without sockets: it answers events at once and keeps what comes out."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count

from mailscribe.errors import StoreError
from mailscribe.ids import make_ulid
from mailscribe.policy import Policy
from mailscribe.records import Tls
from mailscribe.settings import Settings
from mailscribe.smtp import (
    AuthRequested,
    Closing,
    ContentAborted,
    ContentChunk,
    ContentEnded,
    ContentStarted,
    Event,
    Observer,
    Pause,
    Peer,
    Service,
    Session,
    Throttled,
    TlsRequested,
    Transcript,
    read_transcript,
)

OPENED = datetime(1998, 5, 21, 18, 37, 24, tzinfo=UTC)
HOST = "test.org"
LOCAL = Settings(domains=("*",), line_ends="store", hostname=HOST)
STRICT = Settings(domains=("*",), line_ends="reject", hostname=HOST)
PEER = Peer("192.0.2.7", 40025)
SESSION_ID = make_ulid(895_775_844_000, 0)
SECOND = 1_000_000
TLS = Tls(version="TLSv1.3", cipher="TLS_AES_256_GCM_SHA384", sni=HOST)
PLAIN = Service()
FULL = Service(starttls=True, auth=True, auth_in_clear=True, classic=True, keep_refused=True)
GOOD = b"Date: Tue, 21 May 1998 11:37:24 -0700\r\nMessage-ID: <1@sun.tuc.test.org>\r\n\r\n8, 9, 10.\r\n"


def message_id(number: int) -> str:
    """The id of a session's message number `number`, from 1."""
    return make_ulid(895_775_844_000, number)


@dataclass
class Message:
    """A message that the machine gave to the driver."""

    id: str
    trace: bytes
    content: bytes = b""
    fate: str = "open"


@dataclass
class Driver:
    """Drives one session. `admit`, `failure`, `users`, `tls` are the answers it gives; set `pauses` to answer by hand.

    `users`: user → secret; None takes everybody. `tls`: what a handshake comes to, a text is why it fails.
    """

    settings: Settings = LOCAL
    peer: Peer = PEER
    admit: bool = True
    failure: StoreError | None = None
    pauses: bool = False
    service: Service = PLAIN
    policy: Policy | None = None
    observer: Observer | None = None
    users: dict[str, bytes] | None = None
    tls: Tls | str = TLS
    events: list[Event] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    stored: bytes = b""
    closed: bool = False
    t: int = 0

    def __post_init__(self) -> None:
        numbers = count(1)
        self.session = Session(
            self.settings,
            self.peer,
            session_id=SESSION_ID,
            opened=OPENED,
            new_id=lambda: message_id(next(numbers)),
            service=self.service,
            policy=self.policy,
            observer=self.observer,
        )

    def open(self) -> bytes:
        """Greet; the reply."""
        return self.do(self.session.open)

    def say(self, data: bytes) -> bytes:
        """Send octets in one segment; the replies."""
        return self.do(lambda t: self.session.receive(data, t))

    def say_in(self, segments: Iterable[bytes]) -> bytes:
        """Send octets in several segments; the replies."""
        return b"".join([self.say(segment) for segment in segments])

    def do(self, step: Callable[[int], None]) -> bytes:
        """Tell the machine something, take all events; the replies."""
        step(self.t)
        while (event := self.session.next_event()) is not None:
            self.events.append(event)
            self._answer(event)
        self.stored += self.session.transcript()
        return self.session.output()

    def _answer(self, event: Event) -> None:
        match event:
            case ContentStarted(ulid, trace):
                self.messages.append(Message(ulid, trace))
                self._answer_start()
            case ContentChunk(data):
                self.messages[-1].content += data
            case ContentEnded(_, refused):
                self._answer_end(refused=refused)
            case ContentAborted():
                self.messages[-1].fate = "aborted"
            case Closing():
                assert not self.closed
                self.closed = True
            case AuthRequested() | TlsRequested() | Pause():
                self._answer_wait(event)
            case Throttled():
                pass

    def _answer_wait(self, event: AuthRequested | TlsRequested | Pause) -> None:
        session = self.session
        match event:
            case _ if self.pauses:
                return
            case AuthRequested(_, user, secret):
                known = self.users is None or self.users.get(user) == secret
                (session.auth_accepted if known else session.auth_rejected)(self.t)
            case TlsRequested() if isinstance(self.tls, str):
                session.tls_failed(self.tls, self.t)
            case TlsRequested():
                assert isinstance(self.tls, Tls)
                session.secured(self.tls, self.t)
            case Pause(seconds):
                self.t += int(seconds * SECOND)
                session.resumed(self.t)

    def _answer_start(self) -> None:
        if self.pauses:
            return
        if self.admit:
            self.session.content_admitted(self.t)
        else:
            self.messages[-1].fate = "refused"
            self.session.content_refused(self.t)

    def _answer_end(self, *, refused: bool) -> None:
        if not self.pauses:
            self.answer_end(refused=refused)

    def answer_end(self, *, refused: bool = False) -> None:
        """Answer ContentEnded as `failure` says."""
        if self.failure is None:
            self.messages[-1].fate = "kept" if refused else "stored"
            self.session.content_stored(self.t)
        else:
            self.messages[-1].fate = "failed"
            self.session.content_failed(self.failure, self.t)

    @property
    def accepted(self) -> list[bytes]:
        """The contents of the messages that were stored."""
        return [message.content for message in self.messages if message.fate == "stored"]

    @property
    def transcript(self) -> Transcript:
        """What was stored of the conversation."""
        return read_transcript(self.stored)

    @property
    def findings(self) -> list[tuple[str, int]]:
        """Findings of a session that has ended."""
        end = self.transcript.end
        assert end is not None
        return [(finding.code, finding.turn) for finding in end.findings]


def started(settings: Settings = LOCAL, *, hello: bytes = b"EHLO sun.tuc.test.org\r\n") -> Driver:
    """A session that has said hello."""
    driver = Driver(settings)
    driver.open()
    if hello:
        assert driver.say(hello).startswith(b"250")
    return driver


def in_content(settings: Settings = LOCAL, mail: bytes = b"MAIL FROM:<mable@sun.tuc.test.org>\r\n") -> Driver:
    """A session that has got its 354."""
    driver = started(settings)
    assert driver.say(mail).startswith(b"250 2.1.0")
    assert driver.say(b"RCPT TO:<mable@test.org>\r\n").startswith(b"250 2.1.5")
    assert driver.say(b"DATA\r\n").startswith(b"354 ")
    return driver


def splits(data: bytes) -> Iterable[list[bytes]]:
    """Whole, byte by byte, and at every single split."""
    yield [data]
    yield [data[index : index + 1] for index in range(len(data))]
    for index in range(1, len(data)):
        yield [data[:index], data[index:]]
