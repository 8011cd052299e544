"""DKIM: whose key signed the message, and what of it (RFC 6376 with 8301, 8463 and 8616).

Verdicts are those of RFC 8601 §2.7.1: `neutral` for what is not understood or beyond a limit, `permerror` for what
can never be right, `policy` for a key or a time that must not be accepted, `fail` for a hash or a signature that is
wrong, `temperror` when the DNS did not say. Each signature stands for itself. Cheap checks come first; the body is
read once, and only if some signature may still be right.
"""

from dataclasses import dataclass
from datetime import datetime

import msgspec
from msgspec import UNSET

from mailscribe.authentication.dns import Resolver
from mailscribe.authentication.key import Key, KeyRing, Refusal
from mailscribe.authentication.limits import LIMITS, Limits
from mailscribe.authentication.mail import BodyDigest, BodyPart, Mail
from mailscribe.authentication.signature import Signature, judge_time, read_signature, unquoted, without_value
from mailscribe.authentication.tag_list import TagError, TagList
from mailscribe.message.scan import RawField
from mailscribe.message.transfer import Source
from mailscribe.records.authentication import DkimResult

_LENGTH_MOST = 2**53
"""the largest number that every reader of JSON has"""


def verify_dkim(message: Source, resolver: Resolver, now: datetime, limits: Limits = LIMITS) -> tuple[DkimResult, ...]:
    """Verify the DKIM signatures of a message, first to last; none gives no result.

    `now` decides what is expired: when the message was received. Never raises.
    """
    mail = Mail.read(message, limits)
    fields = mail.named(b"dkim-signature")
    if fields and not mail.is_whole:
        return (DkimResult(result="neutral", domain=None, selector=None, reason="the header is beyond the limits"),)
    ring = KeyRing(resolver, limits)
    opened = [_open(mail, field, ring, now.timestamp()) for field in fields[: limits.signatures]]
    digests = mail.body_digests(frozenset(each.signature.body for each in opened if isinstance(each, Opened)))
    results = [each if isinstance(each, DkimResult) else _close(mail, each, digests) for each in opened]
    if len(fields) > limits.signatures:
        reason = f"{len(fields) - limits.signatures} more signatures are not looked at"
        results.append(DkimResult(result="neutral", domain=None, selector=None, reason=reason))
    return tuple(results)


@dataclass(frozen=True, slots=True)
class Opened:
    """A signature that may be right, with its key; `emptied` is its field without the value of `b=`."""

    field: RawField
    emptied: bytes
    signature: Signature
    key: Key
    described: DkimResult


def judge_digests(mail: Mail, opened: Opened, digest: BodyDigest) -> None:
    """Refuse a signature whose hash or mathematics are wrong; raises `Refusal` (RFC 6376 §6.1.3)."""
    signature = opened.signature
    if signature.body.length is not None and signature.body.length > digest.size:
        raise Refusal("permerror", "l= is more than the body has")
    if signature.body_hash != digest.digest():
        raise Refusal("fail", "the body is not what was signed")
    hashed = mail.header_digest(signature.names, opened.field, opened.emptied, signature.header_form)
    if not opened.key.is_right(signature.value, hashed):
        raise Refusal("fail", "the header is not what was signed, or the key is another")


def _open(mail: Mail, field: RawField, ring: KeyRing, now: float) -> Opened | DkimResult:
    """All that can be said of a signature before its hashes are made."""
    try:
        tags = TagList.parse(mail.value(field), ring.limits)
    except TagError as error:
        return DkimResult(result="neutral", domain=None, selector=None, reason=str(error))
    described = _described(tags)
    try:
        signature = _read(tags)
        judge_time(signature, now, ring.limits)
        key = ring.key(signature.selector, signature.domain, signature.family)
        _judge_identity(signature, key)
    except Refusal as refusal:
        return _refused(described, refusal)
    described = msgspec.structs.replace(described, key_bits=key.bits)
    return Opened(field, without_value(mail.octets(field), tags), signature, key, described)


def _close(mail: Mail, opened: Opened, digests: dict[BodyPart, BodyDigest]) -> DkimResult:
    digest = digests[opened.signature.body]
    try:
        judge_digests(mail, opened, digest)
    except Refusal as refusal:
        return _refused(opened.described, refusal)
    length = opened.signature.body.length
    excess = digest.size - length if length is not None else 0
    notes = [f"{excess} octets of the body are not covered (l=)"] * (excess > 0)
    notes += ["the key is published for testing (t=y)"] * opened.key.is_testing
    return msgspec.structs.replace(opened.described, result="pass", reason="; ".join(notes) or UNSET)


def _read(tags: TagList) -> Signature:
    if tags.text("v") != "1":
        raise Refusal("neutral", "v= is not 1")
    if "dns/txt" not in (tags.words("q") or ("dns/txt",)):
        raise Refusal("neutral", "q= has no known way to the key")
    signature = read_signature(tags)
    if "from" not in signature.names:
        raise Refusal("permerror", "From is not signed")
    return signature


def _judge_identity(signature: Signature, key: Key) -> None:
    if key.is_strict and signature.identity_domain != signature.domain:
        raise Refusal("permerror", "i= is below d=, which the key forbids (t=s)", key_bits=key.bits)


def _described(tags: TagList) -> DkimResult:
    """What a signature says of itself, as far as it can be read."""
    try:
        length = tags.number("l")
    except TagError:
        length = None
    identity = tags.text("i")
    return DkimResult(
        result="neutral",
        domain=tags.text("d") or None,
        selector=tags.text("s") or None,
        identity=UNSET if identity is None else unquoted(identity),
        algorithm=tags.text("a") or UNSET,
        canonicalization=tags.text("c") or "simple/simple",
        signed_headers=tuple(name.lower() for name in tags.words("h") or ()),
        body_length=UNSET if length is None else min(length, _LENGTH_MOST),
    )


def _refused(described: DkimResult, refusal: Refusal) -> DkimResult:
    bits = described.key_bits if refusal.key_bits is None else refusal.key_bits
    return msgspec.structs.replace(described, result=refusal.verdict, reason=refusal.reason, key_bits=bits)
