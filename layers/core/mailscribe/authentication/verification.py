"""What DKIM and ARC do alike with a signature: open it, which needs its key, and judge its hashes (RFC 6376 §6.1).

Two steps, because the body is read once for all signatures: every one is opened before the first is judged.
"""

from collections.abc import Mapping
from typing import NamedTuple

from mailscribe.authentication.key import Key, KeyRing, Refusal
from mailscribe.authentication.mail import BodyDigest, BodyPart, Mail
from mailscribe.authentication.signature import Signature, judge_time, read_signature, without_value
from mailscribe.authentication.tag_list import TagList
from mailscribe.message.scan import RawField


class Opened(NamedTuple):
    """A signature that may be right, with its key; `emptied` is its field without the value of `b=`."""

    field: RawField
    emptied: bytes
    signature: Signature
    key: Key


def open_signature(mail: Mail, field: RawField, tags: TagList, ring: KeyRing, now: float) -> Opened:
    """All that is to be judged of a signature before its hashes are made; raises `Refusal`."""
    signature = read_signature(tags)
    if "from" not in signature.names:
        raise Refusal("permerror", "From is not signed")
    judge_time(signature, now, ring.limits)
    key = ring.key(signature.selector, signature.domain, signature.family)
    return Opened(field, without_value(mail.octets(field), tags), signature, key)


def judge_hashes(mail: Mail, opened: Opened, digests: Mapping[BodyPart, BodyDigest]) -> int:
    """Refuse a signature whose hashes are wrong, else say how many octets of the body it leaves out.

    Raises `Refusal`.
    """
    signature = opened.signature
    digest, length = digests[signature.body], signature.body.length
    if length is not None and length > digest.size:
        raise Refusal("permerror", "l= is more than the body has")
    if signature.body_hash != digest.digest():
        raise Refusal("fail", "the body is not what was signed")
    hashed = mail.header_digest(signature.names, opened.field, opened.emptied, signature.header_form)
    if not opened.key.is_right(signature.value, hashed):
        raise Refusal("fail", "the header is not what was signed, or the key is another")
    return 0 if length is None else digest.size - length
