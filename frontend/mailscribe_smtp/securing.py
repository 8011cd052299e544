"""TLS on a connection that is there already (RFC 3207, and RFC 8314 where it comes first).

By `loop.start_tls` alone. What went wrong becomes a few words for the transcript; an exception's text goes nowhere.
"""

import asyncio
import re
import ssl
from typing import Final

from mailscribe.records import Tls
from mailscribe_smtp.hub import Timing

_REASON: Final = re.compile(r"[A-Z0-9_]{3,80}")


def remember_name(context: ssl.SSLContext) -> None:
    """Have connections of this context know which host the client asked for (SNI, RFC 6066 §3)."""
    context.sni_callback = _remember


def _remember(made: ssl.SSLSocket | ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
    vars(made)["asked_for"] = name


class HandshakeFailed(Exception):
    """TLS did not come to be; the message is for the transcript."""


async def secure(
    transport: asyncio.Transport,
    protocol: asyncio.BaseProtocol,
    context: ssl.SSLContext,
    timing: Timing,
    *,
    is_behind: bool,
) -> asyncio.Transport:
    """The transport to go on with; the given one is handed over before the first wait. Raises `HandshakeFailed`.

    `is_behind`: the client does not take what was said in clear, and neither loop can hand over a paused protocol.
    """
    loop = asyncio.get_running_loop()
    if is_behind:
        raise HandshakeFailed("replies not taken")
    try:
        made = await loop.start_tls(
            transport,
            protocol,
            context,
            server_side=True,
            ssl_handshake_timeout=timing.handshake,
            ssl_shutdown_timeout=timing.linger,
        )
    except ssl.SSLError as error:
        raise HandshakeFailed(_words(error)) from error
    except ConnectionAbortedError as error:  # so says either loop when the time is up
        raise HandshakeFailed("timed out") from error
    except (OSError, RuntimeError) as error:
        raise HandshakeFailed("connection lost") from error
    if made is None or made.is_closing():  # uvloop gives one that was lost in the handshake
        raise HandshakeFailed("connection lost")
    return made


def facts_of(transport: asyncio.Transport) -> Tls:
    """What was negotiated."""
    made = transport.get_extra_info("ssl_object")
    cipher = made.cipher() if made is not None else None
    return Tls(
        version=(made.version() if made is not None else None) or "unknown",
        cipher=cipher[0] if cipher else "unknown",
        sni=vars(made).get("asked_for") if made is not None else None,
    )


def _words(error: ssl.SSLError) -> str:
    """OpenSSL's name for what happened, in small letters: NO_SHARED_CIPHER, HTTP_REQUEST, WRONG_VERSION_NUMBER."""
    reason = error.reason or ""
    return reason.lower().replace("_", " ") if _REASON.fullmatch(reason) else "handshake failed"
