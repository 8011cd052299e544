"""Signs mail as DKIM and seals it as ARC do, written from RFC 6376 and RFC 8617 for whole messages, by regex.

Nothing of what is tested is used here: a mistake would have to be made twice, in two ways.
"""

import re
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from hashlib import sha1, sha256
from random import Random
from typing import Literal

from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

type Form = Literal["simple", "relaxed"]
type PrivateKey = rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey

MESSAGE = (
    b"Received: from a by b;\r\n\tFri, 1 Jan 2027 00:00:00 +0000\r\n"
    b"From: Joe  Six <joe@example.org>\r\nTo : sue@example.com\r\n"
    b"Subject: one \t two\r\n  three  \r\nDate: Fri, 1 Jan 2027 00:00:00 +0000\r\n\r\n"
    b"Hi  there \t\r\n\r\n last\t line \r\n\r\n \r\n\r\n"
)
"""Everything that the two forms treat differently."""
NAMES = ("from", "to", "subject", "date", "received", "from", "cc")


@cache
def rsa_key(bits: int = 1024) -> rsa.RSAPrivateKey:
    """The same key in every run: good for nothing but tests."""
    numbers = Random(bits)
    while True:
        p, q = _prime(numbers, bits - bits // 2), _prime(numbers, bits // 2)
        if p != q and (p * q).bit_length() == bits:
            break
    d = pow(65537, -1, (p - 1) * (q - 1))
    public = rsa.RSAPublicNumbers(65537, p * q)
    crt = (rsa.rsa_crt_dmp1(d, p), rsa.rsa_crt_dmq1(d, q), rsa.rsa_crt_iqmp(p, q))
    return rsa.RSAPrivateNumbers(p, q, d, *crt, public).private_key()


def _prime(numbers: Random, bits: int) -> int:
    """A number that four tests of Fermat do not tell from a prime; the key's own check would."""
    while True:
        found = numbers.getrandbits(bits) | 3 << (bits - 2) | 1
        if found % 65537 != 1 and all(pow(base, found - 1, found) == 1 for base in (2, 3, 5, 7)):
            return found


@cache
def ed25519_key() -> ed25519.Ed25519PrivateKey:
    return ed25519.Ed25519PrivateKey.from_private_bytes(b"mailscribe" * 3 + b"..")


def rsa_der(key: rsa.RSAPrivateKey | rsa.RSAPublicKey, form: PublicFormat = PublicFormat.SubjectPublicKeyInfo) -> bytes:
    public = key if isinstance(key, rsa.RSAPublicKey) else key.public_key()
    return public.public_bytes(Encoding.DER, form)


def record_of(key: PrivateKey, before: bytes = b"v=DKIM1; ") -> bytes:
    """A key record; `before` is what stands before k= and p=."""
    if isinstance(key, rsa.RSAPrivateKey):
        return before + b"k=rsa; p=" + b64encode(rsa_der(key))
    return before + b"k=ed25519; p=" + b64encode(key.public_key().public_bytes_raw())


def header_form(octets: bytes, form: Form) -> bytes:
    if form == "simple":
        return octets
    name, value = re.split(rb"[ \t]*:", octets, maxsplit=1)
    return name.lower() + b":" + re.sub(rb"[ \t]+", b" ", value.replace(b"\r\n", b"")).strip()


def body_form(octets: bytes, form: Form) -> bytes:
    lines = octets.split(b"\r\n")
    if form == "relaxed":
        lines = [re.sub(rb"[ \t]+", b" ", line).rstrip(b" ") for line in lines]
    while lines and not lines[-1]:
        lines.pop()
    return b"".join(line + b"\r\n" for line in lines) or (b"" if form == "relaxed" else b"\r\n")


def split(message: bytes) -> tuple[list[bytes], bytes]:
    """The fields without their line ends, and the body."""
    head, _, body = message.partition(b"\r\n\r\n")
    return re.split(rb"\r\n(?![ \t])", head), body


def chosen(fields: Sequence[bytes], names: Sequence[str]) -> list[bytes]:
    left = list(fields)
    found = []
    for name in names:
        for at in range(len(left) - 1, -1, -1):
            if re.split(rb"[ \t]*:", left[at], maxsplit=1)[0].lower() == name.lower().encode():
                found.append(left.pop(at))
                break
    return found


def signed(key: PrivateKey, octets: bytes, algorithm: str) -> bytes:
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(octets, PKCS1v15(), SHA1() if algorithm == "rsa-sha1" else SHA256())  # noqa: S303
    return key.sign(sha256(octets).digest())


@dataclass(frozen=True, slots=True)
class Signer:
    """Makes signatures; `tags` replaces or adds tags, and takes one out by None."""

    key: PrivateKey = field(default_factory=rsa_key)
    domain: str = "example.org"
    selector: str = "sel"
    algorithm: str = "rsa-sha256"
    header: Form = "relaxed"
    body: Form = "relaxed"
    names: tuple[str, ...] = NAMES
    tags: tuple[tuple[str, str | None], ...] = ()
    field_name: str = "DKIM-Signature"

    def with_tags(self, **tags: str | None) -> "Signer":
        return replace(self, tags=tuple(tags.items()))

    @property
    def zone(self) -> dict[str, tuple[bytes, ...]]:
        return {f"{self.selector}._domainkey.{self.domain}": (record_of(self.key),)}

    def signature(self, message: bytes, tags: dict[str, str | None] | None = None) -> bytes:
        """The signature field of a message with its line end."""
        fields, body = split(message)
        canonical = body_form(body, self.body)
        extra = dict(self.tags) if tags is None else tags
        length = extra.get("l")
        if length is not None and length.isdecimal():
            canonical = canonical[: int(length)]
        digest = sha1(canonical) if self.algorithm == "rsa-sha1" else sha256(canonical)  # noqa: S324 - what RFC 8301 forbids
        own: dict[str, str | None] = {
            "v": "1",
            "a": self.algorithm,
            "c": f"{self.header}/{self.body}",
            "d": self.domain,
            "s": self.selector,
            "h": " : ".join(self.names),
            "bh": b64encode(digest.digest()).decode(),
        }
        given = "".join(f" {name}={value};\r\n" for name, value in (own | extra).items() if value is not None)
        start = f"{self.field_name}:{given} b=".encode()
        octets = b"".join(header_form(each, self.header) + b"\r\n" for each in chosen(fields, self.names))
        octets += header_form(start, self.header)
        value = b64encode(signed(self.key, octets, self.algorithm))
        return start + b"\r\n  ".join(value[at : at + 60] for at in range(0, len(value), 60)) + b"\r\n"

    def sign(self, message: bytes = MESSAGE) -> bytes:
        """The message with its signature before it."""
        return self.signature(message) + message
