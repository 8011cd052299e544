"""The one transcript in the place of many: sessions without a message that were counted and not kept."""

from collections.abc import Iterable
from datetime import datetime

import msgspec

from mailscribe.smtp.recorder import closing_line, header_line
from mailscribe.smtp.transcript import Note, StoredHeader, Suppressed


def suppressed_transcript(header: StoredHeader, told: Suppressed, outcomes: Iterable[str]) -> bytes:
    """A whole transcript: the first session's header, how many there were, and what came of any of them."""
    note = msgspec.json.encode(Note(suppressed=told))
    last = _since(header.opened, told.to)
    lines = [
        header_line(header),
        b'{"t":%d,"dir":"!","note":%b}\n' % (_since(header.opened, told.from_), note),
        closing_line(last, "policy", tuple(sorted(outcomes)), told.to, []),
    ]
    return b"".join(lines)


def _since(opened: datetime, moment: datetime) -> int:
    return max(0, int((moment - opened).total_seconds() * 1_000_000))
