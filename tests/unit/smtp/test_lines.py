"""Only CRLF ends a command line; what is longer than the limit is given up without being held."""

import pytest

from mailscribe.smtp.lines import MAX_DISCARD, Line, LineBuffer
from support.machine import splits


def lines_of(limit: int, segments: list[bytes]) -> list[Line]:
    buffer, lines = LineBuffer(limit), []
    for segment in segments:
        buffer.feed(segment)
        while (line := buffer.next_line()) is not None:
            lines.append(line)
            if line.endless:
                return lines
    return lines


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"NOOP\r\n", [b"NOOP"]),
        (b"A\r\nB\r\n\r\nC\r\n", [b"A", b"B", b"", b"C"]),
        (b"A\nB\r\n", [b"A\nB"]),
        (b"A\rB\r\n", [b"A\rB"]),
        (b"A\r\r\n", [b"A\r"]),
        (b"A\n\r\n", [b"A\n"]),
        (b"A\0\r\nB", [b"A\0"]),
        (b"\r\n", [b""]),
    ],
)
def test_only_crlf_ends_a_line(data: bytes, expected: list[bytes]) -> None:
    for segments in splits(data):
        assert [line.data for line in lines_of(100, segments)] == expected


@pytest.mark.parametrize("length", [99, 100, 101, 102])
def test_limit(length: int) -> None:
    data = b"x" * (length - 2) + b"\r\nNOOP\r\n"
    for segments in splits(data):
        first, second = lines_of(100, segments)
        assert first == Line(b"x" * min(length - 2, 100), length, too_long=length > 100)
        assert second == Line(b"NOOP", 6)


@pytest.mark.parametrize("length", [MAX_DISCARD - 1, MAX_DISCARD, MAX_DISCARD + 1])
def test_discard_limit(length: int) -> None:
    data = b"x" * (length - 2) + b"\r\nNOOP\r\n"
    for size in (len(data), length - 2, length - 1, length, 1000, 997):
        segments = [data[start : start + size] for start in range(0, len(data), size)]
        lines = lines_of(100, segments)
        assert lines[0].too_long
        assert lines[0].endless == (length > MAX_DISCARD)
        assert len(lines[0].data) == 100
        assert len(lines) == (1 if length > MAX_DISCARD else 2)


def test_without_any_end_it_gives_up_at_the_limit() -> None:
    buffer = LineBuffer(100)
    buffer.feed(b"x" * (MAX_DISCARD - 2))
    assert buffer.next_line() is None
    buffer.feed(b"x")
    line = buffer.next_line()
    assert line is not None
    assert line.endless


def test_take_all_leaves_nothing() -> None:
    buffer = LineBuffer(100)
    buffer.feed(b"A\r\nrest")
    assert buffer.next_line() == Line(b"A", 3)
    assert len(buffer) == 4
    assert buffer.take_all() == b"rest"
    assert len(buffer) == 0
    buffer.feed(b"B\r\n")
    assert buffer.next_line() == Line(b"B", 3)


def test_half_a_line_can_be_taken() -> None:
    buffer = LineBuffer(4)
    assert buffer.take_partial() is None
    buffer.feed(b"MAI")
    assert buffer.next_line() is None
    assert buffer.take_partial() == Line(b"MAI", 5)
    buffer.feed(b"MAILMAIL")
    assert buffer.take_partial() == Line(b"MAIL", 10, too_long=True)
