"""The ingest function on moto: the events of events/*.json through the handler as it is deployed."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from moto import mock_aws

from mailscribe.errors import StoreError, StoreUnavailable
from mailscribe.ids import ulid_ms
from mailscribe.records import Event, MessageRecord, SessionRecord, Value
from mailscribe.service.ingest import Ingest, ObjectCreated, Outcome
from mailscribe.service.lost import LostSessions
from mailscribe.settings import Settings
from mailscribe.store.aws.calls import dynamodb_client, events_client
from mailscribe.store.items import unpack
from mailscribe.store.keys import RecordKeys, message_key
from mailscribe_local.deploy import load_function
from support.adapters import TABLE
from support.conversation import converse, plain_message
from support.deployment import BUCKET, Deployment, load_event
from support.stores import MemoryObjects, MemoryRecords

MESSAGE = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
SESSION = "01ARZ3NDEA0000000000000000"
INBOUND = "inbound/from elsewhere/Grüße + 1=2.eml"
TALK = converse([plain_message(1)], ids=(SESSION, MESSAGE))
NOTHING_FAILED: dict[str, Any] = {"batchItemFailures": []}


def failures(answer: dict[str, Any]) -> list[str]:
    return [item["itemIdentifier"] for item in answer["batchItemFailures"]]


class IngestDeployment(Deployment):
    """Also a bus, and the function that works on them."""

    def __init__(self) -> None:
        super().__init__("ingest")
        events_client().create_event_bus(Name="mailscribe")
        self.keys = RecordKeys()

    def handle(self, name: str) -> dict[str, Any]:
        answer: dict[str, Any] = self.app.handler(load_event(name), None)
        return answer

    def put(self, *keys: str) -> None:
        for key in keys or TALK.objects:
            self.s3.put_object(Bucket=BUCKET, Key=key, Body=TALK.objects.get(key, plain_message(7)))

    def stored[T: Value](self, partition: str, kind: type[T]) -> list[T]:
        return [unpack(item, kind, self.objects) for item in self.records.query(partition)]

    def messages(self) -> list[MessageRecord]:
        return self.stored(self.keys.message(MESSAGE).pk, MessageRecord)

    def sessions(self) -> list[SessionRecord]:
        return self.stored(self.keys.session(SESSION).pk, SessionRecord)


@pytest.fixture
def deployment(monkeypatch: pytest.MonkeyPatch) -> Iterator[IngestDeployment]:
    environment = {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
        "MAILSCRIBE_BUCKET": BUCKET,
        "MAILSCRIBE_TABLE": TABLE,
        "MAILSCRIBE_EVENT_BUS": "mailscribe",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        yield IngestDeployment()


def test_a_message_and_then_its_session(deployment: IngestDeployment) -> None:
    deployment.put()
    assert deployment.handle("ingest_message") == NOTHING_FAILED
    (message,) = deployment.messages()
    assert (message.id, message.subject, message.defects) == (MESSAGE, "hello 1", ())
    assert message.received_at.timestamp() * 1000 == ulid_ms(MESSAGE) + 745
    assert [session.state for session in deployment.sessions()] == ["open"]
    assert deployment.handle("ingest_session") == NOTHING_FAILED
    (session,) = deployment.sessions()
    assert (session.state, session.end, session.messages) == ("closed", "quit", (MESSAGE,))


def test_the_same_event_again_changes_nothing(deployment: IngestDeployment) -> None:
    deployment.put()
    for _ in range(3):
        assert deployment.handle("ingest_message") == NOTHING_FAILED
        assert deployment.handle("ingest_multipart") == NOTHING_FAILED
    assert len(deployment.messages()) == 1
    partition = deployment.keys.event(deployment.app.from_environment().ingest._new_commit()).pk
    assert sorted(entry.type for entry in deployment.stored(partition, Event)) == ["message.received", "session.opened"]


def test_other_mail_under_a_key_that_the_event_encodes(deployment: IngestDeployment) -> None:
    deployment.put(INBOUND)
    assert deployment.handle("ingest_inbound") == NOTHING_FAILED
    (pointer,) = deployment.records.query(deployment.keys.message_id("7@sun.tuc.test.org", MESSAGE).pk)
    (item,) = deployment.records.get_many([deployment.keys.message(pointer.sk)])
    message = unpack(item, MessageRecord, deployment.objects)
    assert (message.raw.key, message.envelope, message.subject) == (INBOUND, None, "hello 7")


def test_the_test_event_is_passed_over(deployment: IngestDeployment) -> None:
    assert deployment.handle("ingest_test_event") == NOTHING_FAILED


def test_the_schedule_closes_what_was_lost(deployment: IngestDeployment) -> None:
    deployment.put(message_key(MESSAGE))
    deployment.handle("ingest_message")
    assert [session.state for session in deployment.sessions()] == ["open"]
    assert deployment.handle("scheduled_sweep") == {"closed": 1}
    (session,) = deployment.sessions()
    assert (session.state, session.end, session.messages) == ("closed", "lost", (MESSAGE,))
    assert deployment.records.query(deployment.keys.open_session(SESSION).pk) == []
    assert deployment.handle("scheduled_sweep") == {"closed": 0}
    deployment.put()
    assert deployment.handle("ingest_session") == NOTHING_FAILED
    assert [session.end for session in deployment.sessions()] == ["quit"]


def test_a_schedule_that_cannot_do_its_work_fails(deployment: IngestDeployment) -> None:
    dynamodb_client().delete_table(TableName=TABLE)
    with pytest.raises(StoreError):
        deployment.handle("scheduled_sweep")


@pytest.mark.parametrize("strange", [{}, {"task": "another"}, {"Records": None}, {"source": "aws.events"}])
def test_any_other_event_is_an_error(strange: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="neither"):
        load_function("ingest").handler(strange, None)


def test_a_mixed_batch_fails_in_part(deployment: IngestDeployment) -> None:
    deployment.put()
    records = load_event("ingest_mixed")["Records"]
    assert failures(deployment.handle("ingest_mixed")) == [records[1]["messageId"], records[3]["messageId"]]
    assert len(deployment.messages()) == 1
    assert [session.state for session in deployment.sessions()] == ["closed"]


def test_the_third_receive_is_not_parsed(deployment: IngestDeployment) -> None:
    deployment.put()
    assert deployment.handle("ingest_third_receive") == NOTHING_FAILED
    (message,) = deployment.messages()
    assert [defect.code for defect in message.defects] == ["parse-abandoned"]
    assert message.envelope is not None


def test_a_table_that_is_gone_fails_the_whole_batch(deployment: IngestDeployment) -> None:
    deployment.put()
    dynamodb_client().delete_table(TableName=TABLE)
    assert len(failures(deployment.handle("ingest_multipart"))) == 2


def test_nothing_is_read_from_the_environment_before_the_first_event(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_DEFAULT_REGION", "AWS_REGION", "MAILSCRIBE_BUCKET"):
        monkeypatch.delenv(name, raising=False)
    assert callable(load_function("ingest").handler)


class Scripted(Ingest):
    """Answers without a store: raises for the keys it is told to."""

    def __init__(self, failing: frozenset[str]) -> None:
        self.failing = failing
        self.seen: list[ObjectCreated] = []

    def handle(self, event: ObjectCreated) -> Outcome:
        self.seen.append(event)
        if event.key in self.failing:
            raise StoreUnavailable("scripted")
        return Outcome.STORED


def sqs(name: str, *keys: str, count: int = 1) -> dict[str, Any]:
    """A queue message that tells of these objects."""
    message: dict[str, Any] = load_event("ingest_message")["Records"][0]
    (template,) = json.loads(message["body"])["Records"]
    told = [template | {"s3": template["s3"] | {"object": {"key": key, "size": 1}}} for key in keys]
    attributes = message["attributes"] | {"ApproximateReceiveCount": str(count)}
    return message | {"messageId": name, "body": json.dumps({"Records": told}), "attributes": attributes}


class TestBatch:
    def run(self, records: list[dict[str, Any]], *failing: str) -> tuple[list[str], list[str]]:
        ingest, app = Scripted(frozenset(failing)), load_function("ingest")
        lost = LostSessions(ingest, MemoryObjects(), MemoryRecords(), Settings())
        answer = app.create_handler(lambda: app.UseCases(ingest, lost))({"Records": records}, None)
        return [created.key for created in ingest.seen], failures(answer)

    def test_every_object_of_a_message_has_its_turn(self) -> None:
        assert self.run([sqs("1", "a", "b", "c"), sqs("2", "d")], "a") == (["a", "b", "c", "d"], ["1"])

    def test_all_may_fail(self) -> None:
        assert self.run([sqs("1", "a"), sqs("2", "b")], "a", "b") == (["a", "b"], ["1", "2"])

    def test_an_event_without_etag_and_with_plus_signs_is_read(self) -> None:
        assert self.run([sqs("1", "inbound/a+b%2Bc.eml")]) == (["inbound/a b+c.eml"], [])

    def test_what_stood_behind_a_killer_stands_before_it_the_next_time(self) -> None:
        batch = [sqs("1", "a", count=2), sqs("2", "b"), sqs("3", "c", count=3), sqs("4", "d", count=2), sqs("5", "e")]
        assert self.run(batch)[0] == ["c", "b", "e", "d", "a"]

    def test_a_killer_alone_reaches_its_third_receive(self) -> None:
        app, counts, done = load_function("ingest"), dict.fromkeys("abcdefghij", 0), set[str]()
        for _ in range(3):
            batch = [sqs(name, name, count=counts[name] + 1) for name in counts if name not in done]
            for record in app.in_order(batch):
                name = record["messageId"]
                if name == "d" and counts[name] < 2:
                    break
                done.add(name)
            for record in batch:
                counts[record["messageId"]] += 1
        assert done == set(counts)
        assert [name for name, count in counts.items() if count == 3] == ["d"]
