"""Addresses of objects that are good for a short time: S3 presigned GETs that always give an attachment."""

from typing import TYPE_CHECKING, Final

from mailscribe.store.aws.calls import aws_errors
from mailscribe.store.keys import DERIVED

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_UNSAFE: Final = str.maketrans(dict.fromkeys('"\\\r\n', "_"))


class S3Links:
    """Makes addresses for objects of `bucket` under `derived/`; any other key is `ValueError`."""

    def __init__(self, client: "S3Client", bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def link(self, key: str, *, filename: str, seconds: int) -> str:
        """A URL that gives the object as an attachment of that name, for so many seconds."""
        if not key.startswith(DERIVED):
            raise ValueError(f"object {key!r}: never given away")
        disposition = f'attachment; filename="{filename.translate(_UNSAFE)}"'
        parameters = {"Bucket": self._bucket, "Key": key, "ResponseContentDisposition": disposition}
        with aws_errors(f"link to {key}"):
            return self._client.generate_presigned_url("get_object", Params=parameters, ExpiresIn=seconds)
