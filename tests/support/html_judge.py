"""The judge of pages: what a parser other than the sanitiser's sees in one that must not be there."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser

import nh3

from mailscribe.message import parse
from mailscribe.service.html import Page, message_page
from mailscribe.service.html.policy import ATTRIBUTES, LINK_REL, LINK_SCHEMES, LINK_TARGET, PICTURED, PROPERTIES

PATH = "/v1/messages/X"
PICTURE = re.compile(rf"{PATH}/parts/[0-9.]+|data:image/(png|gif|jpeg|webp);base64,[A-Za-z0-9+/=%\s]*", re.IGNORECASE)
REMOTE = re.compile(r"https://.*", re.DOTALL | re.IGNORECASE)
LINK = re.compile(r"(?:https?|ftp)://|(?:mailto|tel):", re.IGNORECASE)
TAG = re.compile(r"<(/?[a-z0-9]+)(?: [a-z]+=\"[^\"]*\")*>")
IN_STYLE = re.compile(r'url\("([^"()\\\s]*)"\)')


class Judge(HTMLParser):
    """The standard library's parser, another than the one that sanitised: what it sees of tags and attributes."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.text: list[str] = []
        self.others: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(dict(attrs)) == len(attrs)
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def handle_comment(self, data: str) -> None:
        self.others.append(data)

    def handle_decl(self, decl: str) -> None:
        self.others.append(decl)

    def handle_pi(self, data: str) -> None:
        self.others.append(data)

    def unknown_decl(self, data: str) -> None:
        self.others.append(data)


def mail(html: str) -> bytes:
    """A message that is this HTML."""
    body = html.encode("utf-8", "replace")
    return b"From: a@test.org\nContent-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: binary\n\n" + body


def page_of(data: bytes, *, remote: bool = False, limit: int = 1 << 20) -> Page:
    """Its page."""
    return message_page(data, parse(data), PATH, remote=remote, limit=limit)


def body_of(page: Page) -> str:
    """What stands in the body of a page."""
    assert page.html.startswith("<!doctype html>\n<html><head>")
    return page.html.partition("<body>\n")[2].removesuffix("\n</body></html>\n")


def shown(html: str, *, remote: bool = False) -> str:
    """The body of the page of this HTML."""
    return body_of(page_of(mail(html), remote=remote))


def tags(html: str) -> list[str]:
    """The tags of HTML that a serialiser wrote, in their order."""
    return TAG.findall(html)


def is_read_alike(body: str) -> bool:
    """Whether a parser of the standard sees the same tree, or a browser would see what nobody judged."""
    attributes = {name: {*each, "rel", "target"} for name, each in ATTRIBUTES.items()}
    schemes = {*LINK_SCHEMES, "data"}
    again = nh3.clean(body, tags=set(ATTRIBUTES), attributes=attributes, url_schemes=schemes, link_rel=None)
    return tags(again) == tags(body)


def judged(body: str) -> Judge:
    """What the judge sees."""
    judge = Judge()
    judge.feed(body)
    judge.close()
    return judge


def faults(body: str, *, remote: bool = False) -> Iterator[str]:
    """What is in a body that must not be."""
    judge = judged(body)
    yield from (f"markup {each!r}" for each in judge.others)
    for tag, attributes in judge.tags:
        allowed = ATTRIBUTES.get(tag)
        if allowed is None:
            yield f"tag {tag}"
            continue
        yield from (
            f"{tag} {name}" for name in attributes.keys() - allowed - ({"rel", "target"} if tag == "a" else set())
        )
        if tag == "a" and (attributes.get("rel"), attributes.get("target")) != (LINK_REL, LINK_TARGET):
            yield f"link {attributes}"
        yield from attribute_faults(attributes, remote=remote)


def attribute_faults(attributes: dict[str, str], *, remote: bool) -> Iterator[str]:
    """What in the attributes of a tag must not be."""
    for name, value in attributes.items():
        if name == "href" and not LINK.match(value) and not PICTURE.fullmatch(value):
            yield f"href {value!r}"
        if name in ("src", "background") and not is_picture(value, remote=remote):
            yield f"{name} {value!r}"
        if name == "style":
            yield from style_faults(value, remote=remote)


def style_faults(style: str, *, remote: bool) -> Iterator[str]:
    """What in a style must not be."""
    pictures = IN_STYLE.findall(style)
    yield from (f"url {each!r}" for each in pictures if not is_picture(each, remote=remote))
    rest = IN_STYLE.sub("", style)
    for declaration in re.sub(r"\"[^\"]*\"|'[^']*'", "", rest).split(";"):
        name, _, value = declaration.partition(":")
        if (
            name not in PROPERTIES
            or set(value) & set("\\<>{}@:\"'")
            or set(re.findall(r"([\w-]*)\(", value.lower())) - {*("rgb", "rgba", "hsl", "hsla")}
        ):
            yield f"style {declaration!r}"
    if pictures and not PICTURED & {each.partition(":")[0] for each in rest.split(";")}:
        yield f"style {style!r}"


def is_picture(url: str, *, remote: bool) -> bool:
    """Whether a page may show a picture of that address."""
    return bool(PICTURE.fullmatch(url) or (remote and REMOTE.fullmatch(url)))
