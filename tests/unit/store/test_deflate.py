"""Streams for small values: any zlib reads them, their first octet is one of those named, small ones stay small."""

import zlib

import pytest

from mailscribe.store.deflate import FIRST_OCTETS, deflate


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 511, 512, 4095, 4096, 32_767, 32_768, 40_000, 400_000])
@pytest.mark.parametrize("level", [1, 3, 6])
def test_every_zlib_reads_it(size: int, level: int) -> None:
    data = bytes(number * number % 251 for number in range(size))
    stream = deflate(data, level)
    assert zlib.decompress(stream) == data
    assert stream.startswith(FIRST_OCTETS)


def test_what_zlib_makes_by_itself_is_known_by_its_first_octet() -> None:
    assert zlib.compress(b"{}").startswith(FIRST_OCTETS)
    assert not b"{}".startswith(FIRST_OCTETS)
    assert not b"derived/".startswith(FIRST_OCTETS)


def test_the_window_is_large_enough_for_all_of_the_data() -> None:
    data = bytes(number * number % 251 for number in range(3000)) * 2
    assert len(deflate(data, 6)) <= len(zlib.compress(data, 6)) + 8
