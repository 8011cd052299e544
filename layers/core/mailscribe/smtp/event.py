"""What a session tells its driver, and who the driver says the peer is."""

from enum import Enum, auto
from typing import Literal, Protocol

from msgspec import Struct

from mailscribe.records import Finding, SessionEnd


class Peer(Struct, frozen=True):
    """The client's end of the connection, and the listener it came to."""

    ip: str
    port: int
    listener: str = "smtp"
    name: str | None = None


class Refusal(Enum):
    """Why a connection gets no service."""

    TOO_MANY = auto()
    """421 4.7.0 and close."""
    NO_SERVICE = auto()
    """554; only QUIT is served."""


class ContentStarted(Struct, frozen=True):
    """DATA is in order: admit or refuse. `trace` is to be written before the first chunk."""

    message_id: str
    trace: bytes


class ContentChunk(Struct, frozen=True):
    """Octets of content, dots unstuffed."""

    data: bytes


class ContentEnded(Struct, frozen=True):
    """The true end was there: store, then answer. `refused`: keep it apart, it is no message and the reply says no."""

    message_id: str
    refused: bool = False


class ContentAborted(Struct, frozen=True):
    """The message will not be: drop what was written. The reply, where there is one, is in the output."""

    message_id: str


class Closing(Struct, frozen=True):
    """The last event: write the output, store the transcript, close. With what the closing line says."""

    end: SessionEnd
    outcome: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()


class TlsRequested(Struct, frozen=True):
    """220 to STARTTLS is in the output: write it, then begin TLS, reading nothing in between; then answer."""


class AuthRequested(Struct, frozen=True):
    """Credentials to be verified, then answered. The secret is in no representation."""

    mechanism: str
    user: str
    secret: bytes

    def __repr__(self) -> str:
        """Without the secret, and without the user, who may have typed it there."""
        return f"AuthRequested({self.mechanism})"


class Pause(Struct, frozen=True):
    """A rule's delay: say `resumed` after so many seconds."""

    seconds: float


class Throttled(Struct, frozen=True):
    """From now on read no more than so many octets a second from this peer."""

    rate: int


type MessageEnd = Literal["accepted", "discarded", "refused", "failed", "torn"]
"""What came of a message: stored; accepted and thrown away by a rule; refused after its true end; not stored, so 451 or
452; or its end never came."""


class Observer(Protocol):
    """Is told what is said, while it is said; must be quick and must not raise."""

    def replied(self, verb: str | None, code: int, latency_us: int | None) -> None:
        """A reply to `verb` (None: to nothing), so many µs after the command or the end of content."""
        ...

    def finding(self, code: str) -> None:
        """A finding was noted."""
        ...

    def message(self, end: MessageEnd) -> None:
        """A message that was on its way has come to its end."""
        ...


type Event = (
    ContentStarted
    | ContentChunk
    | ContentEnded
    | ContentAborted
    | TlsRequested
    | AuthRequested
    | Pause
    | Throttled
    | Closing
)
