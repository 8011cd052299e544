"""One SMTP session (RFC 5321), sans I/O: octets and time in; events, reply octets, transcript and a deadline out.

The driver calls `open`, feeds `receive`, takes events until None, writes `output`, stores `transcript`, calls `tick`
at `deadline`, and answers ContentStarted and ContentEnded. While an answer is awaited the machine stands still and
what arrives is kept. 250 to the end of content is said only after `content_stored`. No socket, no clock, no asyncio.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Final

from mailscribe.errors import StoreError, StoreFull
from mailscribe.records import Client, SessionEnd, SessionLink
from mailscribe.settings import Settings
from mailscribe.smtp.content import ContentFacts, ContentReceiver
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
from mailscribe.smtp.exchange import Exchange, Step
from mailscribe.smtp.lines import LineBuffer
from mailscribe.smtp.recorder import Fate, Recorder
from mailscribe.smtp.reply import REPLIES, ReplyName, render
from mailscribe.smtp.state import State
from mailscribe.smtp.timer import Timers
from mailscribe.smtp.trace import TraceFacts, build_trace
from mailscribe.smtp.transaction import Transaction
from mailscribe.smtp.transcript import StoredHeader
from mailscribe.smtp.wire import Wire


class _Phase(Enum):
    BEFORE = auto()
    COMMANDS = auto()
    ADMISSION = auto()
    CONTENT = auto()
    COMMIT = auto()
    CLOSED = auto()


_WAITING: Final = (_Phase.ADMISSION, _Phase.COMMIT)


class Session:
    """See the module. `t` is µs since `opened` everywhere and never falls."""

    __slots__ = (
        "_content",
        "_draining",
        "_ended_at",
        "_eof",
        "_events",
        "_exchange",
        "_facts",
        "_input",
        "_message_id",
        "_new_id",
        "_opened",
        "_peer",
        "_phase",
        "_recorder",
        "_settings",
        "_timers",
        "_wire",
        "session_id",
    )

    def __init__(
        self, settings: Settings, peer: Peer, *, session_id: str, opened: datetime, new_id: Callable[[], str]
    ) -> None:
        self.session_id = session_id
        self._settings = settings
        self._peer = peer
        self._opened = opened.replace(microsecond=opened.microsecond // 1000 * 1000)  # as precise as it is stored
        self._new_id = new_id
        self._recorder = Recorder(
            settings,
            StoredHeader(1, session_id, _client(peer), peer.listener, settings.hostname, self._opened),
        )
        self._wire = Wire(settings.hostname, self._recorder)
        self._exchange = Exchange(settings, self._wire)
        self._timers = Timers(settings)
        self._input = LineBuffer(settings.max_command_line)
        self._events: list[Event] = []
        self._phase = _Phase.BEFORE
        self._content: ContentReceiver | None = None
        self._facts: ContentFacts | None = None
        self._message_id = ""
        self._ended_at = 0
        self._eof = False
        self._draining = False

    # what the driver says

    def open(self, t: int, refusal: Refusal | None = None) -> None:
        """Greet; with a refusal, refuse."""
        if self._phase is not _Phase.BEFORE:
            return
        self._wire.now = t
        if len(self._input):
            self._wire.finding("early-talker")
        self._phase = _Phase.COMMANDS
        if refusal is Refusal.TOO_MANY:
            self._input.take_all()
            self._close_with(ReplyName.TOO_MANY_SESSIONS, "policy")
            return
        if refusal is Refusal.NO_SERVICE:
            self._exchange.state = State.NO_SERVICE
            self._wire.reply(ReplyName.NO_SERVICE)
        else:
            self._wire.reply(ReplyName.GREETING)
        self._timers.command(t)
        self._run()

    def receive(self, data: bytes, t: int) -> None:
        """Take octets, in segments of any size."""
        self._wire.now = t
        if self._phase is not _Phase.CLOSED:
            self._input.feed(data)
            self._run()

    def tick(self, t: int) -> None:
        """The deadline may have come."""
        self._wire.now = t
        if self.deadline is not None and self._timers.is_over(t):
            self._close_with(ReplyName.TIMED_OUT, "timeout")

    def eof(self, t: int) -> None:
        """The peer sends no more, or the connection is lost. What it has sent is still answered."""
        self._wire.now = t
        self._eof = True
        if self._phase is not _Phase.COMMIT:
            self._close("aborted", "client", "connection lost")

    def shutdown(self, t: int) -> None:
        """Stop: at once, but a message on its way gets its reply first."""
        self._wire.now = t
        self._draining = True
        if self._phase not in (_Phase.CONTENT, _Phase.COMMIT):
            self._close_with(ReplyName.SHUTTING_DOWN, "shutdown")

    def content_admitted(self, t: int) -> None:
        """Answer to ContentStarted: there is room."""
        self._wire.now = t
        if self._phase is not _Phase.ADMISSION:
            return
        if len(self._input):
            self._wire.finding("pipelined-early")
            self._close_with(ReplyName.EARLY_INPUT, "policy")
            return
        self._wire.reply(ReplyName.START_CONTENT)
        self._phase = _Phase.CONTENT
        self._timers.content(t)

    def content_refused(self, t: int) -> None:
        """Answer to ContentStarted: there is no room. The transaction stays, DATA may be tried again."""
        self._wire.now = t
        if self._phase is _Phase.ADMISSION:
            self._wire.reply(ReplyName.STORE_FULL)
            self._resume()

    def content_stored(self, t: int) -> None:
        """Answer to ContentEnded: the message is durable."""
        self._wire.now = t
        if self._phase is _Phase.COMMIT:
            self._exchange.accepted()
            self._end_content(ReplyName.MESSAGE_ACCEPTED, Fate(self._message_id, accepted=True))

    def content_failed(self, error: StoreError, t: int) -> None:
        """Answer to ContentEnded: the message is not stored."""
        self._wire.now = t
        if self._phase is _Phase.COMMIT:
            name = ReplyName.STORE_FULL if isinstance(error, StoreFull) else ReplyName.STORE_FAILED
            self._end_content(name, Fate(self._message_id))

    # what the driver takes

    @property
    def deadline(self) -> int | None:
        """When to call `tick`; None while the driver's answer is awaited and when all is over."""
        return self._timers.deadline if self._phase in (_Phase.COMMANDS, _Phase.CONTENT) else None

    @property
    def is_waiting(self) -> bool:
        """Whether an answer of the driver is awaited: reading from the peer may pause."""
        return self._phase in _WAITING

    @property
    def held(self) -> int:
        """Octets received and not yet used."""
        return len(self._input)

    def next_event(self) -> Event | None:
        """The next event; None: octets or an answer are needed."""
        return self._events.pop(0) if self._events else None

    def output(self) -> bytes:
        """Octets to write now."""
        return self._wire.take()

    def transcript(self) -> bytes:
        """The stored lines since the last call."""
        return self._recorder.take()

    # the machine

    def _run(self) -> None:
        while self._phase is _Phase.COMMANDS:
            line = self._input.next_line()
            if line is None:
                break
            step = self._exchange.answer(line, behind=len(self._input) > 0)
            self._timers.command(self._wire.now)
            _STEPS[step](self)
        if self._phase is _Phase.CONTENT and len(self._input):
            self._receive_content()

    def _resume(self) -> None:
        """Go on with commands after a pause."""
        self._phase = _Phase.COMMANDS
        self._timers.command(self._wire.now)
        if self._draining:
            self._close_with(ReplyName.SHUTTING_DOWN, "shutdown")
            return
        self._run()
        if self._eof:
            self._close("aborted", "client", "connection lost")

    def _start_content(self) -> None:
        transaction = self._exchange.transaction
        if transaction is None:
            raise AssertionError("DATA outside a transaction")
        self._message_id = self._new_id()
        self._content = ContentReceiver(self._settings, eight_bit=transaction.mail.is_eight_bit)
        self._phase = _Phase.ADMISSION
        self._events.append(ContentStarted(self._message_id, self._trace(transaction)))

    def _receive_content(self) -> None:
        data = self._input.take_all()
        self._timers.block(self._wire.now, len(data))
        content = self._receiver()
        piece, rest = content.feed(data)
        if piece:
            self._events.append(ContentChunk(piece))
        if content.is_flood:
            self._close_with(ReplyName.CONTENT_FLOOD, "policy")
        elif rest is not None:
            self._input.feed(rest)
            self._judge_content(content.close())

    def _receiver(self) -> ContentReceiver:
        if self._content is None:
            raise AssertionError("content outside DATA")
        return self._content

    def _judge_content(self, facts: ContentFacts) -> None:
        """The true end is there: refuse, or let the driver store."""
        self._facts, self._ended_at = facts, self._wire.now
        self._phase = _Phase.COMMIT
        if facts.refusal is None:
            self._events.append(ContentEnded(self._message_id))
            return
        self._events.append(ContentAborted(self._message_id))
        self._end_content(facts.refusal, Fate(None))

    def _end_content(self, name: ReplyName, fate: Fate) -> None:
        """Record the content, reply, end the transaction."""
        self._record_content(fate)
        self._wire.reply(name, id=self._message_id, limit=str(self._settings.max_message_size))
        self._exchange.end_transaction()
        self._resume()

    def _record_content(self, fate: Fate) -> None:
        facts = self._facts or self._receiver().close()
        self._recorder.content(self._ended_at or self._wire.now, facts, fate)
        transaction = self._exchange.transaction
        declared = transaction.mail.size if transaction else None
        if declared is not None and facts.size > declared and not fate.torn:
            self._wire.finding("size-lie")
        self._content, self._facts, self._ended_at = None, None, 0

    def _close_with(self, name: ReplyName, end: SessionEnd) -> None:
        """Say the last reply and close."""
        if self._phase is _Phase.CLOSED:
            return
        self._drop()
        self._wire.reply(name)
        self._close(end, "server", REPLIES[name].closes)

    def _close(self, end: SessionEnd, by: str, reason: str) -> None:
        if self._phase is _Phase.CLOSED:
            return
        self._drop()
        self._exchange.end_transaction()
        self._phase = _Phase.CLOSED
        self._recorder.close(self._wire.now, end, by, reason)
        self._events.append(Closing())

    def _drop(self) -> None:
        """What is on its way will not be: content is dropped, half a command is recorded."""
        if self._phase is _Phase.CONTENT:
            self._record_content(Fate(None, torn=True))
        elif self._phase is _Phase.COMMANDS:
            self._exchange.hear_out(self._input)
        if self._phase in (_Phase.CONTENT, _Phase.ADMISSION):
            self._events.append(ContentAborted(self._message_id))
            self._phase = _Phase.COMMANDS
        self._input.take_all()

    def _quit(self) -> None:
        self._input.take_all()
        self._close("quit", "client", "")

    def _end_by_policy(self) -> None:
        self._input.take_all()
        self._close("policy", "server", self._exchange.reason)

    def _nothing(self) -> None:
        pass

    def _trace(self, transaction: Transaction) -> bytes:
        facts = TraceFacts(
            id=self._message_id,
            envelope=transaction.envelope(),
            session=SessionLink(id=self.session_id, transaction=transaction.number),
            client=_client(self._peer),
            helo=self._exchange.helo,
            extended=self._exchange.extended,
            listener=self._peer.listener,
            host=self._settings.hostname,
            opened=self._opened,
        )
        at = self._opened + timedelta(microseconds=self._wire.now)
        admitted = render(ReplyName.START_CONTENT)
        return build_trace(facts, at=at, excerpt=self._recorder.excerpt(self._wire.now, admitted))


_STEPS: Final[dict[Step, Callable[[Session], None]]] = {
    Step.NEXT: Session._nothing,
    Step.CONTENT: Session._start_content,
    Step.QUIT: Session._quit,
    Step.POLICY: Session._end_by_policy,
}


def _client(peer: Peer) -> Client:
    return Client(ip=peer.ip, port=peer.port, name=peer.name) if peer.name else Client(ip=peer.ip, port=peer.port)
