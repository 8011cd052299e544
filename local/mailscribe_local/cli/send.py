"""`mailscribe send`: the user agent. Composes a message or takes one, and sends it by SMTP.

With `-v` it prints `Connecting to …`, the conversation in the classic form, and `… Sent` for each recipient.
Exit codes: 0 every recipient taken, 1 the server refused, 2 usage, 3 unreachable, 4 credentials refused.
"""

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import aiosmtplib

from mailscribe.errors import ConfigError
from mailscribe_local.cli.arguments import login_of
from mailscribe_local.cli.compose import Draft, Parts, ask, decode, from_file, from_parts, mailboxes
from mailscribe_local.cli.conversation import TalkingClient
from mailscribe_local.cli.errors import NEGATIVE, OK, Negative, NotAuthorised, Unreachable
from mailscribe_local.cli.output import safe, say
from mailscribe_local.stack.options import parse_address

_EPILOG: Final = """\
Without a file the body is read from standard input. On a terminal send asks for
what is missing: To, Subject, and a body that a lone . ends. A file is sent as it
is, but gets Date and Message-ID if it has none; without --to it goes to its To,
Cc and Bcc, and the Bcc field is left out.
Exit codes: 0 sent to all, 1 refused, 2 usage, 3 unreachable, 4 not authorised."""


def add(_: str, parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("file", nargs="?", metavar="FILE.eml", help="a whole message; - reads it from standard input")
    parser.add_argument("-v", "--verbose", action="store_true", help="print the conversation while it happens")
    parser.add_argument("--to", action="append", default=[], metavar="ADDRESS", help="recipient; may be given again")
    parser.add_argument("--from", dest="sender", metavar="ADDRESS", help="sender; '' is the null reverse-path")
    parser.add_argument("--subject", metavar="TEXT")
    parser.add_argument(
        "--attach", action="append", default=[], type=Path, metavar="FILE", help="attachment; may be given again"
    )
    parser.add_argument("--server", default="127.0.0.1:1025", metavar="HOST:PORT", help="(%(default)s)")
    parser.add_argument("--tls", action="store_true", help="STARTTLS, the certificate verified")
    parser.add_argument("--user", metavar="NAME", help="authenticate; the secret is MAILSCRIBE_SMTP_PASSWORD")
    parser.epilog = _EPILOG
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Send; the exit code."""
    server = parse_address("--server", arguments.server)
    login = login_of(arguments.user)
    draft = _draft(arguments)
    show = _print if arguments.verbose else _silent
    show(f"Connecting to {server} ...")
    client = TalkingClient(show, server)
    try:
        refused = asyncio.run(client.deliver(draft, tls=arguments.tls, login=login))
    except aiosmtplib.SMTPAuthenticationError as error:
        raise NotAuthorised(f"{server}: {error.code} {error.message}") from error
    except aiosmtplib.SMTPResponseException as error:
        if error.code < 0:
            raise Unreachable(f"{server}: no SMTP server answers there ({error.message})") from error
        raise Negative(f"refused: {error.code} {error.message}") from error
    except (aiosmtplib.SMTPException, OSError) as error:
        raise Unreachable(f"{server}: {_reason(error)}") from error
    for recipient in draft.recipients:
        if recipient in refused:
            say(f"{recipient}... {refused[recipient]}")
        else:
            show(f"{safe(recipient)}... Sent")
    return NEGATIVE if refused else OK


def _draft(arguments: argparse.Namespace) -> Draft:
    to: Sequence[str] = arguments.to
    if arguments.file is not None:
        if arguments.attach or arguments.subject is not None:
            raise ConfigError("--attach and --subject compose a new message; FILE.eml is sent as it is")
        return from_file(_read(arguments.file), arguments.sender, to)
    subject: str | None = arguments.subject
    if sys.stdin.isatty():
        to, subject, body = ask(to, subject, _prompt)
    else:
        mailboxes("--to", to)  # before it waits for a body
        body = decode(sys.stdin.buffer.read())
    return from_parts(Parts(arguments.sender, tuple(to), subject or "", body, tuple(arguments.attach)))


def _read(name: str) -> bytes:
    if name == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(name).read_bytes()
    except OSError as error:
        raise ConfigError(f"{name}: {error.strerror}") from error


def _prompt(text: str) -> str:
    """A line that a person types. Raises `EOFError`."""
    print(text, end="", file=sys.stderr, flush=True)
    line = sys.stdin.buffer.readline()
    if not line:
        raise EOFError
    return decode(line).removesuffix("\n")


def _reason(error: Exception) -> str:
    """Why it failed, for people: the system's own words where there are some."""
    cause: BaseException = error
    while not isinstance(cause, OSError) or cause.strerror is None:
        if cause.__cause__ is None:
            return str(error) or type(error).__name__
        cause = cause.__cause__
    if isinstance(cause, ConnectionError) and cause.errno:  # asyncio puts its own words in their place
        return os.strerror(cause.errno)
    return cause.strerror


def _print(line: str) -> None:
    print(line, flush=True)


def _silent(line: str) -> None:
    """Print nothing."""
