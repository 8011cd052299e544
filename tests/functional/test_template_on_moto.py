"""The resources of template.yaml as they really are on moto: created, connected, and worked by the poller."""

import json
import os
import threading
from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from mailscribe.store import keys
from mailscribe_local import deploy, moto_backend
from mailscribe_local.sqs_poller import QueuePoller, run_ingest, work_once
from support.project import plain_template, template

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

Event = dict[str, Any]


@pytest.fixture(scope="module")
def stack() -> Iterator[moto_backend.Stack]:
    """The stack on a server of its own; the environment is put back afterwards."""
    before = dict(os.environ)
    server = moto_backend.start_moto()
    created = moto_backend.create_resources(deploy.template_path(), moto_backend.endpoint(server))
    os.environ.update(created.env)
    yield created
    server.stop()
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def queue(stack: moto_backend.Stack) -> Iterator["SQSClient"]:
    """A client, with both queues empty; what a test failed on purpose it left visible."""
    with closing(boto3.client("sqs")) as client:
        for url in (stack.queue_url, stack.dlq_url):
            while found := client.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=0).get(
                "Messages"
            ):
                for message in found:
                    client.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        yield client


def put(stack: moto_backend.Stack, *names: str) -> None:
    with closing(boto3.client("s3")) as client:
        for name in names:
            client.put_object(Bucket=stack.bucket, Key=name, Body=b"x")


class Recorder:
    """A handler that keeps the object keys it was given, and fails the messages for which it was told to."""

    def __init__(self, *failing: str) -> None:
        self.keys: list[str] = []
        self.counts: list[int] = []
        self._failing = failing

    def __call__(self, event: Event, context: object) -> Event:
        failures = []
        for record in event["Records"]:
            self.counts.append(int(record["attributes"]["ApproximateReceiveCount"]))
            for entry in json.loads(record["body"]).get("Records", []):
                self.keys.append(entry["s3"]["object"]["key"])
                if entry["s3"]["object"]["key"] in self._failing:
                    failures.append({"itemIdentifier": record["messageId"]})
        return {"batchItemFailures": failures}


def depth(client: "SQSClient", url: str) -> int:
    """Messages in a queue, those that are hidden included."""
    names: Any = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    found = client.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return sum(int(value) for value in found.values())


def test_only_what_moto_can_make_is_made_and_nothing_that_deletes_messages() -> None:
    made = moto_backend.subset(plain_template())
    assert {body["Type"] for body in made["Resources"].values()} == moto_backend.CREATED
    assert "AWS::Lambda::EventSourceMapping" in {body["Type"] for body in plain_template()["Resources"].values()}
    assert set(made["Outputs"]) == {"BucketName", "TableName", "EventBusName", "IngestQueueUrl", "DeadLetterQueueUrl"}


def test_a_table_with_its_keys_and_expiry(stack: moto_backend.Stack) -> None:
    with closing(boto3.client("dynamodb")) as client:
        table = client.describe_table(TableName=stack.table)["Table"]
        expiry = client.describe_time_to_live(TableName=stack.table)["TimeToLiveDescription"]
    wanted = template()["Resources"]["Table"]["Properties"]
    assert table["KeySchema"] == wanted["KeySchema"]
    assert expiry == {"TimeToLiveStatus": "ENABLED", "AttributeName": "expires"}


def test_a_bus_by_the_name_that_the_functions_are_given(stack: moto_backend.Stack) -> None:
    with closing(boto3.client("events")) as client:
        assert stack.bus in {bus["Name"] for bus in client.list_event_buses()["EventBuses"]}
    assert stack.env["MAILSCRIBE_EVENT_BUS"] == stack.bus


def test_queues_with_redrive_and_visibility_of_the_template(stack: moto_backend.Stack, queue: "SQSClient") -> None:
    found = queue.get_queue_attributes(QueueUrl=stack.queue_url, AttributeNames=["All"])["Attributes"]
    wanted = template()["Resources"]["IngestQueue"]["Properties"]
    assert int(found["VisibilityTimeout"]) == wanted["VisibilityTimeout"]
    redrive = json.loads(found["RedrivePolicy"])
    assert int(redrive["maxReceiveCount"]) == wanted["RedrivePolicy"]["maxReceiveCount"]
    assert redrive["deadLetterTargetArn"].endswith(stack.dlq_url.rsplit("/", 1)[1])


def test_new_objects_reach_the_handler_by_prefix_and_suffix(stack: moto_backend.Stack, queue: "SQSClient") -> None:
    silent = ("messages/2026/01/01/x.txt", "sessions/2026/01/01/x.eml", "derived/x/record.json.gz", "refused/x.eml")
    told = ("messages/2026/01/01/x.eml", "sessions/2026/01/01/x.jsonl", "inbound/x")
    put(stack, *silent, *told)
    recorder = Recorder()
    while work_once(queue, recorder, stack.queue_url):
        pass
    assert sorted(recorder.keys) == sorted(name.replace("/", "%2F") for name in told)
    assert {name.split("/")[0] + "/" for name in told} == set(keys.TRIGGERS)
    assert depth(queue, stack.queue_url) == 0


def test_what_failed_comes_again_and_the_rest_of_its_batch_does_not(
    stack: moto_backend.Stack, queue: "SQSClient"
) -> None:
    put(stack, "inbound/good", "inbound/bad")
    recorder = Recorder("inbound%2Fbad")
    work_once(queue, recorder, stack.queue_url, visibility=0)
    assert depth(queue, stack.queue_url) == 1
    work_once(queue, recorder, stack.queue_url, visibility=0)
    assert recorder.keys == ["inbound%2Fgood", "inbound%2Fbad", "inbound%2Fbad"]
    assert recorder.counts == [1, 1, 2]


@pytest.mark.parametrize("answer", [{"batchItemFailures": [{"itemIdentifier": ""}]}, None])
def test_a_handler_that_breaks_has_failed_its_batch(
    stack: moto_backend.Stack, queue: "SQSClient", answer: Event | None
) -> None:
    def handler(event: Event, context: object) -> Event:
        if answer is None:
            raise RuntimeError("as a function may")
        return answer

    put(stack, "inbound/one", "inbound/two")
    assert work_once(queue, handler, stack.queue_url, visibility=0) == 2
    assert depth(queue, stack.queue_url) == 2


def test_what_fails_too_often_is_set_aside_and_kept(stack: moto_backend.Stack, queue: "SQSClient") -> None:
    put(stack, "inbound/hopeless")
    recorder = Recorder("inbound%2Fhopeless")
    while work_once(queue, recorder, stack.queue_url, visibility=0):
        pass
    wanted = template()["Resources"]["IngestQueue"]["Properties"]["RedrivePolicy"]["maxReceiveCount"]
    assert recorder.counts == list(range(1, wanted + 1))
    assert depth(queue, stack.dlq_url) == 1


def test_the_poller_says_when_a_batch_is_done_and_stops(stack: moto_backend.Stack, queue: "SQSClient") -> None:
    done = threading.Event()
    poller = QueuePoller(Recorder(), stack.queue_url, after_batch=done.set)
    poller.start()
    put(stack, "inbound/x")
    assert done.wait(20)
    poller.stop(20)
    assert not poller.is_alive()
    assert depth(queue, stack.queue_url) == 0


def test_a_queue_that_is_not_there_is_asked_again_until_stopped(
    stack: moto_backend.Stack, caplog: pytest.LogCaptureFixture
) -> None:
    class Stop(threading.Event):
        """Set as soon as the poller waits."""

        def wait(self, timeout: float | None = None) -> bool:
            self.set()
            return True

    run_ingest(Recorder(), stack.queue_url + "-absent", Stop())
    assert "queue:" in caplog.text


def test_no_real_credentials_are_left_in_the_process(stack: moto_backend.Stack) -> None:
    assert os.environ["AWS_ACCESS_KEY_ID"] == "local"
    assert os.environ["AWS_SHARED_CREDENTIALS_FILE"] == os.devnull
    assert "AWS_PROFILE" not in os.environ


def test_functions_are_found_in_the_source_tree() -> None:
    assert (deploy.deploy_root() / "pyproject.toml").is_file()
    assert callable(deploy.load_handler("ingest"))
