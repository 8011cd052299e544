"""Object keys and record keys: the layout of the bucket and of the table, in one place.

Objects: `messages/yyyy/mm/dd/<ulid>.eml`, `sessions/yyyy/mm/dd/<ulid>.jsonl`, `inbound/…`, `derived/<ulid>/…`,
`refused/yyyy/mm/dd/<ulid>.eml`, `config/presence/<sha256>.json`, `index/<kind>/<generation>/<ulid>.sqlite`.
Records: see `RecordKeys`. The day of an id is the UTC day of its ULID.
"""

import hashlib
import re
from typing import Final

from mailscribe.ids import ULID, ulid_time
from mailscribe.store.ports import Key

MESSAGES: Final = "messages/"
SESSIONS: Final = "sessions/"
INBOUND: Final = "inbound/"
DERIVED: Final = "derived/"
REFUSED: Final = "refused/"
"""Content that was refused, kept for who wants to know what it was; never ingested."""
RULES: Final = "config/rules/"
"""Under which every object is a set of rules."""
INDEX: Final = "index/"
"""Segments; what no catalog names goes with the daily sweep."""
PRESENCE: Final = "config/presence/"
"""Under which every object says that somebody watches an address."""
TRIGGERS: Final = (MESSAGES, SESSIONS, INBOUND)
"""The prefixes whose new objects are ingested; template.yaml names the same."""

_FILE_NAME: Final = re.compile(rf"({ULID.pattern})\.(?:eml|jsonl)")


def message_key(ulid: str) -> str:
    """Object key of a message that came by SMTP.

    >>> message_key("01ARZ3NDEKTSV4RRFFQ69G5FAV")
    'messages/2016/07/30/01ARZ3NDEKTSV4RRFFQ69G5FAV.eml'
    """
    return f"{MESSAGES}{ulid_time(ulid):%Y/%m/%d}/{ulid}.eml"


def session_key(ulid: str) -> str:
    """Object key of a session's transcript."""
    return f"{SESSIONS}{ulid_time(ulid):%Y/%m/%d}/{ulid}.jsonl"


def refused_key(ulid: str) -> str:
    """Object key of content that was refused."""
    return f"{REFUSED}{ulid_time(ulid):%Y/%m/%d}/{ulid}.eml"


def derived_key(ulid: str, name: str) -> str:
    """Object key of something made from a message or session."""
    return f"{DERIVED}{ulid}/{name}"


def rules_key(name: str) -> str:
    """Object key of a set of rules."""
    return f"{RULES}{name}.json"


def presence_key(address: str) -> str:
    """Object key of what says that somebody watches an address, whose case does not count.

    >>> presence_key("Bob@test.org") == presence_key("bob@test.org")
    True
    """
    return f"{PRESENCE}{hashlib.sha256(address.lower().encode()).hexdigest()}.json"


def segment_key(kind: str, generation: int, ulid: str) -> str:
    """Object key of a segment of the index."""
    return f"{INDEX}{kind}/{generation}/{ulid}.sqlite"


def id_of_key(key: str) -> str | None:
    """The ULID of a message's or session's object key; None for any other key, also one of another day."""
    found = _FILE_NAME.fullmatch(key.rpartition("/")[2])
    return found[1] if found and key in (message_key(found[1]), session_key(found[1])) else None


def _day(ulid: str) -> str:
    return f"{ulid_time(ulid):%Y%m%d}"


def _shard(ulid: str, shards: int) -> int:
    return int.from_bytes(hashlib.blake2b(ulid.encode(), digest_size=4).digest()) % shards


class RecordKeys:
    """Keys of the table for a shard count.

    `M#<day>#<shard>` message · `S#…` session · `T#<kind>#<shard>` tail · `I#<hash>` message-id, ENVID ·
    `E#<yyyymmddhh>` events by commit sequence · `O#<shard>` open sessions · `D#` tombstone · `X#<shard>` the ids
    that have one · `G#<kind>#<generation>` segments and `head` · `G#` which generation · `K#<sha256>` token ·
    `K#cursor` cursor key.
    """

    def __init__(self, shards: int = 1) -> None:
        self.shards = shards

    def message(self, ulid: str) -> Key:
        """A message's record."""
        return Key(f"M#{_day(ulid)}#{_shard(ulid, self.shards)}", ulid)

    def session(self, ulid: str) -> Key:
        """A session's record."""
        return Key(f"S#{_day(ulid)}#{_shard(ulid, self.shards)}", ulid)

    def tail(self, kind: str, ulid: str) -> Key:
        """A document not yet sealed."""
        return Key(f"T#{kind}#{_shard(ulid, self.shards)}", ulid)

    def tails(self, kind: str) -> list[str]:
        """All partitions of the tail of a kind."""
        return [f"T#{kind}#{shard}" for shard in range(self.shards)]

    def open_session(self, ulid: str) -> Key:
        """Says that a session's record is open; its item is empty."""
        return Key(f"O#{_shard(ulid, self.shards)}", ulid)

    def open_sessions(self) -> list[str]:
        """All partitions of open sessions, each by time of opening."""
        return [f"O#{shard}" for shard in range(self.shards)]

    @staticmethod
    def message_id(message_id: str, ulid: str) -> Key:
        """Pointer from a Message-ID to a message that bears it; several may."""
        return Key(f"I#{hashlib.sha256(message_id.encode('utf-8', 'replace')).hexdigest()[:32]}", ulid)

    @classmethod
    def envelope_id(cls, envelope_id: str, ulid: str) -> Key:
        """Pointer from an ENVID (RFC 3461 §4.4, decoded) to a message that came with it; no Message-ID holds a NUL."""
        return cls.message_id(f"\0envid:{envelope_id}", ulid)

    @staticmethod
    def event(commit: str) -> Key:
        """An entry of the event feed, by its commit sequence."""
        return Key(f"E#{ulid_time(commit):%Y%m%d%H}", commit)

    @staticmethod
    def tombstone(ulid: str) -> Key:
        """Marks an id as deleted."""
        return Key(f"D#{ulid}", ulid)

    def grave(self, ulid: str) -> Key:
        """Says that an id has a tombstone; its item is the commit sequence of the removal."""
        return Key(f"X#{_shard(ulid, self.shards)}", ulid)

    def graves(self) -> list[str]:
        """All partitions of ids that have a tombstone."""
        return [f"X#{shard}" for shard in range(self.shards)]

    @staticmethod
    def segments(kind: str, generation: int) -> str:
        """The partition of a kind's catalog."""
        return f"G#{kind}#{generation}"

    @staticmethod
    def segment(kind: str, generation: int, ulid: str) -> Key:
        """A segment's row in the catalog."""
        return Key(RecordKeys.segments(kind, generation), ulid)

    @staticmethod
    def head(kind: str, generation: int) -> Key:
        """The row whose version every commit of that catalog bumps."""
        return Key(RecordKeys.segments(kind, generation), "head")

    @staticmethod
    def token(sha256: str) -> Key:
        """A bearer token, by the SHA-256 of its text."""
        return Key(f"K#{sha256}", "token")

    CURSOR: Final = Key("K#cursor", "key")
    GENERATIONS: Final = Key("G#", "generations")
    REINDEX: Final = Key("G#", "reindex")
