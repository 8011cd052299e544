"""The HTTP API as the command line sees it: a URL, a token, answers or errors by exit code.

The server's problem document is shown to the person as title and detail, with the place in the query; a token is
never shown, and never follows a redirection to another host.
"""

import contextlib
import json
import os
from collections.abc import Iterator, Mapping
from typing import Final
from urllib.parse import urlencode, urlsplit

import urllib3

from mailscribe.errors import ConfigError
from mailscribe_local.cli.errors import CommandError, Negative, NotAuthorised, Refused, Unreachable
from mailscribe_local.cli.output import Document, one_line

DEFAULT_URL: Final = "http://127.0.0.1:8025"
DEFAULT_TOKEN: Final = "local"  # noqa: S105 - the documented token of loopback binds
_TIMEOUT: Final = urllib3.Timeout(connect=5.0, read=60.0)


class Client:
    """Calls the API found by `MAILSCRIBE_URL` and `MAILSCRIBE_TOKEN`."""

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        self._url = _url(environ.get("MAILSCRIBE_URL") or DEFAULT_URL)
        self._headers = {"Authorization": f"Bearer {_token(environ.get('MAILSCRIBE_TOKEN') or DEFAULT_TOKEN)}"}
        # a large message is a redirection to the store; nothing else is tried twice
        self._pool = urllib3.PoolManager(
            retries=urllib3.Retry(total=None, connect=0, read=0, status=0, other=0, redirect=3), timeout=_TIMEOUT
        )

    def get(self, path: str, parameters: Mapping[str, str] | None = None, accept: str = "application/json") -> bytes:
        """The body of a 2xx answer; empty for 204."""
        return self._call("GET", path, parameters or {}, accept)

    def delete(self, path: str, parameters: Mapping[str, str] | None = None) -> Document:
        """The JSON document of the answer to DELETE."""
        return read_document(self._call("DELETE", path, parameters or {}, "application/json"))

    def _call(self, method: str, path: str, parameters: Mapping[str, str], accept: str) -> bytes:
        query = urlencode({name: value for name, value in parameters.items() if value})
        url = f"{self._url}{path}" + (f"?{query}" if query else "")
        try:
            answer = self._pool.request(method, url, headers=self._headers | {"Accept": accept})
        except (urllib3.exceptions.HTTPError, UnicodeError) as error:
            raise _unreachable(self._url) from error
        if 200 <= answer.status < 300:
            return answer.data
        raise _error(self._url, answer.status, answer.data, parameters.get("q", ""))

    @contextlib.contextmanager
    def open(
        self, path: str, parameters: Mapping[str, str], headers: Mapping[str, str]
    ) -> Iterator[urllib3.BaseHTTPResponse]:
        """A 2xx answer whose body is still to come. What breaks off while the block lasts is `Unreachable` too."""
        url = f"{self._url}{path}?{urlencode({name: value for name, value in parameters.items() if value})}"
        try:
            answer = self._pool.request("GET", url, headers={**self._headers, **headers}, preload_content=False)
            try:
                if not 200 <= answer.status < 300:
                    raise _error(self._url, answer.status, answer.data, parameters.get("q", ""))
                yield answer
            finally:
                answer.close()
        except (urllib3.exceptions.HTTPError, UnicodeError) as error:
            raise _unreachable(self._url) from error

    def get_json(self, path: str, parameters: Mapping[str, str] | None = None) -> Document:
        """The JSON document of a 200 answer."""
        return read_document(self.get(path, parameters))


def read_document(body: bytes) -> Document:
    """A JSON object. Raises `Unreachable` for anything else: it is no mailscribe that answers."""
    value = _json(body)
    if not isinstance(value, dict):
        raise Unreachable("the answer is no document; is this a mailscribe server?")
    return value


def read_list(body: bytes) -> list[Document]:
    """A JSON list of objects. Raises `Unreachable` for anything else."""
    value = _json(body)
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise Unreachable("the answer is no list; is this a mailscribe server?")
    return value


def _json(body: bytes) -> object:
    try:
        value: object = json.loads(body)
    except ValueError as error:
        raise Unreachable("the answer is not JSON; is this a mailscribe server?") from error
    return value


def _url(text: str) -> str:
    try:
        parts = urlsplit(text)
        is_one = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_one = False
    if not is_one:
        raise ConfigError(f"MAILSCRIBE_URL={text}: not an http or https URL")
    return text.rstrip("/")


def _token(text: str) -> str:
    if not text.isascii() or not text.isprintable() or " " in text:
        raise ConfigError("MAILSCRIBE_TOKEN: printable ASCII without spaces, please")
    return text


def _unreachable(url: str) -> Unreachable:
    return Unreachable(f"{url} does not answer; is `mailscribe up` running?")


def _error(url: str, status: int, body: bytes, query: str) -> CommandError:
    text = _problem(status, body, query)
    match status:
        case 401 | 403:
            return NotAuthorised(f"{url}: {text} (MAILSCRIBE_TOKEN)")
        case 404 | 409:
            return Negative(text)
        case 429:
            return Unreachable(f"{url}: {text}")
        case _ if status >= 500:
            return Unreachable(f"{url}: {text}")
    return Refused(text)


def _problem(status: int, body: bytes, query: str) -> str:
    try:
        problem = json.loads(body)
        title, detail = problem.get("title", f"status {status}"), problem.get("detail")
        position, expected = problem.get("position"), problem.get("expected")
    except (ValueError, AttributeError):
        return f"the server answered {status} without saying why"
    text = f"{title}: {detail}" if detail else str(title)
    if not isinstance(position, int):
        return text
    lines = [f"{text} (at character {position})"]
    if query and one_line(query) == query:  # else the mark would stand elsewhere
        lines += [f"  {query}", f"  {' ' * position}^"]
    if expected:
        lines += [f"expected: {expected}"]
    return "\n".join(lines)
