"""Events as EventBridge takes them."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, get_args, get_type_hints

import msgspec
import pytest
from botocore.stub import Stubber

from mailscribe.errors import StoreUnavailable
from mailscribe.records import Event
from mailscribe.service.ports import Events
from mailscribe.store.aws.calls import events_client
from mailscribe.store.aws.events import DETAIL_TYPES, MAX_ENTRY_BYTES, EventBridgeEvents
from support.samples import MOMENT, sample

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient

TAKEN = {"EventId": "1"}


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> "EventBridgeClient":
    for name, value in [("DEFAULT_REGION", "us-east-1"), ("ACCESS_KEY_ID", "x"), ("SECRET_ACCESS_KEY", "x")]:
        monkeypatch.setenv(f"AWS_{name}", value)
    return events_client()


@pytest.fixture
def stub(client: "EventBridgeClient") -> Iterator[Stubber]:
    with Stubber(client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


@pytest.fixture
def events(client: "EventBridgeClient", stub: Stubber) -> Events:
    return EventBridgeEvents(client, "bus")


def entry(event: Event) -> dict[str, Any]:
    return {
        "Time": MOMENT,
        "Source": "mailscribe",
        "DetailType": DETAIL_TYPES[event.type],
        "Detail": msgspec.json.encode(event).decode(),
        "EventBusName": "bus",
    }


def take(stub: Stubber, entries: list[dict[str, Any]], *failed: str) -> None:
    answers = [{"ErrorCode": code, "ErrorMessage": "…"} for code in failed]
    answers += [TAKEN] * (len(entries) - len(failed))
    stub.add_response("put_events", {"FailedEntryCount": len(failed), "Entries": answers}, {"Entries": entries})


def test_an_event_as_the_bus_sees_it(events: Events, stub: Stubber) -> None:
    event = sample(Event, type="message.received")
    take(stub, [entry(event)])
    events.publish([event])
    detail = json.loads(entry(event)["Detail"])
    assert detail["v"] == 1
    assert (detail["id"], detail["type"]) == (event.id, "message.received")
    assert detail["keys"] == list(event.keys)


def test_detail_types_of_the_api() -> None:
    assert DETAIL_TYPES == {
        "message.received": "Message Received",
        "session.closed": "Session Closed",
        "report.received": "Report Received",
    }
    assert set(DETAIL_TYPES) < set(get_args(get_type_hints(Event)["type"]))


def test_nothing_to_publish(events: Events) -> None:
    events.publish([])


def test_entries_of_the_feed_alone_are_not_published(events: Events, stub: Stubber) -> None:
    closed = sample(Event, type="session.closed")
    take(stub, [entry(closed)])
    events.publish([sample(Event, type="session.opened"), closed, sample(Event, type="message.removed")])
    events.publish([sample(Event, type="session.opened")])


@pytest.mark.parametrize("count", [9, 10, 11, 25])
def test_tens(events: Events, stub: Stubber, count: int) -> None:
    made = [sample(Event, keys=(str(number),)) for number in range(count)]
    for first in range(0, count, 10):
        take(stub, [entry(event) for event in made[first : first + 10]])
    events.publish(made)


def test_an_event_that_is_not_taken_is_for_later(events: Events, stub: Stubber) -> None:
    made = [sample(Event), sample(Event)]
    take(stub, [entry(event) for event in made], "ThrottlingException")
    with pytest.raises(StoreUnavailable, match=r"1 events not taken.*ThrottlingException"):
        events.publish(made)


@pytest.mark.parametrize("code", ["InternalException", "ThrottlingException", "ResourceNotFoundException"])
def test_a_bus_that_is_down(events: Events, stub: Stubber, code: str) -> None:
    stub.add_client_error("put_events", code)
    with pytest.raises(StoreUnavailable):
        events.publish([sample(Event)])


def test_a_summary_too_large_for_the_bus_is_left_out(events: Events, stub: Stubber) -> None:
    def of_size(size: int) -> Event:
        empty = sample(Event, detail=msgspec.Raw(b'""'))
        return sample(Event, detail=msgspec.Raw(b'"' + b"x" * (size - len(msgspec.json.encode(empty))) + b'"'))

    fits, large = of_size(MAX_ENTRY_BYTES), of_size(MAX_ENTRY_BYTES + 1)
    short = msgspec.structs.replace(large, detail=msgspec.Raw(b"null"))
    take(stub, [entry(fits), entry(short)])
    events.publish([fits, large])
