"""PROXY headers: what they say, what is none, and that it does not matter how they are cut."""

import ipaddress
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailscribe.errors import ConfigError
from mailscribe_smtp.proxy import MAX_V1, MAX_V2, BadHeader, Header, Trusted, octets_wanted, read_header

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


def v2(command: int = 0x21, family: int = 0x11, body: bytes = b"", length: int | None = None) -> bytes:
    return SIGNATURE + struct.pack("!BBH", command, family, len(body) if length is None else length) + body


V4 = ipaddress.ip_address("192.0.2.7").packed + ipaddress.ip_address("192.0.2.1").packed + struct.pack("!HH", 40025, 25)
V6 = ipaddress.ip_address("2001:db8::7").packed + ipaddress.ip_address("::1").packed + struct.pack("!HH", 4, 465)
MAPPED = ipaddress.ip_address("::ffff:192.0.2.7").packed + V6[16:]
GOOD = {
    b"PROXY TCP4 192.0.2.7 192.0.2.1 40025 25\r\n": ("v1 TCP4 192.0.2.7:40025 192.0.2.1:25", ("192.0.2.7", 40025)),
    b"PROXY TCP6 2001:DB8::7 ::1 1 65535\r\n": ("v1 TCP6 [2001:db8::7]:1 [::1]:65535", ("2001:db8::7", 1)),
    b"PROXY TCP6 ::ffff:192.0.2.7 ::1 1 25\r\n": ("v1 TCP6 [::ffff:192.0.2.7]:1 [::1]:25", ("192.0.2.7", 1)),
    b"PROXY UNKNOWN\r\n": ("v1 UNKNOWN", None),
    b"PROXY UNKNOWN ffff:f...f:ffff 65535 65535\r\n": ("v1 UNKNOWN", None),
    v2(body=V4): ("v2 TCP4 192.0.2.7:40025 192.0.2.1:25", ("192.0.2.7", 40025)),
    v2(family=0x12, body=V4): ("v2 UDP4 192.0.2.7:40025 192.0.2.1:25", ("192.0.2.7", 40025)),
    v2(family=0x21, body=V6): ("v2 TCP6 [2001:db8::7]:4 [::1]:465", ("2001:db8::7", 4)),
    v2(family=0x21, body=MAPPED): ("v2 TCP6 [::ffff:192.0.2.7]:4 [::1]:465", ("192.0.2.7", 4)),
    v2(body=V4 + b"\x03\x00\x04abcd" + b"\x20\x00\x01x"): (
        "v2 TCP4 192.0.2.7:40025 192.0.2.1:25",
        ("192.0.2.7", 40025),
    ),
    v2(command=0x20): ("v2 LOCAL", None),
    v2(command=0x20, family=0, body=b"anything"): ("v2 LOCAL", None),
    v2(family=0x00): ("v2 UNSPEC", None),
    v2(family=0x31, body=b"\0" * 216): ("v2 UNSPEC", None),
}
BAD = [
    b"EHLO x\r\n",
    b"\x16\x03\x01",
    b"PROXY\r\n",
    b"PROXY  TCP4 192.0.2.7 192.0.2.1 40025 25\r\n",
    b"PROXY TCP4 192.0.2.7 192.0.2.1 40025\r\n",
    b"PROXY TCP4 192.0.2.7 192.0.2.1 040025 25\r\n",
    b"PROXY TCP4 192.0.2.7 192.0.2.1 65536 25\r\n",
    b"PROXY TCP4 ::1 ::1 1 25\r\n",
    b"PROXY TCP6 192.0.2.7 192.0.2.1 1 25\r\n",
    b"PROXY TCP4 1.2.3.256 192.0.2.1 1 25\r\n",
    b"PROXY TCP4 192.0.2.7 192.0.2.1 40025 25\nEHLO\r\n",
    b"PROXY TCP5 192.0.2.7 192.0.2.1 1 25\r\n",
    b"PROXY " + b"x" * MAX_V1,
    b"PROXY UNKNOWN " + b"x" * MAX_V1 + b"\r\n",
    SIGNATURE[:11] + b"X" + b"\0" * 20,
    v2(command=0x11, body=V4),
    v2(command=0x22, body=V4),
    v2(body=V4[:-1]),
    v2(family=0x21, body=V4),
    v2(length=MAX_V2),
]


@pytest.mark.parametrize("data", GOOD, ids=range(len(GOOD)))
def test_headers_at_every_split(data: bytes) -> None:
    text, client = GOOD[data]
    for rest in (b"", b"EHLO c.test\r\n", b"\r\n"):
        assert read_header(data + rest) == (Header(text, client), rest)
    for cut in range(len(data)):
        assert read_header(data[:cut]) is None
        assert 1 <= octets_wanted(data[:cut]) <= len(data) - cut


@pytest.mark.parametrize("data", BAD, ids=range(len(BAD)))
def test_what_is_no_header(data: bytes) -> None:
    with pytest.raises(BadHeader):
        read_header(data)


@given(
    st.binary(max_size=300) | st.sampled_from([*GOOD, *BAD]).flatmap(lambda data: st.just(data[:40]) | st.just(data))
)
def test_anything_is_a_header_or_none_or_needs_more(data: bytes) -> None:
    try:
        found = read_header(data)
    except BadHeader:
        return
    assert found is not None or len(data) < MAX_V2
    if found is not None and found[0].client is not None:
        ipaddress.ip_address(found[0].client[0])


def test_who_is_believed() -> None:
    trusted = Trusted(("10.0.0.0/8", "::1"))
    assert "10.1.2.3" in trusted
    assert "::ffff:10.1.2.3" in trusted
    assert "::1" in trusted
    assert "192.0.2.7" not in trusted
    for texts in ((), ("nonsense",)):
        with pytest.raises(ConfigError):
            Trusted(texts)
