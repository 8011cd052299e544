"""The end of a session: its transcript stored, whatever the store does meanwhile, and one line of facts for the log.

A transcript that cannot be stored is tried again a bounded number of times; a drain does not wait between tries.
"""

import asyncio
import logging
from datetime import datetime

from msgspec import Struct

from mailscribe.errors import StoreError
from mailscribe.records import Client
from mailscribe.smtp import Closing, Peer, Session, StoredHeader, suppressed_transcript
from mailscribe.smtp import Suppressed as Told
from mailscribe_smtp.hub import Hub, SessionEnded, tell_put
from mailscribe_smtp.limit import Limit
from mailscribe_smtp.ports import TranscriptWriter
from mailscribe_smtp.quota import MINUTE, Suppressed

_logger = logging.getLogger(__name__)


class Brought(Struct, frozen=True, kw_only=True):
    """What the driver knows of a session: messages taken, failed, refused and kept; octets received."""

    seconds: float
    messages: int
    failed: int
    kept: int
    received: int


async def close_transcript(hub: Hub, session_id: str, writer: TranscriptWriter) -> bool:
    """Store a session's transcript; False when it was not, after the last try. Never raises."""
    for pause in (*hub.timing.retries, None):
        begun = hub.loop.time()
        try:
            with Limit(hub.alarms, hub.settings.put_timeout):
                await writer.close()
        except (StoreError, TimeoutError) as error:
            _logger.warning("transcript %s: %s", session_id, str(error) or "not stored in time")
        except Exception:
            _logger.exception("transcript %s: the spool failed", session_id)
        else:
            tell_put(hub, "transcript", begun, failed=False)
            return True
        tell_put(hub, "transcript", begun, failed=True)
        if pause is not None:
            await _pause(hub, pause)
    hub.counts.lost_transcripts += 1
    _logger.error("transcript %s: given up", session_id)
    return False


async def store_session(hub: Hub, ended: SessionEnded, writer: TranscriptWriter, *, opened: datetime) -> bool:
    """Store a session's transcript, if its client's quota has room for it; whether it is stored. Never raises.

    A session is without mail when it brought none, when none failed here, and when nothing of it was kept. One that
    broke off here is always stored.
    """
    brought = ended.messages or ended.failed or ended.kept or ended.end is None
    if brought or hub.quota.keeps(_alone(hub, ended, opened), hub.loop.time()):
        return await close_transcript(hub, ended.id, writer)
    hub.counts.suppressed += 1
    _write_due(hub)
    await writer.discard()
    return False


async def write_suppressed(hub: Hub, due: list[Suppressed]) -> None:
    """One record for each client's minute whose sessions were not all kept."""
    await asyncio.gather(*(_write_rest(hub, each) for each in due))


async def _write_rest(hub: Hub, rest: Suppressed) -> None:
    client = Client(ip=rest.ip, port=rest.port)
    header = StoredHeader(1, rest.session_id, client, rest.listener, hub.settings.hostname, rest.opened)
    told = Told(rest.sessions, rest.first, rest.last)
    writer = hub.spool.transcript(rest.session_id)
    writer.append(suppressed_transcript(header, told, rest.outcomes))
    await close_transcript(hub, rest.session_id, writer)


def _alone(hub: Hub, ended: SessionEnded, opened: datetime) -> Suppressed:
    now = hub.clock()
    return Suppressed(ended.id, ended.ip, ended.port, ended.listener, opened, now, now, outcomes=set(ended.outcome))


def _write_due(hub: Hub) -> None:
    """Write what is over, and look again when the next minute is: one timer for all clients."""
    due = hub.quota.due(hub.loop.time())
    if due:
        hub.spawn(write_suppressed(hub, due))
    if hub.look_at_quota is None:
        hub.look_at_quota = hub.loop.call_later(MINUTE, _look_again, hub)


def _look_again(hub: Hub) -> None:
    hub.look_at_quota = None
    if hub.quota.waits:
        _write_due(hub)


def ended_session(session: Session, peer: Peer, closing: Closing | None, brought: Brought) -> SessionEnded:
    """What there is to say of a session; without `closing` it has broken off."""
    who = session.who
    return SessionEnded(
        id=session.session_id,
        ip=peer.ip,
        port=peer.port,
        listener=peer.listener,
        seconds=brought.seconds,
        end=closing.end if closing else None,
        outcome=closing.outcome if closing else (),
        messages=brought.messages,
        failed=brought.failed,
        stored=False,
        helo=who.helo,
        tls=who.tls.version if who.tls else None,
        user=who.auth.user if who.auth else None,
        turns=session.turns,
        received=brought.received,
        findings=tuple(dict.fromkeys(finding.code for finding in closing.findings)) if closing else (),
        kept=brought.kept,
    )


def tell(hub: Hub, ended: SessionEnded) -> None:
    """Log it, and count it."""
    hub.metrics.count("mailscribe_sessions_total", ended.listener, ended.end or "broken")
    for outcome in ended.outcome:
        hub.metrics.count("mailscribe_session_outcomes_total", outcome)
    hub.on_session(ended)


async def _pause(hub: Hub, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await hub.draining.wait()
    except TimeoutError:
        return
