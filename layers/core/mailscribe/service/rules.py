"""The sets of rules that the API keeps: an object each under `config/rules/`, which front ends read.

A set is replaced whole, so two who write different sets never touch each other's. What has expired is not kept.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec
from msgspec import structs

from mailscribe.errors import NotFound, ObjectNotFound
from mailscribe.policy import Rule
from mailscribe.policy.rule_form import FormError, form_of, rule_of
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

    def names(self) -> list[str]:
        """All sets there are, in order."""
        keys = [info.key for info in self._objects.list(RULES)]
        return sorted(key.removeprefix(RULES).removesuffix(".json") for key in keys if key.endswith(".json"))

    def get(self, name: str) -> dict[str, Any]:
        """A set as it is told. Raises `NotFound`."""
        try:
            document = msgspec.json.decode(self._objects.get(rules_key(checked(name))))
        except ObjectNotFound:
            raise NotFound from None
        return {"name": name, "rules": list(document["rules"])}

    def put(self, name: str, document: object) -> dict[str, Any]:
        """Replace a set by what a request's body says; the set. Raises `FormError`, `NotFound` for no name."""
        rules = self._rules(checked(name), document)
        told = {"rules": [form_of(rule) for rule in rules]}
        self._objects.put(rules_key(name), [msgspec.json.encode(told)], content_type="application/json")
        return {"name": name, **told}

    def delete(self, name: str) -> None:
        """Take a set away. Raises `NotFound`."""
        self.get(name)
        self._objects.delete(rules_key(name))

    def delete_all(self) -> None:
        """Take all of them away."""
        for name in self.names():
            self._objects.delete(rules_key(name))

    def _rules(self, name: str, document: object) -> list[Rule]:
        if not isinstance(document, Mapping) or not isinstance(document.get("rules"), list):
            raise FormError(name, 'a body such as {"rules": [...]} is expected')
        unknown = set(document) - {"rules", "ttl"}
        if unknown:
            raise FormError(min(map(str, unknown)), "no such key; there are rules and ttl")
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


def _rule(index: int, form: object) -> Rule:
    try:
        return rule_of(form)
    except FormError as error:
        raise FormError(f"rules[{index}].{error.key}", str(error).removeprefix(f"{error.key}: ")) from None
