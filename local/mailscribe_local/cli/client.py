"""The HTTP API as the command line sees it: a URL, a token, answers or one of three errors.

The server's problem document is shown to the person as title and detail; a token is never shown.
"""

import json
import os
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode, urlsplit

import urllib3

from mailscribe.errors import ConfigError, MailscribeError
from mailscribe_local.cli.output import Document

DEFAULT_URL: Final = "http://127.0.0.1:8025"
DEFAULT_TOKEN: Final = "local"  # noqa: S105 - the documented token of loopback binds


class Unreachable(MailscribeError):
    """Nobody answers at the URL."""


class NotAuthorised(MailscribeError):
    """The token is missing, wrong, expired or lacks a scope (401, 403)."""


class ServerRefused(MailscribeError):
    """The API answered with a problem document."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class Client:
    """Calls the API found by `MAILSCRIBE_URL` and `MAILSCRIBE_TOKEN`."""

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        self._url = environ.get("MAILSCRIBE_URL", DEFAULT_URL).rstrip("/")
        if urlsplit(self._url).scheme not in ("http", "https"):
            raise ConfigError(f"MAILSCRIBE_URL={self._url!r}: not an http or https URL")
        self._headers = {"Authorization": f"Bearer {environ.get('MAILSCRIBE_TOKEN', DEFAULT_TOKEN)}"}
        self._pool = urllib3.PoolManager(retries=False, timeout=urllib3.Timeout(connect=5.0, read=60.0))

    def get(self, path: str, parameters: Mapping[str, str] | None = None, accept: str = "application/json") -> bytes:
        """The body of a 2xx answer; empty for 204."""
        query = urlencode({name: value for name, value in (parameters or {}).items() if value})
        url = f"{self._url}{path}" + (f"?{query}" if query else "")
        try:
            answer = self._pool.request("GET", url, headers=self._headers | {"Accept": accept}, redirect=True)
        except urllib3.exceptions.HTTPError as error:
            raise Unreachable(f"{self._url} does not answer; is `mailscribe up` running?") from error
        if answer.status in (401, 403):
            raise NotAuthorised(f"{self._url}: {_problem(answer.data)} (MAILSCRIBE_TOKEN)")
        if answer.status >= 400:
            raise ServerRefused(answer.status, _problem(answer.data))
        return answer.data

    def get_json(self, path: str, parameters: Mapping[str, str] | None = None) -> Document:
        """The JSON document of a 200 answer."""
        return _document(self.get(path, parameters))


def _document(body: bytes) -> Document:
    try:
        value = json.loads(body)
    except ValueError as error:
        raise Unreachable("the answer is not JSON; is this a mailscribe server?") from error
    if not isinstance(value, dict):
        raise Unreachable("the answer is no document; is this a mailscribe server?")
    return value


def _problem(body: bytes) -> str:
    try:
        problem = json.loads(body)
        title, detail = problem.get("title", "refused"), problem.get("detail")
        position = problem.get("position")
    except (ValueError, AttributeError):
        return "the server refused without saying why"
    text = f"{title}: {detail}" if detail else str(title)
    return text if position is None else f"{text} (at character {position})"
