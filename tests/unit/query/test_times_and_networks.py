"""Days in zones whose clocks change, and networks of every length: each against what the standard library says."""

from datetime import UTC, date, datetime, timedelta
from ipaddress import IPv4Address, IPv6Address, ip_network
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailscribe.query import And, Moment, Operator, parse_query
from mailscribe.query.tags import ip_prefixes, ip_tag
from mailscribe.query.values import network

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
HOUR_MS = 3_600_000

CHANGES = [
    ("Europe/Berlin", date(2026, 3, 29)),
    ("Europe/Berlin", date(2026, 10, 25)),
    ("America/New_York", date(2026, 3, 8)),
    ("America/New_York", date(2026, 11, 1)),
    ("America/Sao_Paulo", date(2018, 11, 4)),  # there is no midnight
    ("America/Sao_Paulo", date(2018, 2, 17)),  # the last hour comes twice
    ("America/Havana", date(2026, 11, 1)),  # the first hour comes twice
    ("Australia/Lord_Howe", date(2026, 4, 5)),  # half an hour
    ("Pacific/Apia", date(2011, 12, 30)),  # a day that was left out
    ("Asia/Kathmandu", date(2026, 1, 1)),
    ("UTC", date(2026, 1, 1)),
]


def day(text: date, zone: str) -> tuple[int, int]:
    """The milliseconds between which a day lies."""
    tree = parse_query(f"on:{text.isoformat()}", "message", now=NOW, tz=ZoneInfo(zone))
    assert isinstance(tree, And)
    bounds = [part.value for part in tree.parts if isinstance(part, Operator)]
    start, end = bounds
    assert isinstance(start, Moment)
    assert isinstance(end, Moment)
    return start.ms, end.ms


@pytest.mark.parametrize(
    ("zone", "of", "hours"),
    [
        ("Europe/Berlin", date(2026, 3, 29), 23), ("Europe/Berlin", date(2026, 10, 25), 25),
        ("Europe/Berlin", date(2026, 10, 26), 24), ("America/Sao_Paulo", date(2018, 11, 4), 23),
        ("America/Sao_Paulo", date(2018, 2, 17), 25), ("America/Havana", date(2026, 11, 1), 25),
        ("Australia/Lord_Howe", date(2026, 4, 5), 24.5), ("Pacific/Apia", date(2011, 12, 30), 0),
        ("UTC", date(2026, 3, 29), 24),
    ],
)  # fmt: skip
def test_a_day_is_as_long_as_it_is_there(zone: str, of: date, hours: float) -> None:
    start, end = day(of, zone)
    assert end - start == hours * HOUR_MS


@given(st.sampled_from(CHANGES), st.integers(-36 * HOUR_MS, 60 * HOUR_MS), st.integers(-2, 2))
def test_a_moment_is_on_the_day_that_the_clock_there_shows(change: tuple[str, date], offset: int, days: int) -> None:
    zone, around = change
    midnight = datetime(around.year, around.month, around.day, tzinfo=UTC)
    ms = int(midnight.timestamp() * 1000) + offset
    asked = around + timedelta(days=days)
    start, end = day(asked, zone)
    shown = datetime.fromtimestamp(ms / 1000, ZoneInfo(zone)).date()
    assert (start <= ms < end) is (shown == asked)


@given(st.sampled_from(CHANGES), st.integers(-36 * 60, 60 * 60))
def test_a_time_without_an_offset_is_the_zone_s(change: tuple[str, date], minutes: int) -> None:
    zone, around = change
    local = datetime(around.year, around.month, around.day) + timedelta(minutes=minutes)  # noqa: DTZ001 (as typed)
    tree = parse_query(f"after:{local.isoformat()}", "session", now=NOW, tz=ZoneInfo(zone))
    assert isinstance(tree, Operator)
    assert isinstance(tree.value, Moment)
    shown = datetime.fromtimestamp(tree.value.ms / 1000, ZoneInfo(zone))
    is_skipped = shown.replace(tzinfo=None) != local
    assert shown.fold == 0
    if is_skipped:  # the clock never showed it: the moment is as long after the change as it seems to be
        assert local.replace(tzinfo=ZoneInfo(zone)).utcoffset() != shown.utcoffset()


v4 = st.integers(0, (1 << 32) - 1).map(IPv4Address)
v6 = st.integers(0, (1 << 128) - 1).map(IPv6Address)


@given(st.one_of(st.tuples(v4, st.integers(0, 32)), st.tuples(v6, st.integers(0, 128))), st.data())
def test_an_address_is_in_a_network_of_any_length(
    some: tuple[IPv4Address | IPv6Address, int], data: st.DataObject
) -> None:
    address, length = some
    asked = ip_network((address, length), strict=False)
    flipped = int(address) ^ (data.draw(st.sampled_from([0, 1])) << data.draw(st.integers(0, asked.max_prefixlen - 1)))
    near = type(address)(flipped)
    borne = ip_tag(str(near))
    assert borne is not None
    prefixes = list(ip_prefixes(network(f"{address}/{length}")))
    assert len(prefixes) <= 8
    if not isinstance(near, IPv6Address) or near.ipv4_mapped is None:
        assert any(borne.startswith(prefix) for prefix in prefixes) is (near in asked)


@given(v4, st.integers(0, 32), st.integers(0, 31))
def test_a_mapped_address_is_the_plain_one(address: IPv4Address, length: int, bit: int) -> None:
    plain = list(ip_prefixes(network(f"{address}/{length}")))
    assert list(ip_prefixes(network(f"::ffff:{address}/{length + 96}"))) == plain
    near = IPv4Address(int(address) ^ 1 << bit)
    assert ip_tag(f"::ffff:{near}") == ip_tag(str(near))
