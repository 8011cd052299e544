"""The end of a session: its transcript stored, whatever the store does meanwhile, and one line of facts for the log.

A transcript that cannot be stored is tried again a bounded number of times; a drain does not wait between tries.
"""

import asyncio
import logging

import msgspec

from mailscribe.errors import StoreError
from mailscribe.smtp import Peer
from mailscribe_smtp.hub import Hub, SessionEnded
from mailscribe_smtp.ports import TranscriptWriter

_logger = logging.getLogger(__name__)


class _ClosingLine(msgspec.Struct):
    end: str | None = None
    outcome: tuple[str, ...] = ()


async def close_transcript(hub: Hub, session_id: str, writer: TranscriptWriter) -> bool:
    """Store a session's transcript; False when it was not, after the last try. Never raises."""
    for pause in (*hub.timing.retries, None):
        try:
            async with asyncio.timeout(hub.settings.put_timeout):
                await writer.close()
        except (StoreError, TimeoutError) as error:
            _logger.warning("transcript %s: %s", session_id, str(error) or "not stored in time")
        except Exception:
            _logger.exception("transcript %s: the spool failed", session_id)
        else:
            return True
        if pause is not None:
            await _pause(hub, pause)
    hub.counts.lost_transcripts += 1
    _logger.error("transcript %s: given up", session_id)
    return False


def ended_session(
    session_id: str, peer: Peer, last_lines: bytes, *, seconds: float, messages: int, failed: int
) -> SessionEnded:
    """What there is to say of a session by its transcript's last lines."""
    end, outcome = closing_facts(last_lines)
    return SessionEnded(
        id=session_id,
        ip=peer.ip,
        port=peer.port,
        listener=peer.listener,
        seconds=seconds,
        end=end,
        outcome=outcome,
        messages=messages,
        failed=failed,
        stored=False,
    )


def closing_facts(lines: bytes) -> tuple[str | None, tuple[str, ...]]:
    """End and outcome from a transcript's last lines; nothing when they hold no closing line."""
    last = lines.rstrip(b"\n").rpartition(b"\n")[2]
    try:
        closing = msgspec.json.decode(last, type=_ClosingLine)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None, ()
    return closing.end, closing.outcome


async def _pause(hub: Hub, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await hub.draining.wait()
    except TimeoutError:
        return
