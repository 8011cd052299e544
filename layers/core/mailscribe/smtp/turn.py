"""Turns: a command with its reply, folded from the events of a transcript.

The greeting is turn 0; a reply that nobody asked for is a turn without verb. DATA and the end of data are two turns,
BDAT with its octets is one, AUTH with its exchanges is one. Turns from MAIL to the end of that transaction bear its
number. Findings point at turns; where the closing line is missing they come from the notes on the way.
"""

from collections.abc import Iterator
from typing import Final

from msgspec import UNSET, Struct, UnsetType

from mailscribe.records import Content, Finding, Reply, Turn
from mailscribe.smtp.command import KNOWN, Verb, split_command
from mailscribe.smtp.recorder import EOD
from mailscribe.smtp.transcript import ContentEvent, LineEvent, NoteEvent, Transcript, TranscriptEvent

_OPENS: Final = frozenset((Verb.MAIL, Verb.SEND, Verb.SOML, Verb.SAML))
_OUTSIDE: Final = frozenset((Verb.HELO, Verb.EHLO, Verb.QUIT))


class _Draft(Struct):
    """A turn while it is put together."""

    at: int
    verb: str | None
    command: str | None
    events: list[TranscriptEvent] = []
    lines: list[str] = []
    exchanges: list[str] = []
    content: Content | None = None
    answered_at: int | None = None
    transaction: int | None = None
    rule: str | None = None

    @property
    def code(self) -> int | None:
        """Code of the last reply line."""
        return int(self.lines[-1][:3]) if self.lines else None


def turns(transcript: Transcript) -> tuple[Turn, ...]:
    """The turns of a session, in order."""
    return _turns(_drafts(transcript))


def findings(transcript: Transcript) -> tuple[Finding, ...]:
    """What was seen, each with its turn; from the closing line if there is one."""
    return transcript.end.findings if transcript.end is not None else _findings(_drafts(transcript))


def turns_and_findings(transcript: Transcript) -> tuple[tuple[Turn, ...], tuple[Finding, ...]]:
    """`turns` and `findings`, the transcript gone through once."""
    drafts = _drafts(transcript)
    return _turns(drafts), transcript.end.findings if transcript.end is not None else _findings(drafts)


def _turns(drafts: list[_Draft]) -> tuple[Turn, ...]:
    return tuple([_turn(seq, draft) for seq, draft in enumerate(drafts)])


def _findings(drafts: list[_Draft]) -> tuple[Finding, ...]:
    found: dict[Finding, None] = {}
    for seq, draft in enumerate(drafts):
        for event in draft.events:
            if isinstance(event, NoteEvent):
                if event.note.finding is not UNSET:
                    found[Finding(code=event.note.finding, turn=seq)] = None
                if event.note.truncated:
                    found[Finding(code="truncated", turn=seq)] = None
    return tuple(found)


def transaction_events(transcript: Transcript, transaction: int) -> Iterator[TranscriptEvent]:
    """The events of one transaction's turns, in wire order."""
    for draft in _drafts(transcript):
        if draft.transaction == transaction:
            yield from draft.events


def verb_of(line: bytes) -> str:
    """The verb of a stored command line; `UNKNOWN` for what is none.

    >>> verb_of(b"mail FROM:<>"), verb_of(b"XYZZY")
    ('MAIL', 'UNKNOWN')
    """
    verb, _ = split_command(line)
    return verb.value if verb in KNOWN else Verb.UNKNOWN.value


def _drafts(transcript: Transcript) -> list[_Draft]:
    drafts: list[_Draft] = []
    early: list[TranscriptEvent] = []
    for event in transcript.events:
        draft = _next(drafts, event)
        if draft is None:
            early.append(event)
            continue
        draft.events += [*early, event]
        early.clear()
    _number(drafts)
    return drafts


def _next(drafts: list[_Draft], event: TranscriptEvent) -> _Draft | None:
    """The draft that an event belongs to, put to `drafts` if it begins one; None for a note before all turns."""
    last = drafts[-1] if drafts else None
    match event:
        case LineEvent():
            return _next_line(drafts, last, event)
        case ContentEvent():
            if last is None or last.answered_at is not None:
                last = _Draft(event.t, EOD, ".")
                drafts.append(last)
            last.content = event.content
        case NoteEvent() if last is not None and event.note.rule is not UNSET:
            last.rule = f"{event.note.rule.rule} {event.note.rule.action}"
    return last


def _next_line(drafts: list[_Draft], last: _Draft | None, event: LineEvent) -> _Draft:
    if event.side == "S":
        if last is None or last.answered_at is not None:
            last = _Draft(event.t, None, None)
            drafts.append(last)
        _add_reply(last, event)
    elif last is not None and last.verb == Verb.AUTH and last.code == 334:
        last.exchanges.append(event.text)
        last.answered_at = None
    else:
        last = _Draft(event.t, verb_of(event.data), event.text)
        drafts.append(last)
    return last


def _add_reply(draft: _Draft, event: LineEvent) -> None:
    if draft.exchanges and draft.code == 334:
        draft.lines.clear()
    draft.lines.append(event.text)
    if event.data[3:4] != b"-":
        draft.answered_at = event.t


def _number(drafts: list[_Draft]) -> None:
    count, current = 0, None
    for draft in drafts:
        if current is None and draft.verb in _OPENS and draft.code == 250:
            count += 1
            current = count
        elif draft.verb in _OUTSIDE and draft.code in (221, 250):
            current = None
        draft.transaction = current
        if _is_last(draft):
            current = None


def _is_last(draft: _Draft) -> bool:
    if draft.verb == Verb.RSET:
        return draft.code == 250
    if draft.verb == Verb.BDAT:
        return _ends_chunks(draft)
    return draft.verb == EOD or (draft.verb == Verb.STARTTLS and draft.code == 220)


def _ends_chunks(draft: _Draft) -> bool:
    """LAST is the end of a message that was taken; so is each refusal but one for the order of commands."""
    if draft.code == 250:
        return (draft.command or "").upper().endswith(" LAST")
    return draft.code is not None and draft.code != 503 and not draft.lines[0].startswith("554 5.5.1")


def _turn(seq: int, draft: _Draft) -> Turn:
    content: Content | UnsetType = UNSET if draft.content is None else draft.content
    message: str | UnsetType = UNSET
    if content is not UNSET and content.accepted:
        message = content.message
    answered = draft.answered_at is not None and draft.verb is not None
    return Turn(
        seq=seq,
        at=draft.at / 1000,
        verb=draft.verb,
        command=draft.command,
        reply=_reply(draft.lines) if draft.lines else None,
        latency_ms=((draft.answered_at or 0) - draft.at) / 1000 if answered else None,
        transaction=UNSET if draft.transaction is None else draft.transaction,
        content=content,
        message=message,
        exchanges=tuple(draft.exchanges) if draft.exchanges else UNSET,
        rule=UNSET if draft.rule is None else draft.rule,
    )


def _reply(lines: list[str]) -> Reply:
    """Code and enhanced code off the front of each line."""
    texts = [line[4:] for line in lines]
    enhanced, _, _ = texts[0].partition(" ")
    if enhanced.count(".") != 2 or not enhanced.replace(".", "").isdigit() or enhanced[0] != lines[0][0]:
        return Reply(code=int(lines[0][:3]), enhanced=None, lines=tuple(texts))
    return Reply(
        code=int(lines[0][:3]),
        enhanced=enhanced,
        lines=tuple(text.removeprefix(enhanced).removeprefix(" ") for text in texts),
    )
