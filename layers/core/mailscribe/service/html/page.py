"""The page of a message: what its htmlBody (RFC 8621 §4.1.4) says, joined, sanitised and fenced.

HTML is brought into shape (`shape`), then parsed as browsers parse it and rebuilt from the table of what may stay
(`policy`) by nh3; `links` and `style` decide on addresses and CSS. Text is shown as it is, pictures by the address of
their part. Nothing here raises on any message.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from html import escape
from typing import Final

from mailscribe.message import ParsedMessage, Part, part_text
from mailscribe.message.text import readable
from mailscribe.service.html.links import Addresses, part_addresses
from mailscribe.service.html.policy import ATTRIBUTES, LINK_REL, LINK_SCHEMES, LINK_TARGET
from mailscribe.service.html.shape import shaped
from mailscribe.service.html.style import safe_style

HTML_LIMIT: Final = 8 * 1024 * 1024
"""Octets of UTF-8 of a message's HTML and text that its page is made from; more is cut, and the page says so."""
CUT: Final = "<hr><p><i>This message goes on: the rest is not shown here.</i></p>"
PICTURES: Final = frozenset(f"image/{kind}" for kind in ("png", "jpeg", "gif", "webp", "avif", "bmp"))
_SCHEMES: Final = LINK_SCHEMES | {"cid", "data"}


@dataclass(frozen=True, slots=True)
class Page:
    """A whole document, and how many remote pictures are not shown."""

    html: str
    blocked: int


def policy_of(*, remote: bool) -> str:
    """The Content-Security-Policy that holds wherever the page is opened: no script, nothing loaded but pictures."""
    pictures = "'self' data: https:" if remote else "'self' data:"
    return f"default-src 'none'; style-src 'unsafe-inline'; img-src {pictures}; base-uri 'none'; form-action 'none'"


def message_page(data: bytes, parsed: ParsedMessage, path: str, *, remote: bool, limit: int = HTML_LIMIT) -> Page:
    """The page of a message whose parts are under `path`; with `remote`, pictures of https addresses are shown."""
    addresses = Addresses(part_addresses(parsed, path), remote=remote)
    body = "\n".join(_pieces(data, parsed, path, addresses, limit))
    head = (
        '<meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy_of(remote=remote)}">'
        '<meta name="referrer" content="no-referrer"><meta name="viewport" content="width=device-width">'
        f"<title>{escape(parsed.subject or '')}</title>"
    )
    return Page(f"<!doctype html>\n<html><head>{head}</head><body>\n{body}\n</body></html>\n", addresses.blocked)


def _pieces(data: bytes, parsed: ParsedMessage, path: str, addresses: Addresses, limit: int) -> Iterator[str]:
    left, is_cut = limit, False
    for part in parsed.html_body:
        if part.type == "text/html" and left > 0:
            text = part_text(data, part, left)
            left -= len(text.value.encode())
            shape = shaped(text.value)
            is_cut = is_cut or text.is_truncated or shape.is_cut
            yield _sanitised(shape.html, addresses)
        elif part.type.startswith("text/") and left > 0:
            plain = readable(data, part, left)
            size = len(plain.encode())
            is_cut = is_cut or (size >= left - 4 and part.size > size)
            left -= size
            yield f'<pre style="white-space:pre-wrap">{escape(plain, quote=False)}</pre>'
        elif part.type.startswith("text/"):
            is_cut = True
        else:
            yield _medium(part, path)
    if is_cut:
        yield CUT


def _medium(part: Part, path: str) -> str:
    """A picture by its address; a link to sound or film."""
    place, name = f"{path}/parts/{part.part_id}", escape(part.name or part.type)
    if part.type in PICTURES:
        return f'<p><img src="{place}" alt="{name}"></p>'
    return f'<p><a href="{place}" rel="{LINK_REL}" target="{LINK_TARGET}">{name}</a></p>'


def _sanitised(html: str, addresses: Addresses) -> str:
    import nh3  # noqa: PLC0415 (a megabyte that only this path needs)

    return nh3.clean(
        html,
        tags=set(ATTRIBUTES),
        attributes={name: set(each) for name, each in ATTRIBUTES.items()},
        attribute_filter=partial(_attribute, addresses),
        set_tag_attribute_values={"a": {"target": LINK_TARGET}},
        link_rel=LINK_REL,
        url_schemes=set(_SCHEMES),
    )


def _attribute(addresses: Addresses, _tag: str, name: str, value: str) -> str | None:
    match name:
        case "href":
            return addresses.link(value)
        case "src" | "background":
            return addresses.picture(value)
        case "style":
            return safe_style(value, addresses.picture) or None
        case _:
            return value
