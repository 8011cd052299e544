"""DMARC: whether the domain in From answers for the message, and what it wants done if not (RFC 9989).

The domain passes when SPF or DKIM passed for a domain that aligns with it: the same one or, unless its record is
strict, one of the same organization. A pass needs one identifier that aligns, a `fail` that there is none and that
none might be: where the DNS did not say, it is `temperror`. The verdict asks for nothing; the policy is evidence.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Literal, NamedTuple

from msgspec import UNSET

from mailscribe.authentication.dmarc_record import DmarcRecord, Policy
from mailscribe.authentication.dns import DnsFailure, Resolver
from mailscribe.authentication.domain import dns_name, is_within
from mailscribe.authentication.limits import LIMITS, Limits
from mailscribe.authentication.tree_walk import TooManyLookups, TreeWalker, Walk
from mailscribe.records.authentication import DkimResult, DmarcResult, SpfResult


def evaluate_dmarc(
    header_from: Sequence[str],
    spf: Sequence[SpfResult],
    dkim: Sequence[DkimResult],
    resolver: Resolver,
    limits: Limits = LIMITS,
) -> DmarcResult:
    """Evaluate DMARC by the addresses of all From fields, and by what SPF and DKIM found.

    An address may be a bare domain. Never raises.
    """
    names = {_domain_of(address) for address in header_from}
    domain = next(iter(names), None)
    if domain is None or len(names) > 1:
        reason = "From names several domains" if len(names) > 1 else "From names no domain"
        return DmarcResult(result="none", domain=None, reason=reason)
    walker = TreeWalker(resolver, limits)
    try:
        walk = walker.walk(domain)
    except DnsFailure:
        return DmarcResult(result="temperror", domain=domain, reason="no answer from the DNS for the policy")
    if walk.record is None:
        return DmarcResult(result="none", domain=domain, reason="no record")
    if walk.record.is_broken:
        verdict, policy = _Verdict("permerror", (), "the policy of the record is invalid"), None
    else:
        verdict = _verdict(_identifiers(spf, dkim, walk.record), _alignment(domain, walk, walker))
        policy = _policy(domain, walk, walk.record, resolver)
    return DmarcResult(
        result=verdict.result,
        domain=domain,
        policy_domain=walk.policy_domain,
        policy=policy or UNSET,
        record=walk.record.text,
        aligned=verdict.aligned,
        reason="; ".join(filter(None, [verdict.reason, *_notes(walk.record)])) or UNSET,
    )


class _Identifier(NamedTuple):
    """A domain that was authenticated, or might be: `is_sure` when it was."""

    method: Literal["spf", "dkim"]
    domain: str
    is_sure: bool
    is_strict: bool


class _Verdict(NamedTuple):
    result: Literal["pass", "fail", "temperror", "permerror"]
    aligned: tuple[Literal["spf", "dkim"], ...] = ()
    reason: str = ""


def _domain_of(address: str) -> str | None:
    return dns_name(address.rpartition("@")[2].strip())


def _identifiers(spf: Sequence[SpfResult], dkim: Sequence[DkimResult], record: DmarcRecord) -> Iterator[_Identifier]:
    """The identifiers of SPF (of MAIL FROM; of HELO only where there is no other, RFC 7208 §2.4) and of DKIM."""
    senders = [each for each in spf if each.identity == "mailfrom"] or spf
    found: Iterable[tuple[Literal["spf", "dkim"], str | None, str, bool]] = (
        *(("spf", each.domain, each.result, record.is_spf_strict) for each in senders),
        *(("dkim", each.domain, each.result, record.is_dkim_strict) for each in dkim),
    )
    for method, domain, result, is_strict in found:
        name = dns_name((domain or "").rpartition("@")[2])
        if name is not None and result in {"pass", "temperror"}:
            yield _Identifier(method, name, result == "pass", is_strict)


def _alignment(domain: str, walk: Walk, walker: TreeWalker) -> Callable[[_Identifier], bool]:
    """Whether an identifier aligns with the domain in From (§4.4); may raise what a walk raises."""

    def aligns(identifier: _Identifier) -> bool:
        if identifier.domain == domain:
            return True
        # Whose organization is another cannot be found below this one: no need to ask.
        if identifier.is_strict or not is_within(identifier.domain, walk.organization):
            return False
        return walker.walk(identifier.domain).organization == walk.organization

    return aligns


def _verdict(identifiers: Iterator[_Identifier], aligns: Callable[[_Identifier], bool]) -> _Verdict:
    aligned: dict[Literal["spf", "dkim"], None] = {}
    unsure = ""
    for identifier in identifiers:
        if identifier.method in aligned:
            continue
        try:
            is_aligned = aligns(identifier)
        except DnsFailure:
            is_aligned, unsure = False, unsure or "no answer from the DNS for an identifier's organization"
        except TooManyLookups:
            is_aligned, unsure = False, unsure or "too many look-ups"
        if is_aligned and identifier.is_sure:
            aligned[identifier.method] = None
        elif is_aligned:
            unsure = unsure or f"{identifier.method} had no answer from the DNS"
    if aligned:
        return _Verdict("pass", tuple(aligned))
    return _Verdict("temperror", (), unsure) if unsure else _Verdict("fail", (), "no identifier aligns")


def _policy(domain: str, walk: Walk, record: DmarcRecord, resolver: Resolver) -> Policy | None:
    """The policy for the domain in From: its own `p=`, or what its organization says for names below (§4.10.1).

    None when it depends on whether the domain exists and the DNS does not say.
    """
    if walk.policy_domain == domain:
        return record.policy
    below = record.below or record.policy
    if record.missing is None or record.missing == below:
        return below
    try:
        return below if _exists(domain, resolver) else record.missing
    except DnsFailure:
        return None


def _exists(domain: str, resolver: Resolver) -> bool:
    """Whether mail could come from a name: it has an address or takes mail (RFC 9091 §2.7).

    Whether a name without those is there at all, the port does not tell.
    """
    return bool(resolver.addresses(domain, "A") or resolver.addresses(domain, "AAAA") or resolver.exchangers(domain))


def _notes(record: DmarcRecord) -> list[str]:
    notes = ["the domain asks not to apply the policy (t=y)"] if record.is_testing else []
    if record.percentage is not None and record.percentage != "100":
        notes.append("pct= is no part of DMARC any more")
    return notes
