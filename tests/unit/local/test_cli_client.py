"""The command line's HTTP client against a server that says what it is told to."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from mailscribe.errors import ConfigError
from mailscribe_local.cli.client import Client, read_list
from mailscribe_local.cli.errors import Negative, NotAuthorised, Refused, Unreachable


@contextmanager
def _server(status: int, body: bytes, location: str = "") -> Iterator[tuple[str, list[str]]]:
    seen: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(f"{self.path} {self.headers['Authorization']}")
            self.send_response(status)
            if location:
                self.send_header("Location", location)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            """Be quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", seen
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


def _client(url: str) -> Client:
    return Client({"MAILSCRIBE_URL": url, "MAILSCRIBE_TOKEN": "tok"})


def test_parameters_are_encoded_and_the_token_is_sent() -> None:
    with _server(200, b'{"a":1}') as (url, seen):
        assert _client(url).get_json("/v1/messages", {"q": "from:a b&c", "cursor": ""}) == {"a": 1}
        assert seen == ["/v1/messages?q=from%3Aa+b%26c Bearer tok"]


@pytest.mark.parametrize(
    ("status", "body", "error", "text"),
    [
        (401, b'{"title":"Unauthorized"}', NotAuthorised, "Unauthorized"),
        (403, b'{"title":"Forbidden","detail":"no"}', NotAuthorised, "Forbidden: no"),
        (400, b'{"title":"Bad","detail":"unknown x:","position":6}', Refused, r"unknown x: \(at character 6\)"),
        (
            400,
            b'{"title":"Bad","position":0,"expected":"a word"}',
            Refused,
            r"Bad \(at character 0\)\nexpected: a word",
        ),
        (421, b"[]", Refused, "answered 421 without saying why"),
        (302, b"", Refused, "answered 302 without saying why"),
        (404, b'{"title":"Nothing"}', Negative, "Nothing"),
        (429, b'{"title":"Busy"}', Unreachable, "Busy"),
        (500, b"<html>", Unreachable, "answered 500 without saying why"),
        (200, b"<html>", Unreachable, "not JSON"),
        (200, b"[]", Unreachable, "no document"),
    ],
)
def test_answers_that_are_no_answers(status: int, body: bytes, error: type[Exception], text: str) -> None:
    with _server(status, body) as (url, _), pytest.raises(error, match=text):
        _client(url).get_json("/v1/messages")


def test_the_place_in_the_query_is_marked() -> None:
    body = b'{"title":"Bad","position":6}'
    with _server(400, body) as (url, _):
        with pytest.raises(Refused, match=r"\n  order colour:red\n        \^$"):
            _client(url).get("/v1/messages", {"q": "order colour:red"})
        with pytest.raises(Refused, match=r"\(at character 6\)$"):
            _client(url).get("/v1/messages", {"q": "order\tcolour:red"})


@pytest.mark.parametrize("body", [b"{}", b"[1]", b"no"])
def test_what_is_no_list(body: bytes) -> None:
    with pytest.raises(Unreachable, match="mailscribe server"):
        read_list(body)


def test_a_large_message_is_fetched_from_the_store_and_the_token_stays_here() -> None:
    with _server(200, b"exact bytes") as (store, asked), _server(302, b"", f"{store}/signed") as (url, _):
        elsewhere = store.replace("127.0.0.1", "localhost")
        assert _client(url).get("/v1/messages/x/raw", accept="*/*") == b"exact bytes"
        with _server(302, b"", f"{elsewhere}/signed") as (other, _):
            assert _client(other).get("/v1/messages/x/raw", accept="*/*") == b"exact bytes"
    assert asked == ["/signed None", "/signed None"]


def test_nobody_there() -> None:
    with _server(200, b"") as (url, _):
        pass
    with pytest.raises(Unreachable, match="mailscribe up"):
        _client(url).get("/v1/health")


@pytest.mark.parametrize("url", ["localhost:8025", "http://", "http://[::1", "http://host:port", "ftp://host"])
def test_a_url_that_is_none(url: str) -> None:
    with pytest.raises(ConfigError, match="MAILSCRIBE_URL"):
        Client({"MAILSCRIBE_URL": url})


@pytest.mark.parametrize("token", ["a b", "a\nb", "ä"])
def test_a_token_that_cannot_be_sent(token: str) -> None:
    with pytest.raises(ConfigError, match="MAILSCRIBE_TOKEN") as caught:
        Client({"MAILSCRIBE_TOKEN": token})
    assert token not in str(caught.value)
