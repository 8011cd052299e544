"""ARC: who handled the message before, and whether their word is intact (RFC 8617 §5.2).

A chain is as good as its weakest part, so there is one verdict: `pass` when the newest message signature and every
seal are right, `none` when there is no chain, `temperror` when the DNS did not say, `fail` for all else, a header
beyond the limits included. A chain vouches for nobody by itself: what a sealer found is worth what the sealer is.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from hashlib import sha256
from typing import NamedTuple

from mailscribe.authentication.canonical import header_field
from mailscribe.authentication.dns import Resolver
from mailscribe.authentication.key import KeyRing, Refusal
from mailscribe.authentication.limits import LIMITS, Limits
from mailscribe.authentication.mail import Mail
from mailscribe.authentication.signature import read_family, read_name, without_value
from mailscribe.authentication.tag_list import TagError, TagList
from mailscribe.authentication.verification import Opened, judge_hashes, open_signature
from mailscribe.message.scan import RawField
from mailscribe.message.transfer import Source
from mailscribe.records.authentication import ArcResult, ArcVerdict

_RESULTS, _SIGNATURE, _SEAL = b"arc-authentication-results", b"arc-message-signature", b"arc-seal"
_NAMES = {_RESULTS: "ARC-Authentication-Results", _SIGNATURE: "ARC-Message-Signature", _SEAL: "ARC-Seal"}
# RFC 8617 §4.2.1: instance = [CFWS] "i" [CFWS] "=" [CFWS] position; position = 1*2DIGIT
_INSTANCE = re.compile(rb"\s*+i\s*+=\s*+([0-9]{1,2})\s*+(?:;|\Z)")


class ArcSet(NamedTuple):
    """The three fields that one handler added, and the tags of the two that have some."""

    results: RawField
    signature: RawField
    seal: RawField
    signature_tags: TagList
    seal_tags: TagList


def verify_arc(message: Source, resolver: Resolver, now: datetime, limits: Limits = LIMITS) -> ArcResult:
    """Verify the ARC chain of a message; `now` is when it was received. Never raises."""
    mail = Mail.read(message, limits)
    fields = [field for field in mail.fields if field.key in _NAMES]
    if not fields:
        return ArcResult(result="none")
    ring = KeyRing(resolver, limits)
    sealers: tuple[str, ...] = ()
    try:
        sets = _sets(mail, fields, limits)
        sealers = tuple(each.seal_tags.text("d") or "" for each in sets)
        _judge_claims(sets)
        oldest_pass = _judge_signatures(mail, sets, ring, now.timestamp())
        _judge_seals(mail, sets, ring)
    except Refusal as refusal:
        verdict: ArcVerdict = "temperror" if refusal.verdict == "temperror" else "fail"
        return ArcResult(result=verdict, sealers=sealers, reason=refusal.reason)
    return ArcResult(result="pass", sealers=sealers, oldest_pass=oldest_pass)


def _sets(mail: Mail, fields: list[RawField], limits: Limits) -> list[ArcSet]:
    """The sets, first to last: each whole, none missing (§5.2 steps 1 and 3); raises `Refusal`."""
    if not mail.is_whole:
        raise Refusal("fail", "the header is beyond the limits")
    found: dict[tuple[int, bytes], tuple[RawField, TagList]] = {}
    for field in fields:
        instance, tags = _read(mail, field, limits)
        if not 1 <= instance <= limits.arc_sets:
            raise Refusal("fail", f"an instance is not from 1 to {limits.arc_sets}")
        if (instance, field.key) in found:
            raise Refusal("fail", f"set {instance} has two fields {_NAMES[field.key]}")
        found[instance, field.key] = field, tags
    return [_set(instance, found) for instance in range(1, max(instance for instance, _ in found) + 1)]


def _set(instance: int, found: dict[tuple[int, bytes], tuple[RawField, TagList]]) -> ArcSet:
    missing = [name for key, name in _NAMES.items() if (instance, key) not in found]
    if missing:
        raise Refusal("fail", f"set {instance} has no field {missing[0]}")
    signature, signature_tags = found[instance, _SIGNATURE]
    seal, seal_tags = found[instance, _SEAL]
    return ArcSet(found[instance, _RESULTS][0], signature, seal, signature_tags, seal_tags)


def _read(mail: Mail, field: RawField, limits: Limits) -> tuple[int, TagList]:
    """The instance of a field, and its tags if it has some; raises `Refusal`."""
    value = mail.value(field)
    if field.key == _RESULTS:
        match = _INSTANCE.match(value)
        return int(match[1]) if match else 0, TagList({})
    try:
        tags = TagList.parse(value, limits)
        return tags.number("i") or 0, tags
    except TagError as error:
        raise Refusal("fail", f"a field {_NAMES[field.key]} is invalid: {error}") from error


def _judge_claims(sets: Sequence[ArcSet]) -> None:
    """What the seals say of the chain before them (§5.2 steps 2 and 3, §4.1.3); raises `Refusal`."""
    if sets[-1].seal_tags.text("cv") == "fail":
        raise Refusal("fail", "the newest seal says that the chain had failed")
    for number, each in enumerate(sets, 1):
        if each.seal_tags.text("cv") != ("none" if number == 1 else "pass"):
            raise Refusal("fail", f"seal {number} does not say cv={'none' if number == 1 else 'pass'}")
        if each.seal_tags.text("h") is not None:
            raise Refusal("fail", f"seal {number} has a tag h=")


def _judge_signatures(mail: Mail, sets: Sequence[ArcSet], ring: KeyRing, now: float) -> int:
    """The newest message signature must be right; the lowest instance since which all are, 0 when all are.

    §5.2 steps 4 and 5. Raises `Refusal`.
    """
    opened = list(_opened(mail, sets, ring, now))
    digests = mail.body_digests(frozenset(each.signature.body for each in opened))
    for number, each in zip(range(len(sets), 0, -1), opened, strict=False):
        try:
            judge_hashes(mail, each, digests)
        except Refusal as refusal:
            if number == len(sets):
                raise _named(refusal, f"message signature {number}") from refusal
            return number + 1
    lowest = len(sets) + 1 - len(opened)
    return 0 if lowest == 1 else lowest


def _opened(mail: Mail, sets: Sequence[ArcSet], ring: KeyRing, now: float) -> Iterator[Opened]:
    """Message signatures from the newest to the first that cannot be right, or to the limit of signatures."""
    last = max(len(sets) - ring.limits.signatures, 0)
    for number in range(len(sets), last, -1):
        each = sets[number - 1]
        try:
            _judge_names(each.signature_tags)
            yield open_signature(mail, each.signature, each.signature_tags, ring, now)
        except Refusal as refusal:
            if number == len(sets):
                raise _named(refusal, f"message signature {number}") from refusal
            return


def _judge_names(tags: TagList) -> None:
    if "arc-seal" in {name.lower() for name in tags.words("h") or ()}:
        raise Refusal("fail", "it signs seals")


def _judge_seals(mail: Mail, sets: Sequence[ArcSet], ring: KeyRing) -> None:
    """Every seal must be right, from the newest to the first (§5.2 step 6); raises `Refusal`."""
    digests = _seal_digests(mail, sets)
    for number in range(len(sets), 0, -1):
        tags = sets[number - 1].seal_tags
        try:
            key = ring.key(read_name(tags, "s"), read_name(tags, "d"), read_family(tags))
            is_right = key.is_right(tags.base64("b"), digests[number - 1])
        except TagError as error:
            raise Refusal("fail", f"seal {number}: {error}") from error
        except Refusal as refusal:
            raise _named(refusal, f"seal {number}") from refusal
        if not is_right:
            raise Refusal("fail", f"seal {number}: not what was sealed, or the key is another")


def _seal_digests(mail: Mail, sets: Sequence[ArcSet]) -> list[bytes]:
    """What each seal signs: all sets up to its own, relaxed, its `b=` emptied (§5.1.1); one pass for all seals."""
    so_far = sha256()
    digests = []
    for each in sets:
        for field in (each.results, each.signature):
            so_far.update(header_field(mail.octets(field), "relaxed") + b"\r\n")
        seal = mail.octets(each.seal)
        sealed = so_far.copy()
        emptied = without_value(seal, each.seal_tags) if "b" in each.seal_tags.names else seal
        sealed.update(header_field(emptied, "relaxed"))
        digests.append(sealed.digest())
        so_far.update(header_field(seal, "relaxed") + b"\r\n")
    return digests


def _named(refusal: Refusal, what: str) -> Refusal:
    return Refusal(refusal.verdict, f"{what}: {refusal.reason}")
