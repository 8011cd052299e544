"""AUTH exchanges: challenges, responses, credentials (RFC 4954, RFC 4616)."""

from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailscribe.smtp.reply import Refused, ReplyName
from mailscribe.smtp.sasl import MAX_USER, MECHANISMS, Challenge, Credentials, SaslExchange


def encoded(data: bytes) -> str:
    return b64encode(data).decode()


def refusal(mechanism: str, initial: str | None, *lines: bytes) -> ReplyName | None:
    with pytest.raises(Refused) as raised:
        speak(mechanism, initial, *lines)
    return raised.value.name


def speak(mechanism: str, initial: str | None, *lines: bytes) -> Challenge | Credentials:
    exchange = SaslExchange(mechanism)
    found = exchange.begin(initial)
    for line in lines:
        if isinstance(found, Credentials):
            break
        found = exchange.respond(line)
    return found


@pytest.mark.parametrize("authzid", [b"", b"mable"])
def test_plain(authzid: bytes) -> None:
    response = authzid + b"\0mable\0open sesame"
    assert SaslExchange("plain").begin(encoded(response)) == Credentials("PLAIN", "mable", b"open sesame")
    exchange = SaslExchange("PLAIN")
    assert exchange.begin(None) == Challenge("")
    assert exchange.respond(b64encode(response)) == Credentials("PLAIN", "mable", b"open sesame")


def test_login() -> None:
    exchange = SaslExchange("LOGIN")
    assert exchange.begin(None) == Challenge("VXNlcm5hbWU6")
    assert exchange.respond(b64encode("mäble".encode())) == Challenge("UGFzc3dvcmQ6")
    assert exchange.respond(b64encode(b"\xff\0")) == Credentials("LOGIN", "mäble", b"\xff\0")
    exchange = SaslExchange("login")
    assert exchange.begin(encoded(b"mable")) == Challenge("UGFzc3dvcmQ6")
    assert exchange.respond(b64encode(b"x")) == Credentials("LOGIN", "mable", b"x")


@pytest.mark.parametrize(
    ("mechanism", "initial", "lines", "name"),
    [
        ("CRAM-MD5", None, (), ReplyName.AUTH_MECHANISM),
        ("", None, (), ReplyName.AUTH_MECHANISM),
        ("PLAIN", "!", (), ReplyName.AUTH_BASE64),
        ("PLAIN", "AG1hYmxlAHg", (), ReplyName.AUTH_BASE64),
        ("PLAIN", "=", (), ReplyName.AUTH_BASE64),
        ("PLAIN", encoded(b"mable\0x"), (), ReplyName.AUTH_BASE64),
        ("PLAIN", encoded(b"\0mable\0x\0y"), (), ReplyName.AUTH_BASE64),
        ("PLAIN", encoded(b"bob\0mable\0x"), (), ReplyName.AUTH_REJECTED),
        ("PLAIN", encoded(b"\0\0x"), (), ReplyName.AUTH_REJECTED),
        ("PLAIN", encoded(b"\0mable\0"), (), ReplyName.AUTH_REJECTED),
        ("PLAIN", encoded(b"\0m\nx\0x"), (), ReplyName.AUTH_REJECTED),
        ("PLAIN", encoded(b"\0\xff\0x"), (), ReplyName.AUTH_REJECTED),
        ("PLAIN", encoded(b"\0" + b"u" * (MAX_USER + 1) + b"\0x"), (), ReplyName.AUTH_REJECTED),
        ("PLAIN", None, (b"*",), ReplyName.AUTH_CANCELLED),
        ("PLAIN", None, (b"a b",), ReplyName.AUTH_BASE64),
        ("LOGIN", None, (b"*",), ReplyName.AUTH_CANCELLED),
        ("LOGIN", None, (b"bWFibGU=", b"*"), ReplyName.AUTH_CANCELLED),
        ("LOGIN", None, (b"bWFibGU=", b""), ReplyName.AUTH_REJECTED),
        ("LOGIN", "=", (b"eA==",), ReplyName.AUTH_REJECTED),
        ("LOGIN", "bWFibGU", (), ReplyName.AUTH_BASE64),
    ],
)
def test_refused(mechanism: str, initial: str | None, lines: tuple[bytes, ...], name: ReplyName) -> None:
    assert refusal(mechanism, initial, *lines) is name


@given(st.sampled_from(sorted(MECHANISMS)), st.none() | st.text(max_size=40), st.lists(st.binary(max_size=60)))
def test_anything_is_a_challenge_credentials_or_refused(
    mechanism: str, initial: str | None, lines: list[bytes]
) -> None:
    try:
        found = speak(mechanism, initial, *lines)
    except Refused as refused:
        codes = {refused.rule.code}
    else:
        codes = {334 if isinstance(found, Challenge) else 235}
        assert isinstance(found, Challenge) or (found.user and found.secret)
    assert codes <= {501, 535, 334, 235}


@given(st.binary(min_size=1, max_size=40).filter(lambda secret: b"\0" not in secret))
def test_no_representation_has_the_secret(secret: bytes) -> None:
    found = SaslExchange("PLAIN").begin(encoded(b"\0mable\0" + secret))
    assert isinstance(found, Credentials)
    assert (found.secret, repr(found)) == (secret, "Credentials(PLAIN)")
