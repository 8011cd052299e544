"""The directory file: who is here, in YAML, checked to the last address.

```
disclosure: all            # who is told by VRFY and EXPN: none, authenticated or all
domains:
  example.com: {max_size: 10m, unlisted: refuse}
mailboxes: {mable@example.com: Mable Merliney}
aliases: {support@example.com: mable@example.com}
lists:
  staff@example.com: {name: The staff, members: [mable@example.com, "Bob <bob@example.org>"]}
```
"""

import re
from typing import Final

from mailscribe.errors import ConfigError
from mailscribe.policy.directory import Directory, Disclosure, Domain, Mailbox, MailingList
from mailscribe.policy.document import Entry, read_yaml
from mailscribe.policy.spelling import plain_address, plain_domain

_ATOM: Final = r"[^\s@<>\"(),:;\[\]\\.]+"
_LABEL: Final = r"[^\s@<>\"(),:;\[\]\\.*]+"
_NAME: Final = rf"{_LABEL}(?:\.{_LABEL})*"
_ADDRESS: Final = re.compile(rf"(?=[^@]{{1,64}}@.{{1,255}}$){_ATOM}(?:\.{_ATOM})*@{_NAME}")
_DOMAIN: Final = re.compile(rf"\*|(?=.{{1,255}}$)(?:{_NAME}|\[[^\s\[\]\\]+\])")
_NAMED: Final = re.compile(r"(?P<name>[^<>]*?)\s*<(?P<email>[^<>]+)>")
_SIZE: Final = re.compile(r"(?P<number>[1-9][0-9]{0,11})(?P<unit>[kKmM]?)")
_UNITS: Final = {"": 1, "k": 1024, "m": 1024 * 1024}
_SECTIONS: Final = ("disclosure", "domains", "mailboxes", "aliases", "lists")


def read_directory(text: str, file: str, disclosure: Disclosure = Disclosure.NONE) -> Directory:
    """The directory that a file says; `disclosure` where it says none. Raises `ConfigError`."""
    top = read_yaml(text, file)
    if top is None:
        raise ConfigError(f"{file}:1: empty: at least `domains` is needed")
    reading = _Reading(disclosure)
    for key, place, value in top.items("directory"):
        if key not in _SECTIONS:
            place.fail(f"{key!r}: there are {', '.join(_SECTIONS)}")
        getattr(reading, key)(value)
    return reading.finish(top)


class _Reading:
    """The sections as they are read; checked against each other at the end."""

    def __init__(self, disclosure: Disclosure) -> None:
        self._disclosure = disclosure
        self._domains: dict[str, tuple[bool | None, int | None]] = {}
        self._mailboxes: list[Mailbox] = []
        self._aliases: dict[str, tuple[str, ...]] = {}
        self._lists: dict[str, MailingList] = {}
        self._places: dict[str, Entry] = {}

    def disclosure(self, value: Entry) -> None:
        try:
            self._disclosure = Disclosure(value.text("disclosure"))
        except ValueError:
            value.fail(f"disclosure: one of {', '.join(Disclosure)}")

    def domains(self, value: Entry) -> None:
        if value.is_list:
            for each in value.elements("domains"):
                self._add_domain(each.text("domains"), each, None, None)
            return
        for name, place, options in value.items("domains"):
            unlisted: bool | None = None
            size: int | None = None
            for key, where, option in options.items(name):
                if key == "unlisted":
                    unlisted = _choice(option)
                elif key == "max_size":
                    size = _size(option)
                else:
                    where.fail(f"{key!r}: there are max_size and unlisted")
            self._add_domain(name, place, unlisted, size)

    def mailboxes(self, value: Entry) -> None:
        for address, place, name in value.items("mailboxes"):
            full = "" if name.is_null else name.text("full name").strip()
            self._mailboxes.append(Mailbox(self._claim(address, place), full))

    def aliases(self, value: Entry) -> None:
        for address, place, targets in value.items("aliases"):
            entries = targets.elements("targets") if targets.is_list else [targets]
            if not entries:
                place.fail(f"{address!r}: an alias for nobody")
            self._aliases[plain_address(self._claim(address, place))] = tuple(_address(each) for each in entries)

    def lists(self, value: Entry) -> None:
        for address, place, options in value.items("lists"):
            name = ""
            members: tuple[Mailbox, ...] = ()
            for key, where, option in options.items(address):
                if key == "name":
                    name = option.text("name").strip()
                elif key == "members":
                    members = tuple(_member(each) for each in option.elements("members"))
                else:
                    where.fail(f"{key!r}: there are name and members")
            if not members:
                place.fail(f"{address!r}: a list of nobody")
            self._lists[plain_address(self._claim(address, place))] = MailingList(name, members)

    def finish(self, top: Entry) -> Directory:
        if not self._domains:
            top.fail("domains: none is there, so no mail would be taken")
        listed = {key.rpartition("@")[2] for key in self._places}
        for key, place in self._places.items():
            domain = key.rpartition("@")[2]
            if domain not in self._domains and "*" not in self._domains:
                place.fail(f"{key!r}: its domain is not among `domains`")
        self._check_cycles()
        domains = {
            name: Domain(name not in listed if unlisted is None else unlisted, size)
            for name, (unlisted, size) in self._domains.items()
        }
        return Directory(
            domains,
            mailboxes=self._mailboxes,
            aliases=self._aliases,
            lists=self._lists,
            disclosure=self._disclosure,
        )

    def _check_cycles(self) -> None:
        """An alias or list that in the end stands for itself is somebody's mistake."""
        edges = self._aliases | {
            key: tuple(member.email for member in each.members) for key, each in self._lists.items()
        }
        is_done: dict[str, bool] = {}
        for start in edges:
            path = [(start, iter(edges[start]))] if start not in is_done else []
            is_done.setdefault(start, False)
            while path:
                key, targets = path[-1]
                target = next(targets, None)
                if target is None:
                    is_done[key] = True
                    path.pop()
                    continue
                found = plain_address(target)
                if is_done.get(found) is False:
                    self._places[found].fail(f"{found!r}: stands for itself, by way of {key!r}")
                if found in edges and found not in is_done:
                    is_done[found] = False
                    path.append((found, iter(edges[found])))

    def _add_domain(self, name: str, place: Entry, unlisted: bool | None, size: int | None) -> None:
        if not _DOMAIN.fullmatch(name):
            place.fail(f"{name!r}: neither a domain nor *")
        if plain_domain(name) in self._domains:
            place.fail(f"{name!r} is there twice")
        self._domains[plain_domain(name)] = (unlisted, size)

    def _claim(self, address: str, place: Entry) -> str:
        if not _ADDRESS.fullmatch(address):
            place.fail(f"{address!r}: no address")
        former = self._places.setdefault(plain_address(address), place)
        if former is not place:
            place.fail(f"{address!r} is there already, in line {former.line}")
        return address


def _choice(option: Entry) -> bool:
    text = option.text("unlisted")
    if text not in ("accept", "refuse"):
        option.fail("unlisted: accept or refuse")
    return text == "accept"


def _size(option: Entry) -> int:
    found = _SIZE.fullmatch(option.text("max_size"))
    if found is None:
        option.fail("max_size: a number of bytes, with k or m for 1024 or 1024 times 1024 of them")
    return int(found["number"]) * _UNITS[found["unit"].lower()]


def _address(entry: Entry) -> str:
    text = entry.text("address")
    if not _ADDRESS.fullmatch(text):
        entry.fail(f"{text!r}: no address")
    return text


def _member(entry: Entry) -> Mailbox:
    text = entry.text("member")
    found = _NAMED.fullmatch(text)
    if found is None:
        return Mailbox(_address(entry))
    if not _ADDRESS.fullmatch(found["email"]):
        entry.fail(f"{text!r}: no address")
    return Mailbox(found["email"], found["name"].strip().strip('"'))
