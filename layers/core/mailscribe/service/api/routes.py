"""What a route is: one row of the table that requests are matched with and the documents are made from.

A handler is given the services and the call and gives an `Answer`, or raises; whatever it raises becomes a problem
document. Where the host can hold it, a wait gives `Held` instead, and what goes on without an end `Live`.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final, Literal, Protocol

from mailscribe.records import TokenRecord
from mailscribe.service.api.answer import JSON, Answer
from mailscribe.service.api.request import Arguments, Parameter, Payload, Request
from mailscribe.service.events import Feed
from mailscribe.service.presence import Presence
from mailscribe.service.reading import Reading
from mailscribe.service.removal import Removal
from mailscribe.service.rules import RuleSets
from mailscribe.service.search import Search
from mailscribe.service.slots import Slots
from mailscribe.settings import Settings
from mailscribe.store.ports import Objects

Scope = Literal["read", "delete", "admin"]
PLACE: Final = re.compile(r"\{(\w+)\}")


class Links(Protocol):
    """Makes addresses from which an object can be fetched without a token."""

    def link(self, key: str, *, filename: str, seconds: int) -> str:
        """A URL that gives the object as an attachment of that name, for so many seconds."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """What handlers work with. Without `links` the host streams, and no answer is too large for it.

    `pages` are the answers made from the route table itself, by name; each is made when it is first asked for.
    """

    settings: Settings
    objects: Objects
    search: Search
    feed: Feed
    presence: Presence
    reading: Reading
    rules: RuleSets
    removal: Removal
    slots: Slots
    links: Links | None
    pages: Mapping[str, Callable[[], Answer]]
    clock_ms: Callable[[], int]
    monotonic: Callable[[], float]
    sleep: Callable[[float], None]


class Mode(Enum):
    """What a wait does that finds nothing at first."""

    BLOCK = "the caller has a thread to spare"
    HOLD = "the host holds it and asks again"
    ONCE = "it is over"


@dataclass(frozen=True, slots=True)
class Held:
    """A wait for the host to hold: `poll` until true or `seconds` are over, then give the answer of `finish`."""

    seconds: float
    poll: Callable[[], bool]
    finish: Callable[[], Payload] = field(default=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """An answer that goes on, for the host to hold: what `poll` gives is sent, time and again, until it is over.

    `poll` gives nothing when there is nothing new; `heartbeat` is sent when that lasts. What `poll` raises for good
    ends the answer. `seconds` is how long it lasts, None: until its reader leaves. `close` is called in each case.
    """

    poll: Callable[[], bytes]
    close: Callable[[], None]
    heartbeat: bytes
    content_type: str
    seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request with what its route made of it. `now_ms` is when it came, `id` and other `places` are from its path."""

    request: Request
    arguments: Arguments
    token: TokenRecord | None
    id: str
    mode: Mode
    now_ms: int
    places: Mapping[str, str] = field(default_factory=dict)


type Handler = Callable[[Services, Call], Answer | Held | Live]


@dataclass(frozen=True, slots=True)
class Form:
    """One form of an answer as the documents describe it: status, words, type, and the schema's name or itself."""

    status: int
    doc: str
    content_type: str = JSON
    schema: type | Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A method of a path; GET is HEAD too, which is the same without the body. `body`: what a request's body is."""

    path: str
    handler: Handler
    summary: str
    forms: tuple[Form, ...]
    parameters: tuple[Parameter[Any], ...] = ()
    problems: tuple[int, ...] = ()
    scope: Scope | None = "read"
    documented: bool = True
    method: str = "GET"
    body: type | None = None

    @property
    def methods(self) -> tuple[str, ...]:
        """The methods that it answers."""
        return ("GET", "HEAD") if self.method == "GET" else (self.method,)

    @property
    def rule(self) -> str:
        """The path as the resolver matches it: a regular expression but for `<name>`."""
        return PLACE.sub(r"<\1>", self.path.replace(".", r"\."))

    def matches(self, path: str) -> bool:
        """Whether the route is the one of that path."""
        pattern = PLACE.sub("[^/]+", self.path.replace(".", r"\."))
        return re.fullmatch(pattern, path) is not None
