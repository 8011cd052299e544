"""The moto backend of `mailscribe up`: template.yaml's resources on a server in this process, gone when it ends."""

import contextlib
import os
import time
from collections.abc import Callable, Iterator

from mailscribe.store.aws.calls import dynamodb_client
from mailscribe.store.aws.dynamodb import DynamoRecords
from mailscribe_local.deploy import template_path
from mailscribe_local.moto_backend import Stack, create_resources, endpoint, start_moto
from mailscribe_local.stack.up_token import put_token


@contextlib.contextmanager
def moto_stack(token: str, say: Callable[[str], None]) -> Iterator[Stack]:
    """A moto server with the template's resources and the token's row, until the block ends."""
    begun = time.monotonic()
    server = start_moto()
    try:
        stack = create_resources(template_path(), endpoint(server))
        os.environ.update(stack.env)  # before any client is made: nothing may ask the real AWS
        put_token(DynamoRecords(dynamodb_client(), stack.table), token)
        seconds = time.monotonic() - begun
        say(f"made the resources of template.yaml in {seconds:.1f} s; they and their data end with this process")
        say(f"AWS on {endpoint(server)}, bucket {stack.bucket}")
        yield stack
    finally:
        server.stop()
