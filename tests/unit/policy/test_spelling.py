"""An address, a domain and a name are the same however they are spelled, and nothing else is taken for them."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailscribe.policy import Mailbox, Standing, Verified
from mailscribe.policy.directory_file import read_directory
from mailscribe.policy.pattern import AddressPattern
from mailscribe.policy.spelling import plain_domain


def test_spelling_does_not_count() -> None:
    text = "domains: {bücher.test: }\nmailboxes: {josé@bücher.test: José Straße}\nlists:\n"
    directory = read_directory(f"{text}  all@bücher.test: {{members: [josé@xn--bcher-kva.test]}}\n", "f")
    for local, domain in (("josé", "bücher.test"), ("JOSÉ", "xn--bcher-kva.test"), ("jose\u0301", "BÜCHER.test")):
        assert directory.standing(local, domain) is Standing.OURS
    assert directory.standing("jose", "bücher.test") is Standing.UNKNOWN
    assert directory.standing("josé", "xn--bcher-kvb.test") is Standing.NOT_OURS
    assert directory.max_size("xn--bcher-kva.test") is None
    [delivered] = directory.expand("all", "xn--bcher-kva.test", "all@xn--bcher-kva.test")
    assert (delivered.email, delivered.via) == ("josé@xn--bcher-kva.test", "all@xn--bcher-kva.test")
    for asked in ("jose\u0301 STRASSE", "Straße, José", "<josé@xn--bcher-kva.test>", "josé"):
        assert directory.verify(asked) == Verified(Mailbox("josé@bücher.test", "José Straße"))
    members = directory.members("<ALL@xn--bcher-kva.test>")
    assert members == (Mailbox("josé@bücher.test", "José Straße"),)


local_parts = st.text(st.characters(categories=("L", "N"), include_characters="._-+'"), min_size=1, max_size=12)
domains = st.lists(st.text(st.characters(categories=("L", "N")), min_size=1, max_size=9), min_size=1, max_size=3)


@given(local_parts, domains.map(".".join))
def test_a_pattern_matches_its_address_in_any_spelling(local: str, domain: str) -> None:
    spellings = [f"{local}@{domain}", f'"{local}"@{domain}', unicodedata.normalize("NFD", f"{local}@{domain}")]
    for pattern in (AddressPattern.parse(f"{local}@{domain}"), AddressPattern.parse(f"*@{domain}")):
        assert all(pattern.matches(each) for each in spellings)
        assert not pattern.matches(f"{local}@{domain}.x")
        assert not pattern.matches(f"{local}@x.{domain}")
        assert not pattern.matches("")
    assert not AddressPattern.parse(f"x{local}@{domain}").matches(f"{local}@{domain}")


@given(domains)
def test_both_forms_of_a_domain_are_one(labels: list[str]) -> None:
    plain = plain_domain(".".join(labels))
    encoded = [label if label.isascii() else "xn--" + label.encode("punycode").decode() for label in plain.split(".")]
    assert plain_domain(".".join(encoded)) == plain


@pytest.mark.parametrize(
    "domain", ["xn--abc-.test", "xn--.test", "xn--a.test", "xn--\x80.test", "xn--99999999.test", "xn--\xe9-a.test"]
)
def test_what_only_looks_like_an_a_label_stays(domain: str) -> None:
    assert plain_domain(domain) == domain
