"""One SMTP session (RFC 5321), sans I/O: octets and time in; events, reply octets, transcript and a deadline out.

The driver calls `open`, feeds `receive`, takes events until None, writes `output`, stores `transcript`, calls `tick`
at `deadline`, and answers the events that say so. While an answer is awaited the machine stands still and what
arrives is kept. 250 to the end of content is said only after `content_stored`. No socket, no clock, no asyncio.
"""

from mailscribe.errors import StoreError, StoreFull
from mailscribe.records import Tls
from mailscribe.smtp.event import Event, Refusal
from mailscribe.smtp.exchange import Exchange, Step
from mailscribe.smtp.flow import Flow
from mailscribe.smtp.phase import AWAITED, TIMED, WAITING, Phase
from mailscribe.smtp.recorder import Fate
from mailscribe.smtp.reply import Refused, ReplyName
from mailscribe.smtp.transcript import Note


class Session(Flow):
    """See the module. `t` is µs since `opened` everywhere and never falls."""

    __slots__ = ()

    @property
    def session_id(self) -> str:
        """The session's id."""
        return self._session_id

    # what the driver says

    def proxied(self, text: str, t: int) -> None:
        """A proxy has said who the peer is; before `open`."""
        self._recorder.note(t, Note(proxy=text))

    def open(self, t: int, refusal: Refusal | None = None) -> None:
        """Greet; with a refusal, refuse."""
        if self._phase is not Phase.BEFORE:
            return
        self._wire.now = t
        self._phase = Phase.COMMANDS
        self._timers.command(t)
        if refusal is Refusal.TOO_MANY:
            if len(self._input):
                self._wire.finding("early-talker")
            self._input.take_all()
            self._close_with(ReplyName.TOO_MANY_SESSIONS, "policy")
            return
        if refusal is Refusal.NO_SERVICE:
            self._greeting = ReplyName.NO_SERVICE
        self._go(self._judge_connection())
        self._run()

    def receive(self, data: bytes, t: int) -> None:
        """Take octets, in segments of any size."""
        self._wire.now = t
        if self._phase is not Phase.CLOSED:
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
        if self._phase not in AWAITED:
            self._close("aborted", "client", "connection lost")

    def shutdown(self, t: int) -> None:
        """Stop: at once, but a message on its way gets its reply first."""
        self._wire.now = t
        self._draining = True
        self._stop_if_told()

    def content_admitted(self, t: int) -> None:
        """Answer to ContentStarted: there is room."""
        self._wire.now = t
        if self._phase is not Phase.ADMISSION:
            return
        if self._intake.current.chunks:
            self._enter_chunk()
            self._run()
            return
        if len(self._input):
            self._wire.finding("pipelined-early")
            self._close_with(ReplyName.EARLY_INPUT, "policy")
            return
        self._wire.reply(ReplyName.START_CONTENT)
        self._phase = Phase.CONTENT
        self._timers.content(t)

    def content_refused(self, t: int) -> None:
        """Answer to ContentStarted: there is no room. The transaction stays, DATA may be tried again; BDAT may not."""
        self._wire.now = t
        if self._phase is not Phase.ADMISSION:
            return
        chunks, self._intake.reception = self._intake.current.chunks, None
        if chunks:
            self._skip_chunk(Refused(ReplyName.STORE_FULL))
            self._run()
            return
        self._wire.reply(ReplyName.STORE_FULL)
        self._resume()

    def content_stored(self, t: int) -> None:
        """Answer to ContentEnded: the message, or the refused content, is durable."""
        self._wire.now = t
        if self._phase is not Phase.COMMIT:
            return
        reception = self._intake.current
        if reception.refused is not None:
            self._end_content(reception.refused, Fate(None, refused=reception.id))
            return
        self._exchange.accepted()
        self._end_content(ReplyName.MESSAGE_ACCEPTED, Fate(reception.id, accepted=True))

    def content_failed(self, error: StoreError, t: int) -> None:
        """Answer to ContentEnded: it is not stored."""
        self._wire.now = t
        if self._phase is not Phase.COMMIT:
            return
        reception = self._intake.current
        name = ReplyName.STORE_FULL if isinstance(error, StoreFull) else ReplyName.STORE_FAILED
        message = None if reception.refused else reception.id
        self._end_content(reception.refused or name, Fate(message))

    def secured(self, tls: Tls, t: int) -> None:
        """TLS has begun: the answer to TlsRequested, or before `open` where it begins with the connection."""
        self._wire.now = t
        if self._phase not in (Phase.TLS, Phase.BEFORE):
            return
        self._exchange.secured(tls)
        self._intake.drop()
        if self._phase is Phase.TLS:
            self._input.take_all()
            self._resume()

    def tls_failed(self, reason: str, t: int) -> None:
        """The handshake failed: the session is over."""
        self._wire.now = t
        if self._phase in (Phase.TLS, Phase.BEFORE):
            self._recorder.tls_failed(t, reason)
            self._close("aborted", "client", "TLS handshake failed")

    def auth_accepted(self, t: int) -> None:
        """Answer to AuthRequested: it is who it says."""
        self._authenticated(ReplyName.AUTH_OK, t)

    def auth_rejected(self, t: int) -> None:
        """Answer to AuthRequested: it is not."""
        self._authenticated(ReplyName.AUTH_REJECTED, t)

    def auth_unavailable(self, t: int) -> None:
        """Answer to AuthRequested: nobody can say now."""
        self._authenticated(ReplyName.AUTH_UNAVAILABLE, t)

    def resumed(self, t: int) -> None:
        """Answer to Pause: the time is over."""
        self._wire.now = t
        if self._phase is not Phase.PAUSED:
            return
        self._phase = Phase.COMMANDS
        self._timers.command(t)
        self._wire.release()
        step, self._step = self._step, Step.NEXT
        self._go(step)
        self._resume_if_free()

    # what the driver takes

    @property
    def deadline(self) -> int | None:
        """When to call `tick`; None while the driver's answer is awaited and when all is over."""
        return self._timers.deadline if self._phase in TIMED else None

    @property
    def is_waiting(self) -> bool:
        """Whether an answer of the driver is awaited: reading from the peer may pause."""
        return self._phase in WAITING

    @property
    def is_before_greeting(self) -> bool:
        """Whether `open` is still to come."""
        return self._phase is Phase.BEFORE

    @property
    def who(self) -> Exchange:
        """What the client has said of itself: `helo`, `tls`, `auth`."""
        return self._exchange

    @property
    def turns(self) -> int:
        """Turns so far."""
        return self._recorder.turn + 1

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
