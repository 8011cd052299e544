"""Plays the steps of a session against a server, sans I/O: octets to write out, octets read in, results.

The caller writes `output`, begins TLS when `wants_tls` says so, feeds `receive`, and says when the connection is lost,
until `is_over`. Content goes only where the server asks for it (354), and a response only where it was challenged
(334): elsewhere they would be read as commands. A server that asks for what the client never sent is left alone there.
"""

from collections import deque
from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Final

from msgspec import Struct, structs

from mailscribe.records import Content, Tls
from mailscribe.smtp.command import Verb
from mailscribe.smtp.rendering import LiveClassic
from mailscribe.smtp.replay import Source, Step, code_of
from mailscribe.smtp.transcript import Closed, LineEvent, Note, NoteEvent

type Contents = Callable[[Content], bytes | None]
"""The octets of a message or of refused content; None: they are not kept."""

MAX_REPLY_LINE: Final = 65_536
_FILLER_LINE: Final = b"x" * 76 + b"\r\n"


class Fate(StrEnum):
    """What became of a step."""

    ANSWERED = "answered"
    SENT = "sent, no reply was due"
    SKIPPED = "left out"
    NOT_ASKED = "not sent: the server did not ask for it"
    UNANSWERED = "sent, no reply came"
    NOT_REACHED = "not reached"


class Played(Struct, frozen=True):
    """A step, and what came of it this time."""

    step: Step
    fate: Fate
    reply: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    """What happened then that was no octet of the conversation, in the classic form."""
    note: str = ""

    @property
    def same_code(self) -> bool:
        """Whether the server did as in the record; True for what was not to be tried."""
        match self.fate:
            case Fate.ANSWERED:
                return code_of(self.reply) is not None and code_of(self.reply) == code_of(self.step.reply)
            case Fate.SENT | Fate.SKIPPED:
                return True
            case _:
                return not self.step.reply

    @property
    def is_sent(self) -> bool:
        """Whether the client has said it this time."""
        return self.fate in (Fate.ANSWERED, Fate.SENT, Fate.UNANSWERED)


class Player:
    """See the module."""

    def __init__(self, steps: Sequence[Step], contents: Contents) -> None:
        self._steps = deque(steps)
        self._contents = contents
        self._due: deque[tuple[Step, str]] = deque()
        """Sent, with what is to be noted; their replies are to come."""
        self._out: list[bytes] = []
        self._input = b""
        self._reply: list[str] = []
        self._code: int | None = 0
        self._played: list[Played] = []
        self.wants_tls = False
        """TLS is to begin before anything more is written or read."""
        self.is_over = False
        self._go_on()

    @property
    def awaited(self) -> Step | None:
        """The step whose reply is to come next."""
        return self._due[0][0] if self._due else None

    def output(self) -> bytes:
        """Octets to write now."""
        octets = b"".join(self._out)
        self._out.clear()
        return octets

    def played(self) -> list[Played]:
        """What is new, in the order of the steps; what may still become more is kept."""
        kept = len(self._played) - self.wants_tls
        played, self._played = self._played[:kept], self._played[kept:]
        return played

    def receive(self, data: bytes) -> None:
        """Octets from the server."""
        self._input += data
        while not self.is_over and not self.wants_tls and self._due:
            line, end, rest = self._input.partition(b"\n")
            if not end:
                if len(line) > MAX_REPLY_LINE:
                    self.lost("a reply without end")
                return
            self._input = rest
            self._take(line.removesuffix(b"\r"))

    def secured(self, tls: Tls) -> None:
        """TLS has begun."""
        self.wants_tls, self._input = False, b""
        self._played[-1] = structs.replace(self._played[-1], after=_lines(Note(tls=tls)))
        self._go_on()

    def lost(self, why: str) -> None:
        """Nothing more comes from the server, for this reason."""
        if self.is_over:
            return
        after = _lines(Note(closed=Closed("server", why)))
        if self.wants_tls:
            self._played[-1] = structs.replace(self._played[-1], after=after)
            self.wants_tls = False
        elif self._due:
            step, note = self._due.popleft()
            self._played.append(Played(step, Fate.UNANSWERED, tuple(self._reply), after, note))
        self._end("")

    def _take(self, line: bytes) -> None:
        self._reply += LiveClassic().lines(LineEvent(0, "S", line))
        if line[3:4] == b"-" and line[:3].isdigit():
            return
        reply, self._reply = tuple(self._reply), []
        step, note = self._due.popleft()
        self._add(step, Fate.ANSWERED, reply, note)
        self._code = code_of(reply)
        if self._code is None:
            self._end("that is no reply of an SMTP server")
        elif self._is_stray():
            self._end("the server asks for what the client never sent")
        elif step.verb == Verb.STARTTLS and self._code == 220:
            self._upgrade()
        else:
            self._go_on()

    def _upgrade(self) -> None:
        if self._due:
            self._end("the server begins TLS, and the client has gone on in clear")
        else:
            self.wants_tls = True

    def _is_stray(self) -> bool:
        """Whether the server waits for something that does not come next."""
        waits = self._code is not None and 300 <= self._code < 400
        follows = self._steps[0].needs if self._steps else 0
        return waits and (bool(self._due) or follows != self._code)

    def _go_on(self) -> None:
        """Send what may be sent now: the next step, and what the client did not hold back behind it."""
        while self._steps and (not self._due or self._steps[0].early):
            step = self._steps.popleft()
            if step.skipped:
                self._add(step, Fate.SKIPPED, note=step.note)
            elif step.needs and step.needs != self._code:
                self._add(step, Fate.NOT_ASKED)
            else:
                self._send(step)
        if not self._steps and not self._due:
            self.is_over = True

    def _send(self, step: Step) -> None:
        note = step.note
        self._out.append(step.octets)
        if step.source is not None:
            octets, note = _octets(step.source, self._contents)
            self._out.append(octets)
        if step.awaits:
            self._due.append((step, note))
        else:
            self._add(step, Fate.SENT, note=note)

    def _add(self, step: Step, fate: Fate, reply: tuple[str, ...] = (), note: str = "") -> None:
        self._played.append(Played(step, fate, reply, note=note))

    def _end(self, why: str) -> None:
        """No more is sent."""
        while self._due:
            step, note = self._due.popleft()
            self._add(step, Fate.UNANSWERED, note=note)
        for step in self._steps:
            self._add(step, Fate.SKIPPED if step.skipped else Fate.NOT_REACHED, note=step.note or why)
            why = ""
        self._steps.clear()
        self.is_over = True


def _lines(note: Note) -> tuple[str, ...]:
    return tuple(LiveClassic().lines(NoteEvent(0, note)))


def _octets(source: Source, contents: Contents) -> tuple[bytes, str]:
    """The content as it goes over the wire, and what is to be said of it."""
    whole = None if source.torn else contents(source.content)
    kept = whole is not None and len(whole) >= source.offset + source.size
    note = "" if kept else "the content is not kept; as many octets stand in for it"
    if source.torn:
        return b"x" * source.size, note
    octets = filler(source.size) if whole is None or not kept else whole[source.offset : source.offset + source.size]
    return stuffed(octets) + b".\r\n" if source.dotted else octets, note


def stuffed(content: bytes) -> bytes:
    r"""Content with the dots doubled that begin a line (RFC 5321 §4.5.2); only CRLF ends a line.

    >>> stuffed(b".\r\na\n.\r\n")
    b'..\r\na\n.\r\n'
    """
    doubled = content.replace(b"\r\n.", b"\r\n..")
    return b"." + doubled if doubled.startswith(b".") else doubled


def filler(size: int) -> bytes:
    r"""So many octets of text, as lines that end.

    >>> filler(5), len(filler(1000)), filler(79)[-3:]
    (b'xxx\r\n', 1000, b'\n\r\n')
    """
    lines, left = divmod(size, len(_FILLER_LINE))
    if left == 1 and lines:  # a line needs two
        return _FILLER_LINE * (lines - 1) + b"x" * 75 + b"\r\n" + b"\r\n"
    last = b"x" * (left - 2) + b"\r\n" if left >= 2 else b"x" * left
    return _FILLER_LINE * lines + last
