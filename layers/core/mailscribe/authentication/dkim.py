"""DKIM: whose key signed the message, and what of it (RFC 6376 with 8301, 8463 and 8616).

Verdicts are those of RFC 8601 §2.7.1: `neutral` for what is not understood or beyond a limit, `permerror` for what
can never be right, `policy` for a key or a time that must not be accepted, `fail` for a hash or a signature that is
wrong, `temperror` when the DNS did not say. Each signature stands for itself. Cheap checks come first; the body is
read once, and only if some signature may still be right.
"""

from datetime import datetime
from typing import NamedTuple

import msgspec
from msgspec import UNSET

from mailscribe.authentication.dns import Resolver
from mailscribe.authentication.domain import dns_name, is_within
from mailscribe.authentication.key import KeyRing, Refusal
from mailscribe.authentication.limits import LIMITS, Limits
from mailscribe.authentication.mail import BodyDigest, BodyPart, Mail
from mailscribe.authentication.signature import unquoted
from mailscribe.authentication.tag_list import TagError, TagList
from mailscribe.authentication.verification import Opened, judge_hashes, open_signature
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
    looked_at = [_open(mail, field, ring, now.timestamp()) for field in fields[: limits.signatures]]
    parts = frozenset(each.opened.signature.body for each in looked_at if isinstance(each, _Promising))
    digests = mail.body_digests(parts)
    results = [each if isinstance(each, DkimResult) else _close(mail, each, digests) for each in looked_at]
    if len(fields) > limits.signatures:
        reason = f"{len(fields) - limits.signatures} more signatures are not looked at"
        results.append(DkimResult(result="neutral", domain=None, selector=None, reason=reason))
    return tuple(results)


class _Promising(NamedTuple):
    described: DkimResult
    opened: Opened


def _open(mail: Mail, field: RawField, ring: KeyRing, now: float) -> _Promising | DkimResult:
    """All that can be said of a signature before its hashes are made."""
    try:
        tags = TagList.parse(mail.value(field), ring.limits)
    except TagError as error:
        return DkimResult(result="neutral", domain=None, selector=None, reason=str(error))
    described = _described(tags)
    try:
        _judge_version(tags)
        opened = open_signature(mail, field, tags, ring, now)
        _judge_identity(tags, opened)
    except Refusal as refusal:
        return _refused(described, refusal)
    return _Promising(msgspec.structs.replace(described, key_bits=opened.key.bits), opened)


def _judge_version(tags: TagList) -> None:
    if tags.text("v") != "1":
        raise Refusal("neutral", "v= is not 1")
    if "dns/txt" not in (tags.words("q") or ("dns/txt",)):
        raise Refusal("neutral", "q= has no known way to the key")


def _judge_identity(tags: TagList, opened: Opened) -> None:
    """The domain of `i=` must be that of `d=` or, unless the key forbids it, below it (RFC 6376 §3.5, §3.6.1)."""
    identity = tags.text("i")
    if identity is None:
        return
    _, at, domain = unquoted(identity).rpartition("@")
    name, bits = dns_name(domain) if at else None, opened.key.bits
    if name is None:
        raise Refusal("neutral", "the tag i= is no address", key_bits=bits)
    if not is_within(name, opened.signature.domain):
        raise Refusal("permerror", "i= is not within d=", key_bits=bits)
    if opened.key.is_strict and name != opened.signature.domain:
        raise Refusal("permerror", "i= is below d=, which the key forbids (t=s)", key_bits=bits)


def _close(mail: Mail, promising: _Promising, digests: dict[BodyPart, BodyDigest]) -> DkimResult:
    described, opened = promising
    try:
        excess = judge_hashes(mail, opened, digests)
    except Refusal as refusal:
        return _refused(described, refusal)
    notes = [f"{excess} octets of the body are not covered (l=)"] * (excess > 0)
    notes += ["the key is published for testing (t=y)"] * opened.key.is_testing
    return msgspec.structs.replace(described, result="pass", reason="; ".join(notes) or UNSET)


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
