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
from dataclasses import dataclass
from typing import Final, assert_never, cast

from mailscribe.errors import StoreError, StoreFull, StoreUnavailable
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
    Session,
    Throttled,
    TlsRequested,
)
from mailscribe_smtp.alarms import NONE
from mailscribe_smtp.ending import close_transcript, closing_facts
from mailscribe_smtp.hub import Hub, SessionEnded
from mailscribe_smtp.ports import ObjectWriter, TranscriptWriter

_COMMIT: Final = 1
_REPLIES: Final = 2
_SPOOL: Final = 4
"""Why reading is paused; several may hold."""

_DISCARD_BYTES: Final = 1_048_576
"""Read away after our last reply, so that closing does not reset it."""

_logger = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class _Content:
    """A message on its way to the spool."""

    id: str
    writer: ObjectWriter
    error: StoreError | None = None
    committing: bool = False


class Connection(asyncio.BufferedProtocol):
    """Drives one `Session`. Small while idle: one shared read buffer, slots, one place among the alarms."""

    __slots__ = (
        "_alarm",
        "_armed",
        "_content",
        "_discarded",
        "_eof",
        "_failed",
        "_finished",
        "_hub",
        "_messages",
        "_paused",
        "_peer",
        "_session",
        "_started",
        "_transcript",
        "_transport",
    )

    _session: Session
    _peer: Peer
    _transcript: TranscriptWriter

    def __init__(self, hub: Hub, listener: str) -> None:
        self._hub = hub
        self._peer = Peer("", 0, listener)
        self._transport: asyncio.Transport | None = None
        self._content: _Content | None = None
        self._started = hub.monotonic_ns()
        self._alarm = NONE
        self._armed = 0
        self._paused = 0
        self._messages = 0
        self._failed = 0
        self._discarded = 0
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
        hub = self._hub
        self._peer = Peer(address[0], address[1], self._peer.listener)
        session_id = hub.new_id()
        self._session = Session(hub.settings, self._peer, session_id=session_id, opened=hub.clock(), new_id=hub.new_id)
        self._transcript = hub.spool.transcript(session_id)
        refusal = hub.begin(self, self._peer.ip)
        self._advance(lambda now: self._session.open(now, refusal))

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 - the protocol's signature
        """The buffer that all connections share: it is emptied before any other read."""
        return self._hub.buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Bytes came."""
        if self._finished:
            self._discard(nbytes)
            return
        data = bytes(self._hub.buffer[:nbytes])
        self._advance(self._session.receive, data)
        if self._session.is_waiting and self._session.held:
            self._pause(_COMMIT)

    def eof_received(self) -> bool:
        """The peer sends no more; it may still read."""
        self._eof = True
        if self._finished:
            return False
        self._advance(self._session.eof)
        return True

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the protocol's signature
        """The connection is gone."""
        if self._transport is None:
            return
        self._transport = None
        self._stop_alarm()
        self._hub.end(self, self._peer.ip)
        self._advance(self._session.eof)

    def pause_writing(self) -> None:
        """The peer does not take our replies."""
        self._pause(_REPLIES)

    def resume_writing(self) -> None:
        """It does again."""
        self._resume(_REPLIES)

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
                self._content_ended()
            case ContentAborted():
                self._content_aborted()
            case Closing():
                self._finished = True
            case TlsRequested() | AuthRequested() | Pause() | Throttled():
                raise AssertionError("not offered by this listener")
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
            self._hub.spawn(self._end(lines))
            self._close()

    # content

    def _content_started(self, event: ContentStarted) -> None:
        if not self._hub.budget.has_room():
            self._session.content_refused(self._now())
            return
        self._content = _Content(event.message_id, self._hub.spool.message(event.message_id))
        self._write(event.trace)
        self._session.content_admitted(self._now())

    def _write(self, data: bytes) -> None:
        content = self._content
        if content is None or content.error is not None:
            return
        goes_on = content.writer.write(data)
        if not self._hub.budget.update(content.writer):
            content.error = StoreFull("no room for what all sessions send")
            self._release(content)
        elif not goes_on and not self._paused & _SPOOL:
            self._pause(_SPOOL)
            self._hub.spawn(self._drain(content.writer))

    async def _drain(self, writer: ObjectWriter) -> None:
        await writer.drain()
        self._resume(_SPOOL)

    def _content_ended(self) -> None:
        if self._content is not None:
            self._content.committing = True
            self._hub.spawn(self._commit(self._content))

    def _content_aborted(self) -> None:
        content, self._content = self._content, None
        if content is not None and content.error is None:
            self._release(content)

    def _release(self, content: _Content) -> None:
        self._hub.budget.release(content.writer)
        self._hub.spawn(content.writer.abort())

    async def _commit(self, content: _Content) -> None:
        error, tried = content.error, content.error is None
        if tried:
            error = await self._store(content)
            self._hub.budget.release(content.writer)
        self._content = None
        self._resume(_COMMIT)
        if error is None:
            self._messages += 1
            self._hub.counts.messages += 1
            self._advance(self._session.content_stored)
        else:
            self._failed += 1
            self._hub.counts.failed += 1
            self._advance(self._session.content_failed, error)
        if error is not None and tried:
            await content.writer.abort()
            await self._hub.spool.delete(content.id)

    async def _store(self, content: _Content) -> StoreError | None:
        try:
            async with asyncio.timeout(self._hub.settings.put_timeout):
                await content.writer.commit()
        except TimeoutError:
            _logger.warning("message %s: not stored in time", content.id)
            return StoreUnavailable("not stored in time")
        except StoreError as error:
            _logger.warning("message %s: %s", content.id, error)
            return error
        except Exception:
            _logger.exception("message %s: the spool failed", content.id)
            return StoreUnavailable("the spool failed")
        return None

    # time

    def _arm(self) -> None:
        """See to it that the alarm rings no later than the deadline; it is not moved for a later one."""
        deadline = self._session.deadline
        if deadline is None or self._transport is None or (self._alarm != NONE and self._armed <= deadline):
            return
        alarms = self._hub.alarms
        self._stop_alarm()
        self._armed = deadline
        self._alarm = alarms.tick_in(max(0, deadline - self._now()) / 1_000_000)
        alarms.add(self._alarm, self)

    def ring(self) -> None:
        """The alarm: the deadline may have come, or have moved on."""
        self._alarm = NONE
        if self._finished:
            self.kill()
        elif not self._paused & (_COMMIT | _SPOOL):
            self._advance(self._session.tick)

    def _stop_alarm(self) -> None:
        if self._alarm != NONE:
            self._hub.alarms.remove(self._alarm, self)
            self._alarm = NONE

    # reading on and off

    def _pause(self, why: int) -> None:
        if not self._paused and self._transport is not None and not self._transport.is_closing():
            self._transport.pause_reading()
        self._paused |= why

    def _resume(self, why: int) -> None:
        if not self._paused & why:
            return
        self._paused &= ~why
        if not self._paused and self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()
        if not self._finished:
            self._arm()

    # the end

    def _close(self) -> None:
        """Send what is to be sent, wait a little for the peer to close, then close."""
        self._stop_alarm()
        transport = self._transport
        if transport is None:
            return
        self._alarm = self._hub.alarms.tick_in(self._hub.timing.linger)
        self._hub.alarms.add(self._alarm, self)
        if self._eof or not transport.can_write_eof():
            transport.close()
            return
        transport.write_eof()
        if self._paused:
            self._paused = 0
            transport.resume_reading()

    def _discard(self, nbytes: int) -> None:
        self._discarded += nbytes
        if self._discarded > _DISCARD_BYTES and self._transport is not None:
            self._transport.abort()

    def _give_up(self) -> None:
        """Something in here is broken: this session ends, the others go on."""
        self._content_aborted()
        if not self._finished:
            self._finished = True
            self._hub.spawn(self._end(b""))
        self.kill()

    async def _end(self, last_lines: bytes) -> None:
        seconds = self._now() / 1_000_000
        stored = await close_transcript(self._hub, self._session.session_id, self._transcript)
        end, outcome = closing_facts(last_lines)
        self._hub.on_session(
            SessionEnded(
                id=self._session.session_id,
                ip=self._peer.ip,
                port=self._peer.port,
                listener=self._peer.listener,
                seconds=seconds,
                end=end,
                outcome=outcome,
                messages=self._messages,
                failed=self._failed,
                stored=stored,
            )
        )
