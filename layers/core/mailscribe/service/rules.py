"""The sets of rules that the API keeps: an object each under `config/rules/`, which front ends read.

A set is replaced whole, so two who write different sets never touch each other's. What has expired when its set is
put is not kept; what expires later is told with its end, so that a rule's number is what transcripts call it. An object
that is no set, which nobody put over the API, is not told, and can be taken away.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from msgspec import structs

from mailscribe.errors import NotFound, ObjectNotFound
from mailscribe.policy import Rule
from mailscribe.policy.rule_form import MAX_KEY, FormError, form_of, read_set, rule_of, write_set
from mailscribe.store.keys import RULES, rules_key
from mailscribe.store.ports import Objects

MAX_RULES: Final = 1000
MAX_TTL: Final = 366 * 86_400
NAME: Final = re.compile(r"[a-z0-9-]{1,64}")


class RuleSets:
    """Reads and writes the sets."""

    def __init__(self, objects: Objects, clock_ms: Callable[[], int]) -> None:
        self._objects = objects
        self._clock_ms = clock_ms

    def all(self) -> list[dict[str, Any]]:
        """The sets as they are told, in the order of their names, which is that in which they are asked."""
        found: list[dict[str, Any]] = []
        for name in self._names():
            with suppress(NotFound):  # taken away since it was listed, or none
                found.append(self.get(name))
        return found

    def get(self, name: str) -> dict[str, Any]:
        """A set as it is told. Raises `NotFound`."""
        try:
            rules = read_set(self._objects.get(rules_key(checked(name))))
        except (ObjectNotFound, FormError):
            raise NotFound from None
        return _told(name, rules)

    def put(self, name: str, document: object) -> dict[str, Any]:
        """Replace a set by what a request's body says; the set. Raises `FormError`, `NotFound` for no name."""
        rules = self._rules(checked(name), document)
        self._objects.put(rules_key(name), [write_set(rules)], content_type="application/json")
        return _told(name, rules)

    def delete(self, name: str) -> None:
        """Take a set away. Raises `NotFound`."""
        try:
            self._objects.head(rules_key(checked(name)))
        except ObjectNotFound:
            raise NotFound from None
        self._objects.delete(rules_key(name))

    def delete_all(self) -> None:
        """Take all of them away."""
        for name in self._names():
            self._objects.delete(rules_key(name))

    def _names(self) -> list[str]:
        """The names of all there are, in order."""
        return sorted(name for name in map(_name, self._keys()) if NAME.fullmatch(name))

    def _keys(self) -> Iterator[str]:
        after = ""
        while keys := [info.key for info in self._objects.list(RULES, after=after)]:
            yield from keys
            after = keys[-1]

    def _rules(self, name: str, document: object) -> list[Rule]:
        if not isinstance(document, Mapping) or not isinstance(document.get("rules"), list):
            raise FormError(name, 'a body such as {"rules": [...]} is expected')
        unknown = set(document) - {"rules", "ttl"}
        if unknown:
            raise FormError(min(map(str, unknown))[:MAX_KEY], "no such key; there are rules and ttl")
        forms = document["rules"]
        if len(forms) > MAX_RULES:
            raise FormError("rules", f"more than {MAX_RULES}")
        now = datetime.fromtimestamp(self._clock_ms() / 1000, UTC)
        ends = self._end(document, now)
        rules = [_rule(index, form) for index, form in enumerate(forms)]
        timed = [structs.replace(rule, expires=rule.expires or ends) for rule in rules]
        return [rule for rule in timed if rule.expires is None or rule.expires > now]

    @staticmethod
    def _end(document: Mapping[str, Any], now: datetime) -> datetime | None:
        if "ttl" not in document:
            return None
        seconds = document["ttl"]
        if type(seconds) is not int or not 1 <= seconds <= MAX_TTL:
            raise FormError("ttl", f"seconds, a whole number from 1 to {MAX_TTL}")
        return now + timedelta(seconds=seconds)


def checked(name: str) -> str:
    """The name, if it can be one. Raises `NotFound`."""
    if not NAME.fullmatch(name):
        raise NotFound
    return name


def _name(key: str) -> str:
    return key.removeprefix(RULES).removesuffix(".json")


def _told(name: str, rules: Iterable[Rule]) -> dict[str, Any]:
    return {"name": name, "rules": [form_of(rule) for rule in rules]}


def _rule(index: int, form: object) -> Rule:
    try:
        return rule_of(form)
    except FormError as error:
        raise FormError(f"rules[{index}].{error.key}", str(error).removeprefix(f"{error.key}: ")) from None
