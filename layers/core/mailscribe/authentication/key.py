"""Public keys of signers: the record in the DNS (RFC 6376 §3.6, RFC 8463 §4, RFC 8616) and the mathematics on it.

A record is found, read and judged here; `cryptography` is imported when the first signature needs it, because the
import takes longer than most messages. A key that cannot be used is a `Refusal` with the verdict to report.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from mailscribe.authentication.dns import DnsFailure, Resolver
from mailscribe.authentication.limits import Limits
from mailscribe.authentication.tag_list import TagError, TagList
from mailscribe.records.authentication import DkimVerdict

type Family = Literal["rsa", "ed25519"]

_ED25519_OCTETS = 32
_MAYBE_KEY = re.compile(rb"(?:^|;)\s*p\s*=")


class Refusal(Exception):
    """A signature, seal or key that cannot be believed: the verdict, and why."""

    def __init__(self, verdict: DkimVerdict, reason: str, *, key_bits: int | None = None) -> None:
        super().__init__(reason)
        self.verdict = verdict
        self.reason = reason
        self.key_bits = key_bits


class Key(NamedTuple):
    """A key that may be used: `is_right` says whether a signature is that of a SHA-256 digest."""

    family: Family
    bits: int
    is_testing: bool
    is_strict: bool
    is_right: Callable[[bytes, bytes], bool]


@dataclass(slots=True)
class KeyRing:
    """The keys that one check asks for; each name is asked for once."""

    resolver: Resolver
    limits: Limits
    _found: dict[str, Key | Refusal] = field(default_factory=dict)

    def key(self, selector: str, domain: str, family: Family) -> Key:
        """The key of a selector, which must be of that family; raises `Refusal`.

        Both names are A-labels.
        """
        name = f"{selector}._domainkey.{domain}"
        found = self._found.get(name)
        if found is None:
            found = self._found[name] = self._look_up(name)
        if isinstance(found, Refusal):
            raise found
        if found.family != family:
            raise Refusal("permerror", f"the key is for {found.family}", key_bits=found.bits)
        return found

    def _look_up(self, name: str) -> Key | Refusal:
        try:
            records = self.resolver.texts(name)
        except DnsFailure:
            return Refusal("temperror", "no answer from the DNS for the key")
        candidates = records[: self.limits.key_records]
        # A name may carry other records, by a wildcard for example: they are not the key's fault.
        chosen = next((record for record in candidates if _MAYBE_KEY.search(record)), None)
        if chosen is None:
            return Refusal("permerror", "no key record" if candidates else "no key")
        try:
            return read_key(chosen, self.limits)
        except Refusal as refusal:
            return refusal


def read_key(record: bytes, limits: Limits) -> Key:
    """Read a key record; raises `Refusal` (RFC 6376 §6.1.2)."""
    try:
        tags = TagList.parse(record, limits)
        _judge_use(tags)
        family, octets = tags.text("k") or "rsa", tags.base64("p")
    except TagError as error:
        raise Refusal("permerror", f"the key record is invalid: {error}") from error
    if not octets:
        raise Refusal("permerror", "the key is revoked")
    flags = tags.words("t") or ()
    is_testing, is_strict = "y" in flags, "s" in flags
    if family == "ed25519":
        return Key("ed25519", 8 * len(octets), is_testing, is_strict, _ed25519(octets))
    if family != "rsa":
        raise Refusal("permerror", "the key is of an unknown kind")
    bits, is_right = _rsa(octets, limits)
    return Key("rsa", bits, is_testing, is_strict, is_right)


def _judge_use(tags: TagList) -> None:
    version = tags.text("v")
    if version is not None and (version != "DKIM1" or tags.names[0] != "v"):
        raise TagError("v= is not DKIM1, or not first")
    if "sha256" not in (tags.words("h") or ("sha256",)):
        raise Refusal("permerror", "the key is not for sha256")
    if not {"*", "email"} & set(tags.words("s") or ("*",)):
        raise Refusal("permerror", "the key is not for mail")


def _rsa(octets: bytes, limits: Limits) -> tuple[int, Callable[[bytes, bytes], bool]]:
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm  # noqa: PLC0415 - see the rule above
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric.utils import Prehashed  # noqa: PLC0415
    from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import load_der_public_key  # noqa: PLC0415

    try:
        key = load_der_public_key(octets)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise Refusal("permerror", "the key cannot be read") from error
    if not isinstance(key, RSAPublicKey):
        raise Refusal("permerror", "the key is not an RSA key")
    bits = key.key_size
    if bits < limits.rsa_bits_least:
        raise Refusal("policy", f"the key has less than {limits.rsa_bits_least} bits", key_bits=bits)
    if bits > limits.rsa_bits_most:
        raise Refusal("policy", f"the key has more than {limits.rsa_bits_most} bits", key_bits=bits)

    def is_right(signature: bytes, digest: bytes) -> bool:
        try:
            key.verify(signature, digest, PKCS1v15(), Prehashed(SHA256()))
        except (InvalidSignature, ValueError):
            return False
        return True

    return bits, is_right


def _ed25519(octets: bytes) -> Callable[[bytes, bytes], bool]:
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - see the rule above
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: PLC0415

    if len(octets) != _ED25519_OCTETS:
        raise Refusal("permerror", "the key cannot be read")
    try:
        key = Ed25519PublicKey.from_public_bytes(octets)
    except ValueError as error:
        raise Refusal("permerror", "the key cannot be read") from error

    def is_right(signature: bytes, digest: bytes) -> bool:
        try:
            key.verify(signature, digest)
        except InvalidSignature:
            return False
        return True

    return is_right
