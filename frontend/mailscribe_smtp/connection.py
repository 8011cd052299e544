"""One TCP connection: bytes to the SMTP machine, its replies back, its content to the spool.

The machine decides everything that the peer sees; this file only moves bytes and keeps time. One write per batch of
replies. Reading stops while the peer does not take our replies, while the spool asks for it, and when more has come
behind a message that is being committed (most clients wait: to stop and start costs two calls of the kernel).
250 leaves only after `commit` has returned. Whatever goes wrong here is 451 or a closed connection and a line in the
log: never a traceback to the peer, never a lost reply of another session.
"""

import asyncio
import logging
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Final, assert_never, cast

from msgspec import structs

from mailscribe.errors import StoreError
from mailscribe.smtp import (
    AuthRequested,
    Closing,
    ContentAborted,
    ContentChunk,
    ContentEnded,
    ContentStarted,
    Event,
    Pause,
    Peer,
    Refusal,
    Session,
    Throttled,
    TlsRequested,
)
from mailscribe_smtp.alarmed import Alarmed
from mailscribe_smtp.alarms import NONE
from mailscribe_smtp.ending import Brought, ended_session, store_session, tell
from mailscribe_smtp.entrance import Entrance
from mailscribe_smtp.hub import Hub
from mailscribe_smtp.parcel import Parcel
from mailscribe_smtp.ports import TranscriptWriter
from mailscribe_smtp.reading import Why
from mailscribe_smtp.securing import HandshakeFailed, facts_of, secure

_RESULTS: Final = {True: "accepted", False: "rejected", None: "unavailable"}
"""Of AUTH, for the metrics."""

_logger = logging.getLogger(__name__)


class Connection(Alarmed):
    """Drives one `Session`. Small while idle: one shared read buffer, slots, one place among the alarms."""

    __slots__ = (
        "_closing",
        "_entrance",
        "_eof",
        "_failed",
        "_finished",
        "_kept",
        "_messages",
        "_parcel",
        "_peer",
        "_received",
        "_refusal",
        "_session",
        "_started",
        "_transcript",
    )

    _session: Session
    _peer: Peer
    _refusal: Refusal | None
    _transcript: TranscriptWriter

    def __init__(self, hub: Hub, entrance: Entrance) -> None:
        super().__init__(hub)
        self._entrance = entrance
        self._parcel: Parcel | None = None
        self._started = hub.monotonic_ns()
        self._messages = 0
        self._failed = 0
        self._kept = 0
        self._closing: Closing | None = None
        self._received = 0
        self._eof = False
        self._finished = False

    # the transport's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet, or refuse."""
        stream = cast("asyncio.Transport", transport)  # uvloop's are none by class
        address = stream.get_extra_info("peername")
        if not address or self._hub.is_full():
            self._finished = True
            stream.abort()
            return
        self._transport = stream
        if self._entrance.proxy is not None:
            self._finished = True
            self._await_header(address[0], self._entrance.proxy)
        else:
            self._begin(address[0], address[1])

    def _begin(self, ip: str, port: int, proxied: str = "") -> None:
        """The session begins; where TLS does too, its first word is for later."""
        hub = self._hub
        hub.before_session()
        self._finished = False
        self._peer = peer = Peer(ip, port, self._entrance.service.name)
        session_id = hub.new_id()
        self._session = Session(
            hub.settings,
            peer,
            session_id=session_id,
            opened=hub.clock(),
            new_id=hub.new_id,
            service=self._entrance.service,
            policy=hub.policy,
            observer=hub.metrics,
        )
        self._transcript = hub.spool.transcript(session_id)
        self._refusal = hub.begin(self, peer.ip)
        if proxied:
            self._session.proxied(proxied, 0)
        if self._entrance.service.implicit_tls:
            self._begin_tls()
        else:
            self._open()

    def _open(self) -> None:
        self._advance(lambda now: self._session.open(now, self._refusal))

    def buffer_updated(self, nbytes: int) -> None:
        """Bytes came."""
        if self._heading is not None:
            self._read_header(self._hub.buffer[:nbytes])
            return
        if self._finished:
            self._discard(nbytes)
            return
        data = bytes(self._hub.buffer[:nbytes])
        self._received += nbytes
        self._hub.counts.received += nbytes
        if self._rate:
            self._slow_down(nbytes)
        self._advance(self._session.receive, data)
        if self._session.is_waiting and self._session.held:
            self._pause(Why.COMMIT)

    def eof_received(self) -> bool:
        """The peer sends no more; it may still read."""
        self._eof = True
        if self._finished:
            return False
        self._advance(self._session.eof)
        return self._transport is not None and self._transport.can_write_eof()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the protocol's signature
        """The connection is gone; of one in a handshake `_secure` hears as well, and knows why."""
        if self._transport is not None and not self._paused & Why.TLS:
            self._detach()
            self._advance(self._session.eof)

    def _detach(self) -> None:
        self._transport = None
        if self._heading is not None:
            self._heading = None
            return
        self._stop_alarm()
        self._hub.end(self, self._peer.ip)

    def pause_writing(self) -> None:
        """The peer does not take our replies."""
        self._pause(Why.REPLIES)

    def resume_writing(self) -> None:
        """It does again."""
        self._resume(Why.REPLIES)

    # the server's side

    def shutdown(self) -> None:
        """Say 421 and close: at once, or after the message in flight."""
        self._advance(self._session.shutdown)

    def kill(self) -> None:
        """End now, without a reply."""
        if self._transport is not None:
            self._transport.abort()

    # the machine's side

    def _now(self) -> int:
        return (self._hub.monotonic_ns() - self._started) // 1000

    def _advance[*What](self, step: Callable[[*What, int], None], *what: *What) -> None:
        """Tell the machine something and do what it asks for."""
        if self._finished:
            return
        try:
            step(*what, self._now())
            while (event := self._session.next_event()) is not None:
                self._handle(event)
            self._flush()
            if not self._finished:
                self._arm()
        except Exception:
            _logger.exception("session %s is given up", self._session.session_id)
            self._give_up()

    def _handle(self, event: Event) -> None:
        match event:
            case ContentStarted():
                self._content_started(event)
            case ContentChunk(data):
                self._write(data)
            case ContentEnded():
                self._content_ended(event)
            case ContentAborted():
                self._content_aborted()
            case Closing():
                self._finished, self._closing = True, event
            case TlsRequested():
                self._flush()
                self._begin_tls()
            case AuthRequested():
                self._hub.spawn(self._verify(event))
            case Pause(seconds):
                self._hub.loop.call_later(seconds, self._advance, self._session.resumed)
            case Throttled(rate):
                self._rate = rate
            case _:
                assert_never(event)

    def _flush(self) -> None:
        """Write out transcript lines, then the replies: nobody was told what is not noted. End when the machine has."""
        output = self._session.output()
        lines = self._session.transcript()
        if lines:
            self._transcript.append(lines)
        if output and self._transport is not None:
            self._transport.write(output)
        if self._finished:
            self._close()
            self._hub.spawn(self._end(), at_once=True)

    # content

    def _content_started(self, event: ContentStarted) -> None:
        if not self._hub.budget.has_room():
            self._session.content_refused(self._now())
            return
        self._parcel = Parcel(self._hub, event.message_id)
        self._write(event.trace)
        self._session.content_admitted(self._now())

    def _write(self, data: bytes) -> None:
        parcel = self._parcel
        if parcel is not None and not parcel.write(data) and not self._paused & Why.SPOOL:
            self._pause(Why.SPOOL)
            self._hub.spawn(self._drain(parcel))

    async def _drain(self, parcel: Parcel) -> None:
        await parcel.drain()
        self._resume(Why.SPOOL)

    def _content_ended(self, event: ContentEnded) -> None:
        parcel = self._parcel
        if parcel is None:
            return
        then = partial(self._when_stored, parcel, event.refused)
        storing = self._hub.spawn(parcel.store(refused=event.refused), at_once=True, then=then)
        if storing.done():
            self._settle(parcel, storing.result(), refused=event.refused)(self._now())

    def _when_stored(self, parcel: Parcel, refused: bool, storing: "asyncio.Task[StoreError | None]") -> None:
        self._resume(Why.COMMIT)
        if not storing.cancelled():
            self._advance(self._settle(parcel, storing.result(), refused=refused))

    def _settle(self, parcel: Parcel, error: StoreError | None, *, refused: bool) -> Callable[[int], None]:
        """Count what has become of a message; what tells the machine."""
        self._parcel = None
        if error is not None:
            self._failed += 1
            self._hub.counts.failed += 1
            self._hub.spawn(parcel.take_back())
            return partial(self._session.content_failed, error)
        self._messages += not refused
        self._kept += refused
        self._hub.counts.messages += not refused
        return self._session.content_stored

    def _content_aborted(self) -> None:
        parcel, self._parcel = self._parcel, None
        if parcel is not None:
            parcel.drop()

    # TLS and credentials

    def _begin_tls(self) -> None:
        """Hand the transport over at once: uvloop reads as soon as this returns, and that belongs to the handshake."""
        self._paused |= Why.TLS
        self._hub.spawn(self._secure(), at_once=True)

    async def _secure(self) -> None:
        transport, context = self._transport, self._entrance.tls
        if transport is None or context is None:
            return
        try:
            is_behind = bool(self._paused & Why.REPLIES)
            secured = await secure(transport, self, context(), self._hub.timing, is_behind=is_behind)
        except HandshakeFailed as failed:
            await asyncio.sleep(0)  # the event that brought us here comes to its end first
            if self._transport is not None:
                self.kill()
                self._detach()
            self._hub.metrics.count("mailscribe_tls_total", "failed")
            self._advance(self._session.tls_failed, str(failed))
            return
        self._transport, self._paused = secured, self._paused & ~Why.TLS
        if self._paused:
            secured.pause_reading()
        is_first = self._session.is_before_greeting
        tls = facts_of(secured)
        self._hub.metrics.count("mailscribe_tls_total", tls.version)
        self._advance(self._session.secured, tls)
        if is_first:
            self._open()

    async def _verify(self, asked: AuthRequested) -> None:
        session, known = self._session, await self._entrance.verified(asked)
        self._hub.metrics.count("mailscribe_auth_total", _RESULTS[known])
        answer = session.auth_accepted if known else session.auth_rejected
        self._advance(session.auth_unavailable if known is None else answer)

    # time

    def _arm(self) -> None:
        """Ring by the deadline, and before any that is set later: an alarm that is set need not be looked at again."""
        deadline = self._session.deadline if self._alarm == NONE else None
        if deadline is not None and self._transport is not None:
            self._ring_in(max(0, min(deadline - self._now(), self._hub.least_wait)) / 1_000_000)

    def ring(self) -> None:
        """The alarm: the deadline may have come, or have moved on."""
        self._alarm = NONE
        if self._finished:
            self.kill()
        elif not self._paused & (Why.COMMIT | Why.SPOOL):
            self._advance(self._session.tick)

    def _resumed(self) -> None:
        if not self._finished:
            self._arm()

    # the end

    def _close(self) -> None:
        """Send what is to be sent, wait a little for the peer to close, then close."""
        self._stop_alarm()
        transport = self._transport
        if transport is None:
            return
        self._ring_in(self._hub.timing.linger)
        if self._eof or self._paused & Why.TLS or not transport.can_write_eof():
            transport.close()
            return
        transport.write_eof()
        if self._paused:
            self._paused = 0
            transport.resume_reading()

    def _give_up(self) -> None:
        """Something in here is broken: this session ends, the others go on."""
        self._content_aborted()
        if not self._finished:
            self._finished = True
            self._hub.spawn(self._end())
        self.kill()

    async def _end(self) -> None:
        brought = Brought(
            seconds=self._now() / 1_000_000,
            messages=self._messages,
            failed=self._failed,
            kept=self._kept,
            received=self._received,
        )
        ended = ended_session(self._session, self._peer, self._closing, brought)
        opened = self._hub.clock() - timedelta(seconds=brought.seconds)
        stored = await store_session(self._hub, ended, self._transcript, opened=opened)
        tell(self._hub, structs.replace(ended, stored=stored))
