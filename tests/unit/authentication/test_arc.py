"""ARC chains: those that are whole, and every way in which one is broken (RFC 8617 §5.2)."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from mailscribe.authentication.arc import verify_arc
from mailscribe.authentication.limits import LIMITS
from mailscribe.records.authentication import ArcResult
from support.arc_sealer import Sealer, chain
from support.corpora import BOUNCES, GOLDENS, OURS
from support.dkim_signer import MESSAGE, Signer, ed25519_key
from support.zone import Zone

NOW = datetime(2027, 1, 1, tzinfo=UTC)
T = int(NOW.timestamp())
ONE = Sealer()
TWO = Sealer(Signer(key=ed25519_key(), algorithm="ed25519-sha256", domain="two.example", names=("from", "subject")))
SIMPLE = Sealer(Signer(domain="three.example", header="simple", body="simple", names=("from", "to")))
ZONE = ONE.signer.zone | TWO.signer.zone | SIMPLE.signer.zone


def check(message: bytes, zone: Zone | None = None) -> ArcResult:
    return verify_arc(message, zone or Zone(ZONE), NOW)


def said(result: ArcResult) -> tuple[str, object]:
    return result.result, result.reason


def test_no_chain() -> None:
    zone = Zone()
    assert check(MESSAGE, zone) == check(b"", zone) == ArcResult(result="none")
    assert zone.asked == []


@pytest.mark.parametrize(
    ("sealers", "domains"),
    [
        ((ONE,), ("example.org",)),
        ((TWO,), ("two.example",)),
        ((ONE, TWO), ("example.org", "two.example")),
        ((SIMPLE, TWO, ONE), ("three.example", "two.example", "example.org")),
        ((ONE,) * 12, ("example.org",) * 12),
    ],
)
def test_whole_chains(sealers: tuple[Sealer, ...], domains: tuple[str, ...]) -> None:
    result = check(chain(*sealers))
    assert (result.result, result.reason, result.sealers) == ("pass", UNSET, domains)


@pytest.mark.parametrize("size", [1, 2, 3])
def test_all_signatures_right_is_oldest_pass_zero(size: int) -> None:
    assert check(chain(*[ONE] * size)).oldest_pass == 0


def test_a_change_on_the_way_ends_what_older_signatures_cover() -> None:
    """A list that adds a footer and seals anew: the chain passes, the oldest signature does not."""
    changed = chain(ONE, ONE) + b"-- \r\nthe list\r\n"
    assert said(check(changed))[0] == "fail"
    resealed = chain(TWO, TWO, message=changed)
    assert (check(resealed).result, check(resealed).oldest_pass) == ("pass", 3)
    expired = chain(replace(ONE, signature_tags=(("x", str(T - 3600)),)), ONE, ONE)
    assert (check(expired).result, check(expired).oldest_pass) == ("pass", 2)


@pytest.mark.parametrize("step", [-1, 0, 1])
def test_message_signatures_that_are_looked_at(step: int) -> None:
    """Beyond the limit nothing is known: the oldest that was looked at is given."""
    result = check(chain(*[ONE] * (LIMITS.signatures + step)))
    assert (result.result, result.oldest_pass) == ("pass", 2 if step > 0 else 0)


@pytest.mark.parametrize("step", [-1, 0, 1])
def test_sets(step: int) -> None:
    result = check(chain(*[ONE] * (LIMITS.arc_sets + step)))
    assert said(result) == (("fail", "an instance is not from 1 to 50") if step > 0 else ("pass", UNSET))


def test_each_key_is_asked_for_once() -> None:
    zone = Zone(ZONE)
    assert check(chain(ONE, ONE, TWO), zone).result == "pass"
    assert sorted(zone.asked) == sorted([*ONE.signer.zone, *TWO.signer.zone])


HEADER = "the header is not what was signed, or the key is another"
SEALED = "not what was sealed, or the key is another"
CHANGES: list[tuple[bytes, bytes, str]] = [
    (b"last", b"lost", "message signature 2: the body is not what was signed"),
    (b"joe@", b"eve@", f"message signature 2: {HEADER}"),
    (b"i=1; mx.example.org; spf=pass", b"i=1; mx.example.org; spf=fail", f"seal 2: {SEALED}"),
    (b"i=2; mx.example.org; spf=pass", b"i=2; mx.example.org; spf=fail", f"seal 2: {SEALED}"),
    (b"ARC-Authentication-Results: i=2;", b"X: i=2;", "set 2 has no field ARC-Authentication-Results"),
    (b"ARC-Authentication-Results: i=1;", b"X: i=1;", "set 1 has no field ARC-Authentication-Results"),
    (b"ARC-Authentication-Results: i=2;", b"ARC-Authentication-Results: i=1;", "set 1 has two fields"),
    (b"ARC-Authentication-Results: i=2;", b"ARC-Authentication-Results: i=3;", "set 2 has no field"),
    (b"ARC-Authentication-Results: i=2;", b"ARC-Authentication-Results: i=0;", "an instance is not from 1 to 50"),
    (b"ARC-Authentication-Results: i=2;", b"ARC-Authentication-Results: i=51;", "an instance is not from 1 to 50"),
    (b"ARC-Authentication-Results: i=2;", b"ARC-Authentication-Results: two;", "an instance is not from 1 to 50"),
    (b"ARC-Seal: i=2;", b"ARC-Seal: j=2;", "an instance is not from 1 to 50"),
    (b"ARC-Seal: i=2;", b"ARC-Seal: i=2; i=2;", "a field ARC-Seal is invalid: the tag i= stands twice"),
    (b"ARC-Seal: i=2;", b"ARC-Seal: i=two;", "a field ARC-Seal is invalid: the tag i= is not a number"),
    (b"ARC-Seal: i=2;", b"X-Seal: i=2;", "set 2 has no field ARC-Seal"),
    (b"ARC-Seal: i=2;", b"ARC-Seal: i=2; h=from;", "seal 2 has a tag h="),
    (b"ARC-Seal: i=2; a=rsa-sha256", b"ARC-Seal: i=2; a=rsa-sha1", "seal 2: rsa-sha1 must not be believed any more"),
    (b"ARC-Seal: i=2; a=rsa-sha256", b"ARC-Seal: i=2; a=rsa-md5", "seal 2: a= is unknown"),
    (b"ARC-Seal: i=2; a=rsa-sha256", b"ARC-Seal: i=2", "seal 2: no tag a="),
    (b"cv=pass", b"cv=none", "seal 2 does not say cv=pass"),
    (b"cv=none", b"cv=pass", "seal 1 does not say cv=none"),
    (b"cv=pass", b"cv=fail", "the newest seal says that the chain had failed"),
]


@pytest.mark.parametrize(("old", "new", "reason"), CHANGES, ids=range(len(CHANGES)))
def test_a_chain_that_was_changed(old: bytes, new: bytes, reason: str) -> None:
    message = chain(ONE, ONE)
    assert message.count(old) == 1
    result = check(message.replace(old, new))
    assert result.result == "fail"
    assert str(result.reason).startswith(reason)
    assert result.oldest_pass is UNSET


MADE: list[tuple[tuple[Sealer, ...], str]] = [
    ((ONE, replace(ONE, cv="fail")), "the newest seal says that the chain had failed"),
    ((replace(ONE, cv="pass"),), "seal 1 does not say cv=none"),
    ((ONE, replace(ONE, cv="none")), "seal 2 does not say cv=pass"),
    ((ONE, replace(ONE, cv="fail"), ONE), "seal 2 does not say cv=pass"),
    ((replace(ONE, seal_tags=(("cv", None),)),), "seal 1 does not say cv=none"),
    ((replace(ONE, seal_tags=(("d", "other.example"),)),), "seal 1: no key"),
    ((replace(ONE, seal_tags=(("d", None),)),), "seal 1: no tag d="),
    ((replace(ONE, seal_tags=(("s", "-"),)),), "seal 1: the tag s= is no domain name"),
    ((replace(ONE, seal_tags=(("b", "AAAA"),)), ONE), "a field ARC-Seal is invalid: the tag b= stands twice"),
    ((replace(ONE, signature_tags=(("h", "subject"),)),), "message signature 1: From is not signed"),
    ((replace(ONE, signature_tags=(("h", "from:arc-seal"),)),), "message signature 1: it signs seals"),
    ((replace(ONE, signature_tags=(("bh", None),)),), "message signature 1: no tag bh="),
    ((replace(ONE, signature_tags=(("d", "no.example"),)),), "message signature 1: no key"),
    ((replace(ONE, signature_tags=(("t", str(T + 3600)),)),), "message signature 1: signed in the future (t=)"),
    ((replace(ONE, signature_tags=(("x", str(T - 3600)),)),), "message signature 1: expired (x=)"),
    ((replace(ONE, signature_tags=(("l", "2"),)),), ""),
]


@pytest.mark.parametrize(("sealers", "reason"), MADE, ids=range(len(MADE)))
def test_a_chain_that_was_made_wrong(sealers: tuple[Sealer, ...], reason: str) -> None:
    result = check(chain(*sealers))
    assert said(result) == (("fail", reason) if reason else ("pass", UNSET))


def test_a_seal_without_value() -> None:
    message = chain(ONE)
    start, end = message.index(b" b="), message.index(b"\r\n")
    assert said(check(message[:start] + message[end:])) == ("fail", "seal 1: no tag b=")


@pytest.mark.parametrize("sealer", [ONE, TWO])
def test_no_answer_is_no_verdict(sealer: Sealer) -> None:
    """Whichever key it is, of a signature or of a seal alone."""
    (name,) = sealer.signer.zone
    result = check(chain(ONE, TWO), Zone(ZONE, broken=frozenset({name})))
    assert result.result == "temperror"
    assert result.sealers == ("example.org", "two.example")


def test_a_header_beyond_the_limits_is_a_failure() -> None:
    message = b"X: y\r\n" * LIMITS.fields + chain(ONE)
    assert check(message).result == "none"
    assert said(check(chain(ONE, message=b"X: y\r\n" * LIMITS.fields + MESSAGE))) == (
        "fail",
        "the header is beyond the limits",
    )


SEALED_MESSAGE = chain(ONE, TWO)


@given(at=st.integers(0, len(SEALED_MESSAGE) - 1))
def test_no_chain_passes_with_another_octet_in_it(at: int) -> None:
    """But for octets that no signature of it covers."""
    changed = SEALED_MESSAGE[:at] + b"Q" + SEALED_MESSAGE[at + 1 :]
    free = range(SEALED_MESSAGE.index(b"Received:"), SEALED_MESSAGE.index(b"From:"))
    date = range(SEALED_MESSAGE.index(b"Date:"), SEALED_MESSAGE.index(b"\r\n\r\n") - 1)
    to = range(SEALED_MESSAGE.index(b"To :"), SEALED_MESSAGE.index(b"Subject:") - 1)
    if changed != SEALED_MESSAGE and not any(at in each for each in (free, date, to)):
        assert check(changed).result != "pass"


@given(at=st.integers(0, len(SEALED_MESSAGE) - 1), octet=st.sampled_from(b"\0\r\n\t :;=aA0\xff"))
def test_a_damaged_chain_has_a_verdict(at: int, octet: int) -> None:
    changed = SEALED_MESSAGE[:at] + bytes([octet]) + SEALED_MESSAGE[at + 1 :]
    assert check(changed).result in {"none", "pass", "fail"}


@pytest.mark.corpus
@pytest.mark.skipif(not GOLDENS, reason="the corpora are not here")
def test_no_mail_of_others_makes_it_raise() -> None:
    header = chain(ONE).partition(b"Received:")[0]
    for path in (*GOLDENS, *BOUNCES, *OURS):
        message = path.read_bytes()
        check(message)
        assert check(header + message).result in {"fail", "none"}, path
