"""A message's page: what may be in it is, nothing else is, whatever was sent."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser

import nh3
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailscribe.message import parse
from mailscribe.service.html import CUT, Page, message_page, policy_of
from mailscribe.service.html.policy import ATTRIBUTES, HIDDEN, LINK_REL, LINK_SCHEMES, LINK_TARGET, PICTURED, PROPERTIES
from mailscribe.service.html.style import safe_style
from support.html_attacks import ATTACKS

PATH = "/v1/messages/X"
PICTURE = re.compile(rf"{PATH}/parts/[0-9.]+|data:image/(png|gif|jpeg|webp);base64,[A-Za-z0-9+/=%\s]*")
REMOTE = re.compile(r"https://.*", re.DOTALL)
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
    body = html.encode("utf-8", "replace")
    return b"From: a@test.org\nContent-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: binary\n\n" + body


def page_of(data: bytes, *, remote: bool = False, limit: int = 1 << 20) -> Page:
    return message_page(data, parse(data), PATH, remote=remote, limit=limit)


def body_of(page: Page) -> str:
    assert page.html.startswith("<!doctype html>\n<html><head>")
    return page.html.partition("<body>\n")[2].removesuffix("\n</body></html>\n")


def shown(html: str, *, remote: bool = False) -> str:
    return body_of(page_of(mail(html), remote=remote))


def read_again(body: str) -> str:
    """What a parser of the standard makes of a body: no other tree, or a browser would see what nobody judged."""
    attributes = {name: {*each, "rel", "target"} for name, each in ATTRIBUTES.items()}
    schemes = {*LINK_SCHEMES, "data"}
    return nh3.clean(body, tags=set(ATTRIBUTES), attributes=attributes, url_schemes=schemes, link_rel=None)


def judged(body: str) -> Judge:
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
    for name, value in attributes.items():
        if name == "href" and value.partition(":")[0].lower() not in LINK_SCHEMES and not PICTURE.fullmatch(value):
            yield f"href {value!r}"
        if name in ("src", "background") and not is_picture(value, remote=remote):
            yield f"{name} {value!r}"
        if name == "style":
            yield from style_faults(value, remote=remote)


def style_faults(style: str, *, remote: bool) -> Iterator[str]:
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
    return bool(PICTURE.fullmatch(url) or (remote and REMOTE.fullmatch(url)))


@pytest.mark.parametrize("remote", [False, True], ids=["blocked", "allowed"])
@pytest.mark.parametrize("name", ATTACKS)
def test_no_attack_comes_through(name: str, remote: bool) -> None:
    body = shown(ATTACKS[name], remote=remote)
    assert list(faults(body, remote=remote)) == []
    assert read_again(body) == body


@pytest.mark.parametrize(
    "bad",
    [
        "<script>x</script>",
        "<p onclick=x>",
        "<!-- -->",
        "<a href=javascript:x rel='noopener noreferrer nofollow' target=_blank>",
        "<a href=https://a.test>",
        "<img src=https://a.test/x>",
        "<img src=/v1/messages>",
        "<img srcset=x>",
        "<p style='position:fixed'>",
        "<p style='color:expression(x)'>",
        "<p style='background:url(\"https://a.test/x\")'>",
        "<p style='color:url(\"/v1/messages/X/parts/1\")'>",
        "<form>",
    ],
)
def test_the_judge_sees_what_is_bad(bad: str) -> None:
    assert list(faults(bad))


PIECES = st.sampled_from(
    [
        *(f"<{name}>" for name in sorted({*ATTRIBUTES, *HIDDEN, "form", "noscript", "body", "option", "object"})),
        *(f"</{name}>" for name in ("p", "a", "b", "div", "table", "td", "svg", "math", "style", "script", "noscript")),
        *(
            "<",
            ">",
            "</",
            "<!--",
            "-->",
            "<![CDATA[",
            "]]>",
            "<?",
            "/>",
            '"',
            "'",
            "=",
            "&",
            ";",
            "\0",
            "\t",
            "\n",
            " ",
        ),
        *("<a href=", "<img src=", "<p style='", '<td background="', " onerror=x ", " title=", "<p title='", "<a "),
        *("javascript:", "&#106;avascript:", "data:image/png;base64,AA==", "https://a.test/", "cid:x@y", "//b.test"),
        *(
            "color:red;",
            "background:",
            "url(",
            ")",
            "expression(",
            "position:fixed;",
            "/*",
            "*/",
            "\\",
            "x",
            "é",
            "{",
            "@",
        ),
    ]
)


@given(st.lists(PIECES, max_size=30), st.booleans())
def test_only_what_may_stay_is_ever_in_a_page(pieces: list[str], remote: bool) -> None:
    body = shown("".join(pieces), remote=remote)
    assert list(faults(body, remote=remote)) == []
    assert read_again(body) == body


@given(
    st.lists(st.sampled_from(["color", ":", ";", "url(", ")", "'", '"', "red", "rgb(", "/*", "*/", "\\", "1px", "@"]))
)
def test_a_style_holds_only_safe_declarations(pieces: list[str]) -> None:
    style = safe_style("background:" + "".join(pieces), lambda _url: "https://a.test/\"x')")
    assert not style or list(style_faults(style, remote=True)) == []


@pytest.mark.parametrize(
    ("sent", "seen"),
    [
        ("<p>Hello<p>there", "<p>Hello</p><p>there</p>"),
        ("<body bgcolor=#fff style='color: #333'>x</body>", '<div bgcolor="#fff" style="color:#333">x</div>'),
        (
            "<table width=600 cellpadding=0 border=0 bgcolor=red align=center><tr><td valign=top colspan=2>x</table>",
            '<table width="600" cellpadding="0" border="0" bgcolor="red" align="center"><tbody><tr><td valign="top"'
            ' colspan="2">x</td></tr></tbody></table>',
        ),
        ("<font color=red size=2 face=Arial>x</font>", '<font color="red" size="2" face="Arial">x</font>'),
        ("<ul><li>a<li>b</ul>", "<ul><li>a</li><li>b</li></ul>"),
        ("<dl><dt>a<dd>b<dt>c</dl>", "<dl><dt>a</dt><dd>b</dd><dt>c</dt></dl>"),
        ("<h1>a<h2>b", "<h1>a</h1><h2>b</h2>"),
        ("a &lt; b &amp; c < d", "a &lt; b &amp; c &lt; d"),
        ("<o:p>x</o:p><center>y</center>", "x<center>y</center>"),
        ("<noscript>shown</noscript><form>Name: <input></form>", "shownName: "),
        (
            "<p style='font: 12px \"Segoe UI\", Arial !important; mso-x: y; color: rgb(1, 2, 3)'>x</p>",
            '<p style="font:12px &quot;Segoe UI&quot;, Arial !important;color:rgb(1, 2, 3)">x</p>',
        ),
        (
            "<table><tr><td>a</td>lost<tr><td>b</table>",
            "<table><tbody><tr><td>a</td><td>lost</td></tr><tr><td>b</td></tr></tbody></table>",
        ),
        (
            '<img src="data:image/gif;base64,R0lGODlh" alt=dot width=1>',
            '<img src="data:image/gif;base64,R0lGODlh" alt="dot" width="1">',
        ),
        (
            "<a href=mailto:a@test.org>x</a>",
            '<a href="mailto:a@test.org" target="_blank" rel="noopener noreferrer nofollow">x</a>',
        ),
        (
            '<td width=100"><a href="http://a.test">x</a>',
            '<a href="http://a.test" target="_blank" rel="noopener noreferrer nofollow">x</a>',
        ),
    ],
)
def test_what_mail_is_made_of_stays(sent: str, seen: str) -> None:
    assert shown(sent) == seen


def test_remote_pictures_are_counted_and_shown_only_if_asked_for() -> None:
    data = mail(
        "<img src=https://a.test/1><img src=//a.test/2><table background='https://a.test/3'><td style='color:red;"
        "background:#fff url(https://a.test/4) no-repeat'>x</table><img src=http://a.test/5><a href=https://a.test>x</a>"
    )
    blocked, allowed = page_of(data), page_of(data, remote=True)
    assert (blocked.blocked, allowed.blocked) == (5, 1)
    assert re.findall('https?://[^"&]*', body_of(blocked)) == ["https://a.test"]
    urls = ["https://a.test/1", "https://a.test/2", "https://a.test/3", "https://a.test/4", "https://a.test"]
    assert re.findall('https?://[^"&]*', body_of(allowed)) == urls
    assert 'style="color:red;background:#fff  no-repeat"' in blocked.html
    assert policy_of(remote=False) in blocked.html
    assert policy_of(remote=True) in allowed.html
    assert "https:" not in policy_of(remote=False)


def related(html: str, *parts: str) -> bytes:
    head = "From: a@test.org\nContent-Type: multipart/related; boundary=b\n\n--b\nContent-Type: text/html\n\n"
    return (head + html + "".join(f"\n--b\n{each}" for each in parts) + "\n--b--\n").encode()


def test_parts_are_found_by_content_id_and_by_location() -> None:
    data = related(
        "<img src=cid:one@x><img src='CID:tw%6f@x'><img src=https://a.test/3.png><img src=pic.gif><img src=cid:none>"
        "<table background=cid:one@x><td style='background-image:url(cid:one@x)'>x</table><a href=cid:one@x>x</a>",
        "Content-Type: image/png\nContent-ID: <one@x>\n\nx",
        "Content-Type: image/png\nContent-ID: <two@x>\n\nx",
        "Content-Type: image/png\nContent-Location: https://a.test/3.png\n\nx",
        "Content-Type: image/gif\nContent-Location: pic.gif\n\nx",
    )
    body = body_of(page_of(data))
    assert re.findall(rf'src="{PATH}/parts/(.)"', body) == ["2", "3", "4", "5"]
    assert body.count("<img>") == 1
    assert f'<table background="{PATH}/parts/2">' in body
    assert f'<td style="background-image:url(&quot;{PATH}/parts/2&quot;)">' in body
    assert f'<a href="{PATH}/parts/2"' in body
    assert page_of(data).blocked == 0
    assert list(faults(body)) == []


def test_bodies_of_several_parts_are_joined() -> None:
    data = (
        b"Subject: <one> & two\nContent-Type: multipart/mixed; boundary=b\n\n"
        b"--b\nContent-Type: text/html\n\n<b>1\n"
        b'--b\nContent-Type: image/png; name="<x>.png"\nContent-Disposition: inline\n\nx\n'
        b"--b\nContent-Type: text/plain\n\n<2> & \n"
        b"--b\nContent-Type: image/svg+xml\nContent-Disposition: inline\n\nx\n"
        b"--b\nContent-Type: text/html\n\n3</div><i>\n--b--\n"
    )
    page = page_of(data)
    assert "<title>&lt;one&gt; &amp; two</title>" in page.html
    assert body_of(page).split("\n") == [
        "<b>1</b>",
        f'<p><img src="{PATH}/parts/2" alt="&lt;x&gt;.png"></p>',
        '<pre style="white-space:pre-wrap">&lt;2&gt; &amp; </pre>',
        f'<p><a href="{PATH}/parts/4" rel="{LINK_REL}" target="{LINK_TARGET}">image/svg+xml</a></p>',
        "3<i></i>",
    ]


def test_text_alone_is_a_page_too() -> None:
    page = page_of(b"From: a@test.org\n\n<script>x</script>\n  indented & more\n")
    expected = '<pre style="white-space:pre-wrap">&lt;script&gt;x&lt;/script&gt;\n  indented &amp; more\n</pre>'
    assert body_of(page) == expected


@pytest.mark.parametrize("content_type", ["text/html", "text/plain"])
@pytest.mark.parametrize(("size", "is_cut"), [(999, False), (1000, False), (1001, True)])
def test_what_is_too_long_is_cut_and_says_so(content_type: str, size: int, is_cut: bool) -> None:
    page = page_of(f"Content-Type: {content_type}\n\n".encode() + b"x" * size, limit=1000)
    assert page.html.count("x" * min(size, 1000)) == 1
    assert (CUT in page.html) == is_cut


def test_a_message_of_nothing_is_a_page() -> None:
    assert shown("") == ""
    assert page_of(b"").html.endswith("</body></html>\n")
