"""A client of aiosmtplib that shows its conversation as it happens, in the classic form.

The server's lines as they are, the client's with `>>> `; AUTH arguments masked, content as its byte count.
"""

import re
import ssl
from collections.abc import Callable
from typing import Any, Final

import aiosmtplib

_LINE_END: Final = re.compile(rb"\r\n|\r|\n")
_DOT: Final = re.compile(rb"(?m)^\.")


class TalkingClient(aiosmtplib.SMTP):
    """An SMTP client; `show` is given each line of the conversation."""

    def __init__(self, show: Callable[[str], None], **options: Any) -> None:  # noqa: ANN401 - aiosmtplib's own
        super().__init__(**options)
        self._show = show
        self._authenticating = False

    async def greet(self) -> None:
        """Connect, show the greeting, say EHLO, or HELO to a server that refuses it."""
        response = await self.connect()
        self._show_reply(response)
        try:
            await self.ehlo()
        except aiosmtplib.SMTPHeloError:
            await self.helo()

    async def execute_command(self, *args: bytes, timeout: Any = None) -> aiosmtplib.SMTPResponse:  # noqa: ANN401, ASYNC109 - aiosmtplib's signature
        """Send a command and show it with its reply."""
        self._show(f">>> {self._masked(b' '.join(args))}")
        options = {} if timeout is None else {"timeout": timeout}
        response = await super().execute_command(*args, **options)
        self._authenticating = response.code == aiosmtplib.SMTPStatus.auth_continue
        self._show_reply(response)
        return response

    async def starttls(self, *args: Any, **options: Any) -> aiosmtplib.SMTPResponse:  # noqa: ANN401 - aiosmtplib's own
        """Upgrade to TLS and show what was negotiated."""
        self._show(">>> STARTTLS")
        response = await super().starttls(*args, **options)
        self._show_reply(response)
        protocol: ssl.SSLObject | None = self.get_transport_info("ssl_object")
        cipher = protocol.cipher() if protocol else None
        if protocol and cipher:
            self._show(f"--- {protocol.version()} {cipher[0]}")
        return response

    async def data(self, message: str | bytes, /, *, timeout: Any = None) -> aiosmtplib.SMTPResponse:  # noqa: ANN401, ARG002, ASYNC109 - aiosmtplib's signature
        """DATA, the content, and the lone dot; raises `SMTPDataError` when either is refused."""
        response = await self.execute_command(b"DATA")
        if response.code != aiosmtplib.SMTPStatus.start_input or self.protocol is None:
            raise aiosmtplib.SMTPDataError(response.code, response.message)
        content = _LINE_END.sub(b"\r\n", message.encode() if isinstance(message, str) else message)
        self._show(f">>> ({len(content)} bytes)")
        self._show(">>> .")
        self.protocol.write(_DOT.sub(b"..", content) + b".\r\n")
        response = await self.protocol.read_response(timeout=self.timeout)
        self._show_reply(response)
        if response.code != aiosmtplib.SMTPStatus.completed:
            raise aiosmtplib.SMTPDataError(response.code, response.message)
        return response

    def _masked(self, command: bytes) -> str:
        words = command.split(b" ")
        if self._authenticating:
            return f"[masked {len(command)}]"
        if words[0].upper() == b"AUTH" and len(words) > 2:
            return f"AUTH {words[1].decode()} [masked {len(b' '.join(words[2:]))}]"
        return command.decode("utf-8", "backslashreplace")

    def _show_reply(self, response: aiosmtplib.SMTPResponse) -> None:
        lines = response.message.split("\n")
        for number, line in enumerate(lines, 1):
            self._show(f"{response.code}{' ' if number == len(lines) else '-'}{line}")
