"""DMARC aggregate reports: what they say, in every packing, and that none of the usual bombs is more than a defect."""

import gzip
import io
import zipfile
from base64 import encodebytes
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailscribe.message import parse
from mailscribe.message.aggregate import (
    AGGREGATE_DEPTH,
    AGGREGATE_ROWS,
    AGGREGATE_TEXT,
    AGGREGATE_VALUE,
    ROW_RESULTS,
    Aggregate,
    DkimResult,
    PublishedPolicy,
    Reason,
    Row,
    SpfResult,
    read_aggregate,
)
from mailscribe.message.archive import (
    ARCHIVE_MEMBERS,
    ARCHIVE_OCTETS,
    EXPANDED_OCTETS,
    EXPANDED_RATIO,
    Refused,
    unpacked,
)
from mailscribe.message.defects import Defect, DefectCode
from mailscribe.message.report import Report, read_report

ROW = """\
<record><row><source_ip>192.0.2.1</source_ip><count>2</count><policy_evaluated><disposition>none</disposition>
<dkim>pass</dkim><spf>fail</spf><reason><type>forwarded</type><comment>by &lt;list&gt;</comment></reason>
</policy_evaluated></row><identifiers><header_from>x.org</header_from><envelope_from>y.org</envelope_from></identifiers>
<auth_results><dkim><domain>x.org</domain><selector>s1</selector><result>pass</result></dkim>
<spf><domain>y.org</domain><scope>mfrom</scope><result>softfail</result></spf></auth_results></record>
"""
HEAD = """\
<report_metadata><org_name>Mail Inc.</org_name><email>dmarc@mail.example</email><report_id>r-1</report_id>
<date_range><begin>1700000000</begin><end>1700086399</end></date_range></report_metadata>
<policy_published><domain>x.org</domain><adkim>r</adkim><aspf>s</aspf><p>reject</p><sp>none</sp><pct>100</pct>
<fo>1</fo></policy_published>
"""
NAME = "mail.example!x.org!1700000000!1700086399.xml"
TOO_LARGE, INVALID = DefectCode.REPORT_TOO_LARGE, DefectCode.REPORT_INVALID


def document(body: str = HEAD + ROW, before: str = "", root: str = "feedback") -> bytes:
    return f'<?xml version="1.0" encoding="UTF-8" ?>\n{before}<{root}>\n{body}</{root}>\n'.encode()


def zipped(*members: tuple[str, bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, octets in members:
            archive.writestr(name, octets)
    return made.getvalue()


def mail(octets: bytes, type_: str, name: str = NAME, subject: str = "x") -> bytes:
    header = f"Subject: {subject}\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nSee below.\r\n--b\r\n"
    part = f"Content-Type: {type_}\r\nContent-Transfer-Encoding: base64\r\n"
    disposition = f'Content-Disposition: attachment; filename="{name}"'
    return f"{header}{part}{disposition}\r\n\r\n".encode() + encodebytes(octets) + b"\r\n--b--\r\n"


def read(data: bytes) -> Report | Defect | None:
    return read_report(data, parse(data))


def code(octets: bytes, name: str = NAME) -> DefectCode | None:
    """What is wrong with an attachment that says by its name that it is a report."""
    found = read(mail(octets, "application/octet-stream", name))
    assert isinstance(found, (Defect, Aggregate))
    return found.code if isinstance(found, Defect) else None


def aggregate(octets: bytes) -> Aggregate:
    found = read_aggregate(octets)
    assert found is not None
    return found


WHOLE = Aggregate(
    org="Mail Inc.",
    org_email="dmarc@mail.example",
    report_id="r-1",
    begin=datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC),
    end=datetime(2023, 11, 15, 22, 13, 19, tzinfo=UTC),
    policy=PublishedPolicy("x.org", "r", "s", "reject", "none", None, 100, "1", None),
    rows=(
        Row(
            "192.0.2.1", 2, "none", "pass", "fail", "x.org", "y.org", None,
            (Reason("forwarded", "by <list>"),), (DkimResult("x.org", "s1", "pass"),),
            (SpfResult("y.org", "mfrom", "softfail"),),
        ),
    ),
    rows_total=1,
    messages_total=2,
)  # fmt: skip


@pytest.mark.parametrize("type_", ["application/zip", "application/x-zip-compressed", "application/octet-stream"])
def test_a_zip(type_: str) -> None:
    assert read(mail(zipped(("readme.txt", b"x"), (NAME, document())), type_, f"{NAME[:-4]}.zip")) == WHOLE
    assert read(mail(zipped(("report", document())), type_, "report.zip")) == WHOLE


@pytest.mark.parametrize("type_", ["application/gzip", "application/x-gzip", "application/octet-stream", "text/xml"])
@pytest.mark.parametrize("name", [f"{NAME}.gz", "r.xml.gz"])
def test_a_gzip(type_: str, name: str) -> None:
    half = len(document()) // 2
    members = gzip.compress(document()[:half]) + gzip.compress(document()[half:])
    assert read(mail(gzip.compress(document()), type_, name)) == read(mail(members, type_, name)) == WHOLE


@pytest.mark.parametrize("type_", ["application/xml", "text/xml", "application/octet-stream"])
@pytest.mark.parametrize("name", [NAME, "r.xml"])
def test_plain_xml(type_: str, name: str) -> None:
    assert read(mail(document(), type_, name)) == WHOLE


def test_the_whole_body() -> None:
    data = b"Subject: Report Domain: x.org Submitter: y Report-ID: <1>\r\nContent-Type: application/gzip\r\n"
    assert read(data + b"Content-Transfer-Encoding: base64\r\n\r\n" + encodebytes(gzip.compress(document()))) == WHOLE


@pytest.mark.parametrize(
    "octets",
    [
        document(before="<!-- c -->"),
        document(root="feedback").replace(b"<feedback>", b'<feedback xmlns="urn:ietf:params:xml:ns:dmarc-2.0">'),
        document(root="d:feedback").replace(b"<d:feedback>", b'<d:feedback xmlns:d="urn:x">'),
        b" \r\n" + document() + b"junk",
        b"\xef\xbb\xbf" + document(),
        document().decode().replace("UTF-8", "UTF-16").encode("utf-16"),
        document(HEAD + "<extension><a>1</a></extension>" + ROW),
    ],
)
def test_what_is_forgiven(octets: bytes) -> None:
    assert read_aggregate(octets) == WHOLE


def test_what_is_not_said_is_none() -> None:
    found = aggregate(document("<record><row><count>many</count></row></record>"))
    assert (found.org, found.begin, found.policy.domain, found.rows[0].messages) == (None, None, None, None)
    assert aggregate(document(HEAD.replace("1700000000", "9" * 15))).begin is None


@pytest.mark.parametrize(
    "octets",
    [
        b"", b"<", b"x", document()[:-15], b"<html></html>", document().replace(b"UTF-8", b"rot13"),
        document().replace(b"UTF-8", b"nonsense"), document("&undeclared;"), document("<a></b>"),
    ],
)  # fmt: skip
def test_what_is_no_report(octets: bytes) -> None:
    assert read_aggregate(octets) is None
    assert code(octets) is INVALID


BOMBS = {
    "laughs": '<!DOCTYPE f [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]>',
    "quadratic": f'<!DOCTYPE f [<!ENTITY a "{"x" * 1000}">]>',
    "external": '<!DOCTYPE f [<!ENTITY a SYSTEM "file:///etc/passwd">]>',
    "parameter": '<!DOCTYPE f [<!ENTITY % a SYSTEM "http://127.0.0.1:1/x"> %a;]>',
}


@pytest.mark.parametrize("before", BOMBS.values(), ids=BOMBS)
def test_no_entity_is_declared(before: str) -> None:
    octets = document(HEAD.replace("Mail Inc.", "&a;"), before)
    assert code(octets) is code(gzip.compress(octets), f"{NAME}.gz") is INVALID


def test_other_mail_with_archives_is_no_report_and_has_no_defect() -> None:
    assert read(mail(zipped(("a.xml", b"<html/>")), "application/zip", "a.zip")) is None
    assert read(mail(b"PK\x03\x04 broken", "application/zip", "a.zip")) is None
    assert read(mail(b"\x1f\x8b broken", "application/gzip", "a.gz")) is None
    assert read(mail(b"<a/>", "text/xml", "a.xml")) is None
    assert read(mail(bytes(ARCHIVE_OCTETS + 1), "application/zip", "a.zip")) is None


@pytest.mark.parametrize("over", [-1, 0, 1])
def test_octets_of_an_archive(over: int) -> None:
    packed = gzip.compress(document())
    packed += bytes(ARCHIVE_OCTETS + over - len(packed))
    assert code(packed, f"{NAME}.gz") is (TOO_LARGE if over > 0 else None)


@pytest.mark.parametrize("over", [-1, 0, 1])
def test_octets_of_a_file(over: int) -> None:
    octets = document()
    octets += b"\n" * (EXPANDED_OCTETS + over - len(octets))
    assert code(octets) is (TOO_LARGE if over > 0 else None)
    member = bytes((index * index >> 7) & 0xFF for index in range(1 << 16)) * 256
    packed = gzip.compress(member[: EXPANDED_OCTETS - 1]) + gzip.compress(member[: 1 + over])
    if over > 0:
        with pytest.raises(Refused):
            unpacked(packed, b".xml")
    else:
        assert len(unpacked(packed, b".xml")) == EXPANDED_OCTETS + over


@pytest.mark.parametrize("over", [-1, 0, 1])
@pytest.mark.parametrize("kind", ["gzip", "zip"])
def test_ratio(kind: str, over: int) -> None:
    size = 2000
    plain = document() + b"\n" * (EXPANDED_RATIO * size + over - len(document()))
    packed = gzip.compress(plain) if kind == "gzip" else zipped((NAME, plain))
    room = size - len(packed)
    assert room > 0
    if kind == "zip":  # the room is the archive's comment
        packed = packed[:-2] + room.to_bytes(2, "little")
    assert code(packed + bytes(room)) is (TOO_LARGE if over > 0 else None)


@pytest.mark.parametrize("kind", ["gzip", "zip"])
def test_a_bomb_of_zeros(kind: str) -> None:
    plain = bytes(EXPANDED_OCTETS * 4)
    assert code(gzip.compress(plain) if kind == "gzip" else zipped((NAME, plain))) is TOO_LARGE


@pytest.mark.parametrize("over", [-1, 0, 1])
def test_members(over: int) -> None:
    count = ARCHIVE_MEMBERS + over
    members = [(f"{number}.txt", b"") for number in range(count - 1)]
    assert code(zipped(*members, (NAME, document()))) is (TOO_LARGE if over > 0 else None)
    pieces = [gzip.compress(b"")] * (count - 1)
    assert code(b"".join([*pieces, gzip.compress(document())])) is (TOO_LARGE if over > 0 else None)


def test_archives_in_archives_are_not_opened() -> None:
    assert code(zipped(("a.zip", zipped((NAME, document()))))) is INVALID
    assert code(gzip.compress(gzip.compress(document()))) is INVALID
    assert code(zipped(("a", document()), ("b", document()))) is INVALID


def test_members_that_overlap_are_read_once() -> None:
    packed = bytearray(zipped((NAME, document()), ("b.xml", document())))
    second = packed.rfind(b"PK\x01\x02")
    packed[second + 42 : second + 46] = bytes(4)  # the second's data are the first's
    assert read(mail(bytes(packed), "application/zip")) == WHOLE


@pytest.mark.parametrize("over", [-1, 0, 1])
def test_rows(over: int) -> None:
    found = aggregate(document("<record><row><count>3</count></row></record>" * (AGGREGATE_ROWS + over)))
    assert (len(found.rows), found.rows_total) == (min(AGGREGATE_ROWS, AGGREGATE_ROWS + over), AGGREGATE_ROWS + over)
    assert found.messages_total == 3 * found.rows_total


@pytest.mark.parametrize("over", [-1, 0, 1])
def test_characters_of_rows(over: int) -> None:
    names = ("header_from", "envelope_from", "envelope_to")
    full = "".join(f"<{name}>{'x' * AGGREGATE_VALUE}</{name}>" for name in names)
    full = f"<record><identifiers>{full}</identifiers></record>"
    whole, rest = divmod(AGGREGATE_TEXT + over, AGGREGATE_VALUE * len(names))
    values = f"<header_from>{'x' * (rest - 100)}</header_from><envelope_to>{'x' * 100}</envelope_to>"
    last = f"<record><identifiers>{values}</identifiers></record>"
    assert 100 < rest <= AGGREGATE_VALUE + 100
    assert whole < AGGREGATE_ROWS - 2
    found = aggregate(document(full * whole + last + full))
    assert found.rows_total - len(found.rows) == (0 if over < 0 else 1)


@pytest.mark.parametrize("over", [-1, 0, 1])
def test_characters_of_a_value(over: int) -> None:
    found = aggregate(document(HEAD.replace("Mail Inc.", "x" * (AGGREGATE_VALUE + over))))
    assert len(found.org or "") == min(AGGREGATE_VALUE, AGGREGATE_VALUE + over)


@pytest.mark.parametrize("over", [-1, 0, 1])
def test_depth(over: int) -> None:
    inner = AGGREGATE_DEPTH - 1 + over
    found = read_aggregate(document(HEAD + "<a>" * inner + "</a>" * inner))
    assert (found is None) == (over > 0)


@pytest.mark.parametrize("over", [-1, 0, 1])
def test_results_of_a_row(over: int) -> None:
    result = "<dkim><domain>x.org</domain></dkim>"
    found = aggregate(document(f"<record><auth_results>{result * (ROW_RESULTS + over)}</auth_results></record>"))
    assert len(found.rows[0].dkim_results) == min(ROW_RESULTS, ROW_RESULTS + over)


@given(st.binary(max_size=200), st.integers(0, 400), st.sampled_from(["plain", "gzip", "zip"]))
def test_no_octets_raise(octets: bytes, at: int, kind: str) -> None:
    whole = {"plain": document(), "gzip": gzip.compress(document(), mtime=0), "zip": zipped((NAME, document()))}[kind]
    changed = whole[:at] + octets + whole[at + len(octets) :]
    assert read(mail(changed, "application/octet-stream")) is not None
    code(octets)
