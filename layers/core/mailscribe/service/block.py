"""Takes the trace block off an object under `messages/`, and finds its end even when it is damaged.

The block holds every recipient, Bcc included, so no byte of it may be taken for the client's. Its length stands in
its first line; where that cannot be, the block ends behind its own header fields, the last of which is the
front end's Received. An object that does not begin like a block has none.
"""

import re
from dataclasses import dataclass
from typing import Final

from mailscribe.errors import CorruptObject
from mailscribe.smtp import Trace, open_trace

LENGTH_LINE: Final = re.compile(rb"X-Mailscribe-Object:[ \t]*1[ \t]+([0-9]{1,9})\r\n", re.IGNORECASE)
"""The first line: format and length of the whole block."""
_FIELD: Final = rb"(?i:%s)[ \t]*:[^\r\n]*(?:\r?\n[ \t][^\r\n]*)*\r?\n"
OWN_FIELDS: Final = re.compile(_FIELD % rb"(?:X-Mailscribe-(?:Object|Envelope|Transcript)|Return-Path|Delivered-To)")
RECEIVED: Final = re.compile(_FIELD % rb"Received")
BEGINNING: Final = re.compile(rb"(?i)X-Mailscribe-")


@dataclass(frozen=True, slots=True)
class Block:
    """What the block said, None when it cannot be read; and where the client's bytes begin."""

    trace: Trace | None
    length: int


def open_block(data: bytes, ulid: str) -> Block:
    """The block of message `ulid`'s object; one that speaks of another message is not believed."""
    try:
        trace = open_trace(data)
    except CorruptObject:
        return Block(None, damaged_length(data))
    return Block(trace if trace.message_id == ulid else None, trace.length)


def damaged_length(data: bytes) -> int:
    """Length of a block that cannot be read.

    >>> damaged_length(b"X-Mailscribe-Object: 1 x\\r\\nReceived: from a\\r\\n by b\\r\\nSubject: c\\r\\n")
    51
    >>> damaged_length(b"Subject: c\\r\\n")
    0
    """
    if not BEGINNING.match(data):
        return 0
    told = LENGTH_LINE.match(data)
    if told and told.end() < int(told[1]) <= len(data) and data.endswith(b"\r\n", 0, int(told[1])):
        return int(told[1])
    end = 0
    while field := OWN_FIELDS.match(data, end):
        end = field.end()
    received = RECEIVED.match(data, end)
    return received.end() if received else end
