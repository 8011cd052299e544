"""Content coming in: the session's side that handles octets which are no commands.

It takes from the input what belongs to the message, by DATA to the true end, by BDAT so many octets as were said, and
tells the session what has come. It records content and asks the driver to begin, take and drop it; replies, order and
the end of transactions are not for here.
"""

from collections.abc import Callable
from enum import Enum, auto

from mailscribe.settings import Settings
from mailscribe.smtp.command import Chunk
from mailscribe.smtp.event import ContentAborted, ContentChunk, ContentStarted, Event, MessageEnd
from mailscribe.smtp.lines import LineBuffer
from mailscribe.smtp.reception import Reception, Refuse
from mailscribe.smtp.recorder import Fate
from mailscribe.smtp.transaction import Transaction
from mailscribe.smtp.wire import Wire


class Found(Enum):
    """What the input held."""

    MORE = auto()
    """Not enough yet."""
    CHUNK = auto()
    """A chunk that is not the last is whole."""
    END = auto()
    """The true end of the message."""
    FLOOD = auto()
    """So much more than is taken that its end is not waited for."""


class Intake:
    """Receives the messages of one session, one at a time."""

    __slots__ = ("_emit", "_input", "_refuse", "_settings", "_wire", "reception")

    def __init__(self, settings: Settings, lines: LineBuffer, wire: Wire, emit: Callable[[Event], None]) -> None:
        self._settings = settings
        self._input = lines
        self._wire = wire
        self._emit = emit
        self._refuse: Refuse | None = None
        self.reception: Reception | None = None

    @property
    def current(self) -> Reception:
        """The message that is on its way."""
        if self.reception is None:
            raise AssertionError("no message is on its way")
        return self.reception

    def begin(self, ulid: str, transaction: Transaction, trace: bytes, *, chunks: bool) -> None:
        """Ask the driver for room."""
        self.reception = Reception(ulid, self._settings, transaction, chunks=chunks)
        self._emit(ContentStarted(ulid, trace))

    def take(self) -> Found:
        """Take content from the input."""
        reception = self.current
        if reception.chunks:
            piece = reception.take_chunk(self._input.take(reception.left))
            if piece:
                self._emit(ContentChunk(piece))
            if reception.left:
                return Found.MORE
            return Found.END if reception.is_last else Found.CHUNK
        piece, rest = reception.receiver.feed(self._input.take_all())
        if piece:
            self._emit(ContentChunk(piece))
        if reception.receiver.is_flood:
            return Found.FLOOD
        if rest is None:
            return Found.MORE
        self._input.feed(rest)
        return Found.END

    def throw_away(self, chunk: Chunk) -> None:
        """The octets of this chunk are not wanted."""
        self._refuse = Refuse(chunk.size)

    def skip(self) -> bool:
        """Take what is not wanted from the input; True when all of it has come."""
        refuse = self._refuse
        if refuse is None:
            raise AssertionError("nothing is to be skipped")
        refuse.take(self._input.take(refuse.left))
        if refuse.left:
            return False
        self._wire.recorder.content(self._wire.now, refuse.told(), Fate(None))
        self._refuse = None
        return True

    def record(self, fate: Fate) -> None:
        """Put into the transcript what has come of the message, or of its chunk."""
        reception = self.current
        self._wire.recorder.content(reception.ended_at or self._wire.now, reception.told(), fate)
        if reception.is_longer_than_declared and not fate.torn:
            self._wire.finding("size-lie")

    def end(self, fate: Fate) -> None:
        """The message has its fate."""
        self.record(fate)
        self._wire.recorder.message_ended(_end_of(fate, self.current))
        self.reception = None

    def drop(self) -> None:
        """Nothing will come of it: the driver forgets what it has."""
        if self.reception is not None:
            self._emit(ContentAborted(self.reception.id))
            self._wire.recorder.message_ended("torn")
            self.reception = None

    def tear(self, *, receiving: bool, skipping: bool) -> None:
        """The session ends before the content does."""
        if receiving:
            self.record(Fate(None, torn=True))
        elif skipping and self._refuse is not None:
            self._wire.recorder.content(self._wire.now, self._refuse.told(), Fate(None, torn=True))
        self.drop()


def _end_of(fate: Fate, reception: Reception) -> MessageEnd:
    if fate.discarded:
        return "discarded"
    if fate.accepted:
        return "accepted"
    return "failed" if reception.refused is None else "refused"
