"""The SMTP protocol, sans I/O: the session machine, the transcript, the trace block."""

from mailscribe.smtp.event import (
    Closing,
    ContentAborted,
    ContentChunk,
    ContentEnded,
    ContentStarted,
    Event,
    Peer,
    Refusal,
)
from mailscribe.smtp.session import Session
from mailscribe.smtp.trace import Trace, TraceFacts, build_trace, parse_trace
from mailscribe.smtp.transcript import (
    Closed,
    ContentEvent,
    End,
    LineEvent,
    Note,
    NoteEvent,
    Transcript,
    TranscriptEvent,
    read_transcript,
)

__all__ = [
    "Closed",
    "Closing",
    "ContentAborted",
    "ContentChunk",
    "ContentEnded",
    "ContentEvent",
    "ContentStarted",
    "End",
    "Event",
    "LineEvent",
    "Note",
    "NoteEvent",
    "Peer",
    "Refusal",
    "Session",
    "Trace",
    "TraceFacts",
    "Transcript",
    "TranscriptEvent",
    "build_trace",
    "parse_trace",
    "read_transcript",
]
