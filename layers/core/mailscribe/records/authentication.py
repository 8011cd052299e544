"""What was found when a message was checked (RFC 8601 results), and what others claim to have found."""

from datetime import datetime
from typing import Literal

from msgspec import UNSET, UnsetType, field

from mailscribe.records.value import Value

SpfVerdict = Literal["none", "neutral", "pass", "fail", "softfail", "temperror", "permerror"]
DkimVerdict = Literal["pass", "fail", "policy", "neutral", "temperror", "permerror"]
DmarcVerdict = Literal["none", "pass", "fail", "temperror", "permerror"]
ArcVerdict = Literal["none", "pass", "fail", "temperror"]


class SpfResult(Value, frozen=True, kw_only=True):
    """RFC 7208 §2.6: the verdict on one identity, and what decided it. `record` is the policy as published."""

    result: SpfVerdict
    identity: Literal["mailfrom", "helo"]
    domain: str
    ip: str
    record: str | UnsetType = UNSET
    mechanism: str | UnsetType = UNSET
    explanation: str | UnsetType = UNSET
    reason: str | UnsetType = UNSET
    lookups: int = 0


class DkimResult(Value, frozen=True, kw_only=True):
    """RFC 6376 §6: the verdict on one signature, in the order of the fields, and what it covers."""

    result: DkimVerdict
    domain: str | None
    selector: str | None
    identity: str | UnsetType = UNSET
    algorithm: str | UnsetType = UNSET
    canonicalization: str | UnsetType = UNSET
    signed_headers: tuple[str, ...] = ()
    body_length: int | UnsetType = UNSET
    key_bits: int | UnsetType = UNSET
    reason: str | UnsetType = UNSET


class ArcResult(Value, frozen=True, kw_only=True):
    """RFC 8617 §5.2: the verdict on the chain; its sealers, first to last."""

    result: ArcVerdict
    sealers: tuple[str, ...] = ()
    oldest_pass: int | UnsetType = UNSET
    reason: str | UnsetType = UNSET


class DmarcResult(Value, frozen=True, kw_only=True):
    """RFC 9989 §4.10: the verdict on the From domain, the policy that was found and what aligned with it."""

    result: DmarcVerdict
    domain: str | None
    policy_domain: str | UnsetType = UNSET
    policy: Literal["none", "quarantine", "reject"] | UnsetType = UNSET
    record: str | UnsetType = UNSET
    aligned: tuple[Literal["spf", "dkim"], ...] = ()
    reason: str | UnsetType = UNSET


class Authentication(Value, frozen=True, kw_only=True):
    """What our own checks found, and when: DNS may say something else by now."""

    checked_at: datetime
    spf: tuple[SpfResult, ...] = ()
    dkim: tuple[DkimResult, ...] = ()
    arc: ArcResult | UnsetType = UNSET
    dmarc: DmarcResult | UnsetType = UNSET


class ClaimedResult(Value, frozen=True, kw_only=True):
    """One `method=result` of an Authentication-Results field, with its properties as `ptype.property`."""

    method: str
    result: str
    reason: str | UnsetType = UNSET
    properties: dict[str, str] = field(default_factory=dict)


class ClaimedResults(Value, frozen=True, kw_only=True):
    """One Authentication-Results field (RFC 8601 §2.2). Anybody can write one: it is a claim, not a finding."""

    server: str | None
    results: tuple[ClaimedResult, ...] = ()
