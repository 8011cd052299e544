"""Transfer encodings, whole and damaged."""

import base64
import mmap
import quopri
from pathlib import Path

import pytest

from mailscribe.message.transfer import PIECE, Decoder, Range, decode_base64, known_encoding

type Case = tuple[str, bytes, bytes, bool]

CASES: list[Case] = [
    ("7bit", b"a=41\r\n", b"a=41\r\n", False),
    ("8bit", b"\xe4", b"\xe4", False),
    ("binary", b"\x00", b"\x00", False),
    ("x-foo", b"a=41", b"a=41", False),
    ("base64", b"", b"", False),
    ("base64", b"TWFpbA==", b"Mail", False),
    ("base64", b"TWFp\r\nbA==\r\n", b"Mail", False),
    ("base64", b"TWFp", b"Mai", False),
    ("base64", b"TWFpbA", b"Mail", True),
    ("base64", b"TWFpbA=", b"Mail", True),
    ("base64", b"TWFpbA===", b"Mail", True),
    ("base64", b"TWFpbA==\r\n\r\n", b"Mail", False),
    ("base64", b"TW*Fp\xffbA==", b"Mail", True),
    ("base64", b"TQ==TQ==", b"MM", True),
    ("base64", b"TQ==\nTWFpbA==\n", b"MMail", True),
    ("base64", b"TQ==TWFp", b"MMai", True),
    ("base64", b"TQ== ignored", b"M", True),
    ("base64", b"TWFpb", b"Mai", True),
    ("base64", b"A", b"", True),
    ("base64", b"====", b"", True),
    ("base64", b"TWE=", b"Ma", False),
    ("base64", b"T W F p", b"Mai", False),
    ("quoted-printable", b"a=3Db", b"a=b", False),
    ("quoted-printable", b"a=3db", b"a=b", False),
    ("quoted-printable", b"a=\r\nb", b"ab", False),
    ("quoted-printable", b"a=\nb", b"ab", False),
    ("quoted-printable", b"a= \t\r\nb", b"ab", False),
    ("quoted-printable", b"a=\rb", b"ab", False),
    ("quoted-printable", b"a \r\nb\t\nc ", b"a\r\nb\nc ", False),
    ("quoted-printable", b"a=", b"a", False),
    ("quoted-printable", b"a=4", b"a=4", True),
    ("quoted-printable", b"a=ZZ", b"a=ZZ", True),
    ("quoted-printable", b"a_b", b"a_b", False),
    ("quoted-printable", b"\xe4=E4", b"\xe4\xe4", False),
    ("x-uuencode", b"begin 644 x\n#0V%T\n`\nend\n", b"Cat", False),
    ("x-uuencode", b"before\nbegin 644 x\r\n#0V%T\r\nend\r\nafter", b"Cat", False),
    ("x-uuencode", b"begin 644 x\n#0V%T extra\nend\n", b"Cat", True),
    ("x-uuencode", b"begin 644 x\n#0V%T\n", b"Cat", True),
    ("x-uuencode", b"begin 644 x\n#\xff\xff\xff\xff\nend\n", b"", True),
    ("x-yenc", b"=ybegin line=128 size=3 name=x\r\n\x6d\x8b\x9e\r\n=yend size=3\r\n", b"Cat", False),
    ("x-yenc", b"=ybegin x\n=ypart begin=1\n=}=\x8b\n=yend\n", bytes([0x13, 0x21]), False),
    ("x-yenc", b"=ybegin x\n\x6d=\n", b"C", True),
]


@pytest.mark.parametrize(("encoding", "octets", "expected", "is_damaged"), CASES)
def test_decode(encoding: str, octets: bytes, expected: bytes, is_damaged: bool) -> None:
    decoder = Decoder(Range(octets, 0, len(octets)), encoding)
    assert b"".join(decoder) == expected
    assert decoder.is_damaged == is_damaged


@pytest.mark.parametrize(
    ("declared", "meant"),
    [
        (None, "7bit"),
        ("8-bit", "8bit"),
        ("8 bit", "8bit"),
        ("7bits", "7bit"),
        ("quoted_printable", "quoted-printable"),
        ("uuencode", "x-uuencode"),
        ("x-uue", "x-uuencode"),
        ("base64", "base64"),
        ("6bit", None),
        ("x-foo", None),
    ],
)
def test_names(declared: str | None, meant: str | None) -> None:
    assert known_encoding(declared) == meant


@pytest.mark.parametrize("line", [b"", b"\n", b"\r\n"])
def test_pieces_are_seamless(line: bytes) -> None:
    """A part of more than one piece decodes as if it were one, with lines and without."""
    plain = bytes(range(256)) * (PIECE // 128)
    encoded = base64.b64encode(plain)
    lines = line.join(encoded[at : at + 76] for at in range(0, len(encoded), 76))
    assert decode_base64(lines) == (plain, False)
    quoted = quopri.encodestring(plain).replace(b"\n", line or b"\n")
    decoder = Decoder(Range(quoted, 0, len(quoted)), "quoted-printable")
    assert b"".join(decoder).replace(b"\r\n", b"\n") == plain
    assert not decoder.is_damaged


def test_quoted_printable_without_any_line_end() -> None:
    encoded = b"=E4" * PIECE
    decoder = Decoder(Range(encoded, 0, len(encoded)), "quoted-printable")
    assert b"".join(decoder) == b"\xe4" * PIECE
    assert not decoder.is_damaged


def test_a_range_of_a_mapped_file(tmp_path: Path) -> None:
    path = tmp_path / "mail"
    path.write_bytes(b"..TWFpbA==..")
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        assert b"".join(Decoder(Range(mapped, 2, 10), "base64")) == b"Mail"
