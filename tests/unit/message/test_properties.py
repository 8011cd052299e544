"""Whatever the octets: no exception, no octet lost, no lone surrogate, stable ids."""

from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mailscribe.message import Limits, decode_part, parse, parse_attached
from mailscribe.message.address import parse_addresses, parse_groups
from mailscribe.message.charset import decode
from mailscribe.message.date import parse_date
from mailscribe.message.encoded_word import decode_words
from mailscribe.message.header import raw_text
from mailscribe.message.html_text import html_to_text
from mailscribe.message.msgid import message_ids
from mailscribe.message.parameter import parse_structured
from mailscribe.message.received import parse_received
from mailscribe.message.transfer import Decoder, Range
from support.mail_checks import check, check_mail
from support.mail_view import gaps, walk

_PIECES = [
    b"\r\n",
    b"\n",
    b"\r",
    b"--b",
    b"--b--",
    b"--bb",
    b"\n\n",
    b"\r\n\r\n",
    b" ",
    b"\t",
    b":",
    b"Content-Type: multipart/mixed; boundary=b",
    b"Content-Type: multipart/alternative; boundary=bb",
    b"Content-Type: multipart/digest; boundary=b\r\n\r\n--b\r\n",
    b"Content-Type: message/rfc822",
    b"Content-Type: text/plain; charset=utf-8; format=flowed",
    b"Content-Type: text/html; charset=gb2312",
    b"Content-Transfer-Encoding: base64",
    b"Content-Transfer-Encoding: quoted-printable",
    b"Content-Transfer-Encoding: x-uuencode",
    b"Content-Disposition: attachment; filename*0*=utf-8''%e4",
    b"From: ",
    b"To: a@b, ",
    b"Subject: =?utf-8?q?=e4?=",
    b"Date: Tue, 21 May 98 11:37:22 MST",
    b"Received: by x; ",
    b"From nobody",
    b"\xef\xbb\xbf",
    b"TWFpbA==",
    b"=E4=",
    b"<p>&amp;</p>",
    b"begin 644 x\n#0V%T\nend",
    b"\nbegin 644 x\n",
    b"\n#0V%T\n",
    b"\nend\n",
    b"\n=ybegin line=9 size=3 name=x\n",
    b"\n=yend\n",
    b"\x00",
    b"\xe4\xb8",
    b"\xff",
    b"a",
]
MAIL = st.lists(st.sampled_from(_PIECES), max_size=40).map(b"".join)
HEADER = st.text(alphabet="<>@,;:()[]\"\\ ab.=?'*%&#\t\r\n\0éß\u200b", max_size=60)


@given(MAIL)
@example(b"")
@example(b"\n")
@example(b":")
@example(b"Content-Type: multipart/mixed; boundary=b\n\n--b")
@example(b"Content-Type: multipart/mixed; boundary=b\n\n--b--")
@example(b"Content-Type: multipart/mixed; boundary=b\r\r--b\r\ra\r--b--")
def test_any_mail(data: bytes) -> None:
    check_mail(data)


CORPUS = [path.read_bytes() for path in sorted((Path(__file__).parents[2] / "corpus").glob("*.eml"))]
_EDIT = st.tuples(st.integers(0, 2000), st.integers(0, 40), st.sampled_from([b"", *_PIECES]))


@given(st.sampled_from(CORPUS), st.lists(_EDIT, max_size=8))
def test_any_damage_to_real_mail(data: bytes, edits: list[tuple[int, int, bytes]]) -> None:
    for at, length, piece in edits:
        data = data[:at] + piece + data[at + length :]
    check(data, parse(data))


@given(st.binary(max_size=300))
def test_any_octets(data: bytes) -> None:
    check(data, parse(data))


@given(MAIL)
def test_any_attached_message(data: bytes) -> None:
    whole = b"Content-Type: message/rfc822\n\n" + data
    parsed = parse(whole)
    attached = parse_attached(whole, parsed.body)
    assert attached.body.header_start == parsed.body.body_start
    assert attached.body.body_end == len(whole)
    assert all(part.part_id is None or part.part_id.startswith("1.") for part in walk(attached.body))


@given(MAIL, st.integers(0, 5), st.integers(0, 5), st.integers(0, 30))
def test_any_limits(data: bytes, fields: int, parts: int, size: int) -> None:
    limits = Limits(
        header_block=size, fields=fields, field=size, nesting=parts, parts=parts + 1, text=size, preview=size, defects=3
    )
    parsed = parse(data, limits)
    assert len(parsed.headers) <= fields
    assert len(list(walk(parsed.body))) <= parts + 1
    assert len(parsed.defects) <= 3
    assert len(parsed.preview) <= size
    assert all(len(field.value.encode()) <= size * 3 for field in parsed.headers)
    assert parsed.body.body_end == len(data)
    list(gaps(parsed.body))


@given(HEADER)
@example("=?utf-7?q?+2AA-?=")
@example("<" * 50)
@example('"' * 51)
def test_any_header_value(value: str) -> None:
    found = (
        parse_addresses(value),
        message_ids(value),
        parse_date(value),
        parse_structured(value),
        parse_received(value),
        decode_words(value),
        html_to_text(value),
    )
    repr(found).encode()


_LABELS = [None, "utf-8", "utf-7", "iso-2022-jp", "utf-16", "gb2312", "hz", "x-foo"]
_ENCODINGS = ["base64", "quoted-printable", "x-uuencode", "x-yenc", "x-foo", None]
_ENCODED = [b"TWFpbA", b"=", b"E4", b" ", b"\t", b"\r", b"begin 644 x", b"=ybegin x", b"end", b"\xff"]
_LINE = st.builds(
    lambda pieces, end: b"".join(pieces) + end,
    st.lists(st.sampled_from(_ENCODED), max_size=3),
    st.sampled_from([b"\n", b"\r\n"]),
)


@given(st.lists(_LINE, max_size=20).map(b"".join), st.sampled_from(_ENCODINGS), st.integers(40, 60))
def test_any_encoding_in_pieces_of_any_size(data: bytes, encoding: str | None, size: int) -> None:
    source = Range(data, 0, len(data))
    whole = Decoder(source, encoding)
    cut = Decoder(source, encoding, size)
    assert b"".join(whole) == b"".join(cut)
    assert whole.is_damaged == cut.is_damaged


_ADDRESS = ["a", " ", "b.c", "@", "<", ">", ",", '"', "é", "\t", "a@b", "<a@b>", '"a  b"', ", "]


@given(st.lists(st.sampled_from(_ADDRESS), max_size=12).map("".join))
def test_the_shortcut_for_usual_addresses_changes_nothing(value: str) -> None:
    found = tuple(address for group in parse_groups(value) for address in group.addresses)
    assert parse_addresses(value) == found


_STATEFUL = [b"+2AA-", b"+2", b"-", b"\x1b$B", b"\x1b(B", b'$"', b"~{", b"~}", b"\xd8\x00", b"\xe4", b"\xbd\xa0", b"a"]
_OCTETS = st.lists(st.sampled_from(_STATEFUL))


@given(st.binary(max_size=80) | _OCTETS.map(b"".join), st.sampled_from(_LABELS))
def test_any_charset(data: bytes, label: str | None) -> None:
    decode(data, label).text.encode()
    decode(data, label, is_whole=False).text.encode()
    raw_text(data).encode()


@settings(max_examples=20)
@given(st.lists(st.sampled_from([b"a", b"\r\n", b"x: y\r\n"]), max_size=5), st.integers(1, 4))
def test_a_wellformed_multipart_keeps_its_parts(bodies: list[bytes], depth: int) -> None:
    body = b"Content-Type: text/plain\r\n\r\n" + b"".join(bodies)
    for level in range(depth):
        mark = b"--=_%d" % level
        header = b"Content-Type: multipart/mixed; boundary==_%d\r\n\r\n" % level
        body = header + b"\r\n".join((mark, body, mark + b"--"))
    leaves = [part for part in walk(parse(body).body) if part.sub_parts is None]
    assert len(leaves) == 1
    assert decode_part(body, leaves[0]) == b"".join(bodies)


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_gaps_are_delimiter_lines_preamble_and_epilogue(end: bytes) -> None:
    lines = [b"Content-Type: multipart/mixed; boundary=b", b"", b"before", b"--b", b"", b"x", b"--b--", b"after"]
    data = end.join(lines)
    found = [data[start:stop] for start, stop in gaps(parse(data).body)]
    assert found == [end.join((b"before", b"--b", b"")), end + end.join((b"--b--", b"after"))]
