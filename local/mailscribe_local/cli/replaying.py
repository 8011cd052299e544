"""`mailscribe replay`: the client's side of a stored session against a server, the two conversations side by side.

The transcript and the messages come from the API. TLS begins where it began in the record, with whatever certificate;
AUTH needs `--user`, for no record has a secret. Exit codes: 0 the same codes, 1 others, 2 usage, 3 unreachable (the
API, or no SMTP server there), 4 not authorised.
"""

import argparse
import socket
import ssl
from collections.abc import Iterator
from typing import Final
from urllib.parse import quote

from msgspec import UNSET

from mailscribe.records import Content, Tls
from mailscribe.smtp import Transcript, read_transcript
from mailscribe.smtp.playing import Contents, Played, Player
from mailscribe.smtp.replay import Login, Step, code_of, plan, server_name, tls_at_opening
from mailscribe_local.cli.arguments import login_of
from mailscribe_local.cli.client import Client
from mailscribe_local.cli.errors import NEGATIVE, OK, Negative, Unreachable
from mailscribe_local.cli.output import Document, say, write_json
from mailscribe_local.cli.sides import Sides
from mailscribe_local.stack.options import Address, parse_address

TIMEOUT: Final = 60.0
END_TIMEOUT: Final = 600.0
"""Seconds for content to be taken and for the reply to its end (RFC 5321 §4.5.3.2.6)."""
_EPILOG: Final = """\
On the left what is recorded, on the right what happens now; between them ! where
the code differs, ~ where only the words do. What was sent without waiting for a
reply is sent so again; the client's pauses are not kept. Certificates are not
verified, so --user is for servers that you know.
Exit codes: 0 the same codes, 1 others, 2 usage, 3 unreachable, 4 not authorised."""


def add(_: str, parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("session", metavar="SESSION", help="as in `mailscribe sessions`")
    parser.add_argument("--to", required=True, metavar="HOST:PORT", help="the server to play it against")
    parser.add_argument(
        "--user", metavar="NAME", help="for AUTH, which is left out without it; the secret is MAILSCRIBE_SMTP_PASSWORD"
    )
    parser.add_argument("--no-tls", action="store_true", help="in clear, also where the session was under TLS")
    parser.add_argument("--json", action="store_true", help="one document with both conversations")
    parser.epilog = _EPILOG
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Play it; 1 where codes differ."""
    server = parse_address("--to", arguments.to)
    login = login_of(arguments.user)
    transcript, contents = _fetch(arguments.session)
    steps = plan(transcript, Login(*login) if login else None, tls=not arguments.no_tls)
    if not steps:
        raise Negative(f"session {arguments.session} has nothing that could be replayed")
    begins_with_tls = tls_at_opening(transcript) is not None and not arguments.no_tls
    sides = Sides(steps, f"{transcript.opened:%Y-%m-%d %H:%M:%S}Z {transcript.host}", str(server))
    results: list[Played] = []
    with _Connection(server, server_name(transcript), tls=begins_with_tls) as connection:
        if not arguments.json:
            sides.head(connection.tls_line)
        for played in _play(Player(steps, contents), connection):
            results.append(played)
            if not arguments.json:
                sides.show(played)
    if arguments.json:
        write_json(_document(transcript, server, results))
    return _verdict(server, results)


def _fetch(session: str) -> tuple[Transcript, Contents]:
    """The transcript, and how to get at what it only counts."""
    client, path = Client(), f"/v1/sessions/{quote(session, safe='')}"
    try:
        transcript = read_transcript(client.get(f"{path}/transcript", accept="application/jsonl"))
    except Negative as error:
        raise Negative(f"no session {session}") from error

    def content(facts: Content) -> bytes | None:
        if facts.refused is not UNSET:
            place = f"{path}/refused/{quote(facts.refused, safe='')}"
        elif facts.message is not UNSET:
            place = f"/v1/messages/{quote(facts.message, safe='')}/raw"
        else:
            return None
        try:
            return client.get(place, accept="*/*")
        except Negative:
            return None

    return transcript, content


def _play(player: Player, connection: "_Connection") -> Iterator[Played]:
    """Results as they come."""
    while True:
        connection.send(player.output())
        yield from player.played()
        if player.is_over:
            return
        try:
            if player.wants_tls:
                player.secured(connection.secure())
            else:
                player.receive(connection.receive(player.awaited))
        except ssl.SSLError:
            player.lost("TLS handshake failed" if player.wants_tls else "connection lost")
        except TimeoutError:
            player.lost("timed out")
        except OSError:
            player.lost("connection lost")


class _Connection:
    """A connection to the server; what cannot be sent is found out by reading."""

    def __init__(self, server: Address, name: str | None, *, tls: bool) -> None:
        """`name`: whom TLS asks for; with `tls` it begins at once. Raises `Unreachable`."""
        self._name = name
        self.tls_line: Tls | None = None
        try:
            self._socket = socket.create_connection((server.host, server.port), TIMEOUT)
        except (OSError, UnicodeError) as error:
            raise Unreachable(f"{server}: {_why(error)}") from error
        try:
            self.tls_line = self.secure() if tls else None
        except OSError as error:
            self._socket.close()
            raise Unreachable(f"{server}: TLS cannot be had there; --no-tls does without") from error

    def __enter__(self) -> "_Connection":
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def send(self, data: bytes) -> None:
        """Write it all, if the server still listens."""
        try:
            self._socket.settimeout(END_TIMEOUT)
            self._socket.sendall(data)
        except OSError:
            return

    def receive(self, awaited: Step | None) -> bytes:
        """Some octets. Raises `OSError`; `ConnectionError` at their end."""
        self._socket.settimeout(END_TIMEOUT if awaited is not None and awaited.source is not None else TIMEOUT)
        data = self._socket.recv(65_536)
        if not data:
            raise ConnectionResetError
        return data

    def secure(self) -> Tls:
        """Begin TLS, whatever the certificate. Raises `OSError`."""
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        secured = context.wrap_socket(self._socket, server_hostname=self._name)
        self._socket = secured
        cipher = secured.cipher()
        return Tls(version=secured.version() or "TLS", cipher=cipher[0] if cipher else "")


def _why(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or "nobody answers"


def _verdict(server: Address, results: list[Played]) -> int:
    """The exit code. Raises `Unreachable` where no SMTP server was."""
    first = results[0]
    if first.step.reply and code_of(first.reply) is None:
        raise Unreachable(f"{server}: no SMTP server answers there")
    unlike = sum(not each.same_code for each in results)
    if not unlike:
        return OK
    say(f"{unlike} {'reply' if unlike == 1 else 'replies'} of another code")
    return NEGATIVE


def _document(transcript: Transcript, server: Address, results: list[Played]) -> Document:
    return {
        "session": transcript.id,
        "to": str(server),
        "sameCodes": all(each.same_code for each in results),
        "turns": [
            {
                "verb": each.step.verb,
                "recorded": _side(each.step.said, each.step.reply),
                "replayed": _side(each.step.shown if each.is_sent else (), each.reply),
                "fate": each.fate.name.lower().replace("_", "-"),
                "sameCode": each.same_code,
                "note": each.note or None,
            }
            for each in results
        ],
    }


def _side(said: tuple[str, ...], reply: tuple[str, ...]) -> Document:
    return {"said": list(said), "code": code_of(reply), "reply": list(reply)}
