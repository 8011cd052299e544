"""Least privilege, written out: what each role may do, on what, and that the code asks for no more."""

import re
from typing import Any

import pytest

from support.project import ROOT, plain_template, template

OBJECTS = {"messages/*", "sessions/*", "inbound/*", "derived/*"}
ROLES: dict[str, dict[str, set[str]]] = {
    "IngestRole": {
        "logs:CreateLogStream": {"IngestLogs"},
        "logs:PutLogEvents": {"IngestLogs"},
        "sqs:ReceiveMessage": {"IngestQueue"},
        "sqs:DeleteMessage": {"IngestQueue"},
        "sqs:GetQueueAttributes": {"IngestQueue"},
        "sqs:ChangeMessageVisibility": {"IngestQueue"},
        "s3:GetObject": OBJECTS,
        "s3:ListBucket": {"Bucket"},
        "s3:PutObject": {"derived/*"},
        "s3:AbortMultipartUpload": {"derived/*"},
        "s3:DeleteObject": {"derived/*"},
        "dynamodb:BatchGetItem": {"Table"},
        "dynamodb:Query": {"Table"},
        "dynamodb:PutItem": {"Table"},
        "dynamodb:DeleteItem": {"Table"},
        "dynamodb:ConditionCheckItem": {"Table"},
        "events:PutEvents": {"EventBus"},
        "sqs:SendMessage": {"SealQueue"},
    },
    "SealRole": {
        "logs:CreateLogStream": {"SealLogs"},
        "logs:PutLogEvents": {"SealLogs"},
        "sqs:ReceiveMessage": {"SealQueue"},
        "sqs:DeleteMessage": {"SealQueue"},
        "sqs:GetQueueAttributes": {"SealQueue"},
        "sqs:ChangeMessageVisibility": {"SealQueue"},
        "s3:GetObject": OBJECTS | {"index/*"},
        "s3:ListBucket": {"Bucket"},
        "s3:PutObject": {"index/*", "derived/*"},
        "s3:AbortMultipartUpload": {"index/*", "derived/*"},
        "s3:DeleteObject": {"index/*", "derived/*"},
        "dynamodb:BatchGetItem": {"Table"},
        "dynamodb:Query": {"Table"},
        "dynamodb:PutItem": {"Table"},
        "dynamodb:DeleteItem": {"Table"},
        "dynamodb:ConditionCheckItem": {"Table"},
    },
    "ApiRole": {
        "logs:CreateLogStream": {"ApiLogs"},
        "logs:PutLogEvents": {"ApiLogs"},
        "s3:GetObject": OBJECTS | {"refused/*", "config/rules/*", "index/*"},
        "s3:ListBucket": {"Bucket"},
        "s3:PutObject": {"derived/*", "config/presence/*", "config/rules/*"},
        "s3:DeleteObject": {"config/rules/*", "messages/*", "inbound/*", "derived/*"},
        "s3:AbortMultipartUpload": {"derived/*"},
        "dynamodb:BatchGetItem": {"Table"},
        "dynamodb:Query": {"Table"},
        "dynamodb:PutItem": {"Table"},
        "dynamodb:DeleteItem": {"Table"},
        "dynamodb:ConditionCheckItem": {"Table"},
    },
    "TaskRole": {
        "s3:PutObject": {"messages/*", "sessions/*", "refused/*"},
        "s3:AbortMultipartUpload": {"messages/*", "sessions/*", "refused/*"},
        "s3:DeleteObject": {"messages/*", "refused/*"},
        "s3:GetObject": {"config/*"},
        "s3:ListBucket": {"Bucket"},
    },
}
"""Role → action → what it may be done on. Only the front end writes messages and sessions, and it reads none."""

NEEDS = {
    "put_object": {"s3:PutObject"},
    "create_multipart_upload": {"s3:PutObject"},
    "upload_part": {"s3:PutObject"},
    "complete_multipart_upload": {"s3:PutObject"},
    "abort_multipart_upload": {"s3:AbortMultipartUpload"},
    "get_object": {"s3:GetObject"},
    "head_object": {"s3:GetObject"},
    "delete_object": {"s3:DeleteObject"},
    "list_objects_v2": {"s3:ListBucket"},
    "generate_presigned_url": {"s3:GetObject"},
    "batch_get_item": {"dynamodb:BatchGetItem"},
    "query": {"dynamodb:Query"},
    "transact_write_items": {"dynamodb:PutItem", "dynamodb:DeleteItem", "dynamodb:ConditionCheckItem"},
    "put_events": {"events:PutEvents"},
    "send_message": {"sqs:SendMessage"},
}
"""Method of an AWS client → actions that it needs."""


def statements(role: str) -> list[dict[str, Any]]:
    return [
        statement
        for policy in template()["Resources"][role]["Properties"]["Policies"]
        for statement in policy["PolicyDocument"]["Statement"]
    ]


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def target(resource: Any) -> str:
    """A resource's logical name, or the prefix within the bucket."""
    match resource:
        case {"Fn::GetAtt": "Bucket.Arn" | ["Bucket", "Arn"]}:
            return "Bucket"
        case {"Fn::GetAtt": [str(name), "Arn"]}:
            return name
        case {"Fn::Sub": str(text)} if text.startswith("${Bucket.Arn}/"):
            return text.removeprefix("${Bucket.Arn}/")
        case _:
            return f"? {resource}"


@pytest.mark.parametrize("role", ROLES)
def test_roles_may_do_what_is_written_here_and_nothing_else(role: str) -> None:
    allowed: dict[str, set[str]] = {}
    for statement in statements(role):
        assert statement["Effect"] == "Allow"
        for action in listed(statement["Action"]):
            allowed.setdefault(action, set()).update(map(target, listed(statement["Resource"])))
    assert allowed == ROLES[role]


def test_the_api_writes_nothing_but_the_cursor_key_the_slots_of_waits_and_what_deletes_a_message() -> None:
    writing = [entry["Condition"] for entry in statements("ApiRole") if "dynamodb:PutItem" in listed(entry["Action"])]
    rows = ["M#*", "T#message#*", "I#*", "D#*", "E#*"]
    assert writing == [
        {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["K#cursor", "W#wait"]}},
        {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": rows}},
    ]


def test_the_front_end_lists_nothing_but_its_probe_and_what_is_configured() -> None:
    (listing,) = (entry for entry in statements("TaskRole") if entry["Action"] == "s3:ListBucket")
    assert listing["Condition"] == {"StringEquals": {"s3:prefix": ["health/", "config/"]}}


def test_every_role_is_written_out() -> None:
    roles = {name for name, body in plain_template()["Resources"].items() if body["Type"] == "AWS::IAM::Role"}
    assert roles == {*ROLES, "TaskExecutionRole"}


def test_adapters_call_nothing_that_no_role_may_do() -> None:
    adapters = (ROOT / "layers/core/mailscribe/store/aws").glob("*.py")
    called = {
        method for path in adapters for method in re.findall(r"_client\.(\w+)\(", path.read_text(encoding="utf-8"))
    }
    assert called <= NEEDS.keys()
    every = {action for role in ("IngestRole", "ApiRole") for action in ROLES[role]}
    assert {action for method in called for action in NEEDS[method]} <= every


def test_the_bucket_is_private_encrypted_and_tls_only() -> None:
    bucket = template()["Resources"]["Bucket"]["Properties"]
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    (statement,) = template()["Resources"]["BucketPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert (statement["Effect"], statement["Principal"], statement["Action"]) == ("Deny", "*", "s3:*")
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_the_queue_takes_from_s3_of_this_account_only() -> None:
    (statement,) = template()["Resources"]["IngestQueuePolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert statement["Principal"] == {"Service": "s3.amazonaws.com"}
    assert statement["Action"] == "sqs:SendMessage"
    assert statement["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}
