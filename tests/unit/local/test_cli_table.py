"""Lists at any width: ids and times are never cut, nothing is wider than the terminal, cells line up."""

from datetime import UTC, datetime
from itertools import pairwise

import pytest
from rich.cells import cell_len

from mailscribe_local.cli.output import short_time
from mailscribe_local.cli.table import Column, layout, print_rows

_ID = "01M84KR2TB5XAS9T478Q0Q5JVJ"
_COLUMNS = (
    Column("id", style=lambda _: "cyan"),
    Column("received"),
    Column("from", least=18, is_detail=True),
    Column("to", least=18, is_detail=True),
    Column("subject", least=24),
)
_SHORT = (_ID, "17:00:00", "a@example.com", "b@example.org", "hello")
_LONG = (_ID, "11-02 09:30", "sender-of-much@shop.example.com", ", ".join(["b@example.org"] * 9), "ü" * 100)
_WIDE = (_ID, "17:00:00", "a@example.com", "", "日本語の件名はここにあります" * 5)


def _plain(width: int, *rows: tuple[str, ...]) -> list[str]:
    return [line.plain for line in layout(_COLUMNS, rows, width)]


def test_what_fits_is_a_table_no_wider_than_needed() -> None:
    assert _plain(200, _SHORT) == [
        "id                          received  from           to             subject",
        f"{_ID}  17:00:00  a@example.com  b@example.org  hello",
    ]


def test_a_narrow_terminal_gets_the_details_on_a_second_line() -> None:
    assert _plain(70, _SHORT) == [f"{_ID}  17:00:00  hello", "  from a@example.com  to b@example.org"]


def test_details_wrap_and_empty_ones_are_left_out() -> None:
    first, second, third = _plain(80, _LONG)
    assert first.startswith(f"{_ID}  11-02 09:30  üü")
    assert first.endswith("ü…")
    assert second == "  from sender-of-much@shop.example.com"
    assert third.startswith("  to b@example.org, b@example.org, ")
    assert third.endswith("…")
    assert _plain(60, _WIDE)[1] == "  from a@example.com"


@pytest.mark.parametrize("width", range(50, 240, 7))
def test_no_line_is_wider_than_the_terminal_and_ids_are_whole(width: int) -> None:
    lines = _plain(width, _SHORT, _LONG, _WIDE)
    assert max(map(cell_len, lines)) <= width
    assert sum(_ID in line for line in lines) == 3


def test_spare_width_goes_where_it_is_short() -> None:
    heading, row = _plain(130, _LONG)
    assert cell_len(row) == 130
    starts = [heading.index(column.name) for column in _COLUMNS] + [132]
    widths = [end - start - 2 for start, end in pairwise(starts)]
    assert widths[:2] == [26, 11]
    assert max(widths[2:]) - min(widths[2:]) <= 1


def test_the_empty_list_has_a_heading_only() -> None:
    assert _plain(80) == ["id  received  from  to  subject"]


def test_values_are_text_and_no_markup() -> None:
    assert _plain(200, (_ID, "17:00:00", "[red]a[/red]", "b", ":smile:"))[1].endswith("[red]a[/red]  b   :smile:")


def test_a_pipe_gets_everything_between_tabs(capsys: pytest.CaptureFixture[str]) -> None:
    print_rows(_COLUMNS, [_LONG])
    assert capsys.readouterr().out == "\t".join(_LONG) + "\n"


def test_times_of_today_are_times() -> None:
    now = datetime(2026, 11, 23, 0, 30, tzinfo=UTC)
    assert short_time("2026-11-23T00:00:00Z", now) == "00:00:00"
    assert short_time("2026-11-22T23:59:59Z", now) == "11-22 23:59"
