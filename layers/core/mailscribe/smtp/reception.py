"""One message on its way in, by DATA or by chunks: what has come of it, and what is to be said of it.

A chunk's octets are counted before they come (RFC 3030); those of a chunk that is refused are counted and hashed all
the same, for they were said.
"""

import hashlib

from msgspec import structs

from mailscribe.settings import Settings
from mailscribe.smtp.content import ContentFacts, ContentReceiver
from mailscribe.smtp.reply import Refused
from mailscribe.smtp.transaction import Transaction


class Reception:
    """From ContentStarted to the fate of the message."""

    __slots__ = (
        "_before",
        "chunks",
        "ended_at",
        "facts",
        "id",
        "is_last",
        "left",
        "receiver",
        "refused",
        "transaction",
    )

    def __init__(self, ulid: str, settings: Settings, transaction: Transaction, *, chunks: bool) -> None:
        mail = transaction.mail
        self.id = ulid
        self.transaction = transaction
        self.receiver = ContentReceiver(
            settings, eight_bit=mail.is_eight_bit, binary=mail.is_binary, limit=transaction.limit
        )
        self.chunks = chunks
        """Whether it comes by BDAT."""
        self.left = 0
        """Octets of the chunk that are still to come."""
        self.is_last = not chunks
        """Whether nothing comes after what is coming."""
        self.facts: ContentFacts | None = None
        """Once its true end was there."""
        self.ended_at = 0
        self.refused: Refused | None = None
        """Why it is no message, though it may be kept."""
        self._before: ContentFacts | None = None
        """What had come before the chunk; None where all comes at once."""

    def begin_chunk(self, size: int, *, last: bool) -> bool:
        """The next chunk; False when it would be more than is taken."""
        before = self._before = self.receiver.so_far()
        if before.size + size > self.receiver.limit:
            return False
        self.left, self.is_last = size, last
        return True

    def take_chunk(self, data: bytes) -> bytes:
        """Octets of the chunk; what of them is kept."""
        self.left -= len(data)
        return self.receiver.chunk(data)

    def end(self, t: int) -> ContentFacts:
        """The true end."""
        self.facts, self.ended_at = self.receiver.close(), t
        return self.facts

    def told(self) -> ContentFacts:
        """What the record says has come: all of it, or of a chunk what the chunk brought."""
        facts = self.facts or (self.receiver.so_far() if not self.is_last else self.receiver.close())
        before = self._before
        if before is None:
            return facts
        return structs.replace(facts, size=facts.size - before.size, lines=facts.lines - before.lines)

    @property
    def is_longer_than_declared(self) -> bool:
        """Whether more came than MAIL's SIZE said (RFC 1870 §6.3)."""
        declared = self.transaction.mail.size
        return declared is not None and self.facts is not None and self.facts.size > declared


class Refuse:
    """The octets of a chunk that is refused."""

    __slots__ = ("_hash", "_lines", "_size", "left")

    def __init__(self, size: int) -> None:
        self.left = size
        self._size = 0
        self._lines = 0
        self._hash = hashlib.sha256()

    def take(self, data: bytes) -> None:
        """Octets of it."""
        self.left -= len(data)
        self._size += len(data)
        self._lines += data.count(b"\n")
        self._hash.update(data)

    def told(self) -> ContentFacts:
        """What the record says has come."""
        return ContentFacts(self._size, self._lines, self._hash.hexdigest(), (), None)
