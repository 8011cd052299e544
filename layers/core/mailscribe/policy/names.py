"""Who is meant by a name: the index that VRFY and EXPN look in (RFC 5321 §3.5.1).

A local part or a full name is meant before a part of the name is, so that a `mable` is found though others have it as
their second name. Made once for a directory: a lookup costs what it finds, not what there is, for anybody may ask.
"""

from collections.abc import Iterable
from itertools import islice
from typing import Final

from mailscribe.policy.spelling import words

MAX_FOUND: Final = 20
"""Possibilities that are told of an ambiguous name; a question of five octets is not answered with a megabyte."""


class Names[T]:
    """What is found by local part, by full name, by some words of the name."""

    __slots__ = ("_by_local", "_by_name", "_by_word")

    def __init__(self) -> None:
        self._by_local: dict[str, dict[T, None]] = {}
        self._by_name: dict[tuple[str, ...], dict[T, None]] = {}
        self._by_word: dict[str, dict[T, None]] = {}

    def add(self, local: str, name: str, found: Iterable[T]) -> None:
        """Find these by that local part and that full name, which may be empty."""
        spoken = words(name)
        for each in found:
            self._by_local.setdefault(local.lower(), {})[each] = None
            if spoken:
                self._by_name.setdefault(spoken, {})[each] = None
            for word in spoken:
                self._by_word.setdefault(word, {})[each] = None

    def find(self, text: str) -> list[T]:
        """Those who are meant, at most `MAX_FOUND`; each once, in the order in which they were added."""
        spoken = words(text)
        exact = self._by_local.get(text.lower(), {}) | self._by_name.get(spoken, {})
        return list(islice(exact or self._by_words(spoken), MAX_FOUND))

    def _by_words(self, spoken: tuple[str, ...]) -> Iterable[T]:
        """Those in whose name all these words are: looked for among those of the rarest."""
        sets = sorted((self._by_word.get(word, {}) for word in spoken), key=len)
        return (each for each in sets[0] if all(each in other for other in sets[1:])) if sets else ()
