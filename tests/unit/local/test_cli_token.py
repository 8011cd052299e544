"""`mailscribe token create` on a data folder, and on a stack that moto holds."""

import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import boto3
import pytest
from moto import mock_aws

from mailscribe.records import TokenRecord
from mailscribe.store.aws.dynamodb import DynamoRecords
from mailscribe.store.items import unpack
from mailscribe.store.keys import RecordKeys
from mailscribe.store.ports import Records
from mailscribe_local.cli import main
from mailscribe_local.stack.backend import open_records

_TEMPLATE = """
Resources:
  Table:
    Type: AWS::DynamoDB::Table
    Properties:
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions: [{AttributeName: pk, AttributeType: S}, {AttributeName: sk, AttributeType: S}]
      KeySchema: [{AttributeName: pk, KeyType: HASH}, {AttributeName: sk, KeyType: RANGE}]
Outputs:
  OUTPUT:
    Value: !Ref Table
"""


def _row(records: Records, token: str) -> TokenRecord:
    (item,) = records.get_many([RecordKeys.token(hashlib.sha256(token.encode()).hexdigest())])
    return unpack(item, TokenRecord)


def test_a_token_of_a_data_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    open_records(tmp_path).close()
    assert main(["token", "create", "--data", str(tmp_path), "--name", "ci", "--expires", "90d"]) == 0
    token = capsys.readouterr().out.strip()
    records = open_records(tmp_path)
    row = _row(records, token)
    records.close()
    assert (row.name, row.scopes, row.recipients) == ("ci", ("read",), ("*",))
    assert row.expires_at is not None
    assert timedelta(days=89) < row.expires_at - datetime.now(UTC) <= timedelta(days=90)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [(["--data", "nowhere"], "no data of mailscribe"), (["--data", ".", "--expires", "soon"], "12h or 90d")],
)
def test_what_cannot_be_done_is_said(
    arguments: list[str],
    complaint: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["token", "create", *arguments]) == 2
    assert complaint in capsys.readouterr().err


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")


def test_a_token_of_a_deployed_stack(aws: None, capsys: pytest.CaptureFixture[str]) -> None:
    with mock_aws():
        cloudformation = boto3.client("cloudformation")
        cloudformation.create_stack(StackName="mail", TemplateBody=_TEMPLATE.replace("OUTPUT", "TableName"))
        cloudformation.create_stack(StackName="other", TemplateBody=_TEMPLATE.replace("OUTPUT", "Different"))
        assert main(["token", "create", "--stack", "mail"]) == 0
        token = capsys.readouterr().out.strip()
        client = boto3.client("dynamodb")
        table = next(name for name in client.list_tables()["TableNames"] if name.startswith("mail-"))
        assert _row(DynamoRecords(client, table), token).scopes == ("read",)
        assert main(["token", "create", "--stack", "none"]) == 2
        assert main(["token", "create", "--stack", "other"]) == 2
        assert "no output TableName" in capsys.readouterr().err
