"""Following events: streams and polls, breaks of every kind, doubles, servers that come back or were never there."""

import doctest
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailscribe_local.cli import following
from mailscribe_local.cli.client import Client
from mailscribe_local.cli.errors import NotAuthorised, Refused, Unreachable
from mailscribe_local.cli.following import PAUSES, Follower, State, blocks

STREAM = "text/event-stream"
JSON = "application/json"


@dataclass(frozen=True)
class Scripted:
    """One answer. `cut`: the connection breaks before its end."""

    body: str = ""
    kind: str = STREAM
    status: int = 200
    cut: bool = False


@dataclass
class Asked:
    """One request: its parameters and the place in its Last-Event-ID."""

    parameters: Mapping[str, str]
    place: str | None


@dataclass
class Server:
    url: str = ""
    asked: list[Asked] = field(default_factory=list)


@contextmanager
def serving(*answers: Scripted) -> Iterator[Server]:
    """A server that gives these answers, one a request, and then refuses."""
    left, server = list(answers), Server()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            parameters = dict(parse_qsl(urlsplit(self.path).query))
            server.asked.append(Asked(parameters, self.headers["Last-Event-ID"]))
            answer = left.pop(0) if left else Scripted('{"title":"the script is over"}', JSON, 400)
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.kind)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for start in range(0, len(answer.body), 7):
                piece = answer.body[start : start + 7].encode()
                self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
            if answer.cut:
                self.close_connection = True
            else:
                self.wfile.write(b"0\r\n\r\n")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            """Be quiet."""

    host = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=host.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    server.url = f"http://127.0.0.1:{host.server_port}"
    try:
        yield server
    finally:
        host.shutdown()
        host.server_close()
        thread.join(10)


class Following:
    """A follower of a server, and what it told and slept."""

    def __init__(self, server: Server, **parameters: str) -> None:
        self.told: list[State] = []
        self.slept: list[float] = []
        client = Client({"MAILSCRIBE_URL": server.url})
        self.follower = Follower(client, parameters, self.told.append, sleep=self.slept.append)

    def ids(self, count: int | None = None) -> list[str]:
        """The ids of the next events; without a count, of all until the script is over."""
        events = self.follower.events()
        if count is not None:
            return [event["id"] for event in islice(events, count)]
        found: list[str] = []
        with pytest.raises(Refused, match="the script is over"):
            found.extend(event["id"] for event in events)
        return found


def event(ulid: str) -> dict[str, Any]:
    return {"id": ulid, "type": "message.received"}


def sse(*ulids: str, place: str = "") -> str:
    """A stream's blocks of these events, and of a place."""
    text = "".join(f"id: {ulid}\ndata: {json.dumps(event(ulid))}\n\n" for ulid in ulids)
    return text + (f"id: {place}\n\n" if place else "")


def page(*ulids: str, following_place: str) -> Scripted:
    return Scripted(json.dumps({"events": [event(ulid) for ulid in ulids], "next": following_place}), JSON)


def test_doctests() -> None:
    assert doctest.testmod(following).failed == 0
    assert doctest.testmod(following).attempted > 0


@given(st.lists(st.integers(1, 9), max_size=30))
def test_blocks_are_the_same_however_they_are_cut(cuts: list[int]) -> None:
    whole = "retry: 1\r\n\r\nid: 1\nevent: x\ndata: {\u20ac}\n\n:\n\ndata:a\ndata:  b\nid\n\nid: tor".encode()
    pieces, start = [], 0
    for cut in cuts:
        pieces.append(whole[start : start + cut])
        start += cut
    pieces.append(whole[start:])
    assert list(blocks(pieces)) == [
        {"retry": "1"},
        {"id": "1", "event": "x", "data": "{\u20ac}"},
        {},
        {"data": "a\n b", "id": ""},
    ]


def test_a_stream_begins_where_a_short_call_says() -> None:
    with serving(Scripted("retry: 1\n\n" + sse(place="P0")), Scripted(sse("a", "b", place="P1"))) as server:
        following_it = Following(server, q="x", watch="")
        assert following_it.ids(2) == ["a", "b"]
        assert following_it.told == [State.LIVE]
        short, long = server.asked
        assert (short.parameters, short.place) == ({"q": "x", "timeout": "0"}, None)
        assert (long.parameters, long.place) == ({"q": "x"}, "P0")


def test_what_the_short_call_has_comes_first() -> None:
    with serving(Scripted(sse("a", place="P0")), Scripted(sse("b"))) as server:
        assert Following(server).ids(2) == ["a", "b"]


def test_a_stream_that_ends_is_opened_again_where_it_was() -> None:
    with serving(Scripted(sse(place="P0")), Scripted(sse("a", place="P1")), Scripted(sse("b"))) as server:
        following_it = Following(server)
        assert following_it.ids() == ["a", "b"]
        assert [asked.place for asked in server.asked] == [None, "P0", "P1", "b"]
        assert following_it.told == [State.LIVE]
        assert following_it.slept == [PAUSES[0], PAUSES[0]]


@pytest.mark.parametrize("broken", ["id: c", "id: c\nda", 'id: c\ndata: {"id":"c"}', 'id: c\ndata: {"id":"c"}\n'])
def test_an_event_that_is_torn_comes_again_from_the_place_before_it(broken: str) -> None:
    with serving(
        Scripted(sse(place="P0")),
        Scripted(sse("a", "b") + broken, cut=True),
        Scripted(sse(place="P9")),
        Scripted(sse("b", "c", place="P2")),
    ) as server:
        following_it = Following(server)
        assert following_it.ids() == ["a", "b", "c"]
        assert [asked.place for asked in server.asked] == [None, "P0", "b", "P9", "P2"]
        assert following_it.told == [State.LIVE, State.LOST, State.LIVE]


def test_a_server_that_is_gone_is_asked_again_for_as_long_as_it_takes() -> None:
    down = [Scripted("{}", JSON, 503)] * 9
    with serving(
        Scripted(sse(place="P0")),
        Scripted(sse(place="P1"), cut=True),
        *down,
        Scripted(sse(place="P2")),
        Scripted(sse("a")),
    ) as server:
        following_it = Following(server)
        assert following_it.ids(1) == ["a"]
        assert following_it.told == [State.LIVE, State.LOST, State.LIVE]
        assert following_it.slept[:4] == list(PAUSES)
        assert set(following_it.slept[4:]) == {PAUSES[-1]}


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Scripted("{}", JSON, 503), Unreachable),
        (Scripted("{}", JSON, 401), NotAuthorised),
        (Scripted("{}", JSON, 400), Refused),
        (Scripted("<html>", "text/html"), Unreachable),
        (Scripted("[]", JSON), Unreachable),
        (Scripted('{"events":1,"next":"x"}', JSON), Unreachable),
        (Scripted('{"events":[]}', JSON), Unreachable),
        (Scripted("data: x\n\n"), Unreachable),
        (Scripted("data: {}\n\n"), Unreachable),
        (Scripted("data: []\n\n"), Unreachable),
        (Scripted(cut=True), Unreachable),
    ],
)
def test_what_does_not_begin_is_said(answer: Scripted, error: type[Exception]) -> None:
    with serving(answer) as server:
        following_it = Following(server)
        with pytest.raises(error):
            next(following_it.follower.events())
        assert following_it.slept == []


def test_a_token_that_ends_ends_it() -> None:
    with serving(Scripted(sse(place="P0")), Scripted(sse("a")), Scripted("{}", JSON, 401)) as server:
        events = Following(server).follower.events()
        assert next(events)["id"] == "a"
        with pytest.raises(NotAuthorised):
            next(events)


def test_a_server_that_does_not_stream_is_polled() -> None:
    with serving(
        page("a", following_place="P1"),
        page(following_place="P2"),
        page("b", "c", following_place="P3"),
        page("c", "d", following_place="P4"),
    ) as server:
        following_it = Following(server, since="1h")
        assert following_it.ids() == ["a", "b", "c", "d"]
        assert [asked.place for asked in server.asked] == [None, "P1", "P2", "P3", "P4"]
        assert [asked.parameters.get("timeout") for asked in server.asked] == ["0", None, None, None, None]
        assert following_it.told == [State.LIVE]
        assert following_it.slept == []


def test_a_poll_that_fails_is_tried_again_from_where_it_was() -> None:
    with serving(
        page("a", following_place="P1"),
        Scripted('{"events":[', JSON, cut=True),
        Scripted("{}", JSON, 503),
        page("b", following_place="P2"),
        page("c", following_place="P3"),
    ) as server:
        following_it = Following(server)
        assert following_it.ids() == ["a", "b", "c"]
        assert [asked.place for asked in server.asked] == [None, "P1", "P1", "P1", "P2", "P3"]
        assert following_it.told == [State.LIVE, State.LOST, State.LIVE]
        assert following_it.slept == list(PAUSES[:2])
