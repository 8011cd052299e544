"""The judge of search, its ground: the things judged, how their texts are cut into words, what is contained in what."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mailscribe.query import Phrase, Prefix, Word
from mailscribe.records import MessageRecord, SessionRecord

_CJK = re.compile(r"([\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7a3])")


@dataclass(frozen=True, slots=True)
class Message:
    """A message as it was given to the index."""

    record: MessageRecord
    text: str
    commit: str

    @property
    def id(self) -> str:
        return self.record.id


@dataclass(frozen=True, slots=True)
class Talk:
    """A session as it was given to the index."""

    record: SessionRecord
    commit: str

    @property
    def id(self) -> str:
        return self.record.id


type Thing = Message | Talk
type Leaf = Word | Phrase | Prefix


def words(text: str) -> list[str]:
    plain = "".join(
        char
        for char in unicodedata.normalize("NFKD", text.casefold())
        if not ("\u0300" <= char <= "\u036f")  # the accents that the test's alphabet has
    )
    return re.findall(r"[^\W_]+", _CJK.sub(r" \1 ", unicodedata.normalize("NFC", plain)))


def says(leaf: Leaf, texts: Iterable[str]) -> bool:
    """Whether one of the texts holds the leaf's words next to one another."""
    wanted = words(leaf.text)
    return any(_contains(words(text), wanted, prefix=isinstance(leaf, Prefix)) for text in texts)


def same(have: str, wanted: str, *, prefix: bool) -> bool:
    """Whether the texts are the same but for case, or with `prefix` whether the one begins with the other."""
    have, wanted = have.casefold(), wanted.casefold()
    return have.startswith(wanted) if prefix else have == wanted


def is_mailbox(leaf: Leaf, email: str) -> bool:
    """Whether an address is meant: whole, by its local part, its domain, or a domain above."""
    prefix, wanted = isinstance(leaf, Prefix), leaf.text
    if wanted == "<>":
        return email == ""
    local, _, domain = email.rpartition("@")
    if wanted.startswith("@"):
        return same(domain, wanted[1:], prefix=prefix)
    if "@" in wanted:
        return same(email, wanted, prefix=prefix)
    return same(local, wanted, prefix=prefix) or is_under(leaf, domain)


def is_under(leaf: Leaf, domain: str) -> bool:
    """Whether a domain is the one meant, or below it."""
    labels = domain.split(".")
    return any(same(".".join(labels[at:]), leaf.text, prefix=isinstance(leaf, Prefix)) for at in range(len(labels)))


def _contains(have: Sequence[str], wanted: Sequence[str], *, prefix: bool) -> bool:
    size = len(wanted)
    for start in range(len(have) - size + 1):
        piece = have[start : start + size]
        if list(piece[:-1]) == list(wanted[:-1]) and same(piece[-1], wanted[-1], prefix=prefix):
            return True
    return False
