r"""The PROXY protocol, versions 1 and 2: who the client is, in the words of a proxy that is believed.

A header is required on a listener that expects it and is never looked for elsewhere; it is read whole before anything
else, and only from peers that are trusted. What is no header, or none yet when it is too long for one, ends the
connection without a word. Source: the specification by HAProxy, sections 2.1 and 2.2.

>>> read_header(b"PROXY TCP4 192.0.2.7 192.0.2.1 40025 25\r\nEHLO")
(Header(text='v1 TCP4 192.0.2.7:40025 192.0.2.1:25', client=('192.0.2.7', 40025)), b'EHLO')
"""

import ipaddress
import re
import struct
from collections.abc import Iterable
from typing import Final

from msgspec import Struct

from mailscribe.errors import ConfigError
from mailscribe.policy.pattern import SourcePattern

SECONDS: Final = 5.0
"""Within which the whole header must have come."""
MAX_V1: Final = 107
MAX_V2: Final = 16 + 2048
"""Octets: 216 of addresses at most, and what extensions a proxy may add."""

_SIGNATURE: Final = b"\r\n\r\n\0\r\nQUIT\n"
_PREFIX: Final = b"PROXY "
_V1: Final = re.compile(
    rb"PROXY (?:(?P<unknown>UNKNOWN)(?: [ -~]*)?|TCP(?P<version>[46]) (?P<source>[0-9a-fA-F:.]+) "
    rb"(?P<target>[0-9a-fA-F:.]+) (?P<source_port>0|[1-9][0-9]{0,4}) (?P<target_port>0|[1-9][0-9]{0,4}))"
)
_FAMILIES: Final = {0x1: ("4", "!4s4sHH"), 0x2: ("6", "!16s16sHH")}
_PROTOCOLS: Final = {0x1: "TCP", 0x2: "UDP"}

type _Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Header(Struct, frozen=True):
    """What a header says: a text for the transcript, and the client; None when the proxy speaks for itself."""

    text: str
    client: tuple[str, int] | None


class BadHeader(Exception):
    """What came is no PROXY header."""


class Trusted:
    """The peers whose headers are believed."""

    __slots__ = ("_patterns",)

    def __init__(self, texts: Iterable[str]) -> None:
        """Addresses and networks. Raises `ConfigError`."""
        self._patterns = tuple(SourcePattern.parse(text) for text in texts)
        if not self._patterns:
            raise ConfigError("a listener with +proxy believes nobody: MAILSCRIBE_PROXY_TRUSTED is empty")

    def __contains__(self, ip: str) -> bool:
        """Whether a peer is one of them."""
        return any(pattern.matches(ip) for pattern in self._patterns)


def octets_wanted(data: bytes) -> int:
    """How many more octets may be read without taking any of what follows the header that begins with `data`."""
    if not data.startswith(_SIGNATURE[: max(len(data), 1)]):
        return 1  # version 1 ends with a line, wherever that is
    if len(data) < 16:
        return 16 - len(data)
    return max(1, 16 + int.from_bytes(data[14:16]) - len(data))


def read_header(data: bytes) -> tuple[Header, bytes] | None:
    """The header at the front and what follows it; None: more is needed. Raises `BadHeader`."""
    if data.startswith((_SIGNATURE[: len(data)], _SIGNATURE)):
        return _read_v2(data)
    if data.startswith((_PREFIX[: len(data)], _PREFIX)):
        return _read_v1(data)
    raise BadHeader


def _read_v1(data: bytes) -> tuple[Header, bytes] | None:
    end = data.find(b"\r\n", 0, MAX_V1)
    if end < 0:
        if len(data) >= MAX_V1:
            raise BadHeader
        return None
    found = _V1.fullmatch(data[:end])
    if found is None:
        raise BadHeader
    rest = data[end + 2 :]
    if found["unknown"]:
        return Header("v1 UNKNOWN", None), rest
    version = found["version"].decode()
    source, target = (_address(found[name].decode(), version) for name in ("source", "target"))
    return _told("v1", "TCP", version, (source, int(found["source_port"])), (target, int(found["target_port"]))), rest


def _read_v2(data: bytes) -> tuple[Header, bytes] | None:
    if len(data) < 16:
        return None
    command, family, length = struct.unpack_from("!BBH", data, 12)
    if command >> 4 != 2 or command & 0xF > 1 or 16 + length > MAX_V2:
        raise BadHeader
    if len(data) < 16 + length:
        return None
    body, rest = data[16 : 16 + length], data[16 + length :]
    if command & 0xF == 0:
        return Header("v2 LOCAL", None), rest
    if family >> 4 not in _FAMILIES or family & 0xF not in _PROTOCOLS:
        return Header("v2 UNSPEC", None), rest
    version, form = _FAMILIES[family >> 4]
    if len(body) < struct.calcsize(form):
        raise BadHeader
    source, target, source_port, target_port = struct.unpack_from(form, body)
    first, second = (ipaddress.ip_address(each) for each in (source, target))
    return _told("v2", _PROTOCOLS[family & 0xF], version, (first, source_port), (second, target_port)), rest


def _address(text: str, version: str) -> _Address:
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        raise BadHeader from None
    if str(found.version) != version:
        raise BadHeader
    return found


def _told(form: str, protocol: str, version: str, source: tuple[_Address, int], target: tuple[_Address, int]) -> Header:
    if max(source[1], target[1]) > 65_535:
        raise BadHeader
    source_text, target_text = (f"[{ip}]:{port}" if version == "6" else f"{ip}:{port}" for ip, port in (source, target))
    return Header(f"{form} {protocol}{version} {source_text} {target_text}", (_client(source[0]), source[1]))


def _client(address: _Address) -> str:
    """As the client would be called without a proxy: one of v4 that came to a listener of v6 is of v4."""
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)
