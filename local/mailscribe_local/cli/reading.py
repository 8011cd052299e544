"""`list`, `show`, `sessions` and `session`: what arrived, and what was said, from a terminal."""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from typing import Final
from urllib.parse import quote

from mailscribe_local.cli.client import Client
from mailscribe_local.cli.output import Document, local_time, one_line, safe, size, table, write_json

_FORMS: Final = ("raw", "text", "headers", "transcript")
_PAGE: Final = 100


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the commands."""
    lists = (
        ("list", "messages, newest first", _list, "from:, to:, rcpt:, mailfrom:, subject:, after:, before:, words"),
        ("search", "messages that match a query, newest first", _list, "see docs/api.md"),
        ("sessions", "SMTP sessions, newest first", _sessions, "rcpt:, mailfrom:, after:, before:, words"),
    )
    for name, text, run, query_help in lists:
        parser = commands.add_parser(name, help=text)
        parser.add_argument("query", metavar="QUERY", nargs="?" if name != "search" else None, help=query_help)
        parser.add_argument("--limit", type=int, default=25, metavar="N", help="at most N (%(default)s)")
        parser.add_argument("--json", action="store_true", help="JSON lines")
        parser.set_defaults(run=run)
    show = commands.add_parser("show", help="one message")
    show.add_argument("id", metavar="ID")
    forms = show.add_mutually_exclusive_group()
    for form in _FORMS:
        forms.add_argument(f"--{form}", dest="form", action="store_const", const=form)
    forms.add_argument("--json", dest="form", action="store_const", const="json", help="the whole record")
    show.set_defaults(run=_show)
    session = commands.add_parser("session", help="one SMTP session, word for word")
    session.add_argument("id", metavar="ID")
    session.add_argument("--json", action="store_true", help="the whole record")
    session.set_defaults(run=_session)


def message_table(messages: Sequence[Document]) -> None:
    """Messages as a table; full records and summaries alike."""
    rows = (
        (
            message["id"],
            local_time(message["receivedAt"]),
            one_line(_sender(message), 30),
            one_line(", ".join(_recipients(message)), 30),
            one_line(message["subject"], 50),
            size(message["size"]),
        )
        for message in messages
    )
    table(("id", "received", "from", "to", "subject", "size"), rows)


def _list(arguments: argparse.Namespace) -> int:
    found = list(_pages(Client(), "messages", arguments.query or "", arguments.limit))
    if arguments.json:
        for message in found:
            write_json(message)
    else:
        message_table(found)
    return 0 if found or not arguments.query else 1


def _sessions(arguments: argparse.Namespace) -> int:
    found = list(_pages(Client(), "sessions", arguments.query or "", arguments.limit))
    if arguments.json:
        for session in found:
            write_json(session)
        return 0 if found or not arguments.query else 1
    rows = (
        (
            session["id"],
            local_time(session["openedAt"]),
            session["client"]["ip"],
            one_line(session["helo"], 30),
            session["end"] or session["state"],
            ",".join(session["outcome"]),
            str(len(session["messages"])),
            one_line(session["lastReply"], 40),
        )
        for session in found
    )
    table(("id", "opened", "client", "helo", "end", "outcome", "messages", "last reply"), rows)
    return 0 if found or not arguments.query else 1


def _show(arguments: argparse.Namespace) -> int:
    client, path = Client(), f"/v1/messages/{quote(arguments.id, safe='')}"
    match arguments.form:
        case "raw":
            sys.stdout.buffer.write(client.get(f"{path}/raw", accept="*/*"))
        case "text" | "transcript" as form:
            print(safe(client.get(f"{path}/{form}", accept="text/plain").decode().replace("\r\n", "\n")), end="")
        case "headers":
            for header in json.loads(client.get(f"{path}/headers")):
                print(safe(f"{header['name']}:{header['value']}".replace("\r\n", "\n")))
        case "json":
            write_json(client.get_json(path))
        case _:
            _print_message(client, path)
    return 0


def _print_message(client: Client, path: str) -> None:
    record = client.get_json(path)
    envelope = record["envelope"]
    lines = [("Id", record["id"]), ("Received", local_time(record["receivedAt"]))]
    if envelope:
        recipients = ", ".join(f"<{address['email']}>" for address in envelope["rcptTo"])
        lines += [("Envelope", f"<{envelope['mailFrom']['email']}> to {recipients}")]
    if record["session"]:
        lines += [("Session", record["session"]["id"])]
    lines += [("From", _sender(record)), ("To", ", ".join(_recipients(record))), ("Subject", record["subject"] or "")]
    for part in record["attachments"]:
        lines += [("Attachment", f"{part['name'] or 'unnamed'} ({part['type']}, {size(part['size'])})")]
    if record["defects"]:
        lines += [("Defects", ", ".join(defect["code"] for defect in record["defects"]))]
    for name, value in lines:
        print(f"{name + ':':<12}{safe(value)}")
    print()
    print(safe(client.get(f"{path}/text", accept="text/plain").decode().replace("\r\n", "\n")), end="")


def _session(arguments: argparse.Namespace) -> int:
    client, path = Client(), f"/v1/sessions/{quote(arguments.id, safe='')}"
    if arguments.json:
        write_json(client.get_json(path))
    else:
        print(safe(client.get(f"{path}/transcript", accept="text/plain").decode()), end="")
    return 0


def _pages(client: Client, noun: str, query: str, limit: int) -> Iterator[Document]:
    cursor = ""
    while limit > 0:
        page = client.get_json(f"/v1/{noun}", {"q": query, "limit": str(min(limit, _PAGE)), "cursor": cursor})
        yield from page[noun]
        limit -= len(page[noun])
        cursor = page["next"] or ""
        if not cursor:
            return


def _sender(message: Document) -> str:
    senders = [address["name"] or address["email"] for address in message["from"] or []]
    return ", ".join(senders)


def _recipients(message: Document) -> list[str]:
    listed: list[str] = message.get("rcptTo", [])
    if listed:
        return listed
    if message.get("envelope"):
        return [address["email"] for address in message["envelope"]["rcptTo"]]
    return [address["email"] for address in message["to"] or []]
