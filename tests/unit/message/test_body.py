"""Body selection: the RFC's own example, and each rule of its algorithm (RFC 8621 §4.1.4)."""

import pytest

from mailscribe.message import ParsedMessage, parse

type Tree = str | tuple[str, list[Tree]]


def mail(tree: Tree, level: int = 0) -> bytes:
    """A message of parts "type/subtype[;disposition][=name] id" or (multipart type, children)."""
    if isinstance(tree, str):
        kind, _, identity = tree.rpartition(" ")
        kind, _, name = kind.partition("=")
        kind, _, disposition = kind.partition(";")
        fields = [f"Content-Type: {kind}", f"Content-ID: {identity}"]
        if disposition or name:
            fields.append(f"Content-Disposition: {disposition or 'inline'}" + (f"; filename={name}" if name else ""))
        return ("\n".join(fields) + f"\n\n{identity}").encode()
    subtype, children = tree
    boundary = f"=_{level}"
    lines = [f"Content-Type: multipart/{subtype}; boundary={boundary}\n".encode()]
    for child in children:
        lines += [f"--{boundary}".encode(), mail(child, level + 1)]
    return b"\n".join([*lines, f"--{boundary}--".encode()])


def chosen(parsed: ParsedMessage) -> tuple[str, str, str]:
    lists = (parsed.text_body, parsed.html_body, parsed.attachments)
    text, html, attachments = (" ".join(part.cid or "?" for part in parts) for parts in lists)
    return text, html, attachments


RFC_EXAMPLE: Tree = (
    "mixed",
    [
        "text/plain;inline A",
        (
            "mixed",
            [
                (
                    "alternative",
                    [
                        ("mixed", ["text/plain;inline B", "image/jpeg;inline C", "text/plain;inline D"]),
                        ("related", ["text/html E", "image/jpeg F"]),
                    ],
                ),
                "image/jpeg;attachment G",
                "application/x-excel H",
                "message/rfc822 J",
            ],
        ),
        "text/plain;inline K",
    ],
)

CASES: dict[str, tuple[Tree, tuple[str, str, str]]] = {
    "the example of the RFC": (RFC_EXAMPLE, ("A B C D K", "A E K", "C F G H J")),
    "one text": ("text/plain A", ("A", "A", "")),
    "one html": ("text/html A", ("A", "A", "")),
    "one image": ("image/png A", ("A", "A", "")),
    "one attachment": ("application/pdf A", ("", "", "A")),
    "a text meant as an attachment": ("text/plain;attachment A", ("", "", "A")),
    "a calendar": ("text/calendar A", ("", "", "A")),
    "text and html": (("alternative", ["text/plain A", "text/html B"]), ("A", "B", "")),
    "a third form": (("alternative", ["text/plain A", "text/html B", "text/calendar C"]), ("A", "B", "C")),
    "an alternative with text only": (("alternative", ["text/plain A"]), ("A", "A", "")),
    "an alternative with html only": (("alternative", ["text/html A"]), ("A", "A", "")),
    "an alternative with neither": (("alternative", ["image/png A"]), ("", "", "A")),
    "images in the page": (("related", ["text/html A", "image/png B"]), ("A", "A", "B")),
    "html with images as the other form": (
        ("alternative", ["text/plain A", ("related", ["text/html B", "image/png C"])]),
        ("A", "B", "C"),
    ),
    "text, image, text": (("mixed", ["text/plain A", "image/png B", "text/plain C"]), ("A B C", "A B C", "")),
    "text with a name, first": (("mixed", ["text/plain=a.txt A", "text/plain B"]), ("A B", "A B", "")),
    "text with a name, later": (("mixed", ["text/plain A", "text/plain=b.txt B"]), ("A", "A", "B")),
    "an image with a name, later": (("mixed", ["text/plain A", "image/png=b.png B"]), ("A B", "A B", "")),
    "a message": (("mixed", ["text/plain A", "message/rfc822 B"]), ("A", "A", "B")),
    "an unknown multipart": (("x-foo", ["text/plain A", "text/plain B"]), ("A B", "A B", "")),
    "a report": (
        ("report", ["text/plain A", "message/delivery-status B", "text/rfc822-headers C"]),
        ("A", "A", "B C"),
    ),
    "a form that its level takes no more of": (
        ("alternative", [("mixed", ["text/html A", ("alternative", ["text/plain B", "text/html C"])])]),
        ("A C", "A C", "B"),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_selection(name: str) -> None:
    tree, expected = CASES[name]
    assert chosen(parse(mail(tree))) == expected


@pytest.mark.parametrize(
    ("tree", "expected"),
    [
        ("text/plain A", False),
        ("application/pdf;attachment A", True),
        ("application/pdf A", True),
        (("related", ["text/html A", "image/png B"]), True),
        (("related", ["text/html A", "image/png;inline B"]), False),
    ],
)
def test_has_attachment_unless_all_are_inline(tree: Tree, expected: bool) -> None:
    assert parse(mail(tree)).has_attachment is expected
