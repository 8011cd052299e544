"""Events as their readers have them: pages of polls, streams, and who is watched."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from mailscribe.errors import ObjectNotFound
from mailscribe.service.api import Live
from mailscribe.service.outbox import PUBLISHED
from mailscribe.service.presence import is_live
from mailscribe.store.keys import presence_key
from support.api import ApiWorld, Reply

BOB = "bob@test.org"
STREAM = {"accept": "text/event-stream"}


def event_types(reply: Reply) -> list[str]:
    return [event["type"] for event in reply.json()["events"]]


def poll_events(world: ApiWorld, **query: object) -> Reply:
    reply = world.call("/v1/events", {"timeout": 0, "since": "1h"} | query)
    assert reply.status == 200, reply.body
    return reply


def open_stream(world: ApiWorld, headers: Mapping[str, str] | None = None, **query: object) -> Live:
    body = world.api.start(world.event("/v1/events", query, headers=STREAM | dict(headers or {})))["body"]
    assert isinstance(body, Live)
    return body


class Heard:
    """What a reader of Server-Sent Events has: events, and the last id, as the standard says."""

    def __init__(self, *pieces: bytes) -> None:
        self.events: list[dict[str, Any]] = []
        self.last_id = ""
        self.retry = 0
        for block in b"".join(pieces).decode().split("\n\n")[:-1]:
            fields = dict(line.partition(": ")[::2] for line in block.split("\n"))
            self.last_id = fields.get("id", self.last_id)
            self.retry = int(fields.get("retry", self.retry))
            if "data" in fields:
                event = json.loads(fields["data"])
                assert (fields["id"], fields["event"]) == (event["id"], event["type"])
                self.events.append(event)


def shown_events(world: ApiWorld) -> list[str]:
    """The ids of every event that anybody may see, in commit order."""
    return [event.id for event in world.world.feed() if event.type in PUBLISHED]


def is_watched(world: ApiWorld, address: str = BOB) -> bool:
    try:
        data = world.world.objects.get(presence_key(address))
    except ObjectNotFound:
        return False
    return is_live(data, datetime.fromtimestamp(world.clock.ms / 1000, UTC))
