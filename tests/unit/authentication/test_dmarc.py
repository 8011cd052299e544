"""DMARC verdicts as a table: policy discovery, alignment, and what cannot be said (RFC 9989)."""

from typing import NamedTuple, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from mailscribe.authentication.dmarc import evaluate_dmarc
from mailscribe.authentication.limits import LIMITS
from mailscribe.records.authentication import DkimResult, DkimVerdict, DmarcResult, SpfResult, SpfVerdict
from support.zone import Zone

ORG = {"example.com": "v=DMARC1; p=reject"}
NONE_ALIGNS = "no identifier aligns"


class Case(NamedTuple):
    """What is published, who writes, what passed (`?` before a domain: no answer), what is found."""

    records: dict[str, str]
    author: str
    spf: str = ""
    dkim: str = ""
    result: str = "fail"
    policy: str | None = "reject"
    at: str | None = "example.com"
    aligned: str = ""
    reason: str | None = None


def subject(text: str) -> tuple[str, str]:
    return (text.lstrip("?!"), {"?": "temperror", "!": "fail"}.get(text[:1], "pass"))


def spf_of(text: str) -> tuple[SpfResult, ...]:
    pairs = [subject(each) for each in text.split()]
    return tuple(
        SpfResult(result=result, identity="mailfrom", domain=domain, ip="192.0.2.1")  # type: ignore[arg-type]
        for domain, result in pairs
    )


def dkim_of(text: str) -> tuple[DkimResult, ...]:
    pairs = [subject(each) for each in text.split()]
    return tuple(DkimResult(result=result, domain=domain, selector="s") for domain, result in pairs)  # type: ignore[arg-type]


def zone_of(records: dict[str, str], broken: frozenset[str] = frozenset()) -> Zone:
    txt = {f"_dmarc.{name}": tuple(each.encode() for each in text.split("|")) for name, text in records.items()}
    return Zone(txt, broken=broken)


def evaluate(case: Case, zone: Zone | None = None) -> DmarcResult:
    authors = tuple(case.author.split())
    return evaluate_dmarc(authors, spf_of(case.spf), dkim_of(case.dkim), zone or zone_of(case.records))


E = "example.com"
BANK = {"bank": "v=DMARC1; psd=y; p=reject; sp=quarantine; np=none"}
CASES = {
    # whose domain it is
    "no From": Case(ORG, "", result="none", policy=None, at=None, reason="From names no domain"),
    "no domain": Case(ORG, "joe", E, result="none", policy=None, at=None, reason="no record"),
    "a literal": Case(ORG, "joe@[192.0.2.1]", result="none", policy=None, at=None, reason="From names no domain"),
    "two domains": Case(
        ORG, "a@example.com b@example.org", E, result="none", policy=None, at=None, reason="From names several domains"
    ),
    "two authors of one domain": Case(ORG, "a@example.com b@EXAMPLE.com.", E, result="pass", aligned="spf"),
    "A-labels": Case(
        {"xn--exmple-cua.com": "v=DMARC1; p=none"},
        "joe@Exämple.com",
        dkim="xn--exmple-cua.com",
        result="pass",
        policy="none",
        at="xn--exmple-cua.com",
        aligned="dkim",
    ),
    # what passes
    "SPF": Case(ORG, "joe@example.com", E, result="pass", aligned="spf"),
    "DKIM": Case(ORG, "joe@example.com", dkim=E, result="pass", aligned="dkim"),
    "both": Case(ORG, "joe@example.com", E, E, result="pass", aligned="spf dkim"),
    "one of many signatures": Case(
        ORG, "joe@example.com", dkim="a.org ?b.org example.com", result="pass", aligned="dkim"
    ),
    "case does not count": Case(ORG, "joe@Example.COM", "EXAMPLE.com", result="pass", aligned="spf"),
    "relaxed, below": Case(ORG, "joe@example.com", "mail.example.com", result="pass", aligned="spf"),
    "relaxed, above": Case(ORG, "joe@mail.example.com", dkim=E, result="pass", aligned="dkim"),
    "relaxed, beside": Case(ORG, "joe@a.example.com", "b.c.example.com", result="pass", aligned="spf"),
    # what does not
    "nothing": Case(ORG, "joe@example.com", reason=NONE_ALIGNS),
    "another organization": Case(ORG, "joe@example.com", "example.org", "example.net", reason=NONE_ALIGNS),
    "a name that ends alike": Case(ORG, "joe@example.com", "badexample.com", reason=NONE_ALIGNS),
    "the suffix": Case(ORG, "joe@example.com", "com", reason=NONE_ALIGNS),
    "failed SPF": Case(ORG, "joe@example.com", "!example.com", reason=NONE_ALIGNS),
    "failed DKIM": Case(ORG, "joe@example.com", dkim="!example.com", reason=NONE_ALIGNS),
    "no domain that passed": Case(ORG, "joe@example.com", "-", "..", reason=NONE_ALIGNS),
    # strict
    "strict SPF, same": Case({E: "v=DMARC1; p=reject; aspf=s"}, "joe@example.com", E, result="pass", aligned="spf"),
    "strict SPF, below": Case(
        {E: "v=DMARC1; p=reject; aspf=s"}, "joe@example.com", "m.example.com", reason=NONE_ALIGNS
    ),
    "strict SPF, relaxed DKIM": Case(
        {E: "v=DMARC1;p=reject;aspf=S"}, "joe@example.com", "m.example.com", "m.example.com", "pass", aligned="dkim"
    ),
    "strict DKIM, same": Case(
        {E: "v=DMARC1; p=reject; adkim=s"}, "a@example.com", dkim=E, result="pass", aligned="dkim"
    ),
    "strict DKIM, below": Case(
        {E: "v=DMARC1; p=reject; adkim=s"}, "a@example.com", dkim="m.example.com", reason=NONE_ALIGNS
    ),
    "strict means relaxed when misspelt": Case(
        {E: "v=DMARC1; p=reject; adkim=strict"}, "a@example.com", dkim="m.example.com", result="pass", aligned="dkim"
    ),
    # policies
    "p=none": Case({E: "v=DMARC1; p=none"}, "a@example.com", policy="none", reason=NONE_ALIGNS),
    "p=quarantine": Case({E: "v=DMARC1; p=Quarantine"}, "a@example.com", policy="quarantine", reason=NONE_ALIGNS),
    "no p=": Case({E: "v=DMARC1; rua=mailto:a@b.example"}, "a@example.com", policy="none", reason=NONE_ALIGNS),
    "sp= does not bind the domain": Case({E: "v=DMARC1; p=none; sp=reject"}, "a@example.com", policy="none"),
    "sp= binds below": Case({E: "v=DMARC1; p=none; sp=reject"}, "a@m.example.com"),
    "p= binds below without sp=": Case(ORG, "a@m.example.com"),
    "a record below comes first": Case(
        ORG | {"m.example.com": "v=DMARC1; p=none"}, "a@m.example.com", E, "", "pass", "none", "m.example.com", "spf"
    ),
    "a record between is no policy": Case(ORG | {"m.example.com": "v=DMARC1; p=none"}, "a@x.m.example.com"),
    "np= binds what is not there": Case({E: "v=DMARC1; p=none; sp=none; np=reject"}, "a@gone.example.com"),
    "np= does not bind what is there": Case(
        {E: "v=DMARC1; p=reject; sp=quarantine; np=none"}, "a@six.example.com", policy="quarantine"
    ),
    "np= does not bind what takes mail": Case(
        {E: "v=DMARC1; p=reject; np=none"}, "a@mx.example.com", policy="reject", reason=NONE_ALIGNS
    ),
    "np= does not bind the domain": Case({E: "v=DMARC1; p=reject; np=none"}, "a@example.com"),
    # records
    "no record": Case({}, "a@example.com", E, result="none", policy=None, at=None, reason="no record"),
    "another record": Case(
        {E: "v=spf1 -all"}, "a@example.com", E, result="none", policy=None, at=None, reason="no record"
    ),
    "beside another record": Case({E: "v=spf1 -all|v=DMARC1; p=reject"}, "a@example.com", reason=NONE_ALIGNS),
    "two records are none": Case(
        {E: "v=DMARC1; p=reject|v=DMARC1; p=none"}, "a@example.com", E, result="none", policy=None, at=None
    ),
    "two records below, one above": Case(ORG | {"m.example.com": "v=DMARC1|v=DMARC1"}, "a@m.example.com"),
    "version not first": Case({E: "p=reject; v=DMARC1"}, "a@example.com", result="none", policy=None, at=None),
    "version in lower case": Case({E: "v=dmarc1; p=reject"}, "a@example.com", result="none", policy=None, at=None),
    "another version": Case({E: "v=DMARC12; p=reject"}, "a@example.com", result="none", policy=None, at=None),
    "white space": Case({E: "v = DMARC1 ;p = reject ; "}, "a@example.com", reason=NONE_ALIGNS),
    "rubbish behind": Case({E: "v=DMARC1; p=reject; ;; =x; what; 1=2; p=none"}, "a@example.com", reason=NONE_ALIGNS),
    "a broken policy": Case(
        {E: "v=DMARC1; p=refuse"},
        "a@example.com",
        E,
        "",
        "permerror",
        None,
        reason="the policy of the record is invalid",
    ),
    "a broken sp=": Case({E: "v=DMARC1; p=reject; sp=x"}, "a@example.com", E, "", "permerror", None),
    "a broken policy that asks for reports": Case(
        {E: "v=DMARC1; p=refuse; rua=mailto:a@example.com"}, "a@example.com", policy="none", reason=NONE_ALIGNS
    ),
    "a broken policy and no address for reports": Case(
        {E: "v=DMARC1; p=refuse; rua=nobody"}, "a@example.com", result="permerror", policy=None
    ),
    "t=y": Case(
        {E: "v=DMARC1; p=reject; t=y"},
        "a@example.com",
        reason=f"{NONE_ALIGNS}; the domain asks not to apply the policy (t=y)",
    ),
    "pct=": Case(
        {E: "v=DMARC1; p=reject; pct=5"}, "a@example.com", reason=f"{NONE_ALIGNS}; pct= is no part of DMARC any more"
    ),
    "pct=100": Case({E: "v=DMARC1; p=reject; pct=100"}, "a@example.com", reason=NONE_ALIGNS),
    # organizations
    "a suffix speaks for what has no record": Case(BANK, "a@my.bank", policy="none", at="bank"),
    "a suffix says what is below it": Case(
        BANK, "a@mail.my.bank", "my.bank", result="pass", policy="none", at="bank", aligned="spf"
    ),
    "names below a suffix are strangers": Case(
        BANK, "a@my.bank", "your.bank", policy="none", at="bank", reason=NONE_ALIGNS
    ),
    "an organization below a suffix": Case(
        BANK | {"my.bank": "v=DMARC1; p=reject"}, "a@m.my.bank", "my.bank", "", "pass", "reject", "my.bank", "spf"
    ),
    "the suffix itself": Case(BANK, "a@bank", "bank", result="pass", at="bank", aligned="spf"),
    "psd=n ends the walk": Case(
        {"m.example.com": "v=DMARC1; p=none; psd=n"} | ORG,
        "a@x.m.example.com",
        E,
        policy="none",
        at="m.example.com",
        reason=NONE_ALIGNS,
    ),
    "below psd=n is another organization": Case(
        {"m.example.com": "v=DMARC1; p=none; psd=n"} | ORG, "a@example.com", "x.m.example.com", reason=NONE_ALIGNS
    ),
    # no answer
    "SPF without answer": Case(
        ORG, "a@example.com", "?example.com", result="temperror", reason="spf had no answer from the DNS"
    ),
    "DKIM without answer": Case(
        ORG, "a@example.com", "", "?m.example.com", "temperror", reason="dkim had no answer from the DNS"
    ),
    "one without answer, one right": Case(ORG, "a@example.com", "?example.com", E, "pass", aligned="dkim"),
    "a stranger without answer": Case(ORG, "a@example.com", "?example.org", reason=NONE_ALIGNS),
}
HOSTS: dict[str, tuple[str, ...]] = {"six.example.com": ("2001:db8::1",)}
MAIL: dict[str, tuple[tuple[int, str], ...]] = {"mx.example.com": ((10, "mx.example.org"),)}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_verdicts(case: Case) -> None:
    zone = zone_of(case.records)
    zone.hosts, zone.mail = HOSTS, MAIL
    result = evaluate(case, zone)
    assert result.result == case.result
    assert result.policy == (case.policy or UNSET)
    assert result.policy_domain == (case.at or UNSET)
    assert result.aligned == tuple(case.aligned.split())
    if case.reason is not None:
        assert result.reason == case.reason
    if case.result == "pass":
        assert result.reason is UNSET


def test_there_are_enough_cases() -> None:
    assert len(CASES) >= 40


def test_the_record_is_kept_as_published() -> None:
    text = "v=DMARC1;  p=reject; rua=mailto:a@example.com"
    assert evaluate(Case({E: text}, "joe@example.com")).record == text


def test_helo_counts_where_there_is_no_sender() -> None:
    helo = SpfResult(result="pass", identity="helo", domain="example.com", ip="192.0.2.1")
    sender = SpfResult(result="none", identity="mailfrom", domain="example.org", ip="192.0.2.1")
    assert evaluate_dmarc(("a@example.com",), (helo,), (), zone_of(ORG)).result == "pass"
    assert evaluate_dmarc(("a@example.com",), (helo, sender), (), zone_of(ORG)).result == "fail"


@pytest.mark.parametrize("broken", ["_dmarc.m.example.com", "_dmarc.example.com", "_dmarc.com"])
def test_no_answer_for_the_policy(broken: str) -> None:
    result = evaluate(Case(ORG, "a@m.example.com", E), zone_of(ORG, frozenset({broken})))
    assert (result.result, result.reason) == ("temperror", "no answer from the DNS for the policy")


def test_no_answer_for_an_organization() -> None:
    zone = zone_of(ORG, frozenset({"_dmarc.m.example.com"}))
    result = evaluate(Case(ORG, "a@example.com", "m.example.com"), zone)
    assert (result.result, result.policy) == ("temperror", "reject")
    assert result.reason == "no answer from the DNS for an identifier's organization"
    assert evaluate(Case(ORG, "a@example.com", "m.example.com", E), zone).result == "pass"


def test_no_answer_whether_a_domain_exists_leaves_the_verdict() -> None:
    records = {E: "v=DMARC1; p=none; np=reject"}
    result = evaluate(Case(records, "a@m.example.com", E), zone_of(records, frozenset({"m.example.com"})))
    assert (result.result, result.policy) == ("pass", UNSET)


@pytest.mark.parametrize("step", [-1, 0, 1])
def test_the_walk_of_a_long_name(step: int) -> None:
    """RFC 9989 §4.10: never more than eight questions, the name itself and its last seven labels among them."""
    labels = [f"l{number}" for number in range(LIMITS.tree_walk + step, 0, -1)]
    zone = zone_of({})
    evaluate(Case({}, "a@" + ".".join(labels)), zone)
    expected = [labels, *(labels[at:] for at in range(max(len(labels) - 7, 1), len(labels)))]
    assert zone.asked == ["_dmarc." + ".".join(each) for each in expected]
    assert len(zone.asked) == min(len(labels), LIMITS.tree_walk)


@pytest.mark.parametrize("step", [-1, 0, 1])
def test_lookups(step: int) -> None:
    """Signers below From's organization may each have another; beyond the limit nobody is asked."""
    count = LIMITS.dmarc_lookups - 2 + step
    signers = " ".join(f"s{number}.example.com" for number in range(count))
    records = ORG | {f"s{number}.example.com": "v=DMARC1; psd=n" for number in range(count)}
    zone = zone_of(records)
    result = evaluate(Case(records, "a@example.com", dkim=signers), zone)
    assert len(zone.asked) == min(LIMITS.dmarc_lookups, count + 2)
    assert (result.result, result.reason) == (("temperror", "too many look-ups") if step > 0 else ("fail", NONE_ALIGNS))


def test_strangers_and_equals_cost_no_question() -> None:
    zone = zone_of(ORG)
    evaluate(Case(ORG, "a@example.com", "a.b.c.d.example.org", "example.com x.y.example.net"), zone)
    assert zone.asked == ["_dmarc.example.com", "_dmarc.com"]


TEXT = st.text(alphabet="v=DMARC1;prejctsnond .@:\t\0é", max_size=40)
DOMAINS = st.text(alphabet="ab.-@[]é ", max_size=12)


@given(
    text=TEXT,
    author=DOMAINS,
    domain=DOMAINS,
    verdicts=st.tuples(*(st.sampled_from(get_args(each)) for each in (SpfVerdict, DkimVerdict))),
)
def test_anything_has_a_verdict(text: str, author: str, domain: str, verdicts: tuple[SpfVerdict, DkimVerdict]) -> None:
    spf = SpfResult(result=verdicts[0], identity="mailfrom", domain=domain, ip="192.0.2.1")
    dkim = DkimResult(result=verdicts[1], domain=domain, selector=None)
    zone = Zone({f"_dmarc.{name}": (b"v=DMARC1; " + text.encode(), text.encode()) for name in ("a", "b.a", author)})
    result = evaluate_dmarc((author,), (spf,), (dkim,), zone)
    assert len(zone.asked) <= LIMITS.dmarc_lookups + 3
    assert (result.result == "pass") == bool(result.aligned)
