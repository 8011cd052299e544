"""A client of aiosmtplib that delivers a draft and shows its conversation as it happens, in the classic form.

The server's lines as they are, the client's with `>>> `; AUTH arguments masked, content as its byte count, and
what is no octet of the conversation behind `--- `. QUIT is said whenever the server still listens, and whatever
comes of it changes nothing: what was taken is taken.
"""

import hashlib
import ipaddress
import re
import ssl
from collections.abc import Callable
from typing import Any, Final, Literal

import aiosmtplib

from mailscribe.records import Content, Tls
from mailscribe.smtp import Closed, ContentEvent, LineEvent, LiveClassic, Note, NoteEvent, TranscriptEvent
from mailscribe.smtp.mask import Mask
from mailscribe_local.cli.compose import Draft, qualified_name
from mailscribe_local.cli.errors import Negative, NotAuthorised
from mailscribe_local.stack.options import Address

TIMEOUT: Final = 60.0
END_TIMEOUT: Final = 600.0
"""Seconds for the reply to the end of data (RFC 5321 §4.5.3.2.6)."""
_DOT: Final = re.compile(rb"(?m)^\.")


class TalkingClient(aiosmtplib.SMTP):
    """An SMTP client; `show` is given each line of the conversation."""

    def __init__(self, show: Callable[[str], None], server: Address) -> None:
        super().__init__(
            hostname=server.host,
            port=server.port,
            local_hostname="localhost",  # until the connection shows our address: no name server is asked
            start_tls=False,
            use_tls=False,
            timeout=TIMEOUT,
        )
        self._show = show
        self._classic = LiveClassic()
        self._mask = Mask()
        self._authenticating = False

    async def deliver(self, draft: Draft, *, tls: bool, login: tuple[str, str] | None) -> dict[str, str]:
        """Send; the refused recipients, with why. Raises aiosmtplib's errors, `Negative`, `NotAuthorised`."""
        try:
            await self._greet()
            if tls:
                await self._upgrade()
            if login is not None:
                await self._authenticate(*login)
            refused = await self._transaction(draft)
        except (aiosmtplib.SMTPResponseException, Negative, NotAuthorised):
            await self._leave()
            raise
        except BaseException as error:
            self._lost(error)
            self.close()
            raise
        await self._leave()
        return refused

    async def execute_command(self, *args: bytes, timeout: Any = None) -> aiosmtplib.SMTPResponse:  # noqa: ANN401, ASYNC109 - aiosmtplib's signature
        """Send a command and show it with its reply."""
        line = b" ".join(args)
        if self._authenticating:
            self._show_line("C", self._mask.continuation(len(line)))
        else:
            self._show_line("C", self._mask.apply(line, is_known=True))
        options = {} if timeout is None else {"timeout": timeout}
        response = await super().execute_command(*args, **options)
        self._authenticating = response.code == aiosmtplib.SMTPStatus.auth_continue
        if line == b"QUIT" and not response.message and not self.is_connected:  # aiosmtplib's own, not the server's
            self._show_closed("connection lost")
        else:
            self._show_reply(response)
        return response

    async def _greet(self) -> None:
        """Connect, show the greeting, say EHLO, or HELO to a server that refuses it."""
        try:
            self._show_reply(await self.connect())
        except aiosmtplib.SMTPConnectResponseError as error:
            self._show_reply(aiosmtplib.SMTPResponse(error.code, error.message))
            raise
        self.local_hostname = qualified_name() or _address_literal(self.get_transport_info("sockname"))
        try:
            await self.ehlo()
        except aiosmtplib.SMTPHeloError:
            if not self.is_connected:
                raise
            await self.helo()

    async def _upgrade(self) -> None:
        if not self.supports_extension("starttls"):
            raise Negative("--tls: the server does not offer STARTTLS")
        self._show_line("C", b"STARTTLS")
        try:
            self._show_reply(await self.starttls())
        except aiosmtplib.SMTPResponseException as error:
            self._show_reply(aiosmtplib.SMTPResponse(error.code, error.message))
            raise
        tls: ssl.SSLObject | None = self.get_transport_info("ssl_object")
        if tls is not None and (cipher := tls.cipher()):
            self._show_event(NoteEvent(0, Note(tls=Tls(version=tls.version() or "TLS", cipher=cipher[0]))))
        await self.ehlo()

    async def _authenticate(self, user: str, password: str) -> None:
        if not self.supported_auth_methods:
            raise NotAuthorised("--user: the server does not offer AUTH; some do only after STARTTLS (--tls)")
        await self.login(user, password)

    async def _transaction(self, draft: Draft) -> dict[str, str]:
        ascii_only = all(address.isascii() for address in (draft.sender, *draft.recipients))
        options = [f"SIZE={len(draft.content)}"] if self.supports_extension("size") else []
        if not draft.content.isascii() and self.supports_extension("8bitmime"):
            options.append("BODY=8BITMIME")
        if not ascii_only:
            if not self.supports_extension("smtputf8"):
                raise Negative("the server does not take addresses beyond ASCII (SMTPUTF8)")
            options.append("SMTPUTF8")
        await self._command(f"MAIL FROM:<{draft.sender}>", *options)
        refused: dict[str, str] = {}
        for recipient in draft.recipients:
            try:
                await self._command(f"RCPT TO:<{recipient}>")
            except aiosmtplib.SMTPResponseException as error:
                if not self.is_connected:
                    raise
                refused[recipient] = f"{error.code} {error.message}"
        if len(refused) < len(draft.recipients):
            await self._content(draft.content)
        return refused

    async def _command(self, *words: str) -> None:
        """A command that the server takes or refuses; the path is sent as it is."""
        response = await self.execute_command(*(word.encode() for word in words))
        if not 200 <= response.code < 300:
            raise aiosmtplib.SMTPResponseException(response.code, response.message)

    async def _content(self, content: bytes) -> None:
        """DATA, the content, and the lone dot."""
        response = await self.execute_command(b"DATA")
        if response.code != aiosmtplib.SMTPStatus.start_input or self.protocol is None:
            raise aiosmtplib.SMTPDataError(response.code, response.message)
        self._show_event(ContentEvent(0, _measured(content)))
        self.protocol.write(_DOT.sub(b"..", content) + b".\r\n")
        response = await self.protocol.read_response(timeout=END_TIMEOUT)
        self._show_reply(response)
        if response.code != aiosmtplib.SMTPStatus.completed:
            raise aiosmtplib.SMTPDataError(response.code, response.message)

    async def _leave(self) -> None:
        if self.is_connected:
            try:
                await self.quit()
            except (aiosmtplib.SMTPException, OSError) as error:
                self._lost(error)
        self.close()

    def _lost(self, error: BaseException) -> None:
        """Show how the conversation broke off, if there was one."""
        if isinstance(error, aiosmtplib.SMTPConnectError):
            return
        if isinstance(error, aiosmtplib.SMTPTimeoutError):
            self._show_closed("timed out")
        elif isinstance(error, aiosmtplib.SMTPServerDisconnected):
            self._show_closed("connection lost")

    def _show_closed(self, reason: str) -> None:
        self._show_event(NoteEvent(0, Note(closed=Closed(by="server", reason=reason))))

    def _show_reply(self, response: aiosmtplib.SMTPResponse) -> None:
        *more, last = response.message.encode("utf-8", "surrogateescape").split(b"\n")
        for text in more:
            self._show_line("S", b"%d-%s" % (response.code, text))
        self._show_line("S", b"%d %s" % (response.code, last))

    def _show_line(self, side: Literal["C", "S"], data: bytes) -> None:
        self._show_event(LineEvent(0, side, data))

    def _show_event(self, event: TranscriptEvent) -> None:
        for line in self._classic.lines(event):
            self._show(line)


def _measured(content: bytes) -> Content:
    return Content(
        bytes=len(content), lines=content.count(b"\n"), sha256=hashlib.sha256(content).hexdigest(), accepted=False
    )


def _address_literal(name: tuple[str, int]) -> str:
    """How a client without a qualified name introduces itself (RFC 5321 §4.1.3)."""
    address = ipaddress.ip_address(name[0].partition("%")[0])
    return f"[IPv6:{address}]" if address.version == 6 else f"[{address}]"
