"""The directory file and the rules file: YAML, read so that every error has its line and its reason.

Only what is meant is taken: no unknown key, no key twice, no anchors, no text of more than a megabyte. A text is
read whole or refused whole, so who holds the last good value keeps it. Errors are `ConfigError`: "FILE:LINE: reason".
"""

from collections.abc import Iterator
from typing import Final, NoReturn

import yaml

from mailscribe.errors import ConfigError
from mailscribe.policy.rule_form import FormError, rule_of
from mailscribe.policy.rules import Rule, RuleSet

MAX_TEXT: Final = 1_000_000
MAX_DEPTH: Final = 8
FILE_SET: Final = "file"
"""The name of the set that the rules file is."""


class Entry:
    """A value of the file, with its place."""

    __slots__ = ("_node", "file")

    def __init__(self, node: yaml.Node, file: str) -> None:
        self._node = node
        self.file = file

    @property
    def line(self) -> int:
        """Where it begins, from 1."""
        return int(self._node.start_mark.line) + 1

    @property
    def is_null(self) -> bool:
        """Whether nothing was written."""
        return bool(self._node.tag == "tag:yaml.org,2002:null")

    def fail(self, reason: str) -> NoReturn:
        """Raise the error of this place."""
        raise ConfigError(f"{self.file}:{self.line}: {reason}")

    def items(self, what: str) -> Iterator[tuple[str, "Entry", "Entry"]]:
        """Key, its place and the value, of a mapping; an empty one may be left out."""
        if self.is_null:
            return
        if not isinstance(self._node, yaml.MappingNode):
            self.fail(f"{what}: a mapping is expected")
        seen: set[str] = set()
        for key_node, value_node in self._node.value:
            key = Entry(key_node, self.file)
            text = key.text(what)
            if text.lower() in seen:
                key.fail(f"{text!r} is there twice")
            seen.add(text.lower())
            yield text, key, Entry(value_node, self.file)

    def elements(self, what: str) -> list["Entry"]:
        """The elements of a list; an empty one may be left out."""
        if self.is_null:
            return []
        if not isinstance(self._node, yaml.SequenceNode):
            self.fail(f"{what}: a list is expected")
        return [Entry(node, self.file) for node in self._node.value]

    @property
    def is_list(self) -> bool:
        """Whether it is a list."""
        return isinstance(self._node, yaml.SequenceNode)

    def text(self, what: str) -> str:
        """A plain value, as it was written."""
        if not isinstance(self._node, yaml.ScalarNode):
            self.fail(f"{what}: a plain text is expected")
        value = str(self._node.value)
        if not value.isprintable():
            self.fail(f"{what}: control characters")
        return value

    def plain(self) -> object:
        """What YAML makes of it: mappings, lists, numbers, texts, times."""
        try:
            return yaml.constructor.SafeConstructor().construct_document(self._node)
        except (yaml.YAMLError, ValueError, OverflowError, TypeError):
            self.fail("a value that cannot be read")


def read_yaml(text: str, file: str) -> Entry | None:
    """The file's one value; None for an empty file. Raises `ConfigError`."""
    if len(text) > MAX_TEXT:
        raise ConfigError(f"{file}:1: longer than {MAX_TEXT} characters")
    try:
        _check_events(text, file)
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigError(f"{file}:{line}: {error.problem or 'no YAML'}") from None
    except yaml.YAMLError as error:
        raise ConfigError(f"{file}:1: {str(error).partition(chr(10))[0]}") from None
    return None if node is None else Entry(node, file)


def read_rules(text: str, file: str) -> RuleSet:
    """The rules of a file: a list of mappings. Raises `ConfigError`."""
    top = read_yaml(text, file)
    if top is None:
        return RuleSet(FILE_SET, ())
    return RuleSet(FILE_SET, tuple(_rule(entry) for entry in top.elements("rules")))


def _rule(entry: Entry) -> Rule:
    items = list(entry.items("rule"))
    places = {key: place for key, place, _ in items}
    try:
        return rule_of({key: value.plain() for key, _, value in items})
    except FormError as error:
        places.get(error.key, entry).fail(str(error))


def _check_events(text: str, file: str) -> None:
    """Before anything is built: no anchors, which multiply, and no depth that nobody needs."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        line = event.start_mark.line + 1 if event.start_mark else 1
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise ConfigError(f"{file}:{line}: anchors are not used here")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MAX_DEPTH:
            raise ConfigError(f"{file}:{line}: nested too deeply")
