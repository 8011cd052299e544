"""The SMTP protocol, sans I/O: the session machine, the transcript, the trace block."""

from mailscribe.smtp.event import (
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
    Refusal,
    Throttled,
    TlsRequested,
)
from mailscribe.smtp.loss import close_lost, lost_line, outcome_of
from mailscribe.smtp.rendering import LiveClassic, classic, classic_lines
from mailscribe.smtp.service import Service
from mailscribe.smtp.session import Session
from mailscribe.smtp.suppression import suppressed_transcript
from mailscribe.smtp.trace import Trace, TraceFacts, build_trace, open_trace, parse_trace
from mailscribe.smtp.transcript import (
    Closed,
    ContentEvent,
    End,
    LineEvent,
    Note,
    NoteEvent,
    RuleHit,
    StoredHeader,
    Suppressed,
    Transcript,
    TranscriptEvent,
    read_transcript,
)
from mailscribe.smtp.turn import findings, turns, turns_and_findings

__all__ = [
    "AuthRequested",
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
    "LiveClassic",
    "Note",
    "NoteEvent",
    "Observer",
    "Pause",
    "Peer",
    "Refusal",
    "RuleHit",
    "Service",
    "Session",
    "StoredHeader",
    "Suppressed",
    "Throttled",
    "TlsRequested",
    "Trace",
    "TraceFacts",
    "Transcript",
    "TranscriptEvent",
    "build_trace",
    "classic",
    "classic_lines",
    "close_lost",
    "findings",
    "lost_line",
    "open_trace",
    "outcome_of",
    "parse_trace",
    "read_transcript",
    "suppressed_transcript",
    "turns",
    "turns_and_findings",
]
