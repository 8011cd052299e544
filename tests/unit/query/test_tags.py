"""Tags: one token each, equal for what is equal, prefixes of one another where the values are."""

import unicodedata
from ipaddress import ip_address, ip_network

import apsw
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailscribe.query.tags import (
    EVERY,
    LABELS,
    LONGEST,
    address_tags,
    domain_tags,
    ip_prefixes,
    ip_tag,
    tag,
    tag_prefix,
    word_tags,
)
from mailscribe.query.words import tokens
from mailscribe.records.mailbox import LABEL_OCTETS, canonical_domain


def readable(token: str) -> str:
    return "".join(chr(ord(char) - 0xE000) if "\ue000" <= char <= "\ue07f" else char for char in token)


def sqlite_tokens(text: str) -> list[str]:
    tokenize = apsw.Connection(":memory:").fts5_tokenizer("unicode61", [])
    found = tokenize(text.encode("utf-8"), apsw.FTS5_TOKENIZE_DOCUMENT, None, include_offsets=False)
    return [str(token) for group in found for token in group]


@given(st.text(max_size=400))
def test_a_tag_is_one_token_whatever_it_holds_under_the_stock_tokenizer(value: str) -> None:
    token = tag("message-id", value)
    assert sqlite_tokens(f"{EVERY} {token} {EVERY}") == [EVERY, token, EVERY]


@given(st.text(max_size=50), st.text(max_size=50))
def test_tags_are_equal_when_values_are_but_for_case(left: str, right: str) -> None:
    assert tag("x", left) == tag("x", left.casefold())
    if left.casefold() != right.casefold() and left.isascii():
        assert tag("x", left) != tag("x", right)


@given(st.text(st.characters(max_codepoint=0x2FF), max_size=20), st.integers(0, 20))
def test_a_prefix_of_a_value_is_a_prefix_of_the_tag(value: str, size: int) -> None:
    folded = unicodedata.normalize("NFC", value.casefold())  # no prefix ends before a mark that joins its letter
    assert tag("x", folded).startswith(tag_prefix("x", folded[:size]))


@pytest.mark.parametrize("spare", [-1, 0, 1])
def test_a_long_tag_is_hashed(spare: int) -> None:
    value = "a" * (LONGEST - len("x:") + spare)
    assert ("\ue0fd" in tag("x", value)) == (spare > 0)
    assert tag("x", value + "b") != tag("x", value + "c")
    assert sqlite_tokens(tag("x", value)) == [tag("x", value)]


@pytest.mark.parametrize(
    ("email", "tags"),
    [
        (
            "A.b@Mail.X",
            ["f:a.b@mail.x", "f.local:a.b", "f.domain:mail.x", "f.under:mail.x", "f.under:x"],
        ),
        ("", ["f:<>"]),
        ("postmaster", ["f:postmaster", "f.local:postmaster"]),
        ("@x.org", ["f:@x.org", "f.domain:x.org", "f.under:x.org", "f.under:org"]),
        ("a@", ["f:a@", "f.local:a"]),
        ('"a@b"@x', ['f:"a@b"@x', 'f.local:"a@b"', "f.domain:x", "f.under:x"]),
        ("a@x.", ["f:a@x", "f.local:a", "f.domain:x", "f.under:x"]),
    ],
)  # fmt: skip
def test_an_address_is_found_by(email: str, tags: list[str]) -> None:
    assert [readable(token) for token in address_tags("f", email)] == tags


def test_a_display_name_is_found_by_its_words_in_order() -> None:
    assert [readable(token) for token in word_tags("f.name", "Zoë O'Neil")] == ["f.name:zoe", "f.name:o", "f.name:neil"]


@pytest.mark.parametrize(
    ("domain", "expected"),
    [
        ("XN--MNCHEN-3YA.de", "münchen.de"),
        ("MÜNCHEN.de.", "münchen.de"),
        ("xn--\u00e9.de", "xn--é.de"),
        ("xn--99999999.de", "xn--99999999.de"),
        ("", ""),
        ("[192.0.2.1]", "[192.0.2.1]"),
    ],
)
def test_a_domain_is_spelled(domain: str, expected: str) -> None:
    assert canonical_domain(domain) == expected


@pytest.mark.parametrize("spare", [0, 1])
def test_punycode_is_undone_up_to_the_longest_label(spare: int) -> None:
    label = "xn--" + "a" * (LABEL_OCTETS - len("xn---3ya") + spare) + "-3ya"
    assert (canonical_domain(label) == label) == bool(spare)


@pytest.mark.parametrize("labels", [LABELS - 1, LABELS, LABELS + 1])
def test_parent_domains_are_bounded(labels: int) -> None:
    tags = list(domain_tags("f", ".".join("a" * labels)))
    assert len(tags) == 1 + min(labels, LABELS)


@given(st.ip_addresses(), st.integers(0, 128))
def test_a_network_is_its_prefixes(address: object, length: int) -> None:
    one = ip_address(str(address))
    network = ip_network(f"{one}/{min(length, one.max_prefixlen)}", strict=False)
    prefixes = list(ip_prefixes(network))
    assert 1 <= len(prefixes) <= 8
    for inside in (one, network[0], network[-1]):
        token = ip_tag(str(inside))
        if token is not None and (inside.version == 4 or inside.ipv4_mapped is None):
            assert sum(token.startswith(prefix) for prefix in prefixes) == 1
    outside = ip_address(int(network[-1]) + 1) if int(network[-1]) + 1 < 1 << network.max_prefixlen else None
    if outside is not None and outside.version == network.version:
        token = ip_tag(str(outside)) or ""
        assert not any(token.startswith(prefix) for prefix in prefixes)


def test_an_address_of_a_client_is_plain() -> None:
    assert ip_tag("::ffff:192.0.2.1") == ip_tag("192.0.2.1")
    assert ip_tag("fe80::1%eth0") == ip_tag("fe80::1")
    assert ip_tag("unix:/socket") is None


@given(st.text(max_size=30))
def test_the_tag_of_a_word_is_spelled_as_any_other(text: str) -> None:
    assert word_tags("f.name", text) == tuple(tag_prefix("f.name", word) for word in tokens(text))


@pytest.mark.parametrize("spare", [-1, 0, 1])
def test_words_are_told_apart_by_their_first_characters(spare: int) -> None:
    word = "w" * (LONGEST - len("f:") + spare)
    assert len(word_tags("f", word)[0]) == LONGEST + min(spare, 0)
    assert (word_tags("f", word) == word_tags("f", word + "x")) is (spare >= 0)
