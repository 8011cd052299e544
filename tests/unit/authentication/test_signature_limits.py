"""Each limit of signatures and keys at one below, at it, and one above; and what no message may make us do."""

from base64 import b64encode
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
from hypothesis import example, given
from hypothesis import strategies as st

from mailscribe.authentication.dkim import verify_dkim
from mailscribe.authentication.limits import LIMITS
from mailscribe.authentication.tag_list import TagError, TagList
from mailscribe.records.authentication import DkimResult
from support.corpora import BOUNCES, GOLDENS, OURS
from support.dkim_signer import MESSAGE, Signer, ed25519_key, record_of, rsa_der, split
from support.zone import Zone

NOW = datetime(2027, 1, 1, tzinfo=UTC)
STEPS = pytest.mark.parametrize("step", [-1, 0, 1])
SIGNER = Signer(names=("from", "subject"))
KEY = "sel._domainkey.example.org"


def verify(message: bytes, zone: Zone | None = None) -> tuple[DkimResult, ...]:
    return verify_dkim(message, zone or Zone(SIGNER.zone), NOW)


@STEPS
def test_signatures(step: int) -> None:
    """Those beyond are counted in one last result, and no key of theirs is asked for."""
    count = LIMITS.signatures + step
    fields = b"".join(Signer(selector=f"s{number}").signature(MESSAGE) for number in range(count))
    zone = Zone()
    results = verify(fields + MESSAGE, zone)
    assert len(zone.asked) == min(count, LIMITS.signatures)
    assert [each.result for each in results[: LIMITS.signatures]] == ["permerror"] * min(count, LIMITS.signatures)
    assert [(each.result, each.reason) for each in results[LIMITS.signatures :]] == [
        ("neutral", "1 more signatures are not looked at")
    ] * (step > 0)


@STEPS
def test_fields(step: int) -> None:
    message = SIGNER.sign()
    filler = b"X: y\r\n" * (LIMITS.fields - len(split(message)[0]) + step)
    (result,) = verify(filler + message)
    assert result.result == ("neutral" if step > 0 else "pass")


@STEPS
def test_header_block(step: int) -> None:
    message = SIGNER.sign()
    header = message.index(b"\r\n\r\n") + 4
    filler = b"X:" + b"y" * (LIMITS.header_block - header - 4 + step) + b"\r\n"
    (result,) = verify(filler + message)
    assert (result.result, result.domain) == (("neutral", None) if step > 0 else ("pass", "example.org"))


@STEPS
def test_tag_list(step: int) -> None:
    with pytest.raises(TagError) if step > 0 else _nothing():
        TagList.parse(b"a=" + b"x" * (LIMITS.tag_list - 2 + step))


@STEPS
def test_tags(step: int) -> None:
    octets = b"".join(b"t%d=x;" % number for number in range(LIMITS.tags + step))
    with pytest.raises(TagError) if step > 0 else _nothing():
        assert len(TagList.parse(octets).names) == LIMITS.tags + step


@STEPS
def test_key_records(step: int) -> None:
    """The key is looked for among the first records."""
    others = (b"another record",) * (LIMITS.key_records - 1 + step)
    (result,) = verify(SIGNER.sign(), Zone({KEY: (*others, record_of(SIGNER.key))}))
    assert result.result == ("permerror" if step > 0 else "pass")


@STEPS
def test_bits_of_the_smallest_key(step: int) -> None:
    (result,) = verify(SIGNER.sign(), Zone({KEY: (of_bits(LIMITS.rsa_bits_least + step),)}))
    assert (result.result, result.key_bits) == ("policy" if step < 0 else "fail", LIMITS.rsa_bits_least + step)


@STEPS
def test_bits_of_the_largest_key(step: int) -> None:
    (result,) = verify(SIGNER.sign(), Zone({KEY: (of_bits(LIMITS.rsa_bits_most + step),)}))
    assert (result.result, result.key_bits) == ("policy" if step > 0 else "fail", LIMITS.rsa_bits_most + step)


def of_bits(bits: int) -> bytes:
    """A record with a modulus of so many bits, of which nobody knows the factors."""
    return b"p=" + b64encode(rsa_der(RSAPublicNumbers(65537, (1 << (bits - 1)) | 1).public_key()))


class _nothing:  # noqa: N801 - stands where pytest.raises stands
    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None: ...


KEY_OCTETS = record_of(SIGNER.key)
SIGNED = Signer().sign()


@given(at=st.integers(0, len(SIGNED) - 1))
def test_no_message_passes_with_another_octet_in_it(at: int) -> None:
    """All of this message is signed, and `Q` is neither white space nor what was there in another case."""
    changed = SIGNED[:at] + b"Q" + SIGNED[at + 1 :]
    assert "pass" not in [each.result for each in verify(changed)] or changed == SIGNED


@given(at=st.integers(0, len(SIGNED) - 1), octet=st.sampled_from(b"\0\r\n\t :;=aA0\xff"))
def test_a_damaged_message_has_a_verdict(at: int, octet: int) -> None:
    for result in verify(SIGNED[:at] + bytes([octet]) + SIGNED[at + 1 :]):
        assert result.result in {"pass", "fail", "neutral", "permerror", "policy"}


@given(field=st.text(alphabet="vabhdsclitxq=;: \t\r\n/@.1+", max_size=80))
@example(field="v=1; a=rsa-sha256; d=a; s=b; h=from; bh=AAAA; b=AAAA; i==zz@a")
@example(field="v=1; a=rsa-sha256; d=\u00df" + "\u00df" * 62 + "; s=b; h=from; bh=AAAA; b=AAAA")
def test_any_field_has_a_verdict(field: str) -> None:
    folded = field.replace("\n", "\n ").encode()
    results = verify(b"DKIM-Signature: v=1; " + folded + b"\r\nDKIM-Signature:" + folded + b"\r\n" + MESSAGE)
    assert 1 <= len(results) <= 3


@given(record=st.one_of(st.binary(max_size=80), st.integers(0, len(KEY_OCTETS)).map(lambda at: KEY_OCTETS[:at] + b"A")))
def test_any_key_record_has_a_verdict(record: bytes) -> None:
    (result,) = verify(SIGNER.sign(), Zone({KEY: (record,)}))
    assert result.result in {"pass", "fail", "permerror", "policy"}


@given(octets=st.binary(max_size=200), at=st.integers(0, 200))
def test_any_der_has_a_verdict(octets: bytes, at: int) -> None:
    der = rsa_der(SIGNER.key)  # type: ignore[arg-type]
    record = b"p=" + b64encode(der[:at] + octets + der[at + 1 :])
    (result,) = verify(SIGNER.sign(), Zone({KEY: (record,)}))
    assert result.result in {"pass", "fail", "permerror", "policy"}


HOSTILE = {
    "spaces": b" " * 4_000_000,
    "spaces and x": (b" " * 1000 + b"x") * 4000,
    "tabs": b"\t " * 2_000_000,
    "empty lines": b"\r\n" * 2_000_000 + b"x",
    "blank lines": b" \r\n" * 1_500_000 + b"x",
    "carriage returns": b"\r" * 4_000_000,
    "one line": b"x" * 4_000_000,
}


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_body_is_read_in_one_pass(body: bytes) -> None:
    """What is quadratic here ends by the time-out of a test: it takes hours."""
    message = SIGNER.sign()
    both = Signer(key=ed25519_key(), algorithm="ed25519-sha256", selector="ed", body="simple")
    results = verify(both.signature(MESSAGE) + message + body, Zone(SIGNER.zone | both.zone))
    assert len(results) == 2


@pytest.mark.corpus
@pytest.mark.skipif(not GOLDENS, reason="the corpora are not here")
def test_no_mail_of_others_makes_it_raise() -> None:
    field = SIGNER.signature(MESSAGE)
    for path in (*GOLDENS, *BOUNCES, *OURS):
        message = path.read_bytes()
        verify(message)
        assert verify(field + message)[0].result in {"fail", "neutral"}, path
