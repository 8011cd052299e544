"""The tree of parts, whole and broken."""

import pytest

from mailscribe.message import DefectCode, ParsedMessage, Part, decode_part, parse, parse_attached

type Shape = str | tuple[str, list[Shape]]

D = DefectCode
MIXED = "Content-Type: multipart/mixed; boundary=b\n\n"


def shape(part: Part, data: bytes) -> Shape:
    """`id type: content` of leaves, (type, children) of multiparts."""
    if part.sub_parts is None:
        return f"{part.part_id} {part.type}: {decode_part(data, part).decode().replace('\r\n', '\n')}"
    return part.type, [shape(child, data) for child in part.sub_parts]


def found(parsed: ParsedMessage) -> set[tuple[DefectCode, str | None]]:
    return {(defect.code, defect.part_id) for defect in parsed.defects}


CASES: dict[str, tuple[str, Shape, set[tuple[DefectCode, str | None]]]] = {
    "nothing": ("", "1 text/plain: ", set()),
    "only a body": ("\nhello", "1 text/plain: hello", set()),
    "only a header": ("A: b\n", "1 text/plain: ", set()),
    "two parts": (
        MIXED + "--b\n\none\n--b\n\ntwo\n--b--\n",
        ("multipart/mixed", ["1 text/plain: one", "2 text/plain: two"]),
        set(),
    ),
    "preamble and epilogue": (
        MIXED + "pre\n--b\n\none\n--b--\npost",
        ("multipart/mixed", ["1 text/plain: one"]),
        set(),
    ),
    "white space after the boundary": (
        MIXED + "--b \t\n\none\n--b-- \n",
        ("multipart/mixed", ["1 text/plain: one"]),
        set(),
    ),
    "a part's own line end": (MIXED + "--b\n\none\n\n--b--", ("multipart/mixed", ["1 text/plain: one\n"]), set()),
    "a part without a body": (MIXED + "--b\nA: b\n\n--b--", ("multipart/mixed", ["1 text/plain: "]), set()),
    "a part without an empty line": (MIXED + "--b\nA: b\n--b--", ("multipart/mixed", ["1 text/plain: "]), set()),
    "an empty part": (MIXED + "--b\n\n--b--", ("multipart/mixed", ["1 text/plain: "]), set()),
    "repeated delimiters": (MIXED + "--b\n--b\n\none\n--b--", ("multipart/mixed", ["1 text/plain: one"]), set()),
    "a part without a header": (
        MIXED + "--b\none\ntwo\n--b--",
        ("multipart/mixed", ["1 text/plain: one\ntwo"]),
        {(D.HEADER_NOT_TERMINATED, "1")},
    ),
    "not closed": (
        MIXED + "--b\n\none\n",
        ("multipart/mixed", ["1 text/plain: one\n"]),
        {(D.MULTIPART_NOT_CLOSED, None)},
    ),
    "closed by a mere delimiter": (
        MIXED + "--b\n\none\n--b\n",
        ("multipart/mixed", ["1 text/plain: one"]),
        {(D.MULTIPART_NOT_CLOSED, None)},
    ),
    "delimiters after the closing one": (
        MIXED + "--b\n\none\n--b--\n--b\n\ntwo",
        ("multipart/mixed", ["1 text/plain: one"]),
        set(),
    ),
    "no boundary": (
        "Content-Type: multipart/mixed\n\n--b\n\none",
        "1 text/plain: --b\n\none",
        {(D.MULTIPART_NO_BOUNDARY, None)},
    ),
    "no delimiter": (MIXED + "one", "1 text/plain: one", {(D.MULTIPART_NO_DELIMITER, None)}),
    "only the closing delimiter": (
        MIXED + "one\n--b--",
        "1 text/plain: one\n--b--",
        {(D.MULTIPART_NO_DELIMITER, None)},
    ),
    "boundaries that go on": (
        MIXED + "--b;\n\none\n--b--;\n",
        ("multipart/mixed", ["1 text/plain: one"]),
        {(D.MULTIPART_BOUNDARY_PREFIX, None)},
    ),
    "a boundary that begins another": (
        "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: multipart/mixed; boundary=bb\n\n"
        "--bb\n\none\n--bb--\n--b--",
        ("multipart/mixed", [("multipart/mixed", ["1.1 text/plain: one"])]),
        set(),
    ),
    "a multipart inside, not closed": (
        MIXED + "--b\nContent-Type: multipart/mixed; boundary=c\n\n--c\n\none\n--b\n\ntwo\n--b--",
        ("multipart/mixed", [("multipart/mixed", ["1.1 text/plain: one"]), "2 text/plain: two"]),
        {(D.MULTIPART_NOT_CLOSED, "1")},
    ),
    "the same boundary inside": (
        MIXED + "--b\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\none\n--b--",
        ("multipart/mixed", [("multipart/mixed", []), "2 text/plain: one"]),
        {(D.MULTIPART_NO_DELIMITER, "1")},
    ),
    "an encoded multipart": (
        "Content-Transfer-Encoding: base64\n" + MIXED + "--b\n\none\n--b--",
        ("multipart/mixed", ["1 text/plain: one"]),
        {(D.MULTIPART_ENCODED, None)},
    ),
    "a digest": (
        "Content-Type: multipart/digest; boundary=b\n\n--b\n\nA: b\n\none\n--b\nContent-Type: text/plain\n\ntwo\n--b--",
        ("multipart/digest", ["1 message/rfc822: A: b\n\none", "2 text/plain: two"]),
        set(),
    ),
    "a header that a delimiter ends": (
        MIXED + "--b\nContent-Type: multipart/mixed; boundary=c\n--c\nContent-Type: text/html\n\none\n--c--\n--b--",
        ("multipart/mixed", [("multipart/mixed", ["1.1 text/html: one"])]),
        {(D.HEADER_NOT_TERMINATED, "1")},
    ),
    "a boundary of many characters": (
        "Content-Type: multipart/mixed; boundary=\"'()+_,-./:=? x\"\n\n--'()+_,-./:=? x\n\none\n--'()+_,-./:=? x--",
        ("multipart/mixed", ["1 text/plain: one"]),
        set(),
    ),
    "a boundary with a space at its end": (
        'Content-Type: multipart/mixed; boundary="b "\n\n--b\n\none\n--b--',
        ("multipart/mixed", ["1 text/plain: one"]),
        set(),
    ),
    "no type": ("Content-Type: \n\none", "1 text/plain: one", {(D.CONTENT_TYPE_INVALID, "1")}),
    "half a type": ("Content-Type: text\n\none", "1 text/plain: one", {(D.CONTENT_TYPE_INVALID, "1")}),
    "two types": (
        "Content-Type: text/html\nContent-Type: text/plain\n\none",
        "1 text/html: one",
        {(D.CONTENT_FIELD_REPEATED, "1")},
    ),
    "an unknown encoding": (
        "Content-Transfer-Encoding: x-foo\n\none",
        "1 text/plain: one",
        {(D.ENCODING_UNKNOWN, "1")},
    ),
    "damaged base64": (
        "Content-Transfer-Encoding: base64\n\nb25l*\n",
        "1 text/plain: one",
        {(D.ENCODING_INVALID, "1")},
    ),
    "an unknown charset": (
        "Content-Type: text/plain; charset=x-foo\n\none",
        "1 text/plain: one",
        {(D.CHARSET_UNKNOWN, "1")},
    ),
}


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("name", CASES)
def test_structure(name: str, end: str) -> None:
    text, expected, defects = CASES[name]
    data = text.replace("\n", end).encode()
    parsed = parse(data)
    assert shape(parsed.body, data) == expected
    assert found(parsed) == defects


def test_a_boundary_in_octets() -> None:
    data = b"Content-Type: multipart/mixed; boundary=\xe4\n\n--\xe4\n\none\n--\xe4--"
    parsed = parse(data)
    assert shape(parsed.body, data) == ("multipart/mixed", ["1 text/plain: one"])


def test_ranges_are_exact() -> None:
    data = (MIXED + "--b\nA: b\n\none\n--b--").replace("\n", "\r\n").encode()
    root = parse(data).body
    assert (data[root.header_start : root.body_start], root.body_end) == (
        MIXED.replace("\n", "\r\n").encode(),
        len(data),
    )
    assert root.sub_parts is not None
    [part] = root.sub_parts
    assert data[part.header_start : part.body_start] == b"A: b\r\n\r\n"
    assert data[part.body_start : part.body_end] == b"one"


ATTACHED = (
    MIXED
    + "--b\nContent-Type: message/rfc822\n\nSubject: inner\n"
    + MIXED.replace("=b", "=c")
    + "--c\n\none\n--c--\n--b--"
)


def test_an_attached_message_is_a_leaf_and_can_be_parsed() -> None:
    data = ATTACHED.encode()
    root = parse(data).body
    assert root.sub_parts is not None
    [part] = root.sub_parts
    assert (part.part_id, part.type, part.sub_parts) == ("1", "message/rfc822", None)
    inner = parse_attached(data, part)
    assert inner.subject == "inner"
    assert shape(inner.body, data) == ("multipart/mixed", ["1.1 text/plain: one"])
    assert data[inner.headers[0].start : inner.headers[0].end] == b"Subject: inner\n"


def test_an_encoded_attached_message_has_offsets_of_its_own() -> None:
    data = b"Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nU3ViamVjdDogaW5uZXIKCm9uZQ==\n"
    part = parse(data).body
    inner = parse_attached(data, part)
    assert (inner.subject, inner.preview) == ("inner", "one")
    assert inner.body.part_id == "1.1"
    assert decode_part(decode_part(data, part), inner.body) == b"one"
