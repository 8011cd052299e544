"""The command line's HTTP client against a server that says what it is told to."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from mailscribe.errors import ConfigError
from mailscribe_local.cli.client import Client, NotAuthorised, ServerRefused, Unreachable


@contextmanager
def _server(status: int, body: bytes) -> Iterator[tuple[str, list[str]]]:
    seen: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(f"{self.path} {self.headers['Authorization']}")
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            """Be quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
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
        (400, b'{"title":"Bad query","detail":"unknown x:","position":6}', ServerRefused, r"at character 6"),
        (500, b"<html>", ServerRefused, "without saying why"),
        (404, b"[]", ServerRefused, "without saying why"),
        (200, b"<html>", Unreachable, "not JSON"),
        (200, b"[]", Unreachable, "no document"),
    ],
)
def test_answers_that_are_no_answers(status: int, body: bytes, error: type[Exception], text: str) -> None:
    with _server(status, body) as (url, _), pytest.raises(error, match=text):
        _client(url).get_json("/v1/messages")


def test_nobody_there() -> None:
    with _server(200, b"") as (url, _):
        pass
    with pytest.raises(Unreachable, match="mailscribe up"):
        _client(url).get("/v1/health")


def test_a_url_that_is_none() -> None:
    with pytest.raises(ConfigError, match="MAILSCRIBE_URL"):
        Client({"MAILSCRIBE_URL": "localhost:8025"})
