"""`mailscribe watch [ADDRESS]`: mail in the terminal as it arrives; with an address, the terminal of that address.

An address that is watched takes what SMTP's SEND, SOML and SAML send to terminals (RFC 821 §3.4), and the text of each
message is shown. Ctrl-C ends it between two messages: what has come is shown whole.
"""

import argparse
import contextlib
import signal
import sys
from collections.abc import Iterator
from datetime import datetime
from types import FrameType
from typing import Final
from urllib.parse import quote

from mailscribe_local.cli.arguments import whole_number
from mailscribe_local.cli.client import Client
from mailscribe_local.cli.errors import OK, Negative, Unreachable
from mailscribe_local.cli.following import Follower, State
from mailscribe_local.cli.output import (
    Document,
    is_terminal,
    local_time,
    one_line,
    safe,
    say,
    short_time,
    write_json,
)

RECEIVED: Final = "message.received"
_BELL: Final = "\a"


def add(_: str, parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("address", metavar="ADDRESS", nargs="?", help="whose mail; it counts as watched meanwhile")
    parser.add_argument("--query", default="", metavar="QUERY", help="which mail; see `mailscribe search --help`")
    parser.add_argument("--since", default="", metavar="WHEN", help="begin there: 15m, a date, an id (now)")
    parser.add_argument("--count", type=whole_number, metavar="N", help="end after N messages")
    parser.add_argument("--json", action="store_true", help="events as JSON lines")
    parser.add_argument("--bell", action="store_true", help="ring the terminal's bell for each message")
    parser.epilog = (
        "Says `watching ADDRESS ...` once everything that comes from then on is shown.\n"
        "Ctrl-C ends it, with exit code 0."
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Show what comes until `count` messages were shown or Ctrl-C."""
    client, left = Client(), arguments.count
    with contextlib.suppress(KeyboardInterrupt), _Interrupts() as interrupts:
        for event in _follower(client, arguments, interrupts).events():
            if event["type"] != RECEIVED:
                continue
            _show(client, event, arguments)
            left = left and left - 1
            if left == 0:
                break
    return OK


class _Interrupts:
    """Ctrl-C takes effect where there is nothing to do but wait, elsewhere at the next such place, twice at once."""

    def __init__(self) -> None:
        self._is_waiting = False
        self._is_asked = False

    def __enter__(self) -> "_Interrupts":
        self._former = signal.signal(signal.SIGINT, self._interrupt)
        return self

    def __exit__(self, *_: object) -> None:
        signal.signal(signal.SIGINT, self._former)

    @contextlib.contextmanager
    def waiting(self) -> Iterator[None]:
        """A block that may be interrupted."""
        self._is_waiting = True
        try:
            if self._is_asked:
                raise KeyboardInterrupt
            yield
        finally:
            self._is_waiting = False

    def _interrupt(self, _number: int, _frame: FrameType | None) -> None:
        if self._is_waiting or self._is_asked:
            raise KeyboardInterrupt
        self._is_asked = True


def _follower(client: Client, arguments: argparse.Namespace, interrupts: _Interrupts) -> Follower:
    told = False

    def tell(state: State) -> None:
        nonlocal told
        if state is State.LOST:
            say("the connection is lost; trying again")
        elif told:
            say("connected again; nothing is missing")
        else:
            told = True
            print(f"watching{f' {safe(arguments.address)}' if arguments.address else ''} ...", file=notes, flush=True)

    notes = sys.stderr if arguments.json else sys.stdout
    parameters = {"q": arguments.query, "since": arguments.since, "watch": arguments.address or ""}
    return Follower(client, parameters, tell, waiting=interrupts.waiting)


def _show(client: Client, event: Document, arguments: argparse.Namespace) -> None:
    """One message, in one piece."""
    if arguments.json:
        write_json(event)
        return
    message = event["detail"]
    lines = _header(message)
    if arguments.address:
        lines += f"{_text(client, message['id'])}\n"
    if arguments.bell and is_terminal():
        lines = _BELL + lines
    sys.stdout.write(lines)
    sys.stdout.flush()


def _header(message: Document) -> str:
    """Time, author and subject on a line."""
    if is_terminal():
        time, gap = short_time(message["receivedAt"], datetime.now().astimezone()), "  "
    else:
        time, gap = local_time(message["receivedAt"]), "\t"
    return gap.join((time, _author(message), one_line(message["subject"]))) + "\n"


def _author(message: Document) -> str:
    """Whom the header names, else whom the envelope does."""
    named = ", ".join(
        one_line(f"{address['name']} <{address['email']}>" if address["name"] else address["email"])
        for address in message["from"]
    )
    return named or f"<{one_line(message['mailFrom'])}>"


def _text(client: Client, ulid: str) -> str:
    """The text of a message with its last line ended; nothing of one that is gone already."""
    path = f"/v1/messages/{quote(ulid, safe='')}/text"
    try:
        text = client.get(path, accept="text/plain").decode("utf-8", "replace").replace("\r\n", "\n")
    except (Negative, Unreachable) as error:
        return f"({safe(str(error))})\n"
    return safe(text if text.endswith("\n") or not text else f"{text}\n")
