"""A stored transcript as a script: the client's side of it, step by step, to be played against a server.

A step is what the client said and the reply that it got. What was sent before the reply to the step before it had come
is `early`: in the record both stand at the same time, for nobody answers within a microsecond. What no transcript
holds is not made up: secrets are masked, so AUTH is left out or done with other credentials; what a server said unasked
is not awaited; each such step says so. Octets of content are found by the player, when they are due.
"""

import base64
import re
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import Final

from msgspec import UNSET, Struct

from mailscribe.errors import MailscribeError
from mailscribe.records import Content, Tls
from mailscribe.smtp.command import Verb
from mailscribe.smtp.mask import Mask
from mailscribe.smtp.recorder import EOD
from mailscribe.smtp.rendering import LiveClassic
from mailscribe.smtp.transcript import ContentEvent, LineEvent, NoteEvent, Transcript
from mailscribe.smtp.turn import verb_of

RESPONSE: Final = "RESPONSE"
"""In place of a verb: a line of an AUTH exchange."""
_MASKED: Final = re.compile(rb"\[masked ([0-9]+)\]\Z")
_AUTH: Final = re.compile(rb"(?i)AUTH[ \t]+(PLAIN|LOGIN)(?: (\[masked [0-9]+\]))?\Z")
_GUESSED: Final = {0: b"", 1: b"*"}
"""Responses that are no secret: an empty one, and the only one of a single octet that means anything: cancel."""
_BEGINS: Final = frozenset(
    (Verb.HELO, Verb.EHLO, Verb.STARTTLS, Verb.MAIL, Verb.SEND, Verb.SOML, Verb.SAML, Verb.RSET, Verb.DATA)
)
"""Taken, they leave no chunk of a message that is not whole."""


class Source(Struct, frozen=True):
    """Where the octets of content are: `size` of them from `offset` on in what `content` names, if it is kept."""

    content: Content
    offset: int
    size: int
    dotted: bool
    """By DATA: dots are doubled and a lone one ends it."""
    torn: bool = False
    """The end never came."""


class Step(Struct, frozen=True, kw_only=True):
    """What the client said, and the reply as recorded. The representation has nothing that was said."""

    verb: str | None
    """None: the greeting, or a reply that nobody asked for; `EOD`: the end of content."""
    said: tuple[str, ...] = ()
    """In the classic form, as recorded."""
    reply: tuple[str, ...] = ()
    """Lines in the classic form; none: the server said nothing."""
    after: tuple[str, ...] = ()
    """What happened then that was no octet of the conversation, in the classic form."""
    octets: bytes = b""
    """To be sent before the content, if there is any."""
    shown: tuple[str, ...] = ()
    """`octets` in the classic form, secrets masked."""
    source: Source | None = None
    needs: int = 0
    """Sent only after a reply of this code."""
    early: bool = False
    awaits: bool = True
    """Whether a reply is due; else the client leaves after it."""
    skipped: bool = False
    note: str = ""
    """What is not as it was."""

    def __repr__(self) -> str:
        """Without what was said: a secret may be in it."""
        return f"Step({self.verb}, {self.reply[-1:]})"


class Login(Struct, frozen=True):
    """Credentials to be used in place of those that were masked."""

    user: str
    secret: str

    def __repr__(self) -> str:
        """Without them."""
        return "Login()"


def plan(transcript: Transcript, login: Login | None = None, *, tls: bool = True) -> tuple[Step, ...]:
    """The steps of a session, in order. Without `tls` STARTTLS is left out."""
    turns = _fold(transcript)
    _find_contents(turns)
    return tuple(_steps(turns, _Secrets(login), tls=tls))


def tls_at_opening(transcript: Transcript) -> Tls | None:
    """What TLS was agreed on before the greeting, if it was."""
    for event in transcript.events:
        if isinstance(event, LineEvent) and event.side == "S":
            return None
        if isinstance(event, NoteEvent) and event.note.tls is not UNSET:
            return event.note.tls
    return None


def server_name(transcript: Transcript) -> str | None:
    """The name that the client asked for when it began TLS (RFC 6066 §3)."""
    notes = [event.note for event in transcript.events if isinstance(event, NoteEvent)]
    return next((note.tls.sni for note in notes if note.tls is not UNSET and note.tls.sni), None)


def code_of(reply: Sequence[str]) -> int | None:
    """The code of a reply's lines; None if there are none, or what was said is no reply.

    >>> code_of(["250-one", "250 two"]), code_of(["HTTP/1.1 400 Bad Request"])
    (250, None)
    """
    code = reply[-1][:3] if reply else ""
    return int(code) if code.isascii() and code.isdigit() and len(code) == 3 else None


class _Turn(Struct):
    """One thing that the client said, while the events are gone through."""

    t: int
    line: bytes | None = None
    verb: str | None = None
    content: ContentEvent | None = None
    reply: list[str] = []
    before: list[str] = []
    after: list[str] = []
    answered_at: int = -1
    lost_input: bool = False
    early: bool = False
    half: bool = False
    """The line's end never came."""
    unasked: bool = False
    source: Source | None = None

    @property
    def code(self) -> int | None:
        return code_of(self.reply)


def _fold(transcript: Transcript) -> list[_Turn]:
    turns: list[_Turn] = []
    before: list[str] = []
    live = LiveClassic()
    for event in transcript.events:
        last = turns[-1] if turns else None
        match event:
            case NoteEvent():
                _happen(event, last, before)
            case LineEvent(side="C"):
                turns.append(_Turn(event.t, event.data, _verb(event.data, last)))
                _place(turns, last)
            case ContentEvent():
                if last is None or last.answered_at >= 0:
                    turns.append(_Turn(event.t, verb=EOD))
                turns[-1].content = event
            case LineEvent():
                if last is None or last.answered_at >= 0:
                    turns.append(_Turn(event.t, unasked=last is not None))
                turns[-1].reply += live.lines(event)
                if event.data[3:4] != b"-":
                    turns[-1].answered_at = event.t
    if turns:
        turns[0].before = before
    _mark_end(transcript, turns)
    return turns


def _happen(event: NoteEvent, last: _Turn | None, before: list[str]) -> None:
    (before if last is None else last.after).extend(LiveClassic().lines(event))
    if last is not None and event.note.finding == "pipelined-early":
        last.lost_input = True


def _verb(line: bytes, last: _Turn | None) -> str:
    return RESPONSE if last is not None and last.code == 334 else verb_of(line)


def _place(turns: list[_Turn], last: _Turn | None) -> None:
    """The turn that begins was early if the one before it had its reply at the same time."""
    turns[-1].early = last is not None and last.answered_at == turns[-1].t
    if turns[-1].early and last is not None:
        last.lost_input = False


def _mark_end(transcript: Transcript, turns: list[_Turn]) -> None:
    """A session may end in the middle of a line or of content; the reply that says so was asked for by nobody."""
    end = transcript.end.end if transcript.end else "lost"
    last = turns[-1] if turns else None
    if last is None or last.verb is None:
        return
    if last.answered_at < 0 and last.content is None:
        last.half = end in ("aborted", "lost")
    elif end in ("timeout", "shutdown") and last.code == 421:
        last.half = last.content is None
        rest = _Turn(last.answered_at, reply=last.reply, after=last.after, answered_at=last.answered_at, unasked=True)
        turns.append(rest)
        last.reply, last.after, last.answered_at = [], [], -1


def _find_contents(turns: list[_Turn]) -> None:
    """Say of each content where its octets are: a message that came in chunks is named by the last of them."""
    chunks: list[_Turn] = []
    for turn in turns:
        if turn.content is None:
            if turn.verb in _BEGINS and turn.code in (220, 250, 354):
                chunks.clear()
            continue
        facts, torn = turn.content.content, turn.content.torn
        turn.source = Source(facts, 0, facts.bytes, dotted=turn.verb == EOD, torn=torn)
        if turn.verb == EOD:
            continue
        chunks.append(turn)
        if facts.message is not UNSET or facts.refused is not UNSET:
            _spread(facts, chunks)
        if turn.code != 250 or facts.message is not UNSET:
            chunks.clear()


def _spread(facts: Content, chunks: list[_Turn]) -> None:
    offset = 0
    for turn in chunks:
        size = turn.content.content.bytes if turn.content else 0
        turn.source = Source(facts, offset, size, dotted=False)
        offset += size


def _steps(turns: list[_Turn], secrets: "_Secrets", *, tls: bool) -> Iterator[Step]:
    for turn, behind in zip_longest(turns, turns[1:]):
        if turn.unasked:
            yield _left_out(turn, "said unasked; not awaited")
            continue
        if turn.verb == Verb.STARTTLS and not tls:
            yield _left_out(turn, "left out: no TLS is wanted")
            continue
        try:
            line = secrets.line(turn, behind.line if behind is not None and behind.verb == RESPONSE else None)
        except _Unknowable as unknowable:
            yield _left_out(turn, str(unknowable))
        else:
            yield _step(turn, line)


def _step(turn: _Turn, line: bytes | None) -> Step:
    return Step(
        verb=turn.verb,
        said=(*turn.before, *_shown(turn, turn.line)),
        reply=tuple(turn.reply),
        after=tuple(turn.after),
        octets=b"" if line is None else line + (b"" if turn.half else b"\r\n"),
        shown=_shown(turn, line),
        source=turn.source,
        needs={EOD: 354, RESPONSE: 334}.get(turn.verb or "", 0),
        early=turn.early and turn.verb not in (EOD, RESPONSE),
        awaits=not turn.half and not (turn.source is not None and turn.source.torn),
        note="more was sent behind it, which is not recorded" if turn.lost_input else "",
    )


def _left_out(turn: _Turn, why: str) -> Step:
    said, reply, after = _shown(turn, turn.line), tuple(turn.reply), tuple(turn.after)
    return Step(verb=turn.verb, said=said, reply=reply, after=after, skipped=True, note=why)


def _shown(turn: _Turn, line: bytes | None) -> tuple[str, ...]:
    live, shown = LiveClassic(), []
    if line is not None and line != turn.line:
        is_response = turn.verb == RESPONSE
        line = Mask.continuation(len(line)) if is_response else Mask().apply(line, is_known=True)
    if line is not None:
        shown += live.lines(LineEvent(turn.t, "C", line))
    if turn.content is not None:
        shown += live.lines(turn.content)
    return tuple(shown)


class _Unknowable(MailscribeError):
    """Nobody knows what the client said there; the text says why."""


class _Secrets:
    """Puts credentials in the place of masks, through one exchange after the other."""

    __slots__ = ("_login", "_responses", "_why")

    def __init__(self, login: Login | None) -> None:
        self._login = login
        self._responses: list[bytes] = []
        self._why = ""
        """Why the exchange that is going on is left out; empty: it is not."""

    def line(self, turn: _Turn, response: bytes | None) -> bytes | None:
        """The line to send. `response`: the one that follows it in an exchange. Raises `_Unknowable`."""
        line = turn.line
        if line is None or not (turn.verb in (Verb.AUTH, RESPONSE) or _MASKED.search(line)):
            return line
        if turn.verb == RESPONSE:
            return self._respond(line)
        if turn.verb != Verb.AUTH:
            raise _Unknowable("left out: masked in the record")
        self._why = ""
        if not _MASKED.search(line) and (response is None or _guess(response) is not None):
            self._responses.clear()
            return line
        try:
            return self._begin(line)
        except _Unknowable as unknowable:
            self._why = str(unknowable)
            raise

    def _begin(self, line: bytes) -> bytes:
        if self._login is None:
            raise _Unknowable("left out: the secret is masked; --user does it with another")
        found = _AUTH.match(line)
        if found is None:
            raise _Unknowable("left out: only PLAIN and LOGIN can be done again")
        self._responses = _responses(found[1].upper(), self._login)
        return line[: found.end(1)] + (b" " + self._responses.pop(0) if found[2] else b"")

    def _respond(self, line: bytes) -> bytes:
        guess = None if self._why else _guess(line)
        if guess is not None:
            return guess
        if self._why or not self._responses:
            raise _Unknowable(self._why or "left out: masked in the record")
        return self._responses.pop(0)


def _guess(recorded: bytes) -> bytes | None:
    found = _MASKED.match(recorded)
    return _GUESSED.get(int(found[1])) if found else None


def _responses(mechanism: bytes, login: Login) -> list[bytes]:
    user, secret = login.user.encode(), login.secret.encode()
    plain = [b"\0" + user + b"\0" + secret] if mechanism == b"PLAIN" else [user, secret]
    return [base64.b64encode(response) for response in plain]
