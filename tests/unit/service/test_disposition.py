"""Names of strangers in Content-Disposition: only ever a name, and the same to every reader of RFC 6266."""

from email.message import Message
from email.utils import collapse_rfc2231_value

import pytest

from mailscribe.service.api.disposition import LONGEST, OCTETS, disposition, safe_name

NASTY = {
    "line ends": ("a\r\nSet-Cookie: x=y\r\n\r\n<script>.txt", "a__Set-Cookie_ x=y_____script_.txt"),
    "folds": ("a\r\n b.txt", "a__ b.txt"),
    "NUL": ("a.txt\0.exe", "a.txt_.exe"),
    "quotes": ('a"; filename="b.exe', "a__ filename=_b.exe"),
    "back-slashes": (r"a\"b\\c.txt", "a__b__c.txt"),
    "path up": ("../../../etc/passwd", "_.._.._etc_passwd"),
    "path up, encoded": ("..%2f..%2fetc%2fpasswd", "_2f.._2fetc_2fpasswd"),
    "path of Windows": (r"C:\Windows\system32\x.dll", "C__Windows_system32_x.dll"),
    "path of a share": (r"\\host\share\x", "__host_share_x"),
    "stream": ("a.txt::$DATA", "a.txt__$DATA"),
    "full-width path": ("\uff0e\uff0e\uff0fetc\uff3cx\uff1ay", "\uff0e\uff0e_etc_x_y"),
    "account of": ("\u2100.txt", "_.txt"),
    "right to left": ("photo\u202egpj.exe", "photo_gpj.exe"),
    "isolates": ("a\u2066b\u2069c\u200fd", "a_b_c_d"),
    "invisible": ("a\u200bb\ufeffc\u00add", "a_b_c_d"),
    "separators": ("a\u2028b\u2029c", "a_b_c"),
    "controls": ("a\x1b[2Jb\x7fc\x9bd", "a_[2Jb_c_d"),
    "surrogate": ("a\udcffb", "a_b"),
    "hidden": (".htaccess", "htaccess"),
    "dots": ("...", "X"),
    "dots and spaces": (" . . ", "X"),
    "ends with a dot": ("a.exe. . ", "a.exe"),
    "nothing": ("", "X"),
    "device": ("CON", "_CON"),
    "device with an extension": ("nul.tar.gz", "_nul.tar.gz"),
    "nearly a device": ("console.txt", "console.txt"),
    "shell": ("$(x);`y`|z&.sh", "$(x)__y__z&.sh"),
    "wild": ("*?<>.txt", "____.txt"),
    "percent": ("100%41.txt", "100_41.txt"),
    "encoded word": ("=?utf-8?q?a=2Fb?=", "=_utf-8_q_a=2Fb_="),
    "extended": ("UTF-8''a%2Fb", "UTF-8__a_2Fb"),
    "not ASCII": ("naïve Größe 文書.pdf", "naïve Größe 文書.pdf"),
    "composed of two": ("e\u0301.txt", "e\u0301.txt"),
    "emoji": ("\U0001f600.png", "\U0001f600.png"),
}


def read_back(value: str) -> tuple[str, str]:
    """The disposition and the name as the standard library reads them."""
    message = Message()
    message["Content-Disposition"] = value
    found = message.get_param("filename", header="content-disposition")
    assert found is not None
    return message.get_content_disposition() or "", collapse_rfc2231_value(found)


@pytest.mark.parametrize("name", NASTY)
def test_a_nasty_name_is_only_a_name(name: str) -> None:
    given, expected = NASTY[name]
    safe = safe_name(given, "X")
    assert safe == expected
    value = disposition("attachment", safe)
    assert value.isascii()
    assert value.isprintable()
    assert value.count('"') == 2
    if safe.isascii():
        assert read_back(value) == ("attachment", safe)
    else:
        plain, extended = value.split("; ")[1:]
        assert plain.startswith('filename="')
        assert extended.startswith("filename*=UTF-8''")
        assert read_back(f"attachment; {extended}") == ("attachment", safe)


@pytest.mark.parametrize("letter", ["a", "é", "文", "\U0001f600"])
@pytest.mark.parametrize("count", [59, 60, 61, 79, 80, 81, LONGEST - 5, LONGEST - 4, LONGEST - 3, 255, 256, 10_000])
def test_a_long_name_is_cut_and_keeps_its_extension(letter: str, count: int) -> None:
    given = letter * count + ".tar.gz"
    safe = safe_name(given, "X")
    fits = len(given) <= LONGEST and len(given.encode()) <= OCTETS
    assert (safe == given) == fits
    assert len(safe) <= LONGEST
    assert len(safe.encode()) <= OCTETS
    assert safe.endswith(".tar.gz")
    assert set(safe.removesuffix(".tar.gz")) == {letter}
