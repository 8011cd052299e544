"""The HTTP API: `create_api` gives a function of payload-2.0 events over the two stores.

One noun a file: `messages`, `sessions`, `events`, `rules`, `search`, `system` hold routes and handlers; `application`
checks host and token and lets the powertools resolver find the route; `problems` is the table of errors; `openapi` and
`pages` are made from the route table. What a host may need is exported here.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from typing import Final

import mailscribe
from mailscribe.ids import UlidFactory, now_ms
from mailscribe.service.api import (
    deleting,
    events,
    extraction,
    html,
    messages,
    pages,
    parts,
    rules,
    search,
    sessions,
    system,
)
from mailscribe.service.api.answer import Stream, json_answer
from mailscribe.service.api.application import Api
from mailscribe.service.api.openapi import describe
from mailscribe.service.api.request import Payload
from mailscribe.service.api.routes import Held, Links, Live, Route, Services
from mailscribe.service.events import Feed
from mailscribe.service.presence import Presence
from mailscribe.service.reading import Reading
from mailscribe.service.removal import Removal
from mailscribe.service.rows import Rows
from mailscribe.service.rules import RuleSets
from mailscribe.service.search import Search
from mailscribe.service.slots import Slots
from mailscribe.service.tokens import Tokens
from mailscribe.settings import Settings
from mailscribe.store.ports import Objects, Records

__all__ = ["ROUTES", "Api", "Dependencies", "Held", "Links", "Live", "Payload", "Route", "Stream", "create_api"]

ROUTES: Final = (
    *messages.ROUTES,
    *deleting.ROUTES,
    *parts.ROUTES,
    *html.ROUTES,
    *extraction.ROUTES,
    *sessions.ROUTES,
    *events.ROUTES,
    *rules.ROUTES,
    *search.ROUTES,
    *system.ROUTES,
)
"""Every route there is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependencies:
    """What the API is made over. `links` is given where answers are limited in size; without, the host streams.

    `search` and `feed` are made when they are not given; a host that has other uses for them, or knows that all that
    commit do so in turn, gives its own. `new_commit` makes the commit sequences of what is deleted.
    """

    settings: Settings
    records: Records
    objects: Objects
    search: Search | None = None
    feed: Feed | None = None
    links: Links | None = None
    new_commit: Callable[[], str] | None = None
    clock_ms: Callable[[], int] = now_ms
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


def create_api(dependencies: Dependencies) -> Api:
    """The API: call it with an event, as a function's handler is; `start` is for a host that holds."""
    settings, records, objects = dependencies.settings, dependencies.records, dependencies.objects
    services = Services(
        settings=settings,
        objects=objects,
        search=dependencies.search or Search(records, objects, settings, clock_ms=dependencies.clock_ms),
        feed=dependencies.feed or Feed(records, objects, clock_ms=dependencies.clock_ms),
        presence=Presence(objects, dependencies.clock_ms),
        reading=Reading(records, objects, settings),
        removal=Removal(
            Rows(objects, records, settings),
            dependencies.new_commit or UlidFactory(dependencies.clock_ms),
            clock_ms=dependencies.clock_ms,
        ),
        rules=RuleSets(objects, dependencies.clock_ms),
        slots=Slots(records, settings.wait_slots, clock_ms=dependencies.clock_ms),
        links=dependencies.links,
        pages={
            "openapi": cache(lambda: json_answer(describe(ROUTES, mailscribe.__version__))),
            "docs": cache(partial(pages.docs, ROUTES, mailscribe.__version__)),
            "home": cache(pages.home),
        },
        clock_ms=dependencies.clock_ms,
        monotonic=dependencies.monotonic,
        sleep=dependencies.sleep,
    )
    return Api(services, Tokens(records, dependencies.clock_ms), ROUTES)
