"""A part of a message, decoded from the octets that its record says are its own, a piece at a time.

Nothing outside the part's range is read and the message is not parsed again; the pieces are cut as ingest cut them, so
the decoded size is the record's.
"""

from collections.abc import Callable, Iterator

from msgspec import UNSET

from mailscribe.errors import NotFound
from mailscribe.message.transfer import NO_CODING, PIECE, Decoder, Range, known_encoding, piece_end
from mailscribe.records import BodyPart, MessageRecord
from mailscribe.service.reading import Reading


def find_part(record: MessageRecord, part_id: str) -> BodyPart:
    """The leaf of that section number, or the file within a text. Raises `NotFound`, also for a multipart."""
    waiting = [*record.attachments, record.body_structure]
    while waiting:
        part = waiting.pop()
        if part.sub_parts is not None:
            waiting.extend(part.sub_parts)
        elif part.part_id == part_id and part.range is not UNSET:
            return part
    raise NotFound


def decoded(reading: Reading, record: MessageRecord, part: BodyPart, start: int, end: int) -> Iterator[bytes]:
    """The decoded octets [start, end) of a leaf, in pieces. Raises `StoreError` while it is read."""
    body_start, body_end = (0, 0) if part.range is UNSET else part.range
    encoding = None if part.encoding is UNSET else part.encoding
    if known_encoding(encoding) in NO_CODING:
        return reading.chunks(record, body_start + start, min(body_start + end, body_end), PIECE)
    decoder = RangeDecoder(lambda first, last: reading.raw(record, first, last), (body_start, body_end), encoding)
    return _between(decoder, start, end)


class RangeDecoder(Decoder):
    """A decoder of octets that are read when they are needed: `read(start, end)` gives them."""

    __slots__ = ("_read",)

    def __init__(
        self, read: Callable[[int, int], bytes], span: tuple[int, int], encoding: str | None, piece: int = PIECE
    ) -> None:
        super().__init__(Range(b"", *span), encoding, piece)
        self._read = read

    def pieces(self) -> Iterator[bytes]:
        """What `Decoder.pieces` gives of the same octets, cut at the same places."""
        start = self._start
        while self._end - start > self._piece:
            window = self._read(start, start + self._piece)
            if not window:
                return
            end = piece_end(window, 0, len(window))
            yield window[:end]
            start += end
        yield self._read(start, self._end)


def _between(pieces: Decoder, start: int, end: int) -> Iterator[bytes]:
    position = 0
    for piece in pieces:
        wanted = piece[max(start - position, 0) : max(end - position, 0)]
        position += len(piece)
        if wanted:
            yield wanted
        if position >= end:
            return
