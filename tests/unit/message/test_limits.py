"""Each limit at one below, at it, and one above."""

import pytest

from mailscribe.message import LIMITS, DefectCode, Limits, parse, plain_text
from support.mail_view import walk

D = DefectCode
STEPS = pytest.mark.parametrize("step", [-1, 0, 1])


def codes(data: bytes, limits: Limits = LIMITS) -> set[DefectCode]:
    return {defect.code for defect in parse(data, limits).defects}


@STEPS
def test_header_block(step: int) -> None:
    """A field that begins at the limit or beyond is not read; the body is found all the same."""
    first = b"A: " + b"x" * 20_000 + b"\n"
    data = first * 13 + b"B:" + b"y" * (LIMITS.header_block - 13 * len(first) - 3 + step) + b"\nC: z\n\nbody"
    parsed = parse(data)
    assert (parsed.headers[-1].name == "C") == (step < 0)
    assert (D.HEADER_TOO_LARGE in codes(data)) == (step >= 0)
    assert parsed.preview == "body"


@STEPS
def test_fields(step: int) -> None:
    data = b"A: b\n" * (LIMITS.fields + step) + b"\nbody"
    parsed = parse(data)
    assert len(parsed.headers) == min(LIMITS.fields, LIMITS.fields + step)
    assert (D.HEADER_TOO_MANY_FIELDS in codes(data)) == (step > 0)
    assert parsed.preview == "body"


@STEPS
def test_field(step: int) -> None:
    data = b"Subject:" + b"x" * (LIMITS.field + step) + b"\n\nbody"
    parsed = parse(data)
    assert parsed.subject is not None
    assert len(parsed.subject) == min(LIMITS.field, LIMITS.field + step)
    assert (D.HEADER_FIELD_TOO_LONG in codes(data)) == (step > 0)
    assert parsed.headers[0].end == data.index(b"\n\n") + 1


def test_a_field_is_cut_between_characters() -> None:
    assert parse("A:aü".encode(), Limits(field=2)).headers[0].value == "a"


@STEPS
def test_nesting(step: int) -> None:
    levels = LIMITS.nesting + step
    opening = (b"Content-Type: multipart/mixed; boundary=b%dx\n\n--b%dx\n" % (level, level) for level in range(levels))
    data = b"".join(opening) + b"\nleaf"
    parsed = parse(data)
    assert len(list(walk(parsed.body))) == min(levels, LIMITS.nesting) + 1
    assert (D.NESTING_TOO_DEEP in codes(data)) == (step > 0)
    assert parsed.preview.endswith("leaf")


@STEPS
def test_parts(step: int) -> None:
    """The multipart itself counts."""
    data = b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nx\n" * (LIMITS.parts - 1 + step) + b"--b--"
    parsed = parse(data)
    assert len(list(walk(parsed.body))) == min(LIMITS.parts, LIMITS.parts + step)
    assert (D.TOO_MANY_PARTS in codes(data)) == (step > 0)
    assert D.MULTIPART_NOT_CLOSED not in codes(data)


@STEPS
def test_parts_and_files_in_text(step: int) -> None:
    """Files that stand in a text count as parts; those beyond the limit are only text."""
    data = b"\n" + b"begin 644 x\n#0V%T\nend\n" * (LIMITS.parts - 1 + step)
    parsed = parse(data)
    assert len(parsed.attachments) == min(LIMITS.parts - 1, LIMITS.parts - 1 + step)
    assert (D.TOO_MANY_PARTS in codes(data)) == (step > 0)


@STEPS
def test_text(step: int) -> None:
    data = b"\n" + b"x" * (LIMITS.text + step)
    assert len(plain_text(data, parse(data))) == min(LIMITS.text, LIMITS.text + step)


@STEPS
def test_preview(step: int) -> None:
    data = b"\n" + b"x" * (LIMITS.preview + step)
    assert len(parse(data).preview) == min(LIMITS.preview, LIMITS.preview + step)


@STEPS
def test_defects(step: int) -> None:
    part = b"--b\nContent-Transfer-Encoding: x-foo\n\n\n"
    data = b"Content-Type: multipart/mixed; boundary=b\n\n" + part * (LIMITS.defects + step) + b"--b--"
    assert len(parse(data).defects) == min(LIMITS.defects, LIMITS.defects + step)
