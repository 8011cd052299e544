"""The API function on moto: gateway events through the handler as it is deployed, over S3 and DynamoDB."""

import base64
import hashlib
import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from moto import mock_aws

from mailscribe.ids import UlidFactory, now_ms
from mailscribe.policy import NOTHING, Facts, Stage
from mailscribe.records import TokenRecord
from mailscribe.service.ingest import Ingest, ObjectCreated
from mailscribe.service.presence import is_live
from mailscribe.service.slots import PARTITION
from mailscribe.settings import Settings
from mailscribe.store.aws.calls import dynamodb_client
from mailscribe.store.aws.links import S3Links
from mailscribe.store.items import put_token
from mailscribe.store.keys import REFUSED, RULES, presence_key, refused_key, rules_key
from mailscribe_local.deploy import load_function
from mailscribe_smtp.policy_source import PolicySource
from support.adapters import TABLE
from support.api import Reply, reply_of
from support.conversation import TRAP, Conversation, accepted_ms, converse, plain_message
from support.deployment import BUCKET, Deployment, load_event

EVENT = load_event("api_get_messages")
LIMIT = 20_000


class ApiDeployment(Deployment):
    """What ingest makes of mail, a token, and the function that answers."""

    def __init__(self) -> None:
        super().__init__("api")
        now = datetime.now(UTC)
        put_token(self.records, "local", TokenRecord(name="t", scopes=("read",), created_at=now))
        put_token(self.records, "admin", TokenRecord(name="a", scopes=("admin",), created_at=now))

    def deliver(self, content: bytes, number: int = 1) -> str:
        """The id of a message that was put and ingested, and its session too."""
        return self.converse(content, number, ("bob@test.org", "secret@test.org")).messages[0]

    def converse(self, content: bytes, number: int, recipients: Sequence[str]) -> Conversation:
        """A session that brought the content; what the bucket tells of is ingested."""
        told = converse([content], number=number, recipients=recipients)
        ingest = Ingest(self.objects, self.records, None, Settings(), clock_ms=now_ms, new_commit=UlidFactory())
        for key, data in told.objects.items():
            self.objects.put(key, [data])
            if not key.startswith(REFUSED):
                ingest.handle(ObjectCreated(key, len(data), accepted_ms(told.session)))
        return told

    def get(self, path: str, query: str = "", headers: Mapping[str, str] | None = None, method: str = "GET") -> Reply:
        return self.call(method, path, query=query, headers=headers)

    def call(
        self,
        method: str,
        path: str,
        *,
        query: str = "",
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Reply:
        http = EVENT["requestContext"]["http"] | {"method": method, "path": path}
        event: dict[str, Any] = EVENT | {
            "rawPath": path,
            "rawQueryString": query,
            "headers": EVENT["headers"] | dict(headers or {}),
            "requestContext": EVENT["requestContext"] | {"http": http},
        }
        if body is not None:
            event |= {"body": base64.b64encode(body).decode(), "isBase64Encoded": True}
        answer = self.app.handler(event, None)
        assert json.loads(json.dumps(answer)) == answer  # what Lambda gives on is JSON
        return reply_of(answer)


@pytest.fixture
def deployment(monkeypatch: pytest.MonkeyPatch) -> Iterator[ApiDeployment]:
    environment = {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
        "MAILSCRIBE_BUCKET": BUCKET,
        "MAILSCRIBE_TABLE": TABLE,
        "MAILSCRIBE_HOSTS": "*",
        "MAILSCRIBE_ANSWER_LIMIT": str(LIMIT),
        "MAILSCRIBE_WAIT_LIMIT": "1",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        yield ApiDeployment()


def test_the_gateway_s_event_is_answered(deployment: ApiDeployment) -> None:
    ulid = deployment.deliver(plain_message())
    answer = deployment.app.handler(EVENT, None)
    assert answer["statusCode"] == 200
    assert [message["id"] for message in json.loads(answer["body"])["messages"]] == [ulid]


def test_nothing_is_built_before_the_first_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    assert callable(load_function("api").handler)


def test_every_form_of_a_message_and_its_session(deployment: ApiDeployment) -> None:
    content = plain_message()
    ulid = deployment.deliver(content)
    record = deployment.get(f"/v1/messages/{ulid}").json()
    assert record["sha256"] == hashlib.sha256(content).hexdigest()
    raw = deployment.get(f"/v1/messages/{ulid}/raw")
    assert (raw.status, raw.body) == (200, content)
    assert deployment.get(f"/v1/messages/{ulid}/raw", headers={"range": "bytes=5-9"}).body == content[5:10]
    assert deployment.get(f"/v1/messages/{ulid}/raw", headers={"if-none-match": raw.headers["etag"]}).status == 304
    assert deployment.get(f"/v1/messages/{ulid}/text").body.strip() == b"How are you?"
    assert deployment.get(f"/v1/messages/{ulid}/headers").json()[2] == {"name": "Subject", "value": " hello 1"}
    session = record["session"]["id"]
    assert deployment.get(f"/v1/sessions/{session}").json()["state"] == "closed"
    text = deployment.get(f"/v1/sessions/{session}/transcript", headers={"accept": "text/plain"}).body
    assert text.startswith(b"220 test.org ESMTP mailscribe ready\n")


def test_mail_that_comes_while_the_function_is_warm_is_seen_and_pages_go_on(deployment: ApiDeployment) -> None:
    ids = [deployment.deliver(plain_message(number), number) for number in (1, 2)]
    page = deployment.get("/v1/messages", "limit=1").json()
    later = deployment.deliver(plain_message(3), 3)
    rest = deployment.get("/v1/messages", f"limit=5&cursor={page['next']}").json()
    assert [message["id"] for message in page["messages"] + rest["messages"]] == ids[::-1]
    assert deployment.get("/v1/messages", "limit=1").json()["messages"][0]["id"] == later


def test_another_instance_reads_the_cursor(deployment: ApiDeployment) -> None:
    ids = [deployment.deliver(plain_message(number), number) for number in (1, 2)]
    cursor = deployment.get("/v1/messages", "limit=1").json()["next"]
    deployment.app = load_function("api")
    assert deployment.get("/v1/messages", f"cursor={cursor}").json()["messages"][0]["id"] == ids[0]


def test_a_large_message_is_redirected_to_a_copy_without_its_trace_block(deployment: ApiDeployment) -> None:
    content = plain_message(body=("x" * 70 + "\r\n") * 400)
    ulid = deployment.deliver(content)
    answer = deployment.get(f"/v1/messages/{ulid}/raw")
    assert answer.status == 307
    url = urlsplit(answer.headers["location"])
    query = parse_qs(url.query)
    assert url.path.endswith(f"/derived/{ulid}/raw.eml")
    assert query["response-content-disposition"] == [f'attachment; filename="{ulid}.eml"']
    assert (query["X-Amz-Algorithm"], query["X-Amz-Expires"]) == (["AWS4-HMAC-SHA256"], ["60"])
    copied = deployment.s3.get_object(Bucket=BUCKET, Key=f"derived/{ulid}/raw.eml")
    assert copied["ContentType"] == "message/rfc822"
    assert copied["Body"].read() == content
    assert deployment.get(f"/v1/messages/{ulid}/raw", headers={"range": "bytes=0-99"}).body == content[:100]


def test_a_wait_blocks_for_its_time_and_gives_its_slot_back(deployment: ApiDeployment) -> None:
    assert deployment.get("/v1/messages/wait", "timeout=0.2").status == 204
    assert deployment.records.query(PARTITION) == []
    deployment.deliver(plain_message())
    assert deployment.get("/v1/messages/wait", "q=subject:hello").status == 200


def test_events_are_polled_one_after_the_other_by_any_instance(deployment: ApiDeployment) -> None:
    page = deployment.get("/v1/events", "timeout=0.2", headers={"accept": "text/event-stream"}).json()
    assert page["events"] == []
    ids = []
    for number in (1, 2):
        deployment.deliver(plain_message(number), number)
        deployment.app = load_function("api")
        page = deployment.get("/v1/events", f"since={page['next']}").json()
        assert [event["type"] for event in page["events"]] == ["message.received", "session.closed"]
        assert page["events"][0]["detail"]["subject"] == f"hello {number}"
        ids += [event["id"] for event in page["events"]]
    assert sorted(set(ids)) == ids
    assert deployment.get("/v1/events", f"since={page['next']}&timeout=0").json() == {
        "events": [],
        "next": page["next"],
    }
    assert deployment.records.query(PARTITION) == []


def test_a_poll_says_that_its_address_is_watched(deployment: ApiDeployment) -> None:
    deployment.deliver(plain_message())
    page = deployment.get("/v1/events", "watch=bob@test.org&since=1h").json()
    assert [event["type"] for event in page["events"]] == ["message.received"]
    assert is_live(deployment.objects.get(presence_key("bob@test.org")), datetime.now(UTC))
    assert deployment.get("/v1/events", "watch=ann@test.org&since=1h&timeout=0").json()["events"] == []


def test_a_store_that_is_gone_is_unavailable(deployment: ApiDeployment, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)
    dynamodb_client().delete_table(TableName=TABLE)
    answer = deployment.get("/v1/messages")
    assert (answer.status, answer.headers["retry-after"]) == (503, "5")
    assert b"ResourceNotFound" not in answer.body


def test_no_token_no_answer(deployment: ApiDeployment) -> None:
    assert deployment.get("/v1/messages", headers={"authorization": "Bearer wrong"}).status == 401
    assert deployment.get("/v1/health", headers={"authorization": ""}).json() == {"status": "ok"}


def test_binary_answers_are_base64(deployment: ApiDeployment) -> None:
    ulid = deployment.deliver(plain_message())
    path = f"/v1/messages/{ulid}/raw"
    http = EVENT["requestContext"]["http"] | {"path": path}
    event = EVENT | {"rawPath": path, "rawQueryString": "", "requestContext": EVENT["requestContext"] | {"http": http}}
    answer = deployment.app.handler(event, None)
    assert answer["isBase64Encoded"] is True
    assert base64.b64decode(answer["body"]) == plain_message()


@pytest.mark.parametrize("key", ["messages/2016/07/30/x.eml", "sessions/x", "inbound/x", "", "derived"])
def test_nothing_but_what_is_derived_is_ever_given_away(deployment: ApiDeployment, key: str) -> None:
    with pytest.raises(ValueError, match="never given away"):
        S3Links(BUCKET).link(key, filename="x", seconds=60)


def test_a_file_name_cannot_break_out_of_its_field(deployment: ApiDeployment) -> None:
    url = S3Links(BUCKET).link("derived/x/y", filename='a"\r\nb\\', seconds=60)
    assert parse_qs(urlsplit(url).query)["response-content-disposition"] == ['attachment; filename="a___b_"']


@pytest.mark.parametrize("region", ["us-east-1", "eu-central-1", "ap-southeast-3"])
def test_an_address_is_the_region_s_own(monkeypatch: pytest.MonkeyPatch, region: str) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", region)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    url = urlsplit(S3Links(BUCKET).link("derived/x/y", filename="x", seconds=60))
    assert (url.scheme, url.netloc) == ("https", f"{BUCKET}.s3.{region}.amazonaws.com")


def test_an_address_on_another_endpoint_is_on_that_endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:5999")
    url = urlsplit(S3Links(BUCKET).link("derived/x/y", filename="x", seconds=60))
    assert (url.netloc, url.path) == ("127.0.0.1:5999", f"/{BUCKET}/derived/x/y")


def test_rules_that_are_put_are_what_front_ends_read(deployment: ApiDeployment) -> None:
    admin = {"authorization": "Bearer admin"}
    rule = {"at": "rcpt", "recipient": "bob@test.org", "reject": {"code": 552, "enhanced": "5.2.2", "text": "Full"}}
    body = json.dumps({"rules": [rule], "ttl": 60}).encode()
    assert deployment.call("PUT", "/v1/rules/t", body=body).status == 403
    assert deployment.call("PUT", "/v1/rules/t", headers=admin, body=b"{").status == 422
    put = deployment.call("PUT", "/v1/rules/t", headers=admin, body=body)
    assert put.status == 200
    assert deployment.call("PUT", "/v1/rules", headers=admin, body=b'{"rules":[]}').status == 200
    assert deployment.call("GET", "/v1/rules", headers=admin).json()["sets"][1] == put.json()
    source = PolicySource(Settings())
    source.take_sets({"t": deployment.objects.get(rules_key("t"))})
    facts = Facts(source="::1", recipients=("bob@test.org",))
    assert source.policy.rules.judge(Stage.RCPT, facts, datetime.now(UTC)).code == 552
    assert source.policy.rules.judge(Stage.RCPT, facts, datetime.now(UTC) + timedelta(seconds=61)) is NOTHING
    assert deployment.call("DELETE", "/v1/rules/t", headers=admin).status == 204
    assert deployment.call("DELETE", "/v1/rules/t", headers=admin).status == 404
    assert deployment.call("DELETE", "/v1/rules", headers=admin).status == 204
    assert deployment.objects.list(RULES) == []


def test_refused_content_as_it_was_sent_until_it_is_gone(deployment: ApiDeployment) -> None:
    content = plain_message(body="\x00 and \u00fc\r\n" + "a line\r\n" * (LIMIT // 8))  # over the limit of messages
    told = deployment.converse(content, 1, (TRAP,))
    path = f"/v1/sessions/{told.session}/refused/{told.kept[0]}"
    answer = deployment.get(path)
    assert (answer.status, answer.body) == (200, content)
    assert deployment.get(path, headers={"if-none-match": answer.headers["etag"]}).status == 304
    deployment.objects.delete(refused_key(told.kept[0]))
    assert deployment.get(path).status == 404
