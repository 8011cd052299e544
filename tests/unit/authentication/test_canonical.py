"""Canonical forms: RFC 6376's examples, any split of a body, and the whole-message forms of the test signer."""

from itertools import pairwise
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailscribe.authentication.canonical import BodyCanonicalizer, Form, header_field
from support import dkim_signer

FORMS: list[Form] = ["simple", "relaxed"]
BODIES = st.text(alphabet="ab \t\r\n", max_size=60).map(str.encode)


def canonical(pieces: list[bytes], form: Form) -> bytes:
    body = BodyCanonicalizer(form)
    return b"".join([*(octets for piece in pieces for octets in body.feed(piece)), *body.finish()])


@pytest.mark.parametrize(
    ("form", "fields", "body"),
    [
        ("relaxed", [b"a:X", b"b:Y Z"], b" C\r\nD E\r\n"),
        ("simple", [b"A: X", b"B : Y\t\r\n\tZ  "], b" C \r\nD \t E\r\n"),
    ],
)
def test_the_example_of_the_rfc(form: Form, fields: list[bytes], body: bytes) -> None:
    """RFC 6376 §3.4.5."""
    assert [header_field(octets, form) for octets in (b"A: X", b"B : Y\t\r\n\tZ  ")] == fields
    assert canonical([b" C \r\nD \t E\r\n\r\n\r\n"], form) == body


@pytest.mark.parametrize("form", FORMS)
@given(body=BODIES, cuts=st.lists(st.integers(0, 60), max_size=8))
def test_a_body_in_any_pieces_is_the_same(form: Form, body: bytes, cuts: list[int]) -> None:
    edges = [0, *sorted(min(cut, len(body)) for cut in cuts), len(body)]
    assert canonical([body[start:end] for start, end in pairwise(edges)], form) == canonical([body], form)


@pytest.mark.parametrize("form", FORMS)
@given(body=BODIES)
def test_a_body_octet_by_octet_is_the_whole_one(form: Form, body: bytes) -> None:
    wire = body.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    octets = [body[at : at + 1] for at in range(len(body))]
    assert canonical(octets, form) == dkim_signer.body_form(wire, form)


@pytest.mark.parametrize("form", FORMS)
@given(value=st.text(alphabet="ab: \t", max_size=20), folds=st.integers(0, 3))
def test_a_field_is_what_the_signer_makes_of_it(form: Form, value: str, folds: int) -> None:
    field = b"Na-Me \t:" + b"\r\n ".join([value.encode()] * (folds + 1))
    assert header_field(field, form) == dkim_signer.header_form(field, form)


def test_nothing_large_is_held_back() -> None:
    """Empty lines wait as a count and leave in portions."""
    body = BodyCanonicalizer("simple")
    count = 200_000
    assert list(body.feed(b"\r\n" * count)) == []
    pieces = list(body.feed(b"x"))
    assert b"".join(pieces) == b"\r\n" * count + b"x"
    assert max(map(len, pieces)) <= 1 << 16


def test_the_forms_are_these() -> None:
    assert list(get_args(Form.__value__)) == FORMS
