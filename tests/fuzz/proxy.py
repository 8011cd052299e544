"""Fuzz target: what stands before a session on a listener behind a proxy is a header, not one yet, or none.

What is decided must not depend on how the octets come, and no octet behind the header may be taken for it.
"""

import struct
from collections.abc import Iterator

from mailscribe_smtp.proxy import MAX_V1, MAX_V2, BadHeader, Header, octets_wanted, read_header

_SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


def run(data: bytes) -> None:
    """Read it whole, at each length, and as the front end does: so many octets as are wanted."""
    try:
        found = read_header(data)
    except BadHeader:
        assert stepwise(data) == "bad"
        return
    if found is None:
        assert len(data) < max(MAX_V1, MAX_V2)
    else:
        check(*found, data)
    assert stepwise(data) == (found[0] if found else None)


def check(header: Header, rest: bytes, data: bytes) -> None:
    """What a header says can be shown, and it is all that was taken."""
    assert header.text.isascii()
    assert header.text.isprintable()
    assert data.endswith(rest)
    used = data[: len(data) - len(rest)]
    assert read_header(used) == (header, b"")
    if header.client is not None:
        assert 0 <= header.client[1] <= 65_535


def stepwise(data: bytes) -> Header | str | None:
    """What the front end sees: it reads no further than the header goes."""
    taken = 0
    while True:
        try:
            found = read_header(data[:taken])
        except BadHeader:
            return "bad"
        if found is not None:
            assert found[1] == b""
            return found[0]
        wanted = octets_wanted(data[:taken])
        assert wanted > 0
        if taken + wanted > len(data):
            return rest_of(data)
        taken += wanted


def rest_of(data: bytes) -> Header | str | None:
    """The connection is lost in the middle of a header: what all of it together says."""
    try:
        found = read_header(data)
    except BadHeader:
        return "bad"
    return found[0] if found else None


def seeds() -> Iterator[bytes]:
    """Both versions, both families, and what is none."""
    yield b"PROXY TCP4 192.0.2.7 192.0.2.1 40025 25\r\nEHLO a.b\r\n"
    yield b"PROXY TCP6 2001:db8::7 2001:db8::1 40025 25\r\n"
    yield b"PROXY UNKNOWN\r\n"
    yield b"EHLO a.b\r\n"
    four = struct.pack("!4s4sHH", b"\xc0\0\2\7", b"\xc0\0\2\1", 40025, 25)
    six = struct.pack("!16s16sHH", b"\x20\1" + b"\7" * 14, b"\x20\1" + b"\1" * 14, 40025, 25)
    for command, family, addresses in ((0x21, 0x11, four), (0x21, 0x21, six), (0x20, 0, b""), (0x21, 0x12, four)):
        tail = b"\x04\0\1x"
        yield _SIGNATURE + bytes([command, family]) + struct.pack("!H", len(addresses)) + addresses + b"EHLO"
        yield _SIGNATURE + bytes([command, family]) + struct.pack("!H", len(addresses) + 4) + addresses + tail
