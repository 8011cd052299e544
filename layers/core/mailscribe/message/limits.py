"""Every limit of the parser, named: beyond one the message is still recorded, with a defect that says so.

Nothing that a limit cuts off is lost: the bytes stay where they are and the ranges still cover them.
"""

from typing import NamedTuple

KB = 1024


class Limits(NamedTuple):
    """Sizes in octets unless the name says otherwise; one value for the whole message unless it says `per`.

    >>> Limits(nesting=2).parts
    10000
    """

    header_block: int = 256 * KB
    """per header block: fields that begin beyond it are not read (RFC 5322 sets none; Postfix: 100 KB)"""
    fields: int = 1000
    """fields per header block"""
    field: int = 64 * KB
    """value of one field; the rest of the value is left out"""
    nesting: int = 100
    """multiparts inside multiparts (Exim and Python's own parser have none; Postfix: 100)"""
    parts: int = 10_000
    """leaf parts, multiparts and files within texts together"""
    text: int = 256 * KB
    """decoded text for the index, as UTF-8"""
    preview: int = 256
    """characters of the preview (RFC 8621 §4.1.4)"""
    defects: int = 1000
    """defects listed"""


LIMITS = Limits()
