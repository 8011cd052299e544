"""Where the policy in force comes from: files of the operator, and what the API has put under `config/`.

Everything is read anew when it has changed, without a restart. A text that cannot be used keeps the last good one, and
says so in the log, with line and reason; at the start it is a `ConfigError`. Rules of the API come before those of the
file, set by set in the order of their names.
"""

import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from mailscribe.errors import ConfigError
from mailscribe.policy import Directory, Disclosure, Policy, Rules, RuleSet
from mailscribe.policy.directory_file import read_directory
from mailscribe.policy.document import MAX_TEXT, decode, read_rules
from mailscribe.policy.rule_form import read_set
from mailscribe.settings import Settings

DIRECTORY: Final = "config/directory.yaml"
_logger = logging.getLogger(__name__)

type Stamp = tuple[int, int, int] | None


class PolicySource:
    """Holds the policy that all sessions share, and the files that it is made of."""

    def __init__(self, settings: Settings) -> None:
        """Raises `ConfigError`."""
        self._disclosure = Disclosure(settings.disclosure)
        self._directory = _File(settings.directory)
        self._rules = _File(settings.rules)
        self._file_rules = RuleSet("file", ())
        self._sets: dict[str, RuleSet] = {}
        self.policy = Policy(Directory.of_domains(settings.domains, self._disclosure), Rules())
        text = self._directory.changed()
        if text is not None:
            self._take_directory(text, settings.directory)
        text = self._rules.changed()
        if text is not None:
            self._take_rules(text, settings.rules)

    def refresh(self) -> None:
        """Look at the files again. Never raises."""
        for file, take in ((self._directory, self._take_directory), (self._rules, self._take_rules)):
            try:
                text = file.changed()
                if text is not None:
                    take(text, file.name)
            except ConfigError as error:
                _logger.error("%s; what was read before stays in force", error)  # noqa: TRY400 - no traceback of a typo

    def take_sets(self, documents: Mapping[str, bytes]) -> None:
        """The rule sets that the API keeps, by name; one that is none keeps what was there under its name."""
        found: dict[str, RuleSet] = {}
        for name, document in sorted(documents.items()):
            try:
                found[name] = RuleSet(name, read_set(document))
            except ConfigError as error:
                _logger.error("rules %s: %s; what was read before stays in force", name, error)  # noqa: TRY400
                if name in self._sets:
                    found[name] = self._sets[name]
        if found != self._sets:
            self._sets = found
            self._replace_rules()

    def take_directory(self, data: bytes) -> None:
        """A directory that the bucket keeps. Raises `ConfigError`, and then nothing has changed."""
        self._take_directory(decode(data, DIRECTORY), DIRECTORY)

    def _take_directory(self, text: str, name: str) -> None:
        self.policy.directory = read_directory(text, name, self._disclosure)

    def _take_rules(self, text: str, name: str) -> None:
        self._file_rules = read_rules(text, name)
        self._replace_rules()

    def _replace_rules(self) -> None:
        self.policy.rules.replace((*self._sets.values(), self._file_rules))


class _File:
    """A file that may change; an empty name is no file."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._stamp: Stamp = None

    def changed(self) -> str | None:
        """Its text when it is not what it was. Raises `ConfigError`."""
        if not self.name:
            return None
        try:
            found = os.stat(self.name)  # noqa: PTH116 - at every connection: no path objects
            stamp = found.st_mtime_ns, found.st_size, found.st_ino
            if stamp == self._stamp:
                return None
            with Path(self.name).open("rb") as opened:
                data = opened.read(MAX_TEXT + 1)
        except OSError as error:
            if self._stamp is None:
                raise ConfigError(f"{self.name}: {error.strerror}") from None
            return None
        self._stamp = stamp
        return decode(data, self.name)
