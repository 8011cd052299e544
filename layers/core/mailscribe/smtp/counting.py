"""How often a short pattern stands in a block, and where: several of these look at every octet of content.

With stringzilla, which front ends install, by the widest instructions that the processor has, at a quarter of the time
or less; without it, as functions are that never receive content, by `bytes.count` and `bytes.find`.
"""

from collections.abc import Callable

try:
    from stringzilla import count as _count
    from stringzilla import find as _find
except ImportError:
    _count, _find = bytes.count, bytes.find

count: Callable[[bytes, bytes], int] = _count
"""Occurrences of the second in the first that do not overlap."""

find: Callable[[bytes, bytes, int], int] = _find
"""Where the second stands first in the first from an offset within it, or -1."""
