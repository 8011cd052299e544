"""What a session tells its driver, and who the driver says the peer is."""

from enum import Enum, auto

from msgspec import Struct


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
    """The true end was there and nothing is wrong: store, then answer."""

    message_id: str


class ContentAborted(Struct, frozen=True):
    """The message will not be: drop what was written. The reply, where there is one, is in the output."""

    message_id: str


class Closing(Struct, frozen=True):
    """The last event: write the output, store the transcript, close."""


type Event = ContentStarted | ContentChunk | ContentEnded | ContentAborted | Closing
