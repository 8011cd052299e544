"""The end of a transcript whose process died: what there is of it, closed as `lost`.

The time of the end is that of the last event: nothing is known of what came after it.
"""

from collections.abc import Iterable
from datetime import timedelta

from msgspec import UNSET

from mailscribe.records import Turn
from mailscribe.smtp.outcome import Outcome
from mailscribe.smtp.recorder import closing_line
from mailscribe.smtp.transcript import NoteEvent, Transcript, read_transcript
from mailscribe.smtp.turn import findings, turns


def close_lost(data: bytes) -> bytes:
    """A whole transcript: the complete lines of `data` and, if it is missing, the closing line.

    Raises `CorruptObject` when not even the first line is there.
    """
    return data[: data.rfind(b"\n") + 1] + lost_line(data)


def lost_line(data: bytes) -> bytes:
    """The closing line to put behind the complete lines of `data`; empty if it has one. Raises `CorruptObject`."""
    transcript = read_transcript(data)
    if transcript.end is not None:
        return b""
    last = transcript.events[-1].t if transcript.events else 0
    closed = transcript.opened + timedelta(microseconds=last)
    return closing_line(last, "lost", outcome_of(transcript), closed, list(findings(transcript)))


def outcome_of(transcript: Transcript, told: Iterable[Turn] | None = None) -> tuple[str, ...]:
    """What came of the session: the closing line's word, or what its turns say (`told`, if they are at hand)."""
    if transcript.end is not None:
        return transcript.end.outcome
    outcome = Outcome()
    for turn in turns(transcript) if told is None else told:
        outcome.command(turn.verb)
        if turn.content:
            outcome.content(delivered=turn.message is not UNSET)
        if turn.reply:
            outcome.reply(turn.reply.code, turn.seq)
    if any(isinstance(event, NoteEvent) and event.note.tls_failed is not UNSET for event in transcript.events):
        outcome.tls_failed()
    return outcome.names()
