"""Fuzz target: of any HTML only what is harmless is in a message's page, and a browser sees the tree that was judged.

Besides octets, what HTML is made of is changed: tags, quotes, addresses, styles.
"""

import random
from collections.abc import Iterator

from mailscribe.service.html.policy import ATTRIBUTES, HIDDEN
from support.html_attacks import ATTACKS
from support.html_judge import faults, is_read_alike, shown

_LARGEST = 2048
_NAMES = (
    *sorted({*ATTRIBUTES, *HIDDEN}),
    "body",
    "button",
    "form",
    "frameset",
    "head",
    "html",
    "image",
    "noscript",
    "option",
)
_WORDS = (
    *(
        "<",
        ">",
        "</",
        "<!--",
        "-->",
        "--!>",
        "<![CDATA[",
        "]]>",
        "<?",
        "/>",
        '"',
        "'",
        "`",
        "=",
        "&",
        ";",
        "\0",
        "\t",
        "\n",
    ),
    *(" onerror=x ", " title=", "<p title='", '<img alt="', "<a href=", "<img src=", "<td background=", "<p style='"),
    *(
        "javascript:",
        "&#106;avascript:",
        "data:image/png;base64,AA==",
        "https://a.test/",
        "//b.test",
        "cid:x@y",
        "&lt;",
    ),
    *("color:red;", "background:", "url(", ")", "expression(", "position:fixed;", "/*", "*/", "\\", "é", "\ufeff"),
)


def run(data: bytes) -> None:
    """Both pages of it."""
    text = data.decode("utf-8", "replace")
    for remote in (False, True):
        body = shown(text, remote=remote)
        found = list(faults(body, remote=remote))
        assert not found, found
        assert is_read_alike(body), body


def seeds() -> Iterator[bytes]:
    """What means harm, as far as it is small."""
    for text in ATTACKS.values():
        if len(text) <= _LARGEST:
            yield text.encode()


def change(data: bytearray, corpus: list[bytes], chance: random.Random) -> None:
    """One change: a word or tag comes in, an octet becomes another, a piece goes or comes from elsewhere."""
    at, size = chance.randint(0, len(data)), chance.randint(1, 16)
    match chance.randrange(5):
        case 0:
            data[at:at] = chance.choice(_WORDS).encode()
        case 1:
            data[at:at] = f"<{chance.choice(('', '/'))}{chance.choice(_NAMES)}>".encode()
        case 2:
            data[at : at + 1] = bytes([chance.randrange(256)])
        case 3:
            del data[at : at + size]
        case _:
            other = chance.choice(corpus)
            start = chance.randint(0, len(other))
            data[at:at] = other[start : start + 4 * size]
