"""Seals mail as ARC does, over the test signer: one more set before the message, each part of it changeable."""

import re
from base64 import b64encode
from dataclasses import dataclass, field, replace

from support.dkim_signer import MESSAGE, Signer, header_form, signed, split

ARC = re.compile(rb"arc-(authentication-results|message-signature|seal):.*?[\s;]i=(\d+)", re.IGNORECASE | re.DOTALL)
ORDER = (b"authentication-results", b"message-signature", b"seal")


@dataclass(frozen=True, slots=True)
class Sealer:
    """Adds sets; `cv` None says what is right for the place."""

    signer: Signer = field(default_factory=lambda: Signer(names=("from", "subject", "to")))
    cv: str | None = None
    seal_tags: tuple[tuple[str, str | None], ...] = ()
    signature_tags: tuple[tuple[str, str | None], ...] = ()

    def seal(self, message: bytes, instance: int | None = None) -> bytes:
        """The message with one more set."""
        number = instance or 1 + max((int(found[2]) for found in found_in(message)), default=0)
        results = f"ARC-Authentication-Results: i={number}; mx.example.org; spf=pass\r\n".encode()
        plain = b"\r\n".join(each for each in split(message)[0] if not ARC.match(each))
        content = plain + b"\r\n\r\n" + split(message)[1]
        signer = replace(self.signer, field_name="ARC-Message-Signature", names=self.signer.names)
        signature = signer.signature(content, {"v": None, "i": str(number)} | dict(self.signature_tags))
        before = results + signature
        return self._seal(before + message, number) + before + message

    def _seal(self, message: bytes, number: int) -> bytes:
        own: dict[str, str | None] = {
            "i": str(number),
            "a": self.signer.algorithm,
            "cv": self.cv or ("none" if number == 1 else "pass"),
            "d": self.signer.domain,
            "s": self.signer.selector,
        }
        tags = (own | dict(self.seal_tags)).items()
        start = ("ARC-Seal:" + "".join(f" {name}={value};" for name, value in tags if value is not None)).encode()
        sets = sorted((int(found[2]), ORDER.index(found[1].lower()), found.string) for found in found_in(message))
        octets = b"".join(header_form(each, "relaxed") + b"\r\n" for at, _, each in sets if at <= number)
        octets += header_form(start + b" b=", "relaxed")
        return start + b" b=" + b64encode(signed(self.signer.key, octets, self.signer.algorithm)) + b"\r\n"


def found_in(message: bytes) -> list[re.Match[bytes]]:
    """The ARC fields of a message, by name and instance."""
    return [found for each in split(message)[0] if (found := ARC.match(each))]


def chain(*sealers: Sealer, message: bytes = MESSAGE) -> bytes:
    """A message with a set by each."""
    for sealer in sealers:
        message = sealer.seal(message)
    return message
