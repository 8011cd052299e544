"""Header fields in a form (RFC 8621 §4.1.2, §4.1.3): what `?header=List-Id:asText` asks for and what it gives.

The property is named as the RFC names it, `header:List-Id:asText`, with the field's name as it was asked for. Without
a form it is raw. The last field of that name counts, with `:all` each of them in order. A form is for the fields
that the RFC allows it for, and for those that neither RFC 5322 nor RFC 2369 defines.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from mailscribe.message.address import parse_addresses, parse_groups
from mailscribe.message.date import parse_date
from mailscribe.message.header import unfold, unstructured
from mailscribe.message.model import Address
from mailscribe.message.msgid import message_ids
from mailscribe.records import HeaderField
from mailscribe.service.api.request import Parameter

MAX_HEADERS: Final = 50
"""Properties that one call may ask for."""
_NAME: Final = re.compile(r"[!-9;-~]{1,998}")
"""RFC 5322 §3.6.8 field-name: printable ASCII but the colon."""
_URL: Final = re.compile(r"<([^<>]*)>")

_ADDRESSES: Final = frozenset(["from", "sender", "reply-to", "to", "cc", "bcc"])
_RESENT: Final = frozenset(f"resent-{name}" for name in _ADDRESSES)
_IDS: Final = frozenset(["message-id", "in-reply-to", "references", "resent-message-id"])
_DATES: Final = frozenset({"date", "resent-date"})
_LISTS: Final = frozenset(f"list-{name}" for name in ["help", "unsubscribe", "subscribe", "post", "owner", "archive"])
_TEXTS: Final = frozenset(["subject", "comments", "keywords", "list-id"])
_DEFINED: Final = _ADDRESSES | _RESENT | _IDS | _DATES | _LISTS | _TEXTS | {"return-path", "received"}
"""Fields of RFC 5322 and RFC 2369, which have their own forms."""


def _urls(raw: str) -> tuple[str, ...] | None:
    """RFC 8621 §4.1.2.7: what stands in angle brackets, without white space."""
    return tuple("".join(inside.split()) for inside in _URL.findall(unfold(raw))) or None


def _address(address: Address) -> Mapping[str, str | None]:
    return {"name": address.name, "email": address.email}


_FORMS: Final[Mapping[str, tuple[frozenset[str], Callable[[str], Any]]]] = {
    "asRaw": (_DEFINED, lambda raw: raw),
    "asText": (_TEXTS, unstructured),
    "asAddresses": (_ADDRESSES | _RESENT, lambda raw: [_address(each) for each in parse_addresses(raw)]),
    "asGroupedAddresses": (
        _ADDRESSES | _RESENT,
        lambda raw: [
            {"name": group.name, "addresses": [_address(each) for each in group.addresses]}
            for group in parse_groups(raw)
        ],
    ),
    "asMessageIds": (_IDS, lambda raw: message_ids(unfold(raw)) or None),
    "asDate": (_DATES, lambda raw: parse_date(unfold(raw))),
    "asURLs": (_LISTS, _urls),
}
"""Form → defined fields that may have it, and what makes it of a raw value."""


@dataclass(frozen=True, slots=True)
class HeaderProperty:
    """One property: a field's name, its form, and whether every such field is wanted."""

    name: str
    form: str = "asRaw"
    every: bool = False
    given: str = ""

    def value(self, headers: Sequence[HeaderField]) -> Any:  # noqa: ANN401 - each form has a type of its own
        """What the fields give: null when there is none, or a list with `:all`."""
        make = _FORMS[self.form][1]
        found = [field.value for field in headers if field.name.lower() == self.name.lower()]
        if self.every:
            return [make(raw) for raw in found]
        return make(found[-1]) if found else None


def read_headers(text: str) -> tuple[HeaderProperty, ...]:
    """`Name[:asForm][:all]`, with commas between several.

    >>> read_headers("List-Id:asText")[0].given
    'header:List-Id:asText'
    """
    wanted = [each.strip().removeprefix("header:") for each in text.split(",")]
    if len(wanted) > MAX_HEADERS:
        raise ValueError(f"more than {MAX_HEADERS}")
    return tuple(map(_property, wanted))


def _property(text: str) -> HeaderProperty:
    name, *rest = text.split(":")
    if _NAME.fullmatch(name) is None:
        raise ValueError("not the name of a header field")
    every = rest[-1:] == ["all"]
    forms = rest[:-1] if every else rest
    form = forms[0] if forms else "asRaw"
    if len(forms) > 1 or form not in _FORMS:
        raise ValueError(f"after the name, one of {', '.join(_FORMS)}, then perhaps all")
    if name.lower() in _DEFINED and name.lower() not in _FORMS[form][0]:
        raise ValueError(f"{name[:40]} has no form {form} (RFC 8621 §4.1.2)")
    return HeaderProperty(name, form, every, f"header:{text}")


HEADER: Final = Parameter[tuple[HeaderProperty, ...]](
    "header",
    read_headers,
    (),
    {"type": "string"},
    "Header fields in a form, beside the record, with commas between: `List-Id:asText`, `To:asAddresses:all`.",
)
