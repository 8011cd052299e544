"""Addresses of objects that are good for a short time: S3 presigned GETs that always give an attachment.

The client is its own: by default botocore signs for the global host, in us-east-1 with the old signature, and a young
bucket of another region redirects from there to a host for which the signature is wrong.
"""

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Final

import boto3
from botocore.config import Config

from mailscribe.store.aws.calls import aws_errors, config
from mailscribe.store.keys import DERIVED

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

REGIONAL: Final = Config(
    signature_version="s3v4", s3={"addressing_style": "virtual", "us_east_1_regional_endpoint": "regional"}
)
_UNSAFE: Final = str.maketrans(dict.fromkeys('"\\\r\n', "_"))


def links_client() -> "S3Client":
    """A client that signs for the host of its region; it makes no calls."""
    return boto3.client("s3", config=config("s3").merge(REGIONAL))


class S3Links:
    """Makes addresses for objects of `bucket` under `derived/`; any other key is `ValueError`."""

    def __init__(self, bucket: str, make_client: "Callable[[], S3Client]" = links_client) -> None:
        self._bucket = bucket
        self._make_client = make_client

    def link(self, key: str, *, filename: str, seconds: int) -> str:
        """A URL that gives the object as an attachment of that name, for so many seconds."""
        if not key.startswith(DERIVED):
            raise ValueError(f"object {key!r}: never given away")
        disposition = f'attachment; filename="{filename.translate(_UNSAFE)}"'
        parameters = {"Bucket": self._bucket, "Key": key, "ResponseContentDisposition": disposition}
        with aws_errors(f"link to {key}"):
            return self._client.generate_presigned_url("get_object", Params=parameters, ExpiresIn=seconds)

    @cached_property
    def _client(self) -> "S3Client":
        return self._make_client()
