"""The API over stores in memory that a real ingest fills, a clock that only tests move, and a caller."""

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, cast
from urllib.parse import urlencode

from mailscribe.ids import UlidFactory
from mailscribe.records import TokenRecord
from mailscribe.service.api import Dependencies, Payload, Stream, create_api
from mailscribe.settings import Settings
from mailscribe.store.items import put_token
from mailscribe.store.keys import REFUSED
from mailscribe.store.ports import Objects, Records
from support.conversation import Conversation, converse, plain_message
from support.world import NOW_MS, World

HOST = "mail.test"
NOW = datetime.fromtimestamp(NOW_MS / 1000, UTC)
SETTINGS = Settings(hosts=(HOST,))

type Scopes = tuple[Literal["read", "delete", "admin"], ...]


class Clock:
    """Milliseconds since 1970 that stand still until a test moves them."""

    def __init__(self, ms: int = NOW_MS) -> None:
        self.ms = ms

    def __call__(self) -> int:
        return self.ms


@dataclass
class Links:
    """Makes addresses and remembers what was asked for."""

    asked: list[tuple[str, str, int]] = field(default_factory=list)

    def link(self, key: str, *, filename: str, seconds: int) -> str:
        self.asked.append((key, filename, seconds))
        return f"https://bucket.test/{key}?signed"


@dataclass(frozen=True)
class Reply:
    """An answer, its body decoded. Names of header fields are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        assert self.headers["content-type"] in ("application/json", "application/problem+json")
        return json.loads(self.body)


def reply_of(payload: Payload) -> Reply:
    """A payload as its reader sees it."""
    body = payload["body"]
    if isinstance(body, Stream):
        data = b"".join(body.chunks())
        assert len(data) == body.length
    elif payload["isBase64Encoded"]:
        data = base64.b64decode(body, validate=True)
    else:
        data = cast("str", body).encode()
    return Reply(payload["statusCode"], {name.lower(): value for name, value in payload["headers"].items()}, data)


def make_event(path: str, query: str = "", *, method: str = "GET", headers: Mapping[str, str] | None = None) -> Payload:
    """A payload-2.0 event."""
    http = {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "test"}
    return {
        "version": "2.0",
        "rawPath": path,
        "rawQueryString": query,
        "headers": dict(headers or {}),
        "requestContext": {"http": http, "stage": "$default"},
        "isBase64Encoded": False,
    }


class ApiWorld:
    """One deployment, its API, and tokens by name: `reader`, `deleter`, `narrow`, `expired`."""

    def __init__(
        self,
        settings: Settings = SETTINGS,
        *,
        links: Links | None = None,
        objects: Callable[[Objects], Objects] = lambda objects: objects,
        records: Callable[[Records], Records] = lambda records: records,
        sleep: Callable[[float], object] | None = None,
    ) -> None:
        self.clock = Clock()
        self.world = World(settings)
        self.world.new_commit = UlidFactory(self.clock)
        self.world.main = self.world.ingest()
        self.slept: list[float] = []
        self._seconds = 0.0
        self._on_sleep = sleep
        self._put_token("reader", ("read",))
        self._put_token("deleter", ("delete",))
        self._put_token("admin", ("admin",))
        self._put_token("narrow", ("read",), recipients=("*@test.org",))
        self._put_token("expired", ("read",), expires=NOW)
        self.api = create_api(
            Dependencies(
                settings=settings,
                records=records(self.world.records),
                objects=objects(self.world.objects),
                links=links,
                clock_ms=self.clock,
                monotonic=lambda: self._seconds,
                sleep=self._sleep,
            )
        )

    def call(
        self,
        path: str,
        query: Mapping[str, object] | str = "",
        *,
        method: str = "GET",
        using: str | None = "reader",
        headers: Mapping[str, str] | None = None,
        body: object = None,
    ) -> Reply:
        """Ask the API as a function's caller does; `body` is bytes, or something to say in JSON."""
        event = self.event(path, query, method=method, using=using, headers=headers)
        if body is not None:
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            event |= {"body": base64.b64encode(data).decode(), "isBase64Encoded": True}
        return reply_of(self.api(event))

    def event(
        self,
        path: str,
        query: Mapping[str, object] | str = "",
        *,
        method: str = "GET",
        using: str | None = "reader",
        headers: Mapping[str, str] | None = None,
    ) -> Payload:
        """The event of a call."""
        fields = {"host": HOST} | ({} if using is None else {"authorization": f"Bearer {using}"}) | dict(headers or {})
        text = query if isinstance(query, str) else urlencode(query)
        return make_event(path, text, method=method, headers=fields)

    def deliver(
        self, *contents: bytes, number: int = 1, recipients: Sequence[str] = ("bob@test.org",), ended: bool = True
    ) -> Conversation:
        """A session that brought these messages, ingested; its own object too if it has `ended`."""
        told = converse(contents, number=number, recipients=recipients)
        self.world.hold(told)
        for key in told.objects:
            if (ended or key != told.session_object) and not key.startswith(REFUSED):
                self.world.deliver(key)
        return told

    def message(self, number: int = 1, subject: str = "hello", body: str = "How are you?\r\n") -> str:
        """The id of a message that just became readable, the only one of its session."""
        return self.deliver(plain_message(number, subject, body), number=number).messages[0]

    def _put_token(
        self,
        text: str,
        scopes: Scopes,
        recipients: tuple[str, ...] = ("*",),
        expires: datetime | None = None,
    ) -> None:
        record = TokenRecord(
            name=text, scopes=scopes, recipients=recipients, created_at=NOW - timedelta(days=1), expires_at=expires
        )
        put_token(self.world.records, text, record)

    def _sleep(self, seconds: float) -> None:
        self._seconds += seconds
        self.slept.append(seconds)
        if self._on_sleep is not None:
            self._on_sleep(seconds)
