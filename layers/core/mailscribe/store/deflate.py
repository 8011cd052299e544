"""zlib for small values: streams (RFC 1950) whose window is no larger than what is in them.

To set up zlib's usual window of 32 KB takes 45 µs, ten times what it takes to compress a kilobyte.
"""

import zlib
from typing import Final

_LEAST: Final = 9
_MOST: Final = 15
"""Window sizes that zlib knows, as powers of two."""
_MEMORY: Final = 7
"""Less than the window's power by this is the memory level that suits it."""
FIRST_OCTETS: Final = tuple(bytes([bits - 8 << 4 | zlib.DEFLATED]) for bits in range(_LEAST, _MOST + 1))
"""What such a stream, or any other of zlib's, begins with."""


def deflate(data: bytes, level: int) -> bytes:
    """A zlib stream.

    >>> zlib.decompress(deflate(b"order 1042", 6))
    b'order 1042'
    """
    bits = min(max(len(data).bit_length(), _LEAST), _MOST)
    stream = zlib.compressobj(level, zlib.DEFLATED, bits, bits - _MEMORY)
    return stream.compress(data) + stream.flush()
