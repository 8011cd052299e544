"""DKIM verdicts: every algorithm and form that is right, and every way to be wrong, with its verdict and reason."""

from base64 import b64encode
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from msgspec import UNSET

from mailscribe.authentication.dkim import verify_dkim
from mailscribe.records.authentication import DkimResult
from support.dkim_signer import MESSAGE, NAMES, Form, Signer, ed25519_key, record_of, rsa_der, rsa_key
from support.zone import Zone

NOW = datetime(2027, 1, 1, tzinfo=UTC)
T = int(NOW.timestamp())
RSA = Signer()
ED = Signer(key=ed25519_key(), algorithm="ed25519-sha256", selector="ed")
KEY = "sel._domainkey.example.org"


def check(message: bytes, zone: Zone | None = None) -> DkimResult:
    (result,) = verify_dkim(message, zone or Zone(RSA.zone | ED.zone), NOW)
    return result


def said(result: DkimResult) -> tuple[str, object]:
    return result.result, result.reason


@pytest.mark.parametrize("signer", [RSA, ED], ids=["rsa", "ed25519"])
@pytest.mark.parametrize("header", ["simple", "relaxed"])
@pytest.mark.parametrize("body", ["simple", "relaxed"])
def test_every_algorithm_and_form(signer: Signer, header: Form, body: Form) -> None:
    result = check(replace(signer, header=header, body=body).sign())
    assert said(result) == ("pass", UNSET)
    assert (result.domain, result.selector) == ("example.org", signer.selector)
    assert (result.algorithm, result.canonicalization) == (signer.algorithm, f"{header}/{body}")
    assert result.signed_headers == NAMES
    assert result.key_bits == (1024 if signer is RSA else 256)


@pytest.mark.parametrize("header", ["simple", "relaxed"])
@pytest.mark.parametrize("body", ["simple", "relaxed"])
@pytest.mark.parametrize(
    "content", [b"", b"\r\n", b" \r\n", b"\r\n\r\n", b"no line end", b"a\r\n\r\n", b"\r", b"a \rb\r\r\n"]
)
def test_bodies_at_the_edge(header: Form, body: Form, content: bytes) -> None:
    head = MESSAGE.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
    assert said(check(replace(RSA, header=header, body=body).sign(head + content))) == ("pass", UNSET)


def test_a_message_without_body_or_empty_line() -> None:
    head = MESSAGE.partition(b"\r\n\r\n")[0]
    assert check(RSA.sign(head + b"\r\n\r\n")[:-2]).result == "pass"
    assert check(RSA.sign(head + b"\r\n\r\n")[:-4]).result == "pass"


@pytest.mark.parametrize("body", ["simple", "relaxed"])
def test_lines_that_end_with_lf_are_those_of_the_wire(body: Form) -> None:
    message = replace(RSA, header="simple", body=body).sign()
    assert check(message.replace(b"\r\n", b"\n")).result == "pass"
    at = len(message) - 10
    assert check(message[:at] + message[at:].replace(b"\r\n", b"\n")).result == "pass"


def test_what_the_forms_forgive() -> None:
    relaxed = RSA.sign()
    folded = relaxed.replace(b"Subject: one \t two\r\n  three", b"SUBJECT:one\r\n two three\t")
    assert check(folded.replace(b"Hi  there \t\r\n", b"Hi\tthere\r\n")).result == "pass"
    simple = replace(RSA, header="simple", body="simple").sign()
    assert check(simple + b"\r\n\r\n").result == "pass"
    assert check(simple.replace(b"Subject: one", b"Subject:  one")).result == "fail"
    assert check(simple.replace(b"Hi  there", b"Hi there")).result == "fail"


BODY_WRONG = ("fail", "the body is not what was signed")
HEADER_WRONG = ("fail", "the header is not what was signed, or the key is another")


@pytest.mark.parametrize(
    ("old", "new", "verdict"),
    [
        (b"last", b"lost", BODY_WRONG),
        (b"sue@", b"bob@", HEADER_WRONG),
        (b"s=sel;", b"s=sel; z=;", HEADER_WRONG),
        (b"Date:", b"Cc: added@example.org\r\nDate:", HEADER_WRONG),
        (b"Date:", b"From: other@example.org\r\nDate:", HEADER_WRONG),
        (b"Date:", b"X-Not-Signed: y\r\nDate:", ("pass", UNSET)),
    ],
)
def test_what_was_changed_afterwards(old: bytes, new: bytes, verdict: tuple[str, object]) -> None:
    assert said(check(RSA.sign().replace(old, new))) == verdict


def test_a_repeated_field_is_taken_from_the_bottom() -> None:
    message = b"X: upper\r\nX: lower\r\n" + MESSAGE
    once = replace(RSA, names=("from", "x")).sign(message)
    assert check(once.replace(b"upper", b"other")).result == "pass"
    assert check(once.replace(b"lower", b"other")).result == "fail"
    both = replace(RSA, names=("from", "x", "x")).sign(message)
    assert check(both).result == "pass"
    assert check(both.replace(b"X: upper\r\nX: lower", b"X: lower\r\nX: upper")).result == "fail"
    never = replace(RSA, names=("from", "x", "x", "x"))
    assert check(never.sign(message)).result == "pass"
    assert check(b"X: third\r\n" + never.sign(message)).result == "fail"


def test_signatures_over_signatures() -> None:
    """A later signature may cover an earlier one, never itself."""
    inner = ED.sign()
    outer = replace(RSA, names=("from", "dkim-signature", "dkim-signature")).sign(inner)
    results = verify_dkim(outer, Zone(RSA.zone | ED.zone), NOW)
    assert [(each.result, each.selector) for each in results] == [("pass", "sel"), ("pass", "ed")]


TAGS: list[tuple[dict[str, str | None], str, object]] = [
    ({"v": None}, "neutral", "v= is not 1"),
    ({"v": "2"}, "neutral", "v= is not 1"),
    ({"a": None}, "neutral", "no tag a="),
    ({"a": ""}, "neutral", "the tag a= is empty"),
    ({"a": "rsa-md5"}, "neutral", "a= is unknown"),
    ({"bh": None}, "neutral", "no tag bh="),
    ({"bh": "!!!!"}, "neutral", "the tag bh= is not base64"),
    ({"bh": ""}, "neutral", "b= or bh= is empty"),
    ({"bh": "AAAA"}, *BODY_WRONG),
    ({"c": "nofws/simple"}, "neutral", "c= is unknown"),
    ({"c": "simple/"}, *BODY_WRONG),
    ({"d": None}, "neutral", "no tag d="),
    ({"d": "-.org"}, "neutral", "the tag d= is no domain name"),
    ({"s": None}, "neutral", "no tag s="),
    ({"s": "a..b"}, "neutral", "the tag s= is no domain name"),
    ({"h": None}, "neutral", "no tag h="),
    ({"h": "from::to"}, "neutral", "h= is not a list of field names"),
    ({"h": "to:subject"}, "permerror", "From is not signed"),
    ({"i": "joe@mail.example.org"}, "pass", UNSET),
    ({"i": "=40@example.org"}, "pass", UNSET),
    ({"i": "joe@example.com"}, "permerror", "i= is not within d="),
    ({"i": "joe@ample.org"}, "permerror", "i= is not within d="),
    ({"i": "joe"}, "neutral", "the tag i= is no address"),
    ({"l": "4"}, "pass", "20 octets of the body are not covered (l=)"),
    ({"l": "0"}, "pass", "24 octets of the body are not covered (l=)"),
    ({"l": "24"}, "pass", UNSET),
    ({"l": "25"}, "permerror", "l= is more than the body has"),
    ({"l": "9" * 76}, "permerror", "l= is more than the body has"),
    ({"l": "9" * 77}, "neutral", "the tag l= is not a number"),
    ({"l": "-1"}, "neutral", "the tag l= is not a number"),
    ({"q": "dns/txt"}, "pass", UNSET),
    ({"q": "http : dns/txt"}, "pass", UNSET),
    ({"q": "http"}, "neutral", "q= has no known way to the key"),
    ({"t": str(T)}, "pass", UNSET),
    ({"t": str(T + 299)}, "pass", UNSET),
    ({"t": str(T + 300)}, "pass", UNSET),
    ({"t": str(T + 301)}, "policy", "signed in the future (t=)"),
    ({"t": "9" * 30}, "policy", "signed in the future (t=)"),
    ({"t": "soon"}, "neutral", "the tag t= is not a number"),
    ({"x": str(T - 299)}, "pass", UNSET),
    ({"x": str(T - 300)}, "pass", UNSET),
    ({"x": str(T - 301)}, "policy", "expired (x=)"),
    ({"x": "9" * 40}, "pass", UNSET),
    ({"t": str(T), "x": str(T + 1)}, "pass", UNSET),
    ({"t": str(T), "x": str(T)}, "neutral", "x= is not after t="),
    ({"z": "From:joe=40example.org|To:x"}, "pass", UNSET),
    ({"r": "y", "unknown_1": "whatever"}, "pass", UNSET),
    ({"y": "1;y=2"}, "neutral", "the tag y= stands twice"),
    ({"y": "1;;z=2"}, "neutral", "a tag without ="),
    ({"y": "1;9=2"}, "neutral", "a tag without a name"),
    ({"y": "\0"}, "neutral", "a control character"),
]


@pytest.mark.parametrize(("tags", "verdict", "reason"), TAGS, ids=[repr(tags)[:40] for tags, _, _ in TAGS])
def test_tags_of_a_signature(tags: dict[str, str | None], verdict: str, reason: object) -> None:
    assert said(check(RSA.with_tags(**tags).sign())) == (verdict, reason)


def test_what_the_length_covers_is_recorded() -> None:
    message = RSA.with_tags(l="4").sign()
    result = check(message + b"and more\r\n")
    assert (result.result, result.body_length) == ("pass", 4)
    assert result.reason == "36 octets of the body are not covered (l=)"
    assert check(message.replace(b"Hi  there", b"Ho  there")).result == "fail"


def test_rsa_sha1_is_not_believed() -> None:
    assert said(check(replace(RSA, algorithm="rsa-sha1").sign())) == (
        "permerror",
        "rsa-sha1 must not be believed any more",
    )


def test_no_value_is_no_signature() -> None:
    message = RSA.sign()
    start = message.index(b" b=") + 3
    assert said(check(message[:start] + message[message.index(b"\r\nReceived") :])) == ("neutral", "b= or bh= is empty")


PUBLIC = b64encode(rsa_der(rsa_key()))
EC = b64encode(
    ec.derive_private_key(7, ec.SECP256R1()).public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
)
KEYS: list[tuple[bytes, str, object]] = [
    (b"p=" + PUBLIC, "pass", UNSET),
    (b"p=" + PUBLIC + b";", "pass", UNSET),
    (b"v=DKIM1; p=" + PUBLIC[:50] + b" \t" + PUBLIC[50:], "pass", UNSET),
    (b"v=DKIM1; n=a note; x=unknown; p=" + PUBLIC, "pass", UNSET),
    (b"k=rsa; p=" + b64encode(rsa_der(rsa_key(), PublicFormat.PKCS1)), "pass", UNSET),
    (b"v=DKIM1; p=", "permerror", "the key is revoked"),
    (b"p= ;", "permerror", "the key is revoked"),
    (b"v=DKIM2; p=" + PUBLIC, "permerror", "the key record is invalid: v= is not DKIM1, or not first"),
    (b"p=" + PUBLIC + b"; v=DKIM1", "permerror", "the key record is invalid: v= is not DKIM1, or not first"),
    (b"v=DKIM1; p=*", "permerror", "the key record is invalid: the tag p= is not base64"),
    (b"v=DKIM1; p=AAAA; p=AAAA", "permerror", "the key record is invalid: the tag p= stands twice"),
    (b"v=DKIM1; p=AAAA", "permerror", "the key cannot be read"),
    (b"p=" + EC, "permerror", "the key is not an RSA key"),
    (b"k=dsa; p=" + PUBLIC, "permerror", "the key is of an unknown kind"),
    (b"k=ed25519; p=" + PUBLIC, "permerror", "the key cannot be read"),
    (record_of(ed25519_key()), "permerror", "the key is for ed25519"),
    (record_of(rsa_key(1025)), *HEADER_WRONG),
    (b"h=sha256; p=" + PUBLIC, "pass", UNSET),
    (b"h=sha1 : sha256; p=" + PUBLIC, "pass", UNSET),
    (b"h=sha1; p=" + PUBLIC, "permerror", "the key is not for sha256"),
    (b"s=*; p=" + PUBLIC, "pass", UNSET),
    (b"s=tlsrpt : email; p=" + PUBLIC, "pass", UNSET),
    (b"s=tlsrpt; p=" + PUBLIC, "permerror", "the key is not for mail"),
    (b"t=y; p=" + PUBLIC, "pass", "the key is published for testing (t=y)"),
    (b"t=s; p=" + PUBLIC, "pass", UNSET),
    (b"t=new; p=" + PUBLIC, "pass", UNSET),
    (b"v=spf1 -all", "permerror", "no key record"),
]


@pytest.mark.parametrize(("record", "verdict", "reason"), KEYS)
def test_key_records(record: bytes, verdict: str, reason: object) -> None:
    assert said(check(RSA.sign(), Zone({KEY: (record,)}))) == (verdict, reason)


def test_no_key_and_no_answer() -> None:
    assert said(check(RSA.sign(), Zone())) == ("permerror", "no key")
    assert said(check(RSA.sign(), Zone(broken=frozenset({KEY})))) == ("temperror", "no answer from the DNS for the key")


def test_a_strict_key_wants_the_very_domain() -> None:
    zone = Zone({KEY: (b"t=y:s; p=" + PUBLIC,)})
    assert said(check(RSA.with_tags(i="@example.org").sign(), zone))[0] == "pass"
    below = RSA.with_tags(i="joe@mail.example.org").sign()
    assert said(check(below, zone)) == ("permerror", "i= is below d=, which the key forbids (t=s)")


def test_a_key_among_other_records() -> None:
    assert check(RSA.sign(), Zone({KEY: (b"v=spf1 -all", record_of(rsa_key()))})).result == "pass"


def test_names_beyond_ascii_are_asked_for_in_a_labels() -> None:
    zone = Zone({"s\u00e9l._domainkey.ex\u00e4mple.org".encode("idna").decode(): (record_of(rsa_key()),)})
    result = check(replace(RSA, domain="Ex\u00e4mple.org", selector="s\u00e9l").sign(), zone)
    assert (result.result, result.domain) == ("pass", "Ex\u00e4mple.org")


def test_each_key_is_asked_for_once() -> None:
    zone = Zone(RSA.zone)
    message = RSA.sign()
    signature = message[: message.index(b"Received")]
    assert [each.result for each in verify_dkim(signature * 2 + message, zone, NOW)] == ["pass"] * 3
    assert zone.asked == [KEY]


def test_a_message_without_signature_has_no_result_and_asks_nothing() -> None:
    zone = Zone()
    assert verify_dkim(MESSAGE, zone, NOW) == verify_dkim(b"", zone, NOW) == ()
    assert zone.asked == []


def test_the_time_is_that_of_the_caller() -> None:
    message = RSA.with_tags(t=str(T), x=str(T + 60)).sign()
    zone = Zone(RSA.zone)
    ages = [timedelta(days=-1), timedelta(0), timedelta(days=1)]
    found = [verify_dkim(message, zone, NOW + age)[0].result for age in ages]
    assert found == ["policy", "pass", "policy"]
