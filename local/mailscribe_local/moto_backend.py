"""The AWS resources of template.yaml on an in-process moto server.

The template becomes plain CloudFormation; of that, the bucket, the queues, the table and the bus are created
through moto's CloudFormation. What moto drops without a word (the bucket's notifications, the table's TTL) is then
applied from the same template. The event source mapping is left out: without containers moto's deletes the
messages; `mailscribe_local.sqs_poller` does its work. Everything is on loopback, with credentials that are none.
"""

import json
import logging
import os
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

import boto3
from moto.server import ThreadedMotoServer
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import yaml_parse

from mailscribe.settings import env_name

STACK: Final = "mailscribe"
REGION: Final = "us-east-1"
PARAMETERS: Final = {"AcceptedDomains": "*"}
CREATED: Final = frozenset({"AWS::S3::Bucket", "AWS::SQS::Queue", "AWS::DynamoDB::Table", "AWS::Events::EventBus"})
"""Resource types that are created; moto enforces no policies, and the functions run in our own process."""

_ENVIRONMENT: Final = {
    "AWS_ACCESS_KEY_ID": "local",
    "AWS_SECRET_ACCESS_KEY": "local",
    "AWS_DEFAULT_REGION": REGION,
    "AWS_REGION": REGION,
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
    "NO_PROXY": "127.0.0.1,localhost",
    "no_proxy": "127.0.0.1,localhost",
}
_REAL: Final = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN", "AWS_ROLE_ARN")

type Json = dict[str, Any]


class Server(Protocol):
    """A running moto server."""

    def get_host_and_port(self) -> tuple[str, int]:
        """Where it listens."""
        ...

    def stop(self) -> None:
        """Stop it; what it held is gone."""
        ...


@dataclass(frozen=True, slots=True)
class Stack:
    """The resources by name, and the environment with which functions and front end find them."""

    bucket: str
    table: str
    queue_url: str
    dlq_url: str
    bus: str
    env: dict[str, str]


def start_moto(port: int = 0) -> Server:
    """A moto server on 127.0.0.1; from now on this process holds no real AWS credentials and asks no other host."""
    for name in _REAL:
        os.environ.pop(name, None)
    os.environ.update(_ENVIRONMENT)
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", port, verbose=False)
    server.start()
    started: Server = server
    return started


def endpoint(server: Server) -> str:
    """The URL of a running moto server."""
    host, port = server.get_host_and_port()
    return f"http://{host}:{port}"


def create_resources(template: Path, endpoint_url: str) -> Stack:
    """Create bucket, queues, table and bus of a SAM template on the moto server at `endpoint_url`."""
    plain = subset(to_cloudformation(template.read_text(encoding="utf-8")))
    stack = _stack(_create(plain, endpoint_url), endpoint_url)
    _apply_notifications(_only(plain, "AWS::S3::Bucket"), stack, endpoint_url)
    _apply_ttl(_only(plain, "AWS::DynamoDB::Table"), stack, endpoint_url)
    return stack


def to_cloudformation(text: str) -> Json:
    """Plain CloudFormation of a SAM template, for the parameters of the local stack."""
    template = yaml_parse(text)
    for resource in template["Resources"].values():
        for source in {"CodeUri", "ContentUri"} & resource.get("Properties", {}).keys():
            resource["Properties"][source] = "s3://packaged/at-deploy"  # what `sam package` would put there
    translator = Translator({}, Parser(), boto_session=boto3.Session(region_name=REGION))
    plain: Json = translator.translate(template, parameter_values=dict(PARAMETERS))
    return plain


def subset(plain: Json) -> Json:
    """The part of a plain template that is created on moto: some resource types, and the outputs that name them."""
    resources = {name: _bare(body) for name, body in plain["Resources"].items() if body["Type"] in CREATED}
    outputs = {name: body for name, body in plain["Outputs"].items() if _names(body["Value"]) <= resources.keys()}
    return plain | {"Resources": resources, "Outputs": outputs}


def _bare(resource: Json) -> Json:
    """A resource without what only orders its creation."""
    return {key: value for key, value in resource.items() if key != "DependsOn"}


def _names(value: object) -> set[str]:
    """Logical names that an intrinsic expression refers to."""
    match value:
        case {"Ref": str(name)}:
            return {name}
        case {"Fn::GetAtt": [str(name), _]}:
            return {name}
        case {"Fn::Sub": str(text)}:
            return {part.split("}")[0].split(".")[0] for part in text.split("${")[1:]}
        case _:
            return {"?"}


def _only(plain: Json, kind: str) -> Json:
    (properties,) = (body["Properties"] for body in plain["Resources"].values() if body["Type"] == kind)
    found: Json = properties
    return found


def _create(plain: Json, endpoint_url: str) -> dict[str, str]:
    """Create the stack; its outputs."""
    parameters: Any = [{"ParameterKey": key, "ParameterValue": value} for key, value in PARAMETERS.items()]
    with closing(boto3.client("cloudformation", endpoint_url=endpoint_url)) as client:
        client.create_stack(StackName=STACK, TemplateBody=json.dumps(plain), Parameters=parameters)
        outputs = client.describe_stacks(StackName=STACK)["Stacks"][0]["Outputs"]
    return {output["OutputKey"]: output["OutputValue"] for output in outputs}


def _stack(outputs: dict[str, str], endpoint_url: str) -> Stack:
    def url(output: str) -> str:
        return f"{endpoint_url}/{outputs[output].split('/', 3)[3]}"

    bucket, table, bus = outputs["BucketName"], outputs["TableName"], outputs["EventBusName"]
    env = _ENVIRONMENT | {
        "AWS_ENDPOINT_URL": endpoint_url,
        env_name("bucket"): bucket,
        env_name("table"): table,
        env_name("event_bus"): bus,
    }
    return Stack(bucket, table, url("IngestQueueUrl"), url("DeadLetterQueueUrl"), bus, env)


def _apply_notifications(bucket: Json, stack: Stack, endpoint_url: str) -> None:
    with closing(boto3.client("sqs", endpoint_url=endpoint_url)) as queues:
        found = queues.get_queue_attributes(QueueUrl=stack.queue_url, AttributeNames=["QueueArn"])
    configurations: Any = [
        {
            "QueueArn": found["Attributes"]["QueueArn"],
            "Events": [entry["Event"]],
            "Filter": {"Key": {"FilterRules": entry["Filter"]["S3Key"]["Rules"]}},
        }
        for entry in bucket["NotificationConfiguration"]["QueueConfigurations"]
    ]
    with closing(boto3.client("s3", endpoint_url=endpoint_url)) as client:
        client.put_bucket_notification_configuration(
            Bucket=stack.bucket, NotificationConfiguration={"QueueConfigurations": configurations}
        )


def _apply_ttl(table: Json, stack: Stack, endpoint_url: str) -> None:
    with closing(boto3.client("dynamodb", endpoint_url=endpoint_url)) as client:
        client.update_time_to_live(TableName=stack.table, TimeToLiveSpecification=table["TimeToLiveSpecification"])
