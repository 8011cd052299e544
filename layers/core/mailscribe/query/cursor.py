"""Cursors: opaque texts that say where a page ended, signed, and good only for what they were made for.

A cursor is base64url of a version byte, the ULID and 21 bytes of HMAC-SHA256 over both and the binding (kind, query
and scope as one text). It holds no other state, so pages stay stable while mail arrives. It grants nothing: scope is
taken from the token at every call.
"""

import base64
import hmac
import re
from typing import Final

from mailscribe.errors import CursorError
from mailscribe.ids import is_ulid

_VERSION: Final = b"\x01"
_PAYLOAD_BYTES: Final = 27
_MAC_BYTES: Final = 21
_FORM: Final = re.compile(r"[A-Za-z0-9_-]{64}")
_PURPOSE: Final = b"mailscribe cursor\x00"
_LEAST_KEY: Final = 16


class CursorCodec:
    """Makes and reads cursors under one secret key (at least 16 bytes, else `ValueError`)."""

    def __init__(self, key: bytes) -> None:
        if len(key) < _LEAST_KEY:
            raise ValueError(f"a cursor key of less than {_LEAST_KEY} bytes")
        self._key = key

    def encode(self, last_id: str, binding: str) -> str:
        """The cursor for the page after `last_id` (a ULID, else `ValueError`) of what `binding` names."""
        if not is_ulid(last_id):
            raise ValueError("a cursor is made of a ULID")
        payload = _VERSION + last_id.encode("ascii")
        return base64.urlsafe_b64encode(payload + self._mac(payload, binding)).decode("ascii")

    def decode(self, text: str, binding: str) -> str:
        """The id that the page after begins below. Raises `CursorError` for any text not made so for `binding`."""
        if not _FORM.fullmatch(text):
            raise CursorError("the cursor is malformed")
        raw = base64.urlsafe_b64decode(text)
        payload, mac = raw[:_PAYLOAD_BYTES], raw[_PAYLOAD_BYTES:]
        if not hmac.compare_digest(mac, self._mac(payload, binding)):
            raise CursorError("the cursor is forged or belongs to another query or scope")
        return payload[1:].decode("ascii")

    def _mac(self, payload: bytes, binding: str) -> bytes:
        signed = _PURPOSE + payload + binding.encode("utf-8", "surrogatepass")
        return hmac.digest(self._key, signed, "sha256")[:_MAC_BYTES]
