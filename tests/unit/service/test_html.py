"""A message's page: what may be in it is, nothing else is, whatever was sent."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailscribe.service.html import CUT, policy_of
from mailscribe.service.html.policy import ATTRIBUTES, HIDDEN, LINK_REL, LINK_TARGET
from mailscribe.service.html.style import safe_style
from support.html_attacks import ATTACKS
from support.html_judge import PATH, body_of, faults, is_read_alike, mail, page_of, shown, style_faults


@pytest.mark.parametrize("remote", [False, True], ids=["blocked", "allowed"])
@pytest.mark.parametrize("name", ATTACKS)
def test_no_attack_comes_through(name: str, remote: bool) -> None:
    body = shown(ATTACKS[name], remote=remote)
    assert list(faults(body, remote=remote)) == []
    assert is_read_alike(body)


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
    assert is_read_alike(body)


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
        "Content-Type: image/gif\nContent-Location: \x01x\x01y\n\nx",
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
