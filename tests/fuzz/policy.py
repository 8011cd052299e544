"""Fuzz target: a directory file, a rules file and a rule over the API are read, or refused in words for people.

Input: an octet for which of them, then the text. What was read is then used: no address, name or session makes it fail.
"""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime

from mailscribe.errors import ConfigError
from mailscribe.policy import Rules, Stage
from mailscribe.policy.directory import Directory
from mailscribe.policy.directory_file import read_directory
from mailscribe.policy.document import read_rules
from mailscribe.policy.rule_form import form_of, rule_of
from mailscribe.policy.rules import Action, Facts, RuleSet
from support.dialogs import DIALOGS
from support.kinds import DIRECTORY, RULES

_NOW = datetime(1998, 5, 21, 18, 37, 24, tzinfo=UTC)
_PLACED = re.compile(r"file:[0-9]+: .+", re.DOTALL)
_ADDRESSES = (("a", "b"), ("c", "d"), ("postmaster", ""), ("ä", "xn--b"), ("", "b"), ("a b", "[192.0.2.1]"))
_FACTS = (
    Facts("192.0.2.7"),
    Facts("2001:db8::7", "a", "x", "", ("a@b",)),
    Facts("192.0.2.7", "A.B", None, "a@b", ("c@d", "ä@b", "Postmaster")),
)


def run(data: bytes) -> None:
    """Read it, and use it."""
    kind, text = data[:1], data[1:].decode("utf-8", "replace")
    try:
        if kind == b"d":
            use_directory(read_directory(text, "file"))
        elif kind == b"r":
            use_rules(read_rules(text, "file"))
        else:
            use_form(text)
    except ConfigError as error:
        if kind in (b"d", b"r") and not _PLACED.fullmatch(str(error)):
            raise AssertionError("nobody is told where") from error


def use_directory(directory: Directory) -> None:
    """Every question that a session asks, about what is there and what is not."""
    for local, domain in _ADDRESSES:
        directory.standing(local, domain)
        delivered = directory.expand(local, domain, f"{local}@{domain}")
        assert len({each.email.lower() for each in delivered}) == len(delivered)
        size = directory.max_size(domain)
        assert size is None or size > 0
        for text in (local, f"{local}@{domain}", f"<{local}@{domain}>"):
            directory.verify(text)
            directory.members(text)


def use_rules(given: RuleSet) -> None:
    """Every stage, of sessions that know more or less."""
    rules = Rules([given])
    for stage in Stage:
        for facts in _FACTS:
            verdict = rules.judge(stage, facts, _NOW)
            if verdict.action is Action.REJECT:
                assert 400 <= verdict.code <= 599
                assert verdict.text.isascii()
                assert verdict.text.isprintable()
            assert verdict.delay_ms >= 0
            assert verdict.throttle >= 0
    for rule in given.rules:
        assert rule_of(form_of(rule)) == rule
        json.dumps(form_of(rule))


def use_form(text: str) -> None:
    """A rule in JSON."""
    try:
        form = json.loads(text)
    except (ValueError, RecursionError):
        return
    use_rules(RuleSet("api", (rule_of(form),)))


def seeds() -> Iterator[bytes]:
    """Of each kind what the tests have."""
    yield b"d" + DIRECTORY.encode()
    yield b"r" + RULES.encode()
    for rule in read_rules(RULES, "file").rules:
        yield b"f" + json.dumps(form_of(rule)).encode()
    for path in DIALOGS:
        lines = path.read_text().splitlines()
        for kind, mark, before in ((b"d", "directory ", ""), (b"r", "rule ", "- ")):
            texts = [before + line.removeprefix(mark) for line in lines if line.startswith(mark)]
            if texts:
                yield kind + "\n".join(texts).encode()
