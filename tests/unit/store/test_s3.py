"""S3Objects where moto cannot lead: uploads in parts, errors, the client's patience."""

import socket
from collections.abc import Iterator
from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import EndpointConnectionError
from botocore.stub import Stubber
from moto import mock_aws

from mailscribe.errors import ConfigError, ObjectNotFound, StoreUnavailable
from mailscribe.store.aws import s3
from mailscribe.store.aws.calls import PATIENCE, config, dynamodb_client, events_client, s3_client
from mailscribe.store.aws.s3 import S3Objects

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

BUCKET = "mailscribe-test"
MIB = 1024 * 1024


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in [("DEFAULT_REGION", "us-east-1"), ("ACCESS_KEY_ID", "x"), ("SECRET_ACCESS_KEY", "x")]:
        monkeypatch.setenv(f"AWS_{name}", value)


@pytest.fixture
def client() -> Iterator["S3Client"]:
    with mock_aws():
        made = s3_client()
        made.create_bucket(Bucket=BUCKET)
        yield made


def uploads(client: "S3Client") -> int:
    return len(client.list_multipart_uploads(Bucket=BUCKET).get("Uploads", []))


@pytest.mark.parametrize("size", [0, 1, 5 * MIB - 1, 5 * MIB, 5 * MIB + 1, 10 * MIB, 12 * MIB])
def test_large_objects_go_in_parts(client: "S3Client", size: int) -> None:
    objects = S3Objects(client, BUCKET, part_bytes=5 * MIB)
    operations: list[str] = []
    client.meta.events.register("before-call.s3", lambda model, **_: operations.append(model.name))
    data = bytes(range(251)) * (size // 251 + 1)
    data = data[:size]
    put = objects.put("k", (data[at : at + 700_000] for at in range(0, size, 700_000)), content_type="text/plain")
    assert ("UploadPart" in operations) == (size > 5 * MIB)
    assert put.size == size
    assert objects.get("k") == data
    head = objects.head("k")
    assert (head.etag, head.size) == (put.etag, size)
    assert client.head_object(Bucket=BUCKET, Key="k")["ContentType"] == "text/plain"
    assert uploads(client) == 0


def test_an_upload_in_parts_that_fails_leaves_nothing(client: "S3Client") -> None:
    def dying() -> Iterator[bytes]:
        yield b"x" * 11 * MIB
        raise RuntimeError("the client went away")

    objects = S3Objects(client, BUCKET, part_bytes=5 * MIB)
    with pytest.raises(RuntimeError):
        objects.put("k", dying())
    assert objects.list("") == []
    assert uploads(client) == 0


def test_an_upload_whose_parts_are_refused(client: "S3Client") -> None:
    objects = S3Objects(client, BUCKET, part_bytes=MIB)  # S3 wants 5 MiB at least: completion fails
    with pytest.raises(StoreUnavailable, match="in parts"):
        objects.put("k", [b"x" * 3 * MIB])
    assert objects.list("") == []
    assert uploads(client) == 0


def test_parts() -> None:
    def parts(*chunks: bytes) -> list[bytes]:
        return list(s3._parts(chunks, 3))

    assert parts() == [b""]
    assert parts(b"", b"") == [b""]
    assert parts(b"ab") == [b"ab"]
    assert parts(b"abc") == [b"abc"]
    assert parts(b"a", b"bcdefg", b"h") == [b"abc", b"def", b"gh"]


def test_a_list_longer_than_a_page(client: "S3Client", monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3, "PAGE", 2)
    objects = S3Objects(client, BUCKET)
    names = [f"k/{number}" for number in range(5)]
    for name in names:
        objects.put(name, [b""])
    assert [info.key for info in objects.list("k/")] == names
    assert [info.key for info in objects.list("k/", limit=3)] == names[:3]


def test_keys_that_others_chose_can_be_read(client: "S3Client") -> None:
    objects = S3Objects(client, BUCKET)
    client.put_object(Bucket=BUCKET, Key="inbound//odd/../key ", Body=b"x")
    [info] = objects.list("inbound/")
    assert info.key == "inbound//odd/../key "
    assert objects.get(info.key) == b"x"
    assert objects.head(info.key) == info
    objects.delete(info.key)
    assert objects.list("") == []


def test_an_etag_is_without_quotes_as_in_events(client: "S3Client") -> None:
    put = S3Objects(client, BUCKET).put("k", [b""])
    assert put.etag == "d41d8cd98f00b204e9800998ecf8427e"


def test_no_bucket_is_no_absent_object(client: "S3Client") -> None:
    objects = S3Objects(client, "nobody")
    with pytest.raises(StoreUnavailable):
        objects.get("k")
    with pytest.raises(StoreUnavailable):
        objects.put("k", [b"x"])
    with pytest.raises(StoreUnavailable):
        objects.list("")


@pytest.mark.parametrize("code", ["SlowDown", "InternalError", "AccessDenied", "ServiceUnavailable", "RequestTimeout"])
def test_what_s3_answers_instead(code: str) -> None:
    made = s3_client()
    objects = S3Objects(made, BUCKET)
    with Stubber(made) as stub:
        for operation in ("put_object", "get_object", "head_object", "delete_object", "list_objects_v2"):
            stub.add_client_error(operation, code)
        with pytest.raises(StoreUnavailable):
            objects.put("k", [b""])
        with pytest.raises(StoreUnavailable):
            objects.get("k")
        with pytest.raises(StoreUnavailable):
            objects.head("k")
        with pytest.raises(StoreUnavailable):
            objects.delete("k")
        with pytest.raises(StoreUnavailable):
            objects.list("")


def test_absent_by_either_code() -> None:
    made = s3_client()
    objects = S3Objects(made, BUCKET)
    with Stubber(made) as stub:
        stub.add_client_error("get_object", "NoSuchKey", http_status_code=404)
        stub.add_client_error("head_object", "404", http_status_code=404)
        with pytest.raises(ObjectNotFound):
            objects.get("k")
        with pytest.raises(ObjectNotFound):
            objects.head("k")


def impatient(port: int) -> "S3Client":
    return boto3.client(
        "s3",
        endpoint_url=f"http://127.0.0.1:{port}",
        config=Config(connect_timeout=1, read_timeout=0.1, retries={"mode": "standard", "total_max_attempts": 1}),
    )


def test_a_store_that_is_down() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(StoreUnavailable) as caught:
        S3Objects(impatient(port), BUCKET).get("k")
    assert isinstance(caught.value.__cause__, EndpointConnectionError)


def test_a_store_that_hangs() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        objects = S3Objects(impatient(server.getsockname()[1]), BUCKET)
        with pytest.raises(StoreUnavailable):
            objects.put("k", [b"x"])


def test_a_body_that_breaks_off() -> None:
    class Broken:
        def read(self) -> bytes:
            from botocore.exceptions import IncompleteReadError

            raise IncompleteReadError(actual_bytes=3, expected_bytes=10)

    made = s3_client()
    made.meta.events.register("after-call.s3.GetObject", lambda parsed, **_: parsed.update(Body=Broken()))
    with Stubber(made) as stub:
        stub.add_response("get_object", {})
        with pytest.raises(StoreUnavailable):
            S3Objects(made, BUCKET).get("k")


def test_every_client_waits_for_a_bounded_time() -> None:
    for service, patience in PATIENCE.items():
        made = config(service)
        assert 0 < patience.attempts * (patience.connect + patience.read) <= 66
        assert vars(made)["retries"] == {"mode": "standard", "total_max_attempts": patience.attempts}


def test_a_client_without_a_region_is_an_error_of_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    for make in (dynamodb_client, events_client):
        with pytest.raises(ConfigError, match="no AWS client"):
            make()


def test_an_endpoint_that_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "not a url")
    with pytest.raises(ConfigError, match="no AWS client for s3"):
        s3_client()
