"""The fuzz targets by name: what takes any octets and must not raise, and what it begins with.

A finding is a file under `found/TARGET/`; every one is a test from then on.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from fuzz import message, page, policy, proxy, record, session

FOUND = Path(__file__).parent / "found"
_WORDS = (
    b"\r\n",
    b"\xff\xf0",
    b"\0",
    b".",
    b"\r\n.\r\n",
    b"AUTH ",
    b"BDAT ",
    b"DATA\r\n",
    b"STARTTLS\r\n",
    b": ",
    b"- ",
)


def change(data: bytearray, corpus: list[bytes], chance: random.Random) -> None:
    """One change: an octet, a word, a piece less, twice, or of another."""
    start, size = chance.randint(0, len(data)), chance.randint(1, 12)
    match chance.randrange(6):
        case 0 if start < len(data):
            data[start] = chance.randrange(256)
        case 1:
            data[start:start] = chance.choice(_WORDS)
        case 2:
            del data[start : start + size]
        case 3:
            data[start:start] = data[start : start + size]
        case 4:
            other = chance.choice(corpus)
            place = chance.randint(0, len(other))
            data[start:start] = other[place : place + 4 * size]
        case _:
            data[start : start + 1] = bytes([chance.randrange(256)])


@dataclass(frozen=True, slots=True)
class Target:
    """`run` raises for what must not be. `share` of the time that there is. `change` makes one change to a seed."""

    run: Callable[[bytes], None]
    seeds: Callable[[], Iterator[bytes]]
    share: int
    change: Callable[[bytearray, list[bytes], random.Random], None] = change


TARGETS = {
    "message": Target(message.run, message.seeds, 6, message.change),
    "session": Target(session.run, session.seeds, 6),
    "page": Target(page.run, page.seeds, 3, page.change),
    "record": Target(record.run, record.seeds, 2),
    "policy": Target(policy.run, policy.seeds, 2),
    "proxy": Target(proxy.run, proxy.seeds, 1),
}


def found(name: str) -> list[Path]:
    """What was found with a target before."""
    return sorted((FOUND / name).glob("*"))


def mutations(target: Target, chance: random.Random) -> Iterator[bytes]:
    """Without end: one of the seeds, changed here and there."""
    corpus = list(target.seeds())
    while True:
        data = bytearray(chance.choice(corpus))
        for _ in range(chance.randint(1, 6)):
            target.change(data, corpus, chance)
        yield bytes(data)
