"""Charsets: labels as sent, octets as they are."""

import codecs

import pytest

from mailscribe.message.charset import _CODECS, GUESS, Decoded, codec_of, decode, guess, windows_1252

LABELS: list[tuple[str | None, str | None]] = [
    (None, GUESS),
    ("", GUESS),
    (" ", GUESS),
    ("us-ascii", GUESS),
    ("US-ASCII", GUESS),
    ("unknown-8bit", GUESS),
    ("utf-8", "utf-8"),
    ("UTF8", "utf-8"),
    ('"utf-8"', "utf-8"),
    ("unicode-1-1-utf-7", "utf-7"),
    ("iso-8859-1", "cp1252"),
    ("latin1", "cp1252"),
    ("windows-1252", "cp1252"),
    ("iso-8859-9", "cp1254"),
    ("windows-874", "cp874"),
    ("TIS-620", "cp874"),
    ("gb2312", "gb18030"),
    ("GBK", "gb18030"),
    ("ks_c_5601-1987", "cp949"),
    ("euc-kr", "cp949"),
    ("Shift_JIS", "cp932"),
    ("x-sjis", "cp932"),
    ("ISO-2022-JP", "iso2022_jp"),
    ("cp-850", "cp850"),
    ("iso-8859-8-i", "iso8859_8"),
    ("x-foo", None),
    ("idna", None),
    ("punycode", None),
    ("unicode_escape", None),
    ("zlib", None),
    ("rot13", None),
    ("mbcs", None),
    ("utf-8" * 20, None),
]

CASES: list[tuple[bytes, str | None, Decoded]] = [
    (b"abc", None, Decoded("abc")),
    ("grün".encode(), None, Decoded("grün")),
    (b"gr\xfcn \x80", None, Decoded("grün €")),
    ("grün".encode(), "us-ascii", Decoded("grün")),
    (b"gr\xfcn", "us-ascii", Decoded("grün")),
    (b"\x80\x93", "iso-8859-1", Decoded("€“")),
    (b"\x81\x8d\x8f\x90\x9d", "windows-1252", Decoded("\x81\x8d\x8f\x90\x9d")),
    (b"\xc4\xe3\xba\xc3", "gb2312", Decoded("你好")),
    (b"\xbe\xc8\xb3\xe7\x8c\x63", "ks_c_5601-1987", Decoded("안녕똠")),
    (b"\x87\x40", "shift_jis", Decoded("①")),
    (b'\x1b$B$"\x1b(B', "iso-2022-jp", Decoded("あ")),
    (b"\xa1\xa1", "tis-620", Decoded("กก")),
    (b"\xd0\xcf", "koi8-r", Decoded("по")),
    (b"+AGE-b", "utf-7", Decoded("ab")),
    (b"+2D3eAA-", "utf-7", Decoded("😀")),
    (b"+2AA-", "utf-7", Decoded("\ufffd")),
    (b"+2AA-b\t+2", "utf-7", Decoded("\ufffdb\t\ufffd", is_problem=True)),
    (b"\xff\xfea\x00", "utf-16", Decoded("a")),
    (b"a\x00", "utf-16le", Decoded("a")),
    # broken
    (b"abc", "x-foo", Decoded("abc", is_problem=True)),
    ("grün".encode(), "x-foo", Decoded("grün", is_problem=True)),
    (b"gr\xfcn", "utf-8", Decoded("grün", is_problem=True)),
    ("你好".encode() + b"\xff", "utf-8", Decoded("你好\ufffd", is_problem=True)),
    ("你好".encode(), "iso-2022-jp", Decoded("你好", is_problem=True)),
    ("grün".encode() + b"!", "gb2312", Decoded("gr眉n!")),
    (b"\xc4\xe3\xba\xc3\xff", "gb2312", Decoded("你好\ufffd", is_problem=True)),
    (b"a\x00b", "utf-16le", Decoded("a\ufffd", is_problem=True)),
    # ISO-2022-JP as vendors write it
    (b"\x1b$B-!\x1b(B", "iso-2022-jp", Decoded("①", is_problem=True)),
    (b"\x1b(I1\x1b(B!", "iso-2022-jp", Decoded("ｱ!", is_problem=True)),
    (b'\x1b$B$"\xff', "iso-2022-jp", Decoded("あ\ufffd", is_problem=True)),
]


@pytest.mark.parametrize(("label", "codec"), LABELS)
def test_labels(label: str | None, codec: str | None) -> None:
    assert codec_of(label) == codec


def test_every_codec_of_the_table_exists() -> None:
    for codec in set(_CODECS.values()) - {GUESS}:
        assert codecs.lookup(codec)


@pytest.mark.parametrize(("octets", "label", "expected"), CASES)
def test_decode(octets: bytes, label: str | None, expected: Decoded) -> None:
    assert decode(octets, label) == expected


@pytest.mark.parametrize(
    ("text", "label"), [("aü", "utf-8"), ("a你", "gb2312"), ("aあ", "iso-2022-jp"), ("a", "utf-16le"), ("aü", None)]
)
def test_a_cut_text_loses_only_its_cut_character(text: str, label: str | None) -> None:
    octets = text.encode(codec_of(label) or "utf-8")
    for end in range(len(octets)):
        found = decode(octets[:end], label, is_whole=False)
        assert text.startswith(found.text)
        assert not found.is_problem


def test_windows_1252_is_total() -> None:
    assert len(windows_1252(bytes(range(256)))) == 256


def test_guess() -> None:
    assert (guess(b"\xc3\xbc"), guess(b"\xfc")) == ("ü", "ü")
