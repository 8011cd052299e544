"""What a signature field says: DKIM-Signature (RFC 6376 §3.5) and ARC-Message-Signature (RFC 8617 §4.1.2).

What cannot be understood is `neutral` (RFC 8601 §2.7.1); what is understood and forbidden is `permerror`, with one
exception each way: `rsa-sha1` is understood and has failed for good (RFC 8301 §3.1).
"""

import re
from typing import NamedTuple

from mailscribe.authentication.canonical import Form
from mailscribe.authentication.domain import dns_name
from mailscribe.authentication.key import Family, Refusal
from mailscribe.authentication.limits import Limits
from mailscribe.authentication.mail import BodyPart
from mailscribe.authentication.tag_list import TagError, TagList

FAMILIES: dict[str, Family] = {"rsa-sha256": "rsa", "ed25519-sha256": "ed25519"}
_FORMS: dict[str, Form] = {"simple": "simple", "relaxed": "relaxed"}
_FIELD_NAME = re.compile(r"[!-9<-~]+")
_QUOTED = re.compile(r"=([0-9A-F]{2})")
_TIME_MOST = 10**12
"""seconds; §3.5 asks for numbers at least up to the year 200,000"""


class Signature(NamedTuple):
    """A signature that is understood. Names are A-labels; `names` are in lower case; times are Unix time."""

    domain: str
    selector: str
    family: Family
    header_form: Form
    body: BodyPart
    names: tuple[str, ...]
    body_hash: bytes
    value: bytes
    signed_at: int | None
    expires_at: int | None


def read_signature(tags: TagList) -> Signature:
    """Understand the tags that DKIM and ARC signatures have in common; raises `Refusal`."""
    try:
        return _read(tags)
    except TagError as error:
        raise Refusal("neutral", str(error)) from error


def read_family(tags: TagList) -> Family:
    """The kind of key that `a=` needs; raises `Refusal`, and `TagError` when there is no `a=`."""
    algorithm = tags.required("a").lower()
    if algorithm == "rsa-sha1":
        raise Refusal("permerror", "rsa-sha1 must not be believed any more")
    family = FAMILIES.get(algorithm)
    if family is None:
        raise Refusal("neutral", "a= is unknown")
    return family


def read_name(tags: TagList, name: str) -> str:
    """A domain or a selector in A-labels; raises `TagError`."""
    found = dns_name(tags.required(name))
    if found is None:
        raise TagError(f"the tag {name}= is no domain name")
    return found


def judge_time(signature: Signature, now: float, limits: Limits) -> None:
    """Refuse what is expired or of the future (§3.5); raises `Refusal`."""
    if signature.signed_at is not None and signature.signed_at > now + limits.clock_skew:
        raise Refusal("policy", "signed in the future (t=)")
    if signature.expires_at is not None and signature.expires_at < now - limits.clock_skew:
        raise Refusal("policy", "expired (x=)")


def without_value(field: bytes, tags: TagList) -> bytes:
    """A signature field, from its name on, with its `b=` emptied (§3.7)."""
    offset = field.index(b":") + 1
    start, end = tags.span("b")
    return field[: offset + start] + field[offset + end :]


def unquoted(text: str) -> str:
    """Text in dkim-quoted-printable (§2.11), decoded.

    >>> unquoted("a=3Bb= c")
    'a;b=c'
    """
    squeezed = "".join(text.split())
    return _QUOTED.sub(lambda match: chr(int(match[1], 16)), squeezed)


def _read(tags: TagList) -> Signature:
    family = read_family(tags)
    domain, selector = read_name(tags, "d"), read_name(tags, "s")
    header_form, body_form = _forms(tags.text("c"))
    signed_at, expires_at = _time(tags, "t"), _time(tags, "x")
    if signed_at is not None and expires_at is not None and expires_at <= signed_at:
        raise TagError("x= is not after t=")
    names = _names(tags)
    value, body_hash = tags.base64("b"), tags.base64("bh")
    if not value or not body_hash:
        raise TagError("b= or bh= is empty")
    return Signature(
        domain=domain,
        selector=selector,
        family=family,
        header_form=header_form,
        body=BodyPart(body_form, tags.number("l")),
        names=names,
        body_hash=body_hash,
        value=value,
        signed_at=signed_at,
        expires_at=expires_at,
    )


def _forms(text: str | None) -> tuple[Form, Form]:
    """Of header and body (§3.5 `c=`): one word is the header's, and the body's is then simple."""
    header, _, body = "".join((text or "simple").split()).lower().partition("/")
    header_form, body_form = _FORMS.get(header), _FORMS.get(body or "simple")
    if header_form is None or body_form is None:
        raise TagError("c= is unknown")
    return header_form, body_form


def _names(tags: TagList) -> tuple[str, ...]:
    names = tags.words("h")
    if names is None:
        raise TagError("no tag h=")
    if not all(_FIELD_NAME.fullmatch(name) for name in names):
        raise TagError("h= is not a list of field names")
    return tuple(name.lower() for name in names)


def _time(tags: TagList, name: str) -> int | None:
    number = tags.number(name)
    return None if number is None else min(number, _TIME_MOST)
