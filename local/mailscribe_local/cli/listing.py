"""`list`, `search` and `sessions`: what arrived and what was said, newest first, as many as are asked for."""

import argparse
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

from mailscribe_local.cli.arguments import whole_number
from mailscribe_local.cli.client import Client
from mailscribe_local.cli.errors import NEGATIVE, OK
from mailscribe_local.cli.output import Document, is_terminal, local_time, one_line, say, short_time, size, write_json
from mailscribe_local.cli.table import Column, print_rows

_PAGE: Final = 100
_MESSAGE_WORDS: Final = "from: to: cc: rcpt: mailfrom: subject: message-id: session: has:"
_SESSION_WORDS: Final = "mailfrom: rcpt: helo: ip: verb: code: outcome: end:"
_EPILOG: Final = """\
A query is words that AND together, "a phrase", word*, OR, -not, ( ), and
  {words}
  after: before: on: (an ISO date), newer:2h older:7d
Exit code 1 when nothing matches a query."""

_MESSAGES: Final = (
    Column("id", style=lambda _: "cyan"),
    Column("received"),
    Column("size", is_detail=True),
    Column("from", least=18, is_detail=True),
    Column("to", least=18, is_detail=True),
    Column("subject", least=24, style=lambda _: "bold"),
)
_SESSIONS: Final = (
    Column("id", style=lambda _: "cyan"),
    Column("opened"),
    Column("client", is_detail=True),
    Column("helo", least=12, is_detail=True),
    Column("end", is_detail=True, style=lambda text: "" if text == "quit" else "yellow"),
    Column("outcome", is_detail=True, style=lambda text: "green" if text == "delivered" else "red"),
    Column("mails", is_detail=True),
    Column("last reply", least=24, style=lambda text: "red" if text[:1] in ("4", "5") else ""),
)


def add(name: str, parser: argparse.ArgumentParser) -> None:
    """Add the options of one of the three."""
    noun, words = ("sessions", _SESSION_WORDS) if name == "sessions" else ("messages", _MESSAGE_WORDS)
    parser.add_argument("query", metavar="QUERY", nargs=None if name == "search" else "?", help="which; see below")
    parser.add_argument("--limit", type=whole_number, default=25, metavar="N", help="at most N (%(default)s)")
    parser.add_argument("--json", action="store_true", help="summaries as JSON lines")
    parser.epilog = _EPILOG.format(words=words)
    parser.set_defaults(run=run, noun=noun, print=_print_sessions if noun == "sessions" else print_messages)


def run(arguments: argparse.Namespace) -> int:
    """List; 1 when there was a query and nothing matches it."""
    query: str = arguments.query or ""
    found, is_all = _fetch(Client(), arguments.noun, query, arguments.limit)
    if arguments.json:
        for document in found:
            write_json(document)
    elif found:
        show: Callable[[Sequence[Document]], None] = arguments.print
        show(found)
        if not is_all and is_terminal():
            say("there are more: --limit N, or a narrower query")
    else:
        say("nothing matches" if query else f"no {arguments.noun} yet")
    return OK if found or not query else NEGATIVE


def print_messages(messages: Sequence[Document]) -> None:
    """Messages, full records and summaries alike."""
    moment = _moment()
    print_rows(
        _MESSAGES,
        [
            (
                message["id"],
                moment(message["receivedAt"]),
                size(message["size"]),
                one_line(", ".join(address["email"] for address in message["from"] or [])),
                one_line(", ".join(_recipients(message))),
                one_line(message["subject"]),
            )
            for message in messages
        ],
    )


def _print_sessions(sessions: Sequence[Document]) -> None:
    moment = _moment()
    print_rows(
        _SESSIONS,
        [
            (
                session["id"],
                moment(session["openedAt"]),
                one_line(session["client"]["ip"]),
                one_line(session["helo"]),
                one_line(session["end"] or session["state"]),
                ",".join(session["outcome"]),
                str(len(session["messages"])),
                one_line(session["lastReply"]),
            )
            for session in sessions
        ],
    )


def _moment() -> Callable[[str], str]:
    """How times are written: short for a person, whole for a pipe."""
    now = datetime.now().astimezone()
    return (lambda text: short_time(text, now)) if is_terminal() else local_time


def _fetch(client: Client, noun: str, query: str, limit: int) -> tuple[list[Document], bool]:
    """The newest `limit`, page by page; whether that is all."""
    found: list[Document] = []
    cursor = ""
    while len(found) < limit:
        size_of_page = str(min(limit - len(found), _PAGE))
        page = client.get_json(f"/v1/{noun}", {"q": query, "limit": size_of_page, "cursor": cursor})
        found += page[noun]
        cursor = page["next"] or ""
        if not cursor:
            return found, True
    return found, False


def _recipients(message: Document) -> list[str]:
    """Whom the envelope names; without one, whom the header fields name."""
    listed: list[str] = message.get("rcptTo", [])
    if listed:
        return listed
    if message.get("envelope"):
        return [address["email"] for address in message["envelope"]["rcptTo"]]
    return [address["email"] for address in message["to"] or []]
