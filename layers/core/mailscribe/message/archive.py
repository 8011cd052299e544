"""The one file in a gzip (RFC 1952) or zip archive, inflated under caps; what is neither is the file itself.

Never raises but `Refused`, linear, one output at a time: of a zip exactly one member is inflated, so members that
overlap, repeat or hold archives cost nothing, and no archive inside an archive is opened. Octets decide what an
archive is, for senders mix up the types. Checksums are left to whoever reads the file: XML tells when it is broken.
"""

import struct
import zlib
from typing import Final, NamedTuple

ARCHIVE_OCTETS: Final = 4_194_304
"""octets of an archive that is opened"""
ARCHIVE_MEMBERS: Final = 16
"""members of an archive that is opened"""
EXPANDED_OCTETS: Final = 16_777_216
"""octets that a file may have once it is inflated (RFC 7489 §7.2.1.1 speaks of ten megabytes for the compressed one)"""
EXPANDED_RATIO: Final = 250
"""octets that one octet of an archive may become; XML of one row a thousand times is 90, deflate can make 1,032"""

_GZIP: Final = b"\x1f\x8b"
_ZIP: Final = b"PK\x03\x04"
# APPNOTE 4.3.16: end of central directory: signature, disks, entries (here, in all), size, offset, comment length
_END: Final = struct.Struct("<4s4xHHIIH")
_END_MARK: Final = b"PK\x05\x06"
_END_OCTETS: Final = _END.size + 0xFFFF
# APPNOTE 4.3.12: signature, versions, flags, method, time, sum, compressed, plain, three lengths, …, offset
_ENTRY: Final = struct.Struct("<4s4xHH8xI4xHHH8xI")
_ENTRY_MARK: Final = b"PK\x01\x02"
# APPNOTE 4.3.7: the lengths of name and extra field end the local header
_LOCAL: Final = struct.Struct("<4s22xHH")
_STORED, _DEFLATED = 0, 8
_ENCRYPTED: Final = 1
_RAW_DEFLATE, _GZIP_WRAPPED = -15, 31


class Refused(Exception):
    """The archive is not read; `is_large`: for a cap, not because it is broken or none that can be read."""

    def __init__(self, *, is_large: bool = False) -> None:
        super().__init__()
        self.is_large = is_large


class _Entry(NamedTuple):
    name: bytes
    method: int
    size: int
    offset: int


def is_archive(octets: bytes) -> bool:
    """Whether the octets begin as an archive does."""
    return octets.startswith((_GZIP, _ZIP))


def unpacked(octets: bytes, suffix: bytes) -> bytes:
    """The file in an archive: of a zip the first member so named, or its only one. Raises `Refused`."""
    if not is_archive(octets):
        return _checked(octets, EXPANDED_OCTETS)
    if len(octets) > ARCHIVE_OCTETS:
        raise Refused(is_large=True)
    limit = min(EXPANDED_OCTETS, len(octets) * EXPANDED_RATIO)
    try:
        if octets.startswith(_GZIP):
            return _checked(_gunzipped(octets, limit + 1), limit)
        return _checked(_member(octets, _chosen(_entries(octets), suffix), limit + 1), limit)
    except (struct.error, zlib.error) as error:
        raise Refused from error


def unpacked_beginning(octets: bytes, suffix: bytes, size: int) -> bytes:
    """At most `size` octets of what `unpacked` would give; empty where it would raise early."""
    try:
        if octets.startswith(_GZIP):
            return zlib.decompressobj(_GZIP_WRAPPED).decompress(octets, size)
        if octets.startswith(_ZIP):
            return _member(octets, _chosen(_entries(octets), suffix), size)
    except (struct.error, zlib.error, Refused):
        return b""
    return octets[:size]


def _checked(octets: bytes, limit: int) -> bytes:
    if len(octets) > limit:
        raise Refused(is_large=True)
    return octets


def _gunzipped(octets: bytes, most: int) -> bytes:
    """At most `most` octets of all members, one behind the other (RFC 1952 §2.2)."""
    pieces: list[bytes] = []
    for _ in range(ARCHIVE_MEMBERS):
        stream = zlib.decompressobj(_GZIP_WRAPPED)
        pieces.append(stream.decompress(octets, most))
        most -= len(pieces[-1])
        octets = stream.unused_data
        if most == 0 or not octets.startswith(_GZIP):
            return b"".join(pieces)
    raise Refused(is_large=True)


def _entries(octets: bytes) -> list[_Entry]:
    """The central directory."""
    at = octets.rfind(_END_MARK, max(0, len(octets) - _END_OCTETS))
    if at < 0:
        raise Refused
    _, _, count, size, _, _ = _END.unpack_from(octets, at)
    if count > ARCHIVE_MEMBERS:
        raise Refused(is_large=True)
    at -= size  # not by its offset: what stands before the archive would shift it
    entries: list[_Entry] = []
    for _ in range(count):
        mark, flags, method, compressed, name, extra, comment, offset = _ENTRY.unpack_from(octets, max(at, 0))
        if mark != _ENTRY_MARK:
            raise Refused
        start = max(at, 0) + _ENTRY.size
        if not flags & _ENCRYPTED:
            entries.append(_Entry(octets[start : start + name], method, compressed, offset))
        at = start + name + extra + comment
    return entries


def _chosen(entries: list[_Entry], suffix: bytes) -> _Entry:
    named = [each for each in entries if each.name.lower().endswith(suffix) and not each.name.startswith(b"__MACOSX/")]
    if named:
        return named[0]
    if len(entries) != 1:
        raise Refused
    return entries[0]


def _member(octets: bytes, entry: _Entry, most: int) -> bytes:
    mark, name, extra = _LOCAL.unpack_from(octets, entry.offset)
    start = entry.offset + _LOCAL.size + name + extra
    if mark != _ZIP or entry.method not in (_STORED, _DEFLATED):
        raise Refused
    if entry.method == _STORED:
        return octets[start : start + min(entry.size, most)]
    return zlib.decompressobj(_RAW_DEFLATE).decompress(octets[start : start + entry.size], most)
