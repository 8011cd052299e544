"""The directory file and the rules file: YAML, read so that every error has its line and its reason.

Only what is meant is taken: no unknown key, no key twice at any depth, no anchors, no tags, no text of more than a
megabyte. A value is what it looks like and nothing more: true, a decimal number, a text. A file is read whole or
refused whole, so who holds the last good value keeps it. Errors are `ConfigError`: "FILE:LINE: reason".
"""

import re
from collections.abc import Iterator
from typing import Final, NoReturn

import yaml

from mailscribe.errors import ConfigError
from mailscribe.policy.rule_form import FormError, rule_of
from mailscribe.policy.rules import Rule, RuleSet

MAX_TEXT: Final = 1_000_000
"""Characters of a file, and bytes too where it is read as bytes."""
MAX_VALUE: Final = 1000
"""Characters of one value: more than an address, a name or a reply can have."""
MAX_DEPTH: Final = 8
FILE_SET: Final = "file"
"""The name of the set that the rules file is."""
LOADER: Final[type[yaml.SafeLoader]] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml's where it is there: 13 times as fast, with the same marks; a server reads a megabyte while it serves."""
_STRANGE: Final = re.compile("[^\\t\\n\\r\\x20-\\x7e\\x85\\xa0-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]")
"""What YAML 1.1 (section 5.1) does not let stand in a file."""
_WHOLE: Final = re.compile(r"[-+]?[0-9]{1,18}")
_TRUE: Final = ("true", "yes", "on")


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
        """What it is: a mapping, a list, true or false, nothing, a whole number, else the text as it was written."""
        if isinstance(self._node, yaml.MappingNode):
            return {key: value.plain() for key, _, value in self.items("mapping")}
        if self.is_list:
            return [each.plain() for each in self.elements("list")]
        text = self.text("value")
        match self._node.tag.rpartition(":")[2]:
            case "null":
                return None
            case "bool":
                return text.lower() in _TRUE
            case "int" if _WHOLE.fullmatch(text):
                return int(text)
            case _:
                return text


def decode(data: bytes, file: str) -> str:
    """The text of a file. Raises `ConfigError`."""
    if len(data) > MAX_TEXT:
        raise ConfigError(f"{file}:1: longer than {MAX_TEXT} bytes")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{file}:{line}: no UTF-8") from None


def read_yaml(text: str, file: str) -> Entry | None:
    """The file's one value; None for an empty file. Raises `ConfigError`."""
    if len(text) > MAX_TEXT:
        raise ConfigError(f"{file}:1: longer than {MAX_TEXT} characters")
    strange = _STRANGE.search(text)
    if strange is not None:
        line = text.count("\n", 0, strange.start()) + 1
        raise ConfigError(f"{file}:{line}: U+{ord(strange[0]):04X}, a character that cannot be in it")
    try:
        _check_events(text, file)
        node = yaml.compose(text, Loader=LOADER)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        last = max(len(text.splitlines()), 1)  # libyaml counts one more where the end is what is wrong
        raise ConfigError(f"{file}:{min(line, last)}: {error.problem or 'no YAML'}") from None
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
    """Before anything is built: no anchors, which multiply, no tags, nothing longer or deeper than anybody needs."""
    line, depth = 1, 0
    try:
        for event in yaml.parse(text, Loader=LOADER):
            line = event.start_mark.line + 1 if event.start_mark else line
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            reason = _objection(event, depth)
            if reason:
                raise ConfigError(f"{file}:{line}: {reason}")
    except (ValueError, OverflowError):  # of Python's own scanner, at escapes and versions that are out of all range
        raise ConfigError(f"{file}:{line}: no YAML, or what follows is none") from None


def _objection(event: yaml.Event, depth: int) -> str:
    if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
        return "anchors are not used here"
    if getattr(event, "tag", None):
        return "tags are not used here"
    if isinstance(event, yaml.ScalarEvent) and len(event.value) > MAX_VALUE:
        return f"a value of more than {MAX_VALUE} characters"
    return "nested too deeply" if depth > MAX_DEPTH else ""
