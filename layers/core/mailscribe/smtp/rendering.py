r"""The classic form of a conversation: the server's lines as they are, the client's with ``>>> ``.

What is no octet of the conversation stands behind ``--- ``; content is its size and, if it ended, a lone dot. Octets
outside printable UTF-8 are shown as ``\xNN``, so a transcript cannot drive a terminal.
"""

from msgspec import UNSET

from mailscribe.smtp.transcript import ContentEvent, LineEvent, Note, Transcript, TranscriptEvent
from mailscribe.smtp.turn import transaction_events


def classic(transcript: Transcript, transaction: int | None = None) -> str:
    """The conversation as text, each line ended by LF; of one transaction only, if it is given."""
    events = transcript.events if transaction is None else transaction_events(transcript, transaction)
    live = LiveClassic()
    lines = [line for event in events for line in live.lines(event)]
    if transaction is None and transcript.end is not None and transcript.end.end == "lost":
        lines.append("--- closed: the server stopped")
    return "".join(f"{line}\n" for line in lines)


def classic_lines(event: TranscriptEvent) -> list[str]:
    """The lines of one event on its own; content is taken for that of DATA."""
    return LiveClassic().lines(event)


class LiveClassic:
    """Renders events while they happen; knows whether content belongs to a BDAT that still waits for its reply."""

    __slots__ = ("_is_asked",)

    def __init__(self) -> None:
        self._is_asked = False

    def lines(self, event: TranscriptEvent) -> list[str]:
        """The lines of the next event; none for what is not shown.

        >>> LiveClassic().lines(LineEvent(0, "C", b"NOOP"))
        ['>>> NOOP']
        """
        match event:
            case LineEvent(side="S"):
                self._is_asked = False
                return [_printable(event.data)]
            case LineEvent():
                self._is_asked = True
                return [f">>> {_printable(event.data)}"]
            case ContentEvent():
                size = f">>> ({event.content.bytes} bytes)"
                return [size] if self._is_asked or event.torn else [size, ">>> ."]
        return [_visible(line) for line in _note(event.note)]


def _note(note: Note) -> list[str]:
    if note.tls is not UNSET:
        return [f"--- {note.tls.version} {note.tls.cipher}"]
    if note.truncated:
        return ["--- truncated"]
    if note.suppressed is not UNSET:
        rest = note.suppressed
        return [f"--- {rest.sessions} sessions, not kept: {rest.from_:%Y-%m-%d %H:%M:%S} to {rest.to:%H:%M:%S}"]
    if note.closed is UNSET:
        return []
    reason = note.closed.reason
    return [f"--- {reason}" if reason in ("connection lost", "timed out") else f"--- closed: {reason}"]


def _printable(data: bytes) -> str:
    return _visible(data.decode("utf-8", "surrogateescape"))


def _visible(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else _escape(character) for character in text)


def _escape(character: str) -> str:
    return "".join(f"\\x{octet:02x}" for octet in character.encode("utf-8", "surrogateescape"))
