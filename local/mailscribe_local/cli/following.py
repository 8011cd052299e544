"""Events of the API one after the other, over as many connections as it takes: none is missed, none comes twice.

A short call says where to begin and whether the server streams; one that does is then read as Server-Sent Events,
another is polled. Whatever breaks, the next connection goes on from the last place that the server gave, and an event
that comes again is dropped by its id. A server that is gone is asked again for as long as it takes; what it refuses
(the token, the query) is raised.
"""

import contextlib
import json
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from enum import Enum
from typing import Final, Protocol

import urllib3

from mailscribe_local.cli.client import Client, read_document
from mailscribe_local.cli.errors import Unreachable
from mailscribe_local.cli.output import Document

PATH: Final = "/v1/events"
STREAM: Final = "text/event-stream"
PAUSES: Final = (0.2, 0.5, 1.0, 2.0)
"""Seconds between attempts; the last one from then on."""
REMEMBERED: Final = 20_000
"""Ids of events that are known to have come."""
_PIECE: Final = 65_536


class State(Enum):
    """What the one who follows is told."""

    LIVE = "the server says everything from now on"
    LOST = "the connection is gone; another is tried"


class Waiting(Protocol):
    """Encloses each time that nothing can be done but wait."""

    def __call__(self) -> contextlib.AbstractContextManager[None]:
        """A block in which a signal may interrupt."""
        ...


class Follower:
    """Follows the events that `parameters` ask for."""

    def __init__(
        self,
        client: Client,
        parameters: dict[str, str],
        tell: Callable[[State], None],
        *,
        waiting: Waiting = contextlib.nullcontext,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client = client
        self._parameters = parameters
        self._tell = tell
        self._waiting = waiting
        self._sleep = sleep
        self._place = ""
        self._state: State | None = None
        self._failures = 0
        self._seen: OrderedDict[str, None] = OrderedDict()

    def events(self) -> Iterator[Document]:
        """Every event, without end. Raises `Unreachable` when there is no server at first; what the server refuses."""
        while True:
            try:
                yield from filter(self._is_new, self._connection())
            except Unreachable:
                if self._state is None:
                    raise
                self._is_now(State.LOST)
                self._pause()

    def _connection(self) -> Iterator[Document]:
        if self._state is not State.LIVE:
            yield from self._answer({"timeout": "0"})
        yield from self._answer({})

    def _answer(self, parameters: dict[str, str]) -> Iterator[Document]:
        """The events of one answer. A stream is live from its first word on, if it is to go on; polls at once."""
        goes_on = not parameters
        with self._open(parameters) as answer:
            if not answer.headers.get("content-type", "").startswith(STREAM):
                yield from self._page(answer)
                self._is_now(State.LIVE)
                return
            for block in blocks(self._pieces(answer)):
                if goes_on:
                    self._is_now(State.LIVE)
                if "data" in block:
                    yield _event(block["data"])
                self._place = block.get("id", self._place)
        if goes_on:
            self._pause()

    @contextlib.contextmanager
    def _open(self, parameters: dict[str, str]) -> Iterator[urllib3.BaseHTTPResponse]:
        headers = {"Accept": STREAM} | ({"Last-Event-ID": self._place} if self._place else {})
        with contextlib.ExitStack() as stack:
            with self._waiting():
                answer = stack.enter_context(self._client.open(PATH, self._parameters | parameters, headers))
            yield answer

    def _page(self, answer: urllib3.BaseHTTPResponse) -> Iterator[Document]:
        page = read_document(b"".join(self._pieces(answer)))
        if not isinstance(page.get("events"), list) or not isinstance(page.get("next"), str):
            raise Unreachable("the answer is no page of events; is this a mailscribe server?")
        yield from page["events"]
        self._place = page["next"]

    def _pieces(self, answer: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
        pieces = iter(answer.stream(_PIECE))
        while True:
            with self._waiting():
                piece = next(pieces, None)
            if piece is None:
                return
            yield piece

    def _is_now(self, state: State) -> None:
        if state is State.LIVE:
            self._failures = 0
        if state is not self._state:
            self._state = state
            self._tell(state)

    def _is_new(self, event: Document) -> bool:
        if event["id"] in self._seen:
            return False
        self._seen[event["id"]] = None
        if len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)
        return True

    def _pause(self) -> None:
        with self._waiting():
            self._sleep(PAUSES[min(self._failures, len(PAUSES) - 1)])
        self._failures += 1


def blocks(pieces: Iterable[bytes]) -> Iterator[dict[str, str]]:
    """The fields of each block of a stream of Server-Sent Events: lines of `data` joined, without comments.

    >>> list(blocks([b"id: 1\\ndata: a\\n", b"data: b\\n\\n:\\n\\nid: 2\\n"]))
    [{'id': '1', 'data': 'a\\nb'}, {}]
    """
    found: dict[str, str] = {}
    for line in _lines(pieces):
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if not line:
            yield found
            found = {}
        elif name == "data" and name in found:
            found[name] += f"\n{value}"
        elif name:
            found[name] = value


def _lines(pieces: Iterable[bytes]) -> Iterator[str]:
    """Whole lines, without their ends (CRLF, LF)."""
    rest = b""
    for piece in pieces:
        *lines, rest = (rest + piece).split(b"\n")
        yield from (line.removesuffix(b"\r").decode("utf-8", "replace") for line in lines)


def _event(text: str) -> Document:
    try:
        event = json.loads(text)
    except ValueError as error:
        raise Unreachable("an event is not JSON; is this a mailscribe server?") from error
    if not isinstance(event, dict) or not isinstance(event.get("id"), str):
        raise Unreachable("an event has no id; is this a mailscribe server?")
    return event
