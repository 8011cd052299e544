"""`mailscribe send`: the user agent. Composes a message or takes one, and sends it by SMTP.

With `-v` it prints `Connecting to …`, the conversation in the classic form, and `… Sent` for each recipient.
Exit codes: 0 every recipient taken, 1 the server refused, 2 usage, 3 unreachable, 4 credentials refused.
"""

import argparse
import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import aiosmtplib

from mailscribe.errors import ConfigError
from mailscribe_local.cli.client import NotAuthorised, Unreachable
from mailscribe_local.cli.compose import Draft, ask, from_file, from_parts
from mailscribe_local.cli.conversation import TalkingClient
from mailscribe_local.cli.output import safe, say
from mailscribe_local.stack.options import Address, parse_address

_TIMEOUT: Final = 60.0


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = commands.add_parser("send", help="compose a message, or take one, and send it")
    parser.add_argument("file", nargs="?", metavar="FILE.eml", help="a whole message; - reads it from standard input")
    parser.add_argument("-v", "--verbose", action="store_true", help="print the conversation")
    parser.add_argument("--to", action="append", default=[], metavar="ADDRESS", help="recipient; may be given again")
    parser.add_argument("--from", dest="sender", metavar="ADDRESS", help="reverse-path and From; '' is the null path")
    parser.add_argument("--subject")
    parser.add_argument("--attach", action="append", default=[], type=Path, metavar="FILE")
    parser.add_argument("--server", default="127.0.0.1:1025", metavar="HOST:PORT", help="(%(default)s)")
    parser.add_argument("--tls", action="store_true", help="STARTTLS, the certificate verified")
    parser.add_argument("--user", metavar="NAME", help="authenticate; the secret is MAILSCRIBE_SMTP_PASSWORD")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Send; the exit code."""
    server = parse_address("--server", arguments.server)
    draft = _draft(arguments)
    password = os.environ.get("MAILSCRIBE_SMTP_PASSWORD", "")
    if arguments.user and not password:
        raise ConfigError("--user: the secret is read from MAILSCRIBE_SMTP_PASSWORD, which is not set")
    show = print if arguments.verbose else _silent
    show(f"Connecting to {server} ...")
    login = (arguments.user, password) if arguments.user else None
    try:
        refused = asyncio.run(_send(draft, server, tls=arguments.tls, login=login, show=lambda line: show(safe(line))))
    except aiosmtplib.SMTPAuthenticationError as error:
        raise NotAuthorised(f"{server}: {error.code} {safe(error.message)}") from error
    except aiosmtplib.SMTPResponseException as error:
        say(f"mailscribe send: refused: {error.code} {safe(error.message)}")
        return 1
    except (aiosmtplib.SMTPException, OSError) as error:
        raise Unreachable(f"{server}: {safe(str(error)) or type(error).__name__}") from error
    for recipient in draft.recipients:
        if recipient not in refused:
            show(f"{safe(recipient)}... Sent")
    for recipient, why in refused.items():
        say(f"{safe(recipient)}... {safe(why)}")
    return 1 if refused else 0


def _draft(arguments: argparse.Namespace) -> Draft:
    if arguments.file is not None:
        if arguments.attach or arguments.subject is not None:
            raise ConfigError("--attach and --subject compose a new message; FILE.eml is sent as it is")
        return from_file(_read(arguments.file), arguments.sender, arguments.to)
    if sys.stdin.isatty():
        to, subject, body = ask(arguments.to, arguments.subject, input)
    else:
        to, subject, body = tuple(arguments.to), arguments.subject or "", sys.stdin.read()
    return from_parts(arguments.sender, to, subject, body, arguments.attach)


def _read(name: str) -> bytes:
    if name == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(name).read_bytes()
    except OSError as error:
        raise ConfigError(f"{name}: {error.strerror}") from error


async def _send(
    draft: Draft, server: Address, *, tls: bool, login: tuple[str, str] | None, show: Callable[[str], None]
) -> dict[str, str]:
    """Send; the recipients that were refused, with why."""
    client = TalkingClient(
        show, hostname=server.host, port=server.port, start_tls=False, use_tls=False, timeout=_TIMEOUT
    )
    await client.greet()
    try:
        if tls:
            await client.starttls()
        if login is not None:
            await client.login(*login)
        return await _transaction(client, draft)
    finally:
        if client.is_connected:
            await client.quit()


async def _transaction(client: TalkingClient, draft: Draft) -> dict[str, str]:
    ascii_only = all(address.isascii() for address in (draft.sender, *draft.recipients))
    options = [f"SIZE={len(draft.content)}"] if client.supports_extension("size") else []
    if not draft.content.isascii() and client.supports_extension("8bitmime"):
        options.append("BODY=8BITMIME")
    if not ascii_only:
        if not client.supports_extension("smtputf8"):
            raise aiosmtplib.SMTPResponseException(553, "the server does not take addresses beyond ASCII (SMTPUTF8)")
        options.append("SMTPUTF8")
    encoding = "ascii" if ascii_only else "utf-8"
    await client.mail(draft.sender, options=options, encoding=encoding)
    refused: dict[str, str] = {}
    last: aiosmtplib.SMTPRecipientRefused | None = None
    for recipient in draft.recipients:
        try:
            await client.rcpt(recipient, encoding=encoding)
        except aiosmtplib.SMTPRecipientRefused as error:
            refused[recipient], last = f"{error.code} {error.message}", error
    if last is not None and len(refused) == len(draft.recipients):
        raise last
    await client.data(draft.content)
    return refused


def _silent(line: str) -> None:
    """Print nothing."""
