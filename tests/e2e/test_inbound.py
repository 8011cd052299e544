"""Mail that did not come by SMTP: dropped under inbound/, it is a record with a null envelope."""

import re
import uuid
from pathlib import Path

import boto3

from support.stack import Stack, running_stack


def test_a_dropped_file_becomes_a_message_with_a_null_envelope(tmp_path: Path) -> None:
    mark = uuid.uuid4().hex
    content = f"From: a@example.com\r\nTo: b@example.org\r\nSubject: {mark}\r\n\r\ndropped\r\n".encode()
    with running_stack(tmp_path / "data") as stack:
        folder = stack.data / "objects" / "inbound" / "by hand"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "mail with a name.eml").write_bytes(content)
        _check(stack, mark, content)


def test_an_object_put_under_inbound_becomes_a_message_with_a_null_envelope(tmp_path: Path) -> None:
    mark = uuid.uuid4().hex
    content = f"From: a@example.com\r\nSubject: {mark}\r\n\r\ndropped\r\n".encode()
    with running_stack(tmp_path / "data", "--backend", "moto") as stack:
        found = re.search(r"AWS on (http://127\.0\.0\.1:\d+), bucket (\S+)", stack.log.read_text())
        assert found
        client = boto3.client(
            "s3",
            endpoint_url=found[1],
            region_name="us-east-1",
            aws_access_key_id="local",
            aws_secret_access_key="local",
        )
        client.put_object(Bucket=found[2], Key="inbound/by hand/ä+mail", Body=content)
        client.close()
        _check(stack, mark, content)


def _check(stack: Stack, mark: str, content: bytes) -> None:
    (record,) = stack.wait_message(f"subject:{mark}")
    assert record["envelope"] is None
    assert record["session"] is None
    assert stack.get(f"/v1/messages/{record['id']}/raw").body == content
    assert stack.get("/v1/messages?q=mailfrom:a@example.com").json["messages"] == []
