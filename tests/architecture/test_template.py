"""template.yaml and the code say the same: prefixes, names, times, keys, handlers."""

import ast
import json
import re
from dataclasses import fields
from typing import Any

import pytest

from mailscribe.ids import make_ulid
from mailscribe.service.ingest import ABANDON_AT
from mailscribe.service.merging import Shape
from mailscribe.settings import PREFIX, Settings, env_name, load
from mailscribe.store import keys
from mailscribe_local.schedule import CLOSE_LOST, SEAL, SWEEP_INDEX
from mailscribe_smtp.listeners import parse_listener
from support.project import ROOT, modules, plain_template, template

SHARED = {"bucket", "table", "retention_days"}
FUNCTIONS = {
    "IngestFunction": SHARED | {"event_bus", "seal_queue"},
    "ApiFunction": SHARED | {"hosts"},
    "SealFunction": SHARED,
}
"""Functions of the template, and the settings that each cannot do without."""

FRONTEND = {"bucket", "domains", "hostname"}


def properties(name: str) -> dict[str, Any]:
    """A resource's properties, with what Globals says added for functions."""
    found: dict[str, Any] = template()["Resources"][name]["Properties"]
    if template()["Resources"][name]["Type"] == "AWS::Serverless::Function":
        shared = template()["Globals"]["Function"]
        variables = shared["Environment"]["Variables"] | found.get("Environment", {}).get("Variables", {})
        found = shared | found | {"Environment": {"Variables": variables}}
    return found


def container_environment() -> dict[str, Any]:
    (container,) = properties("TaskDefinition")["ContainerDefinitions"]
    return {entry["Name"]: entry["Value"] for entry in container["Environment"]}


def notifications() -> dict[str, str | None]:
    """Prefix → suffix of what the bucket tells the queue."""
    found: dict[str, str | None] = {}
    for entry in properties("Bucket")["NotificationConfiguration"]["QueueConfigurations"]:
        assert entry["Event"] == "s3:ObjectCreated:*"
        assert entry["Queue"] == {"Fn::GetAtt": ["IngestQueue", "Arn"]}
        rules = {rule["Name"]: rule["Value"] for rule in entry["Filter"]["S3Key"]["Rules"]}
        found[rules["prefix"]] = rules.get("suffix")
    return found


def test_notification_prefixes_are_the_triggers_of_ingest() -> None:
    assert tuple(notifications()) == keys.TRIGGERS


def test_keys_that_the_code_makes_pass_the_filters() -> None:
    ulid = make_ulid(0, 0)
    for key in (keys.message_key(ulid), keys.session_key(ulid)):
        suffix = notifications()[key.split("/")[0] + "/"]
        assert suffix is not None
        assert key.endswith(suffix)
    assert notifications()[keys.INBOUND] is None, "keys of other deliverers have no suffix"


def test_every_lifecycle_prefix_is_one_of_ours() -> None:
    rules = properties("Bucket")["LifecycleConfiguration"]["Rules"]
    chosen = [rule["Fn::If"][1] for rule in rules if "Fn::If" in rule]
    assert {rule["Prefix"] for rule in chosen} == {*keys.TRIGGERS, keys.DERIVED, keys.REFUSED}


def test_objects_go_three_days_after_their_records() -> None:
    days = template()["Parameters"]["RetentionDays"]["AllowedValues"]
    table = {kept: entry["Objects"] for kept, entry in template()["Mappings"]["Retention"].items()}
    assert table == {kept: int(kept) + 3 if kept != "0" else 0 for kept in days}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_exist_and_know_what_they_need(name: str) -> None:
    function = properties(name)
    module, attribute = function["Handler"].split(".")
    source = ROOT / function["CodeUri"] / f"{module}.py"
    names = {node.id for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))) if isinstance(node, ast.Name)}
    assert attribute in names
    assert {path.name for path in source.parent.glob("*.py")} == {"app.py"}, "one file per function"
    assert {env_name(setting) for setting in FUNCTIONS[name]} <= function["Environment"]["Variables"].keys()
    assert function["Runtime"] == properties("CoreLayer")["CompatibleRuntimes"][0] == "python3.13"
    assert {"Ref": "CoreLayer"} in function["Layers"]


def test_every_function_of_the_tree_is_deployed() -> None:
    deployed = {properties(name)["CodeUri"] for name in FUNCTIONS}
    assert deployed == {f"functions/{path.parent.name}" for path in ROOT.glob("functions/*/app.py")}


def test_every_variable_of_ours_is_a_setting() -> None:
    known = {env_name(entry.name) for entry in fields(Settings)}
    given = {name for function in FUNCTIONS for name in properties(function)["Environment"]["Variables"]}
    ours = {name for name in given | container_environment().keys() if name.startswith(PREFIX)}
    assert ours <= known
    assert {env_name(setting) for setting in FRONTEND} <= container_environment().keys()


def test_written_out_values_can_be_loaded() -> None:
    every = [container_environment(), *(properties(name)["Environment"]["Variables"] for name in FUNCTIONS)]
    for environment in every:
        load({name: value for name, value in environment.items() if isinstance(value, str)})


def test_a_message_is_hidden_for_six_times_the_time_out_of_ingest() -> None:
    assert properties("IngestQueue")["VisibilityTimeout"] >= 6 * properties("IngestFunction")["Timeout"]


def test_a_message_is_recorded_unparsed_before_it_is_given_up() -> None:
    redrive = properties("IngestQueue")["RedrivePolicy"]
    assert redrive["maxReceiveCount"] >= max(5, ABANDON_AT + 1)
    assert redrive["deadLetterTargetArn"] == {"Fn::GetAtt": ["DeadLetterQueue", "Arn"]}


def test_ingest_answers_per_message() -> None:
    queue = properties("IngestFunction")["Events"]["Queue"]["Properties"]
    assert queue["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert queue["Queue"] == {"Fn::GetAtt": ["IngestQueue", "Arn"]}


@pytest.mark.parametrize(
    ("function", "event", "known", "rate", "sample"),
    [
        ("IngestFunction", "Sweep", CLOSE_LOST, "rate(5 minutes)", "scheduled_sweep"),
        ("SealFunction", "Minute", SEAL, "rate(1 minute)", "scheduled_seal"),
        ("SealFunction", "Day", SWEEP_INDEX, "rate(1 day)", "scheduled_index_sweep"),
    ],
)
def test_the_schedules_hand_over_the_events_that_the_functions_and_the_local_stack_know(
    function: str, event: str, known: dict[str, str], rate: str, sample: str
) -> None:
    schedule = properties(function)["Events"][event]["Properties"]
    assert json.loads(schedule["Input"]) == known
    assert json.loads((ROOT / "events" / f"{sample}.json").read_text(encoding="utf-8")) == known
    assert schedule["Schedule"] == rate
    rules = [
        body["Properties"] for body in plain_template()["Resources"].values() if body["Type"] == "AWS::Events::Rule"
    ]
    targets = [target for rule in rules for target in rule["Targets"]]
    assert len(targets) == 3
    assert {"Fn::GetAtt": [function, "Arn"]} in [each["Arn"] for each in targets if json.loads(each["Input"]) == known]


def test_nudges_come_one_at_a_time_and_are_hidden_for_six_times_the_time_out_of_seal() -> None:
    queue = properties("SealQueue")
    assert queue["FifoQueue"] is True
    assert queue["VisibilityTimeout"] >= 6 * properties("SealFunction")["Timeout"]
    nudge = properties("SealFunction")["Events"]["Nudge"]["Properties"]
    assert nudge == {"Queue": {"Fn::GetAtt": ["SealQueue", "Arn"]}, "BatchSize": 1}


def test_the_seal_function_has_room_for_what_it_merges() -> None:
    shape, scratch = Shape(), 2
    assert shape.bytes * (1 + scratch) < properties("SealFunction")["EphemeralStorage"]["Size"] << 20


def test_answers_end_before_the_gateway_gives_up() -> None:
    gateway = properties("ApiFunction")["Events"]["Every"]["Properties"]
    assert gateway["PayloadFormatVersion"] == "2.0"
    assert Settings().wait_limit < properties("ApiFunction")["Timeout"] < gateway["TimeoutInMillis"] / 1000 <= 30


def test_table_has_the_keys_and_the_expiry_that_the_adapter_uses() -> None:
    table = properties("Table")
    schema = {entry["KeyType"]: entry["AttributeName"] for entry in table["KeySchema"]}
    assert schema == {"HASH": "pk", "RANGE": "sk"}
    assert {entry["AttributeType"] for entry in table["AttributeDefinitions"]} == {"S"}
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expires", "Enabled": True}
    assert table["BillingMode"] == "PAY_PER_REQUEST"
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert "GlobalSecondaryIndexes" not in table


def test_attributes_of_the_adapter_are_those_of_the_table() -> None:
    text = (ROOT / "layers/core/mailscribe/store/aws/dynamodb.py").read_text(encoding="utf-8")
    assert {"pk", "sk", "data", "version", "expires"} <= set(re.findall(r"\"(\w+)\"", text))


def test_every_read_of_the_table_is_consistent() -> None:
    """moto does not show eventual consistency, so the source is read instead."""
    reads = re.compile(r"\.(get_item|batch_get_item|transact_get_items|query|scan|get_paginator)\(")
    for path in modules():
        if path.parent.name == "aws":
            text = path.read_text(encoding="utf-8")
            calls = [line for line in text.splitlines() if "_client." in line and reads.search(line)]
            assert text.count('"ConsistentRead": True') + text.count("ConsistentRead=True") >= len(calls), path
            assert '"ConsistentRead": False' not in text


def test_the_front_end_outlives_its_own_time_outs() -> None:
    (container,) = properties("TaskDefinition")["ContainerDefinitions"]
    attributes = {entry["Key"]: entry["Value"] for entry in properties("Listener")["ListenerAttributes"]}
    idle = int(attributes["tcp.idle_timeout.seconds"])
    settings = load({name: value for name, value in container_environment().items() if isinstance(value, str)})
    assert max(settings.command_timeout, settings.data_timeout) < idle
    assert settings.drain_timeout < container["StopTimeout"] <= 120, "Fargate's longest"
    plain = {mapping["ContainerPort"] for mapping in container["PortMappings"] if "Fn::If" not in mapping}
    assert {int(address.rpartition(":")[2]) for address in (*settings.listen, settings.health_listen)} == plain
    assert properties("TargetGroup")["Port"] in plain
    assert int(properties("TargetGroup")["HealthCheckPort"]) in plain


def test_each_listener_of_the_front_end_is_what_its_port_is_for() -> None:
    (container,) = properties("TaskDefinition")["ContainerDefinitions"]
    choice = container_environment()["MAILSCRIBE_LISTEN"]["Fn::If"]
    assert choice[0] == "HasAuth"
    everything = [parse_listener(text) for text in choice[1].split(",")]
    assert [parse_listener(text) for text in choice[2].split(",")] == everything[:1]
    profiles = {listener.port: listener.profile for listener in everything}
    groups = {25: "TargetGroup", 587: "SubmissionTargetGroup", 465: "SubmissionsTargetGroup"}
    listeners = {25: "Listener", 587: "SubmissionListener", 465: "SubmissionsListener"}
    for port, profile in ((25, "mx"), (587, "submission"), (465, "submissions")):
        assert properties(listeners[port])["Port"] == port
        assert properties(listeners[port])["DefaultActions"][0]["TargetGroupArn"] == {"Ref": groups[port]}
        assert profiles[properties(groups[port])["Port"]] == profile
    secrets = {entry["Fn::If"][1]["Name"]: entry["Fn::If"][0] for entry in container["Secrets"]}
    needed = ("MAILSCRIBE_TLS_CERT_PEM", "MAILSCRIBE_TLS_KEY_PEM", "MAILSCRIBE_AUTH_USERS")
    assert secrets == dict(zip(needed, ("HasTls", "HasTls", "HasAuth"), strict=True))


def test_the_front_end_is_there_only_with_an_image() -> None:
    network = ("AWS::EC2::", "AWS::ECS::", "AWS::ElasticLoadBalancingV2::", "AWS::ApplicationAutoScaling::")
    conditional = {name for name, body in plain_template()["Resources"].items() if body["Type"].startswith(network)}
    assert conditional
    assert {plain_template()["Resources"][name].get("Condition") for name in conditional} == {
        "HasFrontend",
        "HasSubmission",
    }


def test_deleting_the_stack_keeps_the_mail() -> None:
    for name in ("Bucket", "Table"):
        assert template()["Resources"][name]["DeletionPolicy"] == "Retain"
        assert template()["Resources"][name]["UpdateReplacePolicy"] == "Retain"


def test_which_domains_are_accepted_has_no_default() -> None:
    assert "Default" not in template()["Parameters"]["AcceptedDomains"]
