"""Another implementation signs, and says the same of what was changed afterwards: dkimpy, where it is installed.

It is no dependency, for it comes without a wheel and would have to be built wherever the tests run:
`uv pip install dkimpy pynacl authres` puts it beside them. Where it is stricter or more lenient, the reason is here.
"""

import random
import re
import warnings
from base64 import b64encode
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from mailscribe.authentication.arc import verify_arc
from mailscribe.authentication.dkim import verify_dkim
from support.dkim_signer import ed25519_key, record_of, rsa_key
from support.zone import Zone

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    dkim: Any = pytest.importorskip("dkim")

NOW = datetime.now(UTC)
DOMAIN, RSA, ED = "example.org", "sel", "ed"
ZONE: dict[str, tuple[bytes, ...]] = {
    f"{RSA}._domainkey.{DOMAIN}": (record_of(rsa_key()),),
    f"{ED}._domainkey.{DOMAIN}": (record_of(ed25519_key()),),
}
PEM = rsa_key().private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
SEED = b64encode(ed25519_key().private_bytes_raw())
WORDS = (b"Subject", b"From", b"To", b"X", b"a", b" ", b"  ", b"\t", b":", b"\r\n", b"\r\n ", b"\r\n\r\n", b".", b"=")

EXCUSED = re.compile(rb"\r(?!\n)|^[!-~]+[ \t]+:", re.MULTILINE)
"""A CR by itself is no white space (RFC 6376 §2.8), and white space before a colon goes (§3.4.2): the judge differs."""


def texts(name: bytes, timeout: int = 5) -> bytes:
    found = ZONE.get(name.decode().rstrip("."))
    return found[0] if found else b""


def judged(message: bytes) -> bool | None:
    """Whether the judge lets the first signature pass; None when it does not read the header at all."""
    try:
        return bool(dkim.DKIM(message).verify(dnsfunc=texts))
    except (dkim.MessageFormatError, IndexError):
        return None
    except (dkim.DKIMException, ValueError):
        return False


def ours(message: bytes) -> bool:
    results = verify_dkim(message, Zone(ZONE), NOW)
    return bool(results) and results[0].result == "pass"


def signed(message: bytes, numbers: random.Random) -> bytes:
    """With a signature of the judge, of any kind and form."""
    forms = tuple(numbers.choice([b"simple", b"relaxed"]) for _ in range(2))
    is_rsa = numbers.random() < 0.5
    signature: bytes = dkim.sign(
        message,
        (RSA if is_rsa else ED).encode(),
        DOMAIN.encode(),
        PEM if is_rsa else SEED,
        canonicalize=forms,
        signature_algorithm=b"rsa-sha256" if is_rsa else b"ed25519-sha256",
        include_headers=numbers.choice([None, [b"from"], [b"from", b"to", b"subject", b"x", b"x"]]),
        length=numbers.random() < 0.2,
    )
    return signature + message


def mail(numbers: random.Random) -> bytes:
    """Mail of few words, among them all that the forms treat differently."""
    head = b"From: a@example.org\r\nX: " + numbers.choice(WORDS[4:9]) + b"x\r\nTo: b\r\nX: y \t \r\n\tz\r\n\r\n"
    return head + b"".join(numbers.choice(WORDS) for _ in range(numbers.randrange(20))) + b"\r\n"


def changed(message: bytes, numbers: random.Random) -> bytes:
    at = numbers.randrange(len(message))
    end = at + numbers.randrange(3)
    return message[:at] + numbers.choice((b"", *WORDS)) + message[end:]


@pytest.mark.parametrize("seed", range(40))
def test_what_the_judge_signs_passes(seed: int) -> None:
    numbers = random.Random(seed)
    message = signed(mail(numbers), numbers)
    assert judged(message)
    assert ours(message), message
    assert ours(message.replace(b"\r\n", b"\n")) == judged(message.replace(b"\r\n", b"\n"))


@pytest.mark.parametrize("seed", range(40))
def test_of_what_was_changed_both_say_the_same(seed: int) -> None:
    numbers = random.Random(seed)
    message = signed(mail(numbers), numbers)
    for _ in range(25):
        other = changed(message, numbers)
        verdict = judged(other)
        if verdict is not None and not EXCUSED.search(other):
            assert ours(other) == verdict, other


def sealed(message: bytes) -> bytes:
    """With one more set of the judge, which seals with RSA alone."""
    found = b"pass" if b"ARC-Seal" in message else b"none"
    fields: list[bytes] = dkim.arc_sign(
        b"Authentication-Results: mx.example.org; arc=" + found + b"\r\n" + message,
        RSA.encode(),
        DOMAIN.encode(),
        PEM,
        b"mx.example.org",
        include_headers=[b"from", b"to", b"subject", b"x"],
    )
    return b"".join(fields) + message


def arc_judged(message: bytes) -> bytes | None:
    try:
        verdict: bytes = dkim.arc_verify(message, dnsfunc=texts)[0]
    except (dkim.MessageFormatError, IndexError):
        return None
    except (dkim.DKIMException, ValueError):
        return b"fail"
    return verdict


@pytest.mark.parametrize("seed", range(20))
def test_chains_of_the_judge_pass_and_what_was_changed_has_the_same_verdict(seed: int) -> None:
    numbers = random.Random(seed)
    message = mail(numbers)
    for _ in range(numbers.randrange(1, 4)):
        message = sealed(message)
    assert verify_arc(message, Zone(ZONE), NOW).result == "pass", message
    for _ in range(25):
        other = changed(message, numbers)
        verdict = arc_judged(other)
        if verdict is not None and not EXCUSED.search(other):
            assert verify_arc(other, Zone(ZONE), NOW).result == verdict.decode(), other
