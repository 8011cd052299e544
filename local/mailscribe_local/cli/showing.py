"""`show` and `session`: one message in the form that is asked for; one conversation, word for word.

`--raw` gives a pipe the exact bytes that the client sent; a terminal sees their control characters, as everywhere.
"""

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Final
from urllib.parse import quote

from mailscribe_local.cli.client import Client, read_list
from mailscribe_local.cli.errors import OK, Negative
from mailscribe_local.cli.output import Document, is_terminal, local_time, one_line, size, write_json, write_text

_FORMS: Final = {
    "raw": "the exact bytes that the client sent",
    "text": "the text alone",
    "html": "a page that is safe to open, without remote pictures",
    "headers": "the header fields in their order, as sent",
    "transcript": "what was said while it came",
    "json": "the whole record",
}


def add(name: str, parser: argparse.ArgumentParser) -> None:
    """Add the options of one of the two."""
    parser.add_argument("id", metavar="ID", help=f"as in `mailscribe {'list' if name == 'show' else 'sessions'}`")
    if name == "session":
        parser.add_argument("--json", action="store_true", help="the whole record, with its turns timed")
        parser.set_defaults(run=run, noun="session", show=_show_session)
        return
    forms = parser.add_mutually_exclusive_group()
    for form, text in _FORMS.items():
        forms.add_argument(f"--{form}", dest="form", action="store_const", const=form, help=text)
    parser.set_defaults(run=run, noun="message", show=_show_message)


def run(arguments: argparse.Namespace) -> int:
    """Show it; 1 when there is none."""
    path = f"/v1/{arguments.noun}s/{quote(arguments.id, safe='')}"
    show: Callable[[Client, str, argparse.Namespace], None] = arguments.show
    try:
        show(Client(), path, arguments)
    except Negative as error:
        raise Negative(f"no {arguments.noun} {arguments.id}") from error
    return OK


def _show_message(client: Client, path: str, arguments: argparse.Namespace) -> None:
    match arguments.form:
        case "raw":
            _print_raw(client.get(f"{path}/raw", accept="*/*"))
        case "text" | "transcript" as form:
            _print_form(client, f"{path}/{form}")
        case "html":
            _print_form(client, f"{path}/html", accept="text/html")
        case "headers":
            for header in read_list(client.get(f"{path}/headers")):
                write_text(f"{header['name']}:{header['value']}")
        case "json":
            write_json(client.get_json(path))
        case _:
            for name, value in _fields(client.get_json(path)):
                print(f"{name + ':':<12}{one_line(value)}")
            print()
            _print_form(client, f"{path}/text")


def _show_session(client: Client, path: str, arguments: argparse.Namespace) -> None:
    if arguments.json:
        write_json(client.get_json(path))
    else:
        _print_form(client, f"{path}/transcript")


def _print_raw(content: bytes) -> None:
    if is_terminal():
        write_text(content.decode("utf-8", "backslashreplace"))
    else:
        sys.stdout.buffer.write(content)


def _print_form(client: Client, path: str, accept: str = "text/plain") -> None:
    write_text(client.get(path, accept=accept).decode("utf-8", "replace"))


def _fields(record: Document) -> Iterator[tuple[str, str]]:
    """What a person wants to know of a message before its text; the envelope is SMTP's, the rest the sender's."""
    yield "Id", record["id"]
    yield "Received", local_time(record["receivedAt"])
    if envelope := record["envelope"]:
        recipients = ", ".join(f"<{address['email']}>" for address in envelope["rcptTo"])
        yield "Envelope", f"<{envelope['mailFrom']['email']}> to {recipients}"
    if session := record["session"]:
        yield "Session", session["id"]
    for name in ("from", "to", "cc"):
        if record[name]:
            yield name.capitalize(), ", ".join(_mailboxes(record[name]))
    if record["sentAt"]:
        yield "Date", local_time(record["sentAt"])
    yield "Subject", record["subject"] or ""
    for part in record["attachments"]:
        yield "Attachment", f"{part['name'] or 'unnamed'} ({part['type']}, {size(part['size'])})"
    if record["defects"]:
        yield "Defects", ", ".join(dict.fromkeys(defect["code"] for defect in record["defects"]))


def _mailboxes(addresses: Sequence[Document]) -> Iterator[str]:
    for address in addresses:
        yield f"{address['name']} <{address['email']}>" if address["name"] else address["email"]
