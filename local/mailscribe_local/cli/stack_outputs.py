"""What a deployed stack is made of, from its CloudFormation outputs."""

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from mailscribe.errors import ConfigError


def table_of(stack: str) -> str:
    """The records table of a stack. Raises `ConfigError` when there is no such stack or no credentials."""
    try:
        described = boto3.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
    except (BotoCoreError, ClientError) as error:
        raise ConfigError(f"--stack {stack}: {error}") from error
    for output in described.get("Outputs", []):
        if output.get("OutputKey") == "TableName":
            return str(output["OutputValue"])
    raise ConfigError(f"--stack {stack}: it has no output TableName; is it a stack of mailscribe?")
