"""The seal function on moto: the events of events/*.json through the handler as it is deployed."""

from collections.abc import Iterator
from typing import Any

import pytest
from moto import mock_aws

from mailscribe.errors import StoreError, StoreUnavailable
from mailscribe.ids import UlidFactory, make_ulid, now_ms
from mailscribe.query import message_document
from mailscribe.service import outbox
from mailscribe.service.rows import Rows
from mailscribe.service.search import Search
from mailscribe.service.upkeep import MUCH, NUDGE_MS, Nudging
from mailscribe.settings import Settings
from mailscribe.store.aws.calls import dynamodb_client, sqs_client
from mailscribe.store.aws.nudge import SqsNudges
from mailscribe.store.keys import INDEX
from mailscribe_local.deploy import load_function
from support.adapters import TABLE
from support.conversation import plain_message
from support.deployment import BUCKET, Deployment, load_event
from support.query_world import message_record
from support.sealed_world import ask, walk


class SealDeployment(Deployment):
    """The function over documents that were put as ingest puts them."""

    def __init__(self) -> None:
        super().__init__("seal")
        self.rows = Rows(self.objects, self.records, Settings())
        self.commits = UlidFactory()

    def handle(self, name: str) -> dict[str, Any]:
        answer: dict[str, Any] = self.app.handler(load_event(name), None)
        return answer

    def put(self, number: int) -> str:
        ulid = make_ulid(now_ms(), number)
        document = message_document(message_record(ulid, subject=f"word{number}"), "", self.commits())
        event = outbox.message_received(document, "messages/x.eml")
        self.records.transact([self.rows.put_document(document), self.rows.put_event(event)])
        return ulid

    def listed(self, text: str = "") -> list[str]:
        return walk(Search(self.records, self.objects, Settings()), ask("message", text), 25)


@pytest.fixture
def deployment(monkeypatch: pytest.MonkeyPatch) -> Iterator[SealDeployment]:
    environment = {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
        "MAILSCRIBE_BUCKET": BUCKET,
        "MAILSCRIBE_TABLE": TABLE,
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        yield SealDeployment()


def test_each_minute_what_came_goes_into_a_segment_and_ten_become_one(deployment: SealDeployment) -> None:
    ulids = []
    for number in range(10):
        ulids.append(deployment.put(number))
        done = deployment.handle("scheduled_seal")
        assert done == {"sealed": 1, "merged": 10 if number == 9 else 0, "retired": 0}
        assert deployment.listed() == sorted(ulids, reverse=True)
    assert deployment.records.query("T#message#0") == []
    assert len(deployment.objects.list(INDEX)) == 11
    assert deployment.listed("word3") == [ulids[3]]
    assert deployment.handle("scheduled_index_sweep") == {"swept": 0}


def test_a_nudge_seals_only_when_much_waits(deployment: SealDeployment, monkeypatch: pytest.MonkeyPatch) -> None:
    assert deployment.app.MUCH == MUCH
    monkeypatch.setattr(deployment.app, "MUCH", 3)
    deployment.put(1)
    assert deployment.handle("seal_nudge")["sealed"] == 0
    for number in (2, 3):
        deployment.put(number)
    assert deployment.handle("seal_nudge")["sealed"] == 3
    assert len(deployment.listed()) == 3


def test_a_reindex_is_begun_by_an_operator_and_goes_on_each_minute(deployment: SealDeployment) -> None:
    deployment.objects.put("inbound/one.eml", [plain_message(1)])
    assert deployment.handle("reindex") == {"begun": True}
    assert deployment.handle("reindex") == {"begun": False}
    assert deployment.handle("scheduled_seal")["reindex"] == "done"
    assert "reindex" not in deployment.handle("scheduled_seal")
    assert len(deployment.listed("hello")) == 1
    deployment.handle("reindex")
    assert deployment.app.handler(load_event("reindex") | {"abandon": True}, None) == {"abandoned": True}
    assert "reindex" not in deployment.handle("scheduled_seal")
    assert len(deployment.listed("hello")) == 1


@pytest.mark.parametrize("strange", [{}, {"task": "another"}, {"Records": None}])
def test_any_other_event_is_an_error(strange: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="neither"):
        load_function("seal").handler(strange, None)


def test_a_round_that_cannot_do_its_work_fails(deployment: SealDeployment) -> None:
    dynamodb_client().delete_table(TableName=TABLE)
    with pytest.raises(StoreError):
        deployment.handle("scheduled_seal")


def test_nothing_is_read_from_the_environment_before_the_first_event(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_DEFAULT_REGION", "AWS_REGION", "MAILSCRIBE_BUCKET"):
        monkeypatch.delenv(name, raising=False)
    assert callable(load_function("seal").handler)


def test_nudges_of_one_time_are_one(deployment: SealDeployment) -> None:
    del deployment
    client = sqs_client()
    url = client.create_queue(QueueName="seal.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    now = [NUDGE_MS * 100]
    nudging = [Nudging(SqsNudges(client, url), clock_ms=lambda: now[0], every=2) for _ in range(3)]
    for _ in range(2):
        for each in nudging:
            each.stored(1)
    assert _waiting(url) == 1
    now[0] += NUDGE_MS
    nudging[0].stored(1)
    assert _waiting(url) == 1
    nudging[0].stored(1)
    assert _waiting(url) == 2
    client.delete_queue(QueueUrl=url)
    nudging[0].stored(1)
    with pytest.raises(StoreUnavailable):
        nudging[0].stored(1)


def _waiting(url: str) -> int:
    found = sqs_client().get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    return int(found["ApproximateNumberOfMessages"])
