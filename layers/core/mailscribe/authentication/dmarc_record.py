"""What a domain publishes for DMARC (RFC 9989 §4.7, which obsoletes RFC 7489): the record at `_dmarc`.

    dmarc-record  = dmarc-version *(*WSP ";" *WSP dmarc-tag) [*WSP ";" *WSP]
    dmarc-version = "v" *WSP "=" *WSP %s"DMARC1"

The version decides whether it is one; what is wrong behind it is as if it were not there, unknown tags and the tags of
RFC 7489 included. Only a policy that is there and cannot be read makes the record unusable, unless it asks for reports.
"""

import re
from typing import Literal, NamedTuple

from mailscribe.authentication.limits import Limits

type Policy = Literal["none", "quarantine", "reject"]

_VERSION = re.compile(rb"v[ \t]*=[ \t]*DMARC1[ \t]*(?:;|\Z)")
_TAG = re.compile(r"\s*+([A-Za-z]++)\s*+=(.*)", re.DOTALL)
_POLICIES: dict[str, Policy] = {"none": "none", "quarantine": "quarantine", "reject": "reject"}
_REPORT_URI = re.compile(r"\s*+[A-Za-z][A-Za-z0-9+.-]*+:[^\s,]+")


class DmarcRecord(NamedTuple):
    """A record in force. `below` and `missing` are None where they are not said; `is_broken`: no policy to apply."""

    text: str
    policy: Policy
    below: Policy | None
    missing: Policy | None
    is_spf_strict: bool
    is_dkim_strict: bool
    suffix: Literal["y", "n", "u"]
    is_testing: bool
    percentage: str | None
    is_broken: bool


def find_record(texts: tuple[bytes, ...], limits: Limits) -> DmarcRecord | None:
    """The one record among the TXT records of a name; two are none (§4.10)."""
    found = [text for text in texts if _VERSION.match(text)]
    return read_record(found[0], limits) if len(found) == 1 else None


def read_record(octets: bytes, limits: Limits) -> DmarcRecord:
    """Read what begins with the version; the tag of a name that stands first counts.

    >>> from mailscribe.authentication.limits import LIMITS
    >>> read_record(b"v=DMARC1; p=Reject; aspf=s; rubbish", LIMITS)[1:5]
    ('reject', None, None, True)
    """
    text = octets[: limits.tag_list].decode("utf-8", "replace")
    tags: dict[str, str] = {}
    for piece in text.split(";", limits.tags)[: limits.tags]:
        match = _TAG.fullmatch(piece)
        if match:
            tags.setdefault(match[1].lower(), match[2].strip())
    policies = {name: _POLICIES.get(tags[name].lower()) for name in ("p", "sp", "np") if name in tags}
    is_readable = None not in policies.values()
    return DmarcRecord(
        text=text,
        policy=policies.get("p") or "none" if is_readable else "none",
        below=policies.get("sp") if is_readable else None,
        missing=policies.get("np") if is_readable else None,
        is_spf_strict=tags.get("aspf", "").lower() == "s",
        is_dkim_strict=tags.get("adkim", "").lower() == "s",
        suffix=_suffix(tags.get("psd", "").lower()),
        is_testing=tags.get("t", "").lower() == "y",
        percentage=tags.get("pct"),
        is_broken=not is_readable and not _REPORT_URI.match(tags.get("rua", "")),
    )


def _suffix(text: str) -> Literal["y", "n", "u"]:
    return "y" if text == "y" else "n" if text == "n" else "u"
