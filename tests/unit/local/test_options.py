"""The options of `mailscribe up`."""

import pytest

from mailscribe.errors import ConfigError
from mailscribe_local.stack.options import FIXED_TOKEN, Address, choose_token, parse_address


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:1025", Address("127.0.0.1", 1025)),
        (":0", Address("127.0.0.1", 0)),
        ("[::1]:25", Address("::1", 25)),
        ("localhost:65535", Address("localhost", 65_535)),
    ],
)
def test_addresses(text: str, address: Address) -> None:
    assert parse_address("--smtp", text) == address


@pytest.mark.parametrize("text", ["", "1025", "localhost", "host:", "host:x", "host:65536", "host:-1", "host:١"])
def test_no_addresses(text: str) -> None:
    with pytest.raises(ConfigError, match="--smtp"):
        parse_address("--smtp", text)


def test_an_address_prints_as_it_is_typed() -> None:
    assert str(Address("::1", 25)) == "[::1]:25"
    assert str(Address("127.0.0.1", 25)) == "127.0.0.1:25"


@pytest.mark.parametrize(
    ("host", "loopback"),
    [("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("a.b", False)],  # noqa: S104
)
def test_loopback(host: str, loopback: bool) -> None:
    assert Address(host, 0).is_loopback is loopback


def test_the_fixed_token_is_for_loopback_only() -> None:
    assert choose_token(None, Address("127.0.0.1", 0)) == FIXED_TOKEN
    made = choose_token(None, Address("192.0.2.1", 0))
    assert made.startswith("ms_")
    assert made != choose_token(None, Address("192.0.2.1", 0))
    with pytest.raises(ConfigError, match="other machines"):
        choose_token(FIXED_TOKEN, Address("192.0.2.1", 0))
    assert choose_token("x" * 20, Address("192.0.2.1", 0)) == "x" * 20


@pytest.mark.parametrize("token", ["", "a b", "ä", "a\n", "it's", "a=b", "x" * 257])
def test_tokens_that_cannot_be_sent_in_a_header(token: str) -> None:
    with pytest.raises(ConfigError, match="--token"):
        choose_token(token, Address("127.0.0.1", 0))
