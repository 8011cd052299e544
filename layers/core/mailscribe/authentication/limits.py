"""Every limit of the checks of DKIM, ARC and DMARC, named: beyond one the result says so, and nothing is guessed.

A signature can only be judged by all that it covers, so what is beyond a limit is `neutral`, never `fail`; ARC has no
such verdict, and a chain beyond a limit has failed.
"""

from typing import NamedTuple

KB = 1024


class Limits(NamedTuple):
    """Sizes in octets unless the name says otherwise.

    >>> Limits(signatures=2).fields
    1000
    """

    header_block: int = 256 * KB
    """the header with its empty line; as the parser's"""
    fields: int = 1000
    """header fields; as the parser's"""
    signatures: int = 10
    """DKIM-Signature fields that are looked at, first to last; each may cost a look-up (RFC 6376 §8.4)"""
    tag_list: int = 8 * KB
    """one tag-list: a signature, a seal or a key record; no key of 8,192 bits and no `h=` of a mailer comes near"""
    tags: int = 50
    """tags of one tag-list; RFC 6376 defines fourteen"""
    key_records: int = 10
    """TXT records at the name of a key that are tried until one is a key; there should be one (RFC 6376 §3.6.2.2)"""
    rsa_bits_least: int = 1024
    """smaller keys must not be believed (RFC 8301 §3.2)"""
    rsa_bits_most: int = 8192
    """larger keys need not be (RFC 8301 §3.2 asks for 4,096)"""
    clock_skew: int = 300
    """seconds by which the signer's clock may differ from ours, for `t=` and `x=`"""
    arc_sets: int = 50
    """ARC sets (RFC 8617 §4.2.1: a chain with more has failed)"""
    tree_walk: int = 8
    """records that are asked for from one name upwards (RFC 9989 §4.10)"""
    dmarc_lookups: int = 40
    """records that are asked for in one check of DMARC: the walks of From, of SPF and of a few signers"""


LIMITS = Limits()
