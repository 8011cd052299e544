"""The objects port over one S3 bucket.

S3 makes a put visible whole or not at all, also a multipart one. What is larger than a part is uploaded in parts
while it is read, so that memory holds two parts however large the object is. Puts take only keys that every
adapter can hold; reads take any key, because others may drop mail under `inbound/`.
"""

import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from email.utils import parsedate_to_datetime
from itertools import chain
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from mailscribe.errors import ObjectNotFound, StoreUnavailable
from mailscribe.store.aws.calls import aws_errors, error_code
from mailscribe.store.checks import MAX_OBJECT_KEY_BYTES, check_object_key, check_range
from mailscribe.store.ports import ObjectInfo

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef, ResponseMetadataTypeDef

PART_BYTES: Final = 8 * 1024 * 1024
"""Size of a part, and the largest object put in one request. S3: 5 MiB at least, 10,000 parts at most."""
PAGE: Final = 1000
"""Objects in one answer of ListObjectsV2."""

_ABSENT: Final = frozenset({"404", "NoSuchKey"})


class S3Objects:
    """Objects of `bucket`. Safe to share between threads."""

    def __init__(self, client: "S3Client", bucket: str, *, part_bytes: int = PART_BYTES) -> None:
        self._client = client
        self._bucket = bucket
        self._part_bytes = part_bytes

    def put(self, key: str, chunks: Iterable[bytes], *, content_type: str = "application/octet-stream") -> ObjectInfo:
        """Store durably, replacing what was there. Raises `StoreUnavailable`, `ValueError` for a bad key.

        `modified_ms` is the server's time of its answer, in whole seconds; for an object in parts S3 itself will
        say when the upload began.
        """
        check_object_key(key)
        parts = _parts(chunks, self._part_bytes)
        first, second = next(parts), next(parts, None)
        if second is not None:
            return self._put_in_parts(key, chain((first, second), parts), content_type)
        with aws_errors(f"put {key}"):
            answer = self._client.put_object(Bucket=self._bucket, Key=key, Body=first, ContentType=content_type)
        return ObjectInfo(key, len(first), _etag(answer["ETag"]), _date_ms(answer["ResponseMetadata"]))

    def get(self, key: str, start: int = 0, end: int | None = None) -> bytes:
        """Bytes [start, end) cut to the object's size. Raises `ObjectNotFound`, `StoreUnavailable`."""
        _check_readable(key)
        check_range(start, end)
        if end is not None and end <= start:
            self.head(key)
            return b""
        span = f"bytes={start}-" if end is None else f"bytes={start}-{end - 1}"
        with aws_errors(f"get {key}"):
            try:
                return self._client.get_object(Bucket=self._bucket, Key=key, Range=span)["Body"].read()
            except ClientError as error:
                if error_code(error) == "InvalidRange":
                    return b""
                _raise_absent(key, error)
                raise

    def head(self, key: str) -> ObjectInfo:
        """Facts without content. Raises `ObjectNotFound`, `StoreUnavailable`."""
        _check_readable(key)
        with aws_errors(f"head {key}"):
            try:
                answer = self._client.head_object(Bucket=self._bucket, Key=key)
            except ClientError as error:
                _raise_absent(key, error)
                raise
        modified_ms = int(answer["LastModified"].timestamp() * 1000)
        return ObjectInfo(key, answer["ContentLength"], _etag(answer["ETag"]), modified_ms)

    def delete(self, key: str) -> None:
        """Remove; an absent key is no error."""
        _check_readable(key)
        with aws_errors(f"delete {key}"):
            self._client.delete_object(Bucket=self._bucket, Key=key)

    def list(self, prefix: str, *, after: str = "", limit: int = 1000) -> list[ObjectInfo]:
        """At most `limit` objects whose key begins with `prefix` and is greater than `after`, by key."""
        found: list[ObjectInfo] = []
        while len(found) < limit:
            with aws_errors(f"list {prefix}"):
                page = self._client.list_objects_v2(
                    Bucket=self._bucket, Prefix=prefix, StartAfter=after, MaxKeys=min(PAGE, limit - len(found))
                )
            for entry in page.get("Contents", []):
                modified_ms = int(entry["LastModified"].timestamp() * 1000)
                found.append(ObjectInfo(entry["Key"], entry["Size"], _etag(entry["ETag"]), modified_ms))
            if not page["IsTruncated"]:
                break
            after = found[-1].key
        return found

    def _put_in_parts(self, key: str, parts: Iterable[bytes], content_type: str) -> ObjectInfo:
        with aws_errors(f"put {key} in parts"):
            begun = self._client.create_multipart_upload(Bucket=self._bucket, Key=key, ContentType=content_type)
            try:
                return self._upload(key, begun["UploadId"], parts)
            except BaseException:
                self._abort(key, begun["UploadId"])
                raise

    def _upload(self, key: str, upload: str, parts: Iterable[bytes]) -> ObjectInfo:
        done: list[CompletedPartTypeDef] = []
        size = 0
        for number, part in enumerate(parts, 1):
            answer = self._client.upload_part(
                Bucket=self._bucket, Key=key, UploadId=upload, PartNumber=number, Body=part
            )
            done.append({"PartNumber": number, "ETag": answer["ETag"]})
            size += len(part)
        whole = self._client.complete_multipart_upload(
            Bucket=self._bucket, Key=key, UploadId=upload, MultipartUpload={"Parts": done}
        )
        return ObjectInfo(key, size, _etag(whole["ETag"]), _date_ms(whole["ResponseMetadata"]))

    def _abort(self, key: str, upload: str) -> None:
        """Best effort: the bucket's lifecycle rule aborts what is left."""
        with suppress(StoreUnavailable, ValueError), aws_errors(f"abort {key}"):
            self._client.abort_multipart_upload(Bucket=self._bucket, Key=key, UploadId=upload)


def _parts(chunks: Iterable[bytes], size: int) -> Iterator[bytes]:
    """The same bytes in pieces of exactly `size`, the last one shorter; one empty piece for no bytes."""
    buffer = bytearray()
    yielded = False
    for chunk in chunks:
        buffer += chunk
        while len(buffer) >= size:
            yield bytes(buffer[:size])
            yielded = True
            del buffer[:size]
    if buffer or not yielded:
        yield bytes(buffer)


def _check_readable(key: str) -> None:
    try:
        size = len(key.encode())
    except UnicodeEncodeError:
        raise ValueError(f"object key {key!r}: not Unicode") from None
    if not 0 < size <= MAX_OBJECT_KEY_BYTES:
        raise ValueError(f"object key {key[:80]!r}: empty or too long")


def _raise_absent(key: str, error: ClientError) -> None:
    if error_code(error) in _ABSENT:
        raise ObjectNotFound(key) from error


def _etag(text: str) -> str:
    """Without quotes, as S3's events have it."""
    return text.strip('"')


def _date_ms(metadata: "ResponseMetadataTypeDef") -> int:
    text = metadata["HTTPHeaders"].get("date")
    return int((parsedate_to_datetime(text).timestamp() if text else time.time()) * 1000)
